//! How much processor time a warm rendering takes, beside the real Helm in a process of its own.
//!
//! `make bench`, or `benches/run`. Without `DAYTWO_HELM_PYTHON` daytwo runs alone. Rendering is what is timed: values
//! coalesced, templates executed; daytwo has the chart compiled as an operator has, Helm parses the templates each
//! time as it always does. The corpus is every recorded case without random text, rendered once after a first
//! rendering which is not counted.

#[allow(dead_code, reason = "shared with the conformance tests, which use more of it")]
#[path = "../tests/conformance/corpus.rs"]
mod corpus;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use corpus::{Case, Corpus};
use daytwo::chart::{Capabilities, Chart, Compat, KubeVersion, RenderOptions, values};
use serde_json::{Map, Value, json};

/// The charts that are rendered many times, and how they are called in the corpus.
const CHARTS: [(&str, &str); 6] = [
    ("kube-prometheus-stack", "charts__kube-prometheus-stack"),
    ("argo-cd", "charts__argo-cd"),
    ("kafka", "bitnami__kafka"),
    ("mysql", "bitnami__mysql"),
    ("ingress-nginx", "charts__ingress-nginx"),
    ("hello", "helm__hello"),
];
/// How much processor time goes into one figure, in seconds.
const BUDGET: f64 = 1.0;

fn main() -> Result<(), String> {
    let corpus = Corpus::open()?;
    let root = corpus.archive("charts")?;
    let mut cases: Vec<Case> = corpus.cases()?.into_iter().filter(|case| case.ok).collect();
    let options = options()?;
    let mut ours = BTreeMap::new();
    let mut requests = Vec::new();
    for (name, directory) in CHARTS {
        let Some(case) = find(&cases, directory) else {
            println!("{name}: not in the corpus");
            continue;
        };
        let chart = Chart::load(&root.join(&case.chart_dir)).map_err(|error| format!("{name}: {error}"))?;
        let figure = seconds(|| render(&chart, &Map::new(), &options))?;
        ours.insert(name.to_owned(), figure);
        requests.push(json!({"name": name, "budget": BUDGET, "cases": [request(&root, case)]}));
    }
    cases.retain(|case| case.deterministic);
    let (figure, all) = whole(&root, &cases, &options)?;
    ours.insert("corpus".into(), figure);
    requests.push(json!({"name": "corpus", "budget": 0, "cases": all}));
    println!("corpus: {} cases in {figure:.2} s of rendering, peak memory {}", cases.len(), peak_memory());
    report(&ours, &peer(&requests)?);
    Ok(())
}

/// The case of a chart with its defaults; a chart may be in the corpus under several names.
fn find<'c>(cases: &'c [Case], directory: &str) -> Option<&'c Case> {
    let ending = format!("__{}", directory.rsplit("__").next().unwrap_or(directory));
    let by = |end: &str| cases.iter().find(|case| case.chart_dir.ends_with(end) && case.values.is_none());
    by(directory).or_else(|| by(&ending))
}

fn options() -> Result<RenderOptions, String> {
    let mut capabilities = Capabilities::default_of(Compat::V4);
    capabilities.kube_version = KubeVersion::parse("v1.33.0").map_err(|error| error.to_string())?;
    Ok(RenderOptions { capabilities: Arc::new(capabilities), ..RenderOptions::new("rel", "ns", Compat::V4) })
}

fn render(chart: &Chart, values: &Map<String, Value>, options: &RenderOptions) -> Result<(), String> {
    chart.render_files(values, options).map(drop).map_err(|error| error.to_string())
}

/// The case as the peer is asked.
fn request(root: &Path, case: &Case) -> Value {
    json!({"chart": root.join(&case.chart_dir), "values": case.values.as_ref().map(|path| root.join(path))})
}

/// The mean processor time of an action, after one that is not counted.
fn seconds(mut action: impl FnMut() -> Result<(), String>) -> Result<f64, String> {
    action()?;
    let start = cpu_time();
    let mut count = 0;
    while count == 0 || cpu_time() - start < BUDGET {
        action()?;
        count += 1;
    }
    Ok((cpu_time() - start) / f64::from(count))
}

/// The processor time of rendering every case once, each chart compiled before.
fn whole(root: &Path, cases: &[Case], options: &RenderOptions) -> Result<(f64, Vec<Value>), String> {
    let mut sum = 0.0;
    let mut requests = Vec::new();
    for case in cases {
        let chart =
            Chart::load(&root.join(&case.chart_dir)).map_err(|error| format!("{}: {error}", case.name()))?;
        let given = match &case.values {
            Some(path) => values::load(&std::fs::read(root.join(path)).map_err(|error| error.to_string())?)?,
            None => Map::new(),
        };
        let once = || render(&chart, &given, options).map_err(|error| format!("{}: {error}", case.name()));
        once()?;
        let start = cpu_time();
        once()?;
        sum += cpu_time() - start;
        requests.push(request(root, case));
    }
    Ok((sum, requests))
}

/// What Helm takes for the same, by name.
fn peer(requests: &[Value]) -> Result<BTreeMap<String, f64>, String> {
    let Ok(python) = std::env::var("DAYTWO_HELM_PYTHON") else { return Ok(BTreeMap::new()) };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/helm.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("the real Helm: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(json!(requests).to_string().as_bytes()).map_err(|error| error.to_string())?;
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    serde_json::from_slice(&output.stdout).map_err(|error| format!("the real Helm: {error}"))
}

fn report(ours: &BTreeMap<String, f64>, helm: &BTreeMap<String, f64>) {
    println!("{:<24}{:>12}{:>12}{:>9}", "processor time in ms", "daytwo", "helm", "ratio");
    for (name, figure) in ours {
        let beside = helm.get(name).map(|helm| format!("{:>12.2}{:>8.1}x", helm * 1e3, helm / figure));
        println!("{name:<24}{:>12.3}{}", figure * 1e3, beside.unwrap_or_default());
    }
}

/// The processor time of this thread in seconds, which is all that renders.
fn cpu_time() -> f64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    times.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

/// The most memory that the process held so far.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or_else(|| "unknown".into(), |peak| peak.trim().to_owned())
}
