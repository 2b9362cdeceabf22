//! Where the recordings are, unpacked once.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The recordings.
pub struct Corpus {
    root: PathBuf,
    unpacked: PathBuf,
}

/// One rendering of a chart.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// The repository.
    pub repo: String,
    /// The chart in it.
    pub chart: String,
    /// The name of the values.
    pub case: String,
    /// Where the chart is.
    pub chart_dir: String,
    /// The file with the values.
    pub values: Option<String>,
    /// Whether Helm renders it.
    pub ok: bool,
    /// Whether two renderings are equal.
    #[serde(default)]
    pub deterministic: bool,
    /// What Helm says otherwise.
    #[serde(default)]
    pub error: String,
}

impl Case {
    /// The name of the case in lists.
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.repo, self.chart, self.case)
    }
}

impl Corpus {
    /// Finds the recordings.
    ///
    /// # Errors
    /// When they are nowhere.
    pub fn open() -> Result<Self, String> {
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
    pub fn cases(&self) -> Result<Vec<Case>, String> {
        serde_json::from_slice(&self.read("index.json")?).map_err(|error| format!("index.json: {error}"))
    }

    /// The content of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.root.join(path)).map_err(|error| format!("{path}: {error}"))
    }

    /// The directory with the content of an archive, which is unpacked if it was not yet.
    ///
    /// # Errors
    /// When the archive cannot be read or unpacked.
    pub fn archive(&self, name: &str) -> Result<PathBuf, String> {
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
