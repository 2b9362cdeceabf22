//! The cluster as the modules of one run see it: a connection, the owner of what they create, and a
//! record of the kinds that they created.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::connection::Connection;
use super::context::ModuleContext;
use super::result::ModuleError;
use super::spec::Args;
use crate::cluster::{Client, Error, Object, Owner, OwnerStyle, Resource, Target};

/// The field manager of what modules write, as kubernetes.core's Python client names itself.
pub const FIELD_MANAGER: &str = "OpenAPI-Generator";

/// A run's way to the cluster; put into the extensions of the run's context.
pub struct Session {
    /// The connection.
    pub client: Client,
    /// What owns the objects that modules create; nothing for runs outside an operator.
    pub owner: Option<Owner>,
    dependants: Arc<Mutex<BTreeSet<Dependant>>>,
    watched: Option<Arc<dyn Watched>>,
}

/// What an operator's watches know of the objects that its resources own.
pub trait Watched: Send + Sync {
    /// The object as it was last read, if the watches told of no change of it since.
    fn unchanged(&self, resource: &Resource, namespace: Option<&str>, name: &str) -> Option<Object>;

    /// A whole object that was just read.
    fn read(&self, resource: &Resource, object: &Object);
}

/// A kind of which modules created or found owned objects, so that an operator watches it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependant {
    /// `v1`, `apps/v1`, …
    pub api_version: String,
    /// `Deployment`, …
    pub kind: String,
    /// The namespace of the objects; `None` for cluster-scoped kinds.
    pub namespace: Option<String>,
}

impl Session {
    /// A session on a cluster.
    #[must_use]
    pub fn new(client: Client, owner: Option<Owner>) -> Self {
        Self { client, owner, dependants: Arc::default(), watched: None }
    }

    /// The same session, which need not read again what the watches know to be unchanged.
    #[must_use]
    pub fn watched(self, watched: Arc<dyn Watched>) -> Self {
        Self { watched: Some(watched), ..self }
    }

    /// Keeps a whole object that was just read, for as long as it is unchanged.
    pub fn keep(&self, object: &Object, resource: &Resource) {
        if let Some(watched) = &self.watched {
            watched.read(resource, object);
        }
    }

    /// The object as it was last read, if the operator's watches told of no change of it since.
    #[must_use]
    pub fn unchanged(&self, target: Target<'_>) -> Option<Object> {
        self.watched.as_ref()?.unchanged(target.resource, target.namespace, target.name)
    }

    /// The same run on the same cluster as another user.
    pub(super) fn as_other_user(&self, client: Client) -> Self {
        Self { client, owner: self.owner.clone(), dependants: Arc::clone(&self.dependants), watched: None }
    }

    /// The session of a run.
    ///
    /// # Errors
    /// The run has none: it is no operator's.
    pub fn of(context: &ModuleContext) -> Result<Arc<Self>, ModuleError> {
        let session = context.extensions.get::<Self>();
        session.ok_or_else(|| ModuleError::new("no cluster: name one in KUBECONFIG, or run inside of one"))
    }

    /// The way to the cluster that a task means: by its own arguments, which the module declares with those of
    /// [`AUTH`](super::connection::AUTH) or some of them, else that of the run, else that of the environment.
    ///
    /// # Errors
    /// No cluster is configured, or the configuration cannot be used.
    pub async fn open(context: &ModuleContext, args: &Args) -> Result<Arc<Self>, ModuleError> {
        Connection::of_task(context, args)?.session(context.extensions.get::<Self>()).await
    }

    /// The way to the cluster of a module that has no arguments that say which: that of the run, else that of the
    /// environment.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn here(context: &ModuleContext) -> Result<Arc<Self>, ModuleError> {
        Self::open(context, &Args::default()).await
    }

    /// The resource of a kind, with kubernetes.core's words when there is none.
    ///
    /// # Errors
    /// The cluster does not serve the kind, or cannot be asked.
    pub async fn resource(&self, api_version: &str, kind: &str) -> Result<Arc<Resource>, ModuleError> {
        self.client.find_resource(api_version, kind).await.map_err(|error| match error {
            Error::UnknownKind { .. } => ModuleError::new(format!(
                "Failed to find exact match for {api_version}.{kind} by [kind, name, singularName, shortNames] ({error})"
            )),
            other => failure("Failed to discover the kinds of the cluster", &other),
        })
    }

    /// Marks an object that is about to be created as owned by the owner of the run.
    pub fn own(&self, object: &mut Object, resource: &Resource) {
        if let Some(owner) = &self.owner {
            let namespace = object.namespace().filter(|_| resource.namespaced).map(str::to_owned);
            owner.mark(object, namespace.as_deref(), OwnerStyle::Plain);
        }
    }

    /// Remembers the kind of an object when the owner of the run owns it.
    pub fn remember(&self, object: &Object, resource: &Resource) {
        let owned = |owner: &Owner| owner.owns(&object.0["metadata"]);
        if self.owner.as_ref().is_some_and(owned) {
            self.remember_dependant(Dependant {
                api_version: resource.api_version(),
                kind: resource.kind.clone(),
                namespace: object.namespace().map(str::to_owned),
            });
        }
    }

    /// Remembers a kind of which the owner of the run owns objects.
    pub fn remember_dependant(&self, dependant: Dependant) {
        self.dependants.lock().unwrap_or_else(PoisonError::into_inner).insert(dependant);
    }

    /// The kinds of owned objects that modules created or found so far.
    #[must_use]
    pub fn dependants(&self) -> Vec<Dependant> {
        self.dependants.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// The failed result of a request, in kubernetes.core's shape: `msg`, `status`, and as `reason` the words
/// of the HTTP status.
pub fn failure(what: &str, error: &Error) -> ModuleError {
    let failed = ModuleError::new(format!("{what}: {error}"));
    match error.refusal() {
        Some(refusal) => {
            let status = http::StatusCode::from_u16(refusal.code).ok();
            let reason = status.and_then(|status| status.canonical_reason()).unwrap_or_default();
            failed.with("status", i64::from(refusal.code)).with("reason", reason)
        }
        None => failed,
    }
}
