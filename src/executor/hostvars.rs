//! `hostvars`: the variables of every host, templated when they are read.

use std::fmt;
use std::sync::Arc;

use crate::jinja::eval::Interpreter;
use crate::jinja::object::Object;
use crate::jinja::{Error, Value, Vars};

/// `hostvars`.
pub(super) struct HostVars {
    hosts: Vec<(String, Arc<Vars>)>,
}

impl HostVars {
    /// The variables of these hosts.
    #[must_use]
    pub(super) fn new(hosts: Vec<(String, Arc<Vars>)>) -> Self {
        HostVars { hosts }
    }
}

impl fmt::Debug for HostVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostVars({})", self.hosts.len())
    }
}

impl Object for HostVars {
    fn type_name(&self) -> &'static str {
        "HostVars"
    }

    fn attribute(&self, name: &Value, _: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        let found = self.hosts.iter().find(|(host, _)| name.as_str() == Some(host));
        Ok(found.map(|(_, vars)| Value::Object(Arc::new(OneHost { vars: Arc::clone(vars) }))))
    }

    fn keys(&self) -> Option<Vec<Value>> {
        Some(self.hosts.iter().map(|(host, _)| Value::from(host.as_str())).collect())
    }
}

/// `hostvars['name']`.
struct OneHost {
    vars: Arc<Vars>,
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
        interpreter.templar.with_vars(Arc::clone(&self.vars)).variable(name)
    }

    fn keys(&self) -> Option<Vec<Value>> {
        Some(self.vars.keys().map(|name| Value::from(name.as_ref())).collect())
    }
}
