//! The contract file watches.yaml: load, expand, validate.
