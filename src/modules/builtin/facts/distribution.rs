//! The distribution by `/etc/os-release` and the files of the distributions themselves.

use std::collections::HashMap;

use super::{Facts, read};
use crate::jinja::Value;

/// Distributions: `ID` of os-release, Ansible's name, Ansible's family.
const DISTRIBUTIONS: &[(&str, &str, &str)] = &[
    ("almalinux", "AlmaLinux", "RedHat"),
    ("alpine", "Alpine", "Alpine"),
    ("alt", "Altlinux", "Altlinux"),
    ("amzn", "Amazon", "RedHat"),
    ("arch", "Archlinux", "Archlinux"),
    ("azurelinux", "Azure", "RedHat"),
    ("centos", "CentOS", "RedHat"),
    ("chainguard", "Chainguard", "Chainguard"),
    ("clear-linux-os", "Clear Linux OS", "ClearLinux"),
    ("cos", "COS", "COS"),
    ("debian", "Debian", "Debian"),
    ("fedora", "Fedora", "RedHat"),
    ("flatcar", "Flatcar", "Flatcar"),
    ("gentoo", "Gentoo", "Gentoo"),
    ("kali", "Kali", "Debian"),
    ("linuxmint", "Linux Mint", "Debian"),
    ("nixos", "NixOS", "NixOS"),
    ("ol", "OracleLinux", "RedHat"),
    ("opensuse-leap", "openSUSE Leap", "Suse"),
    ("opensuse-tumbleweed", "openSUSE Tumbleweed", "Suse"),
    ("photon", "Photon", "Photon"),
    ("pop", "Pop!_OS", "Debian"),
    ("raspbian", "Debian", "Debian"),
    ("rhcos", "RedHat", "RedHat"),
    ("rhel", "RedHat", "RedHat"),
    ("rocky", "Rocky", "RedHat"),
    ("sled", "SLED", "Suse"),
    ("sles", "SLES", "Suse"),
    ("ubuntu", "Ubuntu", "Debian"),
    ("void", "Void", "Void"),
    ("wolfi", "Wolfi", "Wolfi"),
];

/// The files in which os-release may be.
const PATHS: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// `NAME=value` lines, without quotes.
fn fields(text: &str) -> HashMap<String, String> {
    let pair = |line: &str| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

/// `ansible_distribution`, `ansible_os_family`, ….
pub(super) fn facts() -> Facts {
    let path = PATHS.into_iter().find(|path| std::path::Path::new(path).exists());
    let fields = fields(&path.and_then(read).unwrap_or_default());
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let id = field("ID");
    let known = DISTRIBUTIONS.iter().find(|(known, _, _)| *known == id);
    let name = known.map_or_else(|| field("NAME"), |(_, name, _)| (*name).to_owned());
    let name = if name.is_empty() { "Linux".to_owned() } else { name };
    let family = known.map_or_else(|| name.clone(), |(_, _, family)| (*family).to_owned());
    let mut version = field("VERSION_ID");
    if id == "debian" {
        // os-release knows the first number only.
        let full = read("/etc/debian_version").filter(|it| it.starts_with(|c: char| c.is_ascii_digit()));
        version = full.unwrap_or(version);
    }
    let mut parts = version.split('.');
    let major = parts.next().unwrap_or_default().to_owned();
    let minor = parts.next().map(ToOwned::to_owned);
    let mut facts: Facts = vec![
        ("distribution", Value::from(name)),
        ("os_family", Value::from(family.as_str())),
        ("distribution_version", Value::from(if version.is_empty() { "NA" } else { &version })),
        ("distribution_major_version", Value::from(if major.is_empty() { "NA" } else { &major })),
        ("distribution_release", Value::from(release(&id, &fields))),
        ("distribution_file_parsed", Value::Bool(known.is_some())),
    ];
    if let Some(minor) = minor.filter(|_| id == "debian") {
        facts.push(("distribution_minor_version", Value::from(minor)));
    }
    if let Some(path) = path {
        facts.push(("distribution_file_path", Value::from(path)));
        facts.push(("distribution_file_variety", Value::from(family)));
    }
    facts
}

/// The name of the release: a code name, or what stands in brackets in `VERSION`.
fn release(id: &str, fields: &HashMap<String, String>) -> String {
    let field = |name: &str| fields.get(name).filter(|value| !value.is_empty()).cloned();
    if let Some(name) = field("VERSION_CODENAME").or_else(|| field("UBUNTU_CODENAME")) {
        return name;
    }
    let version = field("VERSION").unwrap_or_default();
    let named = version.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    match (id, named) {
        ("fedora", _) => String::new(),
        (_, Some((name, _))) => name.to_owned(),
        _ => "NA".to_owned(),
    }
}

/// `ansible_lsb`, from `/etc/lsb-release`.
pub(super) fn lsb() -> Facts {
    let fields = fields(&read("/etc/lsb-release").unwrap_or_default());
    let mut entries = Vec::new();
    for (key, name) in [
        ("id", "DISTRIB_ID"),
        ("release", "DISTRIB_RELEASE"),
        ("description", "DISTRIB_DESCRIPTION"),
        ("codename", "DISTRIB_CODENAME"),
    ] {
        entries.extend(fields.get(name).map(|value| (key, Value::from(value.as_str()))));
    }
    if let Some(release) = fields.get("DISTRIB_RELEASE") {
        entries.push(("major_release", Value::from(release.split('.').next().unwrap_or_default())));
    }
    vec![("lsb", Value::dict(entries))]
}
