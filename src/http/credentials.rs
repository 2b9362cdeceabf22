//! Credentials of a request: basic and digest authentication, `.netrc`.

use std::path::Path;

use base64::Engine as _;
use md5::{Digest as _, Md5};
use sha2::Sha256;

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The value of an `Authorization` header of basic authentication.
#[must_use]
pub fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}")))
}

impl Credentials {
    /// The `Authorization` header that answers a `WWW-Authenticate` of basic or digest authentication.
    pub(super) fn answer(&self, challenge: &str, method: &str, target: &str) -> Option<String> {
        let (scheme, rest) = challenge.trim().split_once(' ').unwrap_or((challenge.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(basic(&self.username, &self.password));
        }
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let nonce: [u8; 8] = rand::random();
        self.digest(&parameters(rest), method, target, &hex::encode(nonce))
    }

    /// RFC 7616 with the algorithms MD5 and SHA-256 and `qop=auth`.
    fn digest(&self, given: &[(String, String)], method: &str, target: &str, cnonce: &str) -> Option<String> {
        let get = |name: &str| given.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let (realm, nonce) = (get("realm")?, get("nonce")?);
        let algorithm = get("algorithm").unwrap_or("MD5");
        let hash: fn(String) -> String = match algorithm.to_ascii_uppercase().as_str() {
            "MD5" | "MD5-SESS" => |text| hex::encode(Md5::digest(text)),
            "SHA-256" | "SHA-256-SESS" => |text| hex::encode(Sha256::digest(text)),
            _ => return None,
        };
        let mut first = hash(format!("{}:{realm}:{}", self.username, self.password));
        if algorithm.to_ascii_lowercase().ends_with("-sess") {
            first = hash(format!("{first}:{nonce}:{cnonce}"));
        }
        let second = hash(format!("{method}:{target}"));
        let (response, extra) = match get("qop") {
            Some(qop) if qop.split(',').any(|word| word.trim() == "auth") => (
                hash(format!("{first}:{nonce}:00000001:{cnonce}:auth:{second}")),
                format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\""),
            ),
            Some(_) => return None,
            None => (hash(format!("{first}:{nonce}:{second}")), String::new()),
        };
        let opaque = get("opaque").map(|opaque| format!(", opaque=\"{opaque}\"")).unwrap_or_default();
        Some(format!(
            "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{target}\", \
             response=\"{response}\", algorithm={algorithm}{opaque}{extra}",
            self.username
        ))
    }

    /// The credentials of a host in a `.netrc` file, or of its `default`.
    pub(super) fn from_netrc(path: &Path, host: &str) -> Option<Credentials> {
        let text = std::fs::read_to_string(path).ok()?;
        let words = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let mut words = words.flat_map(str::split_whitespace);
        let (mut applies, mut username, mut password) = (false, None, None);
        while let Some(word) = words.next() {
            match word {
                "machine" | "default" => {
                    if applies && password.is_some() {
                        break;
                    }
                    applies = word == "default" || words.next() == Some(host);
                }
                "login" if applies => username = words.next(),
                "password" if applies => password = words.next(),
                "login" | "password" | "account" => {
                    words.next();
                }
                _ => {}
            }
        }
        Some(Credentials { username: username?.to_owned(), password: password?.to_owned() })
    }
}

/// `key="value", key=value` of a challenge.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ',']).to_ascii_lowercase();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((key, value.trim().to_owned()));
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616, section 3.9.1.
    #[test]
    fn digest_answers_as_the_rfc_says() {
        let who = Credentials { username: "Mufasa".into(), password: "Circle of Life".into() };
        let challenge = "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, \
                         nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe\"";
        let answer = who.digest(
            &parameters(challenge),
            "GET",
            "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        );
        assert!(
            answer.is_some_and(|answer| answer.contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""))
        );
    }
}
