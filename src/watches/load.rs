//! Reads a watches file: expands variables, parses, checks, finds charts, roles and playbooks.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::keys::{KEYS, Raw, RawFinalizer, Side};
use super::locate::locate;
use super::{
    AnsibleContent, ChartContent, Content, Finalizer, Gvk, Location, Problem, Problems, Runnable, Watch,
    expand,
};
use crate::yaml::go::Numbers;
use crate::yaml::{self, Document};

/// A watches file and what is suspicious about it.
#[derive(Debug)]
pub struct Loaded {
    /// The entries.
    pub watches: Vec<Watch>,
    /// Unknown keys, keys without effect.
    pub warnings: Vec<Problem>,
}

/// Reads a watches file with the variables of this process' environment.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn load(path: &Path) -> Result<Loaded, Problems> {
    let whole = Location { file: path.to_owned(), ..Location::default() };
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problems(vec![Problem { location: whole, message: format!("cannot read it: {error}") }])
    })?;
    parse(&text, path, |name| std::env::var(name).ok())
}

/// Reads the text of a watches file; `variable` gives the environment.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn parse(text: &str, path: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Loaded, Problems> {
    let text = expand(text, &variable);
    let refuse = |message: String, line, column| {
        let location = Location { file: path.to_owned(), line, column };
        Problems(vec![Problem { location, message }])
    };
    let documents = yaml::parse_documents(text.as_bytes()).map_err(|error| {
        let mark = error.mark().unwrap_or_default();
        refuse(error.problem().to_owned(), mark.line, mark.column)
    })?;
    let Some(document) = documents.first() else {
        return Ok(Loaded { watches: Vec::new(), warnings: Vec::new() });
    };
    let value = yaml::go::parse(text.as_bytes(), Numbers::Json).map_err(|error| {
        let mark = error.mark().unwrap_or_default();
        refuse(error.to_string(), mark.line, mark.column)
    })?;
    let entries = match value {
        Value::Null => Vec::new(),
        Value::Array(entries) => entries,
        _ => return Err(refuse("expected a list of watches".into(), 1, 1)),
    };
    let mut reader =
        Reader { path, document, variable: &variable, problems: Vec::new(), warnings: Vec::new() };
    let mut seen = HashSet::new();
    let mut watches = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let Some(watch) = reader.entry(index, entry) else { continue };
        if !seen.insert(watch.kind.clone()) {
            reader.problem(index, None, format!("duplicate GVK: {}", watch.kind));
        }
        watches.push(watch);
    }
    let Reader { problems, warnings, .. } = reader;
    if problems.is_empty() { Ok(Loaded { watches, warnings }) } else { Err(Problems(problems)) }
}

