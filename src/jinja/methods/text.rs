//! The algorithms of Python's text methods, which bytes share: there a character stands for each byte.

use crate::jinja::error::Error;
use crate::jinja::ops;

/// White space of some kind.
pub(super) type Space = fn(char) -> bool;

/// The part of a text between two bounds.
pub(super) struct Window<'a> {
    /// The part.
    pub(super) text: &'a str,
    /// How many characters come before it.
    before: usize,
}

/// The part between bounds that count from the end when they are negative; none if they are the wrong way round.
pub(super) fn window(text: &str, start: Option<i64>, end: Option<i64>) -> Option<Window<'_>> {
    if start.is_none() && end.is_none() {
        return Some(Window { text, before: 0 });
    }
    let len = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let from_end = |bound: i64| if bound < 0 { (bound.saturating_add(len)).max(0) } else { bound };
    let (start, end) = (start.map_or(0, from_end), end.map_or(len, from_end).min(len));
    let byte = |at: i64| {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
    };
    let part = if start > end { None } else { text.get(byte(start)..byte(end)) };
    part.map(|text| Window { text, before: usize::try_from(start).unwrap_or(0) })
}

impl Window<'_> {
    /// How many characters of the whole text come before a byte of the part.
    fn position(&self, byte: usize) -> usize {
        self.before + self.text.get(..byte).unwrap_or_default().chars().count()
    }

    /// Where a text is in the part, from the right or from the left.
    pub(super) fn find(&self, wanted: &str, from_right: bool) -> Option<usize> {
        let byte = if from_right { self.text.rfind(wanted) } else { self.text.find(wanted) };
        byte.map(|byte| self.position(byte))
    }

    /// How often a text is in the part.
    pub(super) fn count(&self, wanted: &str) -> usize {
        match wanted.is_empty() {
            true => self.text.chars().count() + 1,
            false => self.text.matches(wanted).count(),
        }
    }

    /// Whether the part begins, or ends, with a text.
    pub(super) fn has_affix(&self, wanted: &str, at_end: bool) -> bool {
        if at_end { self.text.ends_with(wanted) } else { self.text.starts_with(wanted) }
    }
}

/// `replace(from, to, count)`, where a negative count is none.
pub(super) fn replace(text: &str, from: &str, to: &str, count: i64) -> Result<String, Error> {
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let found = if to.len() > from.len() { text.matches(from).take(limit).count() } else { 0 };
    if found.saturating_mul(to.len()) > ops::MAX_SIZE {
        return Err(Error::value_error("the replaced text would be too large"));
    }
    Ok(text.replacen(from, to, limit))
}

/// `split(separator, limit)` or `rsplit`, where a negative limit is none.
///
/// # Errors
/// The separator is empty.
pub(super) fn split<'a>(
    text: &'a str,
    separator: Option<&str>,
    limit: i64,
    from_right: bool,
    is_space: Space,
) -> Result<Vec<&'a str>, Error> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX - 1);
    let mut parts: Vec<&str> = match (separator, from_right) {
        (Some(""), _) => return Err(Error::value_error("empty separator")),
        (Some(separator), false) => text.splitn(limit + 1, separator).collect(),
        (Some(separator), true) => text.rsplitn(limit + 1, separator).collect(),
        (None, false) => words(text, limit, is_space),
        (None, true) => last_words(text, limit, is_space),
    };
    if from_right {
        parts.reverse();
    }
    Ok(parts)
}

/// The first words of a text, and what follows them.
fn words(text: &str, limit: usize, is_space: Space) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while parts.len() < limit
        && let Some((word, after)) = rest.split_once(is_space)
    {
        parts.push(word);
        rest = after.trim_start_matches(is_space);
    }
    parts.extend(Some(rest).filter(|rest| !rest.is_empty()));
    parts
}

/// The last words of a text, the very last first, and what comes before them.
fn last_words(text: &str, limit: usize, is_space: Space) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while parts.len() < limit
        && let Some((before, word)) = rest.rsplit_once(is_space)
    {
        parts.push(word);
        rest = before.trim_end_matches(is_space);
    }
    parts.extend(Some(rest).filter(|rest| !rest.is_empty()));
    parts
}

/// `splitlines(keep)`, where some characters end a line; `\r\n` is one end.
pub(super) fn lines(text: &str, keep: bool, ends: fn(char) -> bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some((at, end)) = rest.char_indices().find(|(_, c)| ends(*c)) {
        let (line, after) = rest.split_at(at);
        let end = if after.starts_with("\r\n") { 2 } else { end.len_utf8() };
        let (ended, after) = rest.split_at(at + end);
        lines.push(if keep { ended } else { line });
        rest = after;
    }
    lines.extend(Some(rest).filter(|rest| !rest.is_empty()));
    lines
}

/// Whether a line of text ends here.
pub(super) fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c' | '\x1d' | '\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a line of bytes ends here.
pub(super) fn ends_byte_line(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// Where a text stands in a field.
#[derive(Clone, Copy)]
pub(super) enum Align {
    /// At the left: `ljust`.
    Left,
    /// At the right: `rjust`.
    Right,
    /// In the middle: `center`.
    Center,
}

/// The text in a field of this width.
///
/// # Errors
/// It would be too large.
pub(super) fn pad(text: &str, width: i64, fill: char, align: Align) -> Result<String, Error> {
    let width = usize::try_from(width).unwrap_or(0);
    let missing = width.saturating_sub(text.chars().count());
    sized(missing)?;
    let left = match align {
        Align::Left => 0,
        Align::Right => missing,
        Align::Center => missing / 2 + (missing & width & 1),
    };
    let fill = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    Ok(format!("{}{text}{}", fill(left), fill(missing - left)))
}

fn sized(size: usize) -> Result<(), Error> {
    match size > ops::MAX_SIZE {
        true => Err(Error::value_error("the padded text would be too large")),
        false => Ok(()),
    }
}

/// `zfill(width)`: zeros after the sign.
///
/// # Errors
/// It would be too large.
pub(super) fn zero_fill(text: &str, width: i64) -> Result<String, Error> {
    let digits = text.trim_start_matches(['+', '-']);
    // Only one sign is one.
    let sign = usize::from(digits.len() < text.len());
    let (sign, digits) = text.split_at(sign);
    let width = width.saturating_sub(i64::try_from(sign.len()).unwrap_or(0));
    Ok(format!("{sign}{}", pad(digits, width, '0', Align::Right)?))
}

/// `expandtabs(width)`.
///
/// # Errors
/// It would be too large.
pub(super) fn expand_tabs(text: &str, width: i32) -> Result<String, Error> {
    let width = usize::try_from(width).unwrap_or(0);
    let mut out = String::new();
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' if width > 0 => {
                let spaces = width - column % width;
                sized(out.len() + spaces)?;
                out.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            '\t' => {}
            c => {
                column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
                out.push(c);
            }
        }
    }
    Ok(out)
}
