//! A set of parsed templates that call each other by name; compiled once, shared between threads.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::Template;
use super::parse::Unit;
use super::{Functions, ParseError, Str};

/// Templates and the functions that they may call. A clone is cheap and independent.
#[derive(Clone)]
pub struct Set {
    name: &'static str,
    functions: Functions,
    templates: Arc<HashMap<Str, Arc<Template>>>,
}

impl Set {
    /// An empty set; `name` stands for it in errors and is the name under which `tpl` text is parsed
    /// (Helm's is `gotpl`).
    #[must_use]
    pub fn new(name: &'static str, functions: Functions) -> Self {
        Self { name, functions, templates: Arc::default() }
    }

    /// Parses a text and adds it as the template `name` together with its definitions.
    ///
    /// A definition replaces an earlier one of its name, but one of only space and comments never
    /// replaces anything (Go's `Template.Parse`).
    ///
    /// # Errors
    /// The text is no template, or uses an unknown function; the set is unchanged then.
    pub fn parse(&mut self, name: &str, source: &[u8]) -> Result<(), ParseError> {
        let unit = Unit::parse(name, source, &self.functions)?;
        let templates = Arc::make_mut(&mut self.templates);
        for template in unit.templates {
            if !template.empty || !templates.contains_key(&template.name[..]) {
                templates.insert(template.name.clone(), template);
            }
        }
        Ok(())
    }

    /// The name that stands for the set in errors.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The functions that the templates may call.
    #[must_use]
    pub fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Whether there is a template of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.templates.contains_key(name.as_bytes())
    }

    /// The names of the templates, in no order.
    pub fn names(&self) -> impl Iterator<Item = &Str> {
        self.templates.keys()
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Arc<Template>> {
        self.templates.get(name)
    }
}
