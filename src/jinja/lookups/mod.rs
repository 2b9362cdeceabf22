//! The lookups (`lookup('name', …)`, `query`, `with_name`).

mod csvfile;
pub mod fileglob;
pub mod files;
mod ini;
pub mod lists;
mod password;
mod url;
mod values;

use std::sync::Arc;

use super::encoding::Encoding;
use super::error::{Error, ErrorKind};
use super::eval::Interpreter;
use super::object::Args;
use super::ops;
use super::plugins::Plugins;
use super::templar::Templar;
use super::value::{Str, Value};

/// A lookup: from terms to a list.
pub trait Lookup: Send + Sync {
    /// Looks the terms up. The terms are already templated.
    ///
    /// # Errors
    /// [`ErrorKind::Plugin`] for a failure that `errors='ignore'` lets pass, another kind for misuse.
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error>;
}

/// The keyword arguments of a lookup.
#[derive(Debug, Clone, Default)]
pub struct Options {
    named: Vec<(String, Value)>,
}

impl Options {
    /// The options of a call.
    #[must_use]
    pub fn new(named: Vec<(String, Value)>) -> Self {
        Options { named }
    }

    /// All options, in the order in which they were given.
    #[must_use]
    pub fn into_named(self) -> Vec<(String, Value)> {
        self.named
    }

    /// The option of this name, unless it was not given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.named.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// The text of this option.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.is_none()).map(ToString::to_string)
    }

    /// Whether this option is true.
    #[must_use]
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |value| match value {
            Value::Str(text) => {
                matches!(text.as_str().to_lowercase().as_str(), "1" | "yes" | "true" | "on" | "y" | "t")
            }
            other => ops::truthy_or_false(other),
        })
    }

    /// Sets an option.
    pub fn set(&mut self, name: &str, value: Value) {
        self.named.retain(|(known, _)| known != name);
        self.named.push((name.to_owned(), value));
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.named.iter().position(|(given, _)| given == name)?;
        Some(self.named.remove(at).1)
    }

    /// Every option that was given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.named.iter().map(|(name, value)| (name.as_str(), value))
    }
}

/// Adds every lookup that needs no cluster.
pub fn register(plugins: &mut Plugins) {
    for (name, run) in lists::LOOKUPS {
        plugins.add_lookup(name, Arc::new(lists::OfTerms(*run)));
    }
    plugins.add_lookup("sequence", Arc::new(lists::SequenceLookup));
    plugins.add_lookup("subelements", Arc::new(lists::Subelements));
    plugins.add_lookup("env", Arc::new(values::Env));
    plugins.add_lookup("vars", Arc::new(values::VarsLookup));
    plugins.add_lookup("varnames", Arc::new(values::VarNames));
    plugins.add_lookup("password", Arc::new(password::Password));
    plugins.add_lookup("inventory_hostnames", Arc::new(values::InventoryHostnames));
    plugins.add_lookup("file", Arc::new(files::File));
    plugins.add_lookup("template", Arc::new(files::Template));
    plugins.add_lookup("fileglob", Arc::new(files::FileGlob));
    plugins.add_lookup("pipe", Arc::new(files::Pipe));
    plugins.add_lookup("csvfile", Arc::new(csvfile::CsvFile));
    plugins.add_lookup("url", Arc::new(url::Url));
    plugins.add_lookup("unvault", Arc::new(files::Unvault));
    plugins.add_lookup("lines", Arc::new(files::Lines));
    plugins.add_lookup("first_found", Arc::new(files::FirstFound));
    plugins.add_lookup("ini", Arc::new(ini::Ini));
}

/// The text of a term, which must be text.
fn text_term(term: &Value) -> Result<String, Error> {
    ops::defined(term)?;
    match term.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => {
            let kind = term.type_name();
            Err(Error::type_error(format!("argument of type '{kind}' is not iterable")))
        }
    }
}

/// The text of bytes in an encoding; one that is unknown is taken for UTF-8.
fn decode(bytes: &[u8], encoding: &str) -> String {
    let known = Encoding::named(encoding).ok().and_then(|encoding| encoding.decode(bytes).ok());
    let text = known.unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
    text.trim_start_matches('\u{feff}').to_owned()
}

