//! Arguments that several modules of kubernetes.core share (`module_utils/args_common.py`).

use crate::modules::spec::{Kind, Opt};

/// Which object, by plain arguments.
pub(super) const NAME: &[Opt] = &[Opt::str("kind"), Opt::str("name"), Opt::str("namespace"), API_VERSION];

/// The API version of the object.
pub(super) const API_VERSION: Opt = Opt::str("api_version").default("v1").aliases(&["api", "version"]);

/// Which objects, whole.
pub(super) const RESOURCE: &[Opt] = &[
    Opt::new("resource_definition", Kind::Raw).aliases(&["definition", "inline"]),
    // A path or a URL, so not expanded as a path here.
    Opt::str("src"),
];

/// Whether and how to wait.
pub(super) const WAIT: &[Opt] = &[
    Opt::flag("wait"),
    Opt::new("wait_sleep", Kind::Int).default("5"),
    Opt::new("wait_timeout", Kind::Int).default("120"),
    WAIT_CONDITION,
];

/// The condition to wait for.
pub(super) const WAIT_CONDITION: Opt = Opt::new("wait_condition", Kind::Dict).options(&[
    Opt::str("type"),
    Opt::str("status").default("True").choices(&["True", "False", "Unknown"]),
    Opt::str("reason"),
]);

/// How to delete.
pub(super) const DELETE_OPTIONS: Opt = Opt::new("delete_options", Kind::Dict).options(&[
    Opt::str("propagationPolicy").choices(&["Foreground", "Background", "Orphan"]),
    Opt::new("gracePeriodSeconds", Kind::Int),
    Opt::new("preconditions", Kind::Dict).options(&[Opt::str("resourceVersion"), Opt::str("uid")]),
]);

/// Fields that the result leaves out.
pub(super) const HIDDEN_FIELDS: Opt = Opt::new("hidden_fields", Kind::ListOfStr);

/// Narrows what is meant by labels.
pub(super) const LABEL_SELECTORS: Opt = Opt::new("label_selectors", Kind::ListOfStr);

/// Narrows what is meant by fields.
pub(super) const FIELD_SELECTORS: Opt = Opt::new("field_selectors", Kind::ListOfStr);
