//! Where the records live: one Secret per revision, beside the release, as Helm keeps them.
//!
//! Names, labels and type follow `pkg/storage/driver/secrets.go`. Three annotations are ours: the digest
//! of the inputs that a revision was rendered from, by which the operator's next pass knows that there is
//! nothing to render; the digests of the objects as they were left, by which it sees drift; and who is
//! at work on a pending revision.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::holder::Holder;
use super::record::{Record, Status};
use super::{Error, MANAGER};
use crate::cluster::{
    Client, Deletion, ListQuery, Object, Owner, OwnerStyle, Patch, Reason, Resource, Target, Write,
};

/// Annotation with the digest of a revision's inputs.
pub const INPUTS: &str = "daytwo.dev/inputs";
/// Annotation with the digests of a revision's objects, in the order of its manifest.
const OBJECTS: &str = "daytwo.dev/objects";
/// Annotation that names the process at work.
const HOLDER: &str = "daytwo.dev/holder";
/// The API server refuses larger Secrets (`MaxSecretSize`).
const SECRET_LIMIT: usize = 1 << 20;
/// Room for what is added to a record while its operation runs: runs of hooks, a failure's words.
const RESERVE: usize = 8 << 10;
/// The longest description that is stored: a failure may have many words.
const DESCRIPTION_LIMIT: usize = 4 << 10;
/// Labels that Helm sets itself.
const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

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
    /// Who is at work on it, when that was noted.
    pub holder: Option<Holder>,
}

/// What is written beside a record.
#[derive(Clone, Copy, Debug)]
pub enum Beside<'n> {
    /// What is there stays.
    AsIs,
    /// Nothing.
    Nothing,
    /// The operator's notes.
    Notes(&'n Notes),
    /// Who is at work.
    Holder(&'n Holder),
}

impl Beside<'_> {
    /// The annotations to merge into those that are there; nulls remove.
    fn annotations(self) -> Map<String, Value> {
        let mut all = Map::new();
        if !matches!(self, Self::AsIs) {
            all.extend([INPUTS, OBJECTS, HOLDER].map(|key| (key.to_owned(), Value::Null)));
        }
        match self {
            Self::AsIs | Self::Nothing => {}
            Self::Notes(notes) => all.extend(notes.annotations()),
            Self::Holder(holder) => {
                all.insert(HOLDER.into(), holder.to_text().into());
            }
        }
        all
    }
}

