//! `hostvars`: the variables of every host, put together and templated when they are read.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::hosts::Hosts;
use super::state::StoredVars;
use super::vars::Layers;
use crate::inventory::LOCALHOST;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Object;
use crate::jinja::{Environment, Error, Templar, TemplateOptions, Value, Vars};

/// `hostvars`.
pub(super) struct HostVars {
    /// The hosts as they were when the task began.
    pub hosts: Hosts,
    /// `-e`.
    pub extra: Arc<StoredVars>,
    /// `hash_behaviour = merge`.
    pub merge: bool,
    /// The magic variables that are the same for all hosts.
    pub shared: Arc<Vars>,
    cache: Mutex<HashMap<String, Arc<Vars>>>,
}

impl HostVars {
    /// The variables of these hosts.
    #[must_use]
    pub(super) fn new(hosts: Hosts, extra: Arc<StoredVars>, merge: bool, shared: Arc<Vars>) -> Self {
        HostVars { hosts, extra, merge, shared, cache: Mutex::default() }
    }

    /// The variables of one host outside of any play (`VariableManager.get_vars` without play and task).
    fn of(&self, host: &str) -> Option<Arc<Vars>> {
        let listed = self.hosts.inventory().host(host).is_some();
        if !listed && !LOCALHOST.contains(&host) {
            return None;
        }
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(vars) = cache.get(host) {
            return Some(Arc::clone(vars));
        }
        let mut layers = Layers::new(self.merge);
        layers.add_host(&self.hosts, host);
        if let Some(learnt) = self.hosts.learnt(host) {
            layers.add_stored(&learnt.included);
            layers.add_stored(&learnt.set);
        }
        layers.add_stored(&self.extra);
        let mut vars = layers.vars;
        super::magic::of_host(&mut vars, &self.hosts, host);
        vars.extend(self.shared.iter().map(|(name, value)| (Arc::clone(name), value.clone())));
        let vars = Arc::new(vars);
        cache.insert(host.to_owned(), Arc::clone(&vars));
        Some(vars)
    }
}

impl fmt::Debug for HostVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostVars({})", self.hosts.inventory().hosts().count())
    }
}

impl Object for HostVars {
    fn type_name(&self) -> &'static str {
        "HostVars"
    }

    fn attribute(&self, name: &Value, interpreter: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        let vars = name.as_str().and_then(|host| self.of(host));
        let env = &interpreter.templar.env;
        Ok(vars.map(|vars| Value::Object(Arc::new(OneHost { vars, env: Arc::clone(env) }))))
    }

    fn keys(&self) -> Option<Vec<Value>> {
        let inventory = self.hosts.inventory();
        let implicit = LOCALHOST.iter().all(|name| inventory.host(name).is_none()).then_some("localhost");
        Some(inventory.hosts().chain(implicit).map(Value::from).collect())
    }
}

/// `hostvars['name']`, also `ansible_delegated_vars['name']`.
pub(super) struct OneHost {
    /// The variables, not templated.
    pub vars: Arc<Vars>,
    /// What templates them when they are shown all at once.
    pub env: Arc<Environment>,
}

/// What another host lacks is no error here: the text stays as it is.
fn lenient() -> TemplateOptions {
    TemplateOptions { fail_on_undefined: false, ..TemplateOptions::default() }
}

impl fmt::Debug for OneHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostVarsVars({})", self.vars.len())
    }
}

impl Object for OneHost {
    fn type_name(&self) -> &'static str {
        "HostVarsVars"
    }

    fn attribute(&self, name: &Value, interpreter: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        let Some(name) = name.as_str() else { return Ok(None) };
        let Some(raw) = self.vars.get(name) else { return Ok(None) };
        let templar = interpreter.templar.with_vars(Arc::clone(&self.vars));
        templar.template_with(raw, &lenient()).map(Some)
    }

    /// `hostvars` is no dict that Ansible looks into: what is unsafe in it marks itself alone.
    fn taints(&self) -> bool {
        false
    }

    /// A dict of all variables; what cannot be templated is shown as it is.
    fn text(&self) -> String {
        let templar = Templar::new(Arc::clone(&self.env), Arc::clone(&self.vars));
        let shown = self.vars.iter().filter(|(name, _)| name.as_ref() != "hostvars").map(|(name, raw)| {
            let value = templar.template_with(raw, &lenient()).unwrap_or_else(|_| raw.clone());
            (name.as_ref(), value)
        });
        Value::dict(shown).to_string()
    }

    fn keys(&self) -> Option<Vec<Value>> {
        Some(self.vars.keys().map(|name| Value::from(name.as_ref())).collect())
    }
}
