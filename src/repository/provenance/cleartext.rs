//! Clear-signed text: what a person can read, and the signature after it.

use super::armor;

/// The text and its signature.
pub(super) struct Signed {
    /// The text, with `\n`.
    pub(super) text: String,
    /// The text as it was signed: with `\r\n`, and none at the end.
    pub(super) signed: Vec<u8>,
    /// The signature packets.
    pub(super) signature: Vec<u8>,
}

impl Signed {
    /// Finds the signed text; `None` when there is none.
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let whole = std::str::from_utf8(data).ok()?;
        let rest = match whole.strip_prefix("-----BEGIN PGP SIGNED MESSAGE-----\n") {
            Some(rest) => rest,
            None => whole.split_once("\n-----BEGIN PGP SIGNED MESSAGE-----\n")?.1,
        };
        // `Hash: …` lines until an empty one.
        let mut rest = rest;
        loop {
            let (line, after) = rest.split_once('\n')?;
            rest = after;
            if line.trim().is_empty() {
                break;
            }
            line.trim().strip_prefix("Hash:")?;
        }
        let mut text = String::new();
        let mut signed = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n')?;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line == "-----BEGIN PGP SIGNATURE-----" {
                break;
            }
            rest = after;
            let line = line.strip_prefix("- ").unwrap_or(line).trim_end_matches([' ', '\t']);
            if !text.is_empty() {
                signed.extend_from_slice(b"\r\n");
            }
            signed.extend_from_slice(line.as_bytes());
            text.push_str(line);
            text.push('\n');
        }
        let (signature, _) = armor::decode(rest, "SIGNATURE")?;
        Some(Self { text, signed, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_are_unescaped_and_lines_trimmed() {
        let text = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\na \n\n- -b\n-----BEGIN PGP SIGNATURE-----\n\n\
                    AQ==\n-----END PGP SIGNATURE-----\n";
        let signed = Signed::parse(text.as_bytes()).unwrap();
        assert_eq!(signed.text, "a\n\n-b\n");
        assert_eq!(signed.signed, b"a\r\n\r\n-b");
        assert_eq!(signed.signature, [1]);
        assert!(Signed::parse(b"a").is_none() && Signed::parse(&text.as_bytes()[..70]).is_none());
    }
}
