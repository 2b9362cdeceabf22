//! ASCII armor: binary data between lines of dashes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The data of the first block of this kind (`SIGNATURE`, `PUBLIC KEY BLOCK`, …), and the text after it.
pub(super) fn decode<'a>(text: &'a str, kind: &str) -> Option<(Vec<u8>, &'a str)> {
    let (_, rest) = text.split_once(&format!("-----BEGIN PGP {kind}-----"))?;
    let (block, after) = rest.split_once(&format!("-----END PGP {kind}-----"))?;
    let mut lines = block.lines().map(str::trim);
    // The rest of the first line, then headers, which end with an empty line.
    lines.next().filter(|rest| rest.is_empty())?;
    let mut body = String::new();
    let mut in_headers = true;
    for line in lines {
        if in_headers {
            in_headers = !line.is_empty() && line.contains(':');
            if in_headers || line.is_empty() {
                continue;
            }
        }
        // The checksum, which newer writers leave out and which protects from nothing.
        if line.starts_with('=') {
            break;
        }
        body.push_str(line);
    }
    STANDARD.decode(body).ok().map(|data| (data, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_headers_a_body_and_a_checksum() {
        let text = "-----BEGIN PGP A-----\nVersion: 1\n\nAQI=\n=abcd\n-----END PGP A-----\nrest";
        assert_eq!(decode(text, "A"), Some((vec![1, 2], "\nrest")));
        assert_eq!(decode("-----BEGIN PGP A-----\nAQI=\n-----END PGP A-----", "A").unwrap().0, [1, 2]);
        assert_eq!(decode(text, "B"), None);
        assert_eq!(decode("-----BEGIN PGP A-----\n\n!\n-----END PGP A-----", "A"), None);
    }
}
