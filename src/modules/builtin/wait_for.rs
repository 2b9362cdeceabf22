//! `wait_for`: waits until a port or a file is there, or gone (`modules/wait_for.py`).

use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::jinja::Value;
use crate::modules::{
    Args, CheckMode, Kind, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult,
};

/// `ansible.builtin.wait_for`.
pub(super) struct WaitFor;

const SPEC: Spec = Spec {
    check_mode: CheckMode::None,
    requirements: &[Requirement::MutuallyExclusive(&["port", "path"])],
    ..Spec::new(
        "ansible.builtin.wait_for",
        &[
            Opt::str("host").default("127.0.0.1"),
            Opt::new("port", Kind::Int),
            Opt::new("path", Kind::Path),
            Opt::new("timeout", Kind::Int).default("300"),
            Opt::new("connect_timeout", Kind::Int).default("5"),
            Opt::new("delay", Kind::Int).default("0"),
            Opt::new("sleep", Kind::Int).default("1"),
            Opt::str("state")
                .default("started")
                .choices(&["absent", "drained", "present", "started", "stopped"]),
            Opt::str("search_regex"),
            Opt::str("msg"),
            Opt::new("active_connection_states", Kind::ListOfStr),
            Opt::new("exclude_hosts", Kind::ListOfStr),
        ],
    )
};

#[async_trait]
impl Module for WaitFor {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let started = Instant::now();
        let seconds =
            |name: &str| Duration::from_secs(u64::try_from(args.int(name).unwrap_or(0)).unwrap_or(0));
        context.until_cancelled(tokio::time::sleep(seconds("delay"))).await?;
        let timeout = seconds("timeout");
        let nothing = args.int("port").is_none() && args.str("path").is_none();
        if nothing && args.str("state") != Some("drained") {
            context.until_cancelled(tokio::time::sleep(timeout)).await?;
            return Ok(result(&args, started));
        }
        let wanted = matches!(args.str("state"), Some("started" | "present"));
        let pattern = args.str("search_regex").map(fancy_regex::Regex::new).transpose();
        let pattern = pattern.map_err(|error| ModuleError::new(error.to_string()))?;
        loop {
            let there =
                context.until_cancelled(present(&args, seconds("connect_timeout"), pattern.as_ref())).await?;
            if there == wanted {
                return Ok(result(&args, started));
            }
            if started.elapsed() >= timeout {
                let elapsed = i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX);
                let message = args.str("msg").map_or_else(|| expired(&args), ToOwned::to_owned);
                return Err(ModuleError::new(message).with("elapsed", elapsed));
            }
            context
                .until_cancelled(tokio::time::sleep(seconds("sleep").max(Duration::from_millis(100))))
                .await?;
        }
    }
}

async fn present(args: &Args, limit: Duration, pattern: Option<&fancy_regex::Regex>) -> bool {
    if let Some(path) = args.str("path") {
        return match pattern {
            None => Path::new(path).exists(),
            Some(pattern) => {
                let text =
                    tokio::fs::read(path).await.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                text.is_ok_and(|text| pattern.is_match(text.as_str()).unwrap_or(false))
            }
        };
    }
    let (Some(port), host) = (args.int("port"), args.str("host").unwrap_or("127.0.0.1")) else {
        return false;
    };
    let port = u16::try_from(port).unwrap_or(0);
    let connect = tokio::net::TcpStream::connect((host, port));
    tokio::time::timeout(limit, connect).await.is_ok_and(|connected| connected.is_ok())
}

fn expired(args: &Args) -> String {
    match (args.str("path"), args.int("port")) {
        (Some(path), _) => match args.str("search_regex") {
            Some(pattern) => format!("Timeout when waiting for search string {pattern} in {path}"),
            None => format!("Timeout when waiting for file {path}"),
        },
        (None, port) => {
            let host = args.str("host").unwrap_or("127.0.0.1");
            let shown = format!("{host}:{}", port.unwrap_or(0));
            match args.str("state") {
                Some("stopped" | "absent") => format!("Timeout when waiting for {shown} to stop."),
                _ => format!("Timeout when waiting for {shown}"),
            }
        }
    }
}

fn result(args: &Args, started: Instant) -> TaskResult {
    let optional = |name: &str| args.get(name).cloned().unwrap_or(Value::None);
    TaskResult::changed(false)
        .with("state", optional("state"))
        .with("port", optional("port"))
        .with("path", optional("path"))
        .with("search_regex", optional("search_regex"))
        .with("match_groups", Value::list(Vec::new()))
        .with("match_groupdict", Value::dict(Vec::<(&str, Value)>::new()))
        .with("elapsed", i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX))
}
