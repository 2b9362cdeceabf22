//! Filters over lists and other sequences.

use std::cmp::Ordering;

use crate::jinja::error::Error;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;

/// The filters of this family.
pub const FILTERS: &[(&str, Filter)] = &[];

/// `sorted(items)`, stable.
///
/// # Errors
/// Two items have no order.
pub fn sorted(mut items: Vec<Value>, reverse: bool) -> Result<Vec<Value>, Error> {
    let mut failure = None;
    items.sort_by(|a, b| {
        let order = ops::compare(a, b, "<").unwrap_or_else(|error| {
            failure.get_or_insert(error);
            None
        });
        let order = order.unwrap_or(Ordering::Equal);
        if reverse { order.reverse() } else { order }
    });
    failure.map_or(Ok(items), Err)
}
