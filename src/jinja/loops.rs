//! The `loop` variable of `{% for %}`.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::ast::For;
use super::error::Error;
use super::eval::Interpreter;
use super::object::{Args, Object};
use super::ops;
use super::scope::Scope;
use super::value::Value;

/// The state of one running loop, shared with whoever holds `loop`.
#[derive(Clone)]
pub(super) struct Loop(Arc<State>);

struct State {
    items: Vec<Value>,
    depth: usize,
    index: AtomicUsize,
    last_changed: Mutex<Option<Vec<Value>>>,
    /// The loop itself and the scope around it, if it may be called again.
    recursive: Option<(Arc<For>, Arc<Scope>)>,
}

impl fmt::Debug for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Loop {
    /// A loop over these items.
    #[must_use]
    pub(super) fn new(it: &Arc<For>, scope: &Arc<Scope>, items: Vec<Value>, depth: usize) -> Self {
        Loop(Arc::new(State {
            items,
            depth,
            index: AtomicUsize::new(0),
            last_changed: Mutex::default(),
            recursive: it.recursive.then(|| (Arc::clone(it), Arc::clone(scope))),
        }))
    }

    /// How many items there are.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Goes to the item with this index.
    pub(super) fn advance(&self, index: usize) {
        self.0.index.store(index, Ordering::Relaxed);
    }

    /// The item with this index.
    #[must_use]
    pub(super) fn item(&self, index: usize) -> Value {
        self.0.items.get(index).cloned().unwrap_or(Value::None)
    }

    fn index(&self) -> usize {
        self.0.index.load(Ordering::Relaxed)
    }

    fn cycle(&self, args: &Args) -> Result<Value, Error> {
        if args.positional.is_empty() {
            return Err(Error::type_error("no items for cycling given"));
        }
        Ok(args.positional[self.index() % args.positional.len()].clone())
    }

    fn changed(&self, args: Args) -> Result<bool, Error> {
        let mut last = self.0.last_changed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_ref() {
            last.iter().chain(&args.positional).try_for_each(ops::defined)?;
        }
        let changed = last.as_ref() != Some(&args.positional);
        *last = Some(args.positional);
        Ok(changed)
    }
}

impl Object for Loop {
    fn type_name(&self) -> &'static str {
        "LoopContext"
    }

    fn attribute(&self, name: &Value, _: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        let (index, len, depth) = (self.index(), self.len(), self.0.depth);
        Ok(Some(match name.as_str().unwrap_or_default() {
            "index" => Value::from(index + 1),
            "index0" => Value::from(index),
            "revindex" => Value::from(len - index),
            "revindex0" => Value::from(len - index - 1),
            "first" => Value::Bool(index == 0),
            "last" => Value::Bool(index + 1 == len),
            "length" => Value::from(len),
            "depth" => Value::from(depth + 1),
            "depth0" => Value::from(depth),
            "previtem" if index > 0 => self.item(index - 1),
            "previtem" => Value::undefined_hint("there is no previous item"),
            "nextitem" if index + 1 < len => self.item(index + 1),
            "nextitem" => Value::undefined_hint("there is no next item"),
            "cycle" => Value::Object(Arc::new(LoopMethod { state: self.clone(), cycles: true })),
            "changed" => Value::Object(Arc::new(LoopMethod { state: self.clone(), cycles: false })),
            _ => return Ok(None),
        }))
    }

    fn call(&self, mut args: Args, interpreter: &mut Interpreter<'_>) -> Result<Value, Error> {
        let Some((it, scope)) = &self.0.recursive else {
            return Err(Error::type_error(
                "The loop must have the 'recursive' marker to be called recursively.",
            ));
        };
        let items = args.get(0, "iterable")?.ok_or_else(|| {
            Error::type_error("LoopContext.__call__() missing 1 required positional argument: 'iterable'")
        })?;
        interpreter.recurse(it, scope, items, self.0.depth + 1)
    }

    fn callable(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        format!("<LoopContext {}/{}>", self.index() + 1, self.len())
    }
}

/// `loop.cycle` and `loop.changed`, bound to their loop.
#[derive(Debug)]
struct LoopMethod {
    state: Loop,
    cycles: bool,
}

impl Object for LoopMethod {
    fn type_name(&self) -> &'static str {
        "method"
    }

    fn call(&self, args: Args, _: &mut Interpreter<'_>) -> Result<Value, Error> {
        if self.cycles { self.state.cycle(&args) } else { self.state.changed(args).map(Value::Bool) }
    }

    fn callable(&self) -> bool {
        true
    }
}
