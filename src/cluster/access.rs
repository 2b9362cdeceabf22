//! May somebody do something? Asked of the cluster's access rules.

use std::fmt;

use serde_json::{Value, json};

use super::{Client, Error, Object, Write};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The group of the resource; empty for the core group.
    pub group: &'a str,
    /// Its plural name, with a subresource behind a slash.
    pub resource: &'a str,
    /// The verb.
    pub verb: &'a str,
    /// Where; `None` for the whole cluster.
    pub namespace: Option<&'a str>,
}

impl fmt::Display for Wish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace:?}"),
            None => f.write_str(" in the whole cluster"),
        }
    }
}

/// Whether `user`, or who asks, may do it (`authorization.k8s.io/v1`).
///
/// # Errors
/// The cluster cannot be asked, or the question is not allowed.
pub async fn allowed(client: &Client, user: Option<&str>, wish: Wish<'_>) -> Result<bool, Error> {
    let (resource, subresource) = wish.resource.split_once('/').unwrap_or((wish.resource, ""));
    let attributes = json!({
        "group": wish.group, "resource": resource, "subresource": subresource, "verb": wish.verb,
        "namespace": wish.namespace.unwrap_or_default(),
    });
    let kind = if user.is_some() { "SubjectAccessReview" } else { "SelfSubjectAccessReview" };
    let mut review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": {"resourceAttributes": attributes},
    });
    if let Some(user) = user {
        review["spec"]["user"] = user.into();
        review["spec"]["groups"] = groups_of(user).into();
    }
    let kind = client.resource("authorization.k8s.io/v1", kind).await?;
    let answer = client.create(&kind, None, &Object(review), Write::by("daytwo")).await?;
    Ok(answer.0["status"]["allowed"] == true)
}

/// Whether the bearer of a token may `get` a path of the API that is no resource; `None` when the
/// cluster does not know the token.
///
/// # Errors
/// The cluster cannot be asked, or the question is not allowed.
pub async fn may_get(client: &Client, token: &str, path: &str) -> Result<Option<bool>, Error> {
    let client = client.unfenced();
    let ask = async |api_version: &str, kind: &str, spec: Value| {
        let resource = client.resource(api_version, kind).await?;
        let review = Object(json!({"apiVersion": api_version, "kind": kind, "spec": spec}));
        client.create(&resource, None, &review, Write::by("daytwo")).await
    };
    let known = ask("authentication.k8s.io/v1", "TokenReview", json!({"token": token})).await?;
    let status = &known.0["status"];
    if status["authenticated"] != true {
        return Ok(None);
    }
    let (user, groups) = (&status["user"]["username"], &status["user"]["groups"]);
    let attributes = json!({"path": path, "verb": "get"});
    let spec = json!({"user": user, "groups": groups, "nonResourceAttributes": attributes});
    let answer = ask("authorization.k8s.io/v1", "SubjectAccessReview", spec).await?;
    Ok(Some(answer.0["status"]["allowed"] == true))
}

/// The groups that a service account has by itself.
fn groups_of(user: &str) -> Vec<String> {
    let Some((namespace, _)) =
        user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'))
    else {
        return vec!["system:authenticated".to_owned()];
    };
    vec![
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated".to_owned(),
    ]
}
