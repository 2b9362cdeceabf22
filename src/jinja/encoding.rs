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

/// The characters of Windows-1252 from 0x80 on; where it has a hole, a control character stands.
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
                0x80..=0x9f => {
                    WINDOWS_1252.get(usize::from(byte - 0x80)).copied().filter(|c| !c.is_control())
                }
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
        self.decode_with(bytes, Handler::Strict).map_err(|error| error.message().to_owned())
    }

    /// The text of bytes, where a handler takes what is none.
    ///
    /// # Errors
    /// What the handler refuses, in Python's words.
    pub fn decode_with(self, bytes: &[u8], handler: Handler<'_>) -> Result<String, Error> {
        match self {
            Encoding::Utf8 => decode_utf8(bytes, handler),
            Encoding::Utf16 { big, mark } => decode_utf16(bytes, big, mark, handler),
            single => {
                let mut text = String::with_capacity(bytes.len());
                for (at, byte) in bytes.iter().enumerate() {
                    match single.character(*byte) {
                        Some(c) => text.push(c),
                        None => {
                            let (name, reason) = single.refusal();
                            text.push_str(&handler.decode(name, &[*byte], at, reason)?);
                        }
                    }
                }
                Ok(text)
            }
        }
    }

    /// The bytes of text.
    ///
    /// # Errors
    /// A character that the encoding does not have.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, Error> {
        self.encode_with(text, Handler::Strict)
    }

    /// The bytes of text, where a handler takes the characters that have none.
    ///
    /// # Errors
    /// What the handler refuses, in Python's words.
    pub fn encode_with(self, text: &str, handler: Handler<'_>) -> Result<Vec<u8>, Error> {
        match self {
            Encoding::Utf8 => Ok(written(text)),
            Encoding::Utf16 { big, mark } => {
                let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
                let bytes = units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
                Ok(bytes.collect())
            }
            single => single.encode_single(text, handler),
        }
    }

    fn encode_single(self, text: &str, handler: Handler<'_>) -> Result<Vec<u8>, Error> {
        let byte = |c: char| match u8::try_from(c) {
            Ok(byte) if self.character(byte) == Some(c) => Some(byte),
            _ => (0..=u8::MAX).find(|byte| self.character(*byte) == Some(c)),
        };
        let mut bytes = Vec::with_capacity(text.len());
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, c)) = chars.next() {
            if let Some(byte) = byte(c) {
                bytes.push(byte);
                continue;
            }
            let mut wrong = vec![c];
            while let Some((_, c)) = chars.next_if(|(_, c)| byte(*c).is_none()) {
                wrong.push(c);
            }
            let (name, reason) = self.refusal();
            bytes.extend(handler.encode(name, &wrong, at, reason)?.bytes());
        }
        Ok(bytes)
    }

    /// How Python names an encoding of single bytes, and says that something has no place in it.
    fn refusal(self) -> (&'static str, &'static str) {
        match self {
            Encoding::Ascii => ("ascii", "ordinal not in range(128)"),
            Encoding::Latin1 => ("latin-1", "ordinal not in range(256)"),
            _ => ("charmap", "character maps to <undefined>"),
        }
    }
}

/// What becomes of that which an encoding does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler<'a> {
    /// It is an error.
    Strict,
    /// It is left out.
    Ignore,
    /// A question mark stands for it.
    Replace,
    /// It is written as an escape.
    Backslash,
    /// It is written as a reference of XML.
    Xml,
    /// There is no handler of this name.
    Unknown(&'a str),
}

impl<'a> Handler<'a> {
    /// The handler that Python calls so. As text is Unicode, those for surrogates have nothing to do.
    #[must_use]
    pub fn named(name: &'a str) -> Self {
        match name {
            "strict" | "surrogateescape" | "surrogatepass" => Handler::Strict,
            "ignore" => Handler::Ignore,
            "replace" => Handler::Replace,
            "backslashreplace" => Handler::Backslash,
            "xmlcharrefreplace" => Handler::Xml,
            other => Handler::Unknown(other),
        }
    }

    fn unknown(name: &str) -> Error {
        let name = super::repr::quote(name);
        Error::new(ErrorKind::Exception, format!("unknown error handler name {name}"))
    }

