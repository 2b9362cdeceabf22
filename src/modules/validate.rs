//! Checks and converts the arguments of a task by a [`Spec`] (`module_utils/common/parameters.py`).

use super::spec::{Args, Kind, Opt, Requirement, Spec};
use crate::jinja::filters::core::to_bool;
use crate::jinja::filters::path::{expand_user, expand_vars};
use crate::jinja::repr::repr;
use crate::jinja::value::{Dict, Entries, Value};
use crate::jinja::{convert, filters, literal};

impl Spec {
    /// Checks and converts templated arguments.
    ///
    /// # Errors
    /// The message with which Ansible fails the task.
    pub fn validate(&self, given: Entries) -> Result<Args, String> {
        let mut values = Entries::new();
        let mut unknown = Vec::new();
        for (name, value) in given {
            let text = name.text().into_owned();
            match self.option(&text) {
                Some(opt) => {
                    values.insert(opt.name.into(), value);
                }
                None if self.any_option
                    || (text == "_raw_params" && self.free_form)
                    || text.starts_with("_ansible_") =>
                {
                    values.insert(name, value);
                }
                None => unknown.push(text),
            }
        }
        if !unknown.is_empty() {
            return Err(self.unsupported(self.all_options(), unknown));
        }
        self.check_before_defaults(&values)?;
        for opt in self.all_options() {
            let value = converted_or_default(opt, values.get(opt.name))?;
            let value = self.check_inner(opt, opt.name, value)?;
            values.insert(opt.name.into(), value);
        }
        let args = Args { values };
        self.check_after_defaults(&args)?;
        Ok(args)
    }

    /// Checks what a dict, or each dict of a list, holds.
    fn check_inner(&self, opt: &Opt, path: &str, value: Value) -> Result<Value, String> {
        match value {
            Value::Dict(dict) if !opt.options.is_empty() => {
                Ok(Value::Dict(Dict::new(self.check_dict(opt, path, dict.entries())?)))
            }
            Value::List(list) if !opt.options.is_empty() => {
                let check = |item: Value| match item {
                    Value::Dict(_) => self.check_inner(opt, path, item),
                    other => Err(format!(
                        "Elements value for option '{path}' is of type <class '{}'> and we were unable to convert to dict",
                        other.type_name()
                    )),
                };
                list.items().into_iter().map(check).collect::<Result<_, _>>().map(Value::list)
            }
            other => Ok(other),
        }
    }

    fn check_dict(&self, parent: &Opt, path: &str, given: Entries) -> Result<Entries, String> {
        let mut values = Entries::new();
        let mut unknown = Vec::new();
        for (name, value) in given {
            let text = name.text().into_owned();
            match parent.options.iter().find(|opt| opt.name == text || opt.aliases.contains(&text.as_str())) {
                Some(opt) => {
                    values.insert(opt.name.into(), value);
                }
                None => unknown.push(format!("{path}.{text}")),
            }
        }
        if !unknown.is_empty() {
            return Err(self.unsupported(parent.options.iter(), unknown));
        }
        let missing: Vec<&str> = parent
            .options
            .iter()
            .filter(|opt| opt.required && values.get(opt.name).is_none_or(Value::is_none))
            .map(|opt| opt.name)
            .collect();
        if !missing.is_empty() {
            return Err(format!("missing required arguments: {} found in {path}", missing.join(", ")));
        }
        for opt in parent.options {
            let value = converted_or_default(opt, values.get(opt.name))
                .map_err(|error| format!("{error} found in {path}"))?;
            let value = self.check_inner(opt, &format!("{path} -> {}", opt.name), value)?;
            values.insert(opt.name.into(), value);
        }
        Ok(values)
    }

