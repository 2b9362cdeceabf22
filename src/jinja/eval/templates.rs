//! Other templates: `include`, `import`, `extends` and the blocks that they share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::Interpreter;
use crate::jinja::ast::{BlockBody, Expr, Include, Stmt, Template};
use crate::jinja::error::{Error, ErrorKind};
use crate::jinja::object::{Args, Object};
use crate::jinja::ops;
use crate::jinja::output::Output;
use crate::jinja::scope::Scope;
use crate::jinja::value::{Entries, Key, Value};

/// How deep templates include or extend each other.
const MAX_INCLUDES: usize = 50;

/// The blocks of a template and of those that it extends, the most derived first, and what is extended.
#[derive(Default)]
pub(super) struct Blocks {
    by_name: HashMap<Arc<str>, Vec<Arc<BlockBody>>>,
    parent: Option<Arc<Template>>,
}

impl Interpreter<'_> {
    /// Runs a template, then those that it extends.
    pub(super) fn run_template(&mut self, template: &Template, out: &mut Output) -> Result<(), Error> {
        let outer = std::mem::take(&mut self.blocks);
        let done = self.run_derived(template, out);
        self.blocks = outer;
        done
    }

    fn run_derived(&mut self, template: &Template, out: &mut Output) -> Result<(), Error> {
        collect(&template.body, &mut self.blocks.by_name);
        self.look_up_all(&template.names)?;
        self.run_root(&template.body, out)?;
        let mut count = 0;
        while let Some(parent) = self.blocks.parent.take() {
            count += 1;
            if count > MAX_INCLUDES {
                return Err(Error::ansible("templates extend each other without end"));
            }
            collect(&parent.body, &mut self.blocks.by_name);
            self.look_up_all(&parent.names)?;
            self.run_root(&parent.body, out)?;
        }
        Ok(())
    }

    /// Runs the statements of a template itself. What follows an `extends` writes nothing.
    fn run_root(&mut self, body: &[Stmt], out: &mut Output) -> Result<(), Error> {
        for stmt in body {
            if self.blocks.parent.is_none() {
                self.run(std::slice::from_ref(stmt), out)?;
            } else if !matches!(stmt, Stmt::Block(_)) {
                self.run(std::slice::from_ref(stmt), &mut Output::default())?;
            }
        }
        Ok(())
    }

    pub(super) fn extend(&mut self, name: &Expr) -> Result<(), Error> {
        let name = self.eval(name)?;
        if self.blocks.parent.is_some() {
            return Err(Error::exception("extended multiple times"));
        }
        let names = [name];
        self.blocks.parent = Some(self.find_template(&names)?.ok_or_else(|| not_found(&names))?);
        Ok(())
    }

    pub(super) fn block(&mut self, block: &BlockBody, out: &mut Output) -> Result<(), Error> {
        let scope = if block.scoped { self.scope.nested() } else { self.root.nested() };
        self.run_block(&block.name, 0, scope, out)
    }

    fn run_block(
        &mut self,
        name: &Arc<str>,
        level: usize,
        scope: Arc<Scope>,
        out: &mut Output,
    ) -> Result<(), Error> {
        let bodies = self.blocks.by_name.get(name);
        let Some(body) = bodies.and_then(|bodies| bodies.get(level)).cloned() else { return Ok(()) };
        if body.required {
            return Err(Error::exception(format!("Required block '{name}' not found")));
        }
        let above = bodies.is_some_and(|bodies| bodies.len() > level + 1);
        let parent = if above {
            Value::Object(Arc::new(Super { name: Arc::clone(name), level: level + 1 }))
        } else {
            Value::undefined_hint(format!("there is no parent block called '{name}'."))
        };
        scope.set("super", parent);
        scope.set("self", Value::Object(Arc::new(SelfObject)));
        self.within(scope, |this| this.run(&body.body, out)).map(|_| ())
    }

    /// What a block writes, as a value.
    fn block_text(&mut self, name: &Arc<str>, level: usize) -> Result<Value, Error> {
        let mut inner = Output::default();
        let scope = self.root.nested();
        self.run_block(name, level, scope, &mut inner)?;
        Ok(self.finish(inner))
    }

    pub(super) fn include(&mut self, include: &Include, out: &mut Output) -> Result<(), Error> {
        let names = self.eval(&include.name)?;
        let names = if names.is_sequence() { ops::iterate(&names)? } else { vec![names] };
        let Some(template) = self.find_template(&names)? else {
            return if include.ignore_missing { Ok(()) } else { Err(not_found(&names)) };
        };
        self.includes += 1;
        if self.includes > MAX_INCLUDES {
            return Err(Error::ansible("templates include each other without end"));
        }
        let scope = if include.with_context { self.scope.nested() } else { Scope::isolated() };
        let outer = std::mem::replace(&mut self.root, Arc::clone(&scope));
        let done = self.within(scope, |this| this.run_template(&template, out));
        self.root = outer;
        self.includes -= 1;
        done
    }

    /// The names that a template sets.
    pub(super) fn import(&mut self, name: &Expr, with_context: bool) -> Result<Entries, Error> {
        let names = vec![self.eval(name)?];
        let template = self.find_template(&names)?.ok_or_else(|| not_found(&names))?;
        let scope = if with_context { self.scope.nested() } else { Scope::isolated() };
        let mut out = Output::default();
        let outer = std::mem::replace(&mut self.root, Arc::clone(&scope));
        let done = self.within(Arc::clone(&scope), |this| this.run_template(&template, &mut out));
        self.root = outer;
        done?;
        let exported = scope.own().into_iter().filter(|(name, _)| !name.starts_with('_'));
        Ok(exported.map(|(name, value)| (Key::from(name.as_ref()), value)).collect())
    }

    fn find_template(&mut self, names: &[Value]) -> Result<Option<Arc<Template>>, Error> {
        for name in names {
            ops::defined(name)?;
            let name = PathBuf::from(name.to_string());
            if let Some(path) = self.templar.find_include(&name) {
                return self.templar.load_template(&path).map(Some);
            }
        }
        Ok(None)
    }
}

