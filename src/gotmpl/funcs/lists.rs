//! Lists (sprig `list.go`). Every function takes any slice and none writes into one.

use super::args::{bounded, fail, fixed, int, list, nil_dereference, variadic};
use super::cast::to_int;
use super::defaults::is_empty;
use super::equal::deep_equal;
use super::{Outcome, cast};
use crate::gotmpl::fmt::kind_name;
use crate::gotmpl::{Elem, FuncContext, FuncDef, FuncError, List, Param, Value};

const ANY: &[Param] = &[Param::Any];
const TWO: &[Param] = &[Param::Any, Param::Any];

pub(super) const FUNCTIONS: &[FuncDef] = &[
    variadic("list", &[], Param::Any, |_, args| list(args.to_vec())),
    variadic("tuple", &[], Param::Any, |_, args| list(args.to_vec())),
    fixed("append", TWO, append),
    fixed("mustAppend", TWO, append),
    fixed("push", TWO, append),
    fixed("mustPush", TWO, append),
    fixed("prepend", TWO, prepend),
    fixed("mustPrepend", TWO, prepend),
    fixed("first", ANY, first),
    fixed("mustFirst", ANY, first),
    fixed("last", ANY, last),
    fixed("mustLast", ANY, last),
    fixed("rest", ANY, rest),
    fixed("mustRest", ANY, rest),
    fixed("initial", ANY, initial),
    fixed("mustInitial", ANY, initial),
    fixed("reverse", ANY, reverse),
    fixed("mustReverse", ANY, reverse),
    fixed("compact", ANY, compact),
    fixed("mustCompact", ANY, compact),
    fixed("uniq", ANY, uniq),
    fixed("mustUniq", ANY, uniq),
    variadic("without", ANY, Param::Any, without),
    variadic("mustWithout", ANY, Param::Any, without),
    fixed("has", TWO, has),
    fixed("mustHas", TWO, has),
    variadic("slice", ANY, Param::Any, slice),
    variadic("mustSlice", ANY, Param::Any, slice),
    variadic("concat", &[], Param::Any, concat),
    fixed("chunk", &[Param::Int, Param::Any], chunk),
    fixed("mustChunk", &[Param::Int, Param::Any], chunk),
    fixed("until", &[Param::Int], |_, args| {
        let count = int(args, 0);
        ints(until_step(0, count, if count < 0 { -1 } else { 1 })?)
    }),
    fixed("untilStep", &[Param::Int, Param::Int, Param::Int], |_, args| {
        ints(until_step(int(args, 0), int(args, 1), int(args, 2))?)
    }),
    variadic("seq", &[], Param::Int, seq),
];

/// The slice that a list function was given; `action` is what Go says it cannot do to another kind.
fn slice_of(value: &Value, action: &str) -> Result<List, FuncError> {
    match value {
        Value::List(list) => Ok(list.clone()),
        Value::Nil => Err(nil_dereference()),
        Value::Object(object) if object.kind() == "slice" => match object.to_plain() {
            Value::List(list) => Ok(list),
            _ => Err(cannot(action, value)),
        },
        _ => Err(cannot(action, value)),
    }
}

fn cannot(action: &str, value: &Value) -> FuncError {
    fail(format!("{action} {}", kind_name(value)))
}

fn append(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let items = slice_of(&args[0], "Cannot push on type")?;
    let mut out = Vec::with_capacity(items.len() + 1);
    out.extend_from_slice(&items);
    out.push(args[1].clone());
    list(out)
}

fn prepend(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let items = slice_of(&args[0], "Cannot prepend on type")?;
    let mut out = Vec::with_capacity(items.len() + 1);
    out.push(args[1].clone());
    out.extend_from_slice(&items);
    list(out)
}

fn first(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    Ok(slice_of(&args[0], "Cannot find first on type")?.first().cloned().unwrap_or_default())
}

fn last(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    Ok(slice_of(&args[0], "Cannot find last on type")?.last().cloned().unwrap_or_default())
}

fn rest(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let items = slice_of(&args[0], "Cannot find rest on type")?;
    Ok(part(items.split_first().map(|(_, rest)| rest)))
}

fn initial(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let items = slice_of(&args[0], "Cannot find initial on type")?;
    Ok(part(items.split_last().map(|(_, initial)| initial)))
}

/// Some items as a new `[]interface {}`; nil when there were none to begin with.
fn part(items: Option<&[Value]>) -> Value {
    Value::List(items.map_or_else(|| List::nil(Elem::Any), |items| List::new(Elem::Any, items.to_vec())))
}

