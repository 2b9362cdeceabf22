//! Which cluster a task or lookup means, and as whom: the arguments that every module of
//! kubernetes.core shares, `K8S_AUTH_*`, `KUBECONFIG`, or the pod's service account.
//!
//! Follows `module_utils/k8s/client.py` and `module_utils/args_common.py` of kubernetes.core.
//! Tokens that are refreshed stay in memory: `persist_config` is read and has nothing to do.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::context::ModuleContext;
use super::result::ModuleError;
use super::session::Session;
use super::spec::{Args, Kind, Opt};
use super::validate::expand_path;
use crate::cluster::Client;

/// The arguments that say which cluster, and as whom.
pub const AUTH: &[Opt] = &[
    Opt::new("kubeconfig", Kind::Raw).no_log(),
    Opt::str("context"),
    Opt::str("host"),
    Opt::str("api_key").no_log(),
    Opt::str("username"),
    Opt::str("password").no_log(),
    Opt::new("validate_certs", Kind::Bool).aliases(&["verify_ssl"]),
    Opt::new("ca_cert", Kind::Path).aliases(&["ssl_ca_cert"]),
    Opt::new("client_cert", Kind::Path).aliases(&["cert_file"]),
    Opt::new("client_key", Kind::Path).aliases(&["key_file"]),
    Opt::str("proxy"),
    Opt::str("no_proxy"),
    Opt::new("proxy_headers", Kind::Dict).options(&[
        Opt::str("proxy_basic_auth").no_log(),
        Opt::str("basic_auth").no_log(),
        Opt::str("user_agent"),
    ]),
    Opt::new("persist_config", Kind::Bool),
    Opt::str("impersonate_user"),
    Opt::new("impersonate_groups", Kind::ListOfStr),
];

/// Settings that name another cluster or user than the run's own.
const NAMING: [&str; 9] = [
    "kubeconfig",
    "context",
    "host",
    "api_key",
    "username",
    "password",
    "client_cert",
    "client_key",
    "proxy",
];
/// Settings that change who one is on the same cluster.
const IMPERSONATION: [&str; 2] = ["impersonate_user", "impersonate_groups"];
/// Settings that are files, whose content counts.
const FILES: [&str; 3] = ["ca_cert", "client_cert", "client_key"];

/// Connections that are kept, so that tasks with the same settings share one.
const KEPT: usize = 32;

/// Where settings come from beside the arguments.
type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// The settings of a connection, by the names of the arguments.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    settings: BTreeMap<&'static str, Value>,
    /// `KUBECONFIG` as the task sees it.
    kubeconfig: Option<String>,
    home: Option<String>,
    in_cluster: bool,
}

impl Connection {
    /// The settings of a task.
    ///
    /// # Errors
    /// A kubeconfig that exists nowhere.
    pub fn of_task(context: &ModuleContext, args: &Args) -> Result<Self, ModuleError> {
        let given = |opt: &Opt| args.json(opt.name);
        let environment =
            |name: &str| context.environment.get(name).cloned().or_else(|| std::env::var(name).ok());
        let mut connection = Self::read(&given, &environment);
        if let Some(Value::String(paths)) = args.json("kubeconfig").filter(|paths| paths != "") {
            let find = |path: &str| {
                let path = expand_path(path);
                if Path::new(&path).is_absolute() && Path::new(&path).exists() {
                    return Ok(path);
                }
                context.find("files", &path).map(|path| path.display().to_string())
            };
            let found = paths.split(':').map(find).collect::<Result<Vec<_>, _>>()?;
            connection.settings.insert("kubeconfig", found.join(":").into());
        }
        Ok(connection)
    }

    /// The settings of a lookup: its keyword arguments, by name or alias.
    #[must_use]
    pub fn of_lookup(given: &dyn Fn(&str) -> Option<Value>) -> Self {
        let find = |opt: &Opt| given(opt.name).or_else(|| opt.aliases.iter().find_map(|alias| given(alias)));
        Self::read(&find, &|name| std::env::var(name).ok())
    }

