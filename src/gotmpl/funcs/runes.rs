//! Go's view of a byte string as runes (`unicode/utf8`, `unicode`): an invalid byte is one U+FFFD, and
//! case mappings are the simple ones, rune to rune.

use unicode_general_category::{GeneralCategory as Category, get_general_category};

/// The replacement of invalid bytes (`utf8.RuneError`).
pub(super) const ERROR: char = char::REPLACEMENT_CHARACTER;

/// The first rune and its width; an invalid byte is [`ERROR`] of width 1. `None` at the end.
pub(super) fn first(bytes: &[u8]) -> Option<(char, usize)> {
    let lead = *bytes.first()?;
    if lead < 0x80 {
        return Some((lead as char, 1));
    }
    let width = match lead {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Some((ERROR, 1)),
    };
    let decoded = bytes.get(..width).and_then(|part| std::str::from_utf8(part).ok());
    Some(decoded.and_then(|text| text.chars().next()).map_or((ERROR, 1), |rune| (rune, width)))
}

/// The last rune and its width, as [`first`].
pub(super) fn last(bytes: &[u8]) -> Option<(char, usize)> {
    let end = bytes.len();
    if end == 0 {
        return None;
    }
    for start in (end.saturating_sub(4)..end).rev() {
        if bytes[start] & 0xC0 != 0x80 {
            return match first(&bytes[start..]) {
                Some((rune, width)) if start + width == end => Some((rune, width)),
                _ => Some((ERROR, 1)),
            };
        }
    }
    Some((ERROR, 1))
}

/// The runes with the bytes that each stands for.
pub(super) fn split(bytes: &[u8]) -> impl Iterator<Item = (char, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (rune, width) = first(rest)?;
        let (head, tail) = rest.split_at(width);
        rest = tail;
        Some((rune, head))
    })
}

/// The runes.
pub(super) fn iter(bytes: &[u8]) -> impl Iterator<Item = char> {
    split(bytes).map(|(rune, _)| rune)
}

/// Appends a rune in UTF-8.
pub(super) fn push(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Maps every rune (`strings.Map`).
pub(super) fn map(bytes: &[u8], mut mapping: impl FnMut(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for rune in iter(bytes) {
        push(&mut out, mapping(rune));
    }
    out
}

/// `unicode.ToUpper`: the simple mapping.
pub(super) fn to_upper(rune: char) -> char {
    match rune {
        // Letters whose full mapping has several characters, but which have a simple mapping too.
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => offset(rune, 8),
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => offset(rune, 9),
        _ => single(rune.to_uppercase(), rune),
    }
}

/// `unicode.ToLower`: the simple mapping.
pub(super) fn to_lower(rune: char) -> char {
    match rune {
        '\u{130}' => 'i',
        _ => single(rune.to_lowercase(), rune),
    }
}

/// `unicode.ToTitle`: the upper case except for the digraphs and Georgian.
pub(super) fn to_title(rune: char) -> char {
    match rune {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        '\u{10D0}'..='\u{10FF}' => rune,
        _ => to_upper(rune),
    }
}

fn single(mut mapped: impl Iterator<Item = char>, rune: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => rune,
    }
}

fn offset(rune: char, by: u32) -> char {
    char::from_u32(rune as u32 + by).unwrap_or(rune)
}

/// `unicode.IsSpace`.
pub(super) fn is_space(rune: char) -> bool {
    rune.is_whitespace()
}

/// `unicode.IsLetter`.
pub(super) fn is_letter(rune: char) -> bool {
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

/// `unicode.IsUpper`.
pub(super) fn is_upper(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_uppercase();
    }
    get_general_category(rune) == Category::UppercaseLetter
}

/// `unicode.IsLower`.
pub(super) fn is_lower(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_lowercase();
    }
    get_general_category(rune) == Category::LowercaseLetter
}

/// `unicode.IsTitle`.
pub(super) fn is_title(rune: char) -> bool {
    !rune.is_ascii() && get_general_category(rune) == Category::TitlecaseLetter
}

/// `unicode.IsDigit`.
pub(super) fn is_digit(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_digit();
    }
    get_general_category(rune) == Category::DecimalNumber
}

/// `unicode.IsNumber`.
pub(super) fn is_number(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_digit();
    }
    matches!(
        get_general_category(rune),
        Category::DecimalNumber | Category::LetterNumber | Category::OtherNumber
    )
}

/// `unicode.IsPunct`.
pub(super) fn is_punct(rune: char) -> bool {
    matches!(
        get_general_category(rune),
        Category::ConnectorPunctuation
            | Category::DashPunctuation
            | Category::OpenPunctuation
            | Category::ClosePunctuation
            | Category::InitialPunctuation
            | Category::FinalPunctuation
            | Category::OtherPunctuation
    )
}
