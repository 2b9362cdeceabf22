//! The collection `daytwo.core`: day-2 steps for people who need not know how Kubernetes does them.

mod chart;
mod job;
mod wait;

use std::sync::Arc;

use super::registry::Registry;

/// Adds the modules of this collection.
pub fn register(registry: &mut Registry) {
    registry.add(Arc::new(chart::Chart::default()));
    registry.add(Arc::new(job::Job));
    registry.add(Arc::new(wait::Wait));
}
