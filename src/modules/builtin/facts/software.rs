//! Which programs manage packages and services here, and Python where it is.

use std::path::Path;

use super::super::process::which;
use super::{Facts, read};
use crate::jinja::Value;
use crate::modules::ModuleContext;

/// Programs by which package managers are known.
const PACKAGE_MANAGERS: &[(&str, &str)] = &[
    ("/usr/bin/rpm-ostree", "atomic_container"),
    ("/usr/bin/microdnf", "dnf"),
    ("/usr/bin/dnf5", "dnf5"),
    ("/usr/bin/dnf", "dnf"),
    ("/usr/bin/yum", "yum"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/sbin/apk", "apk"),
    ("/usr/bin/pacman", "pacman"),
    ("/usr/bin/emerge", "portage"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/bin/tdnf", "dnf"),
];

/// `ansible_pkg_mgr`.
pub(super) fn pkg_mgr() -> Facts {
    let found = PACKAGE_MANAGERS.iter().find(|(path, _)| Path::new(path).exists());
    vec![("pkg_mgr", Value::from(found.map_or("unknown", |(_, name)| name)))]
}

/// `ansible_service_mgr`: what the first process is.
pub(super) fn service_mgr() -> Facts {
    let first = read("/proc/1/comm").unwrap_or_default();
    let first = first.rsplit('/').next().unwrap_or_default();
    let systemd = ["/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/"];
    let name = match first {
        "systemd" => "systemd",
        "init" | "sh" | "" if systemd.iter().any(|path| Path::new(path).exists()) => "systemd",
        "openrc-init" => "openrc",
        "init" if Path::new("/sbin/openrc").exists() => "openrc",
        "init" | "sh" | "bash" | "" if Path::new("/etc/init.d/").exists() => "sysvinit",
        "init" | "sh" | "bash" | "" => "service",
        "runit-init" => "runit",
        other => other,
    };
    vec![("service_mgr", Value::from(name))]
}

/// `ansible_python` and `ansible_python_version`, told by the files of the interpreter; nothing without one.
pub(super) fn python(context: &ModuleContext) -> Facts {
    let given = context.templar().variable("ansible_python_interpreter").ok().flatten();
    let given = given.map(|path| std::path::PathBuf::from(path.to_string())).filter(|path| path.is_file());
    let Some(path) = given.or_else(|| which(context, "python3")) else { return Vec::new() };
    let real = path.canonicalize().unwrap_or_else(|_| path.clone());
    let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some((major, minor)) = name.strip_prefix("python").and_then(|version| version.split_once('.')) else {
        return Vec::new();
    };
    let number = |text: &str| text.parse::<i64>().map_or(Value::None, Value::Int);
    let version = Value::dict([("major", number(major)), ("minor", number(minor))]);
    vec![
        (
            "python",
            Value::dict([
                ("executable", Value::from(path.display().to_string())),
                ("type", Value::from("cpython")),
                ("version", version),
                ("version_info", Value::list(vec![number(major), number(minor)])),
            ]),
        ),
        ("python_version", Value::from(format!("{major}.{minor}"))),
    ]
}

/// `ansible_ssh_host_key_rsa_public`, ….
pub(super) fn ssh_keys() -> Facts {
    const KEYS: &[(&str, &str, &str)] = &[
        ("dsa", "ssh_host_key_dsa_public", "ssh_host_key_dsa_public_keytype"),
        ("rsa", "ssh_host_key_rsa_public", "ssh_host_key_rsa_public_keytype"),
        ("ecdsa", "ssh_host_key_ecdsa_public", "ssh_host_key_ecdsa_public_keytype"),
        ("ed25519", "ssh_host_key_ed25519_public", "ssh_host_key_ed25519_public_keytype"),
    ];
    let mut facts = Vec::new();
    for (kind, name, type_name) in KEYS {
        let text = read(&format!("/etc/ssh/ssh_host_{kind}_key.pub")).unwrap_or_default();
        let mut words = text.split_whitespace();
        if let (Some(key_type), Some(key)) = (words.next(), words.next()) {
            facts.push((*name, Value::from(key)));
            facts.push((*type_name, Value::from(key_type)));
        }
    }
    facts
}
