//! `daytwo rbac`: what an operator must be allowed to do, as manifests or as a check of what is granted.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cluster::{Client, access};
use crate::project::permissions::{self, Permissions, Rules, Scope};
use crate::project::to_documents;
use crate::watches;

/// Flags of `daytwo rbac`.
#[derive(Args)]
pub(super) struct Rbac {
    /// The file that maps kinds to charts, roles and playbooks
    #[arg(long, default_value = "./watches.yaml")]
    watches_file: PathBuf,
    /// The name of the roles, bindings and of the service account
    #[arg(long, default_value = "daytwo")]
    name: String,
    /// The namespace of the operator
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Grant everything in the whole cluster, for an operator that watches all namespaces
    #[arg(long)]
    all_namespaces: bool,
    /// Ask the cluster which of the permissions are missing, for who asks or for --as
    #[arg(long)]
    check: bool,
    /// Check for this user instead, as in system:serviceaccount:demo:hello-operator
    #[arg(long = "as", value_name = "USER", requires = "check")]
    user: Option<String>,
}

impl Rbac {
    pub(super) fn run(&self) -> ExitCode {
        match self.derive() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("Error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn derive(&self) -> Result<bool, String> {
        let loaded = watches::load(&self.watches_file).map_err(|error| error.to_string())?;
        let mut needs = Permissions::of(&loaded.watches)?;
        if self.all_namespaces {
            needs.cluster.merge(&std::mem::take(&mut needs.namespaced));
        }
        if self.check {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            return runtime.map_err(|error| error.to_string())?.block_on(self.ask(&needs));
        }
        let mut documents = Vec::new();
        if !needs.namespaced.is_empty() {
            documents.extend(permissions::documents(&self.name, Scope::Namespace, &needs.namespaced));
        }
        if !needs.cluster.is_empty() {
            let scope = Scope::Cluster { namespace: &self.namespace };
            documents.extend(permissions::documents(&self.name, scope, &needs.cluster));
        }
        print!("{}", to_documents(&documents));
        Ok(true)
    }

    async fn ask(&self, needs: &Permissions) -> Result<bool, String> {
        let client = Client::from_environment().await.map_err(|error| error.to_string())?;
        let mut missing = 0;
        for (rules, namespace) in [(&needs.namespaced, Some(self.namespace.as_str())), (&needs.cluster, None)]
        {
            missing += self.ask_in(&client, rules, namespace).await?;
        }
        if missing == 0 {
            println!("everything that the operator needs is granted");
        }
        Ok(missing == 0)
    }

    async fn ask_in(&self, client: &Client, rules: &Rules, namespace: Option<&str>) -> Result<usize, String> {
        let mut missing = 0;
        for (group, resource, verb) in rules.single() {
            let wish = access::Wish { group, resource, verb, namespace };
            if !access::allowed(client, self.user.as_deref(), wish)
                .await
                .map_err(|error| error.to_string())?
            {
                missing += 1;
                println!("missing: {wish}");
            }
        }
        Ok(missing)
    }
}
