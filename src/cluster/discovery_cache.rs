//! What a cluster serves, remembered in a file between short commands, as kubectl and kubernetes.core remember it.
//!
//! It is a hint: who finds a kind in it need not ask; who does not, asks the cluster. Whatever goes wrong with the file,
//! the cluster is asked as well.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Resource;

/// For how long it counts: kinds that are served otherwise now are soon known to be so.
const FRESH: Duration = Duration::from_secs(600);

/// The file of one cluster.
pub(super) struct DiscoveryCache(PathBuf);

impl DiscoveryCache {
    /// The file of the cluster that the settings name: another certificate is another cluster. `None` where
    /// there is no home for it.
    pub(super) fn of(config: &kube::Config) -> Option<Self> {
        let home = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let caches = home("XDG_CACHE_HOME").or_else(|| Some(home("HOME")?.join(".cache")))?;
        let mut digest = Sha256::new();
        digest.update(env!("CARGO_PKG_VERSION"));
        digest.update(config.cluster_url.to_string());
        for certificate in config.root_cert.iter().flatten() {
            digest.update(certificate);
        }
        Some(Self(caches.join("daytwo/discovery").join(hex::encode(digest.finalize()))))
    }

    /// What is remembered, if it is fresh.
    pub(super) fn read(&self) -> Option<Vec<Resource>> {
        let age = self.0.metadata().ok()?.modified().ok()?.elapsed().ok()?;
        let text = std::fs::read(&self.0).ok().filter(|_| age < FRESH)?;
        serde_json::from_slice(&text).ok()
    }

    /// Remembers what is served now.
    pub(super) fn write<'r>(&self, resources: impl Iterator<Item = &'r Resource>) {
        if let Err(error) = self.0.parent().map_or(Ok(()), |folder| store(folder, &self.0, resources)) {
            tracing::debug!(%error, file = %self.0.display(), "what the cluster serves is not remembered");
        }
    }
}

/// Whole or not at all: others may read meanwhile.
fn store<'r>(
    folder: &Path,
    file: &Path,
    resources: impl Iterator<Item = &'r Resource>,
) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut part = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(std::io::BufWriter::new(&mut part), &resources.collect::<Vec<_>>())?;
    part.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::discovery::deployments;

    #[test]
    fn what_is_written_is_read_while_it_is_fresh() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiscoveryCache(folder.path().join("a/b"));
        assert_eq!(cache.read(), None);
        cache.write([deployments()].iter());
        assert_eq!(cache.read(), Some(vec![deployments()]));
        let old = std::time::SystemTime::now() - FRESH;
        std::fs::File::options().append(true).open(&cache.0).unwrap().set_modified(old).unwrap();
        assert_eq!(cache.read(), None);
        std::fs::write(&cache.0, "damaged").unwrap();
        assert_eq!(cache.read(), None);
    }
}