/// Whether Helm keeps a label of that name for itself.
#[must_use]
pub(super) fn is_system_label(name: &str) -> bool {
    SYSTEM_LABELS.contains(&name)
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
    fn annotations(&self) -> [(String, Value); 2] {
        let digest = |object: &Option<u64>| object.map_or_else(String::new, |digest| format!("{digest:x}"));
        let objects: Vec<String> = self.objects.iter().map(digest).collect();
        [(INPUTS.into(), self.inputs.clone().into()), (OBJECTS.into(), objects.join(",").into())]
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
        let secrets = self.client.list(&self.secrets, Some(self.namespace), &revisions_of(release)).await?;
        Ok(sorted(&secrets))
    }

    /// The same as the API server remembers it: a revision that was stored just now may be missing. Where a
    /// namespace has thousands of releases, reading all their Secrets for each is what keeps the server busy.
    ///
    /// # Errors
    /// Refusals of the cluster.
    pub async fn remembered_history(&self, release: &str) -> Result<Vec<Stored>, Error> {
        let query = revisions_of(release);
        let secrets = self.client.list_remembered(&self.secrets, Some(self.namespace), &query).await?;
        Ok(sorted(&secrets))
    }

    /// The revisions of a release as the API server remembers them, unless it has forgotten the newest: revisions are
    /// numbered, so that a look at the next one tells.
    ///
    /// # Errors
    /// Refusals of the cluster.
    pub async fn checked_history(&self, release: &str) -> Result<Vec<Stored>, Error> {
        let remembered = self.remembered_history(release).await?;
        if let Some(newest) = remembered.last()
            && self.client.get(self.target(&secret_name(release, newest.revision + 1))).await?.is_none()
        {
            return Ok(remembered);
        }
        self.history(release).await
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
        let mut record = Record::decode(&text).map_err(unreadable)?;
        let labels = object.0.pointer("/metadata/labels").and_then(Value::as_object);
        let own = labels.into_iter().flatten().filter(|(name, _)| !is_system_label(name));
        record.labels =
            own.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        Ok(Some(record))
    }

    /// Stores a new revision; one of the same number that is left from an interrupted operation is replaced.
    ///
    /// # Errors
    /// [`Error::TooLarge`] before anything is sent; refusals of the cluster.
    pub async fn create(&self, record: &Record, beside: Beside<'_>) -> Result<(), Error> {
        match self.create_new(record, beside).await {
            Err(Error::Cluster(error)) if error.is(Reason::AlreadyExists) => {
                self.update(record, beside).await
            }
            created => created,
        }
    }

    /// Stores a new revision.
    ///
    /// # Errors
    /// As [`Storage::create`]; [`Reason::AlreadyExists`] when there is one of that number.
    pub async fn create_new(&self, record: &Record, beside: Beside<'_>) -> Result<(), Error> {
        let data = encoded(record, SECRET_LIMIT - RESERVE)?;
        let mut annotations = beside.annotations();
        annotations.retain(|_, value| !value.is_null());
        let mut secret = Object(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret_name(&record.name, record.version),
                "namespace": self.namespace,
                "labels": labels(record, "createdAt"),
                "annotations": annotations,
            },
            "type": "helm.sh/release.v1",
            "data": {"release": data},
        }));
        if let Some(owner) = self.owner
            && owner.supports_reference(Some(self.namespace))
        {
            owner.mark(&mut secret, Some(self.namespace), OwnerStyle::Controller);
        }
        self.client.create(&self.secrets, Some(self.namespace), &secret, Write::by(MANAGER)).await?;
        Ok(())
    }

    /// Refuses a record that would not fit, before anything is done.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn check_size(record: &Record) -> Result<(), Error> {
        encoded(record, SECRET_LIMIT - RESERVE).map(|_| ())
    }

    /// Renews the stored revision; what others wrote beside it stays.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; refusals of the cluster.
    pub async fn update(&self, record: &Record, beside: Beside<'_>) -> Result<(), Error> {
        let mut labels = labels(record, "modifiedAt");
        labels.insert("createdAt".into(), Value::Null);
        let patch = json!({
            "metadata": {"labels": labels, "annotations": beside.annotations()},
            "data": {"release": encoded(record, SECRET_LIMIT)?},
        });
        let name = secret_name(&record.name, record.version);
        self.client.patch(self.target(&name), Patch::Merge, &patch, Write::by(MANAGER)).await?;
        Ok(())
    }

    /// Renews what is noted beside a record.
    ///
    /// # Errors
    /// Refusals of the cluster.
    pub async fn note(&self, secret: &str, notes: &Notes) -> Result<(), Error> {
        let annotations: Map<String, Value> = notes.annotations().into_iter().collect();
        let patch = json!({"metadata": {"annotations": annotations}});
        self.client.patch(self.target(secret), Patch::Merge, &patch, Write::by(MANAGER)).await?;
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
}

fn revisions_of(release: &str) -> ListQuery {
    let labels = Some(format!("owner=helm,name={release}"));
    ListQuery { labels, metadata_only: true, ..ListQuery::default() }
}

/// The revisions that Secrets hold, oldest first.
fn sorted(secrets: &[Object]) -> Vec<Stored> {
    let mut history: Vec<Stored> = secrets.iter().filter_map(Stored::of).collect();
    history.sort_by_key(|stored| stored.revision);
    history
}

/// The name of a revision's Secret.
pub(super) fn secret_name(release: &str, revision: i64) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

