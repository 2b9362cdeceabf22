//! Lookups that make lists: `items`, `dict`, `sequence`, `nested`, … — what `with_…` loops use.

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::{Lookup, Options};
use crate::jinja::error::Error;
use crate::jinja::filters::core::to_bool;
use crate::jinja::filters::sequence;
use crate::jinja::ops;
use crate::jinja::templar::Templar;
use crate::jinja::value::{Dict, Value};

/// A lookup that is a function of its terms.
pub struct OfTerms(pub Function);

/// From terms to a list.
pub type Function = fn(Vec<Value>) -> Result<Vec<Value>, Error>;

impl Lookup for OfTerms {
    fn run(&self, terms: Vec<Value>, _: Options, _: &Templar) -> Result<Vec<Value>, Error> {
        (self.0)(terms)
    }
}

/// The lookups of this family.
pub const LOOKUPS: &[(&str, Function)] = &[
    ("items", |terms| flat(&terms, Some(1), false)),
    ("list", Ok),
    ("flattened", |terms| flat(&terms, None, true)),
    ("dict", dict),
    ("indexed_items", |terms| {
        let items = flat(&terms, Some(1), false)?;
        Ok(items.into_iter().enumerate().map(|(i, item)| Value::tuple(vec![Value::from(i), item])).collect())
    }),
    ("together", together),
    ("nested", nested),
    ("cartesian", nested),
    ("random_choice", random_choice),
];

fn flat(terms: &[Value], levels: Option<i64>, skip: bool) -> Result<Vec<Value>, Error> {
    let mut items = Vec::new();
    sequence::flatten(terms, levels, skip, &mut items, 0)?;
    Ok(items)
}

fn dict(terms: Vec<Value>) -> Result<Vec<Value>, Error> {
    let mut items = Vec::new();
    let dicts = terms.into_iter().flat_map(|term| match &term {
        Value::List(list) => list.items(),
        _ => vec![term],
    });
    for term in dicts {
        let dict = term.as_dict().ok_or_else(|| Error::exception("with_dict expects a dict"))?;
        items.extend(
            dict.entries()
                .into_iter()
                .map(|(key, value)| Value::dict([("key", key.value().clone()), ("value", value)])),
        );
    }
    Ok(items)
}

fn lists(terms: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
    terms
        .iter()
        .map(|term| match term {
            Value::Str(_) => Ok(vec![term.clone()]),
            other => Ok(ops::iterate(other).unwrap_or_else(|_| vec![other.clone()])),
        })
        .collect()
}

fn together(terms: Vec<Value>) -> Result<Vec<Value>, Error> {
    let lists = lists(&terms)?;
    if lists.is_empty() {
        return Err(Error::exception("with_together requires at least one element in each list"));
    }
    let len = lists.iter().map(Vec::len).max().unwrap_or(0);
    let row = |i: usize| -> Vec<Value> {
        lists.iter().map(|list| list.get(i).cloned().unwrap_or(Value::None)).collect()
    };
    (0..len).map(|i| flat_row(&row(i))).collect()
}

fn nested(terms: Vec<Value>) -> Result<Vec<Value>, Error> {
    if terms.is_empty() {
        return Err(Error::exception("with_nested requires at least one element in the nested list"));
    }
    let mut lists = lists(&terms)?.into_iter();
    let mut rows = lists.next().unwrap_or_default();
    for list in lists {
        if rows.len().saturating_mul(list.len()) > 1_000_000 {
            return Err(Error::exception("the nested lists have too many combinations"));
        }
        let pairs = rows.iter().flat_map(|row| list.iter().map(move |item| [row.clone(), item.clone()]));
        rows = pairs.map(|pair| flat_row(&pair)).collect::<Result<_, _>>()?;
    }
    rows.iter().map(|row| flat_row(&ops::iterate(row)?)).collect()
}

/// `LookupBase._flatten`: the items of the lists in a row, and the others themselves.
fn flat_row(row: &[Value]) -> Result<Value, Error> {
    flat(row, Some(1), false).map(Value::list)
}

fn random_choice(terms: Vec<Value>) -> Result<Vec<Value>, Error> {
    use rand::seq::IndexedRandom;
    Ok(terms.choose(&mut rand::rng()).cloned().into_iter().collect())
}

