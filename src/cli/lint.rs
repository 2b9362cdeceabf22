//! `daytwo lint`: tells what is wrong with charts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Severity};

use super::values::ValueFlags;
use crate::chart::lint::{Finding, lint};
use crate::chart::{Compat, RenderOptions};

/// The flags of the command.
#[derive(Args)]
pub(super) struct Lint {
    /// The charts: directories or archives
    #[arg(value_name = "CHART", default_value = ".")]
    charts: Vec<PathBuf>,
    #[command(flatten)]
    values: ValueFlags,
    /// Namespace of the release
    #[arg(short, long, default_value = "default")]
    namespace: String,
}

impl Lint {
    /// Prints what is wrong; fails if anything is.
    pub(super) fn run(self) -> ExitCode {
        let values = match self.values.merge() {
            Ok(values) => values,
            Err(message) => {
                eprintln!("Error: {message}");
                return ExitCode::FAILURE;
            }
        };
        let options =
            RenderOptions { lint: true, ..RenderOptions::new("test-release", &*self.namespace, Compat::V4) };
        let mut failed = 0;
        for path in &self.charts {
            println!("==> Linting {}", path.display());
            let findings = lint(path, &values, &options);
            failed += usize::from(!findings.is_empty());
            findings.iter().for_each(|finding| show(path, finding));
            println!();
        }
        println!("{} chart(s) linted, {failed} chart(s) failed", self.charts.len());
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Prints a finding, with the lines around it where it has a place.
fn show(chart: &Path, finding: &Finding) {
    let mut diagnostic = MietteDiagnostic::new(finding.message.clone()).with_severity(Severity::Error);
    let (Some(place), Some(source)) = (&finding.place, &finding.source) else {
        println!("[ERROR] {}: {}", chart.display(), finding.message);
        return;
    };
    let text = String::from_utf8_lossy(source).into_owned();
    let (start, length) = span(&text, place.line, place.column, &finding.message);
    diagnostic = diagnostic.with_label(LabeledSpan::new(None, start, length));
    let report = miette::Report::new(diagnostic).with_source_code(NamedSource::new(&place.template, text));
    let mut printed = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    match handler.render_report(&mut printed, report.as_ref()) {
        Ok(()) => print!("{printed}"),
        Err(_) => println!("[ERROR] {}:{}: {}", place.template, place.line, finding.message),
    }
}

/// The bytes to underline: the quoted word of the message if the line has it, else the rest of the line.
fn span(text: &str, line: usize, column: Option<usize>, message: &str) -> (usize, usize) {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let word = message.split('"').nth(1).filter(|word| !word.is_empty());
    if let Some((at, word)) = word.and_then(|word| Some((rest.find(word)?, word))) {
        return (start + at, word.len());
    }
    let indent = rest.len() - rest.trim_start().len();
    let at = column.filter(|column| rest.is_char_boundary(*column)).unwrap_or(indent);
    (start + at, rest.len().saturating_sub(at))
}
