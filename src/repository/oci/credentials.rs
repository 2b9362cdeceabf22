//! The credentials of registries, as Docker's `config.json` and its helpers keep them.
//!
//! Follows `registry/remote/credentials` of ORAS: Helm's own file first, then Docker's; in each the registry's
//! own helper, then the store, then the file itself.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::repository::{Error, Settings};

/// Under which address the credentials of Docker's own registry are kept.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// The user name of credentials that are a token.
const TOKEN_USER: &str = "<token>";

/// What a registry may be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) username: String,
    pub(super) password: String,
    /// A token with which others are had.
    pub(super) refresh_token: String,
    /// A token that is shown as it is.
    pub(super) access_token: String,
}

impl Credential {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: BTreeMap<String, Auth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

#[derive(Deserialize)]
struct Helped {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

/// What is kept for a registry's host; empty when there is nothing.
pub(super) fn find(settings: &Settings, host: &str) -> Result<Credential, Error> {
    let address = match host {
        "docker.io" | "registry-1.docker.io" | "index.docker.io" => DOCKER_HUB,
        host => host,
    };
    for path in [&settings.registry_config, &settings.docker_config] {
        let found = in_file(path, address)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Credential::default())
}

fn in_file(path: &Path, address: &str) -> Result<Credential, Error> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Credential::default()),
        Err(error) => return Err(Error::file(path)(error)),
    };
    let config: Config = serde_json::from_slice(&text).map_err(|error| Error::Malformed {
        what: path.display().to_string(),
        // The message must not quote the file.
        message: format!("it is no Docker configuration (line {})", error.line()),
    })?;
    let helper = config.cred_helpers.get(address).unwrap_or(&config.creds_store);
    if !helper.is_empty() {
        return from_helper(helper, address);
    }
    let by_host = || config.auths.iter().find(|(own, _)| host_of(own) == address).map(|(_, auth)| auth);
    config.auths.get(address).or_else(by_host).map_or(Ok(Credential::default()), |auth| {
        auth.credential().ok_or_else(|| Error::Malformed {
            what: path.display().to_string(),
            message: format!("the auth of {address} is no base64 of USER:PASSWORD"),
        })
    })
}

/// The host in an address that may be a URL.
fn host_of(address: &str) -> &str {
    let rest =
        address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")).unwrap_or(address);
    rest.split('/').next().unwrap_or_default()
}

impl Auth {
    fn credential(&self) -> Option<Credential> {
        let mut credential = Credential {
            username: self.username.clone(),
            password: self.password.clone(),
            refresh_token: self.identitytoken.clone(),
            access_token: self.registrytoken.clone(),
        };
        if !self.auth.is_empty() {
            let decoded = String::from_utf8(STANDARD.decode(&self.auth).ok()?).ok()?;
            let (username, password) = decoded.split_once(':')?;
            credential.username = username.to_owned();
            credential.password = password.trim_end_matches('\0').to_owned();
        }
        Some(credential)
    }
}

/// Asks `docker-credential-HELPER` as Docker does: the address in, JSON out.
fn from_helper(helper: &str, address: &str) -> Result<Credential, Error> {
    let program = format!("docker-credential-{helper}");
    let failed = |why: String| Error::Refused(format!("failed to get credentials from {program}: {why}"));
    let spawned = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(address.as_bytes()).map_err(|error| failed(error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = format!("{}{}", lossy(&output.stdout), lossy(&output.stderr));
        if said.contains("credentials not found") {
            return Ok(Credential::default());
        }
        return Err(failed(said.trim().to_owned()));
    }
    let helped: Helped = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed("its answer is not the JSON of credentials".into()))?;
    Ok(match helped.username.as_str() {
        TOKEN_USER => Credential { refresh_token: helped.secret, ..Credential::default() },
        _ => Credential { username: helped.username, password: helped.secret, ..Credential::default() },
    })
}

fn lossy(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(directory: &Path, helm: &str, docker: &str) -> Settings {
        let settings = Settings {
            registry_config: directory.join("helm.json"),
            docker_config: directory.join("docker.json"),
            ..Settings::default()
        };
        std::fs::write(&settings.registry_config, helm).unwrap();
        std::fs::write(&settings.docker_config, docker).unwrap();
        settings
    }

    #[test]
    fn helms_file_wins_over_dockers() {
        let directory = tempfile::tempdir().unwrap();
        let auth = |text: &str| format!(r#"{{"auth": "{}"}}"#, STANDARD.encode(text));
        let helm =
            format!(r#"{{"auths": {{"a": {}, "https://b:5000/v2/": {}}}}}"#, auth("u:p:q"), auth("v:w"));
        let docker = format!(
            r#"{{"auths": {{"a": {}, "c": {{"identitytoken": "t"}}, "{DOCKER_HUB}": {}}}}}"#,
            auth("x:y"),
            auth("hub:pw")
        );
        let settings = settings(directory.path(), &helm, &docker);
        let find = |host: &str| find(&settings, host).unwrap();
        assert_eq!((find("a").username.as_str(), find("a").password.as_str()), ("u", "p:q"));
        assert_eq!(find("b:5000").username, "v");
        assert_eq!(find("c").refresh_token, "t");
        assert_eq!(find("registry-1.docker.io").password, "pw");
        assert!(find("d").is_empty());
    }

    #[test]
    fn broken_files_are_told_without_their_content() {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path(), r#"{"auths": {"a": {"auth": "c2VjcmV0"}}}"#, "{secret");
        assert!(find(&settings, "a").err().unwrap().to_string().contains("the auth of a is no base64"));
        let error = find(&settings, "b").err().unwrap().to_string();
        assert!(error.contains("docker.json") && !error.contains("secret"), "{error}");
    }
}
