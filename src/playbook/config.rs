//! Ansible's configuration: `ansible.cfg` and the environment (`config/base.yml`, `config/manager.py`).
//!
//! [`SETTINGS`] holds every setting that has a meaning here; all others are ignored, as Ansible ignores what
//! it does not know.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// `yes`, `true`, `1`, … or their opposites.
    Bool,
    /// A whole number.
    Int,
    /// Text.
    Text,
    /// Texts between commas.
    List,
    /// A path.
    Path,
    /// Paths between colons.
    PathSpec,
    /// Paths between commas.
    PathList,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its name in Ansible's documentation.
    pub name: &'static str,
    /// What it holds.
    pub kind: SettingKind,
    /// `section.key` in `ansible.cfg`; the last that is there wins.
    pub ini: &'static [&'static str],
    /// Variables of the environment; the last that is set wins.
    pub env: &'static [&'static str],
    /// The value when nobody sets it.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

const fn setting(
    name: &'static str,
    kind: SettingKind,
    ini: &'static [&'static str],
    env: &'static [&'static str],
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting { name, kind, ini, env, default, meaning }
}

use SettingKind::{Bool, Int, List, Path as OnePath, PathList, PathSpec, Text};

/// The settings that have a meaning here, by name.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    setting("_DISABLE_BACKPORTED_INSPECTIONS", Bool, &[], &["_ANSIBLE_DISABLE_BACKPORTED_INSPECTIONS"], "false", "what a condition gives is not looked at"),
    setting("ALLOW_BROKEN_CONDITIONALS", Bool, &["defaults.allow_broken_conditionals"], &["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"], "true", "a condition may be something else than a boolean"),
    setting("ANY_ERRORS_FATAL", Bool, &["defaults.any_errors_fatal"], &["ANSIBLE_ANY_ERRORS_FATAL"], "false", "a failure on one host ends the play on all"),
    setting("BECOME_ALLOW_SAME_USER", Bool, &["privilege_escalation.become_allow_same_user"], &["ANSIBLE_BECOME_ALLOW_SAME_USER"], "false", "programs are run by sudo as the own user as well"),
    setting("ANSIBLE_FORCE_COLOR", Bool, &["defaults.force_color"], &["ANSIBLE_FORCE_COLOR"], "false", "colours although the output is no terminal"),
    setting("ANSIBLE_NOCOLOR", Bool, &["defaults.nocolor"], &["ANSIBLE_NOCOLOR", "NO_COLOR"], "false", "no colours"),
    setting("ACTION_WARNINGS", Bool, &["defaults.action_warnings"], &["ANSIBLE_ACTION_WARNINGS"], "true", "warnings of modules are shown"),
    setting("CACHE_PLUGIN", Text, &["defaults.fact_caching"], &["ANSIBLE_CACHE_PLUGIN"], "memory", "where facts are kept between runs"),
    setting("CACHE_PLUGIN_CONNECTION", OnePath, &["defaults.fact_caching_connection"], &["ANSIBLE_CACHE_PLUGIN_CONNECTION"], "", "the directory of that place"),
    setting("CACHE_PLUGIN_PREFIX", Text, &["defaults.fact_caching_prefix"], &["ANSIBLE_CACHE_PLUGIN_PREFIX"], "", "what the names of the files there begin with"),
    setting("CACHE_PLUGIN_TIMEOUT", Int, &["defaults.fact_caching_timeout"], &["ANSIBLE_CACHE_PLUGIN_TIMEOUT"], "86400", "seconds for which facts there are good; 0 is for ever"),
    setting("CHECK_MODE_MARKERS", Bool, &["defaults.check_mode_markers"], &["ANSIBLE_CHECK_MODE_MARKERS"], "false", "check mode is marked in the output"),
    setting("COLLECTIONS_PATHS", PathSpec, &["defaults.collections_paths", "defaults.collections_path"], &["ANSIBLE_COLLECTIONS_PATHS", "ANSIBLE_COLLECTIONS_PATH"], "{{ANSIBLE_HOME}}/collections:/usr/share/ansible/collections", "directories that hold ansible_collections"),
    setting("DEFAULT_ASK_VAULT_PASS", Bool, &["defaults.ask_vault_pass"], &["ANSIBLE_ASK_VAULT_PASS"], "false", "the password of vaults is asked for"),
    setting("DEFAULT_FILTER_PLUGIN_PATH", PathSpec, &["defaults.filter_plugins"], &["ANSIBLE_FILTER_PLUGINS"], "{{ANSIBLE_HOME}}/plugins/filter:/usr/share/ansible/plugins/filter", "directories of filters"),
    setting("DEFAULT_FORCE_HANDLERS", Bool, &["defaults.force_handlers"], &["ANSIBLE_FORCE_HANDLERS"], "false", "handlers run even after a failure"),
    setting("DEFAULT_FORKS", Int, &["defaults.forks"], &["ANSIBLE_FORKS"], "5", "how many hosts run a task at once"),
    setting("DEFAULT_GATHERING", Text, &["defaults.gathering"], &["ANSIBLE_GATHERING"], "implicit", "when facts are gathered: implicit, explicit, smart"),
    setting("DEFAULT_HASH_BEHAVIOUR", Text, &["defaults.hash_behaviour"], &["ANSIBLE_HASH_BEHAVIOUR"], "replace", "whether dicts of the same name are merged: replace, merge"),
    setting("DEFAULT_HOST_LIST", PathList, &["defaults.inventory"], &["ANSIBLE_INVENTORY"], "/etc/ansible/hosts", "sources of inventory"),
    setting("DEFAULT_JINJA2_EXTENSIONS", List, &["defaults.jinja2_extensions"], &["ANSIBLE_JINJA2_EXTENSIONS"], "", "statements beyond Jinja's own: jinja2.ext.do, jinja2.ext.loopcontrols"),
    setting("DEFAULT_JINJA2_NATIVE", Bool, &["defaults.jinja2_native"], &["ANSIBLE_JINJA2_NATIVE"], "false", "templates keep the types of values"),
    setting("DEFAULT_LOOKUP_PLUGIN_PATH", PathSpec, &["defaults.lookup_plugins"], &["ANSIBLE_LOOKUP_PLUGINS"], "{{ANSIBLE_HOME}}/plugins/lookup:/usr/share/ansible/plugins/lookup", "directories of lookups"),
    setting("DEFAULT_MANAGED_STR", Text, &["defaults.ansible_managed"], &[], "Ansible managed", "the text of ansible_managed"),
    setting("DEFAULT_MODULE_PATH", PathSpec, &["defaults.library"], &["ANSIBLE_LIBRARY"], "{{ANSIBLE_HOME}}/plugins/modules:/usr/share/ansible/plugins/modules", "directories of modules"),
    setting("DEFAULT_NO_LOG", Bool, &["defaults.no_log"], &["ANSIBLE_NO_LOG"], "false", "no task shows its arguments and results"),
    setting("DEFAULT_PRIVATE_ROLE_VARS", Bool, &["defaults.private_role_vars"], &["ANSIBLE_PRIVATE_ROLE_VARS"], "false", "the variables of a role are seen within it alone"),
    setting("DEFAULT_ROLES_PATH", PathSpec, &["defaults.roles_path"], &["ANSIBLE_ROLES_PATH"], "{{ANSIBLE_HOME}}/roles:/usr/share/ansible/roles:/etc/ansible/roles", "directories of roles"),
    setting("DEFAULT_STDOUT_CALLBACK", Text, &["defaults.stdout_callback"], &["ANSIBLE_STDOUT_CALLBACK"], "default", "how a run is printed: default, json, minimal, oneline"),
    setting("DEFAULT_STRATEGY", Text, &["defaults.strategy"], &["ANSIBLE_STRATEGY"], "linear", "the strategy of plays that name none"),
    setting("DEFAULT_TRANSPORT", Text, &["defaults.transport"], &["ANSIBLE_TRANSPORT"], "ssh", "the connection of hosts that name none"),
    setting("DEFAULT_UNDEFINED_VAR_BEHAVIOR", Bool, &["defaults.error_on_undefined_vars"], &["ANSIBLE_ERROR_ON_UNDEFINED_VARS"], "true", "a missing variable is an error"),
    setting("DEFAULT_VAULT_ID_MATCH", Bool, &["defaults.vault_id_match"], &["ANSIBLE_VAULT_ID_MATCH"], "false", "only the secret that a vault names is tried"),
    setting("DEFAULT_LOAD_CALLBACK_PLUGINS", Bool, &["defaults.bin_ansible_callbacks"], &["ANSIBLE_LOAD_CALLBACK_PLUGINS"], "false", "the program ansible prints with the configured callback"),
    setting("DEFAULT_VAULT_ENCRYPT_IDENTITY", Text, &["defaults.vault_encrypt_identity"], &["ANSIBLE_VAULT_ENCRYPT_IDENTITY"], "", "the id of the password that encrypts"),
    setting("DEFAULT_VAULT_IDENTITY", Text, &["defaults.vault_identity"], &["ANSIBLE_VAULT_IDENTITY"], "default", "the id of passwords that name none"),
    setting("DEFAULT_VAULT_IDENTITY_LIST", List, &["defaults.vault_identity_list"], &["ANSIBLE_VAULT_IDENTITY_LIST"], "", "secrets of vaults: id@source"),
    setting("DEFAULT_VAULT_PASSWORD_FILE", OnePath, &["defaults.vault_password_file"], &["ANSIBLE_VAULT_PASSWORD_FILE"], "", "the file with the password of vaults"),
    setting("DEFAULT_VERBOSITY", Int, &["defaults.verbosity"], &["ANSIBLE_VERBOSITY"], "0", "how much is printed"),
    setting("DEPRECATION_WARNINGS", Bool, &["defaults.deprecation_warnings"], &["ANSIBLE_DEPRECATION_WARNINGS"], "true", "warnings of deprecated things are shown"),
    setting("DIFF_ALWAYS", Bool, &["diff.always"], &["ANSIBLE_DIFF_ALWAYS"], "false", "changes of files are always shown"),
    setting("DIFF_CONTEXT", Int, &["diff.context"], &["ANSIBLE_DIFF_CONTEXT"], "3", "lines around a change"),
    setting("DISPLAY_ARGS_TO_STDOUT", Bool, &["defaults.display_args_to_stdout"], &["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"], "false", "arguments stand in the headings of tasks"),
    setting("DISPLAY_FAILED_STDERR", Bool, &["defaults.display_failed_stderr"], &["ANSIBLE_DISPLAY_FAILED_STDERR"], "false", "failures are printed to the error output"),
    setting("DISPLAY_OK_HOSTS", Bool, &["defaults.display_ok_hosts"], &["ANSIBLE_DISPLAY_OK_HOSTS"], "true", "unchanged hosts are printed"),
    setting("DISPLAY_SKIPPED_HOSTS", Bool, &["defaults.display_skipped_hosts"], &["ANSIBLE_DISPLAY_SKIPPED_HOSTS"], "true", "skipped tasks are printed"),
    setting("DUPLICATE_YAML_DICT_KEY", Text, &["defaults.duplicate_dict_key"], &["ANSIBLE_DUPLICATE_YAML_DICT_KEY"], "warn", "what a key that stands twice is: warn, error, ignore"),
    setting("ERROR_ON_MISSING_HANDLER", Bool, &["defaults.error_on_missing_handler"], &["ANSIBLE_ERROR_ON_MISSING_HANDLER"], "true", "notifying a handler that does not exist is an error"),
    setting("HOST_PATTERN_MISMATCH", Text, &["inventory.host_pattern_mismatch"], &["ANSIBLE_HOST_PATTERN_MISMATCH"], "warning", "what a pattern without hosts is: warning, error, ignore"),
    setting("INJECT_FACTS_AS_VARS", Bool, &["defaults.inject_facts_as_vars"], &["ANSIBLE_INJECT_FACT_VARS"], "true", "facts are variables as well"),
    setting("INTERPRETER_PYTHON", Text, &["defaults.interpreter_python"], &["ANSIBLE_PYTHON_INTERPRETER"], "auto", "the Python of modules that need one"),
    setting("INVALID_TASK_ATTRIBUTE_FAILED", Bool, &["defaults.invalid_task_attribute_failed"], &["ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED"], "true", "an unknown keyword of a task is an error, not a warning"),
    setting("INVENTORY_ANY_UNPARSED_IS_FAILED", Bool, &["inventory.any_unparsed_is_failed"], &["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"], "false", "a source that cannot be read is an error"),
    setting("INVENTORY_ENABLED", List, &["inventory.enable_plugins"], &["ANSIBLE_INVENTORY_ENABLED"], "host_list, script, auto, yaml, ini, toml", "the ways to read a source, in order"),
    setting("INVENTORY_IGNORE_EXTS", List, &["defaults.inventory_ignore_extensions", "inventory.ignore_extensions"], &["ANSIBLE_INVENTORY_IGNORE"], ".pyc, .pyo, .swp, .bak, ~, .rpm, .md, .txt, .rst, .orig, .ini, .cfg, .retry", "endings of files that are no sources"),
    setting("INVENTORY_IGNORE_PATTERNS", List, &["defaults.inventory_ignore_patterns", "inventory.ignore_patterns"], &["ANSIBLE_INVENTORY_IGNORE_REGEX"], "", "names of files that are no sources"),
    setting("INVENTORY_UNPARSED_IS_FAILED", Bool, &["inventory.unparsed_is_failed"], &["ANSIBLE_INVENTORY_UNPARSED_FAILED"], "false", "it is an error if no source can be read"),
    setting("INVENTORY_UNPARSED_WARNING", Bool, &["inventory.inventory_unparsed_warning"], &["ANSIBLE_INVENTORY_UNPARSED_WARNING"], "true", "it is a warning if no source can be read"),
    setting("LOCALHOST_WARNING", Bool, &["defaults.localhost_warning"], &["ANSIBLE_LOCALHOST_WARNING"], "true", "it is a warning if there is only the implicit localhost"),
    setting("PLAYBOOK_DIR", OnePath, &["defaults.playbook_dir"], &["ANSIBLE_PLAYBOOK_DIR"], "", "what stands for the playbook's directory in commands without one"),
    setting("PRETTY_RESULTS", Text, &["defaults.callback_format_pretty"], &["ANSIBLE_CALLBACK_FORMAT_PRETTY"], "", "results are printed on several lines"),
    setting("RESULT_FORMAT", Text, &["defaults.callback_result_format"], &["ANSIBLE_CALLBACK_RESULT_FORMAT"], "json", "how results are printed: json, yaml"),
    setting("SHOW_CUSTOM_STATS", Bool, &["defaults.show_custom_stats"], &["ANSIBLE_SHOW_CUSTOM_STATS"], "false", "what set_stats collected is printed"),
    setting("SHOW_TASK_PATH_ON_FAILURE", Bool, &["defaults.show_task_path_on_failure"], &["ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"], "false", "failures say where the task stands"),
    setting("SYSTEM_WARNINGS", Bool, &["defaults.system_warnings"], &["ANSIBLE_SYSTEM_WARNINGS"], "true", "warnings about this machine are shown"),
    setting("TAGS_RUN", List, &["tags.run"], &["ANSIBLE_RUN_TAGS"], "", "tags that run"),
    setting("TAGS_SKIP", List, &["tags.skip"], &["ANSIBLE_SKIP_TAGS"], "", "tags that do not run"),
    setting("TASK_TIMEOUT", Int, &["defaults.task_timeout"], &["ANSIBLE_TASK_TIMEOUT"], "0", "seconds after which a task fails"),
    setting("VERBOSE_TO_STDERR", Bool, &["defaults.verbose_to_stderr"], &["ANSIBLE_VERBOSE_TO_STDERR"], "false", "verbose messages go to the error output"),
];

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A variable of the environment.
    Environment(&'static str),
    /// `ansible.cfg`.
    File(PathBuf),
}

