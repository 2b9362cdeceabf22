//! Where the records live: one Secret per revision, beside the release, as Helm keeps them.
//!
//! Names, labels and type follow `pkg/storage/driver/secrets.go`. Two annotations are ours: the digest
//! of the inputs that a revision was rendered from, by which the next pass knows that there is
//! nothing to render, and the digests of the objects as they were left, by which it sees drift.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::record::{Record, Status};
use super::{Error, MANAGER};
use crate::cluster::{
    Client, Deletion, ListQuery, Object, Owner, OwnerStyle, Reason, Resource, Target, Write,
};

/// Annotation with the digest of a revision's inputs.
pub const INPUTS: &str = "daytwo.dev/inputs";
/// Annotation with the digests of a revision's objects, in the order of its manifest.
const OBJECTS: &str = "daytwo.dev/objects";
/// The API server refuses larger Secrets (`MaxSecretSize`).
const SECRET_LIMIT: usize = 1 << 20;

/// The records of the releases of one namespace.
pub struct Storage<'a> {
    client: &'a Client,
    secrets: Arc<Resource>,
    namespace: &'a str,
    owner: Option<&'a Owner>,
}

/// What the metadata of a stored revision tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The revision.
    pub revision: i64,
    /// Its state.
    pub status: Status,
    /// What we noted beside the record; nothing when others wrote it.
    pub notes: Option<Notes>,
    /// The Secret.
    pub secret: String,
    /// When it was last written, in seconds, as its labels tell.
    pub written: i64,
}

/// What is noted beside a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// The digest of the inputs; empty for a revision that failed.
    pub inputs: String,
    /// The digests of the objects, in the order of the manifest.
    pub objects: Vec<Option<u64>>,
}

impl Notes {
    fn annotations(&self) -> Value {
        let digest = |object: &Option<u64>| object.map_or_else(String::new, |digest| format!("{digest:x}"));
        let objects: Vec<String> = self.objects.iter().map(digest).collect();
        json!({INPUTS: self.inputs, OBJECTS: objects.join(",")})
    }

    fn of(secret: &Object) -> Option<Self> {
        let objects = secret.annotation(OBJECTS).unwrap_or_default().split(',');
        Some(Self {
            inputs: secret.annotation(INPUTS)?.to_owned(),
            objects: objects.map(|digest| u64::from_str_radix(digest, 16).ok()).collect(),
        })
    }
}

impl<'a> Storage<'a> {
    /// The records in `namespace`; new ones belong to `owner`.
    ///
    /// # Errors
    /// Failures of the discovery.
    pub async fn new(
        client: &'a Client,
        namespace: &'a str,
        owner: Option<&'a Owner>,
    ) -> Result<Storage<'a>, Error> {
        Ok(Self { client, secrets: client.resource("v1", "Secret").await?, namespace, owner })
    }

    /// The revisions of a release, oldest first.
    ///
    /// # Errors
    /// Refusals of the cluster.
    pub async fn history(&self, release: &str) -> Result<Vec<Stored>, Error> {
        let query = ListQuery {
            labels: Some(format!("owner=helm,name={release}")),
            metadata_only: true,
            ..ListQuery::default()
        };
        let secrets = self.client.list(&self.secrets, Some(self.namespace), &query).await?;
        let mut history: Vec<Stored> = secrets.iter().filter_map(Stored::of).collect();
        history.sort_by_key(|stored| stored.revision);
        Ok(history)
    }

    /// The record of a revision; `None` when it is gone.
    ///
    /// # Errors
    /// Refusals of the cluster; [`Error::Record`] when it cannot be read.
    pub async fn read(&self, secret: &str) -> Result<Option<Record>, Error> {
        let Some(object) = self.client.get(self.target(secret)).await? else { return Ok(None) };
        let unreadable = |message: String| Error::Record { secret: secret.to_owned(), message };
        let data = object.0.pointer("/data/release").and_then(Value::as_str);
        let data = data.ok_or_else(|| unreadable("it has no key \"release\"".into()))?;
        let text = STANDARD.decode(data).map_err(|error| unreadable(error.to_string()))?;
        Record::decode(&text).map(Some).map_err(unreadable)
    }

    /// Stores a new revision; one of the same number that is left from an interrupted operation is replaced.
    ///
    /// # Errors
    /// [`Error::TooLarge`] before anything is sent; refusals of the cluster.
    pub async fn create(&self, record: &Record, notes: &Notes) -> Result<(), Error> {
        let secret = self.secret(record, notes, "createdAt")?;
        let created =
            self.client.create(&self.secrets, Some(self.namespace), &secret, Write::by(MANAGER)).await;
        match created {
            Err(error) if error.is(Reason::AlreadyExists) => self.update(record, notes).await,
            created => created.map(|_| ()).map_err(Error::from),
        }
    }

    /// Replaces the stored revision.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; refusals of the cluster.
    pub async fn update(&self, record: &Record, notes: &Notes) -> Result<(), Error> {
        let secret = self.secret(record, notes, "modifiedAt")?;
        self.client.replace(self.target(secret.name()), &secret, Write::by(MANAGER)).await?;
        Ok(())
    }

    /// Renews what is noted beside a record.
    ///
    /// # Errors
    /// Refusals of the cluster.
    pub async fn note(&self, secret: &str, notes: &Notes) -> Result<(), Error> {
        let patch = json!({"metadata": {"annotations": notes.annotations()}});
        let kind = crate::cluster::Patch::Merge;
        self.client.patch(self.target(secret), kind, &patch, Write::by(MANAGER)).await?;
        Ok(())
    }

    /// Forgets a revision.
    ///
    /// # Errors
    /// Refusals of the cluster.
    pub async fn delete(&self, secret: &str) -> Result<(), Error> {
        self.client.delete(self.target(secret), &Deletion::default()).await?;
        Ok(())
    }

    fn target<'t>(&'t self, secret: &'t str) -> Target<'t> {
        Target::new(&self.secrets, Some(self.namespace), secret)
    }

    fn secret(&self, record: &Record, notes: &Notes, time_label: &str) -> Result<Object, Error> {
        let name = format!("sh.helm.release.v1.{}.v{}", record.name, record.version);
        let text = record.encode().map_err(|message| Error::Record { secret: name.clone(), message })?;
        if text.len() > SECRET_LIMIT {
            return Err(Error::TooLarge { size: text.len(), limit: SECRET_LIMIT });
        }
        let mut secret = Object(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": {
                    "name": record.name,
                    "owner": "helm",
                    "status": record.info.status.as_str(),
                    "version": record.version.to_string(),
                    time_label: Timestamp::now().as_second().to_string(),
                },
                "annotations": notes.annotations(),
            },
            "type": "helm.sh/release.v1",
            "data": {"release": STANDARD.encode(text)},
        }));
        if let Some(owner) = self.owner
            && owner.supports_reference(Some(self.namespace))
        {
            owner.mark(&mut secret, Some(self.namespace), OwnerStyle::Controller);
        }
        Ok(secret)
    }
}

impl Stored {
    fn of(secret: &Object) -> Option<Self> {
        Some(Self {
            revision: secret.label("version")?.parse().ok()?,
            status: Status::parse(secret.label("status")?),
            notes: Notes::of(secret),
            secret: secret.name().to_owned(),
            written: ["modifiedAt", "createdAt"]
                .iter()
                .find_map(|label| secret.label(label)?.parse().ok())
                .unwrap_or(0),
        })
    }
}
