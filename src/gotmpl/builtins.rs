//! Go's own template functions (`text/template/funcs.go`); `and`, `or`, `call` and `len` need the
//! evaluator and are completed there.

use super::ast::Callee;
use super::exec::is_true;
use super::value::{Elem, List, MapType};
use super::{FuncContext, FuncDef, FuncError, Param, Str, Value, compare, escape, fmt};

type Call = fn(&mut dyn FuncContext, &[Value]) -> Result<Value, FuncError>;

const ANY: Option<Param> = Some(Param::Any);
const REFLECT: Option<Param> = Some(Param::Reflect);
const ONE: &[Param] = &[Param::Reflect];
const TWO: &[Param] = &[Param::Reflect, Param::Reflect];

const fn def(name: &'static str, params: &'static [Param], variadic: Option<Param>, call: Call) -> FuncDef {
    FuncDef { name, params, variadic, call }
}

static DEFINITIONS: &[FuncDef] = &[
    def("eq", ONE, REFLECT, |_, args| Ok(compare::eq(&args[0], &args[1..])?.into())),
    def("ge", TWO, None, |_, args| Ok((!compare::less(&args[0], &args[1])?).into())),
    def("gt", TWO, None, |_, args| Ok((!compare::less_or_equal(&args[0], &args[1])?).into())),
    def("html", &[], ANY, |_, args| Ok(escape::html(&printed(args)).into())),
    def("index", ONE, REFLECT, |_, args| index(&args[0], &args[1..])),
    def("js", &[], ANY, |_, args| Ok(escape::js(&printed(args)).into())),
    def("le", TWO, None, |_, args| Ok(compare::less_or_equal(&args[0], &args[1])?.into())),
    def("lt", TWO, None, |_, args| Ok(compare::less(&args[0], &args[1])?.into())),
    def("ne", TWO, None, |_, args| Ok((!compare::eq(&args[0], &args[1..])?).into())),
    def("not", ONE, None, |_, args| Ok((!is_true(&args[0])).into())),
    def("print", &[], ANY, |_, args| {
        let mut out = Vec::new();
        fmt::append_all(&mut out, args);
        Ok(out.into())
    }),
    def("printf", &[Param::Str], ANY, |_, args| match args {
        [Value::Str(format), args @ ..] => Ok(fmt::sprintf(format, args).into()),
        _ => Ok(Value::Nil),
    }),
    def("println", &[], ANY, |_, args| {
        let mut out = Vec::new();
        fmt::append_line(&mut out, args);
        Ok(out.into())
    }),
    def("slice", ONE, REFLECT, |_, args| slice(&args[0], &args[1..])),
    def("urlquery", &[], ANY, |_, args| Ok(escape::url_query(&printed(args)).into())),
];

/// Go's function of that name.
pub(crate) fn get(name: &str) -> Option<Callee> {
    match name {
        "and" => Some(Callee::And),
        "or" => Some(Callee::Or),
        "call" => Some(Callee::Call),
        "len" => Some(Callee::Len),
        _ => DEFINITIONS.iter().find(|def| def.name == name).map(|def| Callee::Def(*def)),
    }
}

/// The arguments of an escaping function as one text.
fn printed(args: &[Value]) -> Vec<u8> {
    let shown = |arg: &Value| if let Value::Nil = arg { Value::from("<no value>") } else { arg.clone() };
    let mut out = Vec::new();
    fmt::append_all(&mut out, &args.iter().map(shown).collect::<Vec<_>>());
    out
}

/// Why `call` fails: no value of a template is a function. `written` is its first argument in the
/// template, which may have come from a pipeline instead.
pub(crate) fn not_callable(written: Option<String>, callee: &Value) -> FuncError {
    let name = match (written, callee) {
        (_, Value::Nil) => return "call of nil".into(),
        (Some(written), _) => written,
        (None, Value::Str(text)) => text.to_string(),
        (None, value) => format!("<{} Value>", fmt::type_name(value)),
    };
    format!("non-function {name} of type {}", fmt::type_name(callee)).into()
}

