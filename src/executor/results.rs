//! What the result of a task leads to: registered variables, facts, counts, events, failures
//! (`strategy/__init__.py`, `_process_pending_results`).

use std::sync::Arc;

use super::event::{Event, Observer, TaskOutcome, TaskRef};
use super::run::{Run, RunError, Stage};
use super::state::{StoredVars, TaskState};
use super::stats::Failure;
use crate::jinja::convert::{self, Stored};
use crate::jinja::value::{Dict, Entries, List};
use crate::jinja::{Error, ErrorKind, Templar, Value, ops};
use crate::modules::daytwo_core::COME_BACK;
use crate::playbook::{Action, Task, VarMap};

/// What Ansible says of a result that must not be shown.
const CENSORED: &str =
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

/// Facts that belong to the host to which a task is delegated, whatever `delegate_facts` says
/// (`ALWAYS_DELEGATE_FACT_PREFIXES`).
const ALWAYS_DELEGATED: &[&str] = &["discovered_interpreter_"];

/// What a finished task looks like.
pub(super) struct Finished {
    /// The result.
    pub result: Entries,
    /// Whether it is the result of a loop.
    pub looped: bool,
}

impl Finished {
    /// The result of a task without a loop.
    #[must_use]
    pub(super) fn of(result: Entries) -> Finished {
        Finished { result, looped: false }
    }

    fn flag(&self, name: &str) -> bool {
        self.result.get(name).is_some_and(ops::truthy_or_false)
    }

    /// Whether the task failed: what `failed_when` said counts before the rest, of any item as well
    /// (`TaskResult.is_failed`).
    fn has_failed(&self) -> bool {
        if !self.looped {
            return has_failed(&self.result);
        }
        let items = self.result.get("results").and_then(Value::as_list).map(List::items).unwrap_or_default();
        let said: Vec<bool> = items
            .iter()
            .filter_map(|item| item.as_dict().and_then(|item| item.get(JUDGED)))
            .map(|said| ops::truthy_or_false(&said))
            .collect();
        if said.is_empty() { self.flag("failed") } else { said.contains(&true) }
    }
}

/// What `failed_when` said.
const JUDGED: &str = "failed_when_result";

fn has_failed(result: &Entries) -> bool {
    let said = result.get(JUDGED).or_else(|| result.get("failed"));
    said.is_some_and(ops::truthy_or_false)
}

/// A failed result with this message.
#[must_use]
pub(super) fn failure(message: &str) -> Entries {
    Entries::from_iter([
        ("failed".into(), Value::Bool(true)),
        ("msg".into(), Value::from(message).into_unsafe()),
        ("changed".into(), Value::Bool(false)),
    ])
}

/// The result of a task that raised an error before it had one of its own.
#[must_use]
pub(super) fn raised(error: &Error) -> Entries {
    let escaped = error.kind() == ErrorKind::Type || error.escapes();
    let before = if escaped { "Unexpected failure during module execution: " } else { "" };
    let message = Value::from(format!("{before}{error}")).into_unsafe();
    let mut result = Entries::from_iter([("failed".into(), Value::Bool(true)), ("msg".into(), message)]);
    if escaped {
        result.insert("stdout".into(), Value::from(""));
    }
    result
}

/// Whether an entry of a result is true.
#[must_use]
pub(super) fn flag(value: &Value, name: &str) -> bool {
    value.as_dict().and_then(|dict| dict.get(name)).is_some_and(|value| ops::truthy_or_false(&value))
}

/// How the result of one item counts.
#[must_use]
pub(super) fn outcome_of(result: &Value, ignored: bool) -> TaskOutcome {
    if flag(result, "unreachable") {
        TaskOutcome::Unreachable
    } else if result.as_dict().is_some_and(|dict| has_failed(&dict.read())) {
        if ignored { TaskOutcome::Ignored } else { TaskOutcome::Failed }
    } else if flag(result, "skipped") {
        TaskOutcome::Skipped
    } else if flag(result, "changed") {
        TaskOutcome::Changed
    } else {
        TaskOutcome::Ok
    }
}

/// What a module says when its result is to be shown without `-v`: the only private key that observers see.
const VERBOSE: &str = "_ansible_verbose_always";

/// A result as observers may see it.
#[must_use]
pub(super) fn shown(result: &Entries, no_log: bool) -> serde_json::Value {
    let keep = |key: &str| {
        if no_log {
            matches!(key, "attempts" | "changed" | "retries")
        } else {
            !key.starts_with("_ansible_") || key == VERBOSE
        }
    };
    let kept = result.iter().filter(|(key, _)| keep(&key.text()));
    let mut map: serde_json::Map<String, serde_json::Value> = kept
        .map(|(key, value)| (key.text().into_owned(), convert::to_json(&without_private(value, 0))))
        .collect();
    if no_log {
        map.insert("censored".to_owned(), CENSORED.into());
    }
    serde_json::Value::Object(map)
}

