//! What can go wrong between this process and the API server.

use std::fmt;

use serde::Deserialize;
use thiserror::Error;

/// A failed exchange with the API server.
#[derive(Debug, Error)]
pub enum Error {
    /// The server answered, and the answer is no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The server does not serve this kind, also after a fresh discovery.
    #[error("the cluster serves no kind {kind:?} in {api_version:?}{}", .served.hint())]
    UnknownKind {
        /// The `apiVersion` that was asked for.
        api_version: String,
        /// The kind that was asked for.
        kind: String,
        /// The API versions that do serve a kind of this name.
        served: Served,
    },
    /// No answer: connection refused, reset, TLS failure, …
    #[error("cannot reach the API server to {call}: {}", causes(.source))]
    Unreachable {
        /// What was asked.
        call: Box<Call>,
        /// What the transport said.
        source: Box<kube::Error>,
    },
    /// No answer in time.
    #[error("the API server did not answer in {seconds} s to {call}")]
    Timeout {
        /// What was asked.
        call: Box<Call>,
        /// How long was waited.
        seconds: u64,
    },
    /// The answer is not what the API promises.
    #[error("unreadable answer of the API server to {call}: {source}")]
    Decode {
        /// What was asked.
        call: Box<Call>,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// This instance does not lead (any more), so it may not write.
    #[error("not sent, because another instance may lead by now: {call}")]
    NotLeading {
        /// What was to be asked.
        call: Box<Call>,
    },
    /// No usable connection settings (kubeconfig, service account).
    #[error("no connection to a cluster is configured: {0}")]
    Config(String),
    /// An object that cannot be sent: no name, no kind, …
    #[error("{0}")]
    Malformed(String),
}

/// An error and what caused it, in one line: the transport's own words are far down.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        if !text.contains(&words) {
            // OpenSSL's words, which people and playbooks look for.
            let prefix = if words.starts_with("invalid peer certificate") {
                "certificate verify failed: "
            } else {
                ""
            };
            let separator = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{separator}{prefix}{words}");
        }
        next = error.source();
    }
    text
}

/// API versions that serve a kind, for the hint of [`Error::UnknownKind`].
#[derive(Debug, Default)]
pub struct Served(pub Vec<String>);

impl Served {
    fn hint(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        format!("; it serves that kind in {}", self.0.join(", "))
    }
}

/// What was asked of the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The RBAC verb.
    pub verb: Verb,
    /// Plural name, subresource and group as RBAC writes them: `deployments.apps`, `pods/log`.
    pub resource: String,
    /// The namespace; `None` across namespaces and for cluster-scoped resources.
    pub namespace: Option<String>,
    /// The object's name, when the call names one.
    pub name: Option<String>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(name) = &self.name {
            write!(f, " {name:?}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace:?}"),
            None => f.write_str(" in the whole cluster"),
        }
    }
}

/// The verbs of Kubernetes' access rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the verbs are their own meaning")]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        })
    }
}

/// The server's refusal of one call.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What was asked.
    pub call: Call,
    /// The class of the refusal.
    pub reason: Reason,
    /// The HTTP status.
    pub code: u16,
    /// The server's own words.
    pub message: String,
    /// The server's advice when to try again, in seconds.
    pub retry_after: Option<u64>,
    /// The whole `Status` as JSON text, for modules that hand it on.
    pub body: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::Forbidden => write!(f, "no permission to {}: {}", self.call, self.message),
            _ if self.message.is_empty() => write!(f, "cannot {}: HTTP status {}", self.call, self.code),
            _ => write!(f, "cannot {}: {}", self.call, self.message),
        }
    }
}

/// Why the server refused; `metav1.StatusReason` as far as callers decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// 401: who are you?
    Unauthorized,
    /// 403: the access rules (or an admission plug-in) say no.
    Forbidden,
    /// 404: no such object, or no such resource.
    NotFound,
    /// 409: an object of that name is there already.
    AlreadyExists,
    /// 409: somebody else changed the object, or owns the field.
    Conflict,
    /// 410: the resource version is too old.
    Gone,
    /// 400 and 422: the object is not valid.
    Invalid,
    /// 429 and 503: later, please.
    Busy,
    /// Everything else.
    Other,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StatusBody {
    message: String,
    reason: String,
    details: Option<StatusDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StatusDetails {
    retry_after_seconds: Option<u64>,
}

impl Refusal {
    /// Reads the server's `Status` body of a call that failed with an HTTP status.
    #[must_use]
    pub fn from_body(call: Call, code: u16, body: &[u8]) -> Self {
        let status: StatusBody = serde_json::from_slice(body).unwrap_or_else(|_| StatusBody {
            message: String::from_utf8_lossy(body).trim().chars().take(500).collect(),
            ..StatusBody::default()
        });
        Self {
            call,
            reason: Reason::of(&status.reason, code),
            code,
            message: status.message,
            retry_after: status.details.and_then(|details| details.retry_after_seconds),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

impl Reason {
    fn of(reason: &str, code: u16) -> Self {
        match (reason, code) {
            ("AlreadyExists", _) => Self::AlreadyExists,
            ("Conflict", _) | (_, 409) => Self::Conflict,
            ("Expired" | "Gone", _) | (_, 410) => Self::Gone,
            ("Invalid" | "BadRequest", _) | (_, 400 | 422) => Self::Invalid,
            (_, 401) => Self::Unauthorized,
            (_, 403) => Self::Forbidden,
            (_, 404) => Self::NotFound,
            (_, 429 | 503 | 504) => Self::Busy,
            _ => Self::Other,
        }
    }
}

impl Error {
    /// The server's refusal, when the server answered at all.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the server refused for this reason.
    #[must_use]
    pub fn is(&self, reason: Reason) -> bool {
        self.refusal().is_some_and(|refusal| refusal.reason == reason)
    }

    /// Whether the same call may well succeed a little later, with nothing changed by anyone.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                matches!(refusal.reason, Reason::Busy | Reason::Conflict) || refusal.code >= 500
            }
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::NotLeading { .. } => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call {
            verb: Verb::Create,
            resource: "ingresses.networking.k8s.io".into(),
            namespace: Some("demo".into()),
            name: Some("example".into()),
        }
    }

    #[test]
    fn a_forbidden_call_names_verb_resource_and_namespace() {
        let body = br#"{"kind":"Status","status":"Failure","message":"ingresses.networking.k8s.io is forbidden: User \"x\" cannot create","reason":"Forbidden","code":403}"#;
        let error = Error::Refused(Box::new(Refusal::from_body(call(), 403, body)));
        assert!(error.is(Reason::Forbidden));
        assert_eq!(
            error.to_string(),
            "no permission to create ingresses.networking.k8s.io \"example\" in namespace \"demo\": \
             ingresses.networking.k8s.io is forbidden: User \"x\" cannot create"
        );
    }

    #[test]
    fn reasons_follow_the_status_then_the_code() {
        let reason = |reason: &str, code| Reason::of(reason, code);
        assert_eq!(reason("AlreadyExists", 409), Reason::AlreadyExists);
        assert_eq!(reason("Conflict", 409), Reason::Conflict);
        assert_eq!(reason("", 404), Reason::NotFound);
        assert_eq!(reason("Expired", 410), Reason::Gone);
        assert_eq!(reason("", 429), Reason::Busy);
        assert_eq!(reason("InternalError", 500), Reason::Other);
    }

    #[test]
    fn a_body_that_is_no_status_is_shown_as_it_is() {
        let refusal = Refusal::from_body(call(), 502, b"bad gateway\n");
        assert_eq!(refusal.message, "bad gateway");
    }
}
