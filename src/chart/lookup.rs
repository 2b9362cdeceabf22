//! What the template function `lookup` asks.

/// A cluster as the template function `lookup` sees it.
pub trait Lookup: Send + Sync {
    /// The object of that name, or with an empty `name` the list of objects, of `namespace` or with
    /// an empty one of the cluster; an empty map when there is none.
    ///
    /// # Errors
    /// What the cluster answered when it is neither the object nor "not found"; the rendering fails with it.
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<serde_json::Map<String, serde_json::Value>, String>;
}

/// No cluster: every lookup gives an empty map, as in `helm template`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offline;

impl Lookup for Offline {
    fn lookup(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: &str,
    ) -> Result<serde_json::Map<String, serde_json::Value>, String> {
        Ok(serde_json::Map::new())
    }
}
