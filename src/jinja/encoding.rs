//! How text is written as bytes: the encodings that filters, lookups and modules take by Python's names.

use super::error::{Error, ErrorKind};

/// Where the bytes begin that are no UTF-8 and stand in a text until it is written. Python keeps them as halves of
/// pairs (`surrogateescape`), which no text has here: they are characters for private use of the last plane.
const BYTES: u32 = 0x0010_ff00;

/// The text of bytes, those that are no UTF-8 kept.
#[must_use]
pub fn keep_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(BYTES + u32::from(*byte))));
    }
    text
}

/// The byte that a character keeps; none for all others.
#[must_use]
pub fn kept_byte(c: char) -> Option<u8> {
    let byte = u32::from(c).checked_sub(BYTES)?;
    u8::try_from(byte).ok().filter(|byte| !byte.is_ascii())
}

/// The bytes of a text in UTF-8, and those that it keeps.
#[must_use]
pub fn written(text: &str) -> Vec<u8> {
    // The first byte of every character of the last plane.
    if !text.as_bytes().contains(&0xf4) {
        return text.as_bytes().to_vec();
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match kept_byte(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// An encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// ASCII.
    Ascii,
    /// ISO 8859-1.
    Latin1,
    /// ISO 8859-15: the same with the euro and a few letters more.
    Latin9,
    /// Windows-1252: the same with signs in the place of control characters.
    Windows1252,
    /// UTF-16 in an order of bytes, perhaps with a mark that tells it.
    Utf16 {
        /// The more significant byte comes first.
        big: bool,
        /// The text begins with a byte order mark.
        mark: bool,
    },
}

/// The names of encodings, without the signs that Python does not look at.
const NAMES: &[(&str, Encoding)] = &[
    ("utf8", Encoding::Utf8),
    ("u8", Encoding::Utf8),
    ("ascii", Encoding::Ascii),
    ("usascii", Encoding::Ascii),
    ("latin1", Encoding::Latin1),
    ("l1", Encoding::Latin1),
    ("iso88591", Encoding::Latin1),
    ("latin9", Encoding::Latin9),
    ("l9", Encoding::Latin9),
    ("iso885915", Encoding::Latin9),
    ("cp1252", Encoding::Windows1252),
    ("windows1252", Encoding::Windows1252),
    ("utf16", Encoding::Utf16 { big: false, mark: true }),
    ("utf16le", Encoding::Utf16 { big: false, mark: false }),
    ("utf16be", Encoding::Utf16 { big: true, mark: false }),
];

/// The characters of Windows-1252 from 0x80 on; where it has a hole, the control character stays.
const WINDOWS_1252: &[char; 32] = &[
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// What ISO 8859-15 has in the place of characters of ISO 8859-1.
const LATIN_9: &[(u8, char)] =
    &[(0xa4, '€'), (0xa6, 'Š'), (0xa8, 'š'), (0xb4, 'Ž'), (0xb8, 'ž'), (0xbc, 'Œ'), (0xbd, 'œ'), (0xbe, 'Ÿ')];

impl Encoding {
    /// The encoding that Python calls so.
    ///
    /// # Errors
    /// It is none of those that are known here.
    pub fn named(name: &str) -> Result<Encoding, Error> {
        let kept: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let kept = kept.to_ascii_lowercase();
        let found = NAMES.iter().find(|(known, _)| *known == kept).map(|(_, encoding)| *encoding);
        found.ok_or_else(|| Error::new(ErrorKind::Exception, format!("unknown encoding: {name}")))
    }

    /// The character of a byte; none where several bytes make one.
    fn character(self, byte: u8) -> Option<char> {
        match self {
            Encoding::Latin1 => Some(char::from(byte)),
            Encoding::Latin9 => {
                let other = LATIN_9.iter().find(|(known, _)| *known == byte).map(|(_, c)| *c);
                Some(other.unwrap_or(char::from(byte)))
            }
            Encoding::Windows1252 => match byte {
                0x80..=0x9f => WINDOWS_1252.get(usize::from(byte - 0x80)).copied(),
                byte => Some(char::from(byte)),
            },
            Encoding::Ascii => byte.is_ascii().then(|| char::from(byte)),
            Encoding::Utf8 | Encoding::Utf16 { .. } => None,
        }
    }

    /// The text of bytes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn decode(self, bytes: &[u8]) -> Result<String, String> {
        match self {
            Encoding::Utf8 => std::str::from_utf8(bytes).map(ToOwned::to_owned).map_err(|it| it.to_string()),
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
            single => {
                let character = |byte: &u8| single.character(*byte).ok_or_else(|| "not ASCII".to_owned());
                bytes.iter().map(character).collect()
            }
        }
    }

    /// The bytes of text.
    ///
    /// # Errors
    /// A character that the encoding does not have.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, Error> {
        match self {
            Encoding::Utf8 => Ok(written(text)),
            Encoding::Utf16 { big, mark } => {
                let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
                let bytes = units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
                Ok(bytes.collect())
            }
            single => {
                let missing = |c: char| Error::value_error(format!("can't encode character {c:?}"));
                let byte = |c: char| (0..=u8::MAX).find(|byte| single.character(*byte) == Some(c));
                text.chars().map(|c| byte(c).ok_or_else(|| missing(c))).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, keep_bytes, kept_byte, written};

    #[test]
    fn bytes_that_are_no_text_come_back() {
        let bytes = b"caf\xe9 \xc3\xa4 \xff\x00";
        let text = keep_bytes(bytes);
        assert_eq!(text.chars().count(), 9);
        assert_eq!(written(&text), bytes);
        assert_eq!(text.chars().filter_map(kept_byte).collect::<Vec<_>>(), [0xe9, 0xff]);
    }

    #[test]
    fn text_comes_back_from_bytes() {
        for (name, text, bytes) in [
            ("utf-8", "ä", &b"\xc3\xa4"[..]),
            ("UTF-16", "ä", b"\xff\xfe\xe4\x00"),
            ("utf_16_be", "ä", b"\x00\xe4"),
            ("utf-16-le", "a", b"a\x00"),
            ("latin-1", "ä", b"\xe4"),
            ("iso8859-15", "€", b"\xa4"),
            ("windows-1252", "€ä", b"\x80\xe4"),
        ] {
            let encoding = Encoding::named(name).expect("a known name");
            assert_eq!(encoding.encode(text).expect("encodes"), bytes, "{name}");
            assert_eq!(encoding.decode(bytes).as_deref(), Ok(text), "{name}");
        }
        assert!(Encoding::Ascii.encode("ä").is_err());
        assert!(Encoding::Latin1.encode("€").is_err());
        assert!(Encoding::Utf8.decode(b"\xff").is_err());
        assert!(Encoding::named("klingon").is_err());
    }
}
