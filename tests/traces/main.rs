//! What `daytwo run` sends to a collector of OpenTelemetry, and that it sends nothing unasked.
//!
//! The operator is the real one, as a process with an environment of its own; the servers that it talks to are the
//! test's, as nothing here is about a cluster.

mod servers;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::{Value, json};
use servers::{Collected, Objects};
use tempfile::TempDir;

/// What only a task with `no_log` knows.
const SECRET: &str = "hunter2";

/// The project: a role and a chart.
const FILES: [(&str, &str); 6] = [
    (
        "watches.yaml",
        "- {group: test.daytwo.dev, version: v1, kind: Probe, role: probe}\n\
         - {group: test.daytwo.dev, version: v1, kind: Greeting, chart: greeting}\n",
    ),
    (
        "roles/probe/tasks/main.yml",
        "- name: greet
  debug: {msg: hello}
- name: look
  kubernetes.core.k8s_info: {api_version: v1, kind: ConfigMap, name: nothing, namespace: demo}
- name: change
  command: 'true'
- name: never
  debug: {msg: no}
  when: false
- name: try
  fail: {msg: not so bad}
  ignore_errors: true
- block:
    - name: break
      fail: {msg: in pieces}
  rescue:
    - name: mend
      debug: {msg: whole}
- name: repeat
  debug: {msg: '{{ item }}'}
  loop: [1, 2, 3]
- name: whisper
  fail: {msg: 'the word is {{ word }}'}
  vars: {word: hunter2}
  no_log: true
",
    ),
    ("greeting/Chart.yaml", "{apiVersion: v2, name: greeting, version: 1.2.3}\n"),
    ("greeting/values.yaml", "{}\n"),
    (
        "greeting/templates/greeting.yaml",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: greeting}, data: {word: hello}}\n",
    ),
    (
        "greeting/templates/hook.yaml",
        "apiVersion: v1
kind: ConfigMap
metadata: {name: greeted, annotations: {helm.sh/hook: post-install}}
",
    ),
];

/// An operator at work in a project of its own.
struct Operator {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
    log: Vec<Value>,
    project: TempDir,
}

impl Operator {
    fn start(api: SocketAddr, environment: &[(&str, &str)]) -> Self {
        let project = TempDir::new().expect("a temporary directory");
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": format!("http://{api}")}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        });
        let kubeconfig = kubeconfig.to_string();
        for (path, text) in FILES.iter().chain(&[("kubeconfig", kubeconfig.as_str())]) {
            let path = project.path().join(path);
            fs::create_dir_all(path.parent().expect("a directory")).expect("directories can be made");
            fs::write(path, text).expect("files can be written");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_daytwo"));
        let unset = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("OTEL_"));
        for name in unset {
            command.env_remove(name);
        }
        let mut process = command
            .args(["run", "--log-format=json", "--log-level=info,daytwo=debug,otel=trace"])
            .args(["--metrics-bind-address=0", "--health-probe-bind-address=0", "--proxy-port=0"])
            .current_dir(project.path())
            .env("KUBECONFIG", "kubeconfig")
            .env("WATCH_NAMESPACE", "demo")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the operator starts");
        let lines = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        Self { process, lines, log: Vec::new(), project }
    }

    /// Reads the log until each of these tells of some line that it is there.
    fn until(mut self, wanted: &[fn(&Value) -> bool]) -> Self {
        while !wanted.iter().all(|wanted| self.log.iter().any(wanted)) {
            let line = self.lines.next().unwrap_or_else(|| panic!("the log ends: {:#?}", self.log));
            self.log.push(read(&line.expect("text"), &self.project));
        }
        self
    }

    /// Ends it as a kubelet does; all that it logged.
    fn stop(mut self) -> Vec<Value> {
        let id = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        let id = id.expect("a process has a number");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("a signal can be sent");
        let rest = self.lines.map(|line| read(&line.expect("text"), &self.project));
        self.log.extend(rest);
        assert!(self.process.wait().expect("the process ends").success(), "{:#?}", self.log);
        self.log
    }
}

/// A line of the log, in which every project has the same path.
fn read(line: &str, project: &TempDir) -> Value {
    let path = project.path().to_str().expect("text");
    serde_json::from_str(&line.replace(path, "/project")).expect("JSON")
}

/// The chart is installed, and the pass of the role has failed.
const PASSED: &[fn(&Value) -> bool] =
    &[|line| line["message"] == "Installed release", |line| !line["retry_in"].is_null()];

