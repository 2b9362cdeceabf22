//! Go's `strconv`: quoting and unquoting, number parsing and float text.

use unicode_general_category::{GeneralCategory as Category, get_general_category};

use super::unicode_15;

/// Go's `strconv.Quote`: a double-quoted Go string literal.
#[must_use]
pub fn quote(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    append_quoted(&mut out, text, b'"', false);
    out
}

/// Go's `strconv.QuoteToASCII`.
#[must_use]
pub fn quote_to_ascii(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    append_quoted(&mut out, text, b'"', true);
    out
}

/// Go's `strconv.QuoteRune`, or `QuoteRuneToASCII` with `ascii`.
#[must_use]
pub fn quote_rune(rune: char, ascii: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut buffer = [0; 4];
    append_quoted(&mut out, rune.encode_utf8(&mut buffer).as_bytes(), b'\'', ascii);
    out
}

fn append_quoted(out: &mut Vec<u8>, text: &[u8], quote: u8, ascii: bool) {
    out.push(quote);
    for chunk in text.utf8_chunks() {
        for rune in chunk.valid().chars() {
            append_escaped(out, rune, quote, ascii);
        }
        for byte in chunk.invalid() {
            out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        }
    }
    out.push(quote);
}

fn append_escaped(out: &mut Vec<u8>, rune: char, quote: u8, ascii: bool) {
    let escape = match rune {
        '\\' => "\\\\",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{b}' => "\\v",
        _ if rune == char::from(quote) => {
            out.extend([b'\\', quote]);
            return;
        }
        _ if is_print(rune) && (rune.is_ascii() || !ascii) => {
            out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
            return;
        }
        _ => {
            let code = u32::from(rune);
            let text = match code {
                0..0x20 | 0x7f => format!("\\x{code:02x}"),
                0x20..0x1_0000 => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            };
            out.extend_from_slice(text.as_bytes());
            return;
        }
    };
    out.extend_from_slice(escape.as_bytes());
}

/// Go's `strconv.CanBackquote`: whether a raw string literal can hold the text on one line.
#[must_use]
pub fn can_backquote(text: &[u8]) -> bool {
    match std::str::from_utf8(text) {
        Ok(text) => text.chars().all(|c| !(c.is_ascii_control() && c != '\t' || c == '`' || c == '\u{feff}')),
        Err(_) => false,
    }
}

/// Go's `unicode.IsPrint`, which is also `strconv.IsPrint`.
#[must_use]
pub fn is_print(rune: char) -> bool {
    if rune.is_ascii() {
        return matches!(rune, ' '..='~');
    }
    let unprintable = matches!(
        get_general_category(rune),
        Category::Control
            | Category::Format
            | Category::Surrogate
            | Category::PrivateUse
            | Category::Unassigned
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::SpaceSeparator
    );
    !unprintable && unicode_15::is_known(rune)
}

/// Go's `unicode.IsLetter`.
#[must_use]
pub fn is_letter(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_alphabetic();
    }
    matches!(
        get_general_category(rune),
        Category::UppercaseLetter
            | Category::LowercaseLetter
            | Category::TitlecaseLetter
            | Category::ModifierLetter
            | Category::OtherLetter
    )
}

/// Go's `unicode.IsDigit`.
#[must_use]
pub fn is_digit(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_digit();
    }
    get_general_category(rune) == Category::DecimalNumber
}

/// Decodes the first rune of non-empty `bytes` as Go does: U+FFFD of width 1 where they are not UTF-8.
pub(crate) fn decode_rune(bytes: &[u8]) -> (char, usize) {
    if let Some(&byte) = bytes.first()
        && byte.is_ascii()
    {
        return (char::from(byte), 1);
    }
    let head = &bytes[..bytes.len().min(4)];
    match head.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()) {
        Some(rune) => (rune, rune.len_utf8()),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

/// A literal that Go's `strconv.Unquote` refuses: "invalid syntax".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid syntax")]
pub struct SyntaxError;

/// Go's `strconv.Unquote` for a double-quoted or raw string literal.
///
/// # Errors
/// The literal is malformed.
pub fn unquote(literal: &[u8]) -> Result<Vec<u8>, SyntaxError> {
    let [quote, inner @ .., last] = literal else { return Err(SyntaxError) };
    if quote != last {
        return Err(SyntaxError);
    }
    match quote {
        b'`' if !inner.contains(&b'`') => Ok(inner.iter().copied().filter(|&byte| byte != b'\r').collect()),
        b'"' => {
            let mut out = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while !rest.is_empty() {
                if matches!(rest[0], b'"' | b'\n') {
                    return Err(SyntaxError);
                }
                rest = match unquote_char(rest, b'"')? {
                    (Char::Rune(rune), rest) => {
                        out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
                        rest
                    }
                    (Char::Byte(byte), rest) => {
                        out.push(byte);
                        rest
                    }
                };
            }
            Ok(out)
        }
        _ => Err(SyntaxError),
    }
}

/// One character of a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Char {
    /// A character, written out or as `\u`, `\U` or a letter escape.
    Rune(char),
    /// A byte, as `\x` or octal escapes give it.
    Byte(u8),
}

/// Go's `strconv.UnquoteChar`: the first character of `text` and what follows it.
pub(crate) fn unquote_char(text: &[u8], quote: u8) -> Result<(Char, &[u8]), SyntaxError> {
    match text {
        [] => Err(SyntaxError),
        [byte, ..] if *byte == quote && matches!(quote, b'\'' | b'"') => Err(SyntaxError),
        [b'\\', escape, rest @ ..] => unquote_escape(*escape, rest, quote),
        [b'\\'] => Err(SyntaxError),
        _ => {
            let (rune, width) = decode_rune(text);
            Ok((Char::Rune(rune), &text[width..]))
        }
    }
}

fn unquote_escape(escape: u8, rest: &[u8], quote: u8) -> Result<(Char, &[u8]), SyntaxError> {
    let byte = match escape {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' => b'\\',
        b'\'' | b'"' if escape == quote => quote,
        b'x' => {
            let (value, rest) = digits(rest, 2, 16)?;
            return Ok((Char::Byte(u8::try_from(value).map_err(|_| SyntaxError)?), rest));
        }
        b'u' | b'U' => {
            let (value, rest) = digits(rest, if escape == b'u' { 4 } else { 8 }, 16)?;
            return Ok((Char::Rune(char::from_u32(value).ok_or(SyntaxError)?), rest));
        }
        b'0'..=b'7' => {
            let (value, rest) = digits(rest, 2, 8)?;
            let value = u32::from(escape - b'0') * 64 + value;
            return Ok((Char::Byte(u8::try_from(value).map_err(|_| SyntaxError)?), rest));
        }
        _ => return Err(SyntaxError),
    };
    Ok((Char::Rune(char::from(byte)), rest))
}

fn digits(text: &[u8], count: usize, radix: u32) -> Result<(u32, &[u8]), SyntaxError> {
    let (head, rest) = text.split_at_checked(count).ok_or(SyntaxError)?;
    let mut value = 0_u32;
    for &byte in head {
        let digit = char::from(byte).to_digit(radix).ok_or(SyntaxError)?;
        value = value.checked_mul(radix).and_then(|v| v.checked_add(digit)).ok_or(SyntaxError)?;
    }
    Ok((value, rest))
}
