//! Templates values, lazily, as Ansible's `Templar` does.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use indexmap::IndexMap;

use super::ast::{Expr, Reference, Template};
use super::error::{Error, ErrorKind};
use super::eval::{Interpreter, unknown_plugin};
use super::extensions::Extensions;
use super::notices::{Notice, Notices};
use super::ops;
use super::parse::{self, Newline, Syntax};
use super::plugins::Plugins;
use super::search;
use super::settings::Settings;
use super::value::{Str, Undefined, Value};
use crate::vault::{Sealed, Secrets};

/// The variables of a task, by name, not templated.
pub type Vars = IndexMap<Arc<str>, Value>;

/// How many templates may nest through variables before that counts as a recursive loop.
const MAX_NESTING: usize = 200;

/// How many parsed templates are remembered.
const CACHE_SIZE: usize = 20_000;

/// The parts of templating that do not change during a run: plugins, handles, parsed templates.
#[derive(Clone)]
pub struct Environment {
    /// The filters, tests and lookups.
    pub plugins: Arc<Plugins>,
    /// What settings change of the language.
    pub settings: Settings,
    /// The passwords of encrypted values and files.
    pub secrets: Arc<Secrets>,
    /// Handles that lookups need.
    pub extensions: Extensions,
    /// Where lookups may wait for asynchronous work.
    pub runtime: Option<tokio::runtime::Handle>,
    /// Ends lookups that wait when the run is cancelled.
    pub cancel: tokio_util::sync::CancellationToken,
    /// What templates tell beside their results.
    pub notices: Notices,
    cache: Arc<RwLock<Cache>>,
}

/// Parsed templates by their source: how it was read, whether backslashes were doubled, what came out.
type Cache = HashMap<Arc<str>, Vec<(Syntax, bool, Arc<Template>)>>;

impl Environment {
    /// An environment with these plugins and no handles.
    #[must_use]
    pub fn new(plugins: Arc<Plugins>) -> Self {
        Environment {
            plugins,
            settings: Settings::default(),
            secrets: Arc::default(),
            extensions: Extensions::default(),
            runtime: tokio::runtime::Handle::try_current().ok(),
            cancel: tokio_util::sync::CancellationToken::new(),
            notices: Notices::default(),
            cache: Arc::default(),
        }
    }

    /// The same plugins and parsed templates with other handles.
    #[must_use]
    pub fn with(&self, extensions: Extensions, cancel: tokio_util::sync::CancellationToken) -> Self {
        Environment {
            plugins: Arc::clone(&self.plugins),
            settings: self.settings.clone(),
            secrets: Arc::clone(&self.secrets),
            extensions,
            runtime: tokio::runtime::Handle::try_current().ok(),
            cancel,
            notices: Notices::default(),
            cache: Arc::clone(&self.cache),
        }
    }

    /// The same environment with these plugins.
    #[must_use]
    pub fn with_plugins(&self, plugins: Plugins) -> Self {
        Environment { plugins: Arc::new(plugins), ..self.clone() }
    }

    /// The same environment with these settings; templates that were parsed already are forgotten.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Environment { settings, cache: Arc::default(), ..self }
    }

    /// The same environment with these passwords.
    #[must_use]
    pub fn with_secrets(self, secrets: Secrets) -> Self {
        Environment { secrets: Arc::new(secrets), ..self }
    }

    /// The plain text of an encrypted value.
    ///
    /// # Errors
    /// No password fits.
    pub fn open(&self, sealed: &Sealed) -> Result<Value, Error> {
        let plain = sealed.open(&self.secrets).map_err(|error| Error::ansible(error.to_string()))?;
        Ok(Value::Str(Str::new(plain).into_vaulted()))
    }

    /// The content of a file, decrypted if it is vault data.
    ///
    /// # Errors
    /// The file cannot be read or decrypted; the message is Python's or Ansible's.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let shown = path.display().to_string();
        let bytes =
            std::fs::read(path).map_err(|error| Error::exception(super::lookups::errno(&error, &shown)))?;
        let opened = self.secrets.open(bytes.into(), &shown);
        opened.map(Cow::into_owned).map_err(|error| Error::exception(error.to_string()))
    }

    /// The same environment where templates give text, whatever the settings say.
    #[must_use]
    pub fn text_only(&self) -> Self {
        Environment { settings: Settings { native: false, ..self.settings.clone() }, ..self.clone() }
    }

    /// The same environment for work beside it, which tells its notices to itself.
    #[must_use]
    pub fn beside(&self) -> Self {
        Environment { notices: Notices::default(), ..self.clone() }
    }

    /// Parses a template, or remembers it.
    ///
    /// # Errors
    /// The text is no template.
    pub fn parse(&self, source: &str, syntax: &Syntax, double: bool) -> Result<Arc<Template>, Error> {
        {
            let cache = self.cache.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            let known = cache.get(source).into_iter().flatten();
            if let Some((.., template)) =
                known.into_iter().find(|known| known.0 == *syntax && known.1 == double)
            {
                return Ok(Arc::clone(template));
            }
        }
        let mut own = syntax.clone();
        own.do_statements |= self.settings.do_statements;
        own.loop_controls |= self.settings.loop_controls;
        let doubled = if double { parse::double_backslashes(source, &own)? } else { None };
        let template = Arc::new(parse::parse(doubled.as_deref().unwrap_or(source), &own)?);
        let mut cache = self.cache.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if cache.len() >= CACHE_SIZE {
            cache.clear();
        }
        cache.entry(source.into()).or_default().push((syntax.clone(), double, Arc::clone(&template)));
        Ok(template)
    }
}