/// A pass over each of the two resources; what the operator logged until `wanted`, and what the collector got.
async fn passes(
    environment: &[(&str, &str)],
    wanted: &'static [fn(&Value) -> bool],
) -> (Vec<Value>, Vec<(HeaderMap, ExportTraceServiceRequest)>) {
    let object = |kind: &str, name: &str| {
        json!({
            "apiVersion": "test.daytwo.dev/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": "demo", "uid": format!("{name}-uid"), "resourceVersion": "1", "generation": 3},
            "spec": {},
        })
    };
    let at = |plural: &str, name: &str| format!("/apis/test.daytwo.dev/v1/namespaces/demo/{plural}/{name}");
    let objects =
        [(at("probes", "one"), object("Probe", "one")), (at("greetings", "two"), object("Greeting", "two"))];
    let objects: Objects = Arc::new(Mutex::new(objects.into()));
    let collected = Collected::default();
    let (api, collector) = (servers::api(objects).await, servers::collector(Arc::clone(&collected)).await);
    let collector = format!("http://{collector}");
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (*name, if *value == "COLLECTOR" { collector.as_str() } else { *value }))
        .collect();
    let operator = Operator::start(api, &environment);
    let log = tokio::task::spawn_blocking(move || operator.until(wanted).stop());
    let log = log.await.expect("the operator works");
    (log, std::mem::take(&mut collected.lock().expect("no one panicked")))
}

/// The lines that an operator logs, without what differs from run to run.
fn comparable(log: &[Value]) -> BTreeSet<String> {
    let lines = log.iter().cloned().map(|mut line| {
        for field in ["timestamp", "retry_in"] {
            line.as_object_mut().expect("an object").remove(field);
        }
        line.to_string()
    });
    lines.collect()
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?;
    match value.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn number(attributes: &[KeyValue], key: &str) -> Option<i64> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?;
    match value.value.as_ref()? {
        any_value::Value::IntValue(number) => Some(*number),
        _ => None,
    }
}

/// The spans of one trace.
struct Trace<'a>(Vec<&'a Span>);

impl<'a> Trace<'a> {
    /// The trace whose root is a pass over this resource.
    fn of(spans: &[&'a Span], name: &str) -> Self {
        let is_root = |span: &&&Span| {
            span.parent_span_id.is_empty() && text(&span.attributes, "k8s.object.name") == Some(name)
        };
        let root = spans.iter().find(is_root).expect("a pass is traced");
        Self(spans.iter().copied().filter(|span| span.trace_id == root.trace_id).collect())
    }

    fn root(&self) -> &'a Span {
        self.0.iter().find(|span| span.parent_span_id.is_empty()).expect("a trace has a root")
    }

    fn span(&self, name: &str) -> &'a Span {
        let named = self.0.iter().find(|span| span.name == name);
        named.unwrap_or_else(|| panic!("no {name:?} in {:#?}", self.0))
    }

    /// The name of a span's parent.
    fn parent(&self, span: &Span) -> &'a str {
        let parent = self.0.iter().find(|parent| parent.span_id == span.parent_span_id);
        &parent.expect("every span but the root has a parent").name
    }
}

