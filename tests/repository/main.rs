//! Charts from places: repositories and registries that the tests serve themselves on loopback.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod dependencies;
mod fixture;
mod places;
mod registries;
mod registry;
mod server;
