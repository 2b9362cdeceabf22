//! `daytwo list`: the releases of a namespace or of the cluster.

use std::process::ExitCode;

use clap::Args;
use fancy_regex::Regex;
use serde_json::{Value, json};

use super::cluster::{Cluster, ClusterFlags};
use super::output::{Format, go_time, print, table, write};
use crate::release::record::{Record, Status};
use crate::release::{self, ReleaseFilter};

const HEADER: [&str; 7] = ["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"];

/// The flags of `helm list`.
#[derive(Args)]
pub(super) struct List {
    /// List releases across all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// A regular expression; releases whose name it matches are listed
    #[arg(short, long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// A label selector over the labels of the releases
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    #[command(flatten)]
    states: StateFlags,
    /// Sort by release date
    #[arg(short, long)]
    date: bool,
    /// Reverse the sort order
    #[arg(short, long)]
    reverse: bool,
    /// Maximum number of releases; 0 for all
    #[arg(short, long, default_value_t = 256, value_name = "NUMBER")]
    max: usize,
    /// Next release index in the list, used to offset from the start
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    offset: usize,
    /// Output names only
    #[arg(short = 'q', long)]
    short: bool,
    /// Don't print headers when using the default output format
    #[arg(long)]
    no_headers: bool,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// The output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Which states are listed; all when none is named.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "one flag per state, as Helm has them")]
struct StateFlags {
    /// Show deployed releases
    #[arg(long)]
    deployed: bool,
    /// Show failed releases
    #[arg(long)]
    failed: bool,
    /// Show pending releases
    #[arg(long)]
    pending: bool,
    /// Show superseded releases
    #[arg(long)]
    superseded: bool,
    /// Show uninstalled releases (if 'uninstall --keep-history' was used)
    #[arg(long)]
    uninstalled: bool,
    /// Show releases that are currently being uninstalled
    #[arg(long)]
    uninstalling: bool,
}

impl StateFlags {
    fn statuses(&self) -> Vec<Status> {
        let all: [(bool, &[Status]); 6] = [
            (self.deployed, &[Status::Deployed]),
            (self.failed, &[Status::Failed]),
            (self.pending, &[Status::PendingInstall, Status::PendingUpgrade, Status::PendingRollback]),
            (self.superseded, &[Status::Superseded]),
            (self.uninstalled, &[Status::Uninstalled]),
            (self.uninstalling, &[Status::Uninstalling]),
        ];
        all.iter().filter(|(wanted, _)| *wanted).flat_map(|(_, statuses)| statuses.iter().copied()).collect()
    }
}

impl List {
    pub(super) fn run(self) -> ExitCode {
        self.cluster.run(|cluster| async { self.show(cluster).await })
    }

    async fn show(&self, cluster: Cluster) -> Result<(), String> {
        let filter = ReleaseFilter {
            namespace: (!self.all_namespaces).then(|| cluster.namespace.clone()),
            statuses: self.states.statuses(),
            selector: self.selector.clone(),
        };
        let expression =
            self.filter.as_deref().map(Regex::new).transpose().map_err(|error| error.to_string())?;
        let named = |name: &str| match &expression {
            None => true,
            Some(expression) => expression.is_match(name).unwrap_or(false),
        };
        let records = release::releases(&cluster.client, &filter, named).await;
        let mut records = records.map_err(|error| error.to_string())?;
        if self.date {
            records.sort_by_key(|record| record.info.last_deployed);
        }
        if self.reverse {
            records.reverse();
        }
        let limit = if self.max == 0 { usize::MAX } else { self.max };
        let records: Vec<Record> = records.into_iter().skip(self.offset).take(limit).collect();
        if self.short {
            let names: Value = records.iter().map(|record| record.name.as_str()).collect();
            return match self.output {
                Format::Table => records.iter().try_for_each(|record| print(&format!("{}\n", record.name))),
                format => write(format, &names, String::new),
            };
        }
        let elements: Value = records.iter().map(element).collect();
        write(self.output, &elements, || {
            let header = (!self.no_headers).then(|| HEADER.map(str::to_owned).to_vec());
            table(&header.into_iter().chain(records.iter().map(cells)).collect::<Vec<_>>())
        })
    }
}

fn cells(record: &Record) -> Vec<String> {
    vec![
        record.name.clone(),
        record.namespace.clone(),
        record.version.to_string(),
        record.info.last_deployed.map_or_else(|| "-".into(), go_time),
        record.info.status.as_str().into(),
        chart_of(record),
        app_version_of(record),
    ]
}

fn element(record: &Record) -> Value {
    json!({
        "name": record.name,
        "namespace": record.namespace,
        "revision": record.version.to_string(),
        "updated": record.info.last_deployed.map_or_else(|| "-".into(), go_time),
        "status": record.info.status.as_str(),
        "chart": chart_of(record),
        "app_version": app_version_of(record),
    })
}

/// Name and version of the chart, as lists show it.
pub(super) fn chart_of(record: &Record) -> String {
    if record.chart.metadata.is_null() {
        return "MISSING".into();
    }
    format!("{}-{}", record.chart.name(), record.chart.version())
}

/// The version of the application in the chart, as lists show it.
pub(super) fn app_version_of(record: &Record) -> String {
    if record.chart.metadata.is_null() { "MISSING".into() } else { record.chart.app_version().into() }
}
