//! Set operations on lists (`plugins/filter/mathstuff.py`). Results keep the order of the input.

use super::bind::{bind, needed};
use super::order::without_duplicates;
use crate::jinja::error::Error;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("union", |_, value, args| set_operation(value, args, Set::Union)),
    ("intersect", |_, value, args| set_operation(value, args, Set::Intersect)),
    ("difference", |_, value, args| set_operation(value, args, Set::Difference)),
    ("symmetric_difference", |_, value, args| set_operation(value, args, Set::Symmetric)),
];

/// What is made of two lists.
#[derive(Clone, Copy)]
enum Set {
    Union,
    Intersect,
    Difference,
    Symmetric,
}

fn set_operation(value: Value, args: Args, how: Set) -> Result<Value, Error> {
    let [other] = bind(args, ["b"])?;
    let (left, right) = (ops::iterate(&value)?, ops::iterate(&needed(other, "b")?)?);
    let chosen: Vec<Value> = match how {
        Set::Union => left.into_iter().chain(right).collect(),
        Set::Intersect => left.into_iter().filter(|item| right.contains(item)).collect(),
        Set::Difference => left.into_iter().filter(|item| !right.contains(item)).collect(),
        Set::Symmetric => {
            let only_right = right.iter().filter(|item| !left.contains(item)).cloned().collect::<Vec<_>>();
            left.into_iter().filter(|item| !right.contains(item)).chain(only_right).collect()
        }
    };
    Ok(Value::list(without_duplicates(chosen)))
}