/// How one value is templated.
#[derive(Debug, Clone)]
pub struct TemplateOptions {
    /// Text that looks like a literal becomes its value.
    pub convert_data: bool,
    /// Backslashes within `{{ }}` strings are doubled (text from YAML, not template files).
    pub escape_backslashes: bool,
    /// Newlines at the end of the source are kept.
    pub preserve_trailing_newlines: bool,
    /// A missing variable is an error; otherwise the text stays as it is.
    pub fail_on_undefined: bool,
    /// How the text is read.
    pub syntax: Syntax,
}

impl Default for TemplateOptions {
    fn default() -> Self {
        TemplateOptions {
            convert_data: true,
            escape_backslashes: true,
            preserve_trailing_newlines: true,
            fail_on_undefined: true,
            syntax: Syntax::default(),
        }
    }
}

/// Templates values over the variables of a task.
#[derive(Clone)]
pub struct Templar {
    /// The plugins and handles.
    pub env: Arc<Environment>,
    /// The variables.
    pub vars: Arc<Vars>,
    /// Where `{% include %}` searches before the task's own search path.
    pub include_path: Vec<PathBuf>,
    nesting: usize,
}

impl Templar {
    /// A templating engine over these variables.
    #[must_use]
    pub fn new(env: Arc<Environment>, vars: Arc<Vars>) -> Self {
        Templar { env, vars, include_path: Vec::new(), nesting: 0 }
    }

    /// The same engine over other variables.
    #[must_use]
    pub fn with_vars(&self, vars: Arc<Vars>) -> Self {
        Templar { vars, ..self.clone() }
    }

    /// The same engine with these directories for `{% include %}`.
    #[must_use]
    pub fn with_include_path(&self, include_path: Vec<PathBuf>) -> Self {
        Templar { include_path, ..self.clone() }
    }

    /// Templates a value: text that holds a template becomes what it says, lists and dicts are copied
    /// with every value templated (keys stay), unsafe text stays as it is.
    ///
    /// # Errors
    /// A template fails.
    pub fn template(&self, value: &Value) -> Result<Value, Error> {
        self.template_with(value, &TemplateOptions::default())
    }

    /// Templates a value in a special way; nested values use the defaults for everything but
    /// `fail_on_undefined`.
    ///
    /// # Errors
    /// A template fails.
    pub fn template_with(&self, value: &Value, options: &TemplateOptions) -> Result<Value, Error> {
        match value {
            Value::Str(text) => self.template_str(text, options),
            Value::List(list) => {
                let options = nested_options(options);
                let items = list.items();
                let items =
                    items.iter().map(|item| self.template_with(item, &options)).collect::<Result<_, _>>()?;
                Ok(Value::list(items))
            }
            Value::Tuple(items) => {
                let options = nested_options(options);
                let items =
                    items.iter().map(|item| self.template_with(item, &options)).collect::<Result<_, _>>()?;
                Ok(Value::list(items))
            }
            Value::Dict(dict) => {
                let options = nested_options(options);
                let mut copy = super::value::Entries::new();
                for (key, item) in dict.entries() {
                    copy.insert(key, self.template_with(&item, &options)?);
                }
                Ok(Value::Dict(super::value::Dict::new(copy)))
            }
            Value::Sealed(sealed) => self.env.open(sealed),
            other => Ok(other.clone()),
        }
    }

