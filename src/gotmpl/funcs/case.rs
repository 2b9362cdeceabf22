//! Letter case and word shapes (sprig `functions.go`, which uses Go's `strings`, `xstrings` and `goutils`).

use super::args::{bytes, fixed, text};
use super::runes;
use crate::gotmpl::{FuncDef, Param};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("upper", &[Param::Str], |_, args| text(upper(bytes(args, 0)))),
    fixed("lower", &[Param::Str], |_, args| text(lower(bytes(args, 0)))),
    fixed("title", &[Param::Str], |_, args| text(title(bytes(args, 0)))),
    fixed("untitle", &[Param::Str], |_, args| text(untitle(bytes(args, 0)))),
    fixed("swapcase", &[Param::Str], |_, args| text(swap(bytes(args, 0)))),
    fixed("snakecase", &[Param::Str], |_, args| text(delimited(bytes(args, 0), '_'))),
    fixed("kebabcase", &[Param::Str], |_, args| text(delimited(bytes(args, 0), '-'))),
    fixed("camelcase", &[Param::Str], |_, args| text(pascal(bytes(args, 0)))),
    fixed("initials", &[Param::Str], |_, args| text(initials(bytes(args, 0)))),
    fixed("nospace", &[Param::Str], |_, args| text(without_space(bytes(args, 0)))),
];

fn upper(input: &[u8]) -> Vec<u8> {
    if input.is_ascii() { input.to_ascii_uppercase() } else { runes::map(input, runes::to_upper) }
}

fn lower(input: &[u8]) -> Vec<u8> {
    if input.is_ascii() { input.to_ascii_lowercase() } else { runes::map(input, runes::to_lower) }
}

/// `strings.Title`: the title case of the first letter of each word.
fn title(input: &[u8]) -> Vec<u8> {
    let mut previous = ' ';
    runes::map(input, |rune| {
        let mapped = if is_separator(previous) { runes::to_title(rune) } else { rune };
        previous = rune;
        mapped
    })
}

fn is_separator(rune: char) -> bool {
    if rune.is_ascii() {
        return !rune.is_ascii_alphanumeric() && rune != '_';
    }
    !runes::is_letter(rune) && !runes::is_digit(rune) && runes::is_space(rune)
}

/// `goutils.Uncapitalize`: the lower case of the first rune of each word.
fn untitle(input: &[u8]) -> Vec<u8> {
    let mut at_start = true;
    runes::map(input, |rune| {
        if runes::is_space(rune) {
            at_start = true;
            rune
        } else if std::mem::take(&mut at_start) {
            runes::to_lower(rune)
        } else {
            rune
        }
    })
}

/// `goutils.SwapCase`: lower case becomes upper, or title case at the start of a word.
fn swap(input: &[u8]) -> Vec<u8> {
    let mut at_start = true;
    runes::map(input, |rune| {
        if runes::is_upper(rune) || runes::is_title(rune) {
            at_start = false;
            runes::to_lower(rune)
        } else if runes::is_lower(rune) {
            if std::mem::take(&mut at_start) { runes::to_title(rune) } else { runes::to_upper(rune) }
        } else {
            at_start = runes::is_space(rune);
            rune
        }
    })
}

/// `goutils.Initials`, which reads bytes as if they were runes.
fn initials(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut after_gap = true;
    for rune in input.iter().map(|byte| char::from(*byte)) {
        if runes::is_space(rune) {
            after_gap = true;
        } else if std::mem::take(&mut after_gap) {
            runes::push(&mut out, rune);
        }
    }
    out
}

/// `goutils.DeleteWhiteSpace`, which reads bytes as if they were runes unless there is nothing to delete.
fn without_space(input: &[u8]) -> Vec<u8> {
    let is_space = |byte: &u8| runes::is_space(char::from(*byte));
    if !input.iter().any(is_space) {
        return input.to_vec();
    }
    let mut out = Vec::with_capacity(input.len());
    for byte in input.iter().filter(|byte| !is_space(byte)) {
        runes::push(&mut out, char::from(*byte));
    }
    out
}

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || runes::is_space(rune)
}

/// `xstrings.ToPascalCase`: words joined, each beginning in upper case; leading connectors stay.
fn pascal(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    let mut rest = runes::iter(input).peekable();
    let mut current = None;
    let mut upper_run = false;
    for rune in rest.by_ref() {
        if !is_connector(rune) {
            upper_run = runes::is_upper(rune);
            current = Some(runes::to_upper(rune));
            break;
        }
        runes::push(&mut out, rune);
        current = Some(rune);
    }
    let Some(mut current) = current else { return out };
    if rest.peek().is_none() {
        runes::push(&mut out, current);
        return out;
    }
    for rune in rest {
        let previous = std::mem::replace(&mut current, rune);
        if is_connector(rune) && is_connector(previous) {
            runes::push(&mut out, previous);
            continue;
        }
        if is_connector(previous) {
            upper_run = runes::is_upper(rune);
            current = runes::to_upper(rune);
        } else {
            if upper_run {
                if runes::is_upper(rune) {
                    current = runes::to_lower(rune);
                } else {
                    upper_run = false;
                }
            }
            runes::push(&mut out, previous);
        }
    }
    runes::push(&mut out, current);
    out
}

/// What a run of runes is to [`delimited`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punct,
    Other,
}

