//! The cookies of one chain of requests.

use url::Url;

/// A cookie that a server set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    domain: String,
    path: String,
}

/// The cookies of one chain of requests; kept no longer than the chain.
#[derive(Debug, Default)]
pub(super) struct Jar(Vec<Cookie>);

impl Jar {
    /// Takes what a response sets (`Set-Cookie`).
    pub(super) fn take<'a>(&mut self, url: &Url, headers: impl Iterator<Item = &'a str>) {
        let host = url.host_str().unwrap_or_default();
        for header in headers {
            let mut parts = header.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let mut cookie = Cookie {
                name: name.trim().to_owned(),
                value: value.trim().to_owned(),
                domain: host.to_owned(),
                path: url.path().rsplit_once('/').map_or("/", |(dir, _)| dir).to_owned(),
            };
            let mut gone = false;
            for (key, value) in parts.map(|part| part.split_once('=').unwrap_or((part, ""))) {
                match key.to_ascii_lowercase().as_str() {
                    "domain" => {
                        let domain = value.trim_start_matches('.');
                        if within(host, domain) {
                            cookie.domain = domain.to_owned();
                        }
                    }
                    "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                    "max-age" => gone = value.parse::<i64>().is_ok_and(|age| age <= 0),
                    _ => {}
                }
            }
            self.0.retain(|old| {
                (&old.name, &old.domain, &old.path) != (&cookie.name, &cookie.domain, &cookie.path)
            });
            if !gone {
                self.0.push(cookie);
            }
        }
        // Python lists the most specific path first, and of one path the latest first.
        self.0.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
    }

    /// The `Cookie` header for a request.
    pub(super) fn header(&self, url: &Url) -> Option<String> {
        let host = url.host_str().unwrap_or_default();
        let applies =
            |cookie: &&Cookie| within(host, &cookie.domain) && url.path().starts_with(cookie.path.as_str());
        let pairs: Vec<String> =
            self.0.iter().filter(applies).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub(super) fn into_cookies(self) -> Vec<Cookie> {
        self.0
    }
}

fn within(host: &str, domain: &str) -> bool {
    !domain.is_empty()
        && (host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_go_back_where_they_came_from() {
        let url = Url::parse("http://www.a.test/dir/page").expect("a URL");
        let mut jar = Jar::default();
        jar.take(
            &url,
            ["a=1; Path=/; HttpOnly", "b=2", "c=3; Domain=a.test; Path=/", "d=4; Domain=b.test"].into_iter(),
        );
        assert_eq!(jar.header(&url).as_deref(), Some("b=2; d=4; a=1; c=3"));
        let other = Url::parse("http://x.a.test/").expect("a URL");
        assert_eq!(jar.header(&other).as_deref(), Some("c=3"));
        jar.take(&url, ["a=; Path=/; Max-Age=0"].into_iter());
        assert_eq!(jar.header(&other).as_deref(), Some("c=3"));
    }
}
