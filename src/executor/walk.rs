//! How one host goes through the play: into blocks, files and roles, out of them, and up after a failure
//! (`executor/play_iterator.py`).

use std::sync::Arc;

use super::frame::{self, Frame, Holder, Section, Source};
use super::roles;
use super::run::{Run, Stage};
use super::state::Phase;
use super::tags;
use crate::playbook::{Action, Node, Task};

impl Run {
    /// Goes on to the next task of a host, without beginning it; none when the play is over for the host.
    pub(super) fn settle(&mut self, host: &str, stage: &Stage<'_>) -> Option<Arc<Task>> {
        loop {
            let cursor = self.state.cursor_mut(host);
            if cursor.done {
                return None;
            }
            let Some(top) = cursor.stack.last() else {
                self.next_phase(host, stage);
                continue;
            };
            if matches!(top.source, Source::Handlers) {
                if !self.enter_handler(host) {
                    self.leave(host, stage);
                }
                continue;
            }
            match top.nodes().and_then(|nodes| nodes.get(top.index)).cloned() {
                None => self.leave(host, stage),
                Some(Node::Task(task)) => {
                    if self.is_wanted(host, &task, stage) {
                        return Some(task);
                    }
                    self.consume(host);
                }
                Some(node) => {
                    self.consume(host);
                    self.enter(host, &node);
                }
            }
        }
    }

    /// Counts the next node of a host as begun.
    pub(super) fn consume(&mut self, host: &str) {
        if let Some(top) = self.state.cursor_mut(host).stack.last_mut() {
            top.index += 1;
        }
    }

    /// Whether a host stops at a task: tags let it run, and an implicit flush has something to flush.
    fn is_wanted(&self, host: &str, task: &Task, stage: &Stage<'_>) -> bool {
        if task.implicit && task.action == Action::Meta {
            let cursor = self.state.cursor(host);
            return cursor
                .is_some_and(|cursor| !cursor.notifications.is_empty() || !cursor.notified.is_empty());
        }
        if task.implicit && task.is_gathering() && !self.gathers(host, stage) {
            return false;
        }
        let lineage = self.lineage(host, task, stage);
        lineage.in_handlers || tags::lets_run(&lineage, &self.options, || self.play_templar(stage))
    }

    fn enter(&mut self, host: &str, node: &Node) {
        if let Some(holder) = frame::child_holder(node) {
            self.push(host, Frame::new(Source::Child, holder));
        }
    }

    /// Goes into a level, unless it is a role that ran before and does not run again.
    pub(super) fn push(&mut self, host: &str, frame: Frame) {
        let cursor = self.state.cursor_mut(host);
        let ran = roles::identity(&frame).is_some_and(|identity| cursor.completed.contains(&identity));
        if !ran || roles::allows_duplicates(&frame) {
            cursor.stack.push(frame);
        }
    }

    /// Goes to the next part of the play.
    fn next_phase(&mut self, host: &str, stage: &Stage<'_>) {
        let cursor = self.state.cursor_mut(host);
        if cursor.failing && cursor.phase.handlers().is_none() {
            cursor.done = true;
            cursor.failed = true;
            self.state.failed.insert(host.to_owned());
            return;
        }
        cursor.phase = cursor.phase.next();
        if cursor.phase == Phase::End {
            cursor.done = true;
            return;
        }
        let nodes = frame::phase_nodes(&stage.play, cursor.phase);
        if !nodes.is_empty() {
            cursor.stack.push(Frame::new(Source::Phase(cursor.phase), Holder::List(nodes)));
        }
    }

    /// Goes out of a list that is at its end.
    fn leave(&mut self, host: &str, stage: &Stage<'_>) {
        let cursor = self.state.cursor_mut(host);
        let Some(top) = cursor.stack.last_mut() else { return };
        if let Some(Holder::Block(block)) = &top.holder {
            if top.section != Section::Always && !block.always.is_empty() {
                top.section = Section::Always;
                top.index = 0;
                return;
            }
            if top.pending {
                cursor.stack.pop();
                self.unwind(host);
                return;
            }
        }
        let ended = cursor.stack.pop();
        if let Some(frame) = ended {
            self.note_completed(host, &frame);
            self.next_inclusion(host, frame, stage);
        }
    }

    /// Remembers a role that is at its end, if a task of it ran (`role_complete`).
    fn note_completed(&mut self, host: &str, frame: &Frame) {
        if let Some(identity) = roles::identity(frame).filter(|_| frame.ran) {
            self.state.cursor_mut(host).completed.insert(identity);
        }
    }

    /// Fails the host where it stands: the innermost `rescue` takes over, or `always` parts run and then
    /// the play is over for the host (`mark_host_failed`).
    pub(super) fn fail_host(&mut self, host: &str) {
        let cursor = self.state.cursor_mut(host);
        if cursor.done {
            return;
        }
        cursor.task = None;
        self.state.play.removed.insert(host.to_owned());
        self.unwind(host);
    }

    fn unwind(&mut self, host: &str) {
        let cursor = self.state.cursor_mut(host);
        while let Some(top) = cursor.stack.last_mut() {
            if let Some(Holder::Block(block)) = &top.holder {
                if top.will_rescue() {
                    top.section = Section::Rescue;
                    top.index = 0;
                    return;
                }
                if top.section != Section::Always && !block.always.is_empty() {
                    top.section = Section::Always;
                    top.index = 0;
                    top.pending = true;
                    return;
                }
            }
            cursor.stack.pop();
        }
        let forced = self.state.batch.as_ref().is_some_and(|batch| batch.force_handlers);
        let cursor = self.state.cursor_mut(host);
        if forced && let Some(handlers) = cursor.phase.handlers() {
            // The next part is the handlers of this one.
            cursor.phase = handlers.before();
            cursor.failing = true;
        } else {
            cursor.done = true;
            cursor.failed = true;
            self.state.failed.insert(host.to_owned());
        }
    }

    /// Ends the play for a host without failing it, as `meta: end_host` does.
    pub(super) fn end_host(&mut self, host: &str) {
        let cursor = self.state.cursor_mut(host);
        if cursor.done {
            return;
        }
        let in_rescue = cursor.stack.last().is_some_and(|top| top.section == Section::Rescue);
        let pending = cursor.failing || cursor.stack.iter().any(|frame| frame.pending);
        cursor.failed = pending && !in_rescue;
        cursor.done = true;
        cursor.task = None;
        cursor.stack.clear();
        self.state.play.removed.insert(host.to_owned());
    }

    /// Ends the innermost role of a host, as `meta: end_role` does.
    pub(super) fn end_role(&mut self, host: &str) {
        let cursor = self.state.cursor_mut(host);
        while cursor.stack.last().is_some_and(|top| top.role().is_none()) {
            cursor.stack.pop();
        }
        if let Some(top) = cursor.stack.last_mut() {
            top.index = top.nodes().map_or(0, |nodes| nodes.len());
        }
    }

    /// Where a host stands, comparable with other hosts of its batch.
    pub(super) fn position(&self, host: &str) -> Vec<usize> {
        let stack = self.state.stack(host);
        let top = stack.len().saturating_sub(1);
        // Below the top, the node that counts is the one that the host is in, not the one after it.
        let within = |(level, frame): (usize, &Frame)| {
            let [part, section, index] = frame.position();
            [part, section, if level == top { index } else { index.saturating_sub(1) }]
        };
        stack.iter().enumerate().flat_map(within).collect()
    }
}
