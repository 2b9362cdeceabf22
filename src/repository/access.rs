//! How to reach a server: credentials and certificates.

use std::fmt;
use std::path::PathBuf;

use url::Url;

/// Credentials and certificates, as Helm's flags give them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The user; without one, no credentials are sent.
    pub username: String,
    /// The password.
    pub password: String,
    /// The client's certificate, in PEM.
    pub cert_file: Option<PathBuf>,
    /// The key of the client's certificate, in PEM.
    pub key_file: Option<PathBuf>,
    /// The certificates to trust in place of the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether to talk to servers whose certificate is not trusted.
    pub insecure_skip_tls_verify: bool,
    /// Whether to send the credentials to every server, not only to the repository's own.
    pub pass_credentials: bool,
    /// Whether to talk to registries without TLS.
    pub plain_http: bool,
}

impl Access {
    /// Whether there are credentials.
    pub(super) fn has_credentials(&self) -> bool {
        !self.username.is_empty() && !self.password.is_empty()
    }

    /// The credentials that may be sent to `url` when they were given for `origin`.
    pub(super) fn credentials_for(&self, url: &Url, origin: &Url) -> Option<(&str, &str)> {
        let is_same = url.scheme() == origin.scheme()
            && url.host_str() == origin.host_str()
            && url.port_or_known_default() == origin.port_or_known_default();
        let may_have = self.has_credentials() && (self.pass_credentials || is_same);
        may_have.then_some((&self.username, &self.password))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = if self.password.is_empty() { "" } else { "…" };
        f.debug_struct("Access")
            .field("username", &self.username)
            .field("password", &password)
            .field("cert_file", &self.cert_file)
            .field("key_file", &self.key_file)
            .field("ca_file", &self.ca_file)
            .field("insecure_skip_tls_verify", &self.insecure_skip_tls_verify)
            .field("pass_credentials", &self.pass_credentials)
            .field("plain_http", &self.plain_http)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_their_server() {
        let mut access = Access { username: "u".into(), password: "p".into(), ..Access::default() };
        let url = |text: &str| Url::parse(text).unwrap();
        let origin = url("https://a.example/charts");
        assert!(access.credentials_for(&url("https://a.example:443/x.tgz"), &origin).is_some());
        for other in ["http://a.example/x", "https://a.example:8443/x", "https://b.example/x"] {
            assert!(access.credentials_for(&url(other), &origin).is_none(), "{other}");
        }
        access.pass_credentials = true;
        assert!(access.credentials_for(&url("https://b.example/x"), &origin).is_some());
        assert!(!format!("{access:?}").contains("\"p\""));
    }
}
