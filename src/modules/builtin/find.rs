//! `find`: files by name, age, size, content, mode (`modules/find.py`).

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use fancy_regex::Regex;

use super::attributes::{self, GROUP, PASSWD, errno, name_of};
use super::{checksum, stat};
use crate::jinja::Value;
use crate::jinja::encoding::Encoding;
use crate::jinja::filters::regex::compile;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.find`.
pub(super) struct Find;

pub(super) static SPEC: Spec = Spec::new(
    "ansible.builtin.find",
    &[
        Opt::new("paths", Kind::ListOfPath).required().aliases(&["name", "path"]),
        Opt::new("patterns", Kind::ListOfStr).aliases(&["pattern"]),
        Opt::new("excludes", Kind::ListOfStr).aliases(&["exclude"]),
        Opt::str("contains"),
        Opt::flag("read_whole_file"),
        Opt::str("file_type").default("file").choices(&["any", "directory", "file", "link"]),
        Opt::str("age"),
        Opt::str("age_stamp").default("mtime").choices(&["atime", "ctime", "mtime"]),
        Opt::str("size"),
        Opt::flag("recurse"),
        Opt::flag("hidden"),
        Opt::flag("follow"),
        Opt::flag("get_checksum"),
        Opt::flag("use_regex"),
        Opt::new("depth", Kind::Int),
        Opt::new("mode", Kind::Raw),
        Opt::new("exact_mode", Kind::Bool).default("true"),
        Opt::str("encoding"),
        Opt::new("limit", Kind::Int),
    ],
);

#[async_trait]
impl Module for Find {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let mut search = Search::of(context, &args)?;
        for path in args.texts("paths").unwrap_or_default() {
            if let Err(problem) = search.root(&path)? {
                search.warn(
                    &path,
                    format!("Skipped '{path}' path due to this access issue: {problem}\n"),
                    problem,
                );
            }
        }
        let msg = if !search.warnings.is_empty() {
            "Not all paths examined, check warnings for details"
        } else if search.full() {
            "Limit of matches reached"
        } else {
            "All paths examined"
        };
        let matched = search.found.len();
        Ok(TaskResult::changed(false)
            .with("files", Value::list(search.found))
            .with("msg", msg)
            .with("matched", matched)
            .with("examined", search.examined)
            .with("skipped_paths", Value::dict(search.skipped))
            .warned(search.warnings))
    }
}

/// Names by patterns of the shell or of Python.
enum Names {
    Glob(Vec<glob::Pattern>),
    Regex(Vec<Regex>),
}

impl Names {
    fn of(patterns: &[String], use_regex: bool) -> Result<Names, ModuleError> {
        if use_regex {
            // Python's `match` begins at the beginning.
            let compiled = patterns.iter().map(|pattern| compile(&format!("\\A(?:{pattern})"), false, false));
            return Ok(Names::Regex(compiled.collect::<Result<_, _>>()?));
        }
        let compiled = patterns.iter().map(|pattern| {
            glob::Pattern::new(pattern).or_else(|_| glob::Pattern::new(&glob::Pattern::escape(pattern)))
        });
        compiled
            .collect::<Result<_, _>>()
            .map(Names::Glob)
            .map_err(|error| ModuleError::new(error.to_string()))
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Names::Glob(patterns) => patterns.iter().any(|pattern| pattern.matches(name)),
            Names::Regex(patterns) => patterns.iter().any(|pattern| pattern.is_match(name).unwrap_or(false)),
        }
    }
}

/// A search: what is wanted, and what was found.
struct Search<'a> {
    context: &'a ModuleContext,
    args: &'a Args,
    names: Names,
    excludes: Names,
    age: Option<i64>,
    size: Option<i64>,
    mode: Option<u32>,
    content: Option<Regex>,
    encoding: Encoding,
    limit: Option<usize>,
    now: SystemTime,
    found: Vec<Value>,
    examined: usize,
    skipped: Vec<(String, Value)>,
    warnings: Vec<String>,
}

impl<'a> Search<'a> {
    fn of(context: &'a ModuleContext, args: &'a Args) -> Result<Search<'a>, ModuleError> {
        let use_regex = args.flag("use_regex");
        let mut patterns = args.texts("patterns").unwrap_or_default();
        if patterns.is_empty() {
            patterns.push(if use_regex { ".*" } else { "*" }.to_owned());
        }
        let mode =
            match args.get("mode") {
                Some(Value::Str(text)) if !text.as_str().is_empty() => {
                    let text = text.as_str();
                    let digits = u32::from_str_radix(text, 8).ok();
                    let bits = digits.or_else(|| attributes::symbolic(text, 0, false));
                    Some(bits.ok_or_else(|| {
                        ModuleError::new(format!("bad symbolic permission for mode: {text}"))
                    })?)
                }
                Some(Value::Str(_)) | None => None,
                Some(other) => {
                    return Err(ModuleError::new(format!(
                        "argument 'mode' is not a string and conversion is not allowed, value is of type {}",
                        other.type_name()
                    )));
                }
            };
        let limit = args.int("limit").map(|limit| match usize::try_from(limit) {
            Ok(limit) if limit > 0 => Ok(limit),
            _ => Err(ModuleError::new(format!("limit cannot be {limit} (use None for unlimited)"))),
        });
        let whole = args.flag("read_whole_file");
        let content = args.str("contains").map(|pattern| {
            compile(&if whole { pattern.to_owned() } else { format!("\\A(?:{pattern})") }, false, false)
        });
        Ok(Search {
            context,
            args,
            names: Names::of(&patterns, use_regex)?,
            excludes: Names::of(&args.texts("excludes").unwrap_or_default(), use_regex)?,
            age: quantity(args, "age", "smhdw", &[1, 60, 3600, 86_400, 604_800])?,
            size: quantity(args, "size", "bkmgt", &[1, 1 << 10, 1 << 20, 1 << 30, 1 << 40])?,
            mode,
            content: content.transpose()?,
            encoding: Encoding::named(args.str("encoding").unwrap_or("utf-8"))?,
            limit: limit.transpose()?,
            now: SystemTime::now(),
            found: Vec::new(),
            examined: 0,
            skipped: Vec::new(),
            warnings: Vec::new(),
        })
    }

    fn full(&self) -> bool {
        self.limit.is_some_and(|limit| self.found.len() >= limit)
    }

    fn warn(&mut self, path: &str, warning: String, problem: String) {
        self.warnings.push(warning);
        self.skipped.push((path.to_owned(), Value::from(problem)));
    }

    /// Searches below one of the paths; what is wrong with it, if anything.
    fn root(&mut self, shown: &str) -> Result<Result<(), String>, ModuleError> {
        let dir = self.context.path(shown);
        if !dir.is_dir() {
            return Ok(Err(format!("'{shown}' is not a directory")));
        }
        self.walk(&dir, Path::new(shown), 1)
    }

    fn walk(&mut self, dir: &Path, shown: &Path, depth: i64) -> Result<Result<(), String>, ModuleError> {
        self.context.still_running()?;
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => {
                let problem = errno(&error, dir).replace("b'", "'");
                self.skipped.push((shown.display().to_string(), Value::from(problem)));
                return Ok(Ok(()));
            }
        };
        let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        let (dirs, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| path.is_dir());
        self.examined += dirs.len() + files.len();
        let limit = self.args.int("depth").filter(|depth| *depth > 0);
        for path in files.iter().chain(&dirs) {
            if limit.is_some_and(|limit| depth > limit) {
                return Ok(Ok(()));
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') && !self.args.flag("hidden") {
                continue;
            }
            let shown = normal(&shown.join(&name));
            match path.symlink_metadata() {
                Ok(found) => {
                    if let Err(problem) = self.examine(path, &shown, &name, &found)? {
                        return Ok(Err(problem));
                    }
                }
                Err(error) => {
                    let problem = errno(&error, path);
                    let warning = format!("Skipped entry '{shown}' due to this access issue: {problem}\n");
                    self.warn(&shown, warning, problem);
                }
            }
            if self.full() {
                return Ok(Ok(()));
            }
        }
        if self.args.flag("recurse") {
            for path in dirs {
                if path.is_symlink() && !self.args.flag("follow") {
                    continue;
                }
                let below = shown.join(path.file_name().unwrap_or_default());
                if let Err(problem) = self.walk(&path, &below, depth + 1)? {
                    return Ok(Err(problem));
                }
                if self.full() {
                    break;
                }
            }
        }
        Ok(Ok(()))
    }

    /// Takes an entry that is wanted; what is wrong with its content, if anything.
    fn examine(
        &mut self,
        path: &Path,
        shown: &str,
        name: &str,
        found: &Metadata,
    ) -> Result<Result<(), String>, ModuleError> {
        let kind = self.args.str("file_type").unwrap_or("file");
        let of_kind = match kind {
            "any" => true,
            "directory" => found.is_dir(),
            "link" => found.is_symlink(),
            _ => found.is_file(),
        };
        let size = !found.is_file() || kind == "directory" || self.has_size(found);
        if !of_kind || !size || !self.has_name(name) || !self.has_age(found) || !self.has_mode(found) {
            return Ok(Ok(()));
        }
        if kind == "file" {
            match self.has_content(path, shown) {
                Ok(true) => {}
                Ok(false) => return Ok(Ok(())),
                Err(problem) => return Ok(Err(problem)),
            }
        }
        let mut entries = vec![("path", Value::from(shown))];
        entries.extend(stat::of_metadata(found));
        entries.push(("gr_name", Value::from(name_of(GROUP, found.gid()).unwrap_or_default())));
        entries.push(("pw_name", Value::from(name_of(PASSWD, found.uid()).unwrap_or_default())));
        if self.args.flag("get_checksum") && found.is_file() {
            entries.push(("checksum", Value::from(checksum::of_file("sha1", path)?)));
        }
        self.found.push(Value::dict(entries));
        Ok(Ok(()))
    }

    fn has_name(&self, name: &str) -> bool {
        self.names.matches(name) && !self.excludes.matches(name)
    }

    fn has_age(&self, found: &Metadata) -> bool {
        let Some(age) = self.age else { return true };
        let (seconds, nanos) = match self.args.str("age_stamp") {
            Some("atime") => (found.atime(), found.atime_nsec()),
            Some("ctime") => (found.ctime(), found.ctime_nsec()),
            _ => (found.mtime(), found.mtime_nsec()),
        };
        let now = self.now.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let passed = now - (seconds as f64 + nanos as f64 / 1e9);
        if age >= 0 { passed >= age as f64 } else { passed <= -(age as f64) }
    }

    fn has_size(&self, found: &Metadata) -> bool {
        let Some(size) = self.size else { return true };
        let limit = size.unsigned_abs();
        if size >= 0 { found.len() >= limit } else { found.len() <= limit }
    }

    fn has_mode(&self, found: &Metadata) -> bool {
        let Some(mode) = self.mode else { return true };
        let bits = found.mode() & 0o7777;
        if self.args.flag("exact_mode") { bits == mode } else { bits & mode != 0 }
    }

    fn has_content(&self, path: &Path, shown: &str) -> Result<bool, String> {
        let Some(pattern) = &self.content else { return Ok(true) };
        let Ok(bytes) = std::fs::read(path) else { return Ok(false) };
        let text = self.encoding.decode(&bytes).map_err(|_| {
            let encoding = self.args.str("encoding");
            let encoding =
                encoding.unwrap_or("None (default determined by the Python built-in function \"open\")");
            format!("Failed to read the file {shown} due to an encoding error. current encoding: {encoding}")
        })?;
        if self.args.flag("read_whole_file") {
            return Ok(pattern.is_match(&text).unwrap_or(false));
        }
        Ok(text.split_inclusive('\n').any(|line| pattern.is_match(line).unwrap_or(false)))
    }
}

/// A path without empty parts and dots (`os.path.normpath`).
fn normal(path: &Path) -> String {
    let parts: PathBuf = path.components().collect();
    parts.display().to_string()
}

/// A number with a unit: `-2d`, `10k`.
fn quantity(args: &Args, name: &str, units: &str, factors: &[i64]) -> Result<Option<i64>, ModuleError> {
    let Some(text) = args.str(name) else { return Ok(None) };
    let lower = text.to_ascii_lowercase();
    let unit = lower.chars().last().and_then(|c| units.find(c));
    let (digits, factor) = match unit.and_then(|at| factors.get(at)) {
        Some(factor) => (&lower[..lower.len() - 1], *factor),
        None => (lower.as_str(), 1),
    };
    let number = digits.parse::<i64>().ok().filter(|_| !digits.starts_with('+'));
    let value = number.and_then(|number| number.checked_mul(factor));
    value.map(Some).ok_or_else(|| ModuleError::new(format!("failed to process {name}")).with(name, text))
}
