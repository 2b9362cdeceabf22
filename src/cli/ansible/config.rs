//! `ansible-config`: the settings that have a meaning here, and where they come from (`cli/config.py`).

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::exit;
use super::setup::Failure;
use crate::jinja::Value;
use crate::jinja::filters::json::dumps;
use crate::jinja::value::Dict;
use crate::jinja::yaml::{self, DumpOptions};
use crate::playbook::{Config, ConfigError, Origin, SETTINGS, Setting, SettingKind};

/// Prints the configuration.
#[derive(Debug, Args)]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print every setting, its value and where that comes from.
    Dump {
        /// Only what somebody set.
        #[arg(long, visible_alias = "changed-only")]
        only_changed: bool,
        /// How.
        #[arg(short, long, value_enum, default_value_t)]
        format: Format,
        /// The kind of plugins whose settings are printed: those of the language alone are known here.
        #[arg(short = 't', long = "type", default_value = "base")]
        _kind: String,
    },
    /// Print every setting with its meaning.
    List,
    /// Print the configuration file.
    View,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Display,
    Json,
    Yaml,
}

impl ConfigCommand {
    /// Runs the command.
    pub(super) fn run(&self) -> ExitCode {
        match self.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.tell(),
        }
    }

    fn print(&self) -> Result<(), Failure> {
        let wrong = |error: ConfigError| Failure { message: Some(error.to_string()), code: exit::OPTIONS };
        let config = Config::load().map_err(wrong)?;
        match &self.action {
            Action::Dump { only_changed, format, .. } => dump(&config, *only_changed, *format),
            Action::List => print_yaml(&Value::dict(SETTINGS.iter().map(described))),
            Action::View => {
                let file = config.file.ok_or_else(|| Failure::error("there is no configuration file"))?;
                let text = std::fs::read_to_string(&file);
                print!("{}", text.map_err(|error| Failure::error(format!("{}: {error}", file.display())))?);
                Ok(())
            }
        }
    }
}

/// The value of a setting as Ansible reads it.
fn value(config: &Config, setting: &Setting) -> Value {
    let paths = || config.paths(setting.name).into_iter().map(|path| Value::from(path.display().to_string()));
    match setting.kind {
        SettingKind::Bool => config.maybe_flag(setting.name).map_or(Value::None, Value::Bool),
        SettingKind::Int if config.text(setting.name).is_none() => Value::None,
        SettingKind::Int => Value::from(config.number(setting.name) as usize),
        SettingKind::Text => config.text(setting.name).map_or(Value::None, Value::from),
        SettingKind::List => Value::list(config.list(setting.name).into_iter().map(Value::from).collect()),
        SettingKind::Path => paths().next().unwrap_or(Value::None),
        SettingKind::PathSpec | SettingKind::PathList => Value::list(paths().collect()),
    }
}

/// A setting that somebody set, or that has its default: its name, where its value comes from, and the value.
type Row = (&'static str, String, Value);

fn dump(config: &Config, only_changed: bool, format: Format) -> Result<(), Failure> {
    let file = config.file.as_ref().map_or(Value::None, |file| Value::from(file.display().to_string()));
    let mut rows: Vec<Row> = vec![("CONFIG_FILE", String::new(), file)];
    for setting in SETTINGS {
        let origin = match config.raw(setting.name).1 {
            Origin::Default if only_changed => continue,
            Origin::Default => "default".to_owned(),
            Origin::File(file) => file.display().to_string(),
            Origin::Environment(name) => format!("env: {name}"),
        };
        rows.push((setting.name, origin, value(config, setting)));
    }
    rows.sort_by_key(|(name, ..)| *name);
    let entry = |(name, origin, value): &Row| {
        let fields = [
            ("name", Value::from(*name)),
            ("origin", Value::from(origin.as_str())),
            ("value", value.clone()),
        ];
        Value::dict(fields)
    };
    // There are none here; Ansible says so in any case.
    let servers = "GALAXY_SERVERS";
    if format == Format::Display {
        rows.iter().for_each(|(name, origin, value)| println!("{name}({origin}) = {value}"));
        println!("\n{servers}:");
        return Ok(());
    }
    let servers = Value::dict([(servers, Value::Dict(Dict::default()))]);
    let all = Value::list(rows.iter().map(entry).chain([servers]).collect());
    match format {
        Format::Yaml => print_yaml(&all),
        _ => {
            println!("{}", dumps(&all, Some(4), true));
            Ok(())
        }
    }
}

fn print_yaml(value: &Value) -> Result<(), Failure> {
    print!("{}", yaml::dump(value, &DumpOptions::default()).map_err(Failure::error)?);
    Ok(())
}

/// What a setting is.
fn described(setting: &'static Setting) -> (&'static str, Value) {
    let names = |names: &[&'static str]| Value::list(names.iter().map(|name| Value::from(*name)).collect());
    let fields = [
        ("default", Value::from(setting.default)),
        ("description", Value::from(setting.meaning)),
        ("env", names(setting.env)),
        ("ini", names(setting.ini)),
    ];
    (setting.name, Value::dict(fields))
}
