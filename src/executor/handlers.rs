//! Handlers: which there are, which a notification means, and when they run
//! (`strategy/__init__.py`, `search_handlers_by_notification`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::event::{Event, Observer};
use super::frame::{Frame, Holder, Source};
use super::inherit::Lineage;
use super::roles;
use super::run::{Run, RunError, Stage};
use super::state::{IncludedRole, Phase};
use super::text;
use crate::jinja::{ErrorKind, Templar, possibly_template};
use crate::playbook::{Node, Nodes, Play, Task};

/// One handler.
#[derive(Debug, Clone)]
pub(super) struct Handler {
    /// A list of the handler alone.
    pub nodes: Nodes,
    /// The levels of its definition: roles, imported files.
    pub ancestors: Arc<Vec<Frame>>,
    /// The list that defines it: that of the play or of a role.
    section: usize,
}

impl Handler {
    /// The handler's task.
    #[must_use]
    pub(super) fn task(&self) -> Option<&Arc<Task>> {
        match self.nodes.first()? {
            Node::Task(task) => Some(task),
            _ => None,
        }
    }
}

/// The handlers of a play in the order in which they run: those of `roles:`, its own, those of imported
/// roles, those of roles that were included. A number once given stays.
#[derive(Debug, Clone, Default)]
pub(super) struct Handlers {
    list: Vec<Handler>,
    /// Where those of each included role begin.
    included: Vec<usize>,
    /// How many lists there were so far.
    sections: usize,
}

impl Handlers {
    /// The handlers that a play defines.
    #[must_use]
    pub(super) fn of(play: &Play) -> Handlers {
        let mut handlers = Handlers::default();
        handlers.add_roles(&play.roles, &[]);
        handlers.add_section(&play.handlers, &mut Vec::new());
        for phase in [Phase::PreTasks, Phase::Tasks, Phase::PostTasks] {
            handlers.add_roles(&super::frame::phase_nodes(play, phase), &[]);
        }
        handlers
    }

    /// Adds the handlers of a role that was included.
    pub(super) fn add(&mut self, included: &IncludedRole) {
        self.included.push(self.list.len());
        let Some(role) = included.stack.last().and_then(Frame::role) else { return };
        self.add_roles(&role.nodes, &included.stack);
        self.add_section(&role.handlers, &mut included.stack.clone());
    }

    /// Puts the handlers of a role that was included again in the place of those that it had: the last
    /// definition counts.
    pub(super) fn replace(&mut self, number: usize, included: &IncludedRole) {
        let mut again = Handlers::default();
        again.add(included);
        let Some(start) = self.included.get(number) else { return };
        for (old, new) in self.list.iter_mut().skip(*start).zip(again.list) {
            *old = Handler { section: old.section, ..new };
        }
    }

    fn add_roles(&mut self, nodes: &[Node], below: &[Frame]) {
        roles::each(nodes, &mut |usage, levels| {
            let mut levels = [below, levels].concat();
            self.add_section(&usage.role.handlers, &mut levels);
        });
    }

    fn add_section(&mut self, nodes: &[Node], levels: &mut Vec<Frame>) {
        self.sections += 1;
        self.add_list(nodes, levels);
    }

    /// The numbers of the handlers in the order in which a name is looked for: the last list first, each from its
    /// beginning.
    fn by_precedence(&self) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..self.list.len()).collect();
        numbers.sort_by_key(|number| std::cmp::Reverse(self.list[*number].section));
        numbers
    }

    fn add_list(&mut self, nodes: &[Node], levels: &mut Vec<Frame>) {
        for node in nodes {
            match node {
                Node::Import(import) => {
                    levels.push(Frame::new(Source::Child, Holder::Import(Arc::clone(import))));
                    self.add_list(&import.nodes, levels);
                    levels.pop();
                }
                other => self.list.push(Handler {
                    nodes: Arc::new(vec![other.clone()]),
                    ancestors: Arc::new(levels.clone()),
                    section: self.sections,
                }),
            }
        }
    }

    /// The handler of this number.
    #[must_use]
    pub(super) fn get(&self, number: usize) -> Option<&Handler> {
        self.list.get(number)
    }
}

