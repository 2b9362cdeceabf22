//! Keywords that a task has from what it stands in: include, block, role, play.

use std::sync::Arc;

use super::frame::{Frame, Holder, Source};
use crate::jinja::Value;
use crate::jinja::value::Dict;
use crate::playbook::{Keywords, Place, Play, Role, Task};

/// The surroundings of a task, from the innermost out.
pub(super) struct Lineage<'a> {
    /// The task.
    pub task: &'a Task,
    /// The levels that hold it, the innermost last. A handler has those of its definition, not those of
    /// the task that lets handlers run.
    pub levels: Vec<&'a Frame>,
    /// The play.
    pub play: &'a Play,
    /// Whether the task is a handler, or included by one.
    pub in_handlers: bool,
}

impl<'a> Lineage<'a> {
    /// The surroundings of a task at this position.
    #[must_use]
    pub(super) fn new(task: &'a Task, stack: &'a [Frame], play: &'a Play) -> Self {
        let flush = stack.iter().rposition(|frame| matches!(frame.source, Source::Handlers));
        let own = flush.map_or(stack, |flush| &stack[flush + 1..]);
        let mut levels = Vec::with_capacity(own.len());
        for frame in own {
            if let Some(Holder::Handler(handler)) = &frame.holder {
                levels.extend(handler.ancestors.iter());
            }
            levels.push(frame);
        }
        Lineage { task, levels, play, in_handlers: flush.is_some() }
    }

    /// The keywords that hold for the task, its own first, the play's last.
    pub(super) fn keywords(&self) -> impl DoubleEndedIterator<Item = &'a Keywords> {
        let levels = self.levels.iter().rev().filter_map(|frame| frame.keywords());
        std::iter::once(&self.task.keywords).chain(levels).chain(std::iter::once(&self.play.keywords))
    }

    /// The value of an inherited keyword: the innermost one.
    #[must_use]
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.keywords().find_map(|keywords| keywords.get(name))
    }

    /// The values of a keyword that adds up, the outermost first.
    #[must_use]
    pub(super) fn all(&self, name: &str) -> Vec<&'a Value> {
        self.keywords().rev().filter_map(|keywords| keywords.get(name)).collect()
    }

    /// The conditions of the task, those of its surroundings first, and where they stand.
    #[must_use]
    pub(super) fn when(&self) -> Vec<(&'a Value, Option<&'a Place>)> {
        let of = |keywords: &'a Keywords| {
            keywords.when.iter().enumerate().map(|(at, condition)| (condition, keywords.when_places.get(at)))
        };
        self.keywords().rev().flat_map(of).collect()
    }

    /// The tags of the task and of its surroundings.
    #[must_use]
    pub(super) fn tags(&self) -> Vec<&'a Value> {
        self.keywords().flat_map(|keywords| &keywords.tags).collect()
    }

    /// The role that holds the task.
    #[must_use]
    pub(super) fn role(&self) -> Option<&'a Arc<Role>> {
        self.roles().next()
    }

    /// The roles that hold the task, the innermost first.
    pub(super) fn roles(&self) -> impl DoubleEndedIterator<Item = &'a Arc<Role>> {
        self.levels.iter().rev().filter_map(|frame| frame.role())
    }

    /// The names of the task files between the role and the task, from the outermost.
    #[must_use]
    pub(super) fn imports(&self) -> Vec<String> {
        let innermost_role =
            self.levels.iter().rposition(|frame| frame.role().is_some()).map_or(0, |at| at + 1);
        let names = self.levels[innermost_role..].iter().filter_map(|frame| frame.file_name());
        names.map(ToOwned::to_owned).collect()
    }
}

/// `apply` of an `include_tasks` or `include_role`, as keywords for everything within.
#[must_use]
pub(super) fn apply_keywords(task: &Task) -> Keywords {
    let entries = task.args.get("apply").and_then(Value::as_dict).map(Dict::entries).unwrap_or_default();
    let mut keywords = Keywords::default();
    for (key, value) in entries {
        let listed = || value.as_list().map_or_else(|| vec![value.clone()], crate::jinja::value::List::items);
        match key.text().as_ref() {
            "vars" => {
                let vars = value.as_dict().map(Dict::entries).unwrap_or_default();
                keywords.vars = vars.into_iter().map(|(key, value)| (key.text().into(), value)).collect();
            }
            "when" => keywords.when = listed(),
            "tags" => {
                let split = |tag: &Value| -> Vec<Value> {
                    tag.to_string().split(',').map(|tag| Value::from(tag.trim())).collect()
                };
                keywords.tags = listed().iter().flat_map(split).collect();
            }
            name => {
                if let Some(keyword) = crate::playbook::find_keyword(name) {
                    keywords.values.insert(keyword, value);
                }
            }
        }
    }
    keywords
}
