//! What one task can do: one file per module, grouped by collection.