    fn read(given: &dyn Fn(&Opt) -> Option<Value>, environment: Environment<'_>) -> Self {
        let mut settings = BTreeMap::new();
        for opt in AUTH {
            // `lookup('env', …)` of what is not set is empty.
            let value = given(opt).filter(|value| !value.is_null() && value != "");
            if let Some(value) = value.or_else(|| from_environment(opt, environment)) {
                settings.insert(opt.name, value);
            }
        }
        Self {
            settings,
            kubeconfig: environment("KUBECONFIG").filter(|paths| !paths.is_empty()),
            home: environment("HOME"),
            in_cluster: environment("KUBERNETES_SERVICE_HOST").is_some(),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.settings.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.text(name).is_some())
    }

    fn any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.settings.get(name).is_some_and(|value| !value.is_null()))
    }

    /// The way to the cluster that these settings mean; `own` is that of the run, if it has one.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub async fn session(&self, own: Option<Arc<Session>>) -> Result<Arc<Session>, ModuleError> {
        match own {
            Some(own) if !self.any(&NAMING) && !self.any(&IMPERSONATION) => Ok(own),
            // Another user of the same cluster: what it creates belongs to the same owner.
            Some(own) if !self.any(&NAMING) => {
                let other = self.pooled().await?;
                Ok(Arc::new(own.as_other_user(other.client.clone())))
            }
            _ => self.pooled().await,
        }
    }

    async fn pooled(&self) -> Result<Arc<Session>, ModuleError> {
        static POOL: Mutex<VecDeque<([u8; 32], Arc<Session>)>> = Mutex::new(VecDeque::new());
        let digest = self.digest();
        let known = |pool: &VecDeque<([u8; 32], Arc<Session>)>| {
            pool.iter().find(|(of, _)| *of == digest).map(|(_, session)| Arc::clone(session))
        };
        if let Some(session) = known(&POOL.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(session);
        }
        let failed = |why: String| ModuleError::new(format!("Could not create API client: {why}"));
        let config = self.config().await.map_err(failed)?;
        let client = Client::remembering(config).map_err(|error| failed(error.to_string()))?;
        let session = Arc::new(Session::new(client, None));
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = known(&pool) {
            return Ok(session);
        }
        if pool.len() >= KEPT {
            pool.pop_front();
        }
        pool.push_back((digest, Arc::clone(&session)));
        Ok(session)
    }

    /// What tells two connections apart: the settings and the content of the files that they name.
    fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let paths = self.kubeconfig_paths();
        hasher.update(json!([self.settings, paths, self.in_cluster]).to_string());
        let files = FILES.iter().filter_map(|name| self.text(name)).map(PathBuf::from);
        for file in files.chain(paths) {
            hasher.update(std::fs::read(&file).unwrap_or_default());
        }
        hasher.finalize().into()
    }

    fn kubeconfig_paths(&self) -> Vec<PathBuf> {
        match self.settings.get("kubeconfig") {
            Some(Value::String(paths)) => paths.split(':').map(|path| expand_path(path).into()).collect(),
            Some(_) => Vec::new(),
            None => match (&self.kubeconfig, &self.home) {
                (Some(paths), _) => std::env::split_paths(paths).collect(),
                (None, Some(home)) => vec![Path::new(home).join(".kube/config")],
                (None, None) => Vec::new(),
            },
        }
    }

    async fn config(&self) -> Result<kube::Config, String> {
        let host = self.text("host").map(|host| host.trim_end_matches('/'));
        let host =
            host.map(|host| host.parse::<http::Uri>().map_err(|error| format!("host {host:?}: {error}")));
        let host = host.transpose()?;
        let complete = self.has(&["username", "password", "host"])
            || self.has(&["api_key", "host"])
            || self.has(&["client_cert", "client_key", "host"]);
        let mut config = match host {
            Some(ref host) if complete => kube::Config::new(host.clone()),
            _ if self.any(&["kubeconfig", "context"]) => self.read_kubeconfig().await?,
            _ if self.in_cluster => match kube::Config::incluster() {
                Ok(config) => config,
                Err(_) => self.read_kubeconfig().await?,
            },
            _ => self.read_kubeconfig().await?,
        };
        if let Some(host) = host {
            config.cluster_url = host;
        }
        self.override_transport(&mut config)?;
        self.override_user(&mut config.auth_info)?;
        Ok(config)
    }

    async fn read_kubeconfig(&self) -> Result<kube::Config, String> {
        let shown = |error: kube::config::KubeconfigError| error.to_string();
        let kubeconfig = match self.settings.get("kubeconfig") {
            Some(in_memory @ Value::Object(_)) => {
                serde_json::from_value(in_memory.clone()).map_err(|error| format!("kubeconfig: {error}"))?
            }
            _ => {
                let mut merged = None;
                for path in self.kubeconfig_paths().iter().filter(|path| path.exists()) {
                    let next = Kubeconfig::read_from(path).map_err(shown)?;
                    merged = Some(match merged {
                        Some(merged) => Kubeconfig::merge(merged, next).map_err(shown)?,
                        None => next,
                    });
                }
                merged.ok_or("Invalid kube-config file. No configuration found.")?
            }
        };
        let options = KubeConfigOptions {
            context: self.text("context").map(str::to_owned),
            ..KubeConfigOptions::default()
        };
        kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(shown)
    }

    fn override_transport(&self, config: &mut kube::Config) -> Result<(), String> {
        if let Some(valid) = self.settings.get("validate_certs").and_then(Value::as_bool) {
            config.accept_invalid_certs = !valid;
        }
        if let Some(path) = self.text("ca_cert") {
            std::fs::File::open(path).map_err(|error| format!("ca_cert {path}: {error}"))?;
            config.root_cert_file = Some(path.into());
        }
        if let Some(proxy) = self.text("proxy") {
            let url = self.proxy_with_user(proxy)?;
            config.proxy_url = Some(url);
        }
        let host = config.cluster_url.host().unwrap_or_default();
        if self.text("no_proxy").is_some_and(|hosts| is_excepted(host, hosts)) {
            config.proxy_url = None;
        }
        Ok(())
    }

    /// The proxy's URL with the user and password of `proxy_headers` in it, as the transport wants them.
    fn proxy_with_user(&self, proxy: &str) -> Result<http::Uri, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("proxy {proxy:?}: {error}");
        let headers = self.settings.get("proxy_headers");
        let user = headers.and_then(|headers| headers["proxy_basic_auth"].as_str());
        let Some(user) = user else {
            return proxy.parse().map_err(|error: http::uri::InvalidUri| wrong(&error));
        };
        let mut url: url::Url = proxy.parse().map_err(|error: url::ParseError| wrong(&error))?;
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        url.set_username(name)
            .and_then(|()| url.set_password(Some(password)))
            .map_err(|()| wrong(&"has no host"))?;
        url.as_str().parse().map_err(|error: http::uri::InvalidUri| wrong(&error))
    }

    fn override_user(&self, user: &mut AuthInfo) -> Result<(), String> {
        let given = json!({
            "username": self.text("username"),
            "password": self.text("password"),
            "token": self.text("api_key"),
            "client-certificate": self.text("client_cert"),
            "client-key": self.text("client_key"),
        });
        let given: AuthInfo = serde_json::from_value(given).map_err(|error| error.to_string())?;
        if given.token.is_some() || given.password.is_some() {
            // One way to say who one is: the task's own.
            *user = AuthInfo {
                client_certificate: user.client_certificate.take(),
                client_certificate_data: user.client_certificate_data.take(),
                client_key: user.client_key.take(),
                client_key_data: user.client_key_data.take(),
                username: given.username,
                password: given.password,
                token: given.token,
                ..AuthInfo::default()
            };
        }
        if let Some(certificate) = given.client_certificate {
            user.client_certificate = Some(certificate);
            user.client_certificate_data = None;
        }
        if let Some(key) = given.client_key {
            user.client_key = Some(key);
            user.client_key_data = None;
        }
        if let Some(name) = self.text("impersonate_user") {
            user.impersonate = Some(name.to_owned());
        }
        if let Some(Value::Array(groups)) = self.settings.get("impersonate_groups") {
            user.impersonate_groups =
                Some(groups.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        Ok(())
    }

    /// How the connection is made, for `k8s_cluster_info`; the password is withheld.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub async fn describe(&self) -> Result<Value, ModuleError> {
        let config = self.config().await.map_err(ModuleError::new)?;
        let user = &config.auth_info;
        Ok(json!({
            "cert_file": user.client_certificate,
            "host": config.cluster_url.to_string().trim_end_matches('/'),
            "password": user.password.as_ref().map(|_| "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"),
            "proxy": config.proxy_url.as_ref().map(ToString::to_string),
            "ssl_ca_cert": config.root_cert_file,
            "username": user.username,
            "verify_ssl": !config.accept_invalid_certs,
        }))
    }
}