/// An error of the operating system in Python's words.
#[must_use]
pub(super) fn errno(error: &std::io::Error, path: &str) -> String {
    let (number, text) = match error.raw_os_error() {
        Some(2) => (2, "No such file or directory"),
        Some(13) => (13, "Permission denied"),
        Some(20) => (20, "Not a directory"),
        Some(21) => (21, "Is a directory"),
        _ => return error.to_string(),
    };
    format!("[Errno {number}] {text}: {}", super::repr::quote(path))
}

/// Waits for asynchronous work from within a template.
///
/// # Errors
/// The run was cancelled, or there is no runtime to wait in.
pub fn wait<T>(templar: &Templar, work: impl Future<Output = T>) -> Result<T, Error> {
    let cancelled = || Error::new(ErrorKind::Cancelled, "cancelled");
    let runtime =
        templar.env.runtime.clone().ok_or_else(|| Error::ansible("no asynchronous runtime is running"))?;
    let cancel = templar.env.cancel.clone();
    tokio::task::block_in_place(|| {
        runtime.block_on(async {
            tokio::select! {
                done = work => Ok(done),
                () = cancel.cancelled() => Err(cancelled()),
            }
        })
    })
}

/// `lookup(name, *terms, **options)` and, with `want_list`, `query(…)` (`Templar._lookup`).
///
/// # Errors
/// There is no such lookup, or it fails and `errors` does not let that pass.
pub fn call(mut args: Args, interpreter: &mut Interpreter<'_>, want_list: bool) -> Result<Value, Error> {
    if args.positional.is_empty() {
        return Err(Error::type_error("lookup() missing 1 required positional argument: 'name'"));
    }
    let name = args.positional.remove(0).to_string();
    let mut options = Options::new(args.named);
    let want_list = options.take("wantlist").map_or(want_list, |it| want_list || ops::truthy_or_false(&it));
    options.take("allow_unsafe");
    let errors = options.take("errors").map_or_else(|| "strict".to_owned(), |it| it.to_string());
    let plugins = Arc::clone(&interpreter.templar.env.plugins);
    let lookup =
        plugins.lookup(&name).ok_or_else(|| Error::ansible(format!("lookup plugin ({name}) not found")))?;
    let terms = args
        .positional
        .iter()
        .map(|term| match term {
            // It is no list, which lookups would take apart.
            Value::View(_) => Ok(term.clone()),
            term => interpreter.templar.template(&ops::unroll(term.clone())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    terms.iter().try_for_each(|term| ops::every(term, ops::defined))?;
    match lookup.run(terms, options, interpreter.templar) {
        Ok(found) => {
            interpreter.tainted = interpreter.tainted || !found.is_empty();
            Ok(shape(found, want_list))
        }
        Err(error)
            if matches!(error.kind(), ErrorKind::Undefined | ErrorKind::Ansible | ErrorKind::Cancelled) =>
        {
            Err(error)
        }
        Err(_) if matches!(errors.as_str(), "ignore" | "warn") => {
            Ok(if want_list { Value::list(Vec::new()) } else { Value::None })
        }
        Err(error) if error.kind() == ErrorKind::Plugin => Err(Error::ansible(error.message())),
        Err(error) => Err(Error::ansible(format!(
            "An unhandled exception occurred while running the lookup plugin '{name}'. Error was a {}, original message: {error}. {error}",
            match error.kind() {
                ErrorKind::Exception => "<class 'ansible.errors.AnsibleError'>",
                kind => super::templar::class(kind),
            }
        ))),
    }
}

/// A list of texts joined by commas, the only item alone, several others as a list.
fn shape(found: Vec<Value>, want_list: bool) -> Value {
    if want_list || found.is_empty() {
        return Value::list(found).into_unsafe();
    }
    let texts: Option<Vec<&Str>> =
        found.iter().map(|item| if let Value::Str(text) = item { Some(text) } else { None }).collect();
    match texts {
        Some(texts) => {
            let native = texts[0].is_native();
            let joined = texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(",");
            let joined = Str::new(joined).into_unsafe();
            Value::Str(if native { joined.into_native() } else { joined })
        }
        None if found.len() == 1 => found.into_iter().next().unwrap_or(Value::None).into_unsafe(),
        None => Value::list(found).into_unsafe(),
    }
}
