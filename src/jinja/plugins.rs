//! The filters, tests and lookups that templates may name.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::PluginKind;
use super::error::Error;
use super::eval::Interpreter;
use super::lookups::Lookup;
use super::object::Args;
use super::value::Value;

/// What a filter does: the piped value, the arguments.
pub type Filter = fn(&mut Interpreter<'_>, Value, Args) -> Result<Value, Error>;

/// What a test does.
pub type Test = fn(&mut Interpreter<'_>, Value, Args) -> Result<bool, Error>;

/// The plugins by name; names with a collection and bare names are both found.
#[derive(Clone, Default)]
pub struct Plugins {
    filters: HashMap<&'static str, Filter>,
    tests: HashMap<&'static str, Test>,
    lookups: HashMap<&'static str, Arc<dyn Lookup>>,
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
    pub fn lookup(&self, name: &str) -> Option<&Arc<dyn Lookup>> {
        self.lookups.get(name).or_else(|| self.lookups.get(bare(name)))
    }

    /// Whether there is a plugin of this kind and name.
    #[must_use]
    pub fn has(&self, kind: PluginKind, name: &str) -> bool {
        match kind {
            PluginKind::Filter => self.filter(name).is_some(),
            PluginKind::Test => self.test(name).is_some(),
            PluginKind::Lookup => self.lookup(name).is_some(),
        }
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
