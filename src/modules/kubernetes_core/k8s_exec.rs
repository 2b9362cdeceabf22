//! `kubernetes.core.k8s_exec`: run a program in a container (`plugins/modules/k8s_exec.py`).
//! Also runs in check mode, as upstream does.

use async_trait::async_trait;

use super::super::connection::AUTH;
use super::super::session::Session;
use crate::cluster::{Exec, Executed, Target};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Opt, Spec};

/// The module.
pub(super) struct K8sExec;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    ..Spec::new(
        "kubernetes.core.k8s_exec",
        &[
            Opt::str("namespace").required(),
            Opt::str("pod").required(),
            Opt::str("container"),
            Opt::str("command").required(),
        ],
    )
};

#[async_trait]
impl Module for K8sExec {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let (namespace, pod) =
            (args.str("namespace").unwrap_or_default(), args.str("pod").unwrap_or_default());
        let failed = |why: String| ModuleError::new(format!("Failed to execute on pod {pod} due to : {why}"));
        let words = shlex::split(args.str("command").unwrap_or_default())
            .ok_or_else(|| failed("No closing quotation".to_owned()))?;
        let container = match args.str("container") {
            Some(container) => Some(container.to_owned()),
            None => first_container(&session, namespace, pod).await,
        };
        let command: Vec<&str> = words.iter().map(String::as_str).collect();
        let exec = Exec { namespace, pod, container: container.as_deref(), command: &command };
        let mut stdout = Vec::new();
        let ended = session.client.exec(exec, None, &mut stdout).await;
        let Executed { stderr, code, message } = ended.map_err(|error| failed(error.to_string()))?;
        let code = code.ok_or_else(|| failed(message))?;
        Ok(TaskResult::changed(true)
            .with("stdout", String::from_utf8_lossy(&stdout).into_owned())
            .with("stderr", String::from_utf8_lossy(&stderr).into_owned())
            .with("rc", code)
            .with("return_code", code))
    }
}

/// The first container of the pod; the server chooses or complains when the pod cannot be read.
async fn first_container(session: &Session, namespace: &str, pod: &str) -> Option<String> {
    let pods = session.client.resource("v1", "Pod").await.ok()?;
    let pod = session.client.get(Target::new(&pods, Some(namespace), pod)).await.ok()??;
    Some(pod.0.pointer("/spec/containers/0/name")?.as_str()?.to_owned())
}
