//! How a run is printed: one file per callback (`plugins/callback/`).

mod default;
mod diff;
mod difflib;
mod json;
mod minimal;
mod oneline;
mod results;

use std::path::Path;

use crate::executor::Observer;
use crate::playbook::Config;

/// What callbacks are asked for.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// `-v…`
    pub verbosity: u8,
    /// `--check`
    pub check: bool,
    /// The file name of the playbook.
    pub playbook: String,
    /// Skipped tasks are printed.
    pub skipped_hosts: bool,
    /// Unchanged hosts are printed.
    pub ok_hosts: bool,
    /// Failures go to the error output.
    pub failed_stderr: bool,
    /// Check mode is marked.
    pub check_markers: bool,
    /// Failures say where the task stands.
    pub path_on_failure: bool,
    /// What `set_stats` collected is printed.
    pub custom_stats: bool,
    /// Results are YAML, not JSON.
    pub yaml: bool,
    /// Results stand on several lines; unset for the format's own way.
    pub pretty: Option<bool>,
    /// Lines around a change.
    pub diff_context: usize,
    /// Warnings of modules are printed.
    pub action_warnings: bool,
    /// Deprecations are printed.
    pub deprecations: bool,
    /// Colours.
    pub colors: bool,
}

impl Settings {
    /// The settings of a configuration.
    #[must_use]
    pub(super) fn of(config: &Config, verbosity: u8, check: bool, playbook: &str) -> Self {
        use std::io::IsTerminal as _;
        let terminal = std::io::stdout().is_terminal();
        let name = Path::new(playbook).file_name().map(|name| name.to_string_lossy().into_owned());
        Settings {
            verbosity,
            check,
            playbook: name.unwrap_or_default(),
            skipped_hosts: config.flag("DISPLAY_SKIPPED_HOSTS"),
            ok_hosts: config.flag("DISPLAY_OK_HOSTS"),
            failed_stderr: config.flag("DISPLAY_FAILED_STDERR"),
            check_markers: config.flag("CHECK_MODE_MARKERS"),
            path_on_failure: config.flag("SHOW_TASK_PATH_ON_FAILURE"),
            custom_stats: config.flag("SHOW_CUSTOM_STATS"),
            yaml: config.text("RESULT_FORMAT") == Some("yaml"),
            pretty: config.maybe_flag("PRETTY_RESULTS"),
            diff_context: usize::try_from(config.number("DIFF_CONTEXT")).unwrap_or(3),
            action_warnings: config.flag("ACTION_WARNINGS"),
            deprecations: config.flag("DEPRECATION_WARNINGS"),
            colors: config.flag("ANSIBLE_FORCE_COLOR") || (terminal && !config.flag("ANSIBLE_NOCOLOR")),
        }
    }
}

/// The callback of this name.
///
/// # Errors
/// There is none.
pub(super) fn named(name: &str, settings: &Settings) -> Result<Box<dyn Observer>, String> {
    let settings = settings.clone();
    let short = ["ansible.builtin.", "ansible.posix.", "community.general."]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    match short {
        "default" => Ok(Box::new(default::DefaultCallback::new(settings))),
        // Community's yaml callback is the default one with results as YAML.
        "yaml" => Ok(Box::new(default::DefaultCallback::new(Settings { yaml: true, ..settings }))),
        "json" => Ok(Box::new(json::JsonCallback::default())),
        "minimal" => Ok(Box::new(minimal::MinimalCallback::new(settings))),
        "oneline" => Ok(Box::new(oneline::OneLineCallback::new(settings))),
        _ => Err(format!("Invalid callback for stdout specified: {name}")),
    }
}
