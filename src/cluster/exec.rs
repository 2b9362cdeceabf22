//! Programs in containers: their streams and exit codes, over the API server's WebSocket.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Client;
use super::client::Target;
use super::error::{Error, Verb};

/// How much of a stream may be under way: enough to keep the connection busy.
const BUFFER: usize = 64 * 1024;

/// A program to run in a container of a pod.
#[derive(Clone, Copy, Debug)]
pub struct Exec<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The pod.
    pub pod: &'a str,
    /// The container; the pod's only one when missing.
    pub container: Option<&'a str>,
    /// The program and its arguments; no shell reads them.
    pub command: &'a [&'a str],
}

/// How a program ended.
#[derive(Clone, Debug, Default)]
pub struct Executed {
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
    /// The exit code; `None` when the program was not started or the connection broke.
    pub code: Option<i64>,
    /// What the server says when the program failed.
    pub message: String,
}

/// What a program reads.
pub type Input<'a> = &'a mut (dyn AsyncRead + Send + Unpin);
/// Where what a program writes goes.
pub type Output<'a> = &'a mut (dyn AsyncWrite + Send + Unpin);

impl Client {
    /// Runs a program to its end. There is no limit in time.
    ///
    /// # Errors
    /// The server refuses; the connection breaks.
    pub async fn exec(
        &self,
        exec: Exec<'_>,
        input: Option<Input<'_>>,
        output: Output<'_>,
    ) -> Result<Executed, Error> {
        let pods = self.resource("v1", "Pod").await?;
        let call = Target::new(&pods, Some(exec.namespace), exec.pod).subresource("exec").call(Verb::Create);
        let unreachable = |source: kube::Error| Error::Unreachable {
            call: Box::new(call.clone()),
            source: Box::new(source),
        };
        let params = AttachParams {
            container: exec.container.map(str::to_owned),
            stdin: input.is_some(),
            stdout: true,
            stderr: true,
            tty: false,
            max_stdin_buf_size: Some(BUFFER),
            max_stdout_buf_size: Some(BUFFER),
            max_stderr_buf_size: Some(BUFFER),
        };
        let api: Api<Pod> = Api::namespaced(self.kube().clone(), exec.namespace);
        let mut process = api.exec(exec.pod, exec.command.to_vec(), &params).await.map_err(unreachable)?;
        let (stdin, stdout, stderr) = (process.stdin(), process.stdout(), process.stderr());
        let status = process.take_status();
        let broken = |error: std::io::Error| Error::Malformed(format!("cannot hand on the streams: {error}"));
        let feed = async {
            if let (Some(input), Some(mut stdin)) = (input, stdin) {
                // A program may end before it has read everything.
                if tokio::io::copy(input, &mut stdin).await.is_ok() {
                    let _ = stdin.shutdown().await;
                }
            }
        };
        let write = async {
            match stdout {
                Some(mut stdout) => tokio::io::copy(&mut stdout, output).await.map(|_| ()),
                None => Ok(()),
            }
        };
        let complain = async {
            let mut text = Vec::new();
            if let Some(mut stderr) = stderr {
                stderr.read_to_end(&mut text).await?;
            }
            Ok(text)
        };
        let ended = async {
            match status {
                Some(status) => status.await,
                None => None,
            }
        };
        let work = async { tokio::join!(write, complain, ended) };
        // The program's end counts, not that it has read all of its input.
        let (written, stderr, status) = tokio::select! {
            done = work => done,
            never = async { feed.await; std::future::pending().await } => never,
        };
        written.map_err(broken)?;
        let stderr = stderr.map_err(broken)?;
        Ok(ended_with(status, stderr))
    }
}

fn ended_with(status: Option<Status>, stderr: Vec<u8>) -> Executed {
    let Some(status) = status else {
        return Executed {
            stderr,
            code: None,
            message: "the connection ended before the program".to_owned(),
        };
    };
    if status.status.as_deref() == Some("Success") {
        return Executed { stderr, code: Some(0), message: String::new() };
    }
    let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
    let code = causes
        .iter()
        .find(|cause| cause.reason.as_deref() == Some("ExitCode"))
        .and_then(|cause| cause.message.as_deref()?.parse().ok());
    Executed { stderr, code, message: status.message.unwrap_or_default() }
}
