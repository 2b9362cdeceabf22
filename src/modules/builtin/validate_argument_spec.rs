//! `validate_argument_spec`: the arguments of a role against its specification
//! (`plugins/action/validate_argument_spec.py`, `module_utils/common/arg_spec.py`). Unlike the arguments of a task,
//! those of a role are described by data, and everything that is wrong with them is told at once.

use async_trait::async_trait;

use crate::jinja::Value;
use crate::jinja::value::{Dict, Entries};
use crate::modules::validate::convert_kind;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.validate_argument_spec`.
pub(super) struct ValidateArgumentSpec;

pub(super) static SPEC: Spec = Spec::new(
    "ansible.builtin.validate_argument_spec",
    &[
        Opt::new("argument_spec", Kind::Raw),
        Opt::new("provided_arguments", Kind::Raw),
        Opt::new("validate_args_context", Kind::Raw),
    ],
);

/// The types of an argument.
const TYPES: &[(&str, Kind)] = &[
    ("str", Kind::Str),
    ("list", Kind::List),
    ("dict", Kind::Dict),
    ("bool", Kind::Bool),
    ("int", Kind::Int),
    ("float", Kind::Float),
    ("path", Kind::Path),
    ("raw", Kind::Raw),
    ("json", Kind::Json),
    ("jsonarg", Kind::Json),
];

/// The types that are sizes, and what errors call their values.
const SIZES: &[(&str, &str)] = &[("bytes", "Byte"), ("bits", "Bit")];

#[async_trait]
impl Module for ValidateArgumentSpec {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let dict = |name: &str| match args.get(name) {
            None => Ok(Dict::default()),
            Some(Value::Dict(dict)) => Ok(dict.clone()),
            Some(other) => Err(ModuleError::new(format!(
                "Incorrect type for {name}, expected dict and got <class '{}'>",
                other.type_name()
            ))),
        };
        if args.get("argument_spec").is_none() {
            return Err(ModuleError::new("\"argument_spec\" arg is required in args"));
        }
        let (spec, provided) = (dict("argument_spec")?, dict("provided_arguments")?);
        let mut given = Entries::new();
        let templar = context.templar();
        for name in spec.entries().keys() {
            if let Some(value) = context.vars.get(name.text().as_ref()) {
                given.insert(name.clone(), templar.template(value)?);
            }
        }
        given.extend(provided.entries());
        let mut checker = Checker::default();
        let given = Dict::new(given);
        checker.check(&spec, &given, None, &[]);
        checker.check_nested(&spec, &given, &mut Vec::new());
        let errors = checker.finish();
        let about = Value::Dict(dict("validate_args_context")?);
        if errors.is_empty() {
            return Ok(TaskResult::changed(false)
                .with("validate_args_context", about)
                .with("msg", "The arg spec validation passed"));
        }
        Err(ModuleError::new(format!("Validation of arguments failed:\n{}", errors.join("\n")))
            .with("validate_args_context", about)
            .with("argument_spec_data", Value::Dict(spec))
            .with("argument_errors", Value::list(errors.into_iter().map(Value::from).collect())))
    }
}

/// What is wrong so far.
#[derive(Default)]
struct Checker {
    errors: Vec<String>,
    /// Arguments that no specification names, with those that the last one has.
    unknown: Vec<String>,
    supported: Vec<String>,
}

/// An attribute of one argument's specification, unless it is null.
fn attribute(spec: &Value, name: &str) -> Option<Value> {
    spec.as_dict().and_then(|dict| dict.get(name)).filter(|value| !value.is_none())
}

fn texts(value: Option<Value>) -> Vec<String> {
    let value = value.unwrap_or(Value::None);
    value.as_list().map_or_else(Vec::new, |list| list.items().iter().map(ToString::to_string).collect())
}

fn is_true(spec: &Value, name: &str) -> bool {
    attribute(spec, name).is_some_and(|value| crate::jinja::ops::truthy_or_false(&value))
}

/// The place of options within others, as messages name it.
fn found_in(path: &[String]) -> String {
    if path.is_empty() { String::new() } else { format!(" found in {}", path.join(" -> ")) }
}

/// The same as messages about types quote it; `stop` ends it where there is such a place.
fn found_in_quoted(path: &[String], stop: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" found in '{}'{stop}", path.join(" -> ")) }
}

impl Checker {
    fn finish(mut self) -> Vec<String> {
        if !self.unknown.is_empty() {
            self.unknown.sort();
            self.supported.sort();
            let (unknown, supported) = (self.unknown.join(", "), self.supported.join(", "));
            self.errors.push(format!("{unknown}. Supported parameters include: {supported}."));
        }
        self.errors
    }

    /// Checks arguments by a specification and converts them in place. `parent` is the option that holds them.
    fn check(&mut self, specs: &Dict, given: &Dict, parent: Option<&Value>, path: &[String]) {
        let specs = specs.entries();
        for (name, spec) in &specs {
            for alias in texts(attribute(spec, "aliases")) {
                if let Some(value) = given.get(&alias) {
                    given.write().insert(name.clone(), value);
                }
            }
        }
        self.find_unknown(&specs, given, path);
        if let Some(parent) = parent {
            self.check_exclusive(parent, given, path);
        }
        let mut missing: Vec<String> = specs
            .iter()
            .filter(|(name, spec)| is_true(spec, "required") && given.get(&name.text()).is_none())
            .map(|(name, _)| name.text().into_owned())
            .collect();
        missing.sort();
        if !missing.is_empty() {
            let message = format!("missing required arguments: {}{}", missing.join(", "), found_in(path));
            self.errors.push(message);
        }
        for (name, spec) in &specs {
            let name = name.text();
            if let Some(value) = given.get(&name) {
                let optional = !is_true(spec, "required") && attribute(spec, "default").is_none();
                if !(value.is_none() && optional)
                    && let Some(converted) = self.convert(&name, spec, &value, path)
                {
                    given.write().insert(name.as_ref().into(), converted);
                }
            }
        }
        for (name, spec) in &specs {
            if let Some(value) = given.get(&name.text()) {
                self.check_choices(&name.text(), spec, &value, path);
            }
        }
        if let Some(parent) = parent {
            self.check_together(parent, given, path);
        }
        for (name, spec) in &specs {
            if given.get(&name.text()).is_none_or(|value| value.is_none()) {
                let default = attribute(spec, "default").unwrap_or(Value::None);
                given.write().insert(name.clone(), default);
            }
        }
    }

    fn find_unknown(&mut self, specs: &Entries, given: &Dict, path: &[String]) {
        let names: Vec<String> = specs.keys().map(|name| name.text().into_owned()).collect();
        let aliases: Vec<String> =
            specs.values().flat_map(|spec| texts(attribute(spec, "aliases"))).collect();
        for name in given.entries().keys() {
            let name = name.text().into_owned();
            if !names.contains(&name) && !aliases.contains(&name) {
                self.unknown.push([path, std::slice::from_ref(&name)].concat().join("."));
                self.supported.clone_from(&names);
            }
        }
    }

    fn convert(&mut self, name: &str, spec: &Value, value: &Value, path: &[String]) -> Option<Value> {
        let wanted = attribute(spec, "type").map_or_else(|| "str".to_owned(), |kind| kind.to_string());
        let converted = match convert(&wanted, value) {
            Ok(converted) => converted,
            Err(problem) => {
                let place = found_in_quoted(path, ".");
                self.errors.push(format!(
                    "argument '{name}' is of type {}{place} and we were unable to convert to {wanted}: {problem}",
                    value.class_name()
                ));
                return None;
            }
        };
        let Some(elements) = attribute(spec, "elements").map(|elements| elements.to_string()) else {
            return Some(converted);
        };
        let items = converted.as_list().map(crate::jinja::value::List::items).unwrap_or_default();
        let mut kept = Vec::new();
        for item in items {
            match convert(&elements, &item) {
                Ok(item) => kept.push(item),
                Err(problem) => {
                    let place = found_in_quoted(path, "");
                    self.errors.push(format!(
                        "Elements value for option '{name}'{place} is of type {} and we were unable to convert to {elements}: {problem}",
                        item.class_name()
                    ));
                }
            }
        }
        Some(Value::list(kept))
    }

    fn check_choices(&mut self, name: &str, spec: &Value, value: &Value, path: &[String]) {
        let Some(Value::List(choices)) = attribute(spec, "choices") else { return };
        let choices = choices.items();
        let shown: Vec<String> = choices.iter().map(ToString::to_string).collect();
        let shown = shown.join(", ");
        if let Value::List(list) = value {
            let items = list.items();
            let wrong: Vec<String> =
                items.iter().filter(|item| !choices.contains(item)).map(ToString::to_string).collect();
            if !wrong.is_empty() {
                self.errors.push(format!(
                    "value of {name} must be one or more of: {shown}. Got no match for: {}{}",
                    wrong.join(", "),
                    found_in(path)
                ));
            }
        } else if !choices.contains(value) {
            self.errors
                .push(format!("value of {name} must be one of: {shown}, got: {value}{}", found_in(path)));
        }
    }

    /// The arguments within dicts, and within each dict of a list.
    fn check_nested(&mut self, specs: &Dict, given: &Dict, path: &mut Vec<String>) {
        for (name, spec) in specs.entries() {
            let name = name.text().into_owned();
            let kind = attribute(&spec, "type").map(|kind| kind.to_string()).unwrap_or_default();
            let elements = attribute(&spec, "elements").map(|kind| kind.to_string());
            if !(kind == "dict" || (kind == "list" && elements.as_deref() == Some("dict"))) {
                continue;
            }
            let Some(Value::Dict(options)) = attribute(&spec, "options") else { continue };
            let value = match given.get(&name).filter(|value| !value.is_none()) {
                Some(value) => value,
                None if is_true(&spec, "apply_defaults") => {
                    let value = Value::Dict(Dict::default());
                    given.write().insert(name.as_str().into(), value.clone());
                    value
                }
                None => continue,
            };
            let inner = match &value {
                Value::List(list) => list.items(),
                other => vec![other.clone()],
            };
            path.push(name.clone());
            for item in inner {
                let Value::Dict(item) = item else {
                    self.errors.push(format!("value of '{name}' must be of type dict or list of dicts"));
                    continue;
                };
                self.check(&options, &item, Some(&spec), path);
                self.check_nested(&options, &item, path);
            }
            path.pop();
        }
    }

    /// `mutually_exclusive` of an option that holds others.
    fn check_exclusive(&mut self, parent: &Value, given: &Dict, path: &[String]) {
        for group in groups(attribute(parent, "mutually_exclusive")) {
            if group.iter().filter(|name| given.get(name).is_some()).count() > 1 {
                let message =
                    format!("parameters are mutually exclusive: {}{}", group.join("|"), found_in(path));
                self.errors.push(message);
            }
        }
    }

    /// `required_together`, `required_one_of` and `required_by` of an option that holds others.
    fn check_together(&mut self, parent: &Value, given: &Dict, path: &[String]) {
        let has = |name: &str| given.get(name).is_some_and(|value| !value.is_none());
        let count = |group: &[String]| group.iter().filter(|name| has(name)).count();
        for group in groups(attribute(parent, "required_together")) {
            if !matches!(count(&group), 0) && count(&group) < group.len() {
                let message =
                    format!("parameters are required together: {}{}", group.join(", "), found_in(path));
                self.errors.push(message);
            }
        }
        for group in groups(attribute(parent, "required_one_of")) {
            if count(&group) == 0 {
                let message =
                    format!("one of the following is required: {}{}", group.join(", "), found_in(path));
                self.errors.push(message);
            }
        }
        let Some(Value::Dict(needs)) = attribute(parent, "required_by") else { return };
        for (name, needed) in needs.entries().into_iter().filter(|(name, _)| has(&name.text())) {
            let needed =
                if needed.as_list().is_some() { texts(Some(needed)) } else { vec![needed.to_string()] };
            let missing: Vec<String> = needed.into_iter().filter(|name| !has(name)).collect();
            if !missing.is_empty() {
                self.errors.push(format!(
                    "missing parameter(s) required by '{}': {}{}",
                    name.text(),
                    missing.join(", "),
                    found_in(path)
                ));
            }
        }
    }
}

/// Groups of names: a list of lists, or one list alone.
fn groups(value: Option<Value>) -> Vec<Vec<String>> {
    let items = value.as_ref().and_then(Value::as_list).map(crate::jinja::value::List::items);
    let items = items.unwrap_or_default();
    if items.iter().all(|item| item.as_list().is_some()) {
        items.into_iter().map(|item| texts(Some(item))).collect()
    } else {
        vec![texts(value)]
    }
}

/// A value as one of this type.
fn convert(wanted: &str, value: &Value) -> Result<Value, String> {
    if let Some((_, unit)) = SIZES.iter().find(|(name, _)| *name == wanted) {
        let size = crate::jinja::filters::math::size(&value.to_string(), None, wanted == "bits");
        return size.ok_or_else(|| format!("{} cannot be converted to a {unit} value", value.class_name()));
    }
    let kind = TYPES.iter().find(|(name, _)| *name == wanted).map_or(Kind::Raw, |(_, kind)| *kind);
    convert_kind(kind, value.clone())
}
