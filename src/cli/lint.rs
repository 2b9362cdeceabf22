//! `daytwo lint`: tells what is wrong with charts, and what of a role, a playbook or a project would not run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Severity};

use super::values::ValueFlags;
use crate::chart::lint::{Finding, lint as lint_chart};
use crate::chart::{Compat, RenderOptions};
use crate::jinja::Environment;
use crate::modules::Registry;
use crate::modules::external::Library;
use crate::playbook::{self, Config, LoadError, Options};

/// The flags of the command.
#[derive(Args)]
pub(super) struct Lint {
    /// Charts (directories or archives), roles, playbooks, or directories of projects
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    values: ValueFlags,
    /// Namespace of the release
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Only print the counts
    #[arg(short, long)]
    quiet: bool,
}

impl Lint {
    /// Prints what is wrong; fails if anything is.
    pub(super) fn run(self) -> ExitCode {
        let mut clean = true;
        let (content, charts): (Vec<_>, Vec<_>) = self.paths.iter().partition(|path| is_content(path));
        if !charts.is_empty() {
            clean &= self.charts(&charts);
        }
        for path in content {
            clean &= self.content(path);
        }
        if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn charts(&self, paths: &[&PathBuf]) -> bool {
        let values = match self.values.merge() {
            Ok(values) => values,
            Err(message) => {
                eprintln!("Error: {message}");
                return false;
            }
        };
        let options =
            RenderOptions { lint: true, ..RenderOptions::new("test-release", &*self.namespace, Compat::V4) };
        let mut failed = 0;
        for path in paths {
            println!("==> Linting {}", path.display());
            let findings = lint_chart(path, &values, &options);
            failed += usize::from(!findings.is_empty());
            findings.iter().for_each(|finding| show_chart(path, finding));
            println!();
        }
        println!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
        failed == 0
    }

    /// The migration report of roles and playbooks, then that of the charts of a project.
    fn content(&self, path: &Path) -> bool {
        let report = playbook::lint(path, &options(path));
        println!("==> Linting {}", path.display());
        if !self.quiet {
            report.findings.iter().for_each(show_content);
        }
        println!(
            "{} role(s), {} playbook(s), {} file(s) linted",
            report.roles, report.playbooks, report.files
        );
        for (kind, name, count) in report.counts() {
            let note = if kind.is_note() { " (note)" } else { "" };
            println!("  {count:>5}  {name}{note}");
        }
        if !report.programs.is_empty() {
            let programs = report.programs.iter().map(|(name, count)| format!("{name} {count}"));
            println!("  programs: {}", programs.collect::<Vec<_>>().join(", "));
        }
        let charts = charts_of(path);
        let fine = charts.is_empty() || self.charts(&charts.iter().collect::<Vec<_>>());
        report.is_clean() && fine
    }
}

/// How content is loaded: as `ansible-playbook` would here.
fn options(path: &Path) -> Options {
    let config = Config::load().unwrap_or_default();
    let (roles_path, collections_path) =
        (config.paths("DEFAULT_ROLES_PATH"), config.paths("COLLECTIONS_PATHS"));
    let directory = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let library = Library::of(&[directory.to_owned()], &roles_path, &collections_path);
    let modules = Registry::with(&library);
    let environment = Arc::new(Environment::new(Arc::new(crate::modules::plugins_with(&library))));
    let mut options = Options::new(Arc::new(modules), environment);
    options.roles_path = roles_path;
    options.collections_path = collections_path;
    options
}

/// Whether a path is Ansible content or a project, not a chart.
fn is_content(path: &Path) -> bool {
    if path.is_dir() {
        return !path.join("Chart.yaml").is_file();
    }
    path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml")
}

/// The charts in the directories where projects keep them.
fn charts_of(project: &Path) -> Vec<PathBuf> {
    let mut charts = Vec::new();
    for folder in ["helm-charts", "charts"] {
        let entries = std::fs::read_dir(project.join(folder)).into_iter().flatten().flatten();
        charts.extend(entries.map(|entry| entry.path()).filter(|path| path.join("Chart.yaml").is_file()));
    }
    charts.sort();
    charts
}

/// Prints a finding in a role or playbook, with its line.
fn show_content(finding: &LoadError) {
    let severity = if finding.kind.is_note() { Severity::Advice } else { Severity::Error };
    let mut diagnostic = MietteDiagnostic::new(finding.message.clone()).with_severity(severity);
    if let Some(hint) = &finding.hint {
        diagnostic = diagnostic.with_help(hint.clone());
    }
    let Ok(text) = std::fs::read_to_string(&finding.file) else {
        println!("[ERROR] {finding}");
        return;
    };
    let (start, length) = span(&text, finding.line, Some(finding.column.saturating_sub(1)), &finding.message);
    diagnostic = diagnostic.with_label(LabeledSpan::new(None, start, length));
    let name = finding.file.display().to_string();
    print_report(diagnostic, &name, text, || println!("[ERROR] {finding}"));
}

/// Prints a finding in a chart, with the lines around it where it has a place.
fn show_chart(chart: &Path, finding: &Finding) {
    let mut diagnostic = MietteDiagnostic::new(finding.message.clone()).with_severity(Severity::Error);
    let (Some(place), Some(source)) = (&finding.place, &finding.source) else {
        println!("[ERROR] {}: {}", chart.display(), finding.message);
        return;
    };
    let text = String::from_utf8_lossy(source).into_owned();
    let (start, length) = span(&text, place.line, place.column, &finding.message);
    diagnostic = diagnostic.with_label(LabeledSpan::new(None, start, length));
    print_report(diagnostic, &place.template, text, || {
        println!("[ERROR] {}:{}: {}", place.template, place.line, finding.message);
    });
}

fn print_report(diagnostic: MietteDiagnostic, name: &str, text: String, otherwise: impl FnOnce()) {
    let report = miette::Report::new(diagnostic).with_source_code(NamedSource::new(name, text));
    let mut printed = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    match handler.render_report(&mut printed, report.as_ref()) {
        Ok(()) => print!("{printed}"),
        Err(_) => otherwise(),
    }
}

/// The bytes to underline: the quoted word of the message if the line has it, else the rest of the line.
fn span(text: &str, line: usize, column: Option<usize>, message: &str) -> (usize, usize) {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let quoted = message.split('"').nth(1).or_else(|| message.split('\'').rev().nth(1));
    let word = quoted.filter(|word| !word.is_empty());
    if let Some((at, word)) = word.and_then(|word| Some((rest.find(word)?, word))) {
        return (start + at, word.len());
    }
    let indent = rest.len() - rest.trim_start().len();
    let at = column.filter(|column| rest.is_char_boundary(*column)).unwrap_or(indent);
    (start + at, rest.len().saturating_sub(at))
}
