//! Combinatorial filters (Python's `itertools`).

use super::bind::{bind, int, needed};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;

/// The most items that a filter may create.
pub(super) const MAX_ITEMS: usize = 1_000_000;

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("zip", |_, value, args| zip(value, args, None)),
    ("zip_longest", zip_longest),
    ("product", product),
    ("permutations", permutations),
    ("combinations", combinations),
];

fn zip(value: Value, args: Args, fill: Option<Value>) -> Result<Value, Error> {
    let mut lists = vec![ops::iterate(&value)?];
    for other in &args.positional {
        lists.push(ops::iterate(other)?);
    }
    let lengths = lists.iter().map(Vec::len);
    let len = if fill.is_some() { lengths.max() } else { lengths.min() }.unwrap_or(0);
    let row = |i: usize| {
        Value::tuple(
            lists
                .iter()
                .map(|list| list.get(i).cloned().or_else(|| fill.clone()).unwrap_or(Value::None))
                .collect(),
        )
    };
    Ok(Value::list((0..len).map(row).collect()))
}

fn zip_longest(_: &mut Interpreter<'_>, value: Value, mut args: Args) -> Result<Value, Error> {
    let at = args.named.iter().position(|(name, _)| name == "fillvalue");
    let fill = at.map_or(Value::None, |at| args.named.remove(at).1);
    zip(value, args, Some(fill))
}

fn product(_: &mut Interpreter<'_>, value: Value, mut args: Args) -> Result<Value, Error> {
    let at = args.named.iter().position(|(name, _)| name == "repeat");
    let repeat = at.map_or(Ok(1), |at| int(&args.named.remove(at).1))?;
    let mut pools = vec![ops::iterate(&value)?];
    for other in &args.positional {
        pools.push(ops::iterate(other)?);
    }
    let pools: Vec<&Vec<Value>> = (0..repeat).flat_map(|_| pools.iter()).collect();
    let size = pools.iter().fold(1_usize, |size, pool| size.saturating_mul(pool.len()));
    too_many(size)?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for pool in pools {
        rows = rows
            .iter()
            .flat_map(|row| pool.iter().map(|item| [row.as_slice(), std::slice::from_ref(item)].concat()))
            .collect();
    }
    Ok(Value::list(rows.into_iter().map(Value::tuple).collect()))
}

fn too_many(size: usize) -> Result<(), Error> {
    if size > MAX_ITEMS { Err(Error::value_error("the filter would create too many items")) } else { Ok(()) }
}

fn permutations(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [size] = bind(args, ["r"])?;
    let items = ops::iterate(&value)?;
    let size = size.filter(|size| !size.is_none()).map_or(Ok(items.len() as i64), |size| int(&size))?;
    arrange(&items, usize::try_from(size).unwrap_or(0), false)
}

fn combinations(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [size] = bind(args, ["r"])?;
    let items = ops::iterate(&value)?;
    arrange(&items, usize::try_from(int(&needed(size, "r")?)?).unwrap_or(0), true)
}

/// All choices of `size` items: in order only, or in every order.
fn arrange(items: &[Value], size: usize, ordered: bool) -> Result<Value, Error> {
    if size > items.len() {
        return Ok(Value::list(Vec::new()));
    }
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        let mut next = Vec::new();
        for row in &rows {
            let from = if ordered { row.last().map_or(0, |last| last + 1) } else { 0 };
            let free = (from..items.len()).filter(|at| !row.contains(at));
            next.extend(free.map(|at| [row.as_slice(), &[at]].concat()));
            too_many(next.len())?;
        }
        rows = next;
    }
    let row = |row: Vec<usize>| Value::tuple(row.into_iter().map(|at| items[at].clone()).collect());
    Ok(Value::list(rows.into_iter().map(row).collect()))
}