/// Ansible's configuration.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The `ansible.cfg` that was read.
    pub file: Option<PathBuf>,
    /// What is worth telling about it.
    pub warnings: Vec<String>,
    values: HashMap<&'static str, (String, Origin)>,
    home: String,
    ansible_home: String,
    cwd: PathBuf,
}

/// The file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("Error reading config file ({file}): {problem}")]
pub struct ConfigError {
    file: String,
    problem: String,
}

impl Config {
    /// The configuration of this process: its environment and the first of `ANSIBLE_CONFIG`,
    /// `./ansible.cfg`, `~/.ansible.cfg` and `/etc/ansible/ansible.cfg`.
    ///
    /// # Errors
    /// The file is no configuration.
    pub fn load() -> Result<Config, ConfigError> {
        let cwd = std::env::current_dir().unwrap_or_default();
        Config::load_from(&cwd, &|name| std::env::var(name).ok())
    }

    /// The configuration of a directory and an environment.
    ///
    /// # Errors
    /// The file is no configuration.
    pub fn load_from(cwd: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let mut config = Config { cwd: cwd.to_owned(), ..Config::default() };
        config.home = env("HOME").unwrap_or_else(|| "/root".to_owned());
        config.file = config.find(env);
        let entries = match &config.file {
            Some(file) => read(file)?,
            None => HashMap::new(),
        };
        let home = env("ANSIBLE_HOME").or_else(|| entries.get("defaults.home").cloned());
        config.ansible_home =
            home.map_or_else(|| format!("{}/.ansible", config.home), |home| config.expand(&home));
        for setting in SETTINGS {
            let from_env = setting.env.iter().rev().find_map(|name| Some((*name, env(name)?)));
            let from_file = || setting.ini.iter().rev().find_map(|key| entries.get(*key).cloned());
            let found = match (from_env, config.file.clone()) {
                (Some((name, value)), _) => (value, Origin::Environment(name)),
                (None, Some(file)) => match from_file() {
                    Some(value) => (value, Origin::File(file)),
                    None => continue,
                },
                (None, None) => continue,
            };
            config.values.insert(setting.name, found);
        }
        Ok(config)
    }