/// `xstrings.ToSnakeCase` and `ToKebabCase`: lower-case words with a connector between them.
fn delimited(input: &[u8], connector: char) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len() + 4);
    let (mut kind, mut word, mut rest) = next_word(input);
    while !rest.is_empty() {
        if kind != Word::Connector {
            push_lower(&mut out, kind, word, connector);
        }
        let previous = (kind, word);
        (kind, word, rest) = next_word(rest);
        match previous.0 {
            Word::Number => {
                (kind, word, rest) = push_tail(&mut out, (kind, word, rest), connector);
                if !matches!(kind, Word::Invalid | Word::Punct | Word::Connector) {
                    runes::push(&mut out, connector);
                }
            }
            Word::Connector => push_lower(&mut out, previous.0, previous.1, connector),
            Word::Punct => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punct) {
                    runes::push(&mut out, connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind == Word::Alphabet {
                    // Lower-case letters follow the number: it begins a word of its own.
                    runes::push(&mut out, connector);
                    push_lower(&mut out, Word::Number, number, connector);
                    (kind, word, rest) = push_tail(&mut out, (kind, word, rest), connector);
                    if !matches!(kind, Word::Invalid | Word::Connector | Word::Punct) {
                        runes::push(&mut out, connector);
                    }
                } else {
                    push_lower(&mut out, Word::Number, number, connector);
                    if !matches!(kind, Word::Connector | Word::Punct) {
                        runes::push(&mut out, connector);
                    }
                }
            }
        }
    }
    push_lower(&mut out, kind, word, connector);
    out
}

/// A word with its kind and what follows it.
type Cut<'a> = (Word, &'a [u8], &'a [u8]);

/// Writes the letters and digits that belong to the number before them; gives the first other word.
fn push_tail<'a>(out: &mut Vec<u8>, mut cut: Cut<'a>, connector: char) -> Cut<'a> {
    while matches!(cut.0, Word::Alphabet | Word::Number) {
        push_lower(out, cut.0, cut.1, connector);
        cut = next_word(cut.2);
    }
    cut
}

fn push_lower(out: &mut Vec<u8>, kind: Word, word: &[u8], connector: char) {
    if !matches!(kind, Word::Upper | Word::Connector) {
        out.extend_from_slice(word);
        return;
    }
    for rune in runes::iter(word) {
        let lowered = if is_connector(rune) {
            connector
        } else if runes::is_upper(rune) {
            runes::to_lower(rune)
        } else {
            rune
        };
        runes::push(out, lowered);
    }
}

/// Cuts the next run of like runes off.
fn next_word(input: &[u8]) -> Cut<'_> {
    let (rune, size) = next_valid_rune(input, runes::ERROR);
    if rune == runes::ERROR {
        return (Word::Invalid, &input[..size], &input[size..]);
    }
    let (kind, end) = if is_connector(rune) {
        (Word::Connector, run_end(input, size, rune, is_connector))
    } else if runes::is_punct(rune) {
        (Word::Punct, run_end(input, size, rune, runes::is_punct))
    } else if runes::is_upper(rune) {
        (Word::Upper, upper_end(input, size, rune))
    } else if is_alphabet(rune) {
        (Word::Alphabet, run_end(input, size, rune, is_lower_alphabet))
    } else if runes::is_number(rune) {
        (Word::Number, run_end(input, size, rune, runes::is_number))
    } else {
        let is_other = |rune| {
            !(is_connector(rune) || is_alphabet(rune) || runes::is_number(rune) || runes::is_punct(rune))
        };
        (Word::Other, run_end(input, size, rune, is_other))
    };
    (kind, &input[..end], &input[end..])
}

/// Where the run that `rune` began ends.
fn run_end(input: &[u8], start: usize, mut rune: char, belongs: impl Fn(char) -> bool) -> usize {
    let mut end = start;
    while end < input.len() {
        let (next, size) = next_valid_rune(&input[end..], rune);
        rune = next;
        if !belongs(rune) {
            break;
        }
        end += size;
    }
    end
}

/// Where a word that begins in upper case ends: `HTTPStatus` is `HTTP` and `Status`.
fn upper_end(input: &[u8], start: usize, rune: char) -> usize {
    if start == input.len() {
        return start;
    }
    let (second, size) = next_valid_rune(&input[start..], rune);
    if !runes::is_upper(second) {
        return if is_alphabet(second) {
            run_end(input, start + size, second, is_lower_alphabet)
        } else {
            start
        };
    }
    let (mut end, mut last, mut rune) = (start + size, size, second);
    while end < input.len() {
        let (next, size) = next_valid_rune(&input[end..], rune);
        rune = next;
        if !runes::is_upper(rune) {
            break;
        }
        last = size;
        end += size;
    }
    if end < input.len() && is_alphabet(rune) { end - last } else { end }
}

/// The next rune that is valid, with the width of it and the invalid bytes before it; `previous` at the end.
fn next_valid_rune(input: &[u8], previous: char) -> (char, usize) {
    let mut size = 0;
    for (rune, part) in runes::split(input) {
        size += part.len();
        if rune != runes::ERROR {
            return (rune, size);
        }
    }
    (previous, size)
}

fn is_lower_alphabet(rune: char) -> bool {
    is_alphabet(rune) && !runes::is_upper(rune)
}

/// Letters, Chinese characters excepted.
fn is_alphabet(rune: char) -> bool {
    runes::is_letter(rune)
        && !matches!(rune, '\u{3400}'..='\u{4D85}' | '\u{4E00}'..='\u{9FCC}' | '\u{20000}'..='\u{2B81D}')
}
