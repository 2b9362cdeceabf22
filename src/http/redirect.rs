//! Which redirects are followed, and what request comes next (Ansible's `HTTPRedirectHandler`).

use url::Url;

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// All.
    #[default]
    All,
    /// None: the redirect itself is the response.
    None,
    /// Only those of GET and HEAD.
    Safe,
    /// As Python's `urllib` does: GET and HEAD, and POST unless its content would be sent again.
    Urllib,
}

impl Follow {
    /// The meaning of `follow_redirects`.
    #[must_use]
    pub fn named(word: &str) -> Option<Follow> {
        Some(match word {
            "all" | "yes" | "true" | "True" => Follow::All,
            "no" | "none" | "false" | "False" => Follow::None,
            "safe" => Follow::Safe,
            "urllib2" => Follow::Urllib,
            _ => return None,
        })
    }

    fn allows(self, method: &str, status: u16) -> bool {
        let reads = matches!(method, "GET" | "HEAD");
        match self {
            Follow::All => true,
            Follow::None => false,
            Follow::Safe => reads,
            Follow::Urllib => reads || (method == "POST" && matches!(status, 301..=303)),
        }
    }

    /// The method and address of the request that follows a response, and whether it keeps its content.
    pub(super) fn next(self, method: &str, status: u16, from: &Url, location: Option<&str>) -> Option<Next> {
        if !matches!(status, 301 | 302 | 303 | 307 | 308) || !self.allows(method, status) {
            return None;
        }
        let mut url = from.join(&location?.replace(' ', "%20")).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        if url.fragment().is_none() {
            url.set_fragment(from.fragment());
        }
        let keeps_content = matches!(status, 307 | 308);
        let becomes_get = match status {
            302 | 303 => method != "HEAD",
            301 => method == "POST",
            _ => false,
        };
        let method = if becomes_get { "GET" } else { method }.to_owned();
        Some(Next { method, url, keeps_content })
    }
}

/// The request that follows a redirect.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) keeps_content: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_and_content_follow_the_status() {
        let from = Url::parse("http://a.test/x?q=1").expect("a URL");
        let next = |follow: Follow, method: &str, status| {
            let next = follow.next(method, status, &from, Some("/y z"))?;
            Some((next.method, next.url.to_string(), next.keeps_content))
        };
        let to = "http://a.test/y%20z".to_owned();
        assert_eq!(next(Follow::All, "POST", 301), Some(("GET".into(), to.clone(), false)));
        assert_eq!(next(Follow::All, "PUT", 301), Some(("PUT".into(), to.clone(), false)));
        assert_eq!(next(Follow::All, "PUT", 307), Some(("PUT".into(), to.clone(), true)));
        assert_eq!(next(Follow::Safe, "GET", 302), Some(("GET".into(), to.clone(), false)));
        assert_eq!(next(Follow::Safe, "HEAD", 303), Some(("HEAD".into(), to, false)));
        assert_eq!(next(Follow::Safe, "POST", 302), None);
        assert_eq!(next(Follow::Urllib, "POST", 307), None);
        assert_eq!(next(Follow::None, "GET", 302), None);
        assert_eq!(next(Follow::All, "GET", 304), None);
    }
}
