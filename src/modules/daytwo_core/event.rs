//! `daytwo.core.event`: an Event about the resource of the run, or about another object.

use async_trait::async_trait;

use super::super::session::{Session, failure};
use super::object::{OBJECT, object};
use super::tell::{Words, tell};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Doc, Opt, Spec};

/// The module.
pub(super) struct Event;

pub(super) static SPEC: Spec = Spec {
    fragments: &[OBJECT],
    doc: Doc {
        text: "Tells people something in an Event, as `kubectl describe` and `kubectl events` show it.\n\n\
            The Event is about the resource of the run unless an object is named. The same words again raise the \
            count of the Event that is there.",
        returns: &[],
        examples: "- name: Tell that the upgrade begins\n  \
            daytwo.core.event:\n    \
              reason: UpgradeStarted\n    \
              message: from 10.5 to 10.11 by dump and restore\n",
    },
    ..Spec::new(
        "daytwo.core.event",
        &[
            Opt::str("reason").required().doc("Why, as one word for programs: `UpgradeStarted`."),
            Opt::str("message").required().doc("What happened, for people."),
            Opt::str("type")
                .default("Normal")
                .choices(&["Normal", "Warning"])
                .doc("Whether somebody should look."),
        ],
    )
};

#[async_trait]
impl Module for Event {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::here(context).await?;
        let regarding = object(&session, &args).await?;
        if !context.check {
            let words = Words {
                kind: args.str("type").unwrap_or("Normal"),
                reason: args.str("reason").unwrap_or_default(),
                message: args.str("message").unwrap_or_default(),
                repeat: true,
            };
            let told = tell(&session, &regarding, &words).await;
            told.map_err(|error| failure("failed to record the Event", &error))?;
        }
        Ok(TaskResult::changed(true))
    }
}