    fn template_str(&self, text: &Str, options: &TemplateOptions) -> Result<Value, Error> {
        if text.is_unsafe() || !possibly_template(text.as_str(), &options.syntax) {
            return Ok(Value::Str(text.clone()));
        }
        if let Some(value) = single_variable(text.as_str()).and_then(|name| self.vars.get(name)) {
            match value {
                Value::None => return Ok(Value::None),
                number if number.is_number() => return Ok(number.clone()),
                _ => {}
            }
        }
        match self.render(text.as_str(), options) {
            Err(error) if error.kind() == ErrorKind::Undefined && !options.fail_on_undefined => {
                Ok(Value::Str(text.clone()))
            }
            done => done,
        }
    }

    /// Renders text that is a template (`Templar.do_template`).
    ///
    /// # Errors
    /// The template does not parse or fails; errors are worded as Ansible words them.
    pub fn render(&self, source: &str, options: &TemplateOptions) -> Result<Value, Error> {
        if self.nesting >= MAX_NESTING {
            return Err(Error::ansible(format!("recursive loop detected in template string: {source}")));
        }
        let (source, syntax) = header(source, &options.syntax)?;
        let double = options.escape_backslashes;
        // Messages show the text as Jinja was given it.
        let given = || {
            let doubled = if double { parse::double_backslashes(source, &syntax) } else { Ok(None) };
            doubled.ok().flatten().unwrap_or_else(|| source.to_owned())
        };
        let refused = |error: &dyn std::fmt::Display| {
            let given = given();
            Error::ansible(format!(
                "template error while templating string: {error}. String: {given}. {error}"
            ))
        };
        let template = self.env.parse(source, &syntax, double).map_err(|error| match error.kind() {
            ErrorKind::Syntax => refused(&error).at_line(error.line().unwrap_or(1)),
            _ => error,
        })?;
        let known = |reference: &Reference| {
            reference.by_text || self.env.plugins.has(reference.kind, &reference.name)
        };
        if let Some(unknown) = template.references.iter().find(|reference| !known(reference)) {
            return Err(refused(&unknown_plugin(&unknown.name)));
        }
        let inner = Templar { nesting: self.nesting + 1, ..self.clone() };
        let value = Interpreter::new(&inner, options.convert_data).render(&template);
        let value = value.map_err(|error| match error.kind() {
            ErrorKind::Type => type_error(&error, &given()),
            ErrorKind::Syntax => refused(&error),
            _ => error,
        })?;
        Ok(if options.preserve_trailing_newlines {
            pad_newlines(value, source, syntax.newline.as_str())
        } else {
            value
        })
    }

    /// The value of a variable, templated; none when there is no such variable. A variable whose own
    /// template fails for a missing value is a missing value itself (`AnsibleJ2Vars.__getitem__`).
    ///
    /// # Errors
    /// Its template fails for another reason.
    pub fn variable(&self, name: &str) -> Result<Option<Value>, Error> {
        let raw = match self.vars.get(name) {
            Some(raw) => raw,
            None if name == "vars" => return Ok(Some(self.all())),
            None => return Ok(None),
        };
        match self.template(raw) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == ErrorKind::Undefined => {
                Ok(Some(Value::Undefined(Arc::new(Undefined {
                    hint: Some(format!("{raw}: {error}")),
                    name: Some(Value::from(name)),
                    ..Undefined::default()
                }))))
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
            Err(error) => Err(Error::ansible(format!(
                "An unhandled exception occurred while templating '{raw}'. Error was a {}, original message: {error}",
                class(error.kind())
            ))),
        }
    }

    /// The magic variable `vars`: all variables, not templated.
    fn all(&self) -> Value {
        Value::dict(self.vars.iter().map(|(name, value)| (name.as_ref(), value.clone())))
    }

    /// Whether a condition holds (`Conditional._check_conditional`): a bare expression, a bool, or
    /// nothing.
    ///
    /// # Errors
    /// The condition fails; the message is Ansible's without its `The conditional check` frame.
    pub fn condition(&self, condition: &Value) -> Result<bool, Error> {
        self.condition_at(condition, &|| "unknown location".to_owned())
    }

    /// The same for a condition that stands at a place, as a notice about its result names it.
    ///
    /// # Errors
    /// The condition fails.
    pub fn condition_at(&self, condition: &Value, place: &dyn Fn() -> String) -> Result<bool, Error> {
        let text = match condition {
            Value::None => return Ok(true),
            Value::Bool(flag) => return Ok(*flag),
            Value::Str(text) if text.as_str().is_empty() => return Ok(true),
            Value::Str(text) => text.clone(),
            other => Str::new(other.to_string()),
        };
        self.check(&text, place).map_err(|error| match error.kind() {
            ErrorKind::Undefined => {
                Error::undefined(format!("error while evaluating conditional ({}): {error}", text.as_str()))
            }
            _ => error,
        })
    }

