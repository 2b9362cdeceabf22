//! A value with its types, as `oracle.py` writes it.

use daytwo::jinja::{Value, repr};

/// The value with its types.
pub(crate) fn shown(value: &Value) -> String {
    let kind = value.type_name();
    let items = |items: &[Value]| items.iter().map(shown).collect::<Vec<_>>().join(", ");
    match value {
        Value::Undefined(_) => "undefined".to_owned(),
        Value::List(list) => format!("{kind}:[{}]", items(&list.items())),
        Value::Tuple(tuple) => format!("{kind}:[{}]", items(tuple)),
        Value::Dict(dict) => {
            let pairs = dict.entries();
            let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", shown(key.value()), shown(value)));
            format!("{kind}:{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::None
        | Value::Bool(_)
        | Value::Int(_)
        | Value::BigInt(_)
        | Value::Float(_)
        | Value::Str(_)
        | Value::Bytes(_)
        | Value::DateTime(_)
        | Value::Date(_)
        | Value::TimeDelta(_) => format!("{kind}:{}", repr::repr(value)),
        Value::Object(object) => match object.items() {
            Some(parts) => format!("{kind}:[{}]", items(parts)),
            None => kind.to_owned(),
        },
        _ => kind.to_owned(),
    }
}
