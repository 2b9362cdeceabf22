//! `setup`: the facts of this machine that need no process to find out (`modules/setup.py`).

use async_trait::async_trait;

use crate::jinja::datetime;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{Value, repr};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.setup`.
pub(super) struct Setup;

const SPEC: Spec = Spec {
    aliases: &["ansible.builtin.gather_facts"],
    ..Spec::new(
        "ansible.builtin.setup",
        &[
            Opt::new("gather_subset", Kind::ListOfStr).default("all"),
            Opt::new("gather_timeout", Kind::Int).default("10"),
            Opt::new("filter", Kind::ListOfStr),
            Opt::new("fact_path", Kind::Path).default("/etc/ansible/facts.d"),
            Opt::new("parallel", Kind::Bool),
        ],
    )
};

#[async_trait]
impl Module for Setup {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, _: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let mut facts = Entries::new();
        let mut set = |name: &str, value: Value| {
            facts.insert(format!("ansible_{name}").into(), value);
        };
        let hostname =
            std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
        let kernel =
            std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned();
        set("hostname", Value::from(hostname.split('.').next().unwrap_or_default()));
        set("nodename", Value::from(hostname.as_str()));
        set("fqdn", Value::from(hostname.as_str()));
        set("system", Value::from("Linux"));
        set("kernel", Value::from(kernel));
        set("architecture", Value::from(std::env::consts::ARCH));
        set("machine", Value::from(std::env::consts::ARCH));
        set("user_id", Value::from(std::env::var("USER").unwrap_or_else(|_| "root".to_owned())));
        set("user_dir", Value::from(std::env::var("HOME").unwrap_or_default()));
        set("processor_vcpus", Value::from(std::thread::available_parallelism().map_or(1, usize::from)));
        set("env", Value::dict(std::env::vars().map(|(name, value)| (name, Value::from(value)))));
        set("date_time", date_time()?);
        for (name, value) in distribution() {
            set(name, Value::from(value));
        }
        set("gather_subset", args.get("gather_subset").cloned().unwrap_or(Value::None));
        set("module_setup", Value::Bool(true));
        if let Some(module_setup) = facts.shift_remove("ansible_module_setup") {
            facts.insert("module_setup".into(), module_setup);
        }
        Ok(TaskResult::changed(false).with("ansible_facts", Value::Dict(Dict::new(facts))))
    }
}

/// `ansible_date_time`.
fn date_time() -> Result<Value, ModuleError> {
    let (now, utc) = (datetime::now(false), datetime::now(true));
    let local = |format: &str| datetime::strftime(&now, format).map(Value::from);
    let micros = repr::timestamp(&utc, 'T');
    let second = utc.civil.with().subsec_nanosecond(0).build().unwrap_or(utc.civil);
    let second = crate::jinja::value::Timestamp { civil: second, offset: None };
    let basic = datetime::strftime(&now, "%Y%m%dT%H%M%S%f")?;
    let epoch = datetime::local_micros(&now)? / 1_000_000;
    Ok(Value::dict([
        ("year", local("%Y")?),
        ("month", local("%m")?),
        ("weekday", local("%A")?),
        ("weekday_number", local("%w")?),
        ("weeknumber", local("%W")?),
        ("day", local("%d")?),
        ("hour", local("%H")?),
        ("minute", local("%M")?),
        ("second", local("%S")?),
        ("epoch", Value::from(epoch.to_string())),
        ("epoch_int", Value::from(epoch.to_string())),
        ("date", local("%Y-%m-%d")?),
        ("time", local("%H:%M:%S")?),
        ("iso8601_micro", Value::from(format!("{micros}Z"))),
        ("iso8601", Value::from(format!("{}Z", repr::timestamp(&second, 'T')))),
        ("iso8601_basic", Value::from(basic)),
        ("iso8601_basic_short", local("%Y%m%dT%H%M%S")?),
    ]))
}

/// The distribution by `/etc/os-release`.
fn distribution() -> Vec<(&'static str, String)> {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let field = |name: &str| {
        let line =
            text.lines().find_map(|line| line.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    let id = field("ID").unwrap_or_default();
    let (name, family) = match id.as_str() {
        "debian" => ("Debian", "Debian"),
        "ubuntu" => ("Ubuntu", "Debian"),
        "rhel" => ("RedHat", "RedHat"),
        "fedora" => ("Fedora", "RedHat"),
        "centos" => ("CentOS", "RedHat"),
        "alpine" => ("Alpine", "Alpine"),
        _ => ("Linux", "Linux"),
    };
    let version = field("VERSION_ID").unwrap_or_default();
    let major = version.split('.').next().unwrap_or_default().to_owned();
    vec![
        ("distribution", name.to_owned()),
        ("os_family", family.to_owned()),
        ("distribution_version", version),
        ("distribution_major_version", major),
        ("distribution_release", field("VERSION_CODENAME").unwrap_or_default()),
    ]
}