/// A status as people read it.
fn status(span: &Span) -> Option<&str> {
    let status = span.status.as_ref().filter(|status| status.code == StatusCode::Error as i32);
    status.map(|status| status.message.as_str())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_are_traced() {
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "COLLECTOR"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20token"),
        ("OTEL_SERVICE_NAME", "probes"),
        ("OTEL_RESOURCE_ATTRIBUTES", "k8s.cluster.name=test"),
        // All is sent when the operator ends.
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
    ];
    let (log, collected) = passes(&environment, PASSED).await;
    let spans: Vec<&Span> = collected
        .iter()
        .flat_map(|(_, request)| &request.resource_spans)
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
        .collect();
    let (headers, request) = collected.first().expect("something is sent");
    assert_eq!(headers["authorization"], "Bearer token");
    let resource = request.resource_spans[0].resource.as_ref().expect("a resource");
    assert_eq!(text(&resource.attributes, "service.name"), Some("probes"));
    assert_eq!(text(&resource.attributes, "service.version"), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(text(&resource.attributes, "k8s.cluster.name"), Some("test"));
    assert!(spans.iter().all(|span| !format!("{span:?}").contains(SECRET)));
    role_is_traced(&Trace::of(&spans, "one"));
    chart_is_traced(&Trace::of(&spans, "two"));

    let (untraced, nothing) = passes(&[], PASSED).await;
    assert!(nothing.is_empty());
    assert_eq!(comparable(&log), comparable(&untraced), "traces do not show in the log");
}

fn role_is_traced(trace: &Trace<'_>) {
    let hidden =
        "the output has been hidden due to the fact that 'no_log: true' was specified for this result";
    let root = trace.root();
    assert_eq!((root.name.as_str(), status(root)), ("reconcile", Some("unknown playbook failure")));
    for (key, value) in [
        ("daytwo.controller", "probe-v1-controller"),
        ("k8s.namespace.name", "demo"),
        ("k8s.object.api_version", "test.daytwo.dev/v1"),
        ("k8s.object.kind", "Probe"),
        ("k8s.object.uid", "one-uid"),
    ] {
        assert_eq!(text(&root.attributes, key), Some(value), "{key}");
    }
    assert_eq!(number(&root.attributes, "k8s.object.generation"), Some(3));
    for (name, module, line, outcome, failure) in [
        ("greet", "debug", 1, "ok", None),
        ("look", "kubernetes.core.k8s_info", 3, "ok", None),
        ("change", "command", 5, "changed", None),
        ("never", "debug", 7, "skipped", None),
        ("try", "fail", 10, "ignored", None),
        ("break", "fail", 14, "rescued", Some("in pieces")),
        ("mend", "debug", 17, "ok", None),
        ("repeat", "debug", 19, "ok", None),
        ("whisper", "fail", 22, "failed", Some(hidden)),
    ] {
        let span = trace.span(&format!("probe : {name}"));
        assert_eq!(trace.parent(span), "reconcile", "{name}");
        assert_eq!(text(&span.attributes, "ansible.task.module"), Some(module), "{name}");
        assert_eq!(text(&span.attributes, "ansible.task.host.name"), Some("localhost"), "{name}");
        assert_eq!(text(&span.attributes, "ansible.task.host.status"), Some(outcome), "{name}");
        assert_eq!(number(&span.attributes, "code.line.number"), Some(line), "{name}");
        let file = text(&span.attributes, "code.file.path").expect("a file");
        assert!(file.ends_with("/roles/probe/tasks/main.yml"), "{file}");
        assert_eq!(status(span), failure, "{name}");
    }
    let request = trace.span("GET configmaps");
    assert_eq!(trace.parent(request), "probe : look");
    assert_eq!(request.kind, SpanKind::Client as i32);
    assert_eq!(text(&request.attributes, "http.request.method"), Some("GET"));
    assert_eq!(text(&request.attributes, "url.path"), Some("/api/v1/namespaces/demo/configmaps/nothing"));
    assert_eq!(number(&request.attributes, "http.response.status_code"), Some(404));
    assert_eq!(status(request), None, "that there is none is an answer");
    assert_eq!(trace.parent(trace.span("PATCH probes/status.test.daytwo.dev")), "reconcile");
}

fn chart_is_traced(trace: &Trace<'_>) {
    assert_eq!(status(trace.root()), None);
    for (name, parent) in [
        ("deploy", "reconcile"),
        ("render", "deploy"),
        ("apply", "deploy"),
        ("hook", "deploy"),
        ("PATCH configmaps", "apply"),
    ] {
        let span = trace.span(name);
        assert_eq!((trace.parent(span), status(span)), (parent, None), "{name}");
    }
    let render = &trace.span("render").attributes;
    assert_eq!(text(render, "helm.chart.name"), Some("greeting"));
    assert_eq!(text(render, "helm.chart.version"), Some("1.2.3"));
    assert_eq!(number(render, "helm.release.revision"), Some(1));
    let hook = &trace.span("hook").attributes;
    assert_eq!(text(hook, "helm.hook.name"), Some("greeted"));
    assert_eq!(text(hook, "helm.hook.event"), Some("post-install"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_where_the_environment_forbids_it() {
    for (variable, value, complaint) in [
        ("OTEL_SDK_DISABLED", "true", None),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", Some("set it to http/protobuf")),
    ] {
        let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", "COLLECTOR"), (variable, value)];
        let (log, collected) = passes(&environment, PASSED).await;
        assert!(collected.is_empty(), "{variable}");
        let told = log.iter().find(|line| line["message"] == "no traces are sent");
        let told = told.and_then(|line| line["error"].as_str());
        assert_eq!(told.is_some(), complaint.is_some(), "{told:?}");
        assert!(told.unwrap_or_default().contains(complaint.unwrap_or_default()), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_do_not_need_the_collector() {
    let environment =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    const WANTED: &[fn(&Value) -> bool] = &[PASSED[0], PASSED[1], |line| {
        line["cause"].as_str().is_some_and(|cause| cause.contains("Connection refused"))
    }];
    let (log, _) = passes(&environment, WANTED).await;
    let told = log.iter().filter(|line| !line["cause"].is_null()).count();
    assert_eq!(told, 1, "once in a while");
}
