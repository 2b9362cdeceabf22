//! `--list-hosts`, `--list-tasks`, `--list-tags` and `--syntax-check` (`cli/playbook.py`).

use std::fmt::Write as _;
use std::sync::Arc;

use super::setup::{Failure, Setup};
use crate::executor::{RunOptions, selects};
use crate::jinja::{Templar, Value, Vars};
use crate::playbook::{Content, Keywords, Node, Play};

/// What is to be printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Hosts of each play.
    pub hosts: bool,
    /// Tasks of each play.
    pub tasks: bool,
    /// Tags of each play.
    pub tags: bool,
}

/// Prints what the plays of a playbook would do.
///
/// # Errors
/// A pattern of hosts is wrong.
pub(super) fn print(
    name: &str,
    content: &Content,
    wanted: Wanted,
    setup: &mut Setup,
    options: &RunOptions,
) -> Result<(), Failure> {
    println!("\nplaybook: {name}");
    if !(wanted.hosts || wanted.tasks || wanted.tags) {
        return Ok(());
    }
    for (number, play) in content.plays.iter().enumerate() {
        let mut vars: Vars = play.vars.clone().into_iter().collect();
        vars.extend(setup.extra.clone());
        let templar = Templar::new(Arc::clone(&setup.environment), Arc::new(vars));
        let listing = Listing { templar, options };
        let mut text = listing.head(number, play);
        if wanted.hosts {
            listing.hosts(play, setup, &mut text)?;
        }
        println!("{text}");
        if wanted.tasks || wanted.tags {
            println!("{}", listing.tasks(play, wanted).trim_end());
        }
    }
    Ok(())
}

struct Listing<'a> {
    templar: Templar,
    options: &'a RunOptions,
}

/// A task as it is listed.
struct Line {
    name: String,
    tags: Vec<String>,
}

impl Listing<'_> {
    fn texts(&self, value: &Value) -> Vec<String> {
        let value = self.templar.template(value).unwrap_or_else(|_| value.clone());
        match value {
            Value::List(list) => list.items().iter().map(ToString::to_string).collect(),
            Value::None => Vec::new(),
            other => vec![other.to_string()],
        }
    }

    fn tags(&self, keywords: &Keywords) -> Vec<String> {
        let mut tags = Vec::new();
        for tag in keywords.tags.iter().flat_map(|tag| self.texts(tag)) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }

    fn patterns(&self, play: &Play) -> Vec<String> {
        play.keywords.get("hosts").map(|hosts| self.texts(hosts)).unwrap_or_default()
    }

    fn head(&self, number: usize, play: &Play) -> String {
        let hosts = self.patterns(play).join(",");
        let name = play.keywords.get("name").map_or_else(|| hosts.clone(), |name| self.texts(name).concat());
        let tags = self.tags(&play.keywords).join(",");
        format!("\n  play #{} ({hosts}): {name}\tTAGS: [{tags}]", number + 1)
    }

    fn hosts(&self, play: &Play, setup: &mut Setup, text: &mut String) -> Result<(), Failure> {
        let patterns = self.patterns(play);
        let matched = setup.inventory.matching(&patterns).map_err(Failure::error)?;
        matched.unknown.iter().for_each(|pattern| setup.unknown_pattern(pattern));
        let shown: Vec<String> = patterns.iter().map(|pattern| format!("'{pattern}'")).collect();
        let count = matched.hosts.len();
        let _ = write!(text, "\n    pattern: [{}]\n    hosts ({count}):", shown.join(", "));
        for host in matched.hosts {
            let _ = write!(text, "\n      {host}");
        }
        Ok(())
    }

    fn tasks(&self, play: &Play, wanted: Wanted) -> String {
        let own = self.tags(&play.keywords);
        let mut lines = Vec::new();
        for nodes in [&play.pre_tasks, &play.roles, &play.tasks, &play.post_tasks] {
            self.collect(nodes, &own, None, &mut lines, 0);
        }
        let sorted = |mut tags: Vec<String>| {
            tags.sort();
            tags.dedup();
            tags.join(", ")
        };
        let mut text = String::new();
        if wanted.tasks {
            text.push_str("    tasks:\n");
            for line in &lines {
                let _ = writeln!(text, "      {}\tTAGS: [{}]", line.name, sorted(line.tags.clone()));
            }
        }
        if wanted.tags {
            let all = own.iter().chain(lines.iter().flat_map(|line| &line.tags)).cloned().collect();
            let _ = writeln!(text, "      TASK TAGS: [{}]", sorted(all));
        }
        text
    }

    fn collect(
        &self,
        nodes: &[Node],
        tags: &[String],
        role: Option<&str>,
        lines: &mut Vec<Line>,
        depth: usize,
    ) {
        if depth > 100 {
            return;
        }
        let with = |keywords: &Keywords| {
            let mut all = tags.to_vec();
            all.extend(self.tags(keywords));
            all
        };
        for node in nodes {
            match node {
                Node::Task(task) => {
                    let tags = with(&task.keywords);
                    if !selects(&tags, &self.options.tags, &self.options.skip_tags) {
                        continue;
                    }
                    let name = task.name().map_or_else(|| task.action_name.clone(), ToString::to_string);
                    let name = role.map_or_else(|| name.clone(), |role| format!("{role} : {name}"));
                    lines.push(Line { name, tags });
                }
                Node::Block(block) => {
                    let tags = with(&block.keywords);
                    self.collect(&block.body, &tags, role, lines, depth + 1);
                }
                Node::Import(import) => {
                    self.collect(&import.nodes, &with(&import.keywords), role, lines, depth + 1);
                }
                Node::Role(usage) => {
                    let tags = with(&usage.keywords);
                    self.collect(&usage.role.nodes, &tags, Some(&usage.role.name), lines, depth + 1);
                }
            }
        }
    }
}