struct Reader<'a> {
    path: &'a Path,
    document: &'a Document<'a>,
    variable: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reader<'_> {
    fn location(&self, index: usize, key: Option<&str>) -> Location {
        let mark = locate(self.document, index, key);
        Location { file: self.path.to_owned(), line: mark.line, column: mark.column }
    }

    fn problem(&mut self, index: usize, key: Option<&str>, message: impl Into<String>) {
        let location = self.location(index, key);
        self.problems.push(Problem { location, message: message.into() });
    }

    fn warn(&mut self, index: usize, key: &str, message: String) {
        let location = self.location(index, Some(key));
        self.warnings.push(Problem { location, message });
    }

    fn entry(&mut self, index: usize, entry: &Value) -> Option<Watch> {
        let Value::Object(fields) = entry else {
            self.problem(index, None, "expected a map of keys");
            return None;
        };
        let mut raw = Raw::default();
        let mut sides = Vec::new();
        for (key, value) in fields {
            match KEYS.iter().find(|known| known.name.eq_ignore_ascii_case(key)) {
                Some(known) => {
                    sides.push((key.clone(), known.side));
                    if let Err(message) = (known.set)(&mut raw, value) {
                        self.problem(index, Some(key), format!("{}: {message}", known.name));
                    }
                }
                None => self.warn(index, key, format!("unknown key {key:?}{}", nearest(key))),
            }
        }
        self.require(index, &raw);
        let content = self.content(index, &mut raw)?;
        let other = if matches!(content, Content::Chart(_)) { Side::Ansible } else { Side::Chart };
        for (key, side) in sides {
            if side == other {
                let what = if other == Side::Ansible { "charts" } else { "roles and playbooks" };
                self.warn(index, &key, format!("{key:?} has no effect on {what}"));
            }
        }
        Some(Watch {
            kind: raw.kind,
            content,
            reconcile_period: raw.reconcile_period,
            max_concurrent_reconciles: raw.max_concurrent_reconciles,
            watch_dependent_resources: raw.watch_dependent_resources.unwrap_or(true),
            watch_cluster_scoped_resources: raw.watch_cluster_scoped_resources.unwrap_or(false),
            selector: raw.selector,
            location: self.location(index, None),
        })
    }

    fn require(&mut self, index: usize, raw: &Raw) {
        for (name, value) in [("version", &raw.kind.version), ("kind", &raw.kind.kind)] {
            if value.is_empty() {
                self.problem(index, None, format!("{name} must not be empty"));
            }
        }
    }

    fn content(&mut self, index: usize, raw: &mut Raw) -> Option<Content> {
        if !raw.chart.is_empty() {
            if !raw.role.is_empty() || !raw.playbook.is_empty() {
                self.problem(index, Some("chart"), "an entry has either a chart or a role or playbook");
                return None;
            }
            return Some(Content::Chart(ChartContent {
                chart: self.resolve(Path::new(&raw.chart)),
                override_values: std::mem::take(&mut raw.override_values),
                dry_run_option: std::mem::take(&mut raw.dry_run_option),
            }));
        }
        let Some(run) = self.runnable(&raw.role, &raw.playbook) else {
            self.problem(index, None, "one of chart, role or playbook must be set");
            return None;
        };
        Some(Content::Ansible(AnsibleContent {
            run,
            vars: std::mem::take(&mut raw.vars),
            run_timeout: raw.run_timeout,
            manage_status: raw.manage_status.unwrap_or(true),
            snake_case_parameters: raw.snake_case_parameters.unwrap_or(true),
            watch_annotations_changes: raw.watch_annotations_changes.unwrap_or(false),
            mark_unsafe: raw.mark_unsafe.unwrap_or(false),
            blacklist: std::mem::take(&mut raw.blacklist),
            finalizer: raw.finalizer.take().map(|finalizer| self.finalizer(finalizer)),
        }))
    }

    fn finalizer(&self, raw: RawFinalizer) -> Finalizer {
        Finalizer { run: self.runnable(&raw.role, &raw.playbook), name: raw.name, vars: raw.vars }
    }

    /// A playbook wins over a role, as in ansible-operator.
    fn runnable(&self, role: &str, playbook: &str) -> Option<Runnable> {
        if !playbook.is_empty() {
            return Some(Runnable::Playbook(self.resolve(Path::new(playbook))));
        }
        (!role.is_empty()).then(|| Runnable::Role(self.role(role)))
    }

    /// A relative path is relative to the working directory; beside the watches file when only that exists.
    fn resolve(&self, path: &Path) -> PathBuf {
        let beside = self.path.parent().unwrap_or(Path::new("")).join(path);
        if path.is_relative() && !path.exists() && beside.exists() { beside } else { path.to_owned() }
    }

    /// Where ansible-operator looks for a role (`AO/watches/watches.go`); the last place when it is in none.
    fn role(&self, name: &str) -> PathBuf {
        if Path::new(name).is_absolute() {
            return PathBuf::from(name);
        }
        let mut places = Vec::new();
        let paths = |variable: &str| (self.variable)(variable).unwrap_or_default();
        if let [namespace, collection, role] = name.split('.').collect::<Vec<_>>()[..] {
            let inside =
                Path::new("ansible_collections").join(namespace).join(collection).join("roles").join(role);
            let mut roots = split(&paths("ANSIBLE_COLLECTIONS_PATH"));
            if roots.is_empty() {
                roots.push("/usr/share/ansible/collections".into());
                roots.extend(
                    (self.variable)("HOME").map(|home| Path::new(&home).join(".ansible/collections")),
                );
            }
            places.extend(roots.iter().map(|root| root.join(&inside)));
        }
        for root in split(&paths("ANSIBLE_ROLES_PATH")) {
            places.extend([root.join(name), root.join("roles").join(name)]);
        }
        places.extend([self.resolve(&Path::new("roles").join(name)), self.resolve(Path::new(name))]);
        let fallback = Path::new("roles").join(name);
        places.into_iter().find(|place| place.is_dir()).unwrap_or(fallback)
    }
}

