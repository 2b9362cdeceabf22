//! `daytwo run`: the operator, with the flags and the environment of helm-operator and ansible-operator.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Command, ValueEnum};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::ansible::AnsibleFlags;
use crate::operator::{self, Endpoint, LeaderElection, MetricsAccess, Options};
use crate::traces::{self, Traces};
use crate::watches::duration;

/// What flags of `run` are by default when the program is called as one of these: program, argument, value.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("ansible-operator", "health_probe_bind_address", ":6789"),
    ("helm-operator", "reconcile_period", "1m"),
];

/// Gives `run` the defaults of the operator that the program is called as.
pub(super) fn with_defaults_of(program: Option<&OsString>, command: Command) -> Command {
    let name = program.and_then(|program| Path::new(program).file_name()).unwrap_or_default();
    let mut own = DEFAULTS.iter().filter(|(program, ..)| name == *program).peekable();
    if own.peek().is_none() {
        return command;
    }
    command.mut_subcommand("run", |run| {
        // Its flags are there already instead of when it is called.
        let run = Run::augment_args(run.defer(|run| run));
        own.fold(run, |run, (_, flag, value)| run.mut_arg(flag, |argument| argument.default_value(value)))
    })
}

/// Flags of `daytwo run`.
#[derive(Args)]
pub(super) struct Run {
    /// The file that maps kinds to charts, roles and playbooks.
    #[arg(long, default_value = "./watches.yaml")]
    watches_file: PathBuf,
    /// How often to look at a resource although nothing happened (an entry's own period wins).
    #[arg(long, default_value = "10h", value_parser = duration::parse)]
    reconcile_period: Duration,
    /// Passes of one kind at the same time. A pass mostly waits for the API server, so the number of
    /// processors, which is the default of both operators, would be too few.
    #[arg(long, default_value_t = 8)]
    max_concurrent_reconciles: usize,
    /// Passes of all kinds at the same time.
    #[arg(long, default_value_t = 64)]
    max_concurrent_passes: usize,
    /// How long the run of a role or playbook may take; 0 for as long as it wants (an entry's own `runTimeout` wins).
    #[arg(long, default_value = "0", value_parser = duration::parse)]
    run_timeout: Duration,
    /// Where metrics are served; 0 for nowhere.
    #[arg(long, alias = "metrics-addr", default_value = ":8080")]
    metrics_bind_address: Endpoint,
    /// Serve metrics through TLS, with a certificate that nobody has signed
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    metrics_secure: bool,
    /// Serve metrics only to who shows a token that the cluster's rules let get /metrics; needs --metrics-secure
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    metrics_require_rbac: bool,
    /// Where /healthz and /readyz are served; 0 for nowhere.
    #[arg(long, default_value = ":8081")]
    health_probe_bind_address: Endpoint,
    /// The namespaces to watch, separated by commas; all when empty.
    #[arg(long, env = "WATCH_NAMESPACE", default_value = "")]
    watch_namespace: String,
    /// How long running passes may take to end after SIGTERM.
    #[arg(long, default_value = "30s", value_parser = duration::parse)]
    graceful_shutdown_timeout: Duration,
    /// Write the owner on what roles create, and watch it.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    inject_owner_ref: bool,
    /// How log lines look [default: text on a terminal, json elsewhere].
    #[arg(long, alias = "zap-encoder")]
    log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, trace, or filters by module.
    #[arg(long, alias = "zap-log-level", env = "DAYTWO_LOG", default_value = "info")]
    log_level: String,
    /// The port on localhost where programs that roles run find the cluster; 0 for none. It is open where a role runs programs.
    #[arg(long, default_value_t = 8888)]
    proxy_port: u16,
    #[command(flatten)]
    ansible: AnsibleFlags,
    #[command(flatten)]
    election: LeaderElectionFlags,
    #[command(flatten)]
    unused: Unused,
}

/// Flags of leader election.
#[derive(Args)]
struct LeaderElectionFlags {
    /// Of several instances, let only one work: the one that holds a Lease.
    #[arg(long, alias = "enable-leader-election", num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    leader_elect: bool,
    /// The name of the Lease [default: the environment's OPERATOR_NAME].
    #[arg(long, env = "OPERATOR_NAME", default_value = "")]
    leader_election_id: String,
    /// The namespace of the Lease [default: that of the pod].
    #[arg(long)]
    leader_election_namespace: Option<String>,
    /// How long other instances wait after the leader's last sign of life before one takes over.
    #[arg(long, default_value = "15s", value_parser = duration::parse)]
    leader_elect_lease_duration: Duration,
    /// How long the leader tries to renew its Lease before it gives up.
    #[arg(long, default_value = "10s", value_parser = duration::parse)]
    leader_elect_renew_deadline: Duration,
    /// Leases are the only kind of lock.
    #[arg(long, hide = true)]
    leader_elect_resource_lock: Option<String>,
}

impl LeaderElectionFlags {
    fn wanted(self) -> Result<Option<LeaderElection>, String> {
        if !self.leader_elect {
            return Ok(None);
        }
        if self.leader_election_id.is_empty() {
            return Err("--leader-elect needs --leader-election-id, the name of the Lease".to_owned());
        }
        if self.leader_elect_renew_deadline >= self.leader_elect_lease_duration {
            return Err(
                "--leader-elect-renew-deadline must be less than --leader-elect-lease-duration".to_owned()
            );
        }
        Ok(Some(LeaderElection {
            id: self.leader_election_id,
            namespace: self.leader_election_namespace.filter(|namespace| !namespace.is_empty()),
            lease_duration: self.leader_elect_lease_duration,
            renew_deadline: self.leader_elect_renew_deadline,
        }))
    }
}