/// The length of a value, an error when it has none.
pub(crate) fn length(value: &Value) -> Result<i64, FuncError> {
    let length = match value {
        Value::Nil => return Err("len of nil pointer".into()),
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Object(object) => match object.entries() {
            Some(entries) => entries.len(),
            None => return Err(format!("len of type {}", object.type_name()).into()),
        },
        _ => return Err(format!("len of type {}", fmt::type_name(value)).into()),
    };
    Ok(i64::try_from(length).unwrap_or(i64::MAX))
}

/// Go's `index`: the item at the end of a way through maps, lists and strings.
fn index(item: &Value, indexes: &[Value]) -> Result<Value, FuncError> {
    if let Value::Nil = item {
        return Err("index of untyped nil".into());
    }
    let mut item = item.clone();
    for index in indexes {
        item = index_once(&item, index)?;
    }
    Ok(item)
}

fn index_once(item: &Value, index: &Value) -> Result<Value, FuncError> {
    const BEYOND: &str = "reflect: slice index out of range";
    match item {
        Value::Nil => Err("index of nil pointer".into()),
        Value::Str(text) => {
            let at = position(index, text.len())?;
            text.get(at).map(|&byte| Value::Uint8(byte)).ok_or("reflect: string index out of range".into())
        }
        Value::List(list) => {
            let at = position(index, list.len())?;
            list.get(at).cloned().ok_or(BEYOND.into())
        }
        Value::Map(map) => {
            let missing = || if map.ty == MapType::Str { Value::from("") } else { Value::Nil };
            Ok(map.entry(map_key(index)?).unwrap_or_else(missing))
        }
        Value::Object(object) => {
            let entries = object.entries().filter(|_| matches!(object.kind(), "map" | "slice" | "array"));
            let Some(entries) = entries else {
                return Err(format!("can't index item of type {}", object.type_name()).into());
            };
            if object.kind() != "map" {
                let at = position(index, entries.len())?;
                return entries.into_iter().nth(at).map(|(_, item)| item).ok_or(BEYOND.into());
            }
            let key = map_key(index)?;
            let found = entries.into_iter().find(|(k, _)| matches!(k, Value::Str(k) if k == key));
            Ok(found.map_or(Value::Nil, |(_, item)| item))
        }
        _ => Err(format!("can't index item of type {}", fmt::type_name(item)).into()),
    }
}

fn map_key(index: &Value) -> Result<&Str, FuncError> {
    match index {
        Value::Str(key) => Ok(key),
        Value::Nil => Err("value is nil; should be of type string".into()),
        _ => Err(format!("value has type {}; should be string", fmt::type_name(index)).into()),
    }
}

/// An index of at most `capacity`.
fn position(index: &Value, capacity: usize) -> Result<usize, FuncError> {
    let number = match index {
        Value::Int(n) | Value::Int64(n) => *n,
        Value::Int32(n) => i64::from(*n),
        Value::Uint8(n) => i64::from(*n),
        Value::Uint64(n) => n.cast_signed(),
        Value::Nil => return Err("cannot index slice/array with nil".into()),
        _ => return Err(format!("cannot index slice/array with type {}", fmt::type_name(index)).into()),
    };
    let inside = usize::try_from(number).ok().filter(|&at| at <= capacity);
    inside.ok_or_else(|| format!("index out of range: {number}").into())
}

/// Go's `slice` of a string or list.
fn slice(item: &Value, indexes: &[Value]) -> Result<Value, FuncError> {
    if let Value::Nil = item {
        return Err("slice of untyped nil".into());
    }
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()).into());
    }
    let capacity = match item {
        Value::Str(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".into()),
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        _ => return Err(format!("can't slice item of type {}", fmt::type_name(item)).into()),
    };
    let mut bounds = [0, capacity, capacity];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, capacity)?;
    }
    let [low, high, limit] = bounds;
    for (low, high) in [(low, high), (high, limit)] {
        if low > high {
            return Err(format!("invalid slice index: {low} > {high}").into());
        }
    }
    Ok(match item {
        Value::List(list) => List::new(list.elem, list[low..high].to_vec()).into(),
        Value::Str(text) => Value::Str(text[low..high].into()),
        _ => Value::List(List::nil(Elem::Any)),
    })
}