/// The terms of a sequence.
#[derive(Debug, Default)]
pub struct Sequence {
    start: Option<i64>,
    end: Option<i64>,
    count: Option<i64>,
    stride: Option<i64>,
    format: Option<String>,
}

impl Sequence {
    fn parse(term: &str) -> Result<Sequence, Error> {
        if let Some(short) = Sequence::shortcut(term) {
            return short;
        }
        let pairs =
            crate::playbook::parse_kv(term, false).map_err(|error| Error::exception(error.to_string()))?;
        let options = pairs.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        Sequence::from_options(&Options::new(options))
    }

    /// The terms of keyword arguments.
    ///
    /// # Errors
    /// One of them is unknown or no number.
    pub fn from_options(options: &Options) -> Result<Sequence, Error> {
        let mut sequence = Sequence::default();
        for (name, value) in options.iter() {
            let number = || number(&value.to_string()).ok_or_else(|| not_a_number(name));
            match name {
                "start" => sequence.start = Some(number()?),
                "end" => sequence.end = Some(number()?),
                "count" => sequence.count = Some(number()?),
                "stride" => sequence.stride = Some(number()?),
                "format" => sequence.format = Some(value.to_string()),
                other => {
                    return Err(Error::exception(format!(
                        "unrecognized arguments to with_sequence: ['{other}']"
                    )));
                }
            }
        }
        Ok(sequence)
    }

    /// `[start-]end[/stride][:format]`.
    fn shortcut(term: &str) -> Option<Result<Sequence, Error>> {
        static SHORTCUT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(SHORTCUT_PATTERN).ok());
        let found = SHORTCUT.as_ref()?.captures(term).ok().flatten()?;
        let part = |at: usize| found.get(at).map(|part| part.as_str());
        let number = |at: usize, name: &str| {
            part(at).map(|text| number(text).ok_or_else(|| not_a_number(name))).transpose()
        };
        let read = || {
            Ok(Sequence {
                start: number(1, "start")?,
                end: number(2, "end")?,
                count: None,
                stride: number(3, "stride")?,
                format: part(4).map(ToOwned::to_owned),
            })
        };
        Some(read())
    }

    /// The terms with those of the call where they lack one.
    fn over(self, given: &Sequence) -> Sequence {
        Sequence {
            start: self.start.or(given.start),
            end: self.end.or(given.end),
            count: self.count.or(given.count),
            stride: self.stride.or(given.stride),
            format: self.format.or_else(|| given.format.clone()),
        }
    }

    /// The numbers as text.
    ///
    /// # Errors
    /// The terms do not fit together.
    pub fn items(&self) -> Result<Vec<Value>, Error> {
        let (start, mut stride) = (self.start.unwrap_or(1), self.stride.unwrap_or(1));
        let end = match (self.end, self.count) {
            (None, None) => return Err(Error::exception("must specify count or end in with_sequence")),
            (Some(_), Some(_)) => {
                return Err(Error::exception("can't specify both count and end in with_sequence"));
            }
            (Some(end), None) => end,
            (None, Some(0)) => {
                stride = 0;
                0
            }
            (None, Some(count)) => start + count * stride - 1,
        };
        if stride == 0 && self.count == Some(0) {
            return Ok(Vec::new());
        }
        if stride > 0 && end < start {
            return Err(Error::exception("to count backwards make stride negative"));
        }
        if stride < 0 && end > start {
            return Err(Error::exception("to count forward don't make stride negative"));
        }
        let format = self.format.as_deref().unwrap_or("%d");
        if format.matches('%').count() != 1 {
            return Err(Error::exception(format!("bad formatting string: {format}")));
        }
        let mut items = Vec::new();
        let mut at = start;
        while stride != 0 && ((stride > 0 && at <= end) || (stride < 0 && at >= end)) {
            if items.len() > 10_000_000 {
                return Err(Error::exception("the sequence is too long"));
            }
            let text = crate::jinja::format::percent(format, &Value::Int(at));
            items.push(Value::from(text.map_err(|_| {
                Error::exception(format!(
                    "problem formatting {at} with {}",
                    crate::jinja::repr::quote(format)
                ))
            })?));
            at += stride;
        }
        Ok(items)
    }
}

/// `start-end/stride:format`, where only the end must be there (`SHORTCUT`).
const SHORTCUT_PATTERN: &str =
    "(?i)^(?:((?:0x)?[0-9a-f]+)-)?((?:0x)?[0-9a-f]+)(?:/((?:0x)?[0-9a-f]+))?(?::(.+))?$";

