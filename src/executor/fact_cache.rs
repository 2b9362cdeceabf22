//! Facts that outlive a run: a file for each host (`plugins/cache/jsonfile.py`).

use std::path::PathBuf;
use std::time::Duration;

use super::run::{Run, Stage};
use super::state::StoredVars;
use crate::jinja::convert::{self, Stored};

/// Where facts are kept between runs (`fact_caching = jsonfile`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactCache {
    /// The directory of the files.
    pub directory: PathBuf,
    /// What the name of a host's file begins with.
    pub prefix: String,
    /// How long facts are good; for ever if unset.
    pub timeout: Option<Duration>,
}

impl FactCache {
    fn file(&self, host: &str) -> PathBuf {
        self.directory.join(format!("{}{host}", self.prefix))
    }

    /// The facts of a host; none when there are none, or when they are too old.
    fn load(&self, host: &str) -> Option<StoredVars> {
        let file = self.file(host);
        let age = file.metadata().ok()?.modified().ok()?.elapsed().unwrap_or_default();
        if self.timeout.is_some_and(|timeout| age > timeout) {
            return None;
        }
        let facts: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        let stored = |value| Stored(convert::from_json(value).into_unsafe());
        Some(facts.into_iter().map(|(name, value)| (name.into(), stored(value))).collect())
    }

    fn save(&self, host: &str, facts: &StoredVars) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.directory)?;
        let facts: serde_json::Map<String, serde_json::Value> =
            facts.iter().map(|(name, value)| (name.to_string(), convert::to_json(&value.0))).collect();
        let part = self.directory.join(format!(".{}{host}.part", self.prefix));
        std::fs::write(&part, serde_json::to_vec_pretty(&facts)?)?;
        std::fs::rename(part, self.file(host))
    }

    /// Forgets the facts of a host.
    pub fn remove(&self, host: &str) {
        // Nothing may have been kept.
        let _ = std::fs::remove_file(self.file(host));
    }
}

impl Run {
    /// Takes the facts of the inventory's hosts that earlier runs kept.
    pub(super) fn load_facts(&mut self, stage: &Stage<'_>) {
        let Some(cache) = &stage.context.fact_cache else { return };
        let listed: Vec<String> = self.state.hosts.inventory().hosts().map(ToOwned::to_owned).collect();
        for host in listed.into_iter().chain(["localhost".to_owned()]) {
            if self.state.hosts.learnt(&host).is_none()
                && let Some(facts) = cache.load(&host)
            {
                self.state.hosts.learn(&host).facts = facts;
            }
        }
    }

    /// Keeps the facts of these hosts for later runs.
    pub(super) fn save_facts(&self, hosts: &[String], stage: &Stage<'_>) -> Result<(), String> {
        let Some(cache) = &stage.context.fact_cache else { return Ok(()) };
        for host in hosts {
            let facts = self.state.hosts.learnt(host).map(|learnt| &learnt.facts);
            if let Some(facts) = facts.filter(|facts| !facts.is_empty()) {
                cache.save(host, facts).map_err(|error| {
                    format!(
                        "the facts of '{host}' could not be kept in {}: {error}",
                        cache.directory.display()
                    )
                })?;
            }
        }
        Ok(())
    }
}
