//! The callback `json` (`ansible.posix.json`): everything that happened, as one document at the end.

use std::io::Write as _;

use serde_json::{Map, Value as Json, json};

use crate::executor::{Event, Observer, Stats, TaskRef};
use crate::jinja::convert;
use crate::jinja::filters::json::Writer;

/// Gathers plays, tasks and results.
#[derive(Default)]
pub(super) struct JsonCallback {
    plays: Vec<Play>,
}

struct Play {
    play: Json,
    tasks: Vec<Task>,
}

struct Task {
    number: u64,
    task: Map<String, Json>,
    hosts: Map<String, Json>,
}

fn now() -> String {
    let time = jiff::Timestamp::now();
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

impl JsonCallback {
    fn task_start(&mut self, task: &TaskRef) {
        let number = task.number;
        let task = json!({
            "duration": {"start": now()},
            "id": format!("{number:08}"),
            "name": task.name,
            "path": task.path,
        });
        let Json::Object(task) = task else { return };
        if let Some(play) = self.plays.last_mut() {
            play.tasks.push(Task { number, task, hosts: Map::new() });
        }
    }

    fn task_end(&mut self, task: &TaskRef, host: &str, result: &Json) {
        let play = self.plays.last_mut();
        let entry =
            play.and_then(|play| play.tasks.iter_mut().rev().find(|known| known.number == task.number));
        let Some(entry) = entry else { return };
        let mut result = result.as_object().cloned().unwrap_or_default();
        result.retain(|key, _| !key.starts_with("_ansible_"));
        result.insert("action".to_owned(), Json::from(task.action.as_str()));
        entry.hosts.insert(host.to_owned(), Json::Object(result));
        if let Some(Json::Object(duration)) = entry.task.get_mut("duration") {
            duration.insert("end".to_owned(), Json::from(now()));
        }
    }

    fn finish(&mut self, stats: &Stats) {
        let task = |task: Task| json!({"hosts": task.hosts, "task": task.task});
        let play = |play: Play| json!({"play": play.play, "tasks": play.tasks.into_iter().map(task).collect::<Vec<_>>()});
        let plays: Vec<Json> = std::mem::take(&mut self.plays).into_iter().map(play).collect();
        let counts = stats.hosts.iter().map(|(name, host)| {
            let counts = json!({
                "changed": host.changed, "failures": host.failures, "ignored": host.ignored, "ok": host.ok,
                "rescued": host.rescued, "skipped": host.skipped, "unreachable": host.unreachable,
            });
            (name.clone(), counts)
        });
        let custom: Map<String, Json> = stats
            .custom
            .iter()
            .filter(|(host, _)| *host != "_run")
            .map(|(host, data)| (host.clone(), Json::Object(data.clone())))
            .collect();
        let document = json!({
            "custom_stats": custom,
            "global_custom_stats": stats.custom.get("_run").cloned().unwrap_or_default(),
            "plays": plays,
            "stats": counts.collect::<Map<_, _>>(),
        });
        let mut out = String::new();
        Writer { indent: Some(" ".repeat(4)), sort_keys: true, ensure_ascii: true }.write(
            &convert::from_json(document),
            0,
            &mut out,
        );
        let _ = writeln!(std::io::stdout(), "{out}");
    }
}

impl Observer for JsonCallback {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::PlayStart { name, .. } => {
                let play = json!({"duration": {"start": now()}, "name": name});
                self.plays.push(Play { play, tasks: Vec::new() });
            }
            Event::TaskStart { task } => self.task_start(task),
            Event::TaskEnd { task, host, result, .. } => self.task_end(task, host, result),
            Event::Warning { message } => {
                let _ = writeln!(std::io::stderr(), "[WARNING]: {message}");
            }
            Event::Stats { stats } => self.finish(stats),
            _ => {}
        }
    }
}
