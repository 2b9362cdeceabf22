//! Lookups that make lists: `items`, `dict`, `sequence`, `nested`, … — what `with_…` loops use.

use super::{Lookup, Options};
use crate::jinja::error::Error;
use crate::jinja::filters::sequence;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::templar::Templar;
use crate::jinja::value::Value;

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
    ("sequence", with_sequence),
    ("subelements", |_| Err(Error::plugin("subelements lookup expects a list of two or three items"))),
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
        let dict = term.as_dict().ok_or_else(|| Error::plugin("with_dict expects a dict"))?;
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
        .map(|term| if term.is_sequence() { ops::iterate(term) } else { Ok(vec![term.clone()]) })
        .collect()
}

fn together(terms: Vec<Value>) -> Result<Vec<Value>, Error> {
    let lists = lists(&terms)?;
    if lists.is_empty() {
        return Err(Error::plugin("with_together requires at least one element in each list"));
    }
    let len = lists.iter().map(Vec::len).max().unwrap_or(0);
    let row = |i: usize| {
        Value::list(lists.iter().map(|list| list.get(i).cloned().unwrap_or(Value::None)).collect())
    };
    Ok((0..len).map(row).collect())
}

fn nested(terms: Vec<Value>) -> Result<Vec<Value>, Error> {
    if terms.is_empty() {
        return Err(Error::plugin("with_nested requires at least one element in the nested list"));
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for list in lists(&terms)? {
        if rows.len().saturating_mul(list.len()) > 1_000_000 {
            return Err(Error::plugin("the nested lists have too many combinations"));
        }
        let longer = |row: &Vec<Value>| {
            let row = row.clone();
            list.iter()
                .map(move |item| [row.as_slice(), std::slice::from_ref(item)].concat())
                .collect::<Vec<_>>()
        };
        rows = rows.iter().flat_map(longer).collect();
    }
    let flatten_row = |row: Vec<Value>| flat(&row, Some(1), false).map(Value::list);
    rows.into_iter().map(flatten_row).collect()
}

fn random_choice(terms: Vec<Value>) -> Result<Vec<Value>, Error> {
    use rand::seq::IndexedRandom;
    Ok(terms.choose(&mut rand::rng()).cloned().into_iter().collect())
}

/// `lookup('sequence', 'start=1 end=10 stride=2 format=%02d')` and the short form `1-10/2:%02d`.
fn with_sequence(terms: Vec<Value>) -> Result<Vec<Value>, Error> {
    let mut items = Vec::new();
    for term in terms {
        items.extend(Sequence::parse(&term.to_string())?.items()?);
    }
    Ok(items)
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
            return Ok(short);
        }
        let pairs =
            crate::playbook::parse_kv(term, false).map_err(|error| Error::plugin(error.to_string()))?;
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
            let number = || {
                number(&value.to_string())
                    .ok_or_else(|| Error::plugin(format!("can't parse {name}={value} as integer")))
            };
            match name {
                "start" => sequence.start = Some(number()?),
                "end" => sequence.end = Some(number()?),
                "count" => sequence.count = Some(number()?),
                "stride" => sequence.stride = Some(number()?),
                "format" => sequence.format = Some(value.to_string()),
                other => {
                    return Err(Error::plugin(format!(
                        "unrecognized arguments to with_sequence: ['{other}']"
                    )));
                }
            }
        }
        Ok(sequence)
    }

    /// `[start-]end[/stride][:format]`.
    fn shortcut(term: &str) -> Option<Sequence> {
        let (rest, format) =
            term.split_once(':').map_or((term, None), |(rest, format)| (rest, Some(format.to_owned())));
        let (rest, stride) = match rest.split_once('/') {
            Some((rest, stride)) => (rest, Some(number(stride)?)),
            None => (rest, None),
        };
        let dash = rest
            .char_indices()
            .skip(1)
            .find(|(at, c)| *c == '-' && !rest[..*at].ends_with('-'))
            .map(|(at, _)| at);
        let (start, end) = match dash {
            Some(at) => (Some(number(&rest[..at])?), number(&rest[at + 1..])?),
            None => (None, number(rest)?),
        };
        Some(Sequence { start, end: Some(end), count: None, stride, format })
    }

    /// The numbers as text.
    ///
    /// # Errors
    /// The terms do not fit together.
    pub fn items(&self) -> Result<Vec<Value>, Error> {
        let (start, mut stride) = (self.start.unwrap_or(1), self.stride.unwrap_or(1));
        let end = match (self.end, self.count) {
            (None, None) => return Err(Error::plugin("must specify count or end in with_sequence")),
            (Some(_), Some(_)) => {
                return Err(Error::plugin("can't specify both count and end in with_sequence"));
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
            return Err(Error::plugin("to count backwards make stride negative"));
        }
        if stride < 0 && end > start {
            return Err(Error::plugin("to count forward don't make stride negative"));
        }
        let format = self.format.as_deref().unwrap_or("%d");
        if !format.contains('%') {
            return Err(Error::plugin(format!("bad formatting string: {format}")));
        }
        let mut items = Vec::new();
        let mut at = start;
        while stride != 0 && ((stride > 0 && at <= end) || (stride < 0 && at >= end)) {
            if items.len() > 10_000_000 {
                return Err(Error::plugin("the sequence is too long"));
            }
            items.push(Value::from(crate::jinja::format::percent(format, &Value::Int(at))?));
            at += stride;
        }
        Ok(items)
    }
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
        if terms.is_empty() {
            return Sequence::from_options(&options)?.items();
        }
        with_sequence(terms)
    }
}

/// `with_subelements: [list, path, {skip_missing: true}]`.
pub struct Subelements;

impl Lookup for Subelements {
    fn run(&self, terms: Vec<Value>, _: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let [list, path, rest @ ..] = terms.as_slice() else {
            return Err(Error::plugin("subelements lookup expects a list of two or three items"));
        };
        let skip = rest.first().and_then(|flags| flags.as_dict().and_then(|flags| flags.get("skip_missing")));
        let mut args = Args { positional: vec![path.clone()], named: Vec::new() };
        args.positional.push(Value::Bool(skip.is_some_and(|skip| ops::truthy_or_false(&skip))));
        let mut interpreter = crate::jinja::eval::Interpreter::new(templar, false);
        let found = interpreter.apply_filter("subelements", list.clone(), args)?;
        ops::iterate(&found)
    }
}
