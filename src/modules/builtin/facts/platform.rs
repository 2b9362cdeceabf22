//! The kernel, the machine, its name, and what surrounds it.

use super::{Facts, read};
use crate::jinja::Value;

/// `ansible_system`, `ansible_kernel`, `ansible_architecture`, `ansible_hostname`, ….
pub(super) fn facts() -> Facts {
    let uname = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let node = text(uname.nodename());
    let machine = text(uname.machine());
    let host = node.split('.').next().unwrap_or_default().to_owned();
    let fqdn = fqdn(&node);
    let domain = fqdn.split_once('.').map(|(_, domain)| domain.to_owned()).unwrap_or_default();
    let architecture = match machine.as_str() {
        "i486" | "i586" | "i686" => "i386".to_owned(),
        other => other.to_owned(),
    };
    let mut facts: Facts = vec![
        ("system", Value::from(text(uname.sysname()))),
        ("kernel", Value::from(text(uname.release()))),
        ("kernel_version", Value::from(text(uname.version()))),
        ("machine", Value::from(machine)),
        ("architecture", Value::from(architecture.as_str())),
        ("userspace_bits", Value::from(usize::BITS.to_string())),
        ("userspace_architecture", Value::from(architecture)),
        ("nodename", Value::from(node)),
        ("hostname", Value::from(host)),
        ("fqdn", Value::from(fqdn)),
        ("domain", Value::from(domain)),
    ];
    if let Some(id) = read("/var/lib/dbus/machine-id").or_else(|| read("/etc/machine-id")) {
        facts.push(("machine_id", Value::from(id)));
    }
    facts
}

/// The full name of this host by `/etc/hosts`: the first name with a dot beside its own.
fn fqdn(node: &str) -> String {
    if node.contains('.') {
        return node.to_owned();
    }
    let hosts = read("/etc/hosts").unwrap_or_default();
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    let names = lines.map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>());
    let own = names.into_iter().find(|names| names.contains(&node));
    let full = own.and_then(|names| names.into_iter().find(|name| name.contains('.')));
    full.unwrap_or(node).to_owned()
}

/// `ansible_cmdline` and `ansible_proc_cmdline`.
pub(super) fn cmdline() -> Facts {
    let text = read("/proc/cmdline").unwrap_or_default();
    let words = shlex::split(&text).unwrap_or_default();
    let pair = |word: &String| match word.split_once('=') {
        Some((key, value)) => (key.to_owned(), Value::from(value)),
        None => (word.clone(), Value::Bool(true)),
    };
    let mut all: indexmap::IndexMap<String, Vec<Value>> = indexmap::IndexMap::new();
    for (key, value) in words.iter().map(pair) {
        all.entry(key).or_default().push(value);
    }
    let several = all.into_iter().map(|(key, mut values)| match values.len() {
        1 => (key, values.pop().unwrap_or(Value::None)),
        _ => (key, Value::list(values)),
    });
    let several: Vec<(String, Value)> = several.collect();
    vec![("cmdline", Value::dict(words.iter().map(pair))), ("proc_cmdline", Value::dict(several))]
}

/// `ansible_selinux`, `ansible_apparmor`, `ansible_fips`, `ansible_system_capabilities`.
pub(super) fn security() -> Facts {
    let apparmor = std::path::Path::new("/sys/kernel/security/apparmor").exists();
    let apparmor = if apparmor { "enabled" } else { "disabled" };
    let fips = read("/proc/sys/crypto/fips_enabled").as_deref() == Some("1");
    let status = |status: &str| Value::dict([("status", Value::from(status))]);
    vec![
        ("selinux", status("disabled")),
        ("selinux_python_present", Value::Bool(false)),
        ("apparmor", status(apparmor)),
        ("fips", Value::Bool(fips)),
        ("system_capabilities", Value::from("N/A")),
        ("system_capabilities_enforced", Value::from("N/A")),
        ("is_chroot", Value::Bool(false)),
    ]
}

/// Files and words in the control groups of the first process by which containers are known.
const CONTAINERS: &[(&str, &str, &str)] = &[
    ("/.dockerenv", "", "docker"),
    ("/.dockerinit", "", "docker"),
    ("/run/.containerenv", "", "podman"),
    ("/proc/1/cgroup", "kubepods", "container"),
    ("/proc/1/cgroup", "docker", "docker"),
    ("/proc/1/cgroup", "lxc", "lxc"),
    ("/proc/1/environ", "container=lxc", "lxc"),
    ("/proc/1/environ", "container=podman", "podman"),
];

/// `ansible_virtualization_type`, `ansible_virtualization_role`, ….
pub(super) fn virtualization() -> Facts {
    let found = CONTAINERS.iter().find(|(path, word, _)| {
        std::fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(word))
    });
    let flags = read("/proc/cpuinfo").unwrap_or_default();
    let hypervisor = flags.lines().any(|line| line.starts_with("flags") && line.contains(" hypervisor"));
    let (kind, mut guest) = match found {
        Some((_, _, "docker")) => ("docker", vec!["container", "docker"]),
        Some((_, _, "container")) => ("container", vec!["container"]),
        Some((_, _, kind)) => (*kind, vec!["container", *kind]),
        None if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => ("container", vec!["container"]),
        None if hypervisor => ("kvm", vec!["kvm"]),
        None => ("NA", Vec::new()),
    };
    guest.sort_unstable();
    let role = if kind == "NA" { "NA" } else { "guest" };
    let names = |names: Vec<&str>| Value::list(names.into_iter().map(Value::from).collect());
    vec![
        ("virtualization_type", Value::from(kind)),
        ("virtualization_role", Value::from(role)),
        ("virtualization_tech_guest", names(guest)),
        ("virtualization_tech_host", names(Vec::new())),
    ]
}
