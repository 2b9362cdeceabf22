//! Where Helm keeps what it knows of repositories and registries.
//!
//! Follows `pkg/cli/environment.go` and `pkg/helmpath` of Helm 4: a variable of its own wins over those of
//! the XDG base directories, which win over the home directory.

use std::path::{Path, PathBuf};

/// The files and directories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `repositories.yaml` (`HELM_REPOSITORY_CONFIG`).
    pub repository_config: PathBuf,
    /// The directory of the repositories' index files (`HELM_REPOSITORY_CACHE`).
    pub repository_cache: PathBuf,
    /// The directory of fetched charts, by their digest (`HELM_CONTENT_CACHE`).
    pub content_cache: PathBuf,
    /// The credentials of registries (`HELM_REGISTRY_CONFIG`).
    pub registry_config: PathBuf,
    /// Docker's credentials, which serve for registries that Helm has none of (`DOCKER_CONFIG`).
    pub docker_config: PathBuf,
}

impl Settings {
    /// What this process' environment says.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var_os(name).map(PathBuf::from))
    }

    /// What these variables say; an empty one says nothing.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<PathBuf>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.as_os_str().is_empty());
        let home = variable("HOME").unwrap_or_default();
        let base = |own: &str, xdg: &str, default: &str| {
            variable(own).unwrap_or_else(|| variable(xdg).unwrap_or_else(|| home.join(default)).join("helm"))
        };
        let config = base("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config");
        let cache = base("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache");
        let or = |name: &str, default: &Path| variable(name).unwrap_or_else(|| default.to_owned());
        Self {
            repository_config: or("HELM_REPOSITORY_CONFIG", &config.join("repositories.yaml")),
            repository_cache: or("HELM_REPOSITORY_CACHE", &cache.join("repository")),
            content_cache: or("HELM_CONTENT_CACHE", &cache.join("content")),
            registry_config: or("HELM_REGISTRY_CONFIG", &config.join("registry/config.json")),
            docker_config: or("DOCKER_CONFIG", &home.join(".docker")).join("config.json"),
        }
    }

    /// The cached index of a repository.
    pub(super) fn index_of(&self, name: &str) -> PathBuf {
        self.repository_cache.join(format!("{name}-index.yaml"))
    }

    /// The cached names of a repository's charts.
    pub(super) fn charts_of(&self, name: &str) -> PathBuf {
        self.repository_cache.join(format!("{name}-charts.txt"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_variables_win_over_xdg_over_home() {
        let settings = |variables: &[(&str, &str)]| {
            Settings::from_variables(|name| {
                variables.iter().find(|(own, _)| *own == name).map(|(_, value)| PathBuf::from(value))
            })
        };
        let home = settings(&[("HOME", "/h")]);
        assert_eq!(home.repository_config, Path::new("/h/.config/helm/repositories.yaml"));
        assert_eq!(home.index_of("a"), Path::new("/h/.cache/helm/repository/a-index.yaml"));
        assert_eq!(home.registry_config, Path::new("/h/.config/helm/registry/config.json"));
        assert_eq!(home.docker_config, Path::new("/h/.docker/config.json"));
        let xdg = settings(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("HELM_CONFIG_HOME", "/c")]);
        assert_eq!(xdg.content_cache, Path::new("/x/helm/content"));
        assert_eq!(xdg.repository_config, Path::new("/c/repositories.yaml"));
        let own = settings(&[("HELM_REPOSITORY_CONFIG", "/r"), ("HELM_REPOSITORY_CACHE", "")]);
        assert_eq!(own.repository_config, Path::new("/r"));
        assert_eq!(own.repository_cache, Path::new(".cache/helm/repository"));
    }
}
