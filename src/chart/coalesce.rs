//! Coalescing: the values of a release from those that were given and the defaults of the charts.
//!
//! Follows `pkg/chart/common/util/coalesce.go` of Helm 4 and `pkg/chartutil/coalesce.go` of Helm 3. It
//! works on the engine's shared maps, because which tables stay shared afterwards is visible: a
//! subchart's `.Values` is the entry in its parent's, while `global` is copied one level deep.

use super::dependencies::Member;
use super::{Compat, Error, values};
use crate::gotmpl::{Map, MapType, Value};

/// The key whose table is handed down to all subcharts.
const GLOBAL: &[u8] = b"global";

/// What becomes of nulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    /// They delete defaults, and go (`CoalesceValues`).
    Delete,
    /// They stay, as another coalescing follows (`MergeValues`).
    Keep,
}

/// One coalescing, with what it found suspicious.
pub(super) struct Coalescing<'a> {
    compat: Compat,
    warnings: &'a mut Vec<String>,
}

impl<'a> Coalescing<'a> {
    pub(super) fn new(compat: Compat, warnings: &'a mut Vec<String>) -> Self {
        Self { compat, warnings }
    }

    /// `given` (which is not changed) over the defaults of `member` and its dependencies.
    ///
    /// # Errors
    /// When the value for a dependency is not a table.
    pub(super) fn values(&mut self, member: &Member, given: &Map, nulls: Nulls) -> Result<Map, Error> {
        let values = values::deep_copy(given);
        self.chart(member, &values, "", nulls)?;
        Ok(values)
    }

    fn chart(&mut self, member: &Member, into: &Map, prefix: &str, nulls: Nulls) -> Result<(), Error> {
        let prefix = join(prefix, &member.metadata.name);
        self.defaults(member, into, &prefix, nulls);
        for dependency in &member.dependencies {
            let name = dependency.metadata.name.as_str();
            let inner = match into.get(name.as_bytes()) {
                Some(Value::Map(inner)) => inner,
                Some(_) => return Err(values::type_mismatch(name)),
                None => {
                    let inner = Map::new(MapType::Any);
                    into.insert(name, Value::Map(inner.clone()));
                    inner
                }
            };
            self.globals(&inner, into, &prefix);
            self.chart(dependency, &inner, &prefix, nulls)?;
        }
        Ok(())
    }

    /// The chart's own defaults under what is in `into`.
    fn defaults(&mut self, member: &Member, into: &Map, prefix: &str, nulls: Nulls) {
        let coalescing = nulls == Nulls::Delete;
        for (key, default) in Map::from_data(&member.values).snapshot() {
            match into.get(&key) {
                Some(Value::Nil) if coalescing => {
                    into.remove(&key);
                }
                Some(Value::Map(table)) => match &default {
                    Value::Map(default) => {
                        let of_dependency =
                            member.dependencies.iter().any(|d| d.metadata.name.as_bytes() == &*key);
                        let nulls = if of_dependency { Nulls::Keep } else { nulls };
                        if nulls == Nulls::Delete && self.compat == Compat::V4 {
                            default.remove_nulls();
                        }
                        self.tables(&table, default, &join(prefix, &key.to_text()), nulls);
                    }
                    Value::Nil => {}
                    _ => {
                        self.warn(format!("skipped value for {}: Not a table.", join(prefix, &key.to_text())))
                    }
                },
                Some(_) => {}
                None => {
                    if coalescing && self.compat == Compat::V4 {
                        match &default {
                            Value::Nil => continue,
                            Value::Map(table) => table.remove_nulls(),
                            _ => {}
                        }
                    }
                    into.insert(key, default);
                }
            }
        }
    }

    /// The globals of `from` into those of `into`: here the parent wins.
    fn globals(&mut self, into: &Map, from: &Map, prefix: &str) {
        let table = |map: &Map| match map.get(GLOBAL) {
            None => Some(Map::new(MapType::Any)),
            Some(Value::Map(globals)) => Some(globals),
            Some(_) => None,
        };
        let Some(own) = table(into) else {
            return self.warn("skipping globals because destination global is not a table.".into());
        };
        let Some(theirs) = table(from) else {
            return self.warn("skipping globals because source global is not a table.".into());
        };
        for (key, value) in theirs.snapshot() {
            match (own.get(&key), value) {
                (None, Value::Map(table)) => own.insert(key, Value::Map(shallow_copy(&table))),
                (Some(Value::Map(below)), Value::Map(table)) => {
                    let merged = shallow_copy(&table);
                    // Nulls stay here: the globals go through the coalescing of the chart.
                    self.tables(&merged, &below, &join(prefix, &key.to_text()), Nulls::Keep);
                    own.insert(key, Value::Map(merged));
                }
                (Some(_), Value::Map(_)) => {
                    self.warn(format!(
                        "conflict: cannot merge map onto non-map for {:?}. Skipping.",
                        key.to_text()
                    ));
                }
                (Some(Value::Map(_)), _) => self.warn(format!("key {} is table. Skipping", key.to_text())),
                (_, value) => own.insert(key, value),
            }
        }
        into.insert(GLOBAL, Value::Map(own));
    }

    /// `under` below `over`, key by key and table by table.
    pub(super) fn tables(&mut self, over: &Map, under: &Map, prefix: &str, nulls: Nulls) {
        let is_null = |value: &Value| matches!(value, Value::Nil);
        for (key, default) in under.snapshot() {
            let Some(own) = over.get(&key) else {
                over.insert(key, default);
                continue;
            };
            if is_null(&own) {
                // Issue 9027: in Helm 4 a null that stands over a null stays.
                if nulls == Nulls::Delete && (self.compat == Compat::V3 || !is_null(&default)) {
                    over.remove(&key);
                }
                continue;
            }
            match (&own, &default) {
                (Value::Map(own), Value::Map(default)) => {
                    self.tables(own, default, &join(prefix, &key.to_text()), nulls);
                }
                (_, Value::Map(_)) => {
                    self.warn(format!(
                        "cannot overwrite table with non table for {}",
                        join(prefix, &key.to_text())
                    ));
                }
                (Value::Map(_), default) if !is_null(default) => self.warn(format!(
                    "destination for {} is a table. Ignoring non-table value",
                    join(prefix, &key.to_text())
                )),
                _ => {}
            }
        }
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn shallow_copy(map: &Map) -> Map {
    Map::from_entries(map.ty, map.borrow().clone())
}