/// A result without the keys that are private to the engine, at any depth (`strip_internal_keys`).
#[must_use]
pub(super) fn without_private(value: &Value, depth: usize) -> Value {
    match value {
        Value::Dict(dict) if depth < 100 => {
            let kept = dict.entries().into_iter().filter(|(key, _)| !key.text().starts_with("_ansible_"));
            Value::Dict(kept.map(|(key, value)| (key, without_private(&value, depth + 1))).collect())
        }
        Value::List(list) if depth < 100 => {
            Value::list(list.items().iter().map(|item| without_private(item, depth + 1)).collect())
        }
        other => other.clone(),
    }
}

/// The name under which a task keeps its result.
#[must_use]
pub(super) fn register(task: &Task) -> Option<&str> {
    task.keywords.get("register").and_then(Value::as_str)
}

/// `ansible_failed_task`.
fn failed_task(task: &Task, task_ref: &TaskRef) -> Value {
    let args = task.args.iter().map(|(key, value)| (key.as_ref(), value.clone()));
    Value::dict([
        ("name", task.name().cloned().unwrap_or_else(|| Value::from(""))),
        ("action", Value::from(task_ref.action.as_str())),
        ("args", Value::dict(args)),
        ("path", Value::from(task_ref.path.as_str())),
    ])
    .into_unsafe()
}

impl Run {
    /// The hosts that a result of a task concerns: all of the batch for a task that runs once.
    fn concerned(&self, host: &str, state: &TaskState) -> Vec<String> {
        if state.run_once { self.state.hosts_left() } else { vec![host.to_owned()] }
    }

    /// Registers, counts and shows the result of a task, and goes where it leads.
    ///
    /// # Errors
    /// The task notifies a handler that does not exist.
    pub(super) fn end_task(
        &mut self,
        host: &str,
        task: &Arc<Task>,
        mut finished: Finished,
        state: TaskState,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        self.state.cursor_mut(host).task = None;
        if !finished.looped && !finished.has_failed() && !finished.flag("unreachable") {
            self.store(host, task, &mut finished.result, &state, None, stage, observer);
        }
        self.note_requeue(task, &finished.result);
        let task_ref = self.task_ref(host, task, stage, &state);
        if !finished.flag("skipped") && !finished.flag("unreachable") {
            self.note_ran(host);
        }
        self.register(host, task, &finished, &state);
        self.leave_round(host, &finished, &state);
        let end = |outcome, result| {
            state.span.end(outcome, &result);
            Event::TaskEnd { task: task_ref.clone(), host: host.to_owned(), outcome, result }
        };
        let result = shown(&finished.result, state.no_log);
        if finished.has_failed() {
            if !state.ignore_errors {
                self.raise(host, task, &task_ref, &finished.result, result, &state, observer);
                return Ok(());
            }
            self.count_ignored(host, finished.flag("changed"));
            observer.observe(&end(TaskOutcome::Ignored, result));
        } else if finished.flag("unreachable") {
            self.unreachable(host, &task_ref, &result, state.ignore_unreachable);
            observer.observe(&end(TaskOutcome::Unreachable, result));
        } else if finished.flag("skipped") {
            self.state.stats.host(host).skipped += 1;
            observer.observe(&end(TaskOutcome::Skipped, result));
        } else {
            let changed = finished.flag("changed");
            if changed {
                self.notify(host, state.notify, stage, observer)?;
            }
            if state.includes.is_empty() {
                let counts = self.state.stats.host(host);
                counts.ok += 1;
                counts.changed += u32::from(changed);
                observer.observe(&end(if changed { TaskOutcome::Changed } else { TaskOutcome::Ok }, result));
            }
        }
        Ok(())
    }

    /// The host is through with the task of its round.
    fn leave_round(&mut self, host: &str, finished: &Finished, state: &TaskState) {
        let Some(round) = self.state.batch.as_mut().and_then(|batch| batch.round.as_mut()) else { return };
        round.running.retain(|running| running != host);
        round.results += 1;
        if finished.has_failed() {
            round.failed.push(host.to_owned());
        } else if finished.flag("unreachable") {
            round.unreachable.push(host.to_owned());
        }
        if !state.includes.is_empty() && !finished.has_failed() {
            round.includes.push((host.to_owned(), state.includes.clone()));
        }
    }

    fn count_ignored(&mut self, host: &str, changed: bool) {
        let counts = self.state.stats.host(host);
        counts.ok += 1;
        counts.ignored += 1;
        counts.changed += u32::from(changed);
    }

