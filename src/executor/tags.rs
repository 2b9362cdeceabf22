//! `--tags` and `--skip-tags` (`playbook/taggable.py`).

use super::context::RunOptions;
use super::inherit::Lineage;
use super::text;
use crate::jinja::parse::Syntax;
use crate::jinja::{Templar, Value, possibly_template};

/// Whether tags let a task run.
#[must_use]
pub(super) fn lets_run(
    lineage: &Lineage<'_>,
    options: &RunOptions,
    templar: impl FnOnce() -> Templar,
) -> bool {
    if options.tags.is_empty() && options.skip_tags.is_empty() && !lineage.tags().iter().any(|tag| {
        matches!(tag, Value::Str(text) if text.as_str() == "never" || may_be_template(text.as_str()))
    }) {
        return true;
    }
    let written = lineage.tags();
    let is_template = |tag: &&Value| matches!(tag, Value::Str(text) if may_be_template(text.as_str()));
    let templar = written.iter().any(is_template).then(templar);
    let mut tags: Vec<String> = Vec::new();
    for tag in written {
        let tag = match &templar {
            Some(templar) => templar.template(tag).unwrap_or_else(|_| tag.clone()),
            None => tag.clone(),
        };
        tags.extend(text::split(&tag));
    }
    selects(&tags, &options.tags, &options.skip_tags)
}

fn may_be_template(text: &str) -> bool {
    possibly_template(text, &Syntax::default())
}

/// Whether tags let something run, given those that were asked for and those that were not.
#[must_use]
pub fn selects(tags: &[String], only: &[String], skip: &[String]) -> bool {
    let has = |name: &str| tags.iter().any(|tag| tag == name);
    let asked = |name: &str| only.iter().any(|tag| tag == name);
    let shared = |list: &[String]| list.iter().any(|tag| has(tag));
    let untagged = tags.is_empty();
    let all = only.is_empty() || asked("all");
    let mut run = if has("always") || (all && !has("never")) || shared(only) {
        true
    } else {
        (asked("tagged") && !untagged && !has("never")) || (asked("untagged") && untagged)
    };
    if run && !skip.is_empty() {
        let skips = |name: &str| skip.iter().any(|tag| tag == name);
        if skips("all") {
            run = has("always") && !skips("always");
        } else if shared(skip) || (skips("tagged") && !untagged) || (skips("untagged") && untagged) {
            run = false;
        }
    }
    run
}