/// `K8S_AUTH_<NAME>`, by the argument's name or the Python client's name for it, which is its alias.
fn from_environment(opt: &Opt, environment: Environment<'_>) -> Option<Value> {
    let read = |name: &str| environment(&format!("K8S_AUTH_{}", name.to_uppercase()));
    match (opt.name, opt.kind) {
        ("proxy_headers", _) => {
            let read = |inner: &Opt| Some((inner.name, read(&format!("proxy_headers_{}", inner.name))?));
            let headers: BTreeMap<_, _> = opt.options.iter().filter_map(read).collect();
            (!headers.is_empty()).then(|| json!(headers))
        }
        (name, kind) => {
            let text = std::iter::once(&name).chain(opt.aliases).find_map(|name| read(name))?;
            Some(match kind {
                Kind::Bool => json!(!["0", "false", "no"].contains(&text.to_lowercase().as_str())),
                Kind::Path => json!(expand_path(&text)),
                Kind::ListOfStr => json!(text.split(',').filter(|part| !part.is_empty()).collect::<Vec<_>>()),
                _ => json!(text),
            })
        }
    }
}

/// Whether a host is among those that `no_proxy` lists: names and their subdomains, or `*`.
fn is_excepted(host: &str, hosts: &str) -> bool {
    hosts.split(',').map(str::trim).filter(|name| !name.is_empty()).any(|name| {
        let name = name.strip_prefix('.').unwrap_or(name);
        name == "*" || host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(given: Value, environment: &[(&str, &str)]) -> Connection {
        let environment: BTreeMap<_, _> = environment.iter().copied().collect();
        Connection::read(&|opt| given.get(opt.name).cloned(), &|name| {
            environment.get(name).map(|&text| text.into())
        })
    }

    #[tokio::test]
    async fn arguments_come_before_the_environment() {
        let environment = [
            ("K8S_AUTH_HOST", "https://other:6443"),
            ("K8S_AUTH_API_KEY", "token"),
            ("K8S_AUTH_VERIFY_SSL", "no"),
            ("K8S_AUTH_IMPERSONATE_GROUPS", "a,,b"),
        ];
        let connection = connection(json!({"host": "https://example:6443/"}), &environment);
        let config = connection.config().await.unwrap();
        assert_eq!(config.cluster_url.to_string(), "https://example:6443/");
        assert!(config.accept_invalid_certs && config.auth_info.token.is_some());
        assert_eq!(config.auth_info.impersonate_groups.unwrap(), ["a", "b"]);
    }

    #[tokio::test]
    async fn a_kubeconfig_may_be_given_whole() {
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "clusters": [{"name": "c", "cluster": {"server": "https://one:1"}}, {"name": "d", "cluster": {"server": "https://two:2"}}],
            "users": [{"name": "u", "user": {"username": "me", "password": "secret"}}],
            "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}, {"name": "b", "context": {"cluster": "d", "user": "u"}}],
        });
        let settings = json!({"kubeconfig": kubeconfig, "context": "b", "proxy": "http://proxy:3128",
            "proxy_headers": {"proxy_basic_auth": "me:p@ss"}});
        let config = connection(settings.clone(), &[]).config().await.unwrap();
        assert_eq!(config.cluster_url.to_string(), "https://two:2/");
        assert_eq!(config.proxy_url.unwrap().to_string(), "http://me:p%40ss@proxy:3128/");
        let mut excepted = settings;
        excepted["no_proxy"] = "localhost,two".into();
        assert_eq!(connection(excepted, &[]).config().await.unwrap().proxy_url, None);
    }

    #[test]
    fn what_is_empty_is_not_given() {
        let given = json!({"kubeconfig": "", "host": null});
        assert!(!connection(given, &[]).any(&NAMING));
    }

    #[tokio::test]
    async fn nothing_configured_is_an_error() {
        let error = connection(json!({}), &[("HOME", "/nonexistent")]).config().await.unwrap_err();
        assert_eq!(error, "Invalid kube-config file. No configuration found.");
    }
}