    fn unreachable(&mut self, host: &str, task: &TaskRef, result: &serde_json::Value, ignored: bool) {
        if ignored {
            self.count_ignored(host, false);
            return;
        }
        self.note_failure(host, task, result, false);
        self.state.unreachable.insert(host.to_owned());
        self.state.play.removed.insert(host.to_owned());
        self.state.stats.host(host).unreachable += 1;
        self.state.cursor_mut(host).task = None;
    }

    fn note_failure(&mut self, host: &str, task: &TaskRef, result: &serde_json::Value, rescued: bool) {
        let message = result.get("msg").and_then(serde_json::Value::as_str);
        self.state.failures.push(Failure {
            host: host.to_owned(),
            task: task.name.clone(),
            path: task.path.clone(),
            message: message.unwrap_or("unknown playbook failure").to_owned(),
            rescued,
        });
    }

    /// A failure that is not ignored: the innermost `rescue` takes over, or the host is done.
    pub(super) fn raise(
        &mut self,
        host: &str,
        task: &Task,
        task_ref: &TaskRef,
        result: &Entries,
        shown: serde_json::Value,
        state: &TaskState,
        observer: &mut dyn Observer,
    ) {
        let rescued = self.state.stack(host).iter().any(super::frame::Frame::will_rescue);
        self.note_failure(host, task_ref, &shown, rescued);
        let counts = self.state.stats.host(host);
        let outcome = if rescued { TaskOutcome::Rescued } else { TaskOutcome::Failed };
        if rescued {
            counts.rescued += 1;
        } else {
            counts.failures += 1;
        }
        state.span.end(outcome, &shown);
        observer.observe(&Event::TaskEnd {
            task: task_ref.clone(),
            host: host.to_owned(),
            outcome,
            result: shown,
        });
        for failed in self.concerned(host, state) {
            self.fail_host(&failed);
        }
        if rescued {
            self.state.play.removed.shift_remove(host);
            self.state.hosts.set(host, "ansible_failed_task", failed_task(task, task_ref));
            let result = Value::Dict(Dict::new(result.clone())).into_unsafe();
            self.state.hosts.set(host, "ansible_failed_result", result);
        }
    }

    /// Marks the role that holds the task as run.
    fn note_ran(&mut self, host: &str) {
        let stack = &mut self.state.cursor_mut(host).stack;
        if let Some(frame) = stack.iter_mut().rev().find(|frame| frame.role().is_some()) {
            frame.ran = true;
        }
    }

    fn register(&mut self, host: &str, task: &Task, finished: &Finished, state: &TaskState) {
        let Some(name) = register(task) else { return };
        let value = without_private(&Value::Dict(Dict::new(finished.result.clone())), 0);
        if let Value::Dict(dict) = &value {
            dict.write().shift_remove("invocation");
        }
        for host in self.concerned(host, state) {
            self.state.hosts.set(&host, name, value.clone());
        }
    }

    /// Keeps what a result brings beside itself: facts, variables, hosts and groups, statistics.
    pub(super) fn store(
        &mut self,
        host: &str,
        task: &Task,
        result: &mut Entries,
        state: &TaskState,
        item: Option<&StoredVars>,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) {
        let Action::Module(module) = task.action else { return };
        if self.store_hosts(host, result, observer) {
            self.judge_again(host, task, result, item, stage);
        }
        if module == "ansible.builtin.set_stats" {
            self.store_stats(host, result, state);
        }
        let Some(facts) = result.get("ansible_facts").and_then(Value::as_dict).map(Dict::entries) else {
            return;
        };
        let mut facts: VarMap =
            facts.into_iter().map(|(key, value)| (Arc::<str>::from(key.text().as_ref()), value)).collect();
        if matches!(module, "ansible.builtin.set_fact" | "ansible.builtin.include_vars") {
            facts.keys().for_each(|name| self.warn_if_reserved(name, observer));
        }
        let delegate = state.delegate.clone();
        let targets = match &delegate {
            Some(delegate) if state.delegate_facts => vec![delegate.clone()],
            Some(delegate) => {
                let (always, own) = facts
                    .into_iter()
                    .partition(|(name, _)| ALWAYS_DELEGATED.iter().any(|prefix| name.starts_with(prefix)));
                facts = own;
                self.store_facts(delegate, module, result, &always);
                self.concerned(host, state)
            }
            None => self.concerned(host, state),
        };
        for target in targets {
            self.store_facts(&target, module, result, &facts);
        }
    }

