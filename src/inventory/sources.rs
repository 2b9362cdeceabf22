//! Reads the sources of `-i`: lists of hosts, files, scripts, and directories of these
//! (`InventoryManager.parse_sources`).

use std::path::Path;

use super::constructed;
use super::error::InventoryError;
use super::hosts::{Inventory, directory_of};
use super::vars_files::VarsDirectory;
use super::{ini, script, yaml};
use crate::jinja::Value;
use crate::playbook::VarMap;

/// A way to read a source (`INVENTORY_ENABLED`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// `a,b`
    HostList,
    /// `a[1:5],b`
    AdvancedHostList,
    /// An executable file that prints JSON.
    Script,
    /// A YAML file that names the plugin that is to read it.
    Auto,
    /// A YAML file that builds groups and variables by templates.
    Constructed,
    /// A YAML file of groups.
    Yaml,
    /// A file of sections.
    Ini,
}

impl Plugin {
    /// The plugins by name, in the order in which they are tried by default; the last ones only when asked.
    const NAMES: &'static [(&'static str, Plugin)] = &[
        ("host_list", Plugin::HostList),
        ("script", Plugin::Script),
        ("auto", Plugin::Auto),
        ("yaml", Plugin::Yaml),
        ("ini", Plugin::Ini),
        ("advanced_host_list", Plugin::AdvancedHostList),
        ("constructed", Plugin::Constructed),
    ];

    /// The plugin of this name, short or fully qualified.
    #[must_use]
    pub fn named(name: &str) -> Option<Plugin> {
        let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
        Plugin::NAMES.iter().find(|(name, _)| *name == short).map(|(_, plugin)| *plugin)
    }

    fn name(self) -> &'static str {
        Plugin::NAMES.iter().find(|(_, plugin)| *plugin == self).map_or("", |(name, _)| name)
    }

    /// What is tried without configuration.
    #[must_use]
    pub fn default_order() -> Vec<Plugin> {
        Plugin::NAMES.iter().map(|(_, plugin)| *plugin).take(5).collect()
    }

    /// Whether the plugin wants to read a source (`verify_file`).
    fn wants(self, source: &str) -> bool {
        let path = Path::new(source);
        let readable = || std::fs::File::open(path).is_ok();
        let extension = source.rsplit('/').next().and_then(|name| name.rfind('.').map(|at| &name[at..]));
        match self {
            Plugin::HostList | Plugin::AdvancedHostList => source.contains(',') && !path.exists(),
            Plugin::Script => readable() && script::is_executable(path),
            Plugin::Auto => readable() && matches!(extension, Some(".yml" | ".yaml")),
            Plugin::Constructed => {
                readable() && matches!(extension, None | Some(".yml" | ".yaml" | ".config"))
            }
            Plugin::Yaml => readable() && matches!(extension, None | Some(".yml" | ".yaml" | ".json")),
            Plugin::Ini => readable(),
        }
    }
}

/// How sources are read; the defaults are Ansible's.
pub struct LoadOptions<'a> {
    /// The plugins that are tried, in order.
    pub enabled: Vec<Plugin>,
    /// Names of files in directories of sources that are skipped: regular expressions.
    pub ignore_patterns: Vec<String>,
    /// Endings of files in directories of sources that are skipped.
    pub ignore_extensions: Vec<String>,
    /// `hash_behaviour = merge`.
    pub merge_hashes: bool,
    /// A source that no plugin can read is an error.
    pub any_unparsed_is_failed: bool,
    /// It is an error if no source can be read.
    pub unparsed_is_failed: bool,
    /// It is a warning if no source can be read.
    pub unparsed_warning: bool,
    /// Reads a file of YAML or JSON, encrypted or not.
    pub read: &'a dyn Fn(&Path) -> Result<Value, String>,
    /// Extra variables, for sources that build groups from variables.
    pub extra_vars: VarMap,
    /// The filters and tests of such sources.
    pub environment: Option<std::sync::Arc<crate::jinja::Environment>>,
}

/// The endings that Ansible skips in directories of sources.
const IGNORED_EXTENSIONS: &[&str] =
    &[".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"];

