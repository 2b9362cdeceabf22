//! `setup`: what is known of this machine (`module_utils/facts`).
//!
//! ```text
//! gather_subset ─> families (data) ─> each family's facts ─> filter ─> ansible_facts
//! ```
//!
//! Facts come from the kernel's and the distribution's files; no program is run. Families that a container
//! has no use for (block devices, DMI, LVM, Fibre Channel, …) are not there.

mod distribution;
mod hardware;
mod local;
mod network;
mod platform;
mod software;
mod time;
mod user;

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::jinja::Value;
use crate::jinja::value::{Dict, Entries};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.setup` and `ansible.builtin.gather_facts`.
pub(super) struct Setup;

pub(super) static SPEC: Spec = Spec {
    aliases: &["ansible.builtin.gather_facts"],
    ..Spec::new(
        "ansible.builtin.setup",
        &[
            Opt::new("gather_subset", Kind::ListOfStr).default("all"),
            Opt::new("gather_timeout", Kind::Int).default("10"),
            Opt::new("filter", Kind::ListOfStr),
            Opt::new("fact_path", Kind::Path).default("/etc/ansible/facts.d"),
            // Of `gather_facts`: there is one module to run, so nothing to do in parallel.
            Opt::new("parallel", Kind::Bool),
        ],
    )
};

/// Facts on the way to a result, by their names without `ansible_`.
type Facts = Vec<(&'static str, Value)>;

/// A family of facts.
struct Family {
    /// The names by which `gather_subset` asks for it.
    names: &'static [&'static str],
    /// Whether it is gathered unless `!min` says otherwise.
    minimal: bool,
    /// Finds the facts.
    gather: Gather,
}

type Gather = fn(&ModuleContext, &Args) -> Result<Vec<(String, Value)>, ModuleError>;

/// The families, in the order of gathering.
const FAMILIES: &[Family] = &[
    Family { names: &["platform"], minimal: true, gather: |_, _| Ok(named(platform::facts())) },
    Family { names: &["distribution"], minimal: true, gather: |_, _| Ok(named(distribution::facts())) },
    Family { names: &["lsb"], minimal: true, gather: |_, _| Ok(named(distribution::lsb())) },
    Family { names: &["date_time"], minimal: true, gather: |_, _| Ok(named(time::facts()?)) },
    Family { names: &["env"], minimal: true, gather: |context, _| Ok(named(user::env(context))) },
    Family { names: &["user"], minimal: true, gather: |_, _| Ok(named(user::facts())) },
    Family { names: &["dns"], minimal: true, gather: |_, _| Ok(named(network::dns())) },
    Family { names: &["cmdline"], minimal: true, gather: |_, _| Ok(named(platform::cmdline())) },
    Family {
        names: &["apparmor", "caps", "fips", "selinux", "system_capabilities"],
        minimal: true,
        gather: |_, _| Ok(named(platform::security())),
    },
    Family { names: &["pkg_mgr"], minimal: true, gather: |_, _| Ok(named(software::pkg_mgr())) },
    Family { names: &["service_mgr"], minimal: true, gather: |_, _| Ok(named(software::service_mgr())) },
    Family { names: &["python"], minimal: true, gather: |context, _| Ok(named(software::python(context))) },
    Family { names: &["ssh_pub_keys"], minimal: true, gather: |_, _| Ok(named(software::ssh_keys())) },
    Family { names: &["local"], minimal: true, gather: |context, args| local::facts(context, args) },
    Family {
        names: &["hardware", "devices", "memory", "mounts", "processor", "loadavg", "uptime"],
        minimal: false,
        gather: |_, _| Ok(named(hardware::facts())),
    },
    Family {
        names: &[
            "network",
            "all_ipv4_addresses",
            "all_ipv6_addresses",
            "default_ipv4",
            "default_ipv6",
            "interfaces",
        ],
        minimal: false,
        gather: |_, _| Ok(network::facts()),
    },
    Family {
        names: &[
            "virtual",
            "virtualization_role",
            "virtualization_type",
            "virtualization_tech_guest",
            "virtualization_tech_host",
        ],
        minimal: false,
        gather: |_, _| Ok(named(platform::virtualization())),
    },
];

/// Names that Ansible knows and that give no facts here.
const EMPTY: &[&str] = &[
    "all",
    "min",
    "facter",
    "ohai",
    "fibre_channel_wwn",
    "iscsi",
    "nvme",
    "dmi",
    "chroot",
    "is_chroot",
    "vendor",
    "ansible_dns",
    "architecture",
    "machine",
    "machine_id",
    "system",
    "kernel",
    "kernel_version",
    "python_version",
    "real_user_id",
    "effective_user_id",
    "effective_group_ids",
    "user_id",
    "fqdn",
    "hostname",
    "domain",
    "nodename",
    "distribution_version",
    "distribution_release",
    "distribution_major_version",
    "os_family",
    "proc_cmdline",
    "swapfree_mb",
    "swaptotal_mb",
    "memtotal_mb",
    "memfree_mb",
    "processor_count",
    "processor_cores",
    "processor_vcpus",
    "sunos",
];

fn named(facts: Facts) -> Vec<(String, Value)> {
    facts.into_iter().map(|(name, value)| (format!("ansible_{name}"), value)).collect()
}

#[async_trait]
impl Module for Setup {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let subset = args.texts("gather_subset").unwrap_or_default();
        let chosen = choose(&subset)?;
        let mut facts = Entries::new();
        for (family, wanted) in FAMILIES.iter().zip(chosen) {
            if wanted {
                context.still_running()?;
                for (name, value) in (family.gather)(context, &args)? {
                    facts.insert(name.into(), value);
                }
            }
        }
        facts = filtered(facts, &args.texts("filter").unwrap_or_default());
        let subset = subset.iter().map(|name| Value::from(name.as_str())).collect();
        facts.insert("gather_subset".into(), Value::list(subset));
        facts.insert("module_setup".into(), Value::Bool(true));
        Ok(TaskResult::changed(false).with("ansible_facts", Value::Dict(Dict::new(facts))))
    }
}

/// For each family whether it is wanted.
fn choose(subset: &[String]) -> Result<Vec<bool>, ModuleError> {
    let known =
        |name: &str| EMPTY.contains(&name) || FAMILIES.iter().any(|family| family.names.contains(&name));
    let (mut add, mut drop) = (BTreeSet::new(), BTreeSet::new());
    let (mut all, mut no_minimal) = (subset.is_empty(), false);
    let mut only_excludes = true;
    for name in subset {
        let excluded = name.strip_prefix('!').map(str::trim);
        let plain = excluded.unwrap_or(name).trim();
        if !known(plain) {
            let mut options: Vec<&str> = EMPTY
                .iter()
                .copied()
                .chain(FAMILIES.iter().flat_map(|family| family.names.iter().copied()))
                .collect();
            options.sort_unstable();
            return Err(ModuleError::new(format!(
                "Bad subset '{plain}' given to Ansible. gather_subset options allowed: all, {}",
                options.join(", ")
            )));
        }
        match (excluded.is_some(), plain) {
            (true, "min") => no_minimal = true,
            (true, "all") => only_excludes = false,
            (true, _) => {
                drop.insert(plain);
            }
            (false, "all") => all = true,
            (false, "min") => only_excludes = false,
            (false, _) => {
                only_excludes = false;
                add.insert(plain);
            }
        }
    }
    // Only exclusions: everything but these.
    let all = all || (only_excludes && !drop.is_empty());
    let wanted = |family: &Family| {
        let named = |names: &BTreeSet<&str>| family.names.iter().any(|name| names.contains(name));
        let asked = add.iter().any(|name| family.names.contains(name)) || serves(family, &add);
        asked || (!named(&drop) && (all || (family.minimal && !no_minimal)))
    };
    Ok(FAMILIES.iter().map(wanted).collect())
}

/// Whether a family holds a fact that is asked for by its own name.
fn serves(family: &Family, add: &BTreeSet<&str>) -> bool {
    let holds: &[&str] = match family.names.first() {
        Some(&"platform") => &[
            "architecture",
            "machine",
            "machine_id",
            "system",
            "kernel",
            "kernel_version",
            "fqdn",
            "hostname",
            "domain",
            "nodename",
        ],
        Some(&"user") => &["real_user_id", "effective_user_id", "effective_group_ids", "user_id"],
        Some(&"distribution") => {
            &["distribution_version", "distribution_release", "distribution_major_version", "os_family"]
        }
        Some(&"hardware") => &[
            "swapfree_mb",
            "swaptotal_mb",
            "memtotal_mb",
            "memfree_mb",
            "processor_count",
            "processor_cores",
            "processor_vcpus",
        ],
        Some(&"python") => &["python_version"],
        Some(&"cmdline") => &["proc_cmdline"],
        _ => &[],
    };
    holds.iter().any(|name| add.contains(name))
}

/// The facts whose names match a pattern, with or without `ansible_`.
fn filtered(facts: Entries, patterns: &[String]) -> Entries {
    if patterns.is_empty() || patterns.iter().any(|pattern| pattern == "*") {
        return facts;
    }
    let patterns: Vec<glob::Pattern> = patterns
        .iter()
        .flat_map(|pattern| [pattern.clone(), format!("ansible_{pattern}")])
        .filter_map(|pattern| glob::Pattern::new(&pattern).ok())
        .collect();
    facts
        .into_iter()
        .filter(|(name, _)| patterns.iter().any(|pattern| pattern.matches(&name.text())))
        .collect()
}

/// The text of a file without the white space around it; nothing when it cannot be read.
fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(subset: &[&str]) -> Vec<&'static str> {
        let subset: Vec<String> = subset.iter().map(|name| (*name).to_owned()).collect();
        let chosen = choose(&subset).expect("known names");
        FAMILIES.iter().zip(chosen).filter(|(_, wanted)| *wanted).map(|(family, _)| family.names[0]).collect()
    }

    #[test]
    fn subsets_choose_families() {
        let minimal: Vec<&str> =
            FAMILIES.iter().filter(|family| family.minimal).map(|family| family.names[0]).collect();
        assert_eq!(chosen(&["all"]).len(), FAMILIES.len());
        assert_eq!(chosen(&["min"]), minimal);
        assert_eq!(chosen(&["!all"]), minimal);
        assert_eq!(chosen(&["!all", "!min", "network"]), ["network"]);
        assert_eq!(chosen(&["!all", "!min", "default_ipv4"]), ["network"]);
        assert_eq!(chosen(&["!all", "!min"]), Vec::<&str>::new());
        assert!(!chosen(&["!hardware"]).contains(&"hardware") && chosen(&["!hardware"]).contains(&"network"));
        assert!(choose(&["nonsense".to_owned()]).is_err());
    }
}
