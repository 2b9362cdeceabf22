//! Helm charts, pure: load, dependencies, values, schema, render, manifest order, hooks.
