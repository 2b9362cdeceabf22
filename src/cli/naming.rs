//! How a new release gets its name.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use crate::chart;

/// The arguments `[NAME] CHART` and the flags in place of the name.
#[derive(Args)]
pub(super) struct NameFlags {
    /// The name of the release, if two arguments are given, and the chart: a path, a URL, repo/chart, or oci://registry/path/chart
    #[arg(value_name = "[NAME] CHART", num_args = 1..=2, required = true)]
    names: Vec<String>,
    /// Generate the name of the release
    #[arg(short, long)]
    generate_name: bool,
    /// Make the name of the release by a template
    #[arg(long, value_name = "TEMPLATE")]
    name_template: Option<String>,
}

impl NameFlags {
    /// The chart.
    pub(super) fn chart(&self) -> &str {
        self.names.last().map_or("", |chart| chart)
    }

    /// The name of the release: given, made by a template, or generated; `None` when nothing says.
    pub(super) fn name(&self) -> Result<Option<String>, String> {
        if let [name, _] = self.names.as_slice() {
            return match (self.generate_name, &self.name_template) {
                (true, _) => Err("cannot set --generate-name and also specify a name".into()),
                (_, Some(_)) => Err("cannot set --name-template and also specify a name".into()),
                _ => Ok(Some(name.clone())),
            };
        }
        if let Some(template) = &self.name_template {
            return chart::name_from_template(template).map(Some).map_err(|error| error.to_string());
        }
        if !self.generate_name {
            return Ok(None);
        }
        let path = Path::new(self.chart());
        let base = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let base = base.split('.').next().filter(|base| !base.is_empty()).unwrap_or("chart");
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        Ok(Some(format!("{base}-{seconds}")))
    }
}
