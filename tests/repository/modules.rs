//! The modules `helm_repository` and `helm_pull` of kubernetes.core, by playbooks.

use std::process::Command;

use crate::fixture::{Home, publish};
use crate::server::Server;

/// Runs these tasks; what was printed, when they all went well.
async fn play(home: &Home, tasks: &str) -> String {
    let playbook = home.path("playbook.yml");
    std::fs::write(&playbook, format!("- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}"))
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_daytwo"));
    command.arg("playbook").arg(&playbook).envs(home.variables());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}

#[tokio::test]
async fn repositories_are_managed() {
    let (home, server) = (Home::new(), Server::with(Some("user:pw"), None).await);
    publish(&server, &[("alpine", "1.0.0")]);
    let url = server.url();
    let tasks = format!(
        "  - kubernetes.core.helm_repository: {{name: own, url: {url}, username: user, password: pw}}
    check_mode: true
    register: planned
  - kubernetes.core.helm_repository: {{name: own, url: {url}, username: user, password: pw}}
    register: added
  - kubernetes.core.helm_repository: {{name: own, url: {url}, username: user, password: pw}}
    register: again
  - kubernetes.core.helm_repository: {{name: own, url: 'http://localhost:1'}}
    register: other
    ignore_errors: true
  - kubernetes.core.helm_repository: {{name: bad, url: 'http://localhost:1'}}
    register: bad
    ignore_errors: true
  - kubernetes.core.helm_repository: {{name: own, state: absent}}
    register: removed
  - kubernetes.core.helm_repository: {{name: own, state: absent}}
    register: gone
  - kubernetes.core.helm_registry_auth: {{host: localhost, username: user, password: pw}}
    register: refused
    ignore_errors: true
  - assert:
      that:
      - planned is changed and added is changed and again is not changed
      - added.stdout == '\"own\" has been added to your repositories\\n'
      - added.command == 'helm repo add own {url} --username=user --password=******'
      - again.repo_name == 'own' and again.repo_url == '{url}'
      - other.msg == 'Repository already have a repository named own'
      - bad.msg is search('is not a valid chart repository or cannot be reached')
      - removed is changed and gone is not changed
      - refused.msg is search('is not supported')
"
    );
    play(&home, &tasks).await;
}

#[tokio::test]
async fn charts_are_pulled() {
    let (home, server) = (Home::new(), Server::start().await);
    publish(&server, &[("alpine", "1.0.0"), ("alpine", "1.1.0")]);
    let (url, out) = (server.url(), home.path("out").display().to_string());
    let tasks = format!(
        "  - kubernetes.core.helm_pull: {{chart_ref: alpine, repo_url: {url}, destination: {out}, chart_version: 1.0.0}}
    register: pulled
  - kubernetes.core.helm_pull: {{chart_ref: alpine, repo_url: {url}, destination: {out}, chart_version: 1.0.0}}
    register: again
  - kubernetes.core.helm_pull:
      chart_ref: '{url}/charts/alpine-1.1.0.tgz'
      destination: {out}
      untar_chart: true
      repo_username: user
      repo_password: secret
    register: unpacked
  - kubernetes.core.helm_pull: {{chart_ref: none, repo_url: {url}, destination: {out}, force: true}}
    register: failed
    ignore_errors: true
  - assert:
      that:
      - pulled is changed and again is not changed and unpacked is changed
      - pulled.command == 'helm pull alpine --version 1.0.0 --repo {url} --destination {out}'
      - \"'--password ***' in unpacked.command and 'secret' not in unpacked.command\"
      - failed.msg == 'Failure when executing Helm command.' and failed.rc == 1
      - failed.stderr is search('not found in {url} repository')
"
    );
    play(&home, &tasks).await;
    assert!(home.path("out/alpine-1.0.0.tgz").exists());
    assert!(home.path("out/alpine/Chart.yaml").exists());
}