impl Run {
    /// The name of a handler, templated; none without one or when it cannot be known.
    fn handler_name(
        &self,
        handler: &Handler,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Option<String> {
        let task = handler.task()?;
        let name = task.name()?;
        let raw = name.to_string();
        if !possibly_template(&raw, &crate::jinja::parse::Syntax::default()) {
            return Some(raw);
        }
        let lineage = Lineage::new(task, &handler.ancestors, &stage.play);
        let vars = self.variables(stage).of_task(&lineage, None);
        match Templar::new(Arc::clone(&stage.env), Arc::new(vars)).template(name) {
            Ok(name) => Some(name.to_string()),
            Err(error) => {
                if error.kind() == ErrorKind::Undefined && task.keywords.get("listen").is_none() {
                    let message = format!(
                        "Handler '{raw}' is unusable because it has no listen topics and the name could not be templated (host-specific variables are not supported in handler names). The error: {error}"
                    );
                    observer.observe(&Event::Warning { message });
                }
                None
            }
        }
    }

    /// The numbers of the handlers that a notification means: the first one of that name in the last list that has
    /// one, and all that listen to it.
    pub(super) fn handlers_for(
        &self,
        notification: &str,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Vec<usize> {
        let Some(batch) = &self.state.batch else { return Vec::new() };
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut named = false;
        for number in batch.handlers.by_precedence() {
            let Some(handler) = batch.handlers.get(number) else { continue };
            let name = self.handler_name(handler, stage, observer);
            if !named
                && let Some(name) = &name
                && is_called(notification, name, handler)
            {
                named = true;
                found.push(number);
            }
            let listens = handler.task().and_then(|task| task.keywords.get("listen")).map(text::list);
            if listens
                .is_some_and(|topics| topics.iter().any(|topic| is_called(notification, topic, handler)))
                && name.is_none_or(|name| seen.insert(name))
            {
                found.push(number);
            }
        }
        found
    }

    /// Keeps what a changed task notifies until handlers run; within handlers, marks them at once.
    ///
    /// # Errors
    /// There is no such handler.
    pub(super) fn notify(
        &mut self,
        host: &str,
        notifications: impl IntoIterator<Item = String>,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let in_handlers = self.state.stack(host).iter().any(|frame| matches!(frame.source, Source::Handlers));
        for notification in notifications {
            let found = self.handlers_for(&notification, stage, observer);
            if found.is_empty() {
                let message = format!(
                    "The requested handler '{notification}' was not found in either the main handlers list nor in the listening handlers list"
                );
                if self.options.error_on_missing_handler {
                    return Err(RunError::Play(message));
                }
                observer.observe(&Event::Warning { message });
            } else if in_handlers {
                self.mark(host, &notification, &found, observer);
            } else {
                self.state.cursor_mut(host).notifications.insert(notification);
            }
        }
        Ok(())
    }

    fn mark(&mut self, host: &str, notification: &str, numbers: &[usize], observer: &mut dyn Observer) {
        for number in numbers {
            if self.state.cursor_mut(host).notified.insert(*number) {
                observer
                    .observe(&Event::Notified { handler: notification.to_owned(), host: host.to_owned() });
            }
        }
    }

    /// `meta: flush_handlers`: what was notified becomes handlers, which run next.
    pub(super) fn flush_handlers(&mut self, host: &str, stage: &Stage<'_>, observer: &mut dyn Observer) {
        for notification in std::mem::take(&mut self.state.cursor_mut(host).notifications) {
            let numbers = self.handlers_for(&notification, stage, observer);
            self.mark(host, &notification, &numbers, observer);
        }
        self.state.cursor_mut(host).stack.push(Frame::new(Source::Handlers, Holder::Handlers));
    }

    /// Goes into the next notified handler; false when there is none.
    pub(super) fn enter_handler(&mut self, host: &str) -> bool {
        let Some(batch) = &mut self.state.batch else { return false };
        let Some(cursor) = batch.cursors.get_mut(host) else { return false };
        let Some(top) = cursor.stack.last_mut() else { return false };
        let Some(number) = cursor.notified.range(top.index..).next().copied() else { return false };
        let Some(handler) = batch.handlers.get(number) else { return false };
        cursor.notified.remove(&number);
        top.index = number + 1;
        let holder = Holder::Handler(handler.clone());
        cursor.stack.push(Frame::new(Source::Handler(number), holder));
        true
    }
}

/// Whether a notification is the name of a handler, alone or behind the name of its role.
fn is_called(notification: &str, name: &str, handler: &Handler) -> bool {
    if notification == name {
        return true;
    }
    let role = handler.ancestors.iter().rev().find_map(Frame::role);
    role.is_some_and(|role| {
        let called = |role: &str| notification.strip_prefix(role).and_then(|rest| rest.strip_prefix(" : "));
        let short = role.name.rsplit('.').next().unwrap_or(&role.name);
        let full = role.full_name();
        [role.name.as_str(), short, full.as_str()].into_iter().any(|role| called(role) == Some(name))
    })
}