/// Notes the blocks of a template, also those within other statements.
fn collect(stmts: &[Stmt], blocks: &mut HashMap<Arc<str>, Vec<Arc<BlockBody>>>) {
    for stmt in stmts {
        match stmt {
            Stmt::Block(block) => {
                blocks.entry(Arc::clone(&block.name)).or_default().push(Arc::clone(block));
                collect(&block.body, blocks);
            }
            Stmt::If(_, then, otherwise) => {
                collect(then, blocks);
                collect(otherwise, blocks);
            }
            Stmt::For(it) => {
                collect(&it.body, blocks);
                collect(&it.otherwise, blocks);
            }
            Stmt::With(_, body) | Stmt::FilterBlock(_, body) | Stmt::SetBlock(_, _, body) => {
                collect(body, blocks)
            }
            _ => {}
        }
    }
}

fn not_found(names: &[Value]) -> Error {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Error::new(
        ErrorKind::Exception,
        match names.as_slice() {
            [name] => name.clone(),
            [] => "Tried to select from an empty list of templates.".to_owned(),
            names => format!("none of the templates given were found: {}", names.join(", ")),
        },
    )
}

/// A name that an imported template lacks.
pub(super) fn not_exported(name: &str) -> Value {
    Value::undefined_hint(format!("the template does not export the requested name '{name}'"))
}

/// `super`: the same block of the template that is extended.
#[derive(Debug)]
struct Super {
    name: Arc<str>,
    level: usize,
}

impl Object for Super {
    fn type_name(&self) -> &'static str {
        "BlockReference"
    }

    fn attribute(&self, name: &Value, interpreter: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        let above = interpreter.blocks.by_name.get(&self.name).is_some_and(|it| it.len() > self.level + 1);
        Ok((name.as_str() == Some("super") && above)
            .then(|| Value::Object(Arc::new(Super { name: Arc::clone(&self.name), level: self.level + 1 }))))
    }

    fn call(&self, _: Args, interpreter: &mut Interpreter<'_>) -> Result<Value, Error> {
        interpreter.block_text(&self.name, self.level)
    }

    fn callable(&self) -> bool {
        true
    }
}

/// `self`: the blocks of the template as functions.
#[derive(Debug)]
struct SelfObject;

impl Object for SelfObject {
    fn type_name(&self) -> &'static str {
        "TemplateReference"
    }

    fn attribute(&self, name: &Value, interpreter: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        let name = name.as_str().unwrap_or_default();
        let found = interpreter.blocks.by_name.get_key_value(name).map(|(name, _)| Arc::clone(name));
        Ok(found.map(|name| Value::Object(Arc::new(Super { name, level: 0 }) as Arc<dyn Object>)))
    }
}