fn not_a_number(name: &str) -> Error {
    Error::exception(format!(
        "Invalid type for configuration option plugin_type: lookup plugin: sequence setting: {name} (from Direct): "
    ))
}

/// An integer as the lookup reads it: decimal, `0x` or `0` octal.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let value = match digits.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => {
            i64::from_str_radix(digits.trim_start_matches("0o"), 8)
        }
        None => digits.parse(),
    };
    value.ok().map(|value| sign * value)
}

/// `lookup('sequence', start=…, end=…)`.
pub struct SequenceLookup;

impl Lookup for SequenceLookup {
    fn run(&self, terms: Vec<Value>, options: Options, _: &Templar) -> Result<Vec<Value>, Error> {
        let given = Sequence::from_options(&options)?;
        let mut items = Vec::new();
        for term in terms {
            items.extend(Sequence::parse(&term.to_string())?.over(&given).items()?);
        }
        Ok(items)
    }
}

/// `with_subelements: [list, path, {skip_missing: true}]`.
pub struct Subelements;

impl Lookup for Subelements {
    fn run(&self, terms: Vec<Value>, _: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let wrong = |why: &str| {
            Error::exception(format!("subelements lookup expects a list of two or three items, {why}"))
        };
        let (elements, path, flags) = match terms.as_slice() {
            [elements, path] => (elements, path, None),
            [elements, path, flags] => (elements, path, Some(flags)),
            _ => return Err(wrong("")),
        };
        let path = path.as_str().map(|path| path.split('.').collect::<Vec<_>>());
        // Templated anew, as an element is given without its list and must not be the one of a variable.
        let elements = &match templar.template(elements)? {
            elements if matches!(elements, Value::Dict(_)) || elements.is_sequence() => elements,
            other => Value::list(vec![other]),
        };
        let Some(path) = path else {
            return Err(wrong("first a dict or a list, second a string pointing to the subkey"));
        };
        if flags.is_some_and(|flags| !is_flags(flags)) {
            return Err(wrong("the optional third item must be a dict with flags ('skip_missing',)"));
        }
        let skip = flags.and_then(Value::as_dict).and_then(|flags| flags.get("skip_missing"));
        let skip = skip.and_then(|skip| to_bool(&skip)).unwrap_or(false);
        let skipped = |dict: &Dict| dict.get("skipped").is_some_and(|it| it != Value::Bool(false));
        let elements = match elements {
            Value::Dict(dict) if skipped(dict) => return Ok(Vec::new()),
            Value::Dict(dict) => dict.entries().into_values().collect(),
            other => ops::iterate(other)?,
        };
        let mut found = Vec::new();
        for element in elements {
            let dict = element.as_dict().cloned().ok_or_else(|| {
                Error::exception(format!("subelements lookup expects a dictionary, got '{element}'"))
            })?;
            if skipped(&dict) {
                continue;
            }
            let items = below(&dict, &path, skip)?;
            found.extend(items.into_iter().map(|item| Value::tuple(vec![element.clone(), item])));
        }
        Ok(found)
    }
}

/// Whether a value is the third term of `subelements`: a dict of nothing but its flag.
fn is_flags(value: &Value) -> bool {
    value.as_dict().is_some_and(|flags| flags.entries().keys().all(|key| key.text() == "skip_missing"))
}

/// Takes the list out of a dict to which a path leads.
fn below(dict: &Dict, path: &[&str], skip: bool) -> Result<Vec<Value>, Error> {
    let mut at = dict.clone();
    for (i, key) in path.iter().enumerate() {
        let last = i + 1 == path.len();
        let problem = match at.get(key) {
            None => format!("could not find '{key}' key in iterated item '{}'", Value::Dict(at.clone())),
            Some(Value::List(list)) if last => {
                at.write().shift_remove(*key);
                return Ok(list.items());
            }
            Some(other) if last => {
                return Err(Error::exception(format!("the key {key} should point to a list, got '{other}'")));
            }
            Some(Value::Dict(inner)) => {
                at = inner;
                continue;
            }
            Some(other) => format!("the key {key} should point to a dictionary, got '{other}'"),
        };
        if !skip {
            return Err(Error::exception(problem));
        }
    }
    Ok(Vec::new())
}
