//! What the characters of a string allow.

use super::Version;

/// Which styles can hold a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Analysis {
    /// There are line breaks.
    pub(super) multiline: bool,
    /// There is `\n`, which asks for a block scalar.
    pub(super) newline: bool,
    pub(super) plain: bool,
    pub(super) single_quoted: bool,
    pub(super) block: bool,
    /// Only printable ASCII and line feeds.
    pub(super) ascii: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Previous {
    Space,
    Break,
    Other,
}

/// What was found in a string.
#[derive(Default)]
struct Findings {
    indicators: bool,
    line_breaks: bool,
    special: bool,
    tabs: bool,
    edge_white: bool,
    trailing_space: bool,
    break_space: bool,
    space_break: bool,
    wide: bool,
    newline: bool,
}

/// Looks at a string (libyaml's `yaml_emitter_analyze_scalar`).
pub(super) fn analyze(text: &str, version: Version) -> Analysis {
    let bytes = text.as_bytes();
    let mut found = Findings { indicators: starts_as_indicator(bytes), ..Findings::default() };
    let mut previous = Previous::Other;
    let mut after_white = true;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let class = CLASS[byte as usize];
        if class == Class::Content {
            at += 1;
            previous = Previous::Other;
            after_white = false;
            continue;
        }
        let width = found.look(class, bytes, at, after_white, version);
        let last = at + width == bytes.len();
        let breaks = is_break(&bytes[at..]);
        if class == Class::Space {
            found.edge_white |= at == 0 || last;
            found.trailing_space |= last;
            found.break_space |= previous == Previous::Break;
            previous = Previous::Space;
        } else if breaks {
            found.line_breaks = true;
            found.edge_white |= at == 0 || last;
            found.space_break |= previous == Previous::Space;
            previous = Previous::Break;
        } else {
            previous = Previous::Other;
        }
        after_white = class == Class::Space || class == Class::Tab || breaks || byte == 0;
        at += width;
    }
    found.conclude()
}

impl Findings {
    /// Notes what one character is and gives its width.
    fn look(&mut self, class: Class, bytes: &[u8], at: usize, after_white: bool, version: Version) -> usize {
        match class {
            Class::Colon => self.indicators |= is_blank_or_end(bytes, at + 1),
            Class::Hash => self.indicators |= after_white,
            Class::Tab => {
                self.tabs = true;
                self.special |= version == Version::V2;
            }
            Class::Newline => self.newline = true,
            Class::Control => self.special = true,
            Class::Wide => {
                self.wide = true;
                self.special |= !is_printable(&bytes[at..]);
                return width(bytes[at]);
            }
            Class::Content | Class::Space => {}
        }
        1
    }

    fn conclude(&self) -> Analysis {
        let hard = self.space_break || self.special;
        Analysis {
            multiline: self.line_breaks,
            newline: self.newline,
            plain: !(hard || self.tabs || self.edge_white || self.line_breaks || self.indicators),
            single_quoted: !(hard || self.tabs || self.break_space),
            block: !(hard || self.trailing_space),
            ascii: !(self.wide || self.special || self.tabs),
        }
    }
}

fn starts_as_indicator(bytes: &[u8]) -> bool {
    match bytes.first() {
        Some(b'-') => bytes.starts_with(b"---") || is_blank_or_end(bytes, 1),
        Some(b'.') => bytes.starts_with(b"..."),
        Some(b'?') => is_blank_or_end(bytes, 1),
        Some(first) => b"#,[]{}&*!|>'\"%@`".contains(first),
        None => false,
    }
}

fn is_blank_or_end(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at), None | Some(b' ' | b'\t'))
}

pub(super) fn is_break(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\n' | b'\r', ..] | [0xC2, 0x85, ..] | [0xE2, 0x80, 0xA8 | 0xA9, ..])
}

/// libyaml's idea of printable characters: nothing beyond the basic plane.
pub(super) fn is_printable(bytes: &[u8]) -> bool {
    match *bytes {
        [b'\n' | 0x20..=0x7E, ..] => true,
        [0xC2, second, ..] => second >= 0xA0,
        [0xEF, 0xBB, 0xBF, ..] | [0xEF, 0xBF, 0xBE | 0xBF, ..] => false,
        [first, ..] => (0xC3..=0xEF).contains(&first),
        [] => false,
    }
}

pub(super) fn width(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Content,
    Space,
    Tab,
    Newline,
    Colon,
    Hash,
    Control,
    Wide,
}

static CLASS: [Class; 256] = {
    let mut table = [Class::Content; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b' ' => Class::Space,
            b'\t' => Class::Tab,
            b'\n' => Class::Newline,
            b':' => Class::Colon,
            b'#' => Class::Hash,
            0..0x20 | 0x7F => Class::Control,
            0x20..0x7F => Class::Content,
            _ => Class::Wide,
        };
        byte += 1;
    }
    table
};
