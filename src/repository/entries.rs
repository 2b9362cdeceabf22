//! `repositories.yaml`: the chart repositories that the user has added.
//!
//! Follows `pkg/repo/v1/repo.go` of Helm 4.

use std::fs::File;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Access, Error, Settings, cache};
use crate::yaml::go;

/// Go's zero time, which Helm writes into a file that it makes.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// The repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entries {
    api_version: String,
    generated: String,
    /// In the order in which they were added.
    pub repositories: Vec<Entry>,
}

impl Default for Entries {
    fn default() -> Self {
        Self { api_version: String::new(), generated: NO_TIME.into(), repositories: Vec::new() }
    }
}

/// A repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The URL under which `index.yaml` stands.
    pub url: String,
    /// The user; empty for none.
    pub username: String,
    /// The password.
    pub password: Password,
    /// The file of the client's certificate; empty for none.
    pub cert_file: String,
    /// The file of the certificate's key.
    pub key_file: String,
    /// The file of the certificates to trust.
    pub ca_file: String,
    /// Whether the server's certificate is not checked.
    #[serde(rename = "insecure_skip_tls_verify")]
    pub insecure_skip_tls_verify: bool,
    /// Whether every server gets the credentials.
    #[serde(rename = "pass_credentials_all")]
    pub pass_credentials_all: bool,
}

/// A password, which no log shows.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "…" })
    }
}

impl Entry {
    /// An entry for a repository that is reached like this.
    #[must_use]
    pub fn new(name: &str, url: &str, access: &Access) -> Self {
        let path = |path: &Option<std::path::PathBuf>| {
            path.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
        };
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            username: access.username.clone(),
            password: Password(access.password.clone()),
            cert_file: path(&access.cert_file),
            key_file: path(&access.key_file),
            ca_file: path(&access.ca_file),
            insecure_skip_tls_verify: access.insecure_skip_tls_verify,
            pass_credentials_all: access.pass_credentials,
        }
    }

    /// How the repository is reached.
    #[must_use]
    pub fn access(&self) -> Access {
        let path = |path: &String| (!path.is_empty()).then(|| path.into());
        Access {
            username: self.username.clone(),
            password: self.password.0.clone(),
            cert_file: path(&self.cert_file),
            key_file: path(&self.key_file),
            ca_file: path(&self.ca_file),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            pass_credentials: self.pass_credentials_all,
            plain_http: false,
        }
    }
}

impl Entries {
    /// Reads the file; there are no repositories when it does not exist.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn load(settings: &Settings) -> Result<Self, Error> {
        let path = &settings.repository_config;
        match std::fs::read(path) {
            Ok(text) => go::from_slice(&text).map_err(|error| Error::Malformed {
                what: path.display().to_string(),
                message: error.to_string(),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::file(path)(error)),
        }
    }

    /// Writes the file, for its owner only, as it may hold passwords.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, settings: &Settings) -> Result<(), Error> {
        let path = &settings.repository_config;
        let malformed = |message: String| Error::Malformed { what: path.display().to_string(), message };
        let value = serde_json::to_value(self).map_err(|error| malformed(error.to_string()))?;
        let text = go::marshal(&value).map_err(|error| malformed(error.to_string()))?;
        cache::write(path, text.as_bytes(), 0o600)
    }

    /// The repository of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.repositories.iter().find(|entry| entry.name == name)
    }

    /// Adds a repository, or puts it in the place of the one of the same name.
    pub fn set(&mut self, entry: Entry) {
        match self.repositories.iter_mut().find(|own| own.name == entry.name) {
            Some(own) => *own = entry,
            None => self.repositories.push(entry),
        }
    }

    /// Removes a repository; whether there was one of this name.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.repositories.len();
        self.repositories.retain(|entry| entry.name != name);
        self.repositories.len() < before
    }
}

/// Keeps other processes, Helm's too, from changing the file until the value is dropped.
pub(super) fn lock(settings: &Settings) -> Result<File, Error> {
    let path: &Path = &settings.repository_config;
    let lock = path.with_extension("lock");
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(Error::file(directory))?;
    let file = File::create(&lock).map_err(Error::file(&lock))?;
    file.lock().map_err(Error::file(&lock))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_helms() {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings {
            repository_config: directory.path().join("deep/repositories.yaml"),
            ..Settings::default()
        };
        let mut entries = Entries::load(&settings).unwrap();
        let access = Access { username: "u".into(), password: "p".into(), ..Access::default() };
        entries.set(Entry::new("a", "https://a.example", &access));
        entries.set(Entry::new("b", "https://b.example", &Access::default()));
        entries.save(&settings).unwrap();
        let text = std::fs::read_to_string(&settings.repository_config).unwrap();
        insta::assert_snapshot!(text, @r#"
        apiVersion: ""
        generated: "0001-01-01T00:00:00Z"
        repositories:
        - caFile: ""
          certFile: ""
          insecure_skip_tls_verify: false
          keyFile: ""
          name: a
          pass_credentials_all: false
          password: p
          url: https://a.example
          username: u
        - caFile: ""
          certFile: ""
          insecure_skip_tls_verify: false
          keyFile: ""
          name: b
          pass_credentials_all: false
          password: ""
          url: https://b.example
          username: ""
        "#);
        let mut read = Entries::load(&settings).unwrap();
        assert_eq!(read, entries);
        assert_eq!(read.get("a").unwrap().access(), access);
        assert!(read.remove("a") && !read.remove("a"));
        assert!(!format!("{entries:?}").contains("\"p\""));
    }
}
