//! The syntax of Go's regular expressions (`regexp/syntax`, Perl flags), read into the form that
//! `regex-automata` compiles. What differs from the Rust syntax: braces that are no repetition are
//! literals, `[a-\w.]` and `[[` are plain, `\w \d \s \b` are ASCII, `\Q…\E`, octal escapes, no set operations,
//! at most 1000 repetitions. Errors have Go's words.

use regex_syntax::hir::{
    Capture, Class, ClassUnicode, ClassUnicodeRange, Dot, Hir, HirKind, Look, Repetition,
};

use super::runes;

/// A parsed pattern.
pub(super) struct Pattern {
    /// What to compile.
    pub(super) hir: Hir,
    /// The names of the groups, the whole match (without one) first.
    pub(super) names: Vec<Option<Box<str>>>,
}

/// Why text is no pattern (`syntax.Error`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {code}: `{expression}`")]
pub(super) struct SyntaxError {
    code: &'static str,
    expression: String,
}

const BAD_RANGE: &str = "invalid character class range";
const BAD_ESCAPE: &str = "invalid escape sequence";
const BAD_CAPTURE: &str = "invalid named capture";
const BAD_PERL: &str = "invalid or unsupported Perl syntax";
const BAD_REPEAT: &str = "invalid nested repetition operator";
const BAD_COUNT: &str = "invalid repeat count";
const BAD_UTF8: &str = "invalid UTF-8";
const NO_BRACKET: &str = "missing closing ]";
const NO_PAREN: &str = "missing closing )";
const NO_ARGUMENT: &str = "missing argument to repetition operator";
const TRAILING: &str = "trailing backslash at end of expression";
const UNEXPECTED: &str = "unexpected )";
const TOO_DEEP: &str = "expression nests too deeply";
const TOO_LARGE: &str = "expression too large";

const MAX_REPEAT: u32 = 1000;
const MAX_DEPTH: usize = 1000;
const MAX_LENGTH: usize = 1 << 20;

type Parsed<T> = Result<T, SyntaxError>;

fn error<T>(code: &'static str, expression: &str) -> Parsed<T> {
    Err(SyntaxError { code, expression: expression.to_owned() })
}

/// The error for a pattern whose program would be too big.
pub(super) fn too_large(pattern: &[u8]) -> SyntaxError {
    SyntaxError { code: TOO_LARGE, expression: String::from_utf8_lossy(pattern).into_owned() }
}

/// The matching flags, as `(?imsU)` sets them.
#[derive(Clone, Copy, Default)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_newline: bool,
    swap_greed: bool,
}

/// A part of a sequence with what repeating it multiplies to.
struct Node {
    hir: Hir,
    repeats: u32,
}

/// An open group.
#[derive(Default)]
struct Frame {
    alternatives: Vec<Node>,
    sequence: Vec<Node>,
    capture: Option<u32>,
    outer_flags: Flags,
}

struct Parser<'a> {
    whole: &'a str,
    frames: Vec<Frame>,
    current: Frame,
    flags: Flags,
    names: Vec<Option<Box<str>>>,
}

/// Parses a pattern.
pub(super) fn parse(pattern: &[u8]) -> Parsed<Pattern> {
    if pattern.len() > MAX_LENGTH {
        return Err(too_large(pattern));
    }
    let whole = match std::str::from_utf8(pattern) {
        Ok(text) => text,
        Err(invalid) => {
            return error(BAD_UTF8, &String::from_utf8_lossy(&pattern[invalid.valid_up_to()..]));
        }
    };
    let mut parser = Parser {
        whole,
        frames: Vec::new(),
        current: Frame::default(),
        flags: Flags::default(),
        names: vec![None],
    };
    parser.run()?;
    let Parser { frames, current, names, .. } = parser;
    if !frames.is_empty() {
        return error(NO_PAREN, whole);
    }
    Ok(Pattern { hir: current.close().hir, names })
}

impl Frame {
    /// Ends the current alternative.
    fn end_alternative(&mut self) {
        let sequence = std::mem::take(&mut self.sequence);
        let repeats = sequence.iter().map(|node| node.repeats).max().unwrap_or(1);
        let hir = Hir::concat(sequence.into_iter().map(|node| node.hir).collect());
        self.alternatives.push(Node { hir, repeats });
    }

