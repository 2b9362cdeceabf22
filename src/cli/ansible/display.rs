//! What Ansible's programs say beside their results: warnings, deprecations and errors
//! (`utils/display.py`).

use std::collections::HashSet;
use std::io::Write as _;

use crate::playbook::LoadErrors;

/// The width of output that is no terminal.
pub(super) const COLUMNS: usize = 79;

/// Prints to the error output, each warning once.
#[derive(Debug)]
pub(super) struct Display {
    /// Whether deprecations are shown.
    deprecations: bool,
    told: HashSet<String>,
}

impl Display {
    /// A display that has said nothing yet.
    #[must_use]
    pub(super) fn new(deprecations: bool) -> Self {
        Display { deprecations, told: HashSet::new() }
    }

    /// A warning.
    pub(super) fn warning(&mut self, message: &str) {
        self.once(&wrap(&format!("[WARNING]: {message}"), COLUMNS));
    }

    /// A warning that something will go away with a version.
    pub(super) fn deprecated(&mut self, message: &str, version: Option<&str>) {
        if !self.deprecations {
            return;
        }
        let when = match version {
            Some(version) => format!("version {version}"),
            None => "a future release".to_owned(),
        };
        let message = message.trim();
        let stop = if message.ends_with(['!', '?', '.']) { "" } else { "." };
        let text = format!(
            "[DEPRECATION WARNING]: {message}{stop} This feature will be removed in {when}. Deprecation warnings can be disabled by setting deprecation_warnings=False in ansible.cfg."
        );
        self.once(&wrap_keeping_spaces(&text, COLUMNS));
    }

    fn once(&mut self, text: &str) {
        if self.told.insert(text.to_owned()) {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }
}

/// Prints an error.
pub(super) fn error(message: &str) {
    let end = if message.ends_with('\n') { "" } else { "\n" };
    let _ = write!(std::io::stderr(), "ERROR! {message}{end}");
}

/// Prints everything that is wrong with content, each with its place.
pub(super) fn errors(errors: &LoadErrors) {
    errors.0.iter().for_each(|wrong| error(&wrong.with_source()));
}

/// Breaks text into lines of at most so many characters, at white space and hyphens (`textwrap.wrap`).
fn wrap(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    let mut line = String::new();
    for chunk in chunks(text) {
        let fits = line.chars().count() + chunk.chars().count() <= width;
        if !(fits || chunk == " " || line.is_empty()) {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        if chunk == " " && line.is_empty() && !lines.is_empty() {
            continue;
        }
        let mut rest = chunk;
        while rest.chars().count() > width {
            let at = rest.char_indices().nth(width).map_or(rest.len(), |(at, _)| at);
            lines.push(rest[..at].to_owned());
            rest = &rest[at..];
        }
        if rest == " " && line.chars().count() + 1 > width {
            continue;
        }
        line.push_str(rest);
    }
    lines.push(line.trim_end().to_owned());
    lines.join("\n")
}

/// The same with every space kept, at the ends of lines as well (`drop_whitespace=False`).
fn wrap_keeping_spaces(text: &str, width: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for chunk in chunks(text) {
        let length = chunk.chars().count();
        if column > 0 && column + length > width {
            out.push('\n');
            column = 0;
        }
        out.push_str(chunk);
        column += length;
    }
    out
}

/// Single spaces, and words split behind the hyphens between their letters.
fn chunks(text: &str) -> Vec<&str> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut previous: [char; 2] = [' '; 2];
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            if start < at {
                chunks.push(&text[start..at]);
            }
            chunks.push(" ");
            start = at + c.len_utf8();
        } else if c == '-' {
            let mut after = text[at + 1..].chars();
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let before = previous[1].is_alphabetic() && word(previous[0]);
            let next = [after.next(), after.next()];
            if before && matches!(next, [Some(a), Some(b)] if word(a) && b.is_alphabetic()) {
                chunks.push(&text[start..=at]);
                start = at + 1;
            }
        }
        previous = [previous[1], c];
    }
    if start < text.len() {
        chunks.push(&text[start..]);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::{wrap, wrap_keeping_spaces};

    #[test]
    fn spaces_can_stay_at_the_ends_of_lines() {
        assert_eq!(wrap_keeping_spaces("aaa bbb ccc", 8), "aaa bbb \nccc");
    }

    #[test]
    fn lines_break_at_spaces_and_hyphens() {
        assert_eq!(wrap("aaa bbb ccc", 7), "aaa bbb\nccc");
        assert_eq!(wrap("aaa bbb-ccc", 8), "aaa bbb-\nccc");
        assert_eq!(wrap("aaaaaaaaaa b", 4), "aaaa\naaaa\naa b");
        assert_eq!(wrap("a\n* b", 79), "a * b");
    }
}
