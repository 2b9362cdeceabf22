//! Loops: what a task loops over, what an item adds to the variables, and the result of the whole.

use std::sync::Arc;

use super::results::{Finished, flag};
use super::state::{StoredVars, TaskState};
use super::text;
use crate::jinja::convert::Stored;
use crate::jinja::filters::core::to_bool;
use crate::jinja::lookups;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{Error, ErrorKind, Templar, TemplateOptions, Value, ops};
use crate::playbook::Task;

/// The items of a task's loop; none without a loop.
///
/// # Errors
/// The loop cannot be templated or is no list.
pub(super) fn items(task: &Task, templar: &Templar) -> Result<Option<Vec<Value>>, Error> {
    let Some(looping) = &task.looping else { return Ok(None) };
    let Some(name) = &looping.lookup else {
        let items = templar.template(&looping.items)?;
        return match &items {
            Value::List(list) => Ok(Some(list.items())),
            other => Err(Error::ansible(format!(
                "Invalid data passed to 'loop', it requires a list, got this instead: {other}. Hint: If you passed a list/dict of just one element, try adding wantlist=True to your lookup invocation or use q/query instead of lookup."
            ))),
        };
    };
    let plugins = Arc::clone(&templar.env.plugins);
    let lookup = plugins.lookup(name).ok_or_else(|| {
        Error::ansible(format!(
            "Unexpected failure in finding the lookup named '{name}' in the available lookup plugins"
        ))
    })?;
    let items = match &looping.items {
        Value::Str(text) => Value::from(text.as_str().trim()),
        other => other.clone(),
    };
    // A name that holds a missing variable is one that is not found.
    let lenient = name.rsplit('.').next() == Some("first_found");
    let options = TemplateOptions { fail_on_undefined: !lenient, ..TemplateOptions::default() };
    let terms = templar.template_with(&items, &options)?;
    let terms = match &terms {
        Value::List(list) => list.items(),
        Value::Dict(dict) => of_mapping(name, dict)?,
        other if other.is_sequence() => ops::iterate(other)?,
        other => vec![other.clone()],
    };
    let found =
        lookup.run(terms, lookups::Options::default(), templar).map_err(|error| match error.kind() {
            ErrorKind::Undefined | ErrorKind::Cancelled => error,
            _ => Error::ansible(error.message()),
        })?;
    Ok(Some(found.into_iter().map(Value::into_unsafe).collect()))
}

/// What the lookups that take lists alone say of a mapping.
const LISTS_ALONE: &[(&str, &str)] = &[
    ("list", "with_list expects a list"),
    ("indexed_items", "with_indexed_items expects a list"),
    (
        "subelements",
        "subelements lookup expects a list of two or three items, first a dict or a list, second a string pointing to the subkey",
    ),
];

/// The terms that a mapping is: itself for `dict`, and its keys for all others.
///
/// # Errors
/// The lookup takes no mapping.
fn of_mapping(lookup: &str, mapping: &Dict) -> Result<Vec<Value>, Error> {
    let short = lookup.rsplit('.').next().unwrap_or(lookup);
    if short == "dict" {
        return Ok(vec![Value::Dict(mapping.clone())]);
    }
    match LISTS_ALONE.iter().find(|(name, _)| *name == short) {
        Some((_, problem)) => Err(Error::ansible(*problem)),
        None => Ok(mapping.entries().keys().map(|key| key.value().clone()).collect()),
    }
}

/// The names that a loop sets, and the label of an item.
#[derive(Debug, Clone)]
pub(super) struct LoopControl {
    /// `loop_var`.
    pub loop_var: String,
    /// `index_var`.
    pub index_var: Option<String>,
    /// `label`, not templated.
    pub label: Option<Value>,
    /// `pause` in seconds.
    pub pause: f64,
    /// `extended`.
    pub extended: bool,
    /// `extended_allitems`.
    pub allitems: bool,
    /// `break_when`.
    pub break_when: Vec<Value>,
}

