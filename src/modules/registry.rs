//! The modules that this program has, by the names under which content may call them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;

use super::context::ModuleContext;
use super::external::Library;
use super::result::{ModuleError, TaskResult};
use super::spec::{Args, Spec};
use crate::playbook::{ModuleNames, ResolvedModule};

/// What one task can do.
#[async_trait]
pub trait Module: Send + Sync {
    /// Whether it is a program of its own, which content brings along.
    fn is_external(&self) -> bool {
        false
    }

    /// Does the work. The arguments are templated and validated against the module's [`Spec`].
    ///
    /// # Errors
    /// The task failed, or the run was cancelled.
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError>;
}

/// A module and, as data beside it, what it takes: whoever asks only for names touches no module's code.
#[derive(Clone)]
pub struct Entry {
    /// The name and the arguments.
    pub spec: &'static Spec,
    /// What does the work.
    pub module: Arc<dyn Module>,
}

/// The modules that this program has.
#[derive(Clone, Default)]
pub struct Registry {
    modules: BTreeMap<&'static str, Entry>,
    aliases: HashMap<&'static str, &'static str>,
    /// Modules that content brings along and that cannot run here, with what is missing.
    refused: BTreeMap<String, String>,
}

/// The collections that a bare name is searched in when neither play nor role names any.
const IMPLICIT_COLLECTIONS: [&str; 2] = ["ansible.legacy", "ansible.builtin"];

/// The modules that run the program of a task.
const PROGRAMS: &[&str] =
    &["ansible.builtin.command", "ansible.builtin.raw", "ansible.builtin.script", "ansible.builtin.shell"];

/// Bare names that ansible-core itself routes into other collections
/// (`config/ansible_builtin_runtime.yml`).
const ROUTED: &[(&str, &str)] = &[
    ("k8s", "kubernetes.core.k8s"),
    ("k8s_facts", "kubernetes.core.k8s_info"),
    ("k8s_info", "kubernetes.core.k8s_info"),
    ("k8s_raw", "kubernetes.core.k8s"),
    ("k8s_scale", "kubernetes.core.k8s_scale"),
    ("k8s_service", "kubernetes.core.k8s_service"),
    ("helm", "kubernetes.core.helm"),
    ("helm_info", "kubernetes.core.helm_info"),
];

/// Collections whose names are other names of one that this program has.
const COLLECTION_ALIASES: &[(&str, &str)] = &[
    ("ansible.legacy.", "ansible.builtin."),
    ("community.kubernetes.", "kubernetes.core."),
    ("community.okd.", "kubernetes.core."),
    ("redhat.openshift.", "kubernetes.core."),
];

impl Registry {
    /// A registry without modules.
    #[must_use]
    pub fn empty() -> Self {
        Registry::default()
    }

    /// The modules of `ansible.builtin`.
    #[must_use]
    pub fn builtin() -> Self {
        let mut registry = Registry::empty();
        super::builtin::register(&mut registry);
        registry
    }

    /// Every module that this program has.
    #[must_use]
    pub fn all() -> Self {
        let mut registry = Registry::builtin();
        super::daytwo_core::register(&mut registry);
        super::kubernetes_core::register(&mut registry);
        super::operator_sdk_util::register(&mut registry);
        registry
    }

    /// Every module that this program has, and those that content brings along.
    #[must_use]
    pub fn with(library: &Library) -> Self {
        let mut registry = Registry::all();
        library.add_to(&mut registry);
        registry
    }

    /// Adds a module under the names of its [`Spec`].
    pub fn add(&mut self, spec: &'static Spec, module: impl Module + 'static) {
        self.insert(Entry { spec, module: Arc::new(module) });
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        let spec = entry.spec;
        for alias in spec.aliases {
            self.aliases.insert(alias, spec.name);
        }
        self.modules.insert(spec.name, entry);
    }

    /// Remembers a module that content brings along and that cannot run here, and what is missing for it.
    pub fn refuse(&mut self, name: String, reason: String) {
        self.refused.insert(name, reason);
    }

    /// Every module, by its name.
    pub fn modules(&self) -> impl Iterator<Item = &Entry> {
        self.modules.values()
    }

    /// The module of this fully qualified name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.modules.get(name).or_else(|| self.aliases.get(name).and_then(|name| self.modules.get(name)))
    }

    /// Whether a task with the module of this fully qualified name runs a program.
    #[must_use]
    pub fn runs_program(&self, name: &str) -> bool {
        PROGRAMS.contains(&name) || self.get(name).is_some_and(|entry| entry.module.is_external())
    }

    /// The module that content means by this name, given the collections that it declares.
    #[must_use]
    pub fn resolve(&self, name: &str, collections: &[String]) -> Option<&Entry> {
        if name.contains('.') {
            return self.get(name).or_else(|| {
                COLLECTION_ALIASES.iter().find_map(|(from, to)| {
                    name.strip_prefix(from).and_then(|short| self.get(&format!("{to}{short}")))
                })
            });
        }
        collections
            .iter()
            .map(String::as_str)
            .chain(IMPLICIT_COLLECTIONS)
            .find_map(|collection| self.resolve(&format!("{collection}.{name}"), &[]))
            .or_else(|| ROUTED.iter().find(|(from, _)| *from == name).and_then(|(_, to)| self.get(to)))
            // Ansible has no modules of these names: no content means another one.
            .or_else(|| self.get(&format!("daytwo.core.{name}")))
    }
}

impl ModuleNames for Registry {
    fn resolve(&self, name: &str, collections: &[String]) -> Option<ResolvedModule> {
        let spec = Registry::resolve(self, name, collections)?.spec;
        Some(ResolvedModule { name: spec.name, free_form: spec.free_form, raw_params: spec.raw_params })
    }

    fn refusal(&self, name: &str) -> Option<String> {
        let legacy = format!("ansible.legacy.{name}");
        let missing = self.refused.get(name).or_else(|| self.refused.get(&legacy));
        missing.cloned().or_else(|| super::refused::reason(name).map(ToOwned::to_owned))
    }

    fn arguments(&self, module: &str) -> Option<Vec<&'static str>> {
        let spec = self.get(module)?.spec;
        let names = spec.all_options().flat_map(|opt| std::iter::once(&opt.name).chain(opt.aliases));
        (!spec.any_option).then(|| names.copied().collect())
    }

    fn names(&self) -> Vec<String> {
        let short = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        self.modules.keys().flat_map(|name| [(*name).to_owned(), short(name)]).collect()
    }
}
