//! The controller: watches -> queue -> one reconcile at a time per resource.