    fn find(&mut self, env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
        if let Some(named) = env("ANSIBLE_CONFIG") {
            let path = self.cwd.join(self.expand(&named));
            let path = if path.is_dir() { path.join("ansible.cfg") } else { path };
            if path.is_file() {
                return Some(path);
            }
        }
        let here = self.cwd.join("ansible.cfg");
        if here.is_file() {
            if !is_world_writable(&self.cwd) {
                return Some(here);
            }
            self.warnings.push(format!(
                "Ansible is being run in a world writable directory ({}), ignoring it as an ansible.cfg source. For more information see https://docs.ansible.com/ansible/devel/reference_appendices/config.html#cfg-in-world-writable-dir",
                self.cwd.display()
            ));
        }
        let others =
            [PathBuf::from(format!("{}/.ansible.cfg", self.home)), "/etc/ansible/ansible.cfg".into()];
        others.into_iter().find(|path| path.is_file())
    }

    /// `~` and variables of the environment in a path.
    fn expand(&self, path: &str) -> String {
        match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{}{rest}", self.home),
            _ => path.to_owned(),
        }
    }

    /// The setting of this name.
    #[must_use]
    pub fn setting(name: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// The value of a setting as it is written, and where it comes from.
    #[must_use]
    pub fn raw(&self, name: &str) -> (&str, &Origin) {
        match self.values.get(name) {
            Some((value, origin)) => (value, origin),
            None => (Config::setting(name).map_or("", |setting| setting.default), &Origin::Default),
        }
    }

    /// What somebody set, by the name of the setting or of a variable of the environment.
    #[must_use]
    pub fn given(&self, name: &str) -> Option<&str> {
        let is_meant = |setting: &&Setting| setting.name == name || setting.env.contains(&name);
        let setting = SETTINGS.iter().find(is_meant)?;
        self.values.get(setting.name).map(|(value, _)| value.as_str())
    }

    /// A setting that is text; none when it is empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = self.raw(name).0.trim();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let text = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
        (!text.is_empty()).then_some(text)
    }

    /// A setting that is on or off; words that are neither are off.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|word| truth(word) == Some(true))
    }

    /// A setting that may be neither on nor off.
    #[must_use]
    pub fn maybe_flag(&self, name: &str) -> Option<bool> {
        self.text(name).and_then(truth)
    }

    /// A setting that is a number; what is none counts as its default.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        let default = || Config::setting(name).and_then(|setting| setting.default.parse().ok());
        self.text(name).and_then(|text| text.parse().ok()).or_else(default).unwrap_or(0)
    }

    /// A setting that is a list between commas.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let parts = self.raw(name).0.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(ToOwned::to_owned).collect()
    }

    /// A setting that is a path or several: relative ones begin at the file that names them, or here.
    #[must_use]
    pub fn paths(&self, name: &str) -> Vec<PathBuf> {
        let (value, origin) = self.raw(name);
        let base = match origin {
            Origin::File(file) => file.parent().map_or_else(|| self.cwd.clone(), Path::to_owned),
            _ => self.cwd.clone(),
        };
        let separator = match Config::setting(name).map(|setting| setting.kind) {
            Some(PathSpec) => ':',
            Some(PathList) => ',',
            _ => '\0',
        };
        let parts = value.split(separator).map(str::trim).filter(|part| !part.is_empty());
        let one = |part: &str| -> PathBuf {
            let part = part.replace("{{ANSIBLE_HOME}}", &self.ansible_home);
            let part = part.replace("{{CWD}}", &self.cwd.display().to_string());
            base.join(self.expand(&part)).components().filter(|part| part.as_os_str() != ".").collect()
        };
        parts.map(one).collect()
    }
}

