//! What can be wrong with an inventory.

/// Why an inventory, a pattern or a limit cannot be used; the message is Ansible's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InventoryError(pub String);

impl InventoryError {
    /// An error with this message.
    pub(super) fn new(message: impl Into<String>) -> Self {
        InventoryError(message.into())
    }
}
