//! The modules `helm_repository`, `helm_pull` and `helm_template` of kubernetes.core, by playbooks.

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

#[tokio::test]
async fn charts_are_rendered() {
    let home = Home::new();
    let chart = home.chart("own", "1.0.0", "");
    std::fs::create_dir(chart.join("crds")).unwrap();
    std::fs::write(chart.join("crds/crd.yaml"), "kind: CustomResourceDefinition\n").unwrap();
    let hook = "kind: Job\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-install}}\n";
    std::fs::write(chart.join("templates/hook.yaml"), hook).unwrap();
    std::fs::write(home.path("values.yaml"), "colour: green\n").unwrap();
    let tasks = "  - kubernetes.core.helm_template:
      chart_ref: own
      release_name: web
      release_namespace: shop
      values_files: [values.yaml]
      release_values: {colour: red}
      set_values: [{value: size=3}]
      show_only: [templates/config.yaml]
    register: shown
  - kubernetes.core.helm_template: {chart_ref: own, include_crds: true}
    register: whole
  - kubernetes.core.helm_template: {chart_ref: own, disable_hook: true, values_files: [values.yaml]}
    register: bare
  - kubernetes.core.helm_template: {chart_ref: own, output_dir: out}
    register: written
  - kubernetes.core.helm_template: {chart_ref: own, output_dir: nowhere}
    check_mode: true
    register: planned
  - kubernetes.core.helm_template: {chart_ref: own, show_only: [templates/none.yaml]}
    register: failed
    ignore_errors: true
  - kubernetes.core.helm_template: {chart_ref: ./none}
    register: missing
    ignore_errors: true
  - assert:
      that:
      - shown is changed and shown.rc == 0 and shown.stderr == ''
      - (shown.stdout | from_yaml).data.colour == 'red'
      - (shown.stdout | from_yaml).metadata.name == 'web'
      - shown.command == 'helm template web own -s templates/config.yaml -f=values.yaml -n shop --set size=3'
      - whole.stdout is search('CustomResourceDefinition') and whole.stdout is search('Job')
      - bare.stdout is not search('CustomResourceDefinition') and bare.stdout is not search('Job')
      - (bare.stdout | from_yaml).data.colour == 'green'
      - (bare.stdout | from_yaml).metadata.name == 'release-name'
      - written.stdout is search('wrote .*out/own/templates/config.yaml')
      - planned is changed and planned.stdout == ''
      - failed.stderr == 'Error: could not find template templates/none.yaml in chart\\n'
      - missing.msg is search('path \"./none\" not found')
";
    play(&home, tasks).await;
    let written = std::fs::read_to_string(home.path("out/own/templates/config.yaml")).unwrap();
    assert!(written.starts_with("---\n# Source: own/templates/config.yaml\napiVersion: v1\n"), "{written}");
    assert!(!home.path("nowhere").exists());
}
