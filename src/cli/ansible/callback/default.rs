//! The callback `default` (`plugins/callback/default.py`).

use std::io::Write as _;

use serde_json::{Map, Value as Json};

use super::results::{self, Dump, always_verbose, clean};
use super::{Settings, diff};
use crate::cli::ansible::display::{COLUMNS, Display};
use crate::executor::{Event, HostStats, Observer, Stats, TaskOutcome, TaskRef};

/// Prints events as Ansible's default callback does.
pub(super) struct DefaultCallback {
    settings: Settings,
    display: Display,
    started: bool,
    /// The strategy runs hosts one after the other, so headings come with results.
    free: bool,
    /// The start whose heading was printed last.
    heading: Option<u64>,
    /// The task that started last.
    last: Option<TaskRef>,
    /// Items of the current loop were printed.
    items: bool,
}

/// The colours of Ansible's output.
#[derive(Debug, Clone, Copy)]
enum Color {
    Ok,
    Changed,
    Skip,
    Error,
    Unreachable,
    Debug,
    Verbose,
    Included,
    None,
}

impl Color {
    fn code(self) -> &'static str {
        match self {
            Color::Ok => "0;32",
            Color::Changed => "0;33",
            Color::Skip | Color::Included => "0;36",
            Color::Error => "0;31",
            Color::Unreachable => "1;31",
            Color::Debug => "1;30",
            Color::Verbose => "0;34",
            Color::None => "",
        }
    }
}

impl DefaultCallback {
    /// A callback with these settings.
    #[must_use]
    pub(super) fn new(settings: Settings) -> Self {
        let display = Display::new(settings.deprecations);
        DefaultCallback {
            settings,
            display,
            started: false,
            free: false,
            heading: None,
            last: None,
            items: false,
        }
    }

    fn print(&self, text: &str, color: Color, stderr: bool) {
        let colored;
        let text = if self.settings.colors && !matches!(color, Color::None) {
            let painted = text.split('\n').map(|line| format!("\x1b[{}m{line}\x1b[0m", color.code()));
            colored = painted.collect::<Vec<_>>().join("\n");
            &colored
        } else {
            text
        };
        let end = if text.ends_with('\n') { "" } else { "\n" };
        // A reader that went away ends the output, not the run.
        let _ = if stderr {
            write!(std::io::stderr(), "{text}{end}")
        } else {
            write!(std::io::stdout(), "{text}{end}")
        };
    }

    fn line(&self, text: &str, color: Color) {
        self.print(text, color, false);
    }

    fn banner(&self, text: &str) {
        let text = text.trim();
        let stars = COLUMNS.saturating_sub(text.chars().count()).max(3);
        self.line(&format!("\n{text} {}", "*".repeat(stars)), Color::None);
    }

