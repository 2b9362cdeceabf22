//! Which Helm a rendering follows.

/// Which Helm a rendering follows where the two differ: document splitting, install order, nulls in
/// values, aliased dependencies, the shape of `.Chart`, the functions of Helm 4 and error texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compat {
    /// Helm 3 (3.19).
    V3,
    /// Helm 4 (4.3).
    #[default]
    V4,
}
