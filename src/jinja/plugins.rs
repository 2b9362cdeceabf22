//! The filters, tests and lookups that templates may name.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::PluginKind;
use super::error::Error;
use super::eval::Interpreter;
use super::lookups::{Lookup, Options};
use super::object::Args;
use super::templar::Templar;
use super::value::Value;

/// What a filter does: the piped value, the arguments.
pub type Filter = fn(&mut Interpreter<'_>, Value, Args) -> Result<Value, Error>;

/// What a test does.
pub type Test = fn(&mut Interpreter<'_>, Value, Args) -> Result<bool, Error>;

/// Plugins that content brings along, in a language of their own.
pub trait Foreign: Send + Sync {
    /// Whether there is a plugin of this kind and name.
    fn has(&self, kind: PluginKind, name: &str) -> bool;

    /// Why plugins of this kind, which lie beside the content, cannot be used; none when they can, or there are none.
    fn problem(&self, kind: PluginKind, name: &str) -> Option<String>;

    /// Calls one: with the piped value and the arguments, or with the list of the terms of a lookup.
    ///
    /// # Errors
    /// Whatever it raises; that it cannot run here.
    fn call(&self, kind: PluginKind, name: &str, args: Args, templar: &Templar) -> Result<Value, Error>;
}

/// The plugins by name; names with a collection and bare names are both found.
#[derive(Clone, Default)]
pub struct Plugins {
    filters: HashMap<&'static str, Filter>,
    tests: HashMap<&'static str, Test>,
    lookups: HashMap<&'static str, Arc<dyn Lookup>>,
    foreign: Option<Arc<dyn Foreign>>,
}

/// Collections whose plugins are found under their bare names.
const COLLECTIONS: &[&str] = &[
    "ansible.builtin.",
    "ansible.legacy.",
    "ansible.utils.",
    "ansible.netcommon.",
    "community.general.",
    "community.kubernetes.",
    "community.okd.",
    "kubernetes.core.",
    "redhat.openshift.",
];

fn bare(name: &str) -> &str {
    COLLECTIONS.iter().find_map(|collection| name.strip_prefix(collection)).unwrap_or(name)
}

impl Plugins {
    /// All plugins of this program that need no cluster.
    #[must_use]
    pub fn builtin() -> Self {
        let mut plugins = Plugins::default();
        super::filters::register(&mut plugins);
        super::tests::register(&mut plugins);
        super::lookups::register(&mut plugins);
        plugins
    }

    /// Adds filters.
    pub fn add_filters(&mut self, filters: &[(&'static str, Filter)]) {
        self.filters.extend(filters.iter().copied());
    }

    /// Adds tests.
    pub fn add_tests(&mut self, tests: &[(&'static str, Test)]) {
        self.tests.extend(tests.iter().copied());
    }

    /// Adds a lookup.
    pub fn add_lookup(&mut self, name: &'static str, lookup: Arc<dyn Lookup>) {
        self.lookups.insert(name, lookup);
    }

    /// The filter of this name.
    #[must_use]
    pub fn filter(&self, name: &str) -> Option<Filter> {
        self.filters.get(name).or_else(|| self.filters.get(bare(name))).copied()
    }

    /// The test of this name.
    #[must_use]
    pub fn test(&self, name: &str) -> Option<Test> {
        self.tests.get(name).or_else(|| self.tests.get(bare(name))).copied()
    }

    /// The lookup of this name.
    #[must_use]
    pub fn lookup(&self, name: &str) -> Option<Arc<dyn Lookup>> {
        let own = self.lookups.get(name).or_else(|| self.lookups.get(bare(name)));
        own.cloned().or_else(|| {
            let plugins = Arc::clone(self.foreign(PluginKind::Lookup, name)?);
            Some(Arc::new(ForeignLookup { plugins, name: name.to_owned() }))
        })
    }

    /// What has a plugin of this kind and name, which this program has not itself.
    #[must_use]
    pub fn foreign(&self, kind: PluginKind, name: &str) -> Option<&Arc<dyn Foreign>> {
        self.foreign.as_ref().filter(|plugins| plugins.has(kind, name))
    }

    /// Why a plugin of this kind and name, which may lie beside the content, cannot be used.
    #[must_use]
    pub fn problem(&self, kind: PluginKind, name: &str) -> Option<String> {
        self.foreign.as_ref()?.problem(kind, name)
    }

    /// The same plugins, and others beside them for the names that these do not have.
    #[must_use]
    pub fn with_foreign(self, foreign: Option<Arc<dyn Foreign>>) -> Plugins {
        Plugins { foreign, ..self }
    }

    /// Whether there is a plugin of this kind and name.
    #[must_use]
    pub fn has(&self, kind: PluginKind, name: &str) -> bool {
        let own = match kind {
            PluginKind::Filter => self.filter(name).is_some(),
            PluginKind::Test => self.test(name).is_some(),
            PluginKind::Lookup => return self.lookup(name).is_some(),
        };
        own || self.foreign(kind, name).is_some()
    }

    /// The names of all plugins of this kind.
    #[must_use]
    pub fn names(&self, kind: PluginKind) -> Vec<&'static str> {
        match kind {
            PluginKind::Filter => self.filters.keys().copied().collect(),
            PluginKind::Test => self.tests.keys().copied().collect(),
            PluginKind::Lookup => self.lookups.keys().copied().collect(),
        }
    }
}

/// A lookup among foreign plugins.
struct ForeignLookup {
    plugins: Arc<dyn Foreign>,
    name: String,
}

impl Lookup for ForeignLookup {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let args = Args { positional: vec![Value::list(terms)], named: options.into_named() };
        let found = self.plugins.call(PluginKind::Lookup, &self.name, args, templar)?;
        super::ops::iterate(&found)
    }
}
