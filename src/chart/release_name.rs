//! What a release may be called.

use super::Error;

/// The longest name of a release: charts append to it, and many names of objects end at 63 characters.
const MAX_LENGTH: usize = 53;

/// Checks the name of a release: a DNS subdomain of at most 53 characters.
///
/// Follows `ValidateReleaseName` in `pkg/chart/v2/util/validate_name.go` of Helm 4.
///
/// # Errors
/// When there is no name or it is no such name.
pub fn validate(name: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().copied().is_some_and(allowed)
            && bytes.last().copied().is_some_and(allowed)
            && bytes.iter().all(|byte| allowed(*byte) || *byte == b'-')
    };
    if name.is_empty() {
        return Err(Error::Values("no name provided".into()));
    }
    if name.len() > MAX_LENGTH || !name.split('.').all(is_label) {
        return Err(Error::Values(format!(
            "release name {name:?}: invalid release name, must match regex \
             ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than {MAX_LENGTH}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_subdomains() {
        for good in ["a", "a-b", "a.b", "0"] {
            assert!(validate(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "-a", "a-", "a..b", "a_b", &"a".repeat(54)] {
            assert!(validate(bad).is_err(), "{bad}");
        }
    }
}
