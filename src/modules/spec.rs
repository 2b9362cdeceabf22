//! Arguments of a module, declared as data and validated as Ansible's `ArgumentSpecValidator` does.

use crate::jinja::value::{Dict, Entries, Value};
use crate::jinja::{convert, ops};

/// The type of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text; other scalars, lists and dicts become text.
    Str,
    /// A boolean, by Ansible's words.
    Bool,
    /// An integer.
    Int,
    /// A float.
    Float,
    /// A list; a scalar becomes a list of one, text is split at commas.
    List,
    /// A list whose elements are text.
    ListOfStr,
    /// A list whose elements are paths.
    ListOfPath,
    /// A list whose elements are integers.
    ListOfInt,
    /// A dict; JSON text and `k=v` text are read.
    Dict,
    /// A path: `~` and `$VAR` are expanded.
    Path,
    /// Any value, as it is.
    Raw,
    /// Text holding JSON; lists and dicts are written as JSON.
    Json,
}

/// The only values that an argument may have.
pub type Choices = &'static [&'static str];

/// One argument.
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// The value when it is not given, as a YAML scalar would be read by its type.
    pub default: Option<&'static str>,
    /// The only values that it may have.
    pub choices: Choices,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// The value must not be shown.
    pub no_log: bool,
    /// The arguments of a dict, or of each dict of a list; empty when it may hold anything.
    pub options: &'static [Opt],
    /// What it means, as `docs/modules` tells it.
    pub doc: &'static str,
}

impl Opt {
    /// An optional argument of this type.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind) -> Opt {
        Opt {
            name,
            kind,
            required: false,
            default: None,
            choices: &[],
            aliases: &[],
            no_log: false,
            options: &[],
            doc: "",
        }
    }

    /// An optional text.
    #[must_use]
    pub const fn str(name: &'static str) -> Opt {
        Opt::new(name, Kind::Str)
    }

    /// An optional boolean, false unless given.
    #[must_use]
    pub const fn flag(name: &'static str) -> Opt {
        Opt::new(name, Kind::Bool).default("false")
    }

    /// The same argument, which must be given.
    #[must_use]
    pub const fn required(mut self) -> Opt {
        self.required = true;
        self
    }

    /// The same argument with this value when it is not given.
    #[must_use]
    pub const fn default(mut self, value: &'static str) -> Opt {
        self.default = Some(value);
        self
    }

    /// The same argument with these values only.
    #[must_use]
    pub const fn choices(mut self, choices: Choices) -> Opt {
        self.choices = choices;
        self
    }

    /// The same argument with these other names.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Opt {
        self.aliases = aliases;
        self
    }

    /// The same dict, or list of dicts, which may hold only these.
    #[must_use]
    pub const fn options(mut self, options: &'static [Opt]) -> Opt {
        self.options = options;
        self
    }

    /// The same argument, whose value must not be shown.
    #[must_use]
    pub const fn no_log(mut self) -> Opt {
        self.no_log = true;
        self
    }

    /// The same argument with its meaning.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Opt {
        self.doc = doc;
        self
    }
}

/// A rule over several arguments.
#[derive(Debug, Clone, Copy)]
pub enum Requirement {
    /// At most one of these.
    MutuallyExclusive(&'static [&'static str]),
    /// At least one of these.
    OneOf(&'static [&'static str]),
    /// All of these or none.
    Together(&'static [&'static str]),
    /// When the first argument has this value, all of these.
    If(&'static str, &'static str, &'static [&'static str]),
    /// When the first argument is given, all of these.
    By(&'static str, &'static [&'static str]),
}

/// What a module does in check mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckMode {
    /// It says what it would change.
    Full,
    /// It cannot say: the task is skipped.
    None,
}

/// What `docs/modules` tells of a module beside its arguments.
#[derive(Debug, Clone, Copy, Default)]
pub struct Doc {
    /// What it does, in Markdown: a first sentence for the overview, then what a user must know.
    pub text: &'static str,
    /// What its result holds: names and meanings.
    pub returns: &'static [(&'static str, &'static str)],
    /// Tasks, as YAML.
    pub examples: &'static str,
}

/// The name and the arguments of a module.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The fully qualified name.
    pub name: &'static str,
    /// Other fully qualified names.
    pub aliases: &'static [&'static str],
    /// The arguments.
    pub options: &'static [Opt],
    /// Arguments that several modules share, group by group.
    pub fragments: &'static [&'static [Opt]],
    /// Rules over several arguments.
    pub requirements: &'static [Requirement],
    /// Whether the task may give its arguments as one text (`command: ls -l`).
    pub free_form: bool,
    /// Whether that text stays whole in `_raw_params` beside the `k=v` that the module knows.
    pub raw_params: bool,
    /// Arguments that the spec does not name are handed over as they are (`set_fact`).
    pub any_option: bool,
    /// What the module does in check mode.
    pub check_mode: CheckMode,
    /// What `docs/modules` tells, for modules that have their page there.
    pub doc: Doc,
}

impl Spec {
    /// A module with these arguments that knows check mode.
    #[must_use]
    pub const fn new(name: &'static str, options: &'static [Opt]) -> Spec {
        Spec {
            name,
            aliases: &[],
            options,
            fragments: &[],
            requirements: &[],
            free_form: false,
            raw_params: false,
            any_option: false,
            check_mode: CheckMode::Full,
            doc: Doc { text: "", returns: &[], examples: "" },
        }
    }

    /// Every argument: the module's own, then the shared ones.
    pub fn all_options(&self) -> impl Iterator<Item = &'static Opt> {
        std::iter::once(self.options).chain(self.fragments.iter().copied()).flatten()
    }

    /// The argument of this name or alias.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&'static Opt> {
        self.all_options().find(|opt| opt.name == name || opt.aliases.contains(&name))
    }
}

/// Validated arguments: every declared one is present, `None` when it was not given.
#[derive(Debug, Clone, Default)]
pub struct Args {
    /// The values by name.
    pub values: Entries,
}

impl Args {
    /// The value of this argument, unless it was not given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_none())
    }

    /// The text of this argument.
    #[must_use]
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Whether this argument is true.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(ops::truthy_or_false)
    }

    /// The integer of this argument.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_int)
    }

    /// The float of this argument.
    #[must_use]
    pub fn float(&self, name: &str) -> Option<f64> {
        match self.get(name)? {
            Value::Float(number) => Some(*number),
            other => other.as_int().map(|number| number as f64),
        }
    }

    /// The items of this list.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<Vec<Value>> {
        self.get(name).and_then(Value::as_list).map(super::super::jinja::value::List::items)
    }

    /// The texts of this list.
    #[must_use]
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        self.list(name).map(|items| items.iter().map(ToString::to_string).collect())
    }

    /// The entries of this dict.
    #[must_use]
    pub fn dict(&self, name: &str) -> Option<Dict> {
        self.get(name).and_then(Value::as_dict).cloned()
    }

    /// This argument as JSON.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<serde_json::Value> {
        self.get(name).map(convert::to_json)
    }
}
