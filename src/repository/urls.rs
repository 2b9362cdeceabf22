//! URLs of repositories and of what they list.

use url::Url;

use super::Error;

/// Reads a URL.
pub(super) fn parse(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|error| Error::Refused(format!("could not parse {text} as URL: {error}")))
}

/// The URL of what a repository's index calls `reference` (`ResolveReferenceURL`): the query of the
/// repository's URL stays.
pub(super) fn resolve(repository: &str, reference: &str) -> Result<Url, Error> {
    match Url::parse(reference) {
        Ok(url) => return Ok(url),
        Err(url::ParseError::RelativeUrlWithoutBase) => {}
        Err(error) => {
            return Err(Error::Refused(format!("failed to parse {reference} as URL: {error}")));
        }
    }
    let mut base = parse(repository)?;
    let path = format!("{}/", base.path().strip_suffix('/').unwrap_or(base.path()));
    base.set_path(&path);
    let joined = base.join(reference);
    let mut url =
        joined.map_err(|error| Error::Refused(format!("failed to parse {reference} as URL: {error}")))?;
    url.set_query(base.query());
    Ok(url)
}

/// Whether two URLs are the same, whatever slashes they end in (`urlutil.Equal`).
pub(super) fn equal(left: &str, right: &str) -> bool {
    match (Url::parse(left), Url::parse(right)) {
        (Ok(mut left), Ok(mut right)) => {
            for url in [&mut left, &mut right] {
                let path = url.path().trim_end_matches('/').to_owned();
                url.set_path(&path);
            }
            left == right
        }
        _ => left.trim_end_matches('/') == right.trim_end_matches('/'),
    }
}

/// The URL without credentials, for messages.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() && url.set_password(Some("xxxxx")).is_err() {
        return url.host_str().unwrap_or_default().to_owned();
    }
    url.into()
}

/// The last part of a URL's path.
pub(super) fn base_name(url: &Url) -> String {
    url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_as_helm_does() {
        for (repository, reference, expected) in [
            (
                "http://localhost:8123/charts",
                "nginx-0.2.0.tgz",
                "http://localhost:8123/charts/nginx-0.2.0.tgz",
            ),
            ("http://localhost:8123/charts/?a=b", "n.tgz", "http://localhost:8123/charts/n.tgz?a=b"),
            ("http://localhost:8123", "https://x.example/n.tgz", "https://x.example/n.tgz"),
            ("http://localhost:8123/charts/", "/n.tgz", "http://localhost:8123/n.tgz"),
        ] {
            assert_eq!(resolve(repository, reference).unwrap().as_str(), expected);
        }
        assert!(equal("http://a/b/", "http://a/b") && !equal("http://a/b", "http://a/c"));
        assert_eq!(shown(&parse("https://u:secret@a/").unwrap()), "https://u:xxxxx@a/");
    }
}
