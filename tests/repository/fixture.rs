//! Charts, indexes and a home of Helm in a temporary directory.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use daytwo::chart::{Contents, package};
use daytwo::repository::{Options, Settings};
use tempfile::TempDir;

use crate::registry::digest;
use crate::server::Server;

/// A home of Helm that nobody else uses.
pub struct Home {
    pub directory: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The environment that makes Helm, and us, use this home.
    pub fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HELM_CONFIG_HOME", self.path("config")),
            ("HELM_CACHE_HOME", self.path("cache")),
            ("HELM_DATA_HOME", self.path("data")),
            ("DOCKER_CONFIG", self.path("docker")),
            ("HOME", self.path("")),
        ]
    }

    pub fn settings(&self) -> Settings {
        let variables = self.variables();
        Settings::from_variables(|name| {
            variables.iter().find(|(own, _)| *own == name).map(|(_, path)| path.clone())
        })
    }

    pub fn options(&self) -> Options {
        Options { settings: self.settings(), ..Options::default() }
    }

    /// Writes a chart's directory.
    pub fn chart(&self, name: &str, version: &str, dependencies: &str) -> PathBuf {
        let directory = self.path(name);
        write_chart(&directory, name, version, dependencies);
        directory
    }
}

pub fn write_chart(directory: &Path, name: &str, version: &str, dependencies: &str) {
    std::fs::create_dir_all(directory.join("templates")).unwrap();
    let metadata = format!(
        "apiVersion: v2\nname: {name}\nversion: {version}\nappVersion: \"1.16\"\n\
         description: A chart for <tests> & more\nkeywords: [test]\n{dependencies}"
    );
    for (file, text) in [
        ("Chart.yaml", metadata.as_str()),
        ("values.yaml", "# how it is\ncolour: blue\n"),
        ("README.md", "# Read me\n"),
        (
            "templates/config.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n\
             data: {colour: {{ .Values.colour }}, version: {{ .Chart.Version | quote }}}\n",
        ),
    ] {
        std::fs::write(directory.join(file), text).unwrap();
    }
}

/// When all packed files were modified.
pub fn epoch() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// A packed chart.
pub fn packed(name: &str, version: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    write_chart(directory.path(), name, version, "");
    package(&Contents::load(directory.path()).unwrap(), Some(epoch())).unwrap()
}

/// Makes a server a chart repository of these charts.
pub fn publish(server: &Server, charts: &[(&str, &str)]) {
    let mut entries: std::collections::BTreeMap<&str, Vec<serde_json::Value>> = Default::default();
    for (name, version) in charts {
        let archive = packed(name, version);
        let file = format!("{name}-{version}.tgz");
        entries.entry(name).or_default().push(serde_json::json!({
            "name": name, "version": version, "apiVersion": "v2", "appVersion": "1.16",
            "description": format!("{name} for tests"), "keywords": ["test"],
            "created": "2024-01-01T00:00:00Z",
            "urls": [format!("charts/{file}")], "digest": digest(&archive).trim_start_matches("sha256:"),
        }));
        server.put(&format!("charts/{file}"), archive);
    }
    let index =
        serde_json::json!({"apiVersion": "v1", "generated": "2024-01-01T00:00:00Z", "entries": entries});
    server.put("index.yaml", daytwo::yaml::go::marshal(&index).unwrap());
}