    fn start(&mut self) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        if self.settings.verbosity > 1 {
            self.banner(&format!("PLAYBOOK: {}", self.settings.playbook));
        }
        self.dry_run();
    }

    fn dry_run(&self) {
        if self.settings.check && self.settings.check_markers {
            self.banner("DRY RUN");
        }
    }

    fn marker(&self, check: bool) -> &'static str {
        if check && self.settings.check_markers { " [CHECK MODE]" } else { "" }
    }

    fn play(&mut self, name: &str, strategy: &str, check: bool) {
        let short = strategy.strip_prefix("ansible.builtin.").unwrap_or(strategy);
        self.free = matches!(short, "free" | "host_pinned");
        self.heading = None;
        let marker = self.marker(check);
        match name.trim() {
            "" => self.banner(&format!("PLAY{marker}")),
            name => self.banner(&format!("PLAY [{name}]{marker}")),
        }
    }

    fn task_start(&mut self, task: &TaskRef) {
        self.items = false;
        self.last = Some(task.clone());
        if !self.free && self.settings.skipped_hosts && self.settings.ok_hosts {
            self.head(task);
        }
    }

    /// The heading of a task, unless it was the last one.
    fn head(&mut self, task: &TaskRef) {
        if self.heading == Some(task.number) {
            return;
        }
        self.heading = Some(task.number);
        let kind = if task.handler { "RUNNING HANDLER" } else { "TASK" };
        self.banner(&format!("{kind} [{}]{}", task.name.trim(), self.marker(task.check)));
        if self.settings.verbosity >= 2 {
            self.path(task);
        }
    }

    fn path(&self, task: &TaskRef) {
        self.line(&format!("task path: {}", task.path), Color::Debug);
    }

    fn label(task: &TaskRef, host: &str) -> String {
        match &task.delegated_to {
            Some(other) => format!("{host} -> {other}"),
            None => host.to_owned(),
        }
    }

    fn dump(&self, result: &Json, shown: &Map<String, Json>) -> String {
        let always = always_verbose(result);
        Dump { settings: &self.settings, always, indent: None }.text(shown)
    }

    /// The result behind `=>`, when it is asked for.
    fn verbose(&self, task: &TaskRef, result: &Json, shown: &Map<String, Json>) -> String {
        let quiet = results::short_action(task) == "setup" || results::short_action(task) == "gather_facts";
        let wanted = self.settings.verbosity > 0 || always_verbose(result);
        if wanted && !quiet { format!(" => {}", self.dump(result, shown)) } else { String::new() }
    }

    /// Prints and removes what a module warns of.
    fn warn(&mut self, shown: &mut Map<String, Json>) {
        if !self.settings.action_warnings {
            return;
        }
        for warning in results::warnings(shown, "warnings") {
            self.display.warning(warning.as_str().unwrap_or_default());
        }
        for deprecation in results::warnings(shown, "deprecations") {
            let message = deprecation.get("msg").and_then(Json::as_str).unwrap_or_default();
            self.display.deprecated(message, deprecation.get("version").and_then(Json::as_str));
        }
        for key in ["warnings", "deprecations"] {
            if results::warnings(shown, key).next().is_some() {
                shown.remove(key);
            }
        }
    }

    fn exception(&self, shown: &mut Map<String, Json>) {
        let Some(exception) = shown.get("exception").and_then(Json::as_str) else { return };
        let message = if self.settings.verbosity < 3 {
            results::exception(exception)
        } else {
            format!("The full traceback is:\n{exception}")
        };
        self.print(&message, Color::Error, self.settings.failed_stderr);
        if self.settings.verbosity >= 3 {
            shown.remove("exception");
        }
    }

    fn end(&mut self, task: &TaskRef, host: &str, outcome: TaskOutcome, result: &Json) {
        let mut shown = clean(task, result);
        let looped = result.get("results").is_some_and(Json::is_array) && self.is_loop(result);
        if looped {
            shown.remove("results");
        }
        let label = Self::label(task, host);
        match outcome {
            TaskOutcome::Ok | TaskOutcome::Changed => {
                self.differences(task, result, looped);
                self.succeeded(task, &label, outcome, result, shown, looped);
            }
            TaskOutcome::Skipped if self.settings.skipped_hosts => {
                self.head(task);
                let text = format!("skipping: [{host}]{}", self.verbose(task, result, &shown));
                self.line(&text, Color::Skip);
            }
            TaskOutcome::Skipped => {}
            TaskOutcome::Unreachable => {
                self.head(task);
                let text = format!("fatal: [{label}]: UNREACHABLE! => {}", self.dump(result, &shown));
                self.print(&text, Color::Unreachable, self.settings.failed_stderr);
                if task.ignore_unreachable {
                    self.line("...ignoring", Color::Skip);
                }
            }
            TaskOutcome::Failed | TaskOutcome::Ignored | TaskOutcome::Rescued => {
                self.differences(task, result, looped);
                self.failed(task, &label, outcome, result, shown);
            }
        }
        self.items = false;
    }

    /// Whether the result is that of a loop, whose items were printed one by one.
    fn is_loop(&self, result: &Json) -> bool {
        self.items || result.get("results").and_then(Json::as_array).is_some_and(Vec::is_empty)
    }

    fn succeeded(
        &mut self,
        task: &TaskRef,
        label: &str,
        outcome: TaskOutcome,
        result: &Json,
        mut shown: Map<String, Json>,
        looped: bool,
    ) {
        let changed = outcome == TaskOutcome::Changed;
        if !changed && !self.settings.ok_hosts {
            return;
        }
        self.head(task);
        self.warn(&mut shown);
        if looped {
            return;
        }
        let (word, color) = if changed { ("changed", Color::Changed) } else { ("ok", Color::Ok) };
        self.line(&format!("{word}: [{label}]{}", self.verbose(task, result, &shown)), color);
    }

    fn failed(
        &mut self,
        task: &TaskRef,
        label: &str,
        outcome: TaskOutcome,
        result: &Json,
        mut shown: Map<String, Json>,
    ) {
        self.head(task);
        self.exception(&mut shown);
        self.warn(&mut shown);
        if self.settings.verbosity < 2 && self.settings.path_on_failure {
            self.path(task);
        }
        let text = format!("fatal: [{label}]: FAILED! => {}", self.dump(result, &shown));
        self.print(&text, Color::Error, self.settings.failed_stderr);
        if outcome == TaskOutcome::Ignored {
            self.line("...ignoring", Color::Skip);
        }
    }

    fn differences(&mut self, task: &TaskRef, result: &Json, looped: bool) {
        if !task.diff {
            return;
        }
        let single = std::slice::from_ref(result);
        let all = if looped { result.get("results").and_then(Json::as_array) } else { None };
        for one in all.map_or(single, Vec::as_slice) {
            let changed = one.get("changed") == Some(&Json::Bool(true));
            let Some(found) = one.get("diff").filter(|_| changed) else { continue };
            let text = diff::text(found, &self.settings);
            if !text.is_empty() {
                self.head(task);
                self.print(&text, Color::None, false);
            }
        }
    }

    fn item(&mut self, task: &TaskRef, host: &str, outcome: TaskOutcome, item: &str, result: &Json) {
        self.items = true;
        let mut shown = clean(task, result);
        let label = Self::label(task, host);
        match outcome {
            TaskOutcome::Ok | TaskOutcome::Changed => {
                let changed = outcome == TaskOutcome::Changed;
                if !changed && !self.settings.ok_hosts {
                    return;
                }
                self.head(task);
                let (word, color) = if changed { ("changed", Color::Changed) } else { ("ok", Color::Ok) };
                let verbose = self.verbose(task, result, &shown);
                self.line(&format!("{word}: [{label}] => (item={item}){verbose}"), color);
            }
            TaskOutcome::Skipped if self.settings.skipped_hosts => {
                self.head(task);
                let verbose = self.verbose(task, result, &shown);
                self.line(&format!("skipping: [{host}] => (item={item}) {verbose}"), Color::Skip);
            }
            TaskOutcome::Skipped => {}
            TaskOutcome::Unreachable => {
                self.head(task);
                let text = format!("[{label}]: UNREACHABLE! => {}", self.dump(result, &shown));
                self.print(&text, Color::Unreachable, self.settings.failed_stderr);
            }
            TaskOutcome::Failed | TaskOutcome::Ignored | TaskOutcome::Rescued => {
                self.head(task);
                self.exception(&mut shown);
                self.warn(&mut shown);
                let dumped = self.dump(result, &shown);
                let text = format!("failed: [{label}] (item={item}) => {dumped}");
                self.print(&text, Color::Error, self.settings.failed_stderr);
            }
        }
    }

    fn retry(&self, task: &TaskRef, host: &str, left: u32, result: &Json) {
        let label = Self::label(task, host);
        let mut text = format!("FAILED - RETRYING: [{label}]: {} ({left} retries left).", task.name);
        if self.settings.verbosity > 2 {
            text.push_str(&format!("Result was: {}", self.dump(result, &clean(task, result))));
        }
        self.line(&text, Color::Debug);
    }

    fn recap(&self, stats: &Stats) {
        self.banner("PLAY RECAP");
        let mut hosts: Vec<_> = stats.hosts.iter().collect();
        hosts.sort_by_key(|(name, _)| *name);
        for (name, host) in hosts {
            self.line(&self.recap_line(name, host), Color::None);
        }
        self.line("", Color::None);
        self.custom(stats);
        self.dry_run();
    }

    fn recap_line(&self, name: &str, host: &HostStats) -> String {
        let count = |word: &str, number: u32, color: Color| {
            let text = format!("{word}={number:<4}");
            if self.settings.colors && number != 0 {
                format!("\x1b[{}m{text}\x1b[0m", color.code())
            } else {
                text
            }
        };
        let counts = [
            count("ok", host.ok, Color::Ok),
            count("changed", host.changed, Color::Changed),
            count("unreachable", host.unreachable, Color::Unreachable),
            count("failed", host.failures, Color::Error),
            count("skipped", host.skipped, Color::Skip),
            count("rescued", host.rescued, Color::Ok),
            count("ignored", host.ignored, Color::Debug),
        ];
        format!("{name:<26} : {}", counts.join(" "))
    }

    /// What `set_stats` collected.
    fn custom(&self, stats: &Stats) {
        if stats.custom.is_empty() || !self.settings.custom_stats {
            return;
        }
        self.banner("CUSTOM STATS: ");
        let dump = |data: &Map<String, Json>| {
            Dump { settings: &self.settings, always: false, indent: Some(1) }.text(data).replace('\n', "")
        };
        let mut hosts: Vec<_> = stats.custom.iter().filter(|(host, _)| *host != "_run").collect();
        hosts.sort_by_key(|(host, _)| *host);
        for (host, data) in hosts {
            self.line(&format!("\t{host}: {}", dump(data)), Color::None);
        }
        if let Some(data) = stats.custom.get("_run") {
            self.line("", Color::None);
            self.line(&format!("\tRUN: {}", dump(data)), Color::None);
        }
        self.line("", Color::None);
    }
}