    fn unsupported<'o>(&self, options: impl Iterator<Item = &'o Opt>, mut unknown: Vec<String>) -> String {
        unknown.sort();
        let (mut supported, mut aliases) = (Vec::<&str>::new(), Vec::<&str>::new());
        for opt in options {
            supported.push(opt.name);
            aliases.extend(opt.aliases);
        }
        supported.sort_unstable();
        aliases.sort_unstable();
        let short = self.name.rsplit('.').next().unwrap_or(self.name);
        let (unknown, mut supported) = (unknown.join(", "), supported.join(", "));
        if !aliases.is_empty() {
            supported.push_str(&format!(" ({})", aliases.join(", ")));
        }
        format!(
            "Unsupported parameters for ({short}) module: {unknown}. Supported parameters include: {supported}."
        )
    }

    fn check_before_defaults(&self, values: &Entries) -> Result<(), String> {
        let given = |name: &&&str| values.get(**name).is_some_and(|value| !value.is_none());
        for requirement in self.requirements {
            if let Requirement::MutuallyExclusive(names) = requirement
                && names.iter().filter(given).count() > 1
            {
                return Err(format!("parameters are mutually exclusive: {}", names.join("|")));
            }
        }
        let missing: Vec<&str> = self
            .all_options()
            .filter(|opt| opt.required && values.get(opt.name).is_none_or(Value::is_none))
            .map(|opt| opt.name)
            .collect();
        if !missing.is_empty() {
            return Err(format!("missing required arguments: {}", missing.join(", ")));
        }
        Ok(())
    }

    fn check_after_defaults(&self, args: &Args) -> Result<(), String> {
        let absent = |names: &[&'static str]| -> Vec<&str> {
            names.iter().copied().filter(|name| args.get(name).is_none()).collect()
        };
        for requirement in self.requirements {
            match requirement {
                Requirement::OneOf(names) if absent(names).len() == names.len() => {
                    return Err(format!("one of the following is required: {}", names.join(", ")));
                }
                Requirement::Together(names)
                    if !matches!(absent(names).len(), 0) && absent(names).len() < names.len() =>
                {
                    return Err(format!("parameters are required together: {}", names.join(", ")));
                }
                Requirement::If(name, value, needed)
                    if args.get(name).is_some_and(|it| it.to_string() == *value) =>
                {
                    let missing = absent(needed);
                    if !missing.is_empty() {
                        let missing = missing.join(", ");
                        return Err(format!(
                            "{name} is {value} but all of the following are missing: {missing}"
                        ));
                    }
                }
                Requirement::By(name, needed) if args.get(name).is_some() => {
                    let missing = absent(needed);
                    if !missing.is_empty() {
                        return Err(format!(
                            "missing parameter(s) required by '{name}': {}",
                            missing.join(", ")
                        ));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A null that is given is no default: it is a value of its kind, or an error where there is a default.
fn converted_or_default(opt: &Opt, given: Option<&Value>) -> Result<Value, String> {
    match (given, opt.default) {
        (Some(Value::None) | None, None) => Ok(Value::None),
        (None, Some(default)) => convert_option(opt, Value::from(default)),
        (Some(value), _) => convert_option(opt, value.clone()),
    }
}

fn convert_option(opt: &Opt, value: Value) -> Result<Value, String> {
    let converted = convert_kind(opt.kind, value.clone()).map_err(|problem| {
        let found = value.plain_type_name();
        let wanted = kind_name(opt.kind);
        format!(
            "argument '{}' is of type <class '{found}'> and we were unable to convert to {wanted}: {problem}",
            opt.name
        )
    })?;
    check_choices(opt, converted)
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Str => "str",
        Kind::Bool => "bool",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::List | Kind::ListOfStr | Kind::ListOfPath | Kind::ListOfInt => "list",
        Kind::Dict => "dict",
        Kind::Path => "path",
        Kind::Raw => "raw",
        Kind::Json => "jsonarg",
    }
}

fn check_choices(opt: &Opt, value: Value) -> Result<Value, String> {
    if opt.choices.is_empty() {
        return Ok(value);
    }
    let allowed = |value: &Value| opt.choices.contains(&value.to_string().as_str());
    let shown = opt.choices.join(", ");
    match &value {
        Value::List(list) => {
            let wrong: Vec<String> =
                list.read().iter().filter(|item| !allowed(item)).map(ToString::to_string).collect();
            if wrong.is_empty() {
                return Ok(value);
            }
            let wrong = wrong.join(", ");
            Err(format!("value of {} must be one or more of: {shown}. Got no match for: {wrong}", opt.name))
        }
        Value::None => Ok(value),
        single if allowed(single) => Ok(value),
        Value::Bool(flag) => {
            // YAML reads `yes`, `off`, … as booleans; a choice of such a word is meant.
            let words: &[&str] = if *flag { &["yes", "on", "true"] } else { &["no", "off", "false"] };
            let mut meant = opt.choices.iter().filter(|choice| words.contains(choice));
            match (meant.next(), meant.next()) {
                (Some(choice), None) => Ok(Value::from(*choice)),
                _ => Err(format!("value of {} must be one of: {shown}, got: {value}", opt.name)),
            }
        }
        _ => Err(format!("value of {} must be one of: {shown}, got: {value}", opt.name)),
    }
}

/// A value as one of a kind.
///
/// # Errors
/// Why it is none, in Ansible's words.
pub(super) fn convert_kind(kind: Kind, value: Value) -> Result<Value, String> {
    match kind {
        Kind::Raw => Ok(value),
        Kind::Str => string(value),
        Kind::Bool => to_bool(&value).map(Value::Bool).ok_or_else(|| match value {
            Value::Str(_) | Value::Int(_) | Value::Float(_) => format!(
                "The value '{value}' is not a valid boolean.  Valid booleans include: 0, 1, '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'"
            ),
            other => format!("{} cannot be converted to a bool", other.class_name()),
        }),
        Kind::Int => integer(&value),
        Kind::Float => match &value {
            Value::Float(_) => Ok(value),
            Value::Int(number) => Ok(Value::Float(*number as f64)),
            Value::Bool(flag) => Ok(Value::Float(f64::from(*flag))),
            other => {
                let text = other.to_string();
                let number = text.trim().parse().map(Value::Float);
                number.map_err(|_| format!("{} cannot be converted to a float", other.class_name()))
            }
        },
        Kind::List => list(value),
        Kind::ListOfStr | Kind::ListOfPath | Kind::ListOfInt => {
            let items = list(value)?;
            let items = items.as_list().map(crate::jinja::value::List::items).unwrap_or_default();
            let item = |item: Value| match kind {
                Kind::ListOfInt => integer(&item),
                Kind::ListOfPath => Ok(Value::from(expand_path(&item.to_string()))),
                _ => Ok(Value::from(item.to_string())),
            };
            items.into_iter().map(item).collect::<Result<_, _>>().map(Value::list)
        }
        Kind::Dict => dict(value),
        Kind::Path => string(value).map(|path| Value::from(expand_path(&path.to_string()))),
        Kind::Json => match value {
            Value::Str(text) => Ok(Value::from(text.as_str().trim())),
            Value::List(_) | Value::Tuple(_) | Value::Dict(_) => {
                Ok(Value::from(filters::json::dumps(&value, None, false)))
            }
            other => Err(format!("{} cannot be converted to a json string", other.class_name())),
        },
    }
}

fn string(value: Value) -> Result<Value, String> {
    match value {
        Value::Str(_) => Ok(value),
        Value::None => Err("'None' is not a string and conversion is not allowed".to_owned()),
        other => Ok(Value::from(other.to_string())),
    }
}

fn integer(value: &Value) -> Result<Value, String> {
    let wrong = || format!("\"{}\" cannot be converted to an int", repr(value));
    match value {
        Value::Int(_) | Value::BigInt(_) => Ok(value.clone()),
        Value::Bool(flag) => Ok(Value::Int(i64::from(*flag))),
        Value::Float(number) if number.fract() == 0.0 => Ok(Value::Int(*number as i64)),
        Value::Str(text) => {
            let text = text.as_str().trim();
            let whole = text.parse::<i64>().ok();
            let whole =
                whole.or_else(|| text.parse::<f64>().ok().filter(|it| it.fract() == 0.0).map(|it| it as i64));
            whole.map(Value::Int).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn list(value: Value) -> Result<Value, String> {
    match value {
        Value::List(_) => Ok(value),
        Value::Tuple(items) => Ok(Value::list(items.to_vec())),
        Value::Str(text) => Ok(Value::list(text.as_str().split(',').map(Value::from).collect())),
        Value::Bool(_) => Ok(Value::list(vec![Value::from(value.to_string())])),
        value if value.is_number() => Ok(Value::list(vec![Value::from(value.to_string())])),
        other => Err(format!("{} cannot be converted to a list", other.class_name())),
    }
}

fn dict(value: Value) -> Result<Value, String> {
    let Value::Str(text) = &value else {
        return match value {
            Value::Dict(_) => Ok(value),
            other => Err(format!("{} cannot be converted to a dict", other.class_name())),
        };
    };
    let text = text.as_str().trim();
    if text.starts_with('{') {
        let json = serde_json::from_str(text).map(convert::from_json).ok();
        return json
            .or_else(|| literal::eval(text))
            .ok_or_else(|| "unable to evaluate string as dictionary".to_owned());
    }
    if text.contains('=') {
        let pairs =
            crate::playbook::parse_kv(&text.replace(',', " "), false).map_err(|error| error.to_string())?;
        return Ok(Value::dict(pairs.into_iter().map(|(key, value)| (key.to_string(), value))));
    }
    Err("dictionary requested, could not parse JSON or key=value".to_owned())
}

/// `~` and `$VAR` of a path (`os.path.expanduser`, `expandvars`).
#[must_use]
pub fn expand_path(path: &str) -> String {
    expand_vars(&expand_user(path))
}
