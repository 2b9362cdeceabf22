//! Renderings of public charts, as `helm template rel CHART -n ns1 --kube-version v1.33.0 [-f VALUES]`
//! printed them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use daytwo::chart::{Capabilities, Chart, Compat, KubeVersion, RenderOptions, Rendered, values};

use crate::Outcome;
use crate::compare::{self, Mask};
use crate::corpus::{Case, Corpus};

/// What a suite compares a case with; `None` skips the case.
type Check<'a> = &'a (dyn Fn(&Case, Result<Rendered, String>) -> Option<Result<(), String>> + Sync);

/// Against Helm 4.2.3.
///
/// # Errors
/// When the recordings cannot be read.
pub(crate) fn helm4(corpus: &Corpus, filter: &str) -> Result<Outcome, String> {
    let goldens = corpus.archive("goldens-helm4")?;
    run(corpus, filter, Compat::V4, &|case, rendered| Some(check(&goldens, case, rendered)))
}

/// Against Helm 3.19.0, where the rendering holds no random text: the recordings have no masks.
///
/// # Errors
/// When the recordings cannot be read.
pub(crate) fn helm3(corpus: &Corpus, filter: &str) -> Result<Outcome, String> {
    let goldens = corpus.archive("goldens-helm3")?;
    run(corpus, filter, Compat::V3, &|case, rendered| {
        let is_random = case.ok && !case.deterministic;
        (!is_random).then(|| check(&goldens, case, rendered))
    })
}

/// The notes, where they hold no random text.
///
/// # Errors
/// When the recordings cannot be read.
pub(crate) fn notes(corpus: &Corpus, filter: &str) -> Result<Outcome, String> {
    let goldens = corpus.archive("goldens-helm4")?;
    run(corpus, filter, Compat::V4, &|case, rendered| {
        let golden =
            std::fs::read(golden(&goldens, case, "notes.txt")).ok().filter(|_| case.deterministic)?;
        let rendered = rendered.ok()?;
        Some(compare::equal(&String::from_utf8_lossy(&golden), &rendered.notes, &Mask::new()))
    })
}

fn golden(goldens: &Path, case: &Case, extension: &str) -> PathBuf {
    goldens.join(&case.repo).join(&case.chart).join(format!("{}.{extension}", case.case))
}

fn check(goldens: &Path, case: &Case, rendered: Result<Rendered, String>) -> Result<(), String> {
    if !case.ok {
        return match rendered {
            Ok(_) => Err(format!("should fail: {}", case.error)),
            Err(_) => Ok(()),
        };
    }
    let read = |extension| std::fs::read(golden(goldens, case, extension));
    let wanted = read("yaml").map_err(|error| format!("golden: {error}"))?;
    let mask: Mask = match read("mask.json") {
        Ok(mask) => serde_json::from_slice(&mask).map_err(|error| format!("mask: {error}"))?,
        Err(_) => Mask::new(),
    };
    compare::equal(&String::from_utf8_lossy(&wanted), &printed(&rendered?), &mask)
}

/// What `helm template` prints.
fn printed(rendered: &Rendered) -> String {
    let mut text = rendered.manifest().trim().to_owned();
    text.push('\n');
    for hook in &rendered.hooks {
        text.push_str(&format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest));
    }
    text
}

/// Renders all cases, chart by chart, on all processors.
fn run(corpus: &Corpus, filter: &str, compat: Compat, check: Check) -> Result<Outcome, String> {
    let charts = corpus.archive("charts")?;
    let mut by_chart: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in corpus.cases()?.into_iter().filter(|case| case.name().contains(filter)) {
        by_chart.entry(case.chart_dir.clone()).or_default().push(case);
    }
    let by_chart: Vec<(String, Vec<Case>)> = by_chart.into_iter().collect();
    let mut capabilities = Capabilities::default_of(compat);
    capabilities.kube_version = KubeVersion::parse("v1.33.0").map_err(|error| error.to_string())?;
    let options =
        RenderOptions { capabilities: Arc::new(capabilities), ..RenderOptions::new("rel", "ns1", compat) };
    let (next, cases, failures) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((chart, of_chart)) = by_chart.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let chart = load(&charts.join(chart));
                    for case in of_chart {
                        let rendered = render(&chart, &charts, case, &options);
                        let Some(result) = check(case, rendered) else { continue };
                        cases.fetch_add(1, Ordering::Relaxed);
                        if let Err(reason) = result {
                            failures.lock().expect("no suite panics").push((case.name(), reason));
                        }
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().map_err(|error| error.to_string())?;
    failures.sort();
    Ok(Outcome { cases: cases.into_inner(), failures })
}

fn load(path: &Path) -> Result<Chart, String> {
    let chart = Chart::load(path).map_err(|error| error.to_string())?;
    chart.check_installable().map_err(|error| error.to_string())?;
    Ok(chart)
}

fn render(
    chart: &Result<Chart, String>,
    charts: &Path,
    case: &Case,
    options: &RenderOptions,
) -> Result<Rendered, String> {
    let chart = chart.as_ref().map_err(Clone::clone)?;
    let values = match &case.values {
        None => serde_json::Map::new(),
        Some(path) => {
            let text = std::fs::read(charts.join(path)).map_err(|error| format!("{path}: {error}"))?;
            values::load(&text)?
        }
    };
    chart.render(&values, options).map_err(|error| error.to_string())
}
