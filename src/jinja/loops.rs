//! The `loop` variable of `{% for %}`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::Error;
use super::eval::Interpreter;
use super::object::{Args, Object};
use super::value::Value;

/// The state of one running loop.
#[derive(Debug)]
pub(super) struct Loop {
    items: Vec<Value>,
    depth: usize,
    index: AtomicUsize,
    last_changed: Mutex<Option<Vec<Value>>>,
}

impl Loop {
    /// A loop over these items.
    #[must_use]
    pub(super) fn new(items: Vec<Value>, depth: usize) -> Self {
        Loop { items, depth, index: AtomicUsize::new(0), last_changed: Mutex::default() }
    }

    /// How many items there are.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Goes to the item with this index.
    pub(super) fn advance(&self, index: usize) {
        self.index.store(index, Ordering::Relaxed);
    }

    /// The item with this index.
    #[must_use]
    pub(super) fn item(&self, index: usize) -> Value {
        self.items.get(index).cloned().unwrap_or(Value::None)
    }

    fn cycle(&self, args: &Args) -> Result<Value, Error> {
        if args.positional.is_empty() {
            return Err(Error::type_error("no items for cycling given"));
        }
        Ok(args.positional[self.index.load(Ordering::Relaxed) % args.positional.len()].clone())
    }

    fn changed(&self, args: Args) -> bool {
        let mut last = self.last_changed.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = last.as_ref() != Some(&args.positional);
        *last = Some(args.positional);
        changed
    }
}

impl Object for Loop {
    fn type_name(&self) -> &'static str {
        "LoopContext"
    }

    fn attribute(&self, name: &Value, _: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        let (index, len) = (self.index.load(Ordering::Relaxed), self.items.len());
        Ok(Some(match name.as_str().unwrap_or_default() {
            "index" => Value::from(index + 1),
            "index0" => Value::from(index),
            "revindex" => Value::from(len - index),
            "revindex0" => Value::from(len - index - 1),
            "first" => Value::Bool(index == 0),
            "last" => Value::Bool(index + 1 == len),
            "length" => Value::from(len),
            "depth" => Value::from(self.depth + 1),
            "depth0" => Value::from(self.depth),
            "previtem" if index > 0 => self.item(index - 1),
            "previtem" => Value::undefined_hint("there is no previous item"),
            "nextitem" if index + 1 < len => self.item(index + 1),
            "nextitem" => Value::undefined_hint("there is no next item"),
            "cycle" | "changed" => {
                let method = name.as_str().unwrap_or_default().to_owned();
                let state = Loop {
                    items: self.items.clone(),
                    depth: self.depth,
                    index: AtomicUsize::new(index),
                    last_changed: Mutex::default(),
                };
                Value::Object(std::sync::Arc::new(LoopMethod { state, method }))
            }
            _ => return Ok(None),
        }))
    }
}

/// `loop.cycle` and `loop.changed`, bound to their loop.
#[derive(Debug)]
struct LoopMethod {
    state: Loop,
    method: String,
}

impl Object for LoopMethod {
    fn type_name(&self) -> &'static str {
        "method"
    }

    fn call(&self, args: Args, _: &mut Interpreter<'_>) -> Result<Value, Error> {
        if self.method == "cycle" {
            self.state.cycle(&args)
        } else {
            Ok(Value::Bool(self.state.changed(args)))
        }
    }

    fn callable(&self) -> bool {
        true
    }
}