impl Observer for DefaultCallback {
    fn observe(&mut self, event: &Event) {
        self.start();
        match event {
            Event::PlayStart { name, strategy, check } => self.play(name, strategy, *check),
            Event::NoHosts => self.line("skipping: no hosts matched", Color::Skip),
            Event::NoMoreHosts => self.banner("NO MORE HOSTS LEFT"),
            Event::TaskStart { task } => self.task_start(task),
            Event::Included { file, hosts, label } => {
                let item = label.as_ref().map(|label| format!(" => (item={label})")).unwrap_or_default();
                if let Some(task) = self.last.clone() {
                    self.head(&task);
                }
                self.line(&format!("included: {file} for {}{item}", hosts.join(", ")), Color::Included);
            }
            Event::Item { task, host, outcome, label, result } => {
                self.item(task, host, *outcome, label, result);
            }
            Event::Retry { task, host, left, result } => self.retry(task, host, *left, result),
            Event::TaskEnd { task, host, outcome, result } => self.end(task, host, *outcome, result),
            Event::AsyncPoll { host, result } => {
                let get = |key: &str| match result.get(key) {
                    Some(Json::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                    None => "None".to_owned(),
                };
                let (job, started, finished) = (get("ansible_job_id"), get("started"), get("finished"));
                let text = format!("ASYNC POLL on {host}: jid={job} started={started} finished={finished}");
                self.line(&text, Color::Debug);
            }
            Event::AsyncEnd { host, job, failed } => {
                let word = if *failed { "FAILED" } else { "OK" };
                self.line(&format!("ASYNC {word} on {host}: jid={job}"), Color::Debug);
            }
            Event::Notified { handler, host } => {
                if self.settings.verbosity > 1 {
                    self.line(&format!("NOTIFIED HANDLER {handler} for {host}"), Color::Debug);
                }
            }
            Event::Verbose { level, message } => {
                if self.settings.verbosity >= *level {
                    self.line(message, Color::Verbose);
                }
            }
            Event::Warning { message } => self.display.warning(message),
            Event::Deprecated { message, version } => self.display.deprecated(message, Some(version)),
            Event::Stats { stats } => self.recap(stats),
        }
    }
}
