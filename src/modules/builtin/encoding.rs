//! How text is written as bytes.

use crate::modules::ModuleError;

/// The encodings that modules read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8.
    Utf8,
    /// ASCII.
    Ascii,
    /// ISO 8859-1 and, for want of another meaning of its holes, Windows-1252.
    Latin1,
    /// UTF-16 in an order of bytes, perhaps with a mark that tells it.
    Utf16 {
        /// The more significant byte comes first.
        big: bool,
        /// The text begins with a byte order mark.
        mark: bool,
    },
}

impl Encoding {
    /// The encoding that Python calls so.
    ///
    /// # Errors
    /// It is none of those that are known here.
    pub(super) fn named(name: &str) -> Result<Encoding, ModuleError> {
        Ok(match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "utf-8" | "utf8" => Encoding::Utf8,
            "ascii" | "us-ascii" => Encoding::Ascii,
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "windows-1252" | "cp1252" => Encoding::Latin1,
            "utf-16" | "utf16" => Encoding::Utf16 { big: false, mark: true },
            "utf-16-le" | "utf-16le" => Encoding::Utf16 { big: false, mark: false },
            "utf-16-be" | "utf-16be" => Encoding::Utf16 { big: true, mark: false },
            _ => {
                return Err(ModuleError::new(format!(
                    "unknown encoding: {name} (known are utf-8, utf-16, utf-16-le, utf-16-be, latin-1, ascii)"
                )));
            }
        })
    }

    /// The text of bytes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn decode(self, bytes: &[u8]) -> Result<String, String> {
        match self {
            Encoding::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Encoding::Utf8 | Encoding::Ascii => {
                let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
                if self == Encoding::Ascii && !text.is_ascii() {
                    return Err("not ASCII".to_owned());
                }
                Ok(text.to_owned())
            }
            Encoding::Utf16 { big, mark } => {
                let (bytes, big) = match bytes {
                    [0xff, 0xfe, rest @ ..] if mark => (rest, false),
                    [0xfe, 0xff, rest @ ..] if mark => (rest, true),
                    all => (all, big),
                };
                let units = bytes.chunks(2).map(|unit| match (unit, big) {
                    ([a, b], true) => u16::from_be_bytes([*a, *b]),
                    ([a, b], false) => u16::from_le_bytes([*a, *b]),
                    // Half a unit is decoded as the half of a pair, which is an error.
                    _ => 0xd800,
                });
                char::decode_utf16(units).collect::<Result<_, _>>().map_err(|error| error.to_string())
            }
        }
    }

    /// The bytes of text.
    ///
    /// # Errors
    /// A character that the encoding does not have.
    pub(super) fn encode(self, text: &str) -> Result<Vec<u8>, ModuleError> {
        let limit = match self {
            Encoding::Utf8 => return Ok(text.as_bytes().to_vec()),
            Encoding::Utf16 { big, mark } => {
                let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
                let bytes = units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
                return Ok(bytes.collect());
            }
            Encoding::Ascii => 0x7f,
            Encoding::Latin1 => 0xff,
        };
        let byte = |c: char| u8::try_from(u32::from(c)).ok().filter(|byte| *byte <= limit);
        text.chars()
            .map(|c| byte(c).ok_or_else(|| ModuleError::new(format!("can't encode character {c:?}"))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Encoding;

    #[test]
    fn text_comes_back_from_bytes() {
        for (name, bytes) in [
            ("utf-8", &b"\xc3\xa4"[..]),
            ("UTF-16", b"\xff\xfe\xe4\x00"),
            ("utf_16_be", b"\x00\xe4"),
            ("latin-1", b"\xe4"),
        ] {
            let encoding = Encoding::named(name).expect("a known name");
            assert_eq!(encoding.encode("ä").expect("encodes"), bytes, "{name}");
            assert_eq!(encoding.decode(bytes).as_deref(), Ok("ä"), "{name}");
        }
        assert!(Encoding::Ascii.encode("ä").is_err());
        assert!(Encoding::Utf8.decode(b"\xff").is_err());
        assert!(Encoding::named("klingon").is_err());
    }
}
