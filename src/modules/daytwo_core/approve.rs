//! `daytwo.core.approve`: a step that waits for a person's annotation.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::super::session::{Session, failure};
use super::object::{OBJECT, object};
use super::tell::{Words, tell};
use crate::cluster::Object;
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Doc, Kind, Opt, Spec};

/// The module.
pub(super) struct Approve;

/// How often to look while a task waits.
const LOOK: Duration = Duration::from_secs(2);
/// When the operator comes back to look, if the watch does not tell it about annotations.
const COME_BACK_SECONDS: i64 = 30;

pub(super) static SPEC: Spec = Spec {
    fragments: &[OBJECT],
    doc: Doc {
        text: "Asks a person to approve a step, by an annotation.\n\n\
            The step is approved when the annotation has the value: \
            `kubectl annotate mysql/shop daytwo.dev/approve=upgrade-to-10.11`. Until then the task either \
            tells so at once (`approved: false`; under an operator the resource is looked at again every \
            30 seconds, or at once with `watchAnnotationsChanges`), or waits for `timeout` seconds and then \
            fails. The first time that approval is missing, an Event asks for it.",
        returns: &[("approved", "whether the annotation is there"), ("command", "what the person may run")],
        examples: "- name: May the server be upgraded now?\n  \
            daytwo.core.approve:\n    \
              value: upgrade-to-10.11\n    \
              message: the server will be read-only for some minutes\n  \
            register: upgrade_approval\n",
    },
    ..Spec::new(
        "daytwo.core.approve",
        &[
            Opt::str("value").required().doc("What is to be approved, as the value of the annotation."),
            Opt::str("annotation").default("daytwo.dev/approve").doc("Name of the annotation."),
            Opt::str("message").default("").doc("What the person should know, for the Event."),
            Opt::new("timeout", Kind::Int)
                .default("0")
                .doc("Seconds to wait in the task, which then fails without approval; 0 only looks."),
        ],
    )
};

#[async_trait]
impl Module for Approve {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::here(context).await?;
        let wait = Duration::from_secs(args.int("timeout").unwrap_or(0).max(0).unsigned_abs());
        let begin = Instant::now();
        let asked = object(&session, &args).await?;
        let command = command(&asked, &args);
        if approved(&asked, &args) {
            return Ok(TaskResult::changed(false).with("approved", true).with("command", command));
        }
        if !context.check {
            ask(&session, &asked, &args, &command).await?;
        }
        while begin.elapsed() < wait && !context.check {
            context.until_cancelled(tokio::time::sleep(LOOK)).await?;
            if approved(&object(&session, &args).await?, &args) {
                return Ok(TaskResult::changed(false).with("approved", true).with("command", command));
            }
        }
        if !wait.is_zero() && !context.check {
            let seconds = wait.as_secs();
            return Err(ModuleError::new(format!("not approved within {seconds} s; to approve: {command}")));
        }
        Ok(TaskResult::changed(false)
            .with("approved", false)
            .with("command", command)
            .with(super::COME_BACK, jiff::Timestamp::now().as_second() + COME_BACK_SECONDS))
    }
}

fn annotation(args: &Args) -> (&str, &str) {
    (args.str("annotation").unwrap_or_default(), args.str("value").unwrap_or_default())
}

fn approved(object: &Object, args: &Args) -> bool {
    let (name, value) = annotation(args);
    object.annotation(name) == Some(value)
}

fn command(object: &Object, args: &Args) -> String {
    let (name, value) = annotation(args);
    let namespace =
        object.namespace().map(|namespace| format!(" --namespace {namespace}")).unwrap_or_default();
    let kind = object.kind().to_lowercase();
    format!("kubectl annotate{namespace} {kind}/{} {name}={value} --overwrite", object.name())
}

/// Asks once, however often the task looks.
async fn ask(session: &Session, object: &Object, args: &Args, command: &str) -> Result<(), ModuleError> {
    let message = match args.str("message").unwrap_or_default() {
        "" => format!("to approve: {command}"),
        message => format!("{message}; to approve: {command}"),
    };
    let words = Words { kind: "Normal", reason: "ApprovalNeeded", message: &message, repeat: false };
    let asked = tell(session, object, &words).await;
    asked.map(|_| ()).map_err(|error| failure("failed to record the Event", &error))
}