    fn store_facts(&mut self, host: &str, module: &str, result: &Entries, facts: &VarMap) {
        if facts.is_empty() {
            return;
        }
        let learnt = self.state.hosts.learn(host);
        let stored = facts.iter().map(|(name, value)| (Arc::clone(name), Stored(value.clone())));
        let unsafe_facts =
            || facts.iter().map(|(name, value)| (Arc::clone(name), Stored(value.clone().into_unsafe())));
        match module {
            "ansible.builtin.debug" => {}
            "ansible.builtin.set_fact" => {
                if result.get("_ansible_facts_cacheable").is_some_and(ops::truthy_or_false) {
                    learnt.facts.extend(unsafe_facts());
                }
                learnt.set.extend(stored);
            }
            "ansible.builtin.include_vars" => learnt.included.extend(stored),
            _ => learnt.facts.extend(unsafe_facts()),
        }
    }

    /// Asks `changed_when` and `failed_when` again after the inventory changed (`post_process_whens`).
    fn judge_again(
        &self,
        host: &str,
        task: &Task,
        result: &mut Entries,
        item: Option<&StoredVars>,
        stage: &Stage<'_>,
    ) {
        let asked = ["changed_when", "failed_when"].map(|name| task.keywords.conditions(name));
        if asked.iter().all(Option::is_none) {
            return;
        }
        let mut vars = self.task_vars(host, task, stage);
        let item = item.into_iter().flatten();
        vars.extend(item.map(|(name, value)| (Arc::clone(name), value.0.clone())));
        if let Some(name) = register(task) {
            vars.insert(name.into(), Value::Dict(Dict::new(result.clone())));
        }
        let templar = Templar::new(Arc::clone(&stage.env), Arc::new(vars));
        for (conditions, key) in asked.into_iter().zip(["changed", "failed"]) {
            let Some(conditions) = conditions else { continue };
            // What cannot be evaluated failed the task when it was judged first.
            let holds = conditions.iter().all(|condition| templar.condition(condition).unwrap_or(false));
            result.insert(key.into(), Value::Bool(holds));
        }
    }

    /// Adds what `add_host` and `group_by` ask for; the result says whether that changed anything. True if the
    /// task asked for any.
    fn store_hosts(&mut self, host: &str, result: &mut Entries, observer: &mut dyn Observer) -> bool {
        let changed = if let Some(Value::Dict(new)) = result.get("add_host") {
            let name = new.get("host_name").map(|name| name.to_string()).unwrap_or_default();
            let groups = new.get("groups").as_ref().map(super::text::list).unwrap_or_default();
            let vars = new.get("host_vars").as_ref().and_then(Value::as_dict).map(Dict::entries);
            let vars = vars.unwrap_or_default().into_iter();
            let vars = vars.map(|(key, value)| (Arc::from(key.text().as_ref()), value)).collect();
            let changed = self.state.hosts.add_host(&name, &groups, vars);
            if matches!(changed, Ok(true)) && !self.state.play.hosts.contains(&name) {
                self.state.play.hosts.push(name);
            }
            changed
        } else if let Some(group) = result.get("add_group").map(ToString::to_string) {
            let parents = result.get("parent_groups").map(super::text::list).unwrap_or_default();
            self.state.hosts.add_to_group(host, &group, &parents)
        } else {
            return false;
        };
        match changed {
            Ok(changed) => {
                result.insert("changed".into(), Value::Bool(changed));
            }
            Err(error) => {
                result.insert("failed".into(), Value::Bool(true));
                result.insert("msg".into(), Value::from(error.to_string()));
                observer.observe(&Event::Warning { message: error.to_string() });
            }
        }
        true
    }

    fn store_stats(&mut self, host: &str, result: &Entries, state: &TaskState) {
        let Some(stats) = result.get("ansible_stats").and_then(Value::as_dict) else { return };
        let data = stats.get("data").as_ref().map(convert::to_json);
        let says = |name: &str| stats.get(name).is_some_and(|it| ops::truthy_or_false(&it));
        let scopes = if says("per_host") { self.concerned(host, state) } else { vec!["_run".to_owned()] };
        let Some(serde_json::Value::Object(data)) = data else { return };
        for scope in scopes {
            let custom = self.state.stats.custom.entry(scope).or_default();
            for (name, value) in &data {
                super::stats::update_custom(custom, name, value, says("aggregate"));
            }
        }
    }

    fn note_requeue(&mut self, task: &Task, result: &Entries) {
        if task.action == Action::Module("operator_sdk.util.requeue_after")
            && let Some(period) = result.get("period")
        {
            self.state.requeue_after = Some(period.to_string());
        }
        if let Some(at) = result.get(COME_BACK).and_then(Value::as_int) {
            self.state.come_back = Some(self.state.come_back.map_or(at, |known| known.min(at)));
        }
    }
}
