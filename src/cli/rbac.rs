//! `daytwo rbac`: what an operator must be allowed to do, as manifests or as a check of what is granted.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::ansible::AnsibleFlags;
use crate::cluster::{Client, access};
use crate::operator::content;
use crate::project::permissions::{self, Permissions, Rules, Scope};
use crate::project::to_documents;
use crate::watches::{self, AnsibleContent, Content};

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
    #[command(flatten)]
    ansible: AnsibleFlags,
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

    /// What the charts, roles and playbooks of the watches need; warns of what only a run can tell.
    fn needs(&self) -> Result<Permissions, String> {
        let loaded = watches::load(&self.watches_file).map_err(|error| error.to_string())?;
        let mut needs = Permissions::of(&loaded.watches)?;
        let contents: Vec<&AnsibleContent> = loaded
            .watches
            .iter()
            .filter_map(|watch| match &watch.content {
                Content::Ansible(ansible) => Some(ansible),
                Content::Chart(_) => None,
            })
            .collect();
        if contents.is_empty() {
            return Ok(needs);
        }
        let options = self.ansible.options()?.content;
        for ansible in contents {
            let loaded = content::load(ansible, &self.watches_file, &options);
            let loaded = loaded.map_err(|errors| errors.to_string())?;
            for untold in loaded.contents().flat_map(|content| needs.add_content(content)) {
                eprintln!("warning: {untold}; what it needs is not among the rules");
            }
        }
        Ok(needs)
    }

    fn derive(&self) -> Result<bool, String> {
        let mut needs = self.needs()?;
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use clap::Parser;

    use super::*;
    use crate::yaml::go::{Numbers, parse};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        rbac: Rbac,
    }

    /// What is derived from our own charts and roles is what `deploy` grants.
    #[test]
    fn our_own_deployment_grants_what_our_own_project_needs() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let watches = root.join("watches.yaml");
        let command = Command::parse_from(["rbac".as_ref(), "--watches-file".as_ref(), watches.as_os_str()]);
        let needs = command.rbac.needs().unwrap();
        let text = std::fs::read_to_string(root.join("deploy/rbac.yaml")).unwrap();
        let mut granted = BTreeSet::new();
        for document in text.split("\n---\n") {
            let document = parse(document.as_bytes(), Numbers::Json).unwrap();
            let lists = |rule: &serde_json::Value, name: &str| -> Vec<String> {
                let items = rule[name].as_array().into_iter().flatten();
                items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
            };
            for rule in document["rules"].as_array().into_iter().flatten() {
                for group in lists(rule, "apiGroups") {
                    for resource in lists(rule, "resources") {
                        let verbs = lists(rule, "verbs").into_iter();
                        granted.extend(verbs.map(|verb| (group.clone(), resource.clone(), verb)));
                    }
                }
            }
        }
        let all = needs.namespaced.single().chain(needs.cluster.single());
        let missing: Vec<_> = all
            .filter(|(group, resource, verb)| {
                !granted.contains(&((*group).to_owned(), (*resource).to_owned(), (*verb).to_owned()))
            })
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
