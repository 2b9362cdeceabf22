//! `daytwo diff`: what an upgrade would change, as a unified diff.

use std::fmt::Write;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use similar::{ChangeTag, TextDiff};

use super::cluster::{Cluster, ClusterFlags};
use super::operation::{ChangeFlags, ChartFlags};
use super::output::print;
use super::upgrade::ReuseFlags;
use crate::release::{self, Difference};

/// The exit code of `--detailed-exitcode` when there are differences.
const DIFFERENT: u8 = 2;

/// The flags of `daytwo upgrade`, and how the differences are shown.
#[derive(Args)]
pub(super) struct Diff {
    /// The release
    release: String,
    /// The chart: a path, a URL, repo/chart, or oci://registry/path/chart
    #[arg(value_name = "CHART")]
    reference: String,
    #[command(flatten)]
    reuse: ReuseFlags,
    #[command(flatten)]
    chart: ChartFlags,
    #[command(flatten)]
    change: ChangeFlags,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Lines of context
    #[arg(short = 'C', long, default_value_t = 3, value_name = "LINES")]
    context: usize,
    /// Colour the differences
    #[arg(long, value_enum, default_value = "auto")]
    color: Color,
    /// Exit with 2 when there are differences
    #[arg(long)]
    detailed_exitcode: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// When the output is a terminal and `NO_COLOR` is not set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    fn is_on(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }
    }
}

impl Diff {
    pub(super) fn run(self) -> ExitCode {
        let different = std::cell::Cell::new(false);
        let code = self.cluster.run(|cluster| async {
            different.set(self.compare(cluster).await?);
            Ok(())
        });
        if different.get() && self.detailed_exitcode { ExitCode::from(DIFFERENT) } else { code }
    }

    async fn compare(&self, cluster: Cluster) -> Result<bool, String> {
        let mut options = self.change.options(&self.release, &cluster.namespace);
        self.chart.fill(&mut options);
        let source = self.chart.source(&self.reference)?;
        let found = release::difference(&cluster.client, &options, &source, self.reuse.choice()).await;
        let found = found.map_err(|error| error.to_string())?;
        let paint = self.color.is_on();
        print(&found.iter().map(|one| unified(one, self.context, paint)).collect::<String>())?;
        Ok(!found.is_empty())
    }
}

/// One difference, with its title.
fn unified(difference: &Difference, context: usize, paint: bool) -> String {
    let mut text = String::new();
    let mut line = |color: &str, content: &str| {
        let content = content.trim_end_matches('\n');
        // Writing to a text cannot fail.
        let _ = if paint && !color.is_empty() {
            writeln!(text, "\u{1b}[{color}m{content}\u{1b}[0m")
        } else {
            writeln!(text, "{content}")
        };
    };
    let name = |side: &str, there: &str| {
        if there.is_empty() { "/dev/null".into() } else { format!("{side} {}", difference.title) }
    };
    line("1", &format!("--- {}", name("live", &difference.before)));
    line("1", &format!("+++ {}", name("new", &difference.after)));
    let diff = TextDiff::from_lines(&difference.before, &difference.after);
    for hunk in diff.unified_diff().context_radius(context).iter_hunks() {
        line("36", &hunk.header().to_string());
        for change in hunk.iter_changes() {
            let (sign, color) = match change.tag() {
                ChangeTag::Delete => ('-', "31"),
                ChangeTag::Insert => ('+', "32"),
                ChangeTag::Equal => (' ', ""),
            };
            line(color, &format!("{sign}{}", change.value()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_unified() {
        let difference = Difference {
            title: "ConfigMap a/b (v1)".into(),
            before: "a: 1\nb: 1".into(),
            after: "a: 1\nb: 2".into(),
        };
        assert_eq!(
            unified(&difference, 3, false),
            "--- live ConfigMap a/b (v1)\n+++ new ConfigMap a/b (v1)\n@@ -1,2 +1,2 @@\n a: 1\n-b: 1\n+b: 2\n"
        );
        assert!(unified(&difference, 3, true).contains("\u{1b}[31m-b: 1\u{1b}[0m\n"));
        let gone = Difference { after: String::new(), ..difference };
        assert!(unified(&gone, 3, false).contains("+++ /dev/null\n"));
    }
}
