//! The flags that name a cluster and a namespace, and running a command there.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::cluster::Client;

/// Where a command works.
#[derive(Args, Clone)]
pub(super) struct ClusterFlags {
    /// Namespace scope for this request
    #[arg(short, long, env = "HELM_NAMESPACE")]
    namespace: Option<String>,
    /// Path to the kubeconfig file
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Name of the kubeconfig context to use
    #[arg(long, value_name = "CONTEXT", env = "HELM_KUBECONTEXT")]
    kube_context: Option<String>,
}

/// A cluster that answers, and the namespace that is meant.
pub(super) struct Cluster {
    pub(super) client: Client,
    pub(super) namespace: String,
}

impl ClusterFlags {
    /// The namespace, as far as the flags tell: commands that never ask a cluster have no other source.
    pub(super) fn namespace(&self) -> &str {
        self.namespace.as_deref().filter(|name| !name.is_empty()).unwrap_or("default")
    }

    async fn connect(&self) -> Result<Cluster, String> {
        let config = self.config().await?;
        let own = self.namespace.clone().filter(|name| !name.is_empty());
        let namespace = own.unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::new(config).map_err(|error| error.to_string())?;
        Ok(Cluster { client, namespace })
    }

    async fn config(&self) -> Result<Config, String> {
        let options =
            KubeConfigOptions { context: self.kube_context.clone(), ..KubeConfigOptions::default() };
        let unusable = |error: String| format!("Kubernetes cluster unreachable: {error}");
        match (&self.kubeconfig, &self.kube_context) {
            (Some(path), _) => {
                let file = Kubeconfig::read_from(path).map_err(|error| unusable(error.to_string()))?;
                Config::from_custom_kubeconfig(file, &options)
                    .await
                    .map_err(|error| unusable(error.to_string()))
            }
            (None, Some(_)) => {
                Config::from_kubeconfig(&options).await.map_err(|error| unusable(error.to_string()))
            }
            (None, None) => Config::infer().await.map_err(|error| unusable(error.to_string())),
        }
    }

    /// Connects and does the work; a failure goes to standard error as Helm words it.
    pub(super) fn run<F: Future<Output = Result<(), String>>>(
        &self,
        work: impl FnOnce(Cluster) -> F,
    ) -> ExitCode {
        report(run_async(async { work(self.connect().await?).await }))
    }
}

/// Tells a failure and gives the exit code.
pub(super) fn report(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("Error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run_async<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    check_driver()?;
    // Rendering blocks its thread while `lookup` asks the cluster, so there must be another one.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(work)
}

/// Records are Secrets here; whoever keeps them elsewhere must not be told that there are none.
fn check_driver() -> Result<(), String> {
    match std::env::var("HELM_DRIVER").as_deref() {
        Ok("" | "secret" | "secrets") | Err(_) => Ok(()),
        Ok(driver) => Err(format!("HELM_DRIVER={driver}: only the driver \"secret\" is supported")),
    }
}