    fn close(mut self) -> Node {
        self.end_alternative();
        let repeats = self.alternatives.iter().map(|node| node.repeats).max().unwrap_or(1);
        let hir = Hir::alternation(self.alternatives.into_iter().map(|node| node.hir).collect());
        match self.capture {
            // Several groups may have one name in Go, so the names stay here.
            Some(index) => {
                Node { hir: Hir::capture(Capture { index, name: None, sub: Box::new(hir) }), repeats }
            }
            None => Node { hir, repeats },
        }
    }
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Parsed<()> {
        let mut rest = self.whole;
        // The text of the repetition that has just been read, to refuse one right after it.
        let mut last_repeat = "";
        while let Some(rune) = rest.chars().next() {
            let before = rest;
            let mut repeat = "";
            rest = match rune {
                '(' if rest.starts_with("(?") => self.perl_group(rest)?,
                '(' => {
                    self.open(true, None)?;
                    &rest[1..]
                }
                '|' => {
                    self.current.end_alternative();
                    &rest[1..]
                }
                ')' => {
                    self.close_group()?;
                    &rest[1..]
                }
                '*' | '+' | '?' => {
                    repeat = before;
                    let (min, max) = match rune {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat((min, max), false, before, &rest[1..], last_repeat)?
                }
                '{' => match repetition(rest) {
                    Some((counts, after)) => {
                        repeat = before;
                        let counts = checked_counts(counts, &before[..before.len() - after.len()])?;
                        self.repeat(counts, true, before, after, last_repeat)?
                    }
                    None => {
                        self.literal('{');
                        &rest[1..]
                    }
                },
                '[' => self.class(rest)?,
                '\\' => self.backslash(rest)?,
                _ => {
                    self.plain(rune);
                    &rest[rune.len_utf8()..]
                }
            };
            last_repeat = repeat;
        }
        Ok(())
    }

    fn push(&mut self, hir: Hir) {
        self.current.sequence.push(Node { hir, repeats: 1 });
    }

    fn push_class(&mut self, class: ClassUnicode) {
        self.push(Hir::class(Class::Unicode(class)));
    }

    /// A character that is not part of the syntax elsewhere: an anchor, the dot or itself.
    fn plain(&mut self, rune: char) {
        match rune {
            '^' => self.push(Hir::look(if self.flags.multi_line { Look::StartLF } else { Look::Start })),
            '$' => self.push(Hir::look(if self.flags.multi_line { Look::EndLF } else { Look::End })),
            '.' => {
                self.push(Hir::dot(if self.flags.dot_newline { Dot::AnyChar } else { Dot::AnyCharExceptLF }))
            }
            _ => self.literal(rune),
        }
    }

    fn literal(&mut self, rune: char) {
        if self.flags.fold_case {
            let mut class = ClassUnicode::empty();
            self.add_range(&mut class, rune, rune);
            self.push_class(class);
        } else {
            self.push(Hir::literal(rune.encode_utf8(&mut [0; 4]).as_bytes().to_vec()));
        }
    }

    fn open(&mut self, captures: bool, name: Option<&str>) -> Parsed<()> {
        if self.frames.len() >= MAX_DEPTH {
            return error(TOO_DEEP, self.whole);
        }
        let capture = captures.then(|| {
            let index = self.names.len() as u32;
            self.names.push(name.map(Into::into));
            index
        });
        let frame = Frame { capture, outer_flags: self.flags, ..Frame::default() };
        self.frames.push(std::mem::replace(&mut self.current, frame));
        Ok(())
    }

    fn close_group(&mut self) -> Parsed<()> {
        let Some(outer) = self.frames.pop() else { return error(UNEXPECTED, self.whole) };
        let inner = std::mem::replace(&mut self.current, outer);
        self.flags = inner.outer_flags;
        self.current.sequence.push(inner.close());
        Ok(())
    }

    /// Applies a repetition to the last part; `after` follows it, without its `?`.
    fn repeat(
        &mut self,
        (min, max): (u32, Option<u32>),
        counted: bool,
        before: &str,
        after: &'a str,
        last_repeat: &str,
    ) -> Parsed<&'a str> {
        let (after, lazy) = match after.strip_prefix('?') {
            Some(after) => (after, true),
            None => (after, false),
        };
        let text = |from: &str| from[..from.len() - after.len()].to_owned();
        if !last_repeat.is_empty() {
            return error(BAD_REPEAT, &text(last_repeat));
        }
        let Some(Node { hir, repeats }) = self.current.sequence.pop() else {
            return error(NO_ARGUMENT, &text(before));
        };
        let count = if counted { max.unwrap_or(min).max(1) } else { 1 };
        let repeats = if max == Some(0) { 1 } else { repeats.saturating_mul(count) };
        if counted && (min >= 2 || max.is_some_and(|max| max >= 2)) && repeats > MAX_REPEAT {
            return error(BAD_COUNT, &text(before));
        }
        let greedy = lazy == self.flags.swap_greed;
        let hir = Hir::repetition(Repetition { min, max, greedy, sub: Box::new(hir) });
        self.current.sequence.push(Node { hir, repeats });
        Ok(after)
    }

