//! What the characters of a string allow.

use super::{Settings, Version};

/// Which styles can hold a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Analysis {
    /// There are line breaks.
    pub(in super::super) multiline: bool,
    /// There is `\n`, which asks for a block scalar.
    pub(in super::super) newline: bool,
    /// Plain style is possible outside and inside of brackets.
    pub(in super::super) block_plain: bool,
    pub(in super::super) flow_plain: bool,
    pub(in super::super) single_quoted: bool,
    pub(in super::super) block: bool,
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
    block_indicators: bool,
    flow_indicators: bool,
    line_breaks: bool,
    special: bool,
    tabs: bool,
    edge_white: bool,
    trailing_space: bool,
    break_space: bool,
    space_break: bool,
    newline: bool,
}

/// Looks at a string (libyaml's `yaml_emitter_analyze_scalar`).
pub(in super::super) fn analyze(text: &str, settings: Settings) -> Analysis {
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return Analysis { flow_plain: false, block: false, ..Findings::default().conclude() };
    }
    let mut found = Findings::default();
    found.look_at_start(bytes, settings);
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
        let width = found.look(class, bytes, at, after_white, settings);
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
    /// Some characters are indicators only at the start.
    fn look_at_start(&mut self, bytes: &[u8], settings: Settings) {
        let alone = is_white(bytes, 1, settings);
        let anywhere = match bytes.first() {
            Some(b'-') => bytes.starts_with(b"---") || alone,
            Some(b'.') => bytes.starts_with(b"..."),
            Some(b'?' | b':') => alone,
            Some(first) => b"#,[]{}&*!|>'\"%@`".contains(first),
            None => false,
        };
        self.block_indicators = anywhere;
        self.flow_indicators = anywhere || matches!(bytes.first(), Some(b'?' | b':'));
    }

    /// Notes what one character is and gives its width.
    fn look(
        &mut self,
        class: Class,
        bytes: &[u8],
        at: usize,
        after_white: bool,
        settings: Settings,
    ) -> usize {
        match class {
            Class::Flow => self.flow_indicators = true,
            Class::Colon => {
                self.flow_indicators = true;
                self.block_indicators |= is_white(bytes, at + 1, settings);
            }
            Class::Hash => {
                self.flow_indicators |= after_white;
                self.block_indicators |= after_white;
            }
            Class::Tab => {
                self.tabs = true;
                self.special |= settings.version != Version::GoV3;
            }
            Class::Newline => self.newline = true,
            Class::Control => self.special = true,
            Class::Wide => {
                self.special |= !settings.unicode || !is_printable(&bytes[at..]);
                return width(bytes[at]);
            }
            Class::Content | Class::Space => {}
        }
        1
    }

    fn conclude(&self) -> Analysis {
        let hard = self.space_break || self.special;
        let plain = !(hard || self.tabs || self.edge_white || self.line_breaks);
        Analysis {
            multiline: self.line_breaks,
            newline: self.newline,
            block_plain: plain && !self.block_indicators,
            flow_plain: plain && !self.flow_indicators,
            single_quoted: !(hard || self.tabs || self.break_space),
            block: !(hard || self.trailing_space),
        }
    }
}

/// Whether white space or the end follows; a line break is not white for Go.
fn is_white(bytes: &[u8], at: usize, settings: Settings) -> bool {
    match bytes.get(at) {
        None | Some(b' ' | b'\t') => true,
        Some(0) => settings.version == Version::LibYaml,
        Some(_) => settings.version == Version::LibYaml && is_break(&bytes[at..]),
    }
}

pub(in super::super) fn is_break(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\n' | b'\r', ..] | [0xC2, 0x85, ..] | [0xE2, 0x80, 0xA8 | 0xA9, ..])
}

/// libyaml's idea of printable characters: nothing beyond the basic plane.
pub(in super::super) fn is_printable(bytes: &[u8]) -> bool {
    match *bytes {
        [b'\n' | 0x20..=0x7E, ..] => true,
        [0xC2, second, ..] => second >= 0xA0,
        [0xEF, 0xBB, 0xBF, ..] | [0xEF, 0xBF, 0xBE | 0xBF, ..] => false,
        [first, ..] => (0xC3..=0xEF).contains(&first),
        [] => false,
    }
}

pub(in super::super) fn width(first: u8) -> usize {
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
    /// What ends a plain scalar inside of brackets.
    Flow,
    Hash,
    Control,
    Wide,
}

static CLASS: [Class; 256] = {
    let mut table = [Class::Content; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte < 0x20 || byte == 0x7F {
            table[byte] = Class::Control;
        } else if byte >= 0x80 {
            table[byte] = Class::Wide;
        }
        byte += 1;
    }
    table[b' ' as usize] = Class::Space;
    table[b'\t' as usize] = Class::Tab;
    table[b'\n' as usize] = Class::Newline;
    table[b':' as usize] = Class::Colon;
    table[b'#' as usize] = Class::Hash;
    table[b',' as usize] = Class::Flow;
    table[b'?' as usize] = Class::Flow;
    table[b'[' as usize] = Class::Flow;
    table[b']' as usize] = Class::Flow;
    table[b'{' as usize] = Class::Flow;
    table[b'}' as usize] = Class::Flow;
    table
};
