//! What a registry wants to be shown: its challenge, and the token or password that answers it.
//!
//! Follows `registry/remote/auth` of ORAS and the token specification of the distribution project.

use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;

use super::credentials::Credential;
use crate::repository::transport::{SMALL, Transport, body};
use crate::repository::{Error, urls};

/// Who asks for tokens.
const CLIENT_ID: &str = "daytwo";

/// What a registry asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer { realm: String, service: String, scope: String },
}

impl Challenge {
    /// The challenge in the headers of an answer.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        texts.filter_map(Self::parse).next()
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service, mut scope) = (String::new(), String::new(), String::new());
        for (name, value) in parameters(rest) {
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = value,
                "service" => service = value,
                "scope" => scope = value,
                _ => {}
            }
        }
        (!realm.is_empty()).then_some(Self::Bearer { realm, service, scope })
    }
}

/// `name="value"` or `name=value`, separated by commas.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        found.push((name.trim().to_owned(), value.to_owned()));
        rest = after.trim_start_matches([',', ' ', '\t']);
    }
    found
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

/// The header that answers a challenge; `None` when nothing is known that could.
pub(super) async fn answer(
    challenge: Challenge,
    credential: &Credential,
    own_scope: &str,
    transport: &Transport,
) -> Result<Option<HeaderValue>, Error> {
    let text = match challenge {
        Challenge::Basic if credential.username.is_empty() => return Ok(None),
        Challenge::Basic => basic(credential),
        Challenge::Bearer { .. } if !credential.access_token.is_empty() => {
            format!("Bearer {}", credential.access_token)
        }
        Challenge::Bearer { realm, service, scope } => {
            // The registry names the rights for this one request; what follows needs our own.
            let repository = own_scope.rsplit_once(':').map_or(own_scope, |(repository, _)| repository);
            let is_ours = scope.is_empty() || scope.starts_with(repository);
            let scope = if is_ours { own_scope } else { &scope };
            format!("Bearer {}", token(&realm, &service, scope, credential, transport).await?)
        }
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Error::Refused("the credentials of the registry do not fit into a header".into()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn basic(credential: &Credential) -> String {
    use base64::Engine as _;
    let pair = format!("{}:{}", credential.username, credential.password);
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

async fn token(
    realm: &str,
    service: &str,
    scope: &str,
    credential: &Credential,
    transport: &Transport,
) -> Result<String, Error> {
    let mut url = urls::parse(realm)?;
    let request = if credential.refresh_token.is_empty() {
        {
            let mut query = url.query_pairs_mut();
            if !service.is_empty() {
                query.append_pair("service", service);
            }
            query.append_pair("scope", scope);
        }
        let request = transport.request(Method::GET, url.clone());
        match credential.username.as_str() {
            "" => request,
            username => request.basic_auth(username, Some(&credential.password)),
        }
    } else {
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("service", service)
            .append_pair("client_id", CLIENT_ID)
            .append_pair("scope", scope)
            .append_pair("refresh_token", &credential.refresh_token)
            .finish();
        let request = transport.request(Method::POST, url.clone());
        request.header("Content-Type", "application/x-www-form-urlencoded").body(form)
    };
    let response = transport.send(request, &url).await?;
    if response.status() != StatusCode::OK {
        return Err(refused(&url, &response.status().to_string()));
    }
    let answer = body(response, &url, SMALL).await?;
    let token: Option<Token> = serde_json::from_slice(&answer).ok();
    let text =
        token.map(|token| if token.access_token.is_empty() { token.token } else { token.access_token });
    text.filter(|text| !text.is_empty()).ok_or_else(|| refused(&url, "empty token returned"))
}

fn refused(url: &Url, reason: &str) -> Error {
    Error::Fetch { url: urls::shown(url), reason: format!("failed to fetch oauth token: {reason}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: &str, scope: &str| Challenge::Bearer {
            realm: realm.into(),
            service: service.into(),
            scope: scope.into(),
        };
        for (text, expected) in [
            ("Basic realm=\"x\"", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://a/token?x=1\",service=\"s\",scope=\"repository:b:pull,push\"",
                Some(bearer("https://a/token?x=1", "s", "repository:b:pull,push")),
            ),
            ("bearer Realm=https://a, error=\"e\"", Some(bearer("https://a", "", ""))),
            ("Bearer service=\"s\"", None),
            ("Negotiate", None),
        ] {
            assert_eq!(Challenge::parse(text), expected, "{text}");
        }
    }
}
