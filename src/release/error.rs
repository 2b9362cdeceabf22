//! Why a release could not be brought to where it should be.

use thiserror::Error;

use crate::chart;
use crate::cluster::{self, ObjectRef, Reason, wait::WaitError};

/// A failed step of a release.
#[derive(Debug, Error)]
pub enum Error {
    /// The chart does not render with these values.
    #[error(transparent)]
    Chart(#[from] chart::Error),
    /// The cluster refused, or cannot be reached.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// A rendered document is no Kubernetes object.
    #[error("{source_file}: {message}")]
    Manifest {
        /// The template that printed it.
        source_file: String,
        /// What is wrong with it.
        message: String,
    },
    /// A template asks for a kind that the cluster does not serve.
    #[error("{source_file}: {source}")]
    Kind {
        /// The template that asks for it.
        source_file: String,
        /// What the cluster serves instead.
        source: cluster::Error,
    },
    /// An object of this name belongs to somebody else.
    #[error(
        "{} exists and cannot be imported into the current release: invalid ownership metadata; {problems}",
        in_helms_words(.object)
    )]
    Ownership {
        /// The object.
        object: ObjectRef,
        /// What does not match, in Helm's words.
        problems: String,
    },
    /// Something that is there stops an operation before it begins.
    #[error("unable to continue with {what}: {source}")]
    Stopped {
        /// `install`, `update` or `rollback`.
        what: &'static str,
        /// What stops it.
        source: Box<Error>,
    },
    /// The name is taken.
    #[error("cannot reuse a name that is still in use")]
    NameInUse,
    /// The name cannot be one of a release.
    #[error("release name is invalid: {0}")]
    Name(String),
    /// There is no release of this name.
    #[error("release: not found")]
    NotFound,
    /// There is a release, but nothing that an upgrade could start from.
    #[error("{0:?} has no deployed releases")]
    NotDeployed(String),
    /// The release has no such revision.
    #[error("release has no {0} version")]
    NoRevision(i64),
    /// The release is gone already; only its history is left.
    #[error("the release named {0:?} is already deleted")]
    AlreadyUninstalled(String),
    /// Flags that exclude each other, or are not understood.
    #[error("{0}")]
    Options(String),
    /// An operation failed, and what was done about it.
    #[error("release {name} failed, and has been {done} due to rollback-on-failure being set: {source}")]
    Undone {
        /// The release.
        name: String,
        /// `uninstalled` or `rolled back`.
        done: &'static str,
        /// Why it failed.
        source: Box<Error>,
    },
    /// An operation failed, and undoing it failed, too.
    #[error("an error occurred while {undoing} the release: {second}. original error: {source}")]
    NotUndone {
        /// `uninstalling` or `rolling back`.
        undoing: &'static str,
        /// Why it failed.
        source: Box<Error>,
        /// Why undoing failed.
        second: Box<Error>,
    },
    /// The release of this name was made from another chart.
    #[error(
        "a release named {name:?} exists in namespace {namespace:?}, made from chart {found:?}, not {wanted:?}"
    )]
    OtherChart {
        /// The release.
        name: String,
        /// Its namespace.
        namespace: String,
        /// The chart of the record.
        found: String,
        /// The chart of the watch.
        wanted: String,
    },
    /// Somebody else (`helm upgrade`, …) is at work on the release.
    #[error("another operation (install/upgrade/rollback) is in progress: revision {revision} is {status}")]
    InProgress {
        /// The revision.
        revision: i64,
        /// Its state.
        status: &'static str,
    },
    /// Objects were not ready in time.
    #[error("not ready: {0}")]
    Wait(#[from] WaitError),
    /// A hook failed.
    #[error("{event} hook {hook:?} failed: {reason}")]
    Hook {
        /// When it ran.
        event: String,
        /// Its object.
        hook: String,
        /// Why.
        reason: String,
    },
    /// The record would not fit into a Secret.
    #[error(
        "the release record is {size} bytes, more than the {limit} bytes that a Secret holds: take large files out of the chart (.helmignore)"
    )]
    TooLarge {
        /// Bytes needed.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A stored record cannot be read.
    #[error("release record {secret:?} is unreadable: {message}")]
    Record {
        /// The Secret.
        secret: String,
        /// What is wrong with it.
        message: String,
    },
}

/// As `resourceString` of `pkg/action/validate.go` names an object.
fn in_helms_words(object: &ObjectRef) -> String {
    format!("{} {:?} in namespace {:?}", object.kind, object.name, object.namespace.as_deref().unwrap_or(""))
}

impl Error {
    /// The cluster's error behind this one, when there is one.
    #[must_use]
    pub fn cluster(&self) -> Option<&cluster::Error> {
        match self {
            Self::Cluster(error) | Self::Kind { source: error, .. } => Some(error),
            Self::Wait(WaitError::Cluster(error)) => Some(error),
            Self::Undone { source, .. } | Self::NotUndone { source, .. } | Self::Stopped { source, .. } => {
                source.cluster()
            }
            _ => None,
        }
    }

    /// Whether the cluster's access rules are in the way.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.cluster().is_some_and(|error| error.is(Reason::Forbidden))
    }
}
