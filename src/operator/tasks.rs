//! The tasks of the operator, so that its end can wait for theirs.

use std::future::Future;

use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Starts tasks; cheap to clone.
#[derive(Clone)]
pub(super) struct Tasks {
    /// Never sent through: a task that ends drops its copy.
    alive: Sender<()>,
}

/// Waits for the end of all tasks.
pub(super) struct Drained(Receiver<()>);

impl Tasks {
    pub(super) fn new() -> (Self, Drained) {
        let (alive, ended) = channel(1);
        (Self { alive }, Drained(ended))
    }

    pub(super) fn spawn(&self, task: impl Future<Output: Send + 'static> + Send + 'static) {
        let alive = self.alive.clone();
        tokio::spawn(async move {
            task.await;
            drop(alive);
        });
    }
}

impl Drained {
    /// Returns when every task has ended and nobody can start one.
    pub(super) async fn wait(mut self) {
        while self.0.recv().await.is_some() {}
    }
}