/// What Ansible always skips there.
const IGNORED_NAMES: &[&str] = &["host_vars", "group_vars", "vars_plugins"];

impl Default for LoadOptions<'_> {
    fn default() -> Self {
        LoadOptions {
            enabled: Plugin::default_order(),
            ignore_patterns: Vec::new(),
            ignore_extensions: IGNORED_EXTENSIONS.iter().map(ToString::to_string).collect(),
            merge_hashes: false,
            any_unparsed_is_failed: false,
            unparsed_is_failed: false,
            unparsed_warning: true,
            read: &read_yaml,
            extra_vars: VarMap::new(),
            environment: None,
        }
    }
}

/// Reads a file of YAML; JSON is YAML as well.
fn read_yaml(path: &Path) -> Result<Value, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    crate::jinja::yaml::load(&text).map_err(|error| failed(&error))
}

/// An inventory, and what is worth telling about its sources.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The inventory.
    pub inventory: Inventory,
    /// Warnings, as Ansible words them.
    pub warnings: Vec<String>,
}

impl Inventory {
    /// Reads these sources, one over the other.
    ///
    /// # Errors
    /// Sources that cannot be read, when the options make that an error.
    pub fn load(sources: &[String], options: &LoadOptions<'_>) -> Result<Loaded, InventoryError> {
        let mut loading = Loading { options, loaded: Loaded::default() };
        loading.loaded.inventory.merge = options.merge_hashes;
        loading.loaded.inventory.sources = sources.to_vec();
        for source in sources {
            let Some(directory) = directory_of(&absolute(source)) else { continue };
            let read = VarsDirectory::read(&directory, options);
            if !read.is_empty() {
                loading.loaded.inventory.beside_sources.push(read);
            }
        }
        let mut parsed = false;
        for source in sources.iter().filter(|source| !source.is_empty()) {
            parsed |= loading.source(&absolute(source))?;
        }
        let Loaded { mut inventory, mut warnings } = loading.loaded;
        if parsed {
            let conflicts = inventory.reconcile();
            warnings.extend(
                conflicts.iter().map(|name| format!("Found both group and host with same name: {name}")),
            );
        } else if options.unparsed_is_failed {
            let message = "No inventory was parsed, please check your configuration and options.";
            return Err(InventoryError::new(message));
        } else if options.unparsed_warning {
            warnings.push("No inventory was parsed, only implicit localhost is available".to_owned());
        }
        Ok(Loaded { inventory, warnings })
    }
}

/// A source as an absolute path, unless it is a list of hosts.
fn absolute(source: &str) -> String {
    if source.contains(',') && !Path::new(source).exists() {
        return source.to_owned();
    }
    let home = std::env::var("HOME").unwrap_or_default();
    let source = source.strip_prefix("~/").map_or_else(|| source.to_owned(), |rest| format!("{home}/{rest}"));
    std::path::absolute(&source).map_or(source, |path| normal(&path))
}

/// The path without `.` and `..`, by its text alone (`os.path.normpath`).
fn normal(path: &Path) -> String {
    let mut parts = std::path::PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                parts.pop();
            }
            std::path::Component::CurDir => {}
            part => parts.push(part),
        }
    }
    parts.display().to_string()
}

struct Loading<'a> {
    options: &'a LoadOptions<'a>,
    loaded: Loaded,
}

