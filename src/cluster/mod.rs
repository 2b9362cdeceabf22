//! Kubernetes I/O: discovery, requests, readiness, waiting, ownership, Events.
//!
//! ```text
//! Client ── Resources (discovery, cached per process) ── Resource
//!    └── get · list · create · apply · patch · delete · logs  ->  Object | Error
//! Election ── who of several instances may write ── Fence
//! Owner ── marks dependants (ownerReference or annotations)
//! ready · wait ── is an object done, and if not, why not
//! ```
//!
//! Knows no charts, roles or controllers. Objects are plain JSON trees ([`Object`]): the server owns
//! the types, this room only looks at the fields that it needs.

pub mod access;
mod change;
mod client;
mod discovery;
mod discovery_cache;
mod election;
mod error;
mod event;
mod exec;
mod forward;
mod object;
mod openapi;
mod owner;
pub mod ready;
mod three_way;
pub mod wait;

pub use change::{Change, ChangeOptions, Changed, Validation};
pub use client::{
    Apply, Client, Deletion, ListQuery, LogQuery, Patch, Propagation, RequestLabels, Target, Write,
};
pub use discovery::{Resource, ServerVersion};
pub use election::{Candidacy, Election, Fence};
pub use error::{Call, Error, Reason, Refusal, Served, Verb};
pub use event::{EventKind, Recorder};
pub use exec::{Exec, Executed, Input, Output};
pub use object::{Object, ObjectRef, fields_digest, managed_digest};
pub use openapi::{Field, KindSchema};
pub use owner::{Owner, OwnerStyle, PRIMARY_RESOURCE, PRIMARY_RESOURCE_TYPE};
pub use three_way::three_way;
