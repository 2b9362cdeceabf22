//! One write request with every setting that the API knows, for callers that hand the server's words on.

use http::{HeaderMap, Method};
use serde_json::Value;

use super::client::{APPLY_PATCH, JSON, Patch, Target, encode, request, with_query};
use super::error::{Error, Verb};
use super::{Client, Object};

/// What is to become of an object.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// It is made; the target needs a name only for a subresource, such as an eviction.
    Create(&'a Value),
    /// It is replaced as a whole.
    Replace(&'a Value),
    /// A part of it changes.
    Patch(Patch, &'a Value),
    /// Server-side apply; with force, fields that others own are taken.
    Apply(&'a Value, bool),
    /// It goes, by these `DeleteOptions`.
    Delete(Option<&'a Value>),
}

/// What the server does with fields that it does not know, `fieldValidation` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// It drops them.
    Ignore,
    /// It drops them and says so.
    Warn,
    /// It refuses the object.
    Strict,
}

/// The settings of a write.
#[derive(Clone, Copy, Debug)]
pub struct ChangeOptions<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// Ask the server only what would come of it.
    pub dry_run: bool,
    /// What happens to unknown fields; the server's own default is [`Validation::Warn`].
    pub validation: Option<Validation>,
}

/// The answer to a write.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    /// The object as it is now; of a deletion, what the server says.
    pub object: Object,
    /// What the server warns of.
    pub warnings: Vec<String>,
}

impl Client {
    /// Writes an object.
    ///
    /// # Errors
    /// Every refusal.
    pub async fn change(
        &self,
        target: Target<'_>,
        change: Change<'_>,
        options: ChangeOptions<'_>,
    ) -> Result<Changed, Error> {
        let mut query = Vec::new();
        if !matches!(change, Change::Delete(_)) {
            query.push(("fieldManager", options.manager));
            query.extend(options.validation.map(|validation| ("fieldValidation", validation.text())));
        }
        if options.dry_run {
            query.push(("dryRun", "All"));
        }
        if let Change::Apply(_, true) = change {
            query.push(("force", "true"));
        }
        let (verb, method, body) = change.parts();
        let url = match change {
            Change::Create(_) if target.subresource.is_none() => {
                with_query(target.resource.path(target.namespace), &query)
            }
            _ => target.url(&query)?,
        };
        let body = match body {
            Some((content_type, body)) => Some((content_type, encode(body)?)),
            None => None,
        };
        let mut call = target.call(verb);
        if let Change::Create(object) = change {
            let name = object.pointer("/metadata/name").and_then(Value::as_str);
            call.name = name.map(str::to_owned);
        }
        let (head, answer) = self.exchange(call.clone(), request(method, url, JSON, body)?).await?;
        let object = serde_json::from_slice(&answer)
            .map_err(|source| Error::Decode { call: Box::new(call), source })?;
        Ok(Changed { object, warnings: warnings(&head) })
    }
}

impl<'a> Change<'a> {
    fn parts(self) -> (Verb, Method, Option<(&'static str, &'a Value)>) {
        match self {
            Self::Create(body) => (Verb::Create, Method::POST, Some((JSON, body))),
            Self::Replace(body) => (Verb::Update, Method::PUT, Some((JSON, body))),
            Self::Patch(kind, body) => (Verb::Patch, Method::PATCH, Some((kind.content_type(), body))),
            Self::Apply(body, _) => (Verb::Patch, Method::PATCH, Some((APPLY_PATCH, body))),
            Self::Delete(options) => (Verb::Delete, Method::DELETE, options.map(|options| (JSON, options))),
        }
    }
}

impl Validation {
    fn text(self) -> &'static str {
        match self {
            Self::Ignore => "Ignore",
            Self::Warn => "Warn",
            Self::Strict => "Strict",
        }
    }
}

/// The texts of `Warning: 299 - "…"` (RFC 7234, 5.5).
fn warnings(head: &HeaderMap) -> Vec<String> {
    let values = head.get_all(http::header::WARNING).iter().filter_map(|value| value.to_str().ok());
    values.filter_map(|value| quoted(value.split_once('"')?.1)).collect()
}

/// The text up to the closing quote.
fn quoted(text: &str) -> Option<String> {
    let mut found = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some(found),
            '\\' => found.push(chars.next()?),
            other => found.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_taken_from_the_head() {
        let mut head = HeaderMap::new();
        head.append("warning", r#"299 - "unknown field \"spec.foo\"""#.parse().unwrap());
        head.append("warning", r#"299 - "v1 ComponentStatus is deprecated""#.parse().unwrap());
        head.append("warning", "199".parse().unwrap());
        assert_eq!(warnings(&head), [r#"unknown field "spec.foo""#, "v1 ComponentStatus is deprecated"]);
    }
}