    /// `(?flags)`, `(?flags:…)`, `(?P<name>…)` and `(?<name>…)`.
    fn perl_group(&mut self, text: &'a str) -> Parsed<&'a str> {
        let named = if text.len() > 4 && text.starts_with("(?P<") {
            Some(4)
        } else {
            (text.len() > 3 && text.starts_with("(?<")).then_some(3)
        };
        if let Some(start) = named {
            let Some(end) = text.find('>') else { return error(BAD_CAPTURE, text) };
            let name = text.get(start..end).unwrap_or("");
            if name.is_empty() || !name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
                return error(BAD_CAPTURE, &text[..=end]);
            }
            self.open(true, Some(name))?;
            return Ok(&text[end + 1..]);
        }
        self.flag_group(text)
    }

    fn flag_group(&mut self, text: &'a str) -> Parsed<&'a str> {
        let mut flags = self.flags;
        let (mut value, mut saw_flag) = (true, false);
        for (at, rune) in text.char_indices().skip(2) {
            let consumed = at + rune.len_utf8();
            match rune {
                'i' => flags.fold_case = value,
                'm' => flags.multi_line = value,
                's' => flags.dot_newline = value,
                'U' => flags.swap_greed = value,
                '-' if value => {
                    (value, saw_flag) = (false, false);
                    continue;
                }
                ':' | ')' if value || saw_flag => {
                    if rune == ':' {
                        self.open(false, None)?;
                    }
                    self.flags = flags;
                    return Ok(&text[consumed..]);
                }
                _ => return error(BAD_PERL, &text[..consumed]),
            }
            saw_flag = true;
        }
        error(BAD_PERL, text)
    }

    /// What a backslash begins outside of a class.
    fn backslash(&mut self, text: &'a str) -> Parsed<&'a str> {
        let look = match text.as_bytes().get(1) {
            Some(b'A') => Some(Look::Start),
            Some(b'b') => Some(Look::WordAscii),
            Some(b'B') => Some(Look::WordAsciiNegate),
            Some(b'z') => Some(Look::End),
            Some(b'C') => return error(BAD_ESCAPE, &text[..2]),
            Some(b'Q') => {
                let (quoted, rest) = text[2..].split_once("\\E").unwrap_or((&text[2..], ""));
                quoted.chars().for_each(|rune| self.literal(rune));
                return Ok(rest);
            }
            _ => None,
        };
        if let Some(look) = look {
            self.push(Hir::look(look));
            return Ok(&text[2..]);
        }
        let mut class = ClassUnicode::empty();
        if let Some(rest) = self.class_escape(text, &mut class)? {
            self.push_class(class);
            return Ok(rest);
        }
        let (rune, rest) = escape(text)?;
        match rune {
            Some(rune) => self.literal(rune),
            // A surrogate matches nothing in UTF-8.
            None => self.push(Hir::fail()),
        }
        Ok(rest)
    }

    /// `\pL`, `\P{Greek}`, `\d` and the like; `None` when the text begins none of them.
    fn class_escape(&self, text: &'a str, class: &mut ClassUnicode) -> Parsed<Option<&'a str>> {
        let (name, negated) = match text.as_bytes().get(1) {
            Some(b'd') => ("digit", false),
            Some(b'D') => ("digit", true),
            Some(b's') => ("perl space", false),
            Some(b'S') => ("perl space", true),
            Some(b'w') => ("word", false),
            Some(b'W') => ("word", true),
            Some(b'p' | b'P') => return self.unicode_class(text, class).map(Some),
            _ => return Ok(None),
        };
        self.add_group(class, ascii_class(name).unwrap_or(&[]), negated);
        Ok(Some(&text[2..]))
    }

    fn unicode_class(&self, text: &'a str, class: &mut ClassUnicode) -> Parsed<&'a str> {
        let mut negated = text.as_bytes()[1] == b'P';
        let Some(rune) = text[2..].chars().next() else { return error(BAD_RANGE, text) };
        let (sequence, mut name) = if rune == '{' {
            let Some(end) = text.find('}') else { return error(BAD_RANGE, text) };
            (&text[..=end], &text[3..end])
        } else {
            let end = 2 + rune.len_utf8();
            (&text[..end], &text[2..end])
        };
        if let Some(inverse) = name.strip_prefix('^') {
            negated = !negated;
            name = inverse;
        }
        let Some(mut table) = unicode_table(name) else { return error(BAD_RANGE, sequence) };
        if self.flags.fold_case {
            table.case_fold_simple();
        }
        if negated {
            table.negate();
        }
        class.union(&table);
        Ok(&text[sequence.len()..])
    }

    fn add_range(&self, class: &mut ClassUnicode, low: char, high: char) {
        let mut range = ClassUnicode::new([ClassUnicodeRange::new(low, high)]);
        if self.flags.fold_case {
            range.case_fold_simple();
        }
        class.union(&range);
    }

    fn add_group(&self, class: &mut ClassUnicode, ranges: &[(char, char)], negated: bool) {
        let mut group = ClassUnicode::empty();
        for (low, high) in ranges {
            self.add_range(&mut group, *low, *high);
        }
        if negated {
            group.negate();
        }
        class.union(&group);
    }

    /// A bracketed class.
    fn class(&mut self, whole: &'a str) -> Parsed<&'a str> {
        let mut rest = &whole[1..];
        let negated = rest.starts_with('^');
        if negated {
            rest = &rest[1..];
        }
        let mut class = ClassUnicode::empty();
        let mut first = true;
        while first || !rest.starts_with(']') {
            first = false;
            if let Some(after) = self.posix_class(rest, &mut class)? {
                rest = after;
                continue;
            }
            if rest.starts_with('\\')
                && let Some(after) = self.class_escape(rest, &mut class)?
            {
                rest = after;
                continue;
            }
            rest = self.class_range(rest, whole, &mut class)?;
        }
        if negated {
            class.negate();
        }
        self.push_class(class);
        Ok(&rest[1..])
    }

    /// `[:alpha:]` or `[:^alpha:]` inside of a class.
    fn posix_class(&self, text: &'a str, class: &mut ClassUnicode) -> Parsed<Option<&'a str>> {
        let Some(body) = text.strip_prefix("[:") else { return Ok(None) };
        let Some(end) = body.find(":]") else { return Ok(None) };
        let (sequence, name) = (&text[..end + 4], &body[..end]);
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let known = ascii_class(name).filter(|_| !name.contains(' '));
        let Some(ranges) = known else { return error(BAD_RANGE, sequence) };
        self.add_group(class, ranges, negated);
        Ok(Some(&text[sequence.len()..]))
    }

    fn class_range(&self, text: &'a str, whole: &str, class: &mut ClassUnicode) -> Parsed<&'a str> {
        let (low, mut rest) = class_char(text, whole)?;
        let mut high = low;
        if let Some(after) =
            rest.strip_prefix('-').filter(|after| !after.is_empty() && !after.starts_with(']'))
        {
            (high, rest) = class_char(after, whole)?;
            if high < low {
                return error(BAD_RANGE, &text[..text.len() - rest.len()]);
            }
        }
        // Surrogates do not occur in UTF-8, so a range need not hold them.
        if let (Some(low), Some(high)) = (low.round_up(), high.round_down())
            && low <= high
        {
            self.add_range(class, low, high);
        }
        Ok(rest)
    }
}

/// A code point as an escape writes it, which may be a surrogate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct CodePoint(u32);

impl CodePoint {
    fn round_up(self) -> Option<char> {
        char::from_u32(if matches!(self.0, 0xD800..=0xDFFF) { 0xE000 } else { self.0 })
    }

    fn round_down(self) -> Option<char> {
        char::from_u32(if matches!(self.0, 0xD800..=0xDFFF) { 0xD7FF } else { self.0 })
    }
}

fn class_char<'a>(text: &'a str, whole: &str) -> Parsed<(CodePoint, &'a str)> {
    match text.chars().next() {
        None => error(NO_BRACKET, whole),
        Some('\\') => escape_code(text),
        Some(rune) => Ok((CodePoint(rune as u32), &text[rune.len_utf8()..])),
    }
}

fn escape(text: &str) -> Parsed<(Option<char>, &str)> {
    let (code, rest) = escape_code(text)?;
    Ok((char::from_u32(code.0), rest))
}

/// A backslash escape for one character.
fn escape_code(text: &str) -> Parsed<(CodePoint, &str)> {
    let mut rest = text[1..].chars();
    let Some(rune) = rest.next() else { return error(TRAILING, "") };
    let after = rest.as_str();
    let simple = match rune {
        'a' => Some(7),
        'f' => Some(12),
        'n' => Some(10),
        'r' => Some(13),
        't' => Some(9),
        'v' => Some(11),
        '0'..='7' if rune == '0' || after.starts_with(|digit: char| digit.is_digit(8)) => {
            let digits = after.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            let code = u32::from_str_radix(&text[1..2 + digits], 8).unwrap_or(0);
            return Ok((CodePoint(code), &after[digits..]));
        }
        'x' => return hex_escape(text),
        _ if rune.is_ascii() && !rune.is_ascii_alphanumeric() => Some(rune as u32),
        _ => None,
    };
    match simple {
        Some(code) => Ok((CodePoint(code), after)),
        None => error(BAD_ESCAPE, &text[..text.len() - after.len()]),
    }
}

fn hex_escape(text: &str) -> Parsed<(CodePoint, &str)> {
    let mut rest = text[2..].chars();
    let bad = |rest: &str| error(BAD_ESCAPE, &text[..text.len() - rest.len()]);
    let Some(first) = rest.next() else { return bad("") };
    if first != '{' {
        let Some(second) = rest.next() else { return bad("") };
        return match (first.to_digit(16), second.to_digit(16)) {
            (Some(high), Some(low)) => Ok((CodePoint(high * 16 + low), rest.as_str())),
            _ => bad(rest.as_str()),
        };
    }
    let (mut code, mut digits) = (0_u32, 0);
    loop {
        let Some(rune) = rest.next() else { return bad("") };
        if rune == '}' {
            break;
        }
        let Some(digit) = rune.to_digit(16) else { return bad(rest.as_str()) };
        code = code * 16 + digit;
        if code > 0x0010_FFFF {
            return bad(rest.as_str());
        }
        digits += 1;
    }
    if digits == 0 { bad(rest.as_str()) } else { Ok((CodePoint(code), rest.as_str())) }
}

/// `{n}`, `{n,}` or `{n,m}`: the counts (`None` when absurdly large) and what follows.
type Counts = (Option<u32>, Option<Option<u32>>);

fn repetition(text: &str) -> Option<(Counts, &str)> {
    let (min, rest) = integer(&text[1..])?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (max, rest) = integer(rest)?;
            (Some(max), rest)
        }
    };
    Some(((min, max), rest.strip_prefix('}')?))
}

fn integer(text: &str) -> Option<(Option<u32>, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 1 && text.starts_with('0') {
        return None;
    }
    Some((text[..digits].parse().ok().filter(|number| *number < 1_000_000_000), &text[digits..]))
}

/// The counts of a repetition if Go allows them; `text` is the repetition.
fn checked_counts((min, max): Counts, text: &str) -> Parsed<(u32, Option<u32>)> {
    let checked = |count: Option<u32>| count.filter(|count| *count <= MAX_REPEAT);
    match (checked(min), max.map(checked)) {
        (Some(min), None) => Ok((min, None)),
        (Some(min), Some(Some(max))) if min <= max => Ok((min, Some(max))),
        _ => error(BAD_COUNT, text),
    }
}

/// The ASCII classes: Perl's by name, POSIX's by theirs.
fn ascii_class(name: &str) -> Option<&'static [(char, char)]> {
    Some(match name {
        "perl space" => &[('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')],
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\u{7f}')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    })
}

/// The characters of a general category or script.
fn unicode_table(name: &str) -> Option<ClassUnicode> {
    if name.is_empty()
        || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '))
    {
        return None;
    }
    ["gc", "sc"].iter().find_map(|property| {
        let hir = regex_syntax::parse(&format!("\\p{{{property}={name}}}")).ok()?;
        match hir.into_kind() {
            HirKind::Class(Class::Unicode(class)) => Some(class),
            HirKind::Literal(literal) => {
                let rune = runes::first(&literal.0)?.0;
                Some(ClassUnicode::new([ClassUnicodeRange::new(rune, rune)]))
            }
            _ => None,
        }
    })
}