    fn check(&self, text: &Str, place: &dyn Fn() -> String) -> Result<bool, Error> {
        let mut text = text.clone();
        if possibly_template(text.as_str(), &Syntax::default()) {
            self.env.notices.tell(Notice::Warning(format!(
                "conditional statements should not include jinja2 templating delimiters such as {{{{ }}}} or {{% %}}. Found: {}",
                text.as_str()
            )));
            match self.template(&Value::Str(text.clone()))? {
                Value::Bool(flag) => return Ok(flag),
                Value::Str(result) if result.as_str().is_empty() => return Ok(false),
                Value::Str(result) => text = result,
                other => text = Str::new(other.to_string()),
            }
        }
        if text.is_unsafe() {
            return Err(Error::ansible("Conditional is marked as unsafe, and cannot be evaluated."));
        }
        let source = conditional(text.as_str());
        let template = self.env.parse(&source, &Syntax::default(), true).map_err(|error| {
            Error::ansible(format!(
                "template error while templating string: {error}. String: {source}. {error}"
            ))
        })?;
        let Some(super::ast::Stmt::Set(_, expr)) = template.body.first() else {
            return Err(Error::ansible(format!("template error while templating string. String: {source}")));
        };
        // After the condition, the template asks for nothing but what it set.
        let (holds, kind) = self.test_expression(expr, &template.names, text.as_str())?;
        match kind {
            Some(kind) => self.check_kind(holds, &kind, place),
            None => Ok(holds),
        }
    }

    /// What the result of a condition means that is no boolean.
    fn check_kind(&self, holds: bool, kind: &str, place: &dyn Fn() -> String) -> Result<bool, Error> {
        let settings = &self.env.settings;
        if settings.conditional_inspections && !settings.allow_broken_conditionals {
            return Err(Error::ansible(format!(
                "Conditional result was of type '{kind}'. Conditional results must be True or False when `ALLOW_BROKEN_CONDITIONALS` is disabled, which is the default in Ansible Core >= 2.19."
            )));
        }
        if settings.conditional_inspections {
            let said = if holds { "True" } else { "False" };
            self.env.notices.tell(Notice::Deprecation {
                message: format!(
                    "Conditional result at {} was of type '{kind}'. Conditional results should only be True or False. The result was interpreted as {said}.",
                    place()
                ),
                version: "2.19",
            });
        }
        Ok(holds)
    }

    /// Whether an expression is true, and the type of its value if that is no boolean.
    fn test_expression(
        &self,
        expr: &Expr,
        names: &[Arc<str>],
        source: &str,
    ) -> Result<(bool, Option<String>), Error> {
        let inner = Templar { nesting: self.nesting + 1, ..self.clone() };
        let tested = Interpreter::new(&inner, true).evaluate(expr, names).and_then(|value| {
            let kind = (!matches!(value, Value::Bool(_))).then(|| value.type_name().to_string());
            Ok((ops::truthy(&value)?, kind))
        });
        tested.map_err(|error| match error.kind() {
            ErrorKind::Type => type_error(&error, &conditional(source)),
            _ => error,
        })
    }

    /// The file that `{% include %}` means by this name.
    #[must_use]
    pub fn find_include(&self, name: &Path) -> Option<PathBuf> {
        let task_paths = self.search_path();
        let below = |dir: &PathBuf| [dir.join("templates").join(name), dir.join(name)];
        let direct = self.include_path.iter().map(|dir| dir.join(name));
        direct.chain(task_paths.iter().flat_map(below)).find(|path| path.is_file())
    }

    /// Reads and parses a template file.
    ///
    /// # Errors
    /// The file cannot be read or parsed.
    pub fn load_template(&self, path: &Path) -> Result<Arc<Template>, Error> {
        let source = std::fs::read_to_string(path)
            .map_err(|error| Error::ansible(format!("could not read '{}': {error}", path.display())))?;
        self.env.parse(&source, &Syntax::default(), false)
    }

    /// `ansible_search_path` of the task.
    #[must_use]
    pub fn search_path(&self) -> Vec<PathBuf> {
        search::from_variable(self.vars.get("ansible_search_path"))
    }
}

/// What Ansible makes of a `TypeError` in this template.
fn type_error(error: &Error, template: &str) -> Error {
    if error.message().contains("AnsibleUndefined") {
        return Error::undefined(format!(
            "Unable to look up a name or access an attribute in template string ({template}).\nMake sure your variable name does not contain invalid characters like '-': {error}. {error}"
        ));
    }
    Error::ansible(format!("Unexpected templating type error occurred on ({template}): {error}. {error}"))
}

