//! Charts from places: directories, archives, chart repositories, OCI registries.
//!
//! ```text
//! reference + options -> locate ┬ a path: as it is
//!                               ├ repo/chart, --repo URL -> index.yaml -> URL, digest ┐
//!                               ├ https://…/chart.tgz ────────────────────────────────┼─> download -> verify -> cache -> path
//!                               └ oci://registry/path/chart:tag -> manifest -> layer ─┘
//! path -> chart::Chart
//! Chart.yaml -> dependencies -> charts/, Chart.lock          Chart -> package -> .tgz -> push -> oci://
//! ```
//!
//! Reads and writes the files that Helm keeps (`repositories.yaml`, the caches, the credentials of registries),
//! so that both can be used side by side. Knows no cluster. Follows `pkg/{repo,registry,downloader,getter,
//! provenance}` of Helm 4.3.

mod access;
mod cache;
mod dependencies;
mod entries;
mod error;
mod go_json;
mod index;
mod list;
mod locate;
mod oci;
mod output_dir;
mod provenance;
mod pull;
mod push;
mod search;
mod settings;
mod show;
mod transport;
mod update;
mod urls;
mod version;

use std::path::PathBuf;

pub use access::Access;
pub use dependencies::{Manager, fetch_dependencies};
pub use entries::{Entries, Entry};
pub use error::Error;
pub use index::{ChartVersion, Index};
pub use list::list_dependencies;
pub use locate::{installable, is_remote, load, load_installable, locate};
pub use output_dir::write_listing;
pub use provenance::{Verification, default_keyring, verify};
pub use pull::{Pull, pull};
pub use push::{package, push, push_image, source_date_epoch};
pub use search::{Found, Search, search};
pub use settings::Settings;
pub use show::{Part, show};
pub use update::{add, remove, update};
pub use version::ANY as ANY_VERSION;

/// Takes the lines that a command tells about its progress, without their line breaks.
pub type Report<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// How to find a chart, and how much to trust what is found.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where Helm keeps what it knows.
    pub settings: Settings,
    /// A version, or a constraint on versions; the newest release when empty.
    pub version: String,
    /// The URL of the repository in which the reference is a chart's name.
    pub repository: Option<String>,
    /// How to reach servers.
    pub access: Access,
    /// The keyring against which the chart's provenance is verified.
    pub keyring: Option<PathBuf>,
}