impl LoopControl {
    /// The `loop_control` of a task.
    ///
    /// # Errors
    /// A template fails.
    pub(super) fn of(task: &Task, templar: &Templar) -> Result<LoopControl, Error> {
        let dict = task.keywords.get("loop_control").and_then(Value::as_dict).cloned().unwrap_or_default();
        let get = |name: &str| dict.get(name).filter(|value| !value.is_none());
        let text = |name: &str| -> Result<Option<String>, Error> {
            get(name).map(|value| templar.template(&value).map(|value| value.to_string())).transpose()
        };
        let flag = |name: &str, default: bool| -> Result<bool, Error> {
            let value = get(name).map(|value| templar.template(&value)).transpose()?;
            Ok(value.as_ref().and_then(to_bool).unwrap_or(default))
        };
        Ok(LoopControl {
            loop_var: text("loop_var")?.unwrap_or_else(|| "item".to_owned()),
            index_var: text("index_var")?,
            label: get("label"),
            pause: text("pause")?.and_then(|pause| pause.trim().parse().ok()).unwrap_or(0.0),
            extended: flag("extended", false)?,
            allitems: flag("extended_allitems", true)?,
            break_when: get("break_when").as_ref().map(text::values).unwrap_or_default(),
        })
    }

    /// What an item of the loop adds to the variables.
    #[must_use]
    pub(super) fn vars(&self, items: &[Stored], index: usize) -> StoredVars {
        let mut vars = StoredVars::new();
        let mut set = |name: &str, value: Value| {
            vars.insert(name.into(), Stored(value));
        };
        let item = |index: usize| items.get(index).map(|item| item.0.clone());
        set(&self.loop_var, item(index).unwrap_or(Value::None));
        set("ansible_loop_var", Value::from(self.loop_var.as_str()));
        if let Some(name) = &self.index_var {
            set("ansible_index_var", Value::from(name.as_str()));
            set(name, Value::from(index));
        }
        if self.extended {
            let len = items.len();
            let mut entries = vec![
                ("index", Value::from(index + 1)),
                ("index0", Value::from(index)),
                ("first", Value::Bool(index == 0)),
                ("last", Value::Bool(index + 1 == len)),
                ("length", Value::from(len)),
                ("revindex", Value::from(len.saturating_sub(index))),
                ("revindex0", Value::from(len.saturating_sub(index + 1))),
            ];
            if self.allitems {
                entries.push(("allitems", Value::list(items.iter().map(|item| item.0.clone()).collect())));
            }
            entries.extend(item(index + 1).map(|next| ("nextitem", next)));
            entries.extend(index.checked_sub(1).and_then(item).map(|previous| ("previtem", previous)));
            set("ansible_loop", Value::dict(entries));
        }
        vars
    }
}

/// The result of a loop over nothing.
#[must_use]
pub(super) fn no_items() -> Finished {
    let result = Entries::from_iter([
        ("changed".into(), Value::Bool(false)),
        ("skipped".into(), Value::Bool(true)),
        ("skipped_reason".into(), Value::from("No items in the list")),
        ("results".into(), Value::list(Vec::new())),
    ]);
    Finished { looped: true, ..Finished::of(result) }
}

/// The result of a loop from those of its items.
#[must_use]
pub(super) fn result(state: &TaskState) -> Finished {
    let results: Vec<Value> = state.results.iter().map(|result| result.0.clone()).collect();
    let any = |name: &str| results.iter().any(|result| flag(result, name));
    let (failed, changed, unreachable) = (any("failed"), any("changed"), any("unreachable"));
    let skipped = results.iter().all(|result| flag(result, "skipped"));
    let msg = match (skipped, failed) {
        (true, _) => "All items skipped",
        (false, true) => "One or more items failed",
        (false, false) => "All items completed",
    };
    let mut result = Entries::new();
    for name in ["warnings", "deprecations"] {
        let told: Vec<Value> = results
            .iter()
            .filter_map(Value::as_dict)
            .filter_map(|item| item.write().shift_remove(name))
            .flat_map(|told| text::values(&told))
            .collect();
        if !told.is_empty() {
            result.insert(name.into(), Value::list(told));
        }
    }
    result.insert("results".into(), Value::list(results));
    result.insert("skipped".into(), Value::Bool(skipped));
    result.insert("changed".into(), Value::Bool(changed));
    if failed {
        result.insert("failed".into(), Value::Bool(true));
    }
    if unreachable {
        result.insert("unreachable".into(), Value::Bool(true));
    }
    result.insert("msg".into(), Value::from(msg));
    Finished { looped: true, ..Finished::of(result) }
}
