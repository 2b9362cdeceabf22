//! Where the recordings are, unpacked once.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The recordings.
pub(crate) struct Corpus {
    root: PathBuf,
    unpacked: PathBuf,
}

/// One rendering of a chart.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Case {
    /// The repository.
    pub(crate) repo: String,
    /// The chart in it.
    pub(crate) chart: String,
    /// The name of the values.
    pub(crate) case: String,
    /// Where the chart is.
    pub(crate) chart_dir: String,
    /// The file with the values.
    pub(crate) values: Option<String>,
    /// Whether Helm renders it.
    pub(crate) ok: bool,
    /// Whether two renderings are equal.
    #[serde(default)]
    pub(crate) deterministic: bool,
    /// What Helm says otherwise.
    #[serde(default)]
    pub(crate) error: String,
}

impl Case {
    /// The name of the case in lists.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}/{}", self.repo, self.chart, self.case)
    }
}

impl Corpus {
    /// Finds the recordings.
    ///
    /// # Errors
    /// When they are nowhere.
    pub(crate) fn open() -> Result<Self, String> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = std::env::var_os("DAYTWO_CONFORMANCE")
            .map_or_else(|| manifest.join("../shared/conformance"), PathBuf::from)
            .join("helm");
        if !root.join("index.json").is_file() {
            return Err(format!(
                "the conformance recordings are not in {}; name their directory in DAYTWO_CONFORMANCE",
                root.display()
            ));
        }
        Ok(Self { root, unpacked: Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance") })
    }

    /// All cases, in the order of the index.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub(crate) fn cases(&self) -> Result<Vec<Case>, String> {
        serde_json::from_slice(&self.read("index.json")?).map_err(|error| format!("index.json: {error}"))
    }

    /// The content of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.root.join(path)).map_err(|error| format!("{path}: {error}"))
    }

    /// The directory with the content of an archive, which is unpacked if it was not yet.
    ///
    /// # Errors
    /// When the archive cannot be read or unpacked.
    pub(crate) fn archive(&self, name: &str) -> Result<PathBuf, String> {
        let archive = format!("{name}.tar.xz");
        let digest = hex::encode(Sha256::digest(self.read(&archive)?));
        let directory = self.unpacked.join(format!("{name}-{}", &digest[..16]));
        if !directory.is_dir() {
            let partial = directory.with_extension("partial");
            let unpack = || {
                let _ = std::fs::remove_dir_all(&partial);
                std::fs::create_dir_all(&partial)?;
                let file = File::open(self.root.join(&archive))?;
                tar::Archive::new(xz2::read::XzDecoder::new(file)).unpack(&partial)?;
                std::fs::rename(&partial, &directory)
            };
            unpack().map_err(|error: std::io::Error| format!("{archive}: {error}"))?;
        }
        Ok(directory)
    }
}
