//! Kubernetes I/O: discovery, requests, readiness, waiting, ownership, Events.
//!
//! ```text
//! Client ── Resources (discovery, cached per process) ── Resource
//!    └── get · list · create · apply · patch · delete · logs  ->  Object | Error
//! Owner ── marks dependants (ownerReference or annotations)
//! ready · wait ── is an object done, and if not, why not
//! ```
//!
//! Knows no charts, roles or controllers. Objects are plain JSON trees ([`Object`]): the server owns
//! the types, this room only looks at the fields that it needs.

mod change;
mod client;
mod discovery;
mod error;
mod event;
mod exec;
mod object;
mod owner;
pub mod ready;
pub mod wait;

pub use change::{Change, ChangeOptions, Changed, Validation};
pub use client::{
    Apply, Client, Deletion, ListQuery, LogQuery, Patch, Propagation, RequestLabels, Target, Write,
};
pub use discovery::{Resource, ServerVersion};
pub use error::{Call, Error, Reason, Refusal, Served, Verb};
pub use event::{EventKind, Recorder};
pub use exec::{Exec, Executed, Input, Output};
pub use object::{Object, ObjectRef, fields_digest, managed_digest};
pub use owner::{Owner, OwnerStyle, PRIMARY_RESOURCE, PRIMARY_RESOURCE_TYPE};
