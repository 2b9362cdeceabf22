//! What can be wrong with an inventory.

/// Why an inventory, a pattern or a limit cannot be used; the message is Ansible's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InventoryError {
    message: String,
    /// Where Ansible raises a `ValueError` and not an error of its own: some sources accept only the latter.
    pub(super) value: bool,
}

impl InventoryError {
    /// An error with this message.
    pub(super) fn new(message: impl Into<String>) -> Self {
        InventoryError { message: message.into(), value: false }
    }

    /// An error that is a `ValueError` in Python.
    pub(super) fn of_value(message: impl Into<String>) -> Self {
        InventoryError { message: message.into(), value: true }
    }
}
