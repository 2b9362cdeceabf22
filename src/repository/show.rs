//! `daytwo show`: what a chart says of itself.
//!
//! Follows `pkg/action/show.go` of Helm 4.

use std::fmt::Write as _;

use crate::chart::Contents;
use crate::yaml::go;

/// What to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    All,
    /// `Chart.yaml`.
    Chart,
    /// `values.yaml`.
    Values,
    /// The README.
    Readme,
    /// The custom resource definitions.
    Crds,
}

const READMES: [&str; 3] = ["readme.md", "readme.txt", "readme"];

/// The text of a part, as `helm show` prints it.
#[must_use]
pub fn show(chart: &Contents, part: Part) -> String {
    let mut out = String::new();
    let is_all = part == Part::All;
    let wants = |own: Part| is_all || part == own;
    let mut line = |text: &str| {
        let _ = writeln!(out, "{text}");
    };
    if wants(Part::Chart) {
        let metadata = serde_json::to_value(&chart.metadata).unwrap_or_default();
        line(&go::marshal(&metadata).unwrap_or_default());
    }
    if let Some(values) = chart.values_file.as_ref().filter(|_| wants(Part::Values)) {
        if is_all {
            line("---");
        }
        line(&String::from_utf8_lossy(&values.data));
    }
    let is_readme = |name: &str| READMES.iter().any(|readme| readme.eq_ignore_ascii_case(name));
    if let Some(readme) = chart.files.iter().find(|file| wants(Part::Readme) && is_readme(&file.name)) {
        if is_all {
            line("---");
        }
        line(&String::from_utf8_lossy(&readme.data));
    }
    if wants(Part::Crds) {
        crds(chart, &mut |data| {
            if !data.starts_with(b"---") {
                line("---");
            }
            line(&String::from_utf8_lossy(data));
        });
    }
    out
}

/// The files of `crds/`, the subcharts' after the chart's own.
fn crds(chart: &Contents, take: &mut impl FnMut(&[u8])) {
    let is_manifest = |name: &str| {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        ["yaml", "yml", "json"].iter().any(|own| own.eq_ignore_ascii_case(extension))
    };
    for file in chart.files.iter().filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name)) {
        take(&file.data);
    }
    chart.subcharts.iter().for_each(|subchart| crds(subchart, take));
}