    /// What stands for bytes that are no text.
    fn decode(self, encoding: &str, bytes: &[u8], at: usize, reason: &str) -> Result<String, Error> {
        match (self, bytes) {
            (Handler::Ignore, _) => Ok(String::new()),
            (Handler::Replace, _) => Ok("\u{fffd}".to_owned()),
            (Handler::Backslash, _) => Ok(bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()),
            (Handler::Xml, _) => {
                Err(Error::type_error("don't know how to handle UnicodeDecodeError in error callback"))
            }
            (Handler::Unknown(name), _) => Err(Self::unknown(name)),
            (Handler::Strict, [byte]) => Err(Error::value_error(format!(
                "'{encoding}' codec can't decode byte 0x{byte:02x} in position {at}: {reason}"
            ))),
            (Handler::Strict, _) => {
                let last = (at + bytes.len()).saturating_sub(1);
                let message =
                    format!("'{encoding}' codec can't decode bytes in position {at}-{last}: {reason}");
                Err(Error::value_error(message))
            }
        }
    }

    /// What stands for characters that have no bytes.
    fn encode(self, encoding: &str, chars: &[char], at: usize, reason: &str) -> Result<String, Error> {
        match (self, chars) {
            (Handler::Ignore, _) => Ok(String::new()),
            (Handler::Replace, _) => Ok("?".repeat(chars.len())),
            (Handler::Backslash, _) => Ok(chars.iter().map(|c| escaped(*c)).collect()),
            (Handler::Xml, _) => Ok(chars.iter().map(|c| format!("&#{};", u32::from(*c))).collect()),
            (Handler::Unknown(name), _) => Err(Self::unknown(name)),
            (Handler::Strict, [c]) => Err(Error::value_error(format!(
                "'{encoding}' codec can't encode character '{}' in position {at}: {reason}",
                escaped(*c)
            ))),
            (Handler::Strict, _) => {
                let last = (at + chars.len()).saturating_sub(1);
                let message =
                    format!("'{encoding}' codec can't encode characters in position {at}-{last}: {reason}");
                Err(Error::value_error(message))
            }
        }
    }
}

/// A character as Python escapes it.
fn escaped(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

fn decode_utf8(bytes: &[u8], handler: Handler<'_>) -> Result<String, Error> {
    let (mut text, mut rest, mut at) = (String::with_capacity(bytes.len()), bytes, 0);
    loop {
        let error = match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return Ok(text);
            }
            Err(error) => error,
        };
        let (valid, wrong) = rest.split_at(error.valid_up_to());
        text.push_str(std::str::from_utf8(valid).unwrap_or_default());
        at += valid.len();
        let (size, reason) = match (error.error_len(), wrong.first()) {
            (None, _) => (wrong.len(), "unexpected end of data"),
            (Some(size), Some(0xc2..=0xf4)) => (size, "invalid continuation byte"),
            (Some(size), _) => (size, "invalid start byte"),
        };
        let (wrong, after) = wrong.split_at(size.min(wrong.len()));
        text.push_str(&handler.decode("utf-8", wrong, at, reason)?);
        at += wrong.len();
        rest = after;
    }
}

fn decode_utf16(bytes: &[u8], big: bool, mark: bool, handler: Handler<'_>) -> Result<String, Error> {
    let (rest, big) = match bytes {
        [0xff, 0xfe, rest @ ..] if mark => (rest, false),
        [0xfe, 0xff, rest @ ..] if mark => (rest, true),
        all => (all, big),
    };
    let (name, start) = (if big { "utf-16-be" } else { "utf-16-le" }, bytes.len() - rest.len());
    let (pairs, half) = rest.as_chunks::<2>();
    let units =
        pairs.iter().map(|pair| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
    let (mut text, mut at) = (String::new(), start);
    for unit in char::decode_utf16(units) {
        match unit {
            Ok(c) => {
                text.push(c);
                at += 2 * c.len_utf16();
            }
            Err(_) => {
                let wrong = bytes.get(at..at + 2).unwrap_or_default();
                let alone = at + 2 + half.len() >= bytes.len();
                let high = wrong.get(usize::from(!big)).is_some_and(|byte| *byte < 0xdc);
                let reason = match (high, alone) {
                    (true, true) => "unexpected end of data",
                    (true, false) => "illegal UTF-16 surrogate",
                    (false, _) => "illegal encoding",
                };
                text.push_str(&handler.decode(name, wrong, at, reason)?);
                at += 2;
            }
        }
    }
    if !half.is_empty() {
        text.push_str(&handler.decode(name, half, at, "truncated data")?);
    }
    Ok(text)
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