/// Flags of the other operators that mean nothing here; a deployment may still give them.
#[derive(Args)]
struct Unused {
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    enable_http2: Option<String>,
    #[arg(long, hide = true)]
    ansible_log_events: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    zap_devel: Option<String>,
    #[arg(long, hide = true)]
    zap_stacktrace_level: Option<String>,
    #[arg(long, hide = true)]
    zap_time_encoding: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    #[value(alias = "console")]
    Text,
}

impl Run {
    pub(super) fn run(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(processors().min(2))
            .enable_all()
            .build();
        let result = match runtime {
            Ok(runtime) => self.run_on(&runtime),
            Err(error) => Err(error.to_string()),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("Error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn run_on(self, runtime: &Runtime) -> Result<(), String> {
        let (traces, refused) = match Traces::from_environment(runtime.handle()) {
            Ok(traces) => (traces, None),
            Err(error) => (None, Some(error)),
        };
        self.start_log(traces.as_ref());
        // An operator that works untraced is better than none.
        if let Some(error) = refused {
            tracing::error!(%error, "no traces are sent");
        }
        self.unused.warn();
        let result = runtime.block_on(self.operate());
        if let Some(traces) = traces {
            traces.end();
        }
        result
    }

    async fn operate(self) -> Result<(), String> {
        let shutdown = CancellationToken::new();
        tokio::spawn(stop_on_signal(shutdown.clone()));
        operator::run(self.options()?, shutdown).await.map_err(|error| error.to_string())
    }

    fn options(self) -> Result<Options, String> {
        let namespaces = self.watch_namespace.split(',').map(str::trim);
        Ok(Options {
            watch_namespaces: namespaces.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            watches_file: self.watches_file,
            reconcile_period: self.reconcile_period,
            max_concurrent_reconciles: self.max_concurrent_reconciles,
            max_passes: self.max_concurrent_passes,
            run_timeout: self.run_timeout,
            metrics_address: self.metrics_bind_address,
            metrics_access: metrics_access(self.metrics_secure, self.metrics_require_rbac)?,
            health_address: self.health_probe_bind_address,
            grace: self.graceful_shutdown_timeout,
            inject_owner: self.inject_owner_ref,
            proxy_port: self.proxy_port,
            leader_election: self.election.wanted()?,
            ansible: self.ansible.options()?,
        })
    }

    /// Begins to log, and to trace. Spans of traces have a target of their own, which is not logged.
    fn start_log(&self, traces: Option<&Traces>) {
        let filter = EnvFilter::try_new(&self.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
        let unlogged = format!("{}=off", traces::TARGET).parse();
        let filter = unlogged.into_iter().fold(filter, EnvFilter::add_directive);
        let json = match self.log_format {
            Some(format) => matches!(format, LogFormat::Json),
            None => !std::io::stderr().is_terminal(),
        };
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
        let lines = if json {
            lines.json().flatten_event(true).with_span_list(false).with_filter(filter).boxed()
        } else {
            lines.with_filter(filter).boxed()
        };
        // A list, not an optional layer: with that, spans that nobody wants would be asked about each time.
        let mut layers = vec![lines];
        layers.extend(traces.map(|traces| traces.layer().boxed()));
        // A second start in one process (tests) keeps the first log.
        let _ = tracing_subscriber::registry().with(layers).try_init();
    }
}

impl Unused {
    fn warn(&self) {
        let given = [
            ("enable-http2", &self.enable_http2),
            ("ansible-log-events", &self.ansible_log_events),
            ("zap-devel", &self.zap_devel),
            ("zap-stacktrace-level", &self.zap_stacktrace_level),
            ("zap-time-encoding", &self.zap_time_encoding),
        ];
        for (name, _) in given.iter().filter(|(_, value)| value.is_some()) {
            tracing::warn!("--{name} has no effect");
        }
    }
}

fn metrics_access(secure: bool, granted: bool) -> Result<MetricsAccess, String> {
    match (secure, granted) {
        (false, false) => Ok(MetricsAccess::Open),
        (true, false) => Ok(MetricsAccess::Secure),
        (true, true) => Ok(MetricsAccess::Granted),
        (false, true) => {
            Err("--metrics-require-rbac needs --metrics-secure: tokens must not travel in the clear"
                .to_owned())
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

async fn stop_on_signal(shutdown: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    shutdown.cancel();
}

#[cfg(test)]
mod tests {
    use clap::{FromArgMatches, Subcommand};

    use super::*;

    #[derive(Subcommand)]
    #[command(defer = true)]
    enum Commands {
        Run(Box<Run>),
    }

    #[test]
    fn a_program_of_another_name_has_its_defaults() {
        for (name, health, minutes) in [
            ("daytwo", 8081, 600),
            ("/usr/local/bin/ansible-operator", 6789, 600),
            ("helm-operator", 8081, 1),
        ] {
            let command = Commands::augment_subcommands(Command::new("test"));
            let command = with_defaults_of(Some(&name.into()), command);
            let Commands::Run(run) =
                Commands::from_arg_matches(&command.get_matches_from([name, "run"])).unwrap();
            assert_eq!(run.health_probe_bind_address.0.unwrap().port(), health, "{name}");
            assert_eq!(run.reconcile_period, Duration::from_secs(60 * minutes), "{name}");
        }
    }
}
