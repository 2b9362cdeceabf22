//! Hooks: manifests that run at points of a release's life instead of belonging to it.

use std::fmt;

/// The annotation that makes a manifest a hook: a comma-separated list of [`Event`]s.
pub const ANNOTATION: &str = "helm.sh/hook";
/// The annotation with the weight: lower ones run first.
pub const WEIGHT_ANNOTATION: &str = "helm.sh/hook-weight";
/// The annotation with the delete policies.
pub const DELETE_ANNOTATION: &str = "helm.sh/hook-delete-policy";
/// The annotation with the policies of printing a hook's log.
pub const OUTPUT_LOG_ANNOTATION: &str = "helm.sh/hook-output-log-policy";

/// A hook of a rendered chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// `metadata.name`.
    pub name: String,
    /// `kind`.
    pub kind: String,
    /// The template that printed it.
    pub path: String,
    /// The document.
    pub manifest: String,
    /// When it runs.
    pub events: Vec<Event>,
    /// Its weight: lower ones run first.
    pub weight: i64,
    /// When it is deleted, as written: empty means `before-hook-creation`.
    pub delete_policies: Vec<String>,
    /// When its log is printed, as written.
    pub output_log_policies: Vec<String>,
}

/// A point of a release's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Before anything of the release is created.
    PreInstall,
    /// After everything was created.
    PostInstall,
    /// Before anything is deleted.
    PreDelete,
    /// After everything was deleted.
    PostDelete,
    /// Before anything is changed.
    PreUpgrade,
    /// After everything was changed.
    PostUpgrade,
    /// Before anything is rolled back.
    PreRollback,
    /// After everything was rolled back.
    PostRollback,
    /// When `helm test` runs.
    Test,
}

const EVENTS: [(&str, Event); 10] = [
    ("pre-install", Event::PreInstall),
    ("post-install", Event::PostInstall),
    ("pre-delete", Event::PreDelete),
    ("post-delete", Event::PostDelete),
    ("pre-upgrade", Event::PreUpgrade),
    ("post-upgrade", Event::PostUpgrade),
    ("pre-rollback", Event::PreRollback),
    ("post-rollback", Event::PostRollback),
    ("test", Event::Test),
    ("test-success", Event::Test),
];

impl Event {
    /// The event of that name; Helm 2's `test-success` is `test`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        EVENTS.iter().find(|(known, _)| *known == name).map(|(_, event)| *event)
    }

    /// The name in annotations and release records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        EVENTS.iter().find(|(_, event)| *event == self).map_or("", |(name, _)| name)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