fn split(paths: &str) -> Vec<PathBuf> {
    paths.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

/// A hint at the key that was probably meant.
fn nearest(key: &str) -> String {
    let lower = key.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &lower);
    let best = KEYS.iter().map(|key| (distance(key.name), key.name)).min();
    match best {
        Some((distance, name)) if distance <= 3 && distance < lower.len() => {
            format!("; do you mean {name:?}?")
        }
        _ => String::new(),
    }
}

impl Gvk {
    /// The name of this kind in the names of environment variables: `<KIND>_<GROUP>` in capitals
    /// with `_` for `.`.
    #[must_use]
    pub fn variable_suffix(&self) -> String {
        format!("{}_{}", self.kind, self.group).to_uppercase().replace('.', "_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Loaded, Problems> {
        parse(text, Path::new("watches.yaml"), |name| (name == "PERIOD").then(|| "30s".to_owned()))
    }

    #[test]
    fn a_file_of_both_contracts() {
        let loaded = read(
            "- group: daytwo.dev\n  version: v1alpha1\n  kind: Hello\n  chart: charts/hello\n  \
             overrideValues:\n    image.tag: 1.2\n  reconcilePeriod: $PERIOD\n\
             - {Group: daytwo.dev, Version: v1alpha1, KIND: MySQL, role: mysql, manageStatus: false,\n  \
             vars: {a: 1}, finalizer: {name: daytwo.dev/f, vars: {state: absent}},\n  \
             selector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: In, values: [d, e]}]},\n  \
             blacklist: [{group: '', version: v1, kind: Pod}]}\n",
        )
        .unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        let [hello, mysql] = &loaded.watches[..] else { panic!() };
        assert_eq!(hello.kind.to_string(), "daytwo.dev/v1alpha1, Kind=Hello");
        assert_eq!(hello.reconcile_period, Some(std::time::Duration::from_secs(30)));
        let Content::Chart(chart) = &hello.content else { panic!() };
        assert_eq!(chart.override_values["image.tag"], "1.2");
        let Content::Ansible(role) = &mysql.content else { panic!() };
        assert_eq!(role.run, Runnable::Role("roles/mysql".into()));
        assert!(!role.manage_status && role.snake_case_parameters);
        assert_eq!(role.finalizer.as_ref().unwrap().vars["state"], "absent");
        assert_eq!(mysql.selector.as_deref(), Some("a=b,c in (d,e)"));
        assert_eq!(role.blacklist[0].kind, "Pod");
        assert_eq!(mysql.kind.variable_suffix(), "MYSQL_DAYTWO_DEV");
        assert_eq!((mysql.location.line, mysql.location.column), (8, 3));
    }

    #[test]
    fn all_problems_are_told_at_once_with_their_places() {
        let problems = read(
            "- kind: A\n  chart: c\n\
             - version: v1\n  kind: B\n\
             - version: v1\n  kind: C\n  role: r\n  reconcilePeriod: soon\n\
             - version: v1\n  kind: C\n  role: r\n  finalizer: {vars: {a: b}}\n\
             - nonsense\n",
        )
        .err()
        .unwrap();
        insta::assert_snapshot!(problems, @r#"
        watches.yaml:1:3: version must not be empty
        watches.yaml:3:3: one of chart, role or playbook must be set
        watches.yaml:8:3: reconcilePeriod: time: invalid duration "soon"
        watches.yaml:12:3: finalizer: finalizer must have a name
        watches.yaml:9:3: duplicate GVK: v1, Kind=C
        watches.yaml:13:3: expected a map of keys
        "#);
    }

    #[test]
    fn unknown_keys_are_warned_about_with_the_nearest_name() {
        let loaded = read(
            "- version: v1\n  kind: A\n  chart: c\n  watchDepedentResources: true\n  vars: {}\n  zzz: 1\n",
        )
        .unwrap();
        let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            [
                "watches.yaml:4:3: unknown key \"watchDepedentResources\"; do you mean \"watchDependentResources\"?",
                "watches.yaml:6:3: unknown key \"zzz\"",
                "watches.yaml:5:3: \"vars\" has no effect on charts",
            ]
        );
    }

    #[test]
    fn broken_yaml_is_located() {
        let problems = read("- version: v1\n  kind: [A\n").err().unwrap();
        assert!(problems.0[0].location.line >= 2, "{problems}");
    }

    #[test]
    fn an_empty_file_has_no_watches() {
        assert!(read("").unwrap().watches.is_empty());
        assert!(read("---\n").unwrap().watches.is_empty());
    }
}
