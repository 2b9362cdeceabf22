//! Modules that manage the program `helm`, which nothing here runs: they say so.

use async_trait::async_trait;

use crate::modules::context::ModuleContext;
use crate::modules::registry::{Module, Registry};
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Spec};

/// A module of which only the name is known.
struct Refused {
    name: &'static str,
    why: &'static str,
}

const fn named(name: &'static str) -> Spec {
    Spec { any_option: true, ..Spec::new(name, &[]) }
}

static PLUGIN: Spec = named("kubernetes.core.helm_plugin");
static PLUGIN_INFO: Spec = named("kubernetes.core.helm_plugin_info");
static REGISTRY_AUTH: Spec = named("kubernetes.core.helm_registry_auth");

const NO_PLUGINS: &str = "charts are rendered and applied without the program helm, so there are no plugins";
const NO_LOGIN: &str = "registries are shown the credentials in Docker's config.json or in HELM_REGISTRY_CONFIG: \
                        mount a Secret there, or give repo_username and repo_password";

/// Adds the modules.
pub(super) fn register(registry: &mut Registry) {
    for (spec, why) in [(&PLUGIN, NO_PLUGINS), (&PLUGIN_INFO, NO_PLUGINS), (&REGISTRY_AUTH, NO_LOGIN)] {
        registry.add(spec, Refused { name: spec.name, why });
    }
}

#[async_trait]
impl Module for Refused {
    async fn run(&self, _: &ModuleContext, _: Args) -> Result<TaskResult, ModuleError> {
        Err(ModuleError::new(format!("{} is not supported: {}", self.name, self.why)))
    }
}
