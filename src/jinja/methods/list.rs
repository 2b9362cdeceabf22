//! Methods of lists, tuples and ranges.

use super::signature::{self, Given, Method, Names, Takes, index, small, strict_bound};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::filters::order::sort_with;
use crate::jinja::object::Args;
use crate::jinja::range::Range;
use crate::jinja::value::{List, Value};
use crate::jinja::{ops, repr};

const fn method(
    name: &'static str,
    takes: Takes,
    run: fn(&List, &Given) -> Result<Value, Error>,
) -> Method<List> {
    Method { name, takes, run }
}

/// The methods of lists, but `sort`.
pub(super) const METHODS: &[Method<List>] = &[
    method("append", Takes::One, |list, given| {
        list.write().push(given.at(0).clone());
        Ok(Value::None)
    }),
    method("clear", Takes::Nothing, |list, _| {
        list.write().clear();
        Ok(Value::None)
    }),
    method("copy", Takes::Nothing, |list, _| Ok(Value::list(list.items()))),
    method("count", Takes::One, |list, given| count(&list.items(), given.at(0))),
    method("extend", Takes::One, |list, given| {
        let items = ops::iterate(given.at(0))?;
        list.write().extend(items);
        Ok(Value::None)
    }),
    method("index", Takes::Between(1, 3), |list, given| {
        let items = list.items();
        position(&items, given, || format!("{} is not in list", repr::repr(given.at(0))))
    }),
    method("insert", Takes::Between(2, 2), insert),
    method("pop", Takes::Between(0, 1), pop),
    method("remove", Takes::One, |list, given| {
        let at = ops::position(&list.items(), given.at(0))?;
        list.write().remove(at.ok_or_else(|| Error::value_error("list.remove(x): x not in list"))?);
        Ok(Value::None)
    }),
    method("reverse", Takes::Nothing, |list, _| {
        list.write().reverse();
        Ok(Value::None)
    }),
];

/// The methods of tuples.
pub(super) const TUPLE: &[Method<[Value]>] = &[
    Method { name: "count", takes: Takes::One, run: |items, given| count(items, given.at(0)) },
    Method {
        name: "index",
        takes: Takes::Between(1, 3),
        run: |items, given| position(items, given, || "tuple.index(x): x not in tuple".to_owned()),
    },
];

/// The methods of ranges.
pub(super) const RANGE: &[Method<Range>] = &[
    Method { name: "count", takes: Takes::One, run: range_count },
    Method { name: "index", takes: Takes::One, run: range_index },
];

/// How often an item is among others; a comparison with one that is missing is refused.
fn count(items: &[Value], wanted: &Value) -> Result<Value, Error> {
    let (mut rest, mut count) = (items, 0_usize);
    while let Some(at) = ops::position(rest, wanted)? {
        count += 1;
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    Ok(count.into())
}

/// `index(x, start, stop)`.
fn position(items: &[Value], given: &Given, absent: impl Fn() -> String) -> Result<Value, Error> {
    let bounds = (strict_bound(given.get(1))?, strict_bound(given.get(2))?);
    let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let clamp = |bound: Option<i64>, default: i64| {
        let bound = bound.map_or(default, |bound| if bound < 0 { bound.saturating_add(len) } else { bound });
        usize::try_from(bound.clamp(0, len)).unwrap_or(0)
    };
    let (start, stop) = (clamp(bounds.0, 0), clamp(bounds.1, len));
    let at = ops::position(items.get(start..stop).unwrap_or_default(), given.at(0))?;
    at.map(|at| Value::from(start + at)).ok_or_else(|| Error::value_error(absent()))
}

fn insert(list: &List, given: &Given) -> Result<Value, Error> {
    let at = index(given.at(0))?;
    let mut items = list.write();
    let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let at = if at < 0 { at.saturating_add(len) } else { at }.clamp(0, len);
    items.insert(usize::try_from(at).unwrap_or(0), given.at(1).clone());
    Ok(Value::None)
}

fn pop(list: &List, given: &Given) -> Result<Value, Error> {
    let at = given.get(0).map_or(Ok(-1), index)?;
    let mut items = list.write();
    if items.is_empty() {
        return Err(Error::exception("pop from empty list"));
    }
    let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let at = if at < 0 { at.saturating_add(len) } else { at };
    let at = usize::try_from(at).ok().filter(|at| *at < items.len());
    Ok(items.remove(at.ok_or_else(|| Error::exception("pop index out of range"))?))
}

/// `list.sort(key=None, reverse=False)`.
///
/// # Errors
/// The arguments do not fit, the key cannot be called, or two items have no order.
pub(super) fn sort(list: &List, args: Args, interpreter: &mut Interpreter<'_>) -> Result<Value, Error> {
    const NAMES: Names = Names { names: &["key", "reverse"], required: 0, by_position: 0, check: None };
    let given = signature::bind("sort", Takes::Named(NAMES), "list", args)?;
    let reverse = given.get(1).map_or(Ok(0), small)? != 0;
    // Python's list is empty while it is sorted.
    let items = std::mem::take(&mut *list.write());
    let sorted = sorted(&items, given.at(0), reverse, interpreter);
    let mut place = list.write();
    let changed = !place.is_empty();
    match sorted {
        Ok(sorted) => *place = sorted,
        Err(error) => {
            *place = items;
            return Err(error);
        }
    }
    if changed { Err(Error::value_error("list modified during sort")) } else { Ok(Value::None) }
}

fn sorted(
    items: &[Value],
    key: &Value,
    reverse: bool,
    interpreter: &mut Interpreter<'_>,
) -> Result<Vec<Value>, Error> {
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let args = || Args { positional: vec![item.clone()], named: Vec::new() };
        let own = match key {
            Value::None => item.clone(),
            Value::Object(_) | Value::Undefined(_) => interpreter.call(key, args())?,
            other => {
                let kind = other.tp_name();
                return Err(Error::type_error(format!("'{kind}' object is not callable")));
            }
        };
        keyed.push((own, item.clone()));
    }
    sort_with(&mut keyed, reverse, |(key, _)| key.clone())?;
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// Where a value is in a range, which finds whole numbers without a search.
fn range_position(range: &Range, wanted: &Value) -> Result<Option<Value>, Error> {
    let whole = match wanted {
        Value::Float(number) => {
            num_traits::FromPrimitive::from_f64(*number).filter(|_| number.fract() == 0.0)
        }
        other => other.as_big_int(),
    };
    if !range.is_empty() {
        ops::defined(wanted)?;
    }
    Ok(whole.and_then(|number| range.position(&number)).map(Value::from))
}

fn range_count(range: &Range, given: &Given) -> Result<Value, Error> {
    range_position(range, given.at(0)).map(|at| Value::from(usize::from(at.is_some())))
}

fn range_index(range: &Range, given: &Given) -> Result<Value, Error> {
    let wanted = given.at(0);
    range_position(range, wanted)?.ok_or_else(|| {
        Error::value_error(match wanted.as_big_int() {
            Some(_) => format!("{} is not in range", repr::repr(wanted)),
            None => "sequence.index(x): x not in sequence".to_owned(),
        })
    })
}
