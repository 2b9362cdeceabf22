//! Modules that have no meaning in an operator. Content that names one loads, with a warning; the task fails with
//! the reason if it runs.

/// Why a module is refused, for several of a kind.
struct Refusal {
    /// The reason, after "the module is not available here: ".
    reason: &'static str,
    /// The modules, by their short names.
    modules: &'static [&'static str],
}

/// The refusals of `ansible.builtin` and of names that roles written for machines use most.
const REFUSALS: &[Refusal] = &[
    Refusal {
        reason: "an operator's image is fixed when it is built; install packages in its Dockerfile",
        modules: &[
            "apk",
            "apt",
            "apt_key",
            "apt_repository",
            "debconf",
            "deb822_repository",
            "dnf",
            "dnf5",
            "dpkg_selections",
            "gem",
            "homebrew",
            "npm",
            "package",
            "package_facts",
            "pacman",
            "pip",
            "rpm_key",
            "snap",
            "yum",
            "yum_repository",
            "zypper",
        ],
    },
    Refusal {
        reason: "an operator's container has one process and no service manager; use a Deployment, StatefulSet or DaemonSet",
        modules: &["service", "service_facts", "systemd", "systemd_service", "sysvinit", "supervisorctl"],
    },
    Refusal { reason: "an operator has no crontab; use a CronJob", modules: &["at", "cron"] },
    Refusal {
        reason: "an operator runs as one user that its image and pod choose",
        modules: &["authorized_key", "known_hosts"],
    },
    Refusal {
        reason: "an operator has no right over the node's kernel, firewall, mounts or name",
        modules: &[
            "firewalld",
            "hostname",
            "iptables",
            "lvol",
            "modprobe",
            "mount",
            "parted",
            "reboot",
            "seboolean",
            "selinux",
            "sysctl",
            "ufw",
        ],
    },
    Refusal {
        reason: "it asks programs for input, which an operator has no one to give",
        modules: &["expect"],
    },
    Refusal {
        reason: "it needs git or subversion in the image; bring the files into the role, or run the program with `command`",
        modules: &["git", "subversion"],
    },
    Refusal {
        reason: "it is for hosts behind connections; all tasks run on this machine",
        modules: &["wait_for_connection"],
    },
    Refusal {
        reason: "Windows modules need PowerShell on a Windows host",
        modules: &["win_command", "win_shell"],
    },
];

/// The collections whose modules the table means.
const COLLECTIONS: [&str; 4] =
    ["ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.general."];

/// Why the module of this name is refused, if it is.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    let short = COLLECTIONS.iter().find_map(|collection| name.strip_prefix(collection)).unwrap_or(name);
    REFUSALS.iter().find(|refusal| refusal.modules.contains(&short)).map(|refusal| refusal.reason)
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn names_are_found_with_and_without_their_collection() {
        assert!(reason("apt").is_some_and(|reason| reason.contains("Dockerfile")));
        assert_eq!(reason("apt"), reason("ansible.builtin.apt"));
        assert_eq!(reason("copy"), None);
        assert_eq!(reason("my.collection.user"), None);
    }
}
