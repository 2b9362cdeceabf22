//! Whether facts are gathered before a play (`executor/play_iterator.py`).

use super::context::Gathering;
use super::run::{Run, Stage};
use crate::jinja::filters::core::to_bool;

/// The module that gathers facts.
const MODULE: &str = "ansible.builtin.setup";

impl Run {
    /// Whether the play gathers the facts of a host.
    pub(super) fn gathers(&self, host: &str, stage: &Stage<'_>) -> bool {
        if stage.context.modules.get(MODULE).is_none() {
            return false;
        }
        let said = stage.play.keywords.get("gather_facts").map(|value| {
            let value = self.play_templar(stage).template(value).ok();
            value.as_ref().and_then(to_bool).unwrap_or(true)
        });
        match self.options.gathering {
            Gathering::Implicit => said.unwrap_or(true),
            Gathering::Explicit => said.unwrap_or(false),
            Gathering::Smart => {
                let known = self.state.hosts.learnt(host);
                let gathered = known.is_some_and(|known| known.facts.contains_key("module_setup"));
                said.unwrap_or(true) && !gathered
            }
        }
    }
}