/// The template by which Ansible evaluates a condition.
fn conditional(condition: &str) -> String {
    format!(
        "{{% set __cres = {condition} %}}{{{{ [true if __cres else false, __cres.__class__.__name__] }}}}"
    )
}

fn nested_options(options: &TemplateOptions) -> TemplateOptions {
    TemplateOptions { fail_on_undefined: options.fail_on_undefined, ..TemplateOptions::default() }
}

/// Python's name of the exception, as Ansible prints it.
pub(super) fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Undefined => "<class 'ansible.errors.AnsibleUndefinedVariable'>",
        ErrorKind::Syntax | ErrorKind::UnknownPlugin => "<class 'jinja2.exceptions.TemplateSyntaxError'>",
        ErrorKind::Type => "<class 'TypeError'>",
        ErrorKind::Value => "<class 'ValueError'>",
        ErrorKind::Exception => "<class 'Exception'>",
        ErrorKind::Plugin => "<class 'ansible.errors.AnsibleFilterError'>",
        ErrorKind::Ansible | ErrorKind::Cancelled => "<class 'ansible.errors.AnsibleError'>",
    }
}

/// Whether text holds an opening delimiter.
#[must_use]
pub fn possibly_template(text: &str, syntax: &Syntax) -> bool {
    match &syntax.delimiters {
        None => text.contains("{{") || text.contains("{%") || text.contains("{#"),
        Some(delimiters) => [&delimiters.variable, &delimiters.block, &delimiters.comment]
            .iter()
            .any(|(open, _)| text.contains(open)),
    }
}

/// The name in text that is exactly `{{ name }}`.
fn single_variable(text: &str) -> Option<&str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let name = text.strip_prefix("{{")?.strip_suffix("}}")?.trim();
    name.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(name)
}

/// The rest of a template after a `#jinja2:` header, and how the header wants it read.
fn header<'a>(source: &'a str, syntax: &Syntax) -> Result<(&'a str, Syntax), Error> {
    let Some(line) = source.strip_prefix("#jinja2:") else { return Ok((source, syntax.clone())) };
    let (line, rest) = line.split_once('\n').unwrap_or((line, ""));
    let mut syntax = syntax.clone();
    for pair in line.split(',') {
        let (key, value) = pair.split_once(':').ok_or_else(|| {
            let pair = pair.trim();
            Error::ansible(format!(
                "failed to parse jinja2 override '{pair}'. Did you use something different from colon as key-value separator?"
            ))
        })?;
        let value = super::literal::eval(value.trim()).unwrap_or(Value::None);
        let mut delimiters = syntax.delimiters.clone().unwrap_or_default();
        let slot = match key.trim() {
            "trim_blocks" => {
                syntax.trim_blocks = ops::truthy_or_false(&value);
                continue;
            }
            "lstrip_blocks" => {
                syntax.lstrip_blocks = ops::truthy_or_false(&value);
                continue;
            }
            "keep_trailing_newline" => {
                syntax.keep_trailing_newline = ops::truthy_or_false(&value);
                continue;
            }
            "newline_sequence" => {
                let text = value.to_string();
                syntax.newline = Newline::from_text(&text).unwrap_or_default();
                continue;
            }
            "line_statement_prefix" => {
                delimiters.line_statement = value.as_str().map(ToOwned::to_owned);
                syntax.delimiters = Some(delimiters);
                continue;
            }
            "line_comment_prefix" => {
                delimiters.line_comment = value.as_str().map(ToOwned::to_owned);
                syntax.delimiters = Some(delimiters);
                continue;
            }
            "variable_start_string" => &mut delimiters.variable.0,
            "variable_end_string" => &mut delimiters.variable.1,
            "block_start_string" => &mut delimiters.block.0,
            "block_end_string" => &mut delimiters.block.1,
            "comment_start_string" => &mut delimiters.comment.0,
            "comment_end_string" => &mut delimiters.comment.1,
            _ => continue,
        };
        *slot = value.to_string();
        syntax.delimiters = Some(delimiters);
    }
    Ok((rest, syntax))
}

/// Adds the newlines at the end of the source that the result lacks.
fn pad_newlines(value: Value, source: &str, newline: &str) -> Value {
    let count = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let Value::Str(text) = &value else { return value };
    let (wanted, have) = (count(source), count(text.as_str()));
    if wanted <= have {
        return value;
    }
    let padded = Str::new(format!("{}{}", text.as_str(), newline.repeat(wanted - have)));
    Value::Str(if text.is_unsafe() { padded.into_unsafe() } else { padded })
}