fn labels(record: &Record, time_label: &str) -> Map<String, Value> {
    let own = record.labels.iter().filter(|(name, _)| !is_system_label(name));
    let mut labels: Map<String, Value> =
        own.map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let now = Timestamp::now().as_second().to_string();
    let status = record.info.status.as_str();
    let version = record.version.to_string();
    for (name, value) in [
        ("name", record.name.as_str()),
        ("owner", "helm"),
        ("status", status),
        ("version", &version),
        (time_label, &now),
    ] {
        labels.insert(name.into(), value.into());
    }
    labels
}

/// The record as the `data` of its Secret holds it.
fn encoded(record: &Record, limit: usize) -> Result<String, Error> {
    let shortened;
    let record = if record.info.description.len() > DESCRIPTION_LIMIT {
        let text = &record.info.description;
        let end = (0..=DESCRIPTION_LIMIT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let mut short = record.clone();
        short.info.description.truncate(end);
        short.info.description.push('…');
        shortened = short;
        &shortened
    } else {
        record
    };
    let unwritable =
        |message: String| Error::Record { secret: secret_name(&record.name, record.version), message };
    let text = record.encode().map_err(unwritable)?;
    if text.len() > limit {
        return Err(Error::TooLarge { size: text.len(), limit });
    }
    Ok(STANDARD.encode(text))
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
            holder: secret.annotation(HOLDER).and_then(Holder::parse),
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::State;
    use axum::http::{StatusCode, Uri};
    use axum::response::{IntoResponse, Response};

    use super::*;

    const SECRETS: &str = "/api/v1/namespaces/demo/secrets";

    /// An API server that has so many revisions of a release, of which it remembers some.
    #[derive(Clone, Copy)]
    struct Revisions {
        all: i64,
        remembered: i64,
    }

    fn secret(revision: i64) -> Value {
        let labels = json!({"name": "shop", "version": revision.to_string(), "status": "deployed"});
        json!({"metadata": {"name": secret_name("shop", revision), "labels": labels}})
    }

    async fn answer(State(revisions): State<Revisions>, uri: Uri) -> Response {
        let secrets = json!({"resource": "secrets", "responseKind": {"version": "v1", "kind": "Secret"},
            "scope": "Namespaced", "singularResource": "secret", "verbs": ["get", "list", "watch"]});
        let list = |revisions: i64| json!({"metadata": {}, "items": (1..=revisions).map(secret).collect::<Vec<_>>()});
        let revision = uri.path().rsplit_once(".v").and_then(|(_, number)| number.parse().ok());
        let answer = match uri.path() {
            "/api" => json!({"items": [{"versions": [{"version": "v1", "resources": [secrets]}]}]}),
            "/apis" => json!({"items": []}),
            SECRETS if uri.query().is_some_and(|query| query.contains("resourceVersion=0")) => {
                list(revisions.remembered)
            }
            SECRETS => list(revisions.all),
            _ if revision.is_some_and(|revision| revision <= revisions.all) => secret(revision.unwrap_or(0)),
            _ => return (StatusCode::NOT_FOUND, r#"{"reason": "NotFound", "code": 404}"#).into_response(),
        };
        answer.to_string().into_response()
    }

    #[tokio::test]
    async fn a_revision_that_the_server_has_forgotten_is_found() {
        for (all, remembered) in [(0, 0), (1, 0), (1, 1), (3, 2), (3, 3)] {
            let router = Router::new().fallback(answer).with_state(Revisions { all, remembered });
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = tokio::spawn(async move { axum::serve(listener, router).await });
            let client =
                Client::new(kube::Config::new(format!("http://{address}").parse().unwrap())).unwrap();
            let storage = Storage::new(&client, "demo", None).await.unwrap();
            let count = |history: Vec<Stored>| i64::try_from(history.len()).unwrap();
            assert_eq!(count(storage.remembered_history("shop").await.unwrap()), remembered);
            assert_eq!(
                count(storage.checked_history("shop").await.unwrap()),
                all,
                "{remembered} are remembered"
            );
            server.abort();
        }
    }
}