/// A word that means yes or no (`convert_bool.py`).
#[must_use]
fn truth(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
        "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
        _ => None,
    }
}

fn is_world_writable(directory: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    directory.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
}

/// The entries of a configuration file by `section.key` (`configparser` with `;` after white space as a
/// comment).
fn read(file: &Path) -> Result<HashMap<String, String>, ConfigError> {
    let error = |problem: String| ConfigError { file: file.display().to_string(), problem };
    let text = std::fs::read_to_string(file).map_err(|problem| error(problem.to_string()))?;
    let mut entries: HashMap<String, String> = HashMap::new();
    let (mut section, mut last): (Option<String>, Option<String>) = (None, None);
    for (number, line) in text.lines().enumerate() {
        let content = line.find(" ;").map_or(line, |at| &line[..at]);
        let trimmed = content.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if content.starts_with(char::is_whitespace)
            && let Some(value) = last.as_ref().and_then(|last| entries.get_mut(last))
        {
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            section = Some(name.0.to_owned());
            last = None;
            continue;
        }
        let Some(section) = &section else {
            return Err(error(format!("File contains no section headers, line {}", number + 1)));
        };
        let (key, value) = trimmed.split_once(['=', ':']).unwrap_or((trimmed, ""));
        let key = format!("{section}.{}", key.trim().to_lowercase());
        entries.insert(key.clone(), value.trim().to_owned());
        last = Some(key);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(cfg: &str, env: &[(&str, &str)]) -> (tempfile::TempDir, Config) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ansible.cfg"), cfg).unwrap();
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let config = Config::load_from(directory.path(), &env).unwrap();
        (directory, config)
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let cfg = "[defaults]\nforks = 7 ; many\nhash_behaviour=merge\nroles_path = roles:\n  ~/more\n# c\n[tags]\nrun = a, b\n";
        let (directory, config) = load(cfg, &[("HOME", "/h"), ("ANSIBLE_HASH_BEHAVIOUR", "replace")]);
        assert_eq!(config.number("DEFAULT_FORKS"), 7);
        assert_eq!(config.text("DEFAULT_HASH_BEHAVIOUR"), Some("replace"));
        assert_eq!(config.paths("DEFAULT_ROLES_PATH"), [directory.path().join("roles"), "/h/more".into()]);
        assert_eq!(config.list("TAGS_RUN"), ["a", "b"]);
        assert!(config.flag("ACTION_WARNINGS") && !config.flag("DEFAULT_NO_LOG"));
        assert_eq!(config.maybe_flag("PRETTY_RESULTS"), None);
        assert_eq!(config.paths("COLLECTIONS_PATHS")[0], Path::new("/h/.ansible/collections"));
    }

    #[test]
    fn every_setting_has_a_name_of_its_own() {
        let mut names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SETTINGS.len());
        assert!(SETTINGS.iter().all(|setting| !setting.meaning.is_empty()));
    }
}