impl Loading<'_> {
    /// Reads one source; false if nothing could.
    fn source(&mut self, source: &str) -> Result<bool, InventoryError> {
        let path = Path::new(source);
        let mut failures = Vec::new();
        let parsed = if path.is_dir() { self.directory(path)? } else { self.file(source, &mut failures) };
        if parsed || (source == "/etc/ansible/hosts" && !path.exists()) {
            return Ok(parsed);
        }
        for (plugin, error) in failures {
            let message = format!("\n* Failed to parse {source} with {plugin} plugin: {error}");
            self.loaded.warnings.push(message);
        }
        if self.options.any_unparsed_is_failed {
            let message = format!("Completely failed to parse inventory source {source}");
            return Err(InventoryError::new(message));
        }
        self.loaded.warnings.push(format!("Unable to parse {source} as an inventory source"));
        Ok(false)
    }

    fn directory(&mut self, path: &Path) -> Result<bool, InventoryError> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let mut parsed = false;
        for name in names {
            if !self.ignored(&name) {
                parsed |= self.source(&path.join(name).display().to_string())?;
            }
        }
        Ok(parsed)
    }

    fn ignored(&self, name: &str) -> bool {
        let matches = |pattern: &String| {
            fancy_regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(name).unwrap_or(false))
        };
        name.starts_with('.')
            || IGNORED_NAMES.contains(&name)
            || self.options.ignore_extensions.iter().any(|ending| name.ends_with(ending.as_str()))
            || self.options.ignore_patterns.iter().any(matches)
    }

    fn file(&mut self, source: &str, failures: &mut Vec<(&'static str, InventoryError)>) -> bool {
        for plugin in &self.options.enabled {
            if !plugin.wants(source) {
                continue;
            }
            // A plugin that fails in the middle leaves nothing behind.
            let mut inventory = self.loaded.inventory.clone();
            inventory.reading = Some(source.to_owned());
            match self.parse(*plugin, source, &mut inventory) {
                Ok(mut warnings) => {
                    self.loaded.inventory = inventory;
                    self.loaded.warnings.append(&mut warnings);
                    return true;
                }
                Err(error) => failures.push((plugin.name(), error)),
            }
        }
        false
    }

    fn parse(
        &self,
        plugin: Plugin,
        source: &str,
        inventory: &mut Inventory,
    ) -> Result<Vec<String>, InventoryError> {
        let path = Path::new(source);
        let read = || (self.options.read)(path).map_err(InventoryError::new);
        match plugin {
            Plugin::HostList => return host_list(source, false, inventory),
            Plugin::AdvancedHostList => return host_list(source, true, inventory),
            Plugin::Script => return script::parse(path, inventory).map(|()| Vec::new()),
            Plugin::Ini => return ini::parse(path, inventory),
            Plugin::Yaml => return yaml::parse(&read()?, inventory),
            Plugin::Auto => return self.auto(&read()?, source, inventory),
            Plugin::Constructed => constructed::parse(&read()?, inventory, self.options)?,
        }
        Ok(Vec::new())
    }

    /// Lets the plugin read that the file names.
    fn auto(
        &self,
        config: &Value,
        source: &str,
        inventory: &mut Inventory,
    ) -> Result<Vec<String>, InventoryError> {
        let name = config.as_dict().and_then(|dict| dict.get("plugin")).map(|name| name.to_string());
        let Some(name) = name else {
            return Err(InventoryError::new(format!(
                "no root 'plugin' key found, '{source}' is not a valid YAML inventory plugin config file"
            )));
        };
        match Plugin::named(&name) {
            Some(Plugin::Constructed) => {
                constructed::parse(config, inventory, self.options).map(|()| Vec::new())
            }
            _ => Err(InventoryError::new(format!(
                "inventory config '{source}' specifies unknown plugin '{name}'"
            ))),
        }
    }
}

/// `a,b`: addresses between commas, with ranges if `advanced`. What is no address is a name as it is.
fn host_list(source: &str, advanced: bool, inventory: &mut Inventory) -> Result<Vec<String>, InventoryError> {
    for entry in source.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (hosts, port) = if advanced {
            match super::expand_pattern(entry) {
                Err(error) if error.value => {
                    let message = format!("Invalid data from string, could not parse: {error}");
                    return Err(InventoryError::new(message));
                }
                expanded => expanded.unwrap_or_else(|_| (vec![entry.to_owned()], None)),
            }
        } else {
            let (host, port) = super::parse_address(entry, false).unwrap_or((entry, None));
            (vec![host.to_owned()], port)
        };
        for host in hosts {
            if inventory.host(&host).is_none() {
                inventory.insert_host(&host, Some("ungrouped"), port);
            }
        }
    }
    Ok(Vec::new())
}
