//! `wait_for`: waits until a port or a file is there, or gone, or no one uses it (`modules/wait_for.py`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use fancy_regex::Regex;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::{attributes, text};
use crate::jinja::Value;
use crate::jinja::filters::regex::compile;
use crate::modules::{Args, CheckMode, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.wait_for`.
pub(super) struct WaitFor;

pub(super) static SPEC: Spec = Spec {
    check_mode: CheckMode::None,
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
            Opt::new("active_connection_states", Kind::ListOfStr)
                .default("ESTABLISHED,FIN_WAIT1,FIN_WAIT2,SYN_RECV,SYN_SENT,TIME_WAIT"),
            Opt::new("exclude_hosts", Kind::ListOfStr),
        ],
    )
};

/// The states of connections and their numbers in `/proc/net/tcp`.
const CONNECTION_STATES: &[(&str, &str)] = &[
    ("ESTABLISHED", "01"),
    ("SYN_SENT", "02"),
    ("SYN_RECV", "03"),
    ("FIN_WAIT1", "04"),
    ("FIN_WAIT2", "05"),
    ("TIME_WAIT", "06"),
];

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    There,
    Gone,
    Drained,
}

/// The groups of the match that ended the wait.
#[derive(Default)]
struct Groups {
    numbered: Vec<Value>,
    named: Vec<(String, Value)>,
}

#[async_trait]
impl Module for WaitFor {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        attributes::described(context, wait(context, args).await)
    }
}

async fn wait(context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
    let waiting = Waiting::of(context, &args)?;
    context.until_cancelled(tokio::time::sleep(seconds(&args, "delay"))).await?;
    if waiting.port.is_none() && waiting.path.is_none() && waiting.goal != Goal::Drained {
        context.until_cancelled(tokio::time::sleep(seconds(&args, "timeout"))).await?;
        return Ok(waiting.result(Groups::default()));
    }
    let deadline = waiting.started + seconds(&args, "timeout");
    while Instant::now() < deadline {
        if let Some(groups) = context.until_cancelled(waiting.reached(deadline)).await?? {
            return Ok(waiting.result(groups));
        }
        let pause = seconds(&args, "sleep").max(Duration::from_millis(10));
        context.until_cancelled(tokio::time::sleep(pause)).await?;
    }
    let message = args.str("msg").map_or_else(|| waiting.expired(), ToOwned::to_owned);
    Err(waiting.failure(message))
}

fn seconds(args: &Args, name: &str) -> Duration {
    Duration::from_secs(u64::try_from(args.int(name).unwrap_or(0)).unwrap_or(0))
}

struct Waiting<'a> {
    args: &'a Args,
    started: Instant,
    goal: Goal,
    host: &'a str,
    port: Option<i64>,
    path: Option<PathBuf>,
    pattern: Option<Regex>,
}

impl<'a> Waiting<'a> {
    fn of(context: &ModuleContext, args: &'a Args) -> Result<Waiting<'a>, ModuleError> {
        let wrong = |message: String| Err(ModuleError::new(message).with("elapsed", 0_i64));
        let port = args.int("port").filter(|port| *port != 0);
        let path = args.str("path").filter(|path| !path.is_empty());
        let state = args.str("state").unwrap_or("started");
        let pattern = args.str("search_regex").map(|pattern| {
            compile(&text::from_text(pattern), false, true)
                .map_err(|error| ModuleError::new(format!("Invalid regular expression: {error}")))
        });
        let pattern = pattern.transpose()?;
        if port.is_some() && path.is_some() {
            return wrong("port and path parameter can not both be passed to wait_for".to_owned());
        }
        if path.is_some() && matches!(state, "stopped" | "drained") {
            return wrong(format!(
                "state={state} should only be used for checking a port in the wait_for module"
            ));
        }
        if args.get("exclude_hosts").is_some() && state != "drained" {
            return wrong("exclude_hosts should only be with state=drained".to_owned());
        }
        for state in args.texts("active_connection_states").unwrap_or_default() {
            if !CONNECTION_STATES.iter().any(|(name, _)| *name == state) {
                return wrong(format!("unknown active_connection_state ({state}) defined"));
            }
        }
        Ok(Waiting {
            args,
            started: Instant::now(),
            goal: match state {
                "absent" | "stopped" => Goal::Gone,
                "drained" => Goal::Drained,
                _ => Goal::There,
            },
            host: args.str("host").unwrap_or("127.0.0.1"),
            port,
            path: path.map(|path| context.path(path)),
            pattern,
        })
    }

    fn elapsed(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_secs()).unwrap_or(i64::MAX)
    }

    fn failure(&self, message: String) -> ModuleError {
        ModuleError::new(message).with("elapsed", self.elapsed())
    }

    /// The groups of the match when the goal is reached.
    async fn reached(&self, deadline: Instant) -> Result<Option<Groups>, ModuleError> {
        let when = |reached: bool| Ok(reached.then(Groups::default));
        match (self.goal, &self.path) {
            (Goal::Gone, Some(path)) => when(!path.exists()),
            (Goal::Gone, None) => when(self.connect(seconds(self.args, "connect_timeout")).await.is_none()),
            (Goal::There, Some(path)) => self.file_is_there(path).await,
            (Goal::There, None) => self.port_is_there(deadline).await,
            (Goal::Drained, _) => when(self.connections().await == 0),
        }
    }

    async fn file_is_there(&self, path: &Path) -> Result<Option<Groups>, ModuleError> {
        if let Err(error) = tokio::fs::metadata(path).await {
            if error.kind() == std::io::ErrorKind::NotFound {
                return Ok(None);
            }
            let words = error.to_string();
            let words = words.split(" (os error").next().unwrap_or(&words).to_owned();
            let shown = self.args.str("path").unwrap_or_default();
            let message = format!("Failed to stat {shown}, {words}");
            return Err(self.failure(self.args.str("msg").map_or(message, ToOwned::to_owned)));
        }
        let Some(pattern) = &self.pattern else { return Ok(Some(Groups::default())) };
        let Ok(bytes) = tokio::fs::read(path).await else { return Ok(None) };
        Ok(groups(pattern, &bytes))
    }

    async fn connect(&self, limit: Duration) -> Option<TcpStream> {
        let port = u16::try_from(self.port?).ok()?;
        let connect = TcpStream::connect((self.host, port));
        tokio::time::timeout(limit, connect).await.ok()?.ok()
    }

    async fn port_is_there(&self, deadline: Instant) -> Result<Option<Groups>, ModuleError> {
        let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let Some(mut stream) = self.connect(seconds(self.args, "connect_timeout").min(left)).await else {
            return Ok(None);
        };
        let Some(pattern) = &self.pattern else { return Ok(Some(Groups::default())) };
        let (mut seen, mut buffer) = (Vec::new(), [0; 1024]);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let read = tokio::time::timeout(left, stream.read(&mut buffer)).await;
            let Ok(Ok(count @ 1..)) = read else { return Ok(None) };
            seen.extend(buffer.iter().take(count));
            if groups(pattern, &seen).is_some() {
                return Ok(Some(Groups::default()));
            }
        }
    }

    /// How many connections of the port are in use, by the kernel's tables.
    async fn connections(&self) -> usize {
        let wanted = self.args.texts("active_connection_states").unwrap_or_default();
        let numbers: Vec<&str> = CONNECTION_STATES
            .iter()
            .filter(|(name, _)| wanted.iter().any(|wanted| wanted == name))
            .map(|(_, number)| *number)
            .collect();
        let own = resolve(self.host).await;
        let mut excluded = Vec::new();
        for host in self.args.texts("exclude_hosts").unwrap_or_default() {
            excluded.extend(resolve(&host).await);
        }
        let any = own.iter().any(IpAddr::is_unspecified);
        let port = self.port.unwrap_or(0);
        let mut count = 0;
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let text = tokio::fs::read_to_string(table).await.unwrap_or_default();
            for line in text.lines().skip(1) {
                let fields: Vec<&str> = line.split_whitespace().collect();
                let [_, local, remote, state, ..] = fields.as_slice() else { continue };
                let (Some(local), Some(remote)) = (endpoint(local), endpoint(remote)) else { continue };
                let counts = numbers.contains(state)
                    && i64::from(local.1) == port
                    && (any || own.contains(&local.0) || local.0.is_unspecified())
                    && !excluded.contains(&remote.0);
                count += usize::from(counts);
            }
        }
        count
    }

    fn expired(&self) -> String {
        let pattern = self.args.str("search_regex");
        match (self.goal, self.args.str("path"), self.port) {
            (Goal::Gone, Some(path), _) => format!("Timeout when waiting for {path} to be absent."),
            (Goal::There, Some(path), _) => match pattern {
                Some(pattern) => format!("Timeout when waiting for search string {pattern} in {path}"),
                None => format!("Timeout when waiting for file {path}"),
            },
            (goal, _, port) => {
                let shown = format!("{}:{}", self.host, port.unwrap_or(0));
                match (goal, pattern) {
                    (Goal::Gone, _) => format!("Timeout when waiting for {shown} to stop."),
                    (Goal::Drained, _) => format!("Timeout when waiting for {shown} to drain"),
                    (Goal::There, Some(pattern)) => {
                        format!("Timeout when waiting for search string {pattern} in {shown}")
                    }
                    (Goal::There, None) => format!("Timeout when waiting for {shown}"),
                }
            }
        }
    }

    fn result(&self, groups: Groups) -> TaskResult {
        let optional = |name: &str| self.args.get(name).cloned().unwrap_or(Value::None);
        TaskResult::changed(false)
            .with("state", optional("state"))
            .with("port", optional("port"))
            .with("search_regex", optional("search_regex"))
            .with("match_groups", Value::list(groups.numbered))
            .with("match_groupdict", Value::dict(groups.named))
            .with("path", optional("path"))
            .with("elapsed", self.elapsed())
    }
}

/// The groups of the first match of a pattern in bytes.
fn groups(pattern: &Regex, bytes: &[u8]) -> Option<Groups> {
    let haystack = text::from_bytes(bytes);
    let captures = pattern.captures(&haystack).ok().flatten()?;
    let value = |found: Option<fancy_regex::Match<'_>>| {
        found.map_or(Value::None, |found| Value::from(text::shown(found.as_str())))
    };
    let numbered = (1..captures.len()).map(|at| value(captures.get(at))).collect();
    let named = pattern.capture_names().flatten().map(|name| (name.to_owned(), value(captures.name(name))));
    Some(Groups { numbered, named: named.collect() })
}

async fn resolve(host: &str) -> Vec<IpAddr> {
    let found = tokio::net::lookup_host((host, 0)).await;
    found.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default()
}

/// An address and a port as the kernel's tables write them; an IPv4 address within an IPv6 one as itself.
fn endpoint(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if address.len() == 8 {
        let number = u32::from_str_radix(address, 16).ok()?;
        return Some((IpAddr::V4(Ipv4Addr::from(number.swap_bytes())), port));
    }
    let mut bytes = Vec::new();
    for word in address.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.swap_bytes().to_be_bytes());
    }
    let address = Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?);
    Some((address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4), port))
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn endpoints_of_the_kernel() {
        let shown = |text: &str| endpoint(text).map(|(address, port)| format!("{address} {port}"));
        assert_eq!(shown("0100007F:1F90").as_deref(), Some("127.0.0.1 8080"));
        assert_eq!(shown("0000000000000000FFFF00000100007F:0050").as_deref(), Some("127.0.0.1 80"));
        assert_eq!(shown("00000000000000000000000001000000:0016").as_deref(), Some("::1 22"));
        assert_eq!(shown("nonsense"), None);
    }
}
