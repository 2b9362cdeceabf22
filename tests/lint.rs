//! `daytwo lint` over real operator projects (`$DAYTWO_CONFORMANCE` or `../shared/conformance`): it reads all of
//! them, and what it finds in a small one is what is wrong there.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use daytwo::jinja::Environment;
use daytwo::modules::Registry;
use daytwo::playbook::{Kind, LoadError, Options, Report, lint};

/// The projects, unpacked; none when the archive is not there.
fn projects() -> Option<(tempfile::TempDir, PathBuf)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let root = std::env::var_os("DAYTWO_CONFORMANCE").map_or(beside, PathBuf::from);
    let archive = root.join("operators/projects.tar.xz");
    let Ok(file) = std::fs::File::open(&archive) else {
        eprintln!("skipped: no {} (set DAYTWO_CONFORMANCE)", archive.display());
        return None;
    };
    let directory = tempfile::tempdir().unwrap();
    tar::Archive::new(xz2::read::XzDecoder::new(file)).unpack(directory.path()).unwrap();
    let path = directory.path().to_owned();
    Some((directory, path))
}

fn report(path: &Path) -> Report {
    let environment = Arc::new(Environment::new(Arc::new(daytwo::modules::plugins())));
    lint(path, &Options::new(Arc::new(Registry::all()), environment))
}

/// The projects, with the roles and playbooks that each has.
const PROJECTS: &[(&str, usize, usize)] = &[
    ("awx-operator", 5, 1),
    ("benchmark-operator", 32, 1),
    ("microcks-operator", 1, 0),
    ("sdk-ansible-memcached", 4, 3),
    ("sdk-helm-memcached", 0, 0),
];

#[test]
fn real_projects_are_read_whole() {
    let Some((_guard, root)) = projects() else { return };
    for (name, roles, playbooks) in PROJECTS {
        let report = report(&root.join(name));
        assert_eq!((report.roles, report.playbooks), (*roles, *playbooks), "{name}");
        let keywords = report.findings.iter().filter(|finding| finding.kind == Kind::Keyword);
        assert_eq!(keywords.collect::<Vec<_>>(), Vec::<&LoadError>::new(), "{name}");
    }
}

#[test]
fn what_a_role_cannot_do_here_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let role = directory.path().join("roles/r");
    for (file, content) in [
        ("tasks/main.yml", "- shell: kubectl get pods | jq .\n- include_tasks: '{{ x }}.yml'\n"),
        (
            "tasks/other.yml",
            "- nosuch: {}\n- debug: {mgs: x}\n- debug: {msg: \"{{ 1 | nope }}\"}\n  whne: x\n",
        ),
        ("templates/a.j2", "a\n{% if x is nottest %}{% endif %}\n"),
        ("templates/b.j2", "{% if %}\n"),
        ("../../filter_plugins/f.py", "class FilterModule: pass\n"),
        ("../../play.yml", "- hosts: all\n  roles: [r]\n  serial: 1\n"),
    ] {
        let path = role.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let report = report(directory.path());
    assert_eq!((report.roles, report.playbooks), (1, 1));
    let found: Vec<(Kind, usize)> = report.counts().map(|(kind, _, count)| (kind, count)).collect();
    let one =
        [Kind::Keyword, Kind::Module, Kind::Argument, Kind::Filter, Kind::Test, Kind::Template, Kind::Python];
    for kind in one {
        assert!(found.contains(&(kind, 1)), "{kind:?} in {found:?}: {:#?}", report.findings);
    }
    assert_eq!(report.programs.keys().map(String::as_str).collect::<Vec<_>>(), ["jq", "kubectl"]);
    assert!(!report.is_clean());
}