fn reverse(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let items = slice_of(&args[0], "Cannot find reverse on type")?;
    list(items.iter().rev().cloned().collect())
}

fn compact(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let items = slice_of(&args[0], "Cannot compact on type")?;
    list(items.iter().filter(|item| !is_empty(item)).cloned().collect())
}

fn uniq(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let items = slice_of(&args[0], "Cannot find uniq on type")?;
    let mut out: Vec<Value> = Vec::new();
    for item in items.iter() {
        if !contains(&out, item) {
            out.push(item.clone());
        }
    }
    list(out)
}

fn contains(items: &[Value], needle: &Value) -> bool {
    items.iter().any(|item| deep_equal(needle, item))
}

fn without(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let items = slice_of(&args[0], "Cannot find without on type")?;
    list(items.iter().filter(|item| !contains(&args[1..], item)).cloned().collect())
}

fn has(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    if matches!(args[1], Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let items = slice_of(&args[1], "Cannot find has on type")?;
    Ok(Value::Bool(contains(&items, &args[0])))
}

fn slice(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let items = slice_of(&args[0], "list should be type of slice or array but")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map_or(0, to_int);
    let end = args.get(2).map_or(items.len() as i64, to_int);
    let bounds = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let chosen = bounds.and_then(|(start, end)| items.get(start..end));
    let chosen = chosen.ok_or_else(|| fail("reflect.Value.Slice: slice index out of bounds"))?;
    Ok(Value::List(List::new(items.elem, chosen.to_vec())))
}

fn concat(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let mut out = Vec::new();
    for value in args {
        match slice_of(value, "Cannot concat type") {
            Ok(items) => out.extend_from_slice(&items),
            Err(_) if !matches!(value, Value::Nil) => {
                return Err(fail(format!("Cannot concat type {} as list", kind_name(value))));
            }
            Err(nil) => return Err(nil),
        }
    }
    Ok(part((!out.is_empty()).then_some(&out)))
}

/// The arithmetic of the original is kept: a size of zero or below fails as it does there.
fn chunk(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let items = slice_of(&args[1], "Cannot chunk type")?;
    let (size, length) = (int(args, 0) as f64, items.len() as f64);
    let count = cast::truncate(((length - 1.0) / size).floor() + 1.0);
    if count < 0 {
        return Err(fail("runtime error: makeslice: len out of range"));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    // Go's arithmetic gives a single element a chunk of its own for every negative size but -1.
    let is_single = items.len() == 1 && int(args, 0) < -1;
    if count > items.len().max(1) || int(args, 0) < 1 && count > 0 && !is_single {
        return Err(fail("runtime error: makeslice: len out of range"));
    }
    if count == 0 {
        return Ok(Value::List(List::new(Elem::List, Vec::new())));
    }
    let size = usize::try_from(int(args, 0)).unwrap_or(usize::MAX);
    let chunks = items.chunks(size.max(1)).map(|chunk| Value::List(List::new(Elem::Any, chunk.to_vec())));
    Ok(Value::List(List::new(Elem::List, chunks.collect())))
}

fn ints(items: Vec<i64>) -> Outcome {
    Ok(Value::List(List::new(Elem::Int, items.into_iter().map(Value::Int).collect())))
}

fn until_step(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, FuncError> {
    let distance = i128::from(stop) - i128::from(start);
    if step == 0 || distance == 0 || (distance < 0) != (step < 0) {
        return Ok(Vec::new());
    }
    let count = (distance.unsigned_abs()).div_ceil(u128::from(step.unsigned_abs()));
    let count = bounded(usize::try_from(count).unwrap_or(usize::MAX), 32, "untilStep")?;
    Ok((0..count).map(|index| start + step * index as i64).collect())
}

fn seq(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let at = |index| int(args, index);
    let direction = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let numbers = match args.len() {
        1 => {
            let step = direction(1, at(0));
            until_step(1, at(0).saturating_add(step), step)?
        }
        2 => {
            let step = direction(at(0), at(1));
            until_step(at(0), at(1).saturating_add(step), step)?
        }
        3 => {
            let toward = direction(at(0), at(2));
            if toward < 0 && at(1) > 0 {
                Vec::new()
            } else {
                until_step(at(0), at(2).saturating_add(toward), at(1))?
            }
        }
        _ => Vec::new(),
    };
    let parts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    super::args::text(parts.join(" "))
}
