//! Bytes to text: encodings, and the characters that YAML allows.

use std::borrow::Cow;

use super::error::{Error, Mark, Stage};

/// A YAML text, decoded; what the reader borrows from.
///
/// A bad byte is an error only when the reader gets near: a first document can be read although a later
/// one is broken. libyaml decodes in blocks, so the text ends before the block of the bad byte.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    text: Cow<'a, str>,
    broken: Option<Error>,
}

impl<'a> Source<'a> {
    /// Decodes UTF-8, or UTF-16 that starts with a byte order mark.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let (text, undecodable) = match bytes {
            [0xEF, 0xBB, 0xBF, rest @ ..] => decode_utf8(rest),
            [0xFF, 0xFE, rest @ ..] => decode_utf16(rest, u16::from_le_bytes),
            [0xFE, 0xFF, rest @ ..] => decode_utf16(rest, u16::from_be_bytes),
            _ => decode_utf8(bytes),
        };
        match find_forbidden(text.as_bytes()) {
            None => match undecodable {
                None => Self { text, broken: None },
                Some(problem) => {
                    Self { broken: Some(reader_error(problem, &text)), text: whole_blocks(text) }
                }
            },
            Some(at) => {
                let character = text[at..].chars().next().map_or(0, u32::from);
                let error = reader_error("control characters are not allowed", &text[..at]);
                Self {
                    text: whole_blocks(truncated(text, at)),
                    broken: Some(error.with_character(character)),
                }
            }
        }
    }

    /// The text, up to the block with the first character that YAML does not allow.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text with the lifetime of the bytes, when it did not have to be re-encoded.
    pub(super) fn borrowed(&self) -> Option<&'a str> {
        match self.text {
            Cow::Borrowed(text) => Some(text),
            Cow::Owned(_) => None,
        }
    }

    /// What is wrong after [`Self::text`].
    pub(super) fn broken(&self) -> Option<&Error> {
        self.broken.as_ref()
    }
}

/// An error at the end of what could be read.
fn reader_error(problem: &'static str, text: &str) -> Error {
    let line_start = text.rfind('\n').map_or(0, |at| at + 1);
    let mark = Mark {
        offset: text.len() as u32,
        line: text.bytes().filter(|byte| *byte == b'\n').count() as u32 + 1,
        column: text[line_start..].chars().count() as u32 + 1,
    };
    Error::new(Stage::Reader, problem, Some(mark))
}

/// The blocks of a text that are complete.
fn whole_blocks(text: Cow<'_, str>) -> Cow<'_, str> {
    const BLOCK: usize = 512;
    let mut at = text.len() / BLOCK * BLOCK;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    truncated(text, at)
}

fn truncated(text: Cow<'_, str>, at: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..at]),
        Cow::Owned(mut text) => {
            text.truncate(at);
            Cow::Owned(text)
        }
    }
}

fn decode_utf8(bytes: &[u8]) -> (Cow<'_, str>, Option<&'static str>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(error) => {
            let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            (Cow::Borrowed(valid), Some(utf8_problem(&bytes[error.valid_up_to()..])))
        }
    }
}

/// Names what is wrong with the sequence at the start of `bytes`, in libyaml's words.
fn utf8_problem(bytes: &[u8]) -> &'static str {
    let width = match bytes[0] {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => return "invalid leading UTF-8 octet",
    };
    if bytes.len() < width {
        return "incomplete UTF-8 octet sequence";
    }
    if bytes[1..width].iter().any(|octet| octet & 0xC0 != 0x80) {
        return "invalid trailing UTF-8 octet";
    }
    let overlong = matches!((bytes[0], bytes[1]), (0xC0 | 0xC1, _) | (0xE0, ..=0x9F) | (0xF0, ..=0x8F));
    if overlong { "invalid length of a UTF-8 sequence" } else { "invalid Unicode character" }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (Cow<'_, str>, Option<&'static str>) {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match decoded {
            Ok(character) => text.push(character),
            Err(error) if error.unpaired_surrogate() & 0xFC00 == 0xDC00 => {
                return (Cow::Owned(text), Some("unexpected low surrogate area"));
            }
            Err(_) => return (Cow::Owned(text), Some("expected low surrogate area")),
        }
    }
    (Cow::Owned(text), (!rest.is_empty()).then_some("incomplete UTF-16 character"))
}

/// Finds the first character outside of YAML's printable set: C0 and C1 controls other than tab, line
/// breaks and NEL, DEL, and the noncharacters U+FFFE and U+FFFF.
fn find_forbidden(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(step) = text[from..].iter().position(|&byte| SUSPICIOUS[byte as usize]) {
        let at = from + step;
        let forbidden = match text[at] {
            0xC2 => matches!(text[at + 1], 0x80..=0x84 | 0x86..=0x9F),
            0xEF => text[at + 1] == 0xBF && text[at + 2] >= 0xBE,
            _ => true,
        };
        if forbidden {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

static SUSPICIOUS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = !matches!(byte as u8, b'\t' | b'\n' | b'\r');
        byte += 1;
    }
    table[0x7F] = true;
    table[0xC2] = true;
    table[0xEF] = true;
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> Option<String> {
        Source::new(bytes).broken().map(|error| error.problem().to_owned())
    }

    #[test]
    fn encodings() {
        assert_eq!(Source::new(b"\xEF\xBB\xBFa: \xC3\xA9").text(), "a: \u{e9}");
        assert_eq!(Source::new(b"\xFF\xFEa\0:\0").text(), "a:");
        assert_eq!(Source::new(b"\xFE\xFF\0a\xD8\x3D\xDE\x00").text(), "a\u{1f600}");
        assert_eq!(problem(b"\xFE\xFF\xDE\x00").as_deref(), Some("unexpected low surrogate area"));
    }

    #[test]
    fn forbidden_characters() {
        for bad in ["\u{0}", "\u{7}", "\u{1b}", "\u{7f}", "\u{80}", "\u{9f}", "\u{fffe}", "\u{ffff}"] {
            let text = format!("a: 1{bad}");
            assert_eq!(
                problem(text.as_bytes()).as_deref(),
                Some("control characters are not allowed"),
                "{bad:?}"
            );
        }
        for good in ["\t", "\r\n", "\u{85}", "\u{a0}", "\u{fffd}", "\u{feff}", "\u{10ffff}"] {
            assert_eq!(problem(good.as_bytes()), None, "{good:?}");
        }
    }

    #[test]
    fn broken_utf8() {
        assert_eq!(problem(b"a\xff").as_deref(), Some("invalid leading UTF-8 octet"));
        assert_eq!(problem(b"a\xe2\x80").as_deref(), Some("incomplete UTF-8 octet sequence"));
        assert_eq!(problem(b"a\xe2aa").as_deref(), Some("invalid trailing UTF-8 octet"));
        assert_eq!(problem(b"a\xc0\x80").as_deref(), Some("invalid length of a UTF-8 sequence"));
        assert_eq!(problem(b"a\xed\xa0\x80").as_deref(), Some("invalid Unicode character"));
    }
}
