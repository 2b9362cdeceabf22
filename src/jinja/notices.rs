//! What templating tells beside its results: warnings and deprecations, in order.

use std::sync::{Arc, Mutex, PoisonError};

/// Something worth telling that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Something is dubious.
    Warning(String),
    /// Something will go away with a version.
    Deprecation {
        /// What.
        message: String,
        /// The version.
        version: &'static str,
    },
}

/// The notices of an environment until somebody takes them.
#[derive(Debug, Clone, Default)]
pub struct Notices(Arc<Mutex<Vec<Notice>>>);

/// Notices beyond these are those of a loop, and say nothing new.
const ENOUGH: usize = 1_000;

impl Notices {
    /// Adds a notice, once.
    pub(crate) fn tell(&self, notice: Notice) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < ENOUGH && !told.contains(&notice) {
            told.push(notice);
        }
    }

    /// Takes what was told so far.
    #[must_use]
    pub fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
