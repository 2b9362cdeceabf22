//! Metrics that roles make: counted here, told by the operator among its own.
//! Follows `internal/ansible/metrics/user_metrics.go` of ansible-operator.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The kinds of metrics.
pub(super) const KINDS: [&str; 4] = ["counter", "gauge", "histogram", "summary"];

/// The buckets of Prometheus' clients.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of an operator's roles, by name.
#[derive(Debug, Default)]
pub struct UserMetrics(Mutex<BTreeMap<String, Metric>>);

#[derive(Debug)]
struct Metric {
    help: String,
    figure: Figure,
}

#[derive(Debug, Clone)]
enum Figure {
    Counter(f64),
    Gauge(f64),
    Histogram { buckets: [u64; BUCKETS.len()], count: u64, sum: f64 },
    Summary { count: u64, sum: f64 },
}

impl Figure {
    /// The beginning of a metric of this kind.
    fn new(kind: &str) -> Option<Self> {
        Some(match kind {
            "counter" => Self::Counter(0.0),
            "gauge" => Self::Gauge(0.0),
            "histogram" => Self::Histogram { buckets: [0; BUCKETS.len()], count: 0, sum: 0.0 },
            "summary" => Self::Summary { count: 0, sum: 0.0 },
            _ => return None,
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Counter(_) => "counter",
            Self::Gauge(_) => "gauge",
            Self::Histogram { .. } => "histogram",
            Self::Summary { .. } => "summary",
        }
    }

    fn change(&mut self, change: &Value) -> Result<(), String> {
        let number = |name: &str| change[name].as_f64();
        let is = |name: &str| change[name] == true;
        match self {
            Self::Counter(value) => {
                let more = if is("increment") { 1.0 } else { number("add").unwrap_or(0.0) };
                if more < 0.0 {
                    return Err("a counter cannot decrease in value".to_owned());
                }
                *value += more;
            }
            Self::Gauge(value) => {
                if let Some(set) = number("set") {
                    *value = set;
                }
                if is("set_to_current_time") {
                    *value = jiff::Timestamp::now().as_second() as f64;
                }
                *value += number("add").unwrap_or(0.0) - number("subtract").unwrap_or(0.0);
                *value += f64::from(u8::from(is("increment"))) - f64::from(u8::from(is("decrement")));
            }
            Self::Histogram { buckets, count, sum } => {
                let Some(seen) = number("observe") else { return Ok(()) };
                (*count, *sum) = (*count + 1, *sum + seen);
                for (bucket, limit) in buckets.iter_mut().zip(BUCKETS) {
                    *bucket += u64::from(seen <= limit);
                }
            }
            Self::Summary { count, sum } => {
                let Some(seen) = number("observe") else { return Ok(()) };
                (*count, *sum) = (*count + 1, *sum + seen);
            }
        }
        Ok(())
    }
}

/// Whether Prometheus takes this as the name of a metric.
fn is_name(name: &str) -> bool {
    let fits = |char: char| char.is_ascii_alphanumeric() || "_:".contains(char);
    name.chars().all(fits) && name.chars().next().is_some_and(|first| !first.is_ascii_digit())
}

impl UserMetrics {
    /// Makes or changes a metric of a kind (`counter`, `gauge`, `histogram`, `summary`).
    ///
    /// # Errors
    /// The name is none, the metric is of another kind, or a counter shall go down.
    fn record(&self, name: &str, help: &str, kind: &str, change: &Value) -> Result<(), String> {
        if !is_name(name) {
            return Err(format!("{name:?} is no name of a metric"));
        }
        let begin = Figure::new(kind).ok_or_else(|| format!("there is no metric of kind {kind}"))?;
        let mut metrics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut figure = match metrics.get(name) {
            Some(known) if known.figure.kind() != kind => {
                return Err(format!("{name} is a {} already, not a {kind}", known.figure.kind()));
            }
            Some(known) => known.figure.clone(),
            None => begin,
        };
        figure.change(change)?;
        metrics.insert(name.to_owned(), Metric { help: help.to_owned(), figure });
        Ok(())
    }

    /// Makes or changes a metric as programs send it: `{name:, description:, counter: | gauge: | histogram: | summary: {…}}`.
    ///
    /// # Errors
    /// It has no name, or not exactly one kind, or is of another kind already, or a counter shall go down.
    pub fn record_sent(&self, metric: &Value) -> Result<(), String> {
        let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| metric[kind].is_object()).collect();
        let ([kind], Some(name)) = (kinds.as_slice(), metric["name"].as_str()) else {
            return Err(format!("a metric has a name and one of {}", KINDS.join(", ")));
        };
        self.record(name, metric["description"].as_str().unwrap_or_default(), kind, &metric[*kind])
    }

    /// The metrics in Prometheus' text format (0.0.4).
    #[must_use]
    pub fn text(&self) -> String {
        let metrics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        metrics.iter().map(|(name, metric)| text(name, metric)).collect()
    }
}

fn text(name: &str, Metric { help, figure }: &Metric) -> String {
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} {}\n", figure.kind());
    // Writing to a String does not fail.
    let _ = match figure {
        Figure::Counter(value) | Figure::Gauge(value) => writeln!(text, "{name} {value}"),
        Figure::Histogram { buckets, count, sum } => {
            for (bucket, limit) in buckets.iter().zip(BUCKETS) {
                let _ = writeln!(text, "{name}_bucket{{le=\"{limit:?}\"}} {bucket}");
            }
            writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}")
        }
        Figure::Summary { count, sum } => writeln!(text, "{name}_sum {sum}\n{name}_count {count}"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metrics_are_counted_and_told() {
        let metrics = UserMetrics::default();
        let record = |name: &str, kind: &str, change: Value| metrics.record(name, "help", kind, &change);
        record("runs", "counter", json!({})).unwrap();
        record("runs", "counter", json!({"increment": true, "add": null})).unwrap();
        record("runs", "counter", json!({"add": 1.5})).unwrap();
        record("size", "gauge", json!({"set": 3, "subtract": 1})).unwrap();
        record("took", "histogram", json!({"observe": 0.03})).unwrap();
        record("took_too", "summary", json!({"observe": 2})).unwrap();
        assert!(record("runs", "counter", json!({"add": -1})).is_err());
        assert!(record("runs", "gauge", json!({})).is_err());
        assert!(record("1st", "gauge", json!({})).is_err());
        metrics.record_sent(&json!({"name": "size", "description": "help", "gauge": {"add": 0}})).unwrap();
        assert!(metrics.record_sent(&json!({"name": "size", "gauge": {}, "counter": {}})).is_err());
        assert!(metrics.record_sent(&json!({"gauge": {}})).is_err());
        let text = metrics.text();
        for line in [
            "# TYPE runs counter",
            "runs 2.5",
            "size 2",
            "took_bucket{le=\"0.025\"} 0",
            "took_bucket{le=\"0.05\"} 1",
            "took_bucket{le=\"+Inf\"} 1",
            "took_too_sum 2",
            "took_too_count 1",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        }
    }
}
