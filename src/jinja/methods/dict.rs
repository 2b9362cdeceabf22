//! Methods of dicts and of their views.

use super::signature::{Given, Method, Takes};
use crate::jinja::error::Error;
use crate::jinja::value::{Dict, DictView, Entries, Key, Value, ViewKind};
use crate::jinja::{globals, ops, repr};

const fn method(
    name: &'static str,
    takes: Takes,
    run: fn(&Dict, &Given) -> Result<Value, Error>,
) -> Method<Dict> {
    Method { name, takes, run }
}

/// The methods of dicts.
pub(super) const METHODS: &[Method<Dict>] = &[
    method("__contains__", Takes::One, |dict, given| Ok(dict.read().contains_key(&key(given)?).into())),
    method("__getitem__", Takes::One, |dict, given| {
        let key = key(given)?;
        let found = dict.read().get(&key).cloned();
        found.ok_or_else(|| missing(key.value()))
    }),
    method("__setitem__", Takes::Between(2, 2), |dict, given| {
        dict.write().insert(key(given)?, given.at(1).clone());
        Ok(Value::None)
    }),
    method("clear", Takes::Nothing, |dict, _| {
        dict.write().clear();
        Ok(Value::None)
    }),
    method("copy", Takes::Nothing, |dict, _| Ok(Value::Dict(Dict::new(dict.entries())))),
    method("fromkeys", Takes::Between(1, 2), |_, given| from_keys(given)),
    method("get", Takes::Between(1, 2), |dict, given| {
        let key = key(given)?;
        let found = dict.read().get(&key).cloned();
        Ok(found.unwrap_or_else(|| given.at(1).clone()))
    }),
    method("items", Takes::Nothing, |dict, _| view(dict, ViewKind::Items)),
    method("keys", Takes::Nothing, |dict, _| view(dict, ViewKind::Keys)),
    method("pop", Takes::Between(1, 2), pop),
    method("popitem", Takes::Nothing, |dict, _| {
        let last = dict.write().pop();
        let (key, value) = last.ok_or_else(|| Error::exception("'popitem(): dictionary is empty'"))?;
        Ok(Value::tuple(vec![key.value().clone(), value]))
    }),
    method("setdefault", Takes::Between(1, 2), |dict, given| {
        let key = key(given)?;
        Ok(dict.write().entry(key).or_insert_with(|| given.at(1).clone()).clone())
    }),
    method("update", Takes::Open(1), update),
    method("values", Takes::Nothing, |dict, _| view(dict, ViewKind::Values)),
];

/// The methods of views of keys and of items.
pub(super) const VIEW: &[Method<DictView>] =
    &[Method { name: "isdisjoint", takes: Takes::One, run: is_disjoint }];

/// What a key that is not there raises.
pub(super) fn missing(key: &Value) -> Error {
    Error::exception(repr::repr(key))
}

/// The first argument as a key.
fn key(given: &Given) -> Result<Key, Error> {
    Key::new(given.at(0).clone())
}

fn view(dict: &Dict, kind: ViewKind) -> Result<Value, Error> {
    Ok(Value::View(DictView { dict: dict.clone(), kind }))
}

/// `dict.fromkeys`.
fn from_keys(given: &Given) -> Result<Value, Error> {
    let mut entries = Entries::new();
    for key in ops::iterate(given.at(0))? {
        entries.insert(Key::new(key)?, given.at(1).clone());
    }
    Ok(Value::Dict(Dict::new(entries)))
}

fn pop(dict: &Dict, given: &Given) -> Result<Value, Error> {
    // An empty dict has no key and looks at none.
    let found = if dict.read().is_empty() { None } else { dict.write().shift_remove(&key(given)?) };
    found.or_else(|| given.get(1).cloned()).ok_or_else(|| missing(given.at(0)))
}

fn update(dict: &Dict, given: &Given) -> Result<Value, Error> {
    let mut entries = dict.entries();
    if let Some(from) = given.get(0) {
        globals::extend(&mut entries, from)?;
    }
    entries.extend(given.named.iter().map(|(name, value)| (Key::from(name.as_str()), value.clone())));
    *dict.write() = entries;
    Ok(Value::None)
}

fn is_disjoint(view: &DictView, given: &Given) -> Result<Value, Error> {
    let items = view.items();
    for other in ops::iterate(given.at(0))? {
        crate::jinja::value::hashable(&other)?;
        if items.contains(&other) {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}
