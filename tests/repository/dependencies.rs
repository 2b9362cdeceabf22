//! `charts/` and `Chart.lock`.

use std::path::Path;
use std::sync::Mutex;

use daytwo::repository::{self, Access, Entry, Manager, Settings};

use crate::fixture::{Home, packed, publish, write_chart};
use crate::registry::{Guard, Registry};
use crate::server::Server;

struct Told(Mutex<Vec<String>>);

impl Told {
    async fn run(chart: &Path, settings: &Settings, by_lock: bool) -> Result<Vec<String>, String> {
        let told = Self(Mutex::default());
        let access = Access { plain_http: true, ..Access::default() };
        let manager = Manager {
            chart,
            settings,
            access: &access,
            keyring: None,
            allow_unsigned: false,
            skip_refresh: false,
            modified: None,
            report: &|line| told.0.lock().unwrap().push(line.to_owned()),
        };
        let result = if by_lock { manager.build().await } else { manager.update().await };
        result.map_err(|error| error.to_string())?;
        Ok(told.0.into_inner().unwrap())
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn dependencies_come_from_paths_repositories_and_registries() {
    let (home, server) = (Home::new(), Server::start().await);
    let registry = Registry::start(Guard::Open, None).await;
    let settings = home.settings();
    publish(&server, &[("alpine", "1.0.0"), ("alpine", "1.1.0"), ("alpine", "2.0.0")]);
    for version in ["0.9.0", "0.9.5"] {
        let archive = home.path(&format!("inner-{version}.tgz"));
        std::fs::write(&archive, packed("inner", version)).unwrap();
        let access = Access { plain_http: true, ..Access::default() };
        let remote = format!("oci://{}/charts", registry.host());
        repository::push(&archive, &remote, &access, &settings).await.unwrap();
    }
    write_chart(&home.path("beside"), "beside", "0.3.0", "");
    let dependencies = format!(
        "dependencies:\n\
         - {{name: beside, version: \">=0.1.0 <1\", repository: \"file://../beside\"}}\n\
         - {{name: alpine, version: ^1.0.0, repository: \"{}\", alias: a}}\n\
         - {{name: alpine, version: ^1.0.0, repository: \"{}\", alias: b}}\n\
         - {{name: inner, version: ~0.9, repository: \"oci://{}/charts\"}}\n\
         - {{name: local, version: \"*\"}}\n",
        server.url(),
        server.url(),
        registry.host()
    );
    let chart = home.chart("parent", "1.0.0", &dependencies);
    write_chart(&chart.join("charts/local"), "local", "5.0.0", "");
    std::fs::write(chart.join("charts/old-1.0.0.tgz"), packed("old", "1.0.0")).unwrap();

    let told = Told::run(&chart, &settings, false).await.unwrap();
    assert_eq!(
        names(&chart.join("charts")),
        ["alpine-1.1.0.tgz", "beside-0.3.0.tgz", "inner-0.9.5.tgz", "local"]
    );
    assert_eq!(told[0], "Getting updates for unmanaged Helm repositories...");
    assert_eq!(told[2], "Saving 5 charts");
    assert!(told.contains(&format!("Already downloaded alpine from repo {}", server.url())), "{told:?}");
    assert_eq!(told.last().unwrap(), "Deleting outdated charts");
    let lock = std::fs::read_to_string(chart.join("Chart.lock")).unwrap();
    assert!(
        lock.starts_with("dependencies:\n- name: beside\n  repository: file://../beside\n  version: 0.3.0\n")
    );
    assert!(lock.contains("\ndigest: sha256:") && lock.contains("\ngenerated: \""), "{lock}");
    assert_eq!(repository::load(chart.to_str().unwrap(), &home.options()).await.unwrap().name(), "parent");

    // Nothing changes while nothing changes.
    Told::run(&chart, &settings, false).await.unwrap();
    assert_eq!(std::fs::read_to_string(chart.join("Chart.lock")).unwrap(), lock);
    let (rows, warnings) = repository::list_dependencies(&chart).unwrap();
    let status: Vec<&str> = rows.iter().map(|row| row[3].as_str()).collect();
    assert_eq!((status, warnings.len()), (vec!["ok", "ok", "ok", "ok", "unpacked"], 0));

    // A build takes the locked versions, of repositories that are added.
    std::fs::remove_dir_all(chart.join("charts")).unwrap();
    write_chart(&chart.join("charts/local"), "local", "5.0.0", "");
    let error = Told::run(&chart, &settings, true).await.unwrap_err();
    assert!(error.starts_with("no repository definition for http://localhost"), "{error}");
    publish(&server, &[("alpine", "1.0.0"), ("alpine", "1.1.0"), ("alpine", "1.2.0")]);
    let entry = Entry::new("own", &format!("{}/", server.url()), &Access::default());
    repository::add(entry, &settings, false, false).await.unwrap();
    Told::run(&chart, &settings, true).await.unwrap();
    assert_eq!(
        names(&chart.join("charts")),
        ["alpine-1.1.0.tgz", "beside-0.3.0.tgz", "inner-0.9.5.tgz", "local"]
    );
    let text = std::fs::read_to_string(chart.join("Chart.yaml")).unwrap();
    std::fs::write(chart.join("Chart.yaml"), text.replace("~0.9", "~0.8")).unwrap();
    let error = Told::run(&chart, &settings, true).await.unwrap_err();
    assert!(error.starts_with("the lock file (Chart.lock) is out of sync"), "{error}");
}

#[tokio::test]
async fn a_dependency_that_cannot_be_had_changes_nothing() {
    let (home, server) = (Home::new(), Server::start().await);
    publish(&server, &[("alpine", "1.0.0")]);
    let with = |dependency: &str| {
        let chart = home.chart("parent", "1.0.0", &format!("dependencies:\n- {dependency}\n"));
        std::fs::create_dir_all(chart.join("charts")).unwrap();
        std::fs::write(chart.join("charts/old-1.0.0.tgz"), packed("old", "1.0.0")).unwrap();
        chart
    };
    let url = server.url();
    for (dependency, expected) in [
        (
            format!("{{name: alpine, version: ^2, repository: \"{url}\"}}"),
            "can't get a valid version for 1 subchart(s)",
        ),
        (format!("{{name: none, version: ^2, repository: \"{url}\"}}"), "none chart not found in repo"),
        ("{name: a, version: ^2, repository: stable}".into(), "no repository definition for stable"),
        ("{name: a, version: ^2, repository: \"@none\"}".into(), "no repository definition for @none"),
        ("{name: a, version: ^2, repository: \"file://../none\"}".into(), "directory "),
        (
            "{name: a, version: \"x y\", repository: \"https://a\"}".into(),
            "dependency \"a\" has an invalid version",
        ),
    ] {
        let chart = with(&dependency);
        let error = Told::run(&chart, &home.settings(), false).await.unwrap_err();
        assert!(error.starts_with(expected), "{dependency}: {error}");
        assert_eq!(names(&chart.join("charts")), ["old-1.0.0.tgz"], "{dependency}");
        assert!(!chart.join("Chart.lock").exists());
    }
}
