//! `file`: makes files, directories and links, or removes them (`modules/file.py`).

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::attributes::{self, Attributes, Difference, FILE_OPTIONS, errno};
use super::times::Times;
use crate::jinja::Value;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.file`.
pub(super) struct File;

pub(super) static SPEC: Spec = Spec {
    fragments: &[FILE_OPTIONS],
    ..Spec::new(
        "ansible.builtin.file",
        &[
            Opt::new("path", Kind::Path).required().aliases(&["dest", "name"]),
            Opt::str("state").choices(&["absent", "directory", "file", "hard", "link", "touch"]),
            Opt::new("src", Kind::Path),
            Opt::flag("recurse"),
            Opt::flag("force"),
            Opt::new("follow", Kind::Bool).default("true"),
            Opt::str("access_time"),
            Opt::str("modification_time"),
            Opt::str("access_time_format").default("%Y%m%d%H%M.%S"),
            Opt::str("modification_time_format").default("%Y%m%d%H%M.%S"),
            // What the actions of Ansible hand to this module.
            Opt::str("_original_basename"),
            Opt::new("_diff_peek", Kind::Bool),
        ],
    )
};

/// What a task asks of a path.
struct Job<'a> {
    context: &'a ModuleContext,
    args: &'a Args,
    /// The path, as results show it.
    shown: String,
    path: PathBuf,
    /// What is there.
    found: &'static str,
    attributes: Attributes,
    times: Times,
}

#[async_trait]
impl Module for File {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        attributes::described(context, settled(context, &args))
    }
}

/// Brings the path into the state that the task asks for.
fn settled(context: &ModuleContext, args: &Args) -> Result<TaskResult, ModuleError> {
    let mut shown = args.str("path").unwrap_or_default().to_owned();
    let asked = args.str("state");
    let src = args.str("src");
    let original = args.str("_original_basename").or(src).and_then(|path| Path::new(path).file_name());
    if !matches!(asked, Some("link" | "absent"))
        && context.path(&shown).is_dir()
        && let Some(name) = original
    {
        shown = super::copy::join(&shown, &name.to_string_lossy());
    }
    let path = context.path(&shown);
    let found = attributes::state_of(&path);
    let state = match (asked, found, args.flag("recurse")) {
        (Some(asked), _, _) => asked,
        (None, "absent", true) => "directory",
        (None, "absent", false) => "file",
        (None, found, _) => found,
    };
    let wrong = |message: &str| Err(ModuleError::new(message).with("path", shown.as_str()));
    if args.flag("recurse") && state != "directory" {
        return wrong("recurse option requires state to be 'directory'");
    }
    if src.is_some_and(|src| !src.is_empty()) && !matches!(state, "link" | "hard") {
        return wrong("src option requires state to be 'link' or 'hard'");
    }
    let times = Times::of(args, state)?;
    if args.get("_diff_peek").is_some_and(|asked| !asked.is_none()) {
        return Ok(TaskResult::changed(false)
            .with("path", shown.as_str())
            .with("appears_binary", appears_binary(&path)));
    }
    let attributes = Attributes::of(args);
    let job = Job { context, args, shown, path, found, attributes, times };
    let unknown = if context.check && state != "absent" { job.unknown_owners() } else { Vec::new() };
    let settled = match state {
        "absent" => job.absent(),
        "directory" => job.directory(),
        "touch" => job.touch(),
        "link" => job.link(),
        "hard" => job.hard(),
        _ => job.file(),
    };
    match settled {
        Ok(result) => Ok(result.warned(unknown)),
        Err(error) => Err(error.warned(unknown)),
    }
}

/// Whether a file looks like something that is no text; one that cannot be read does not.
fn appears_binary(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(8192).read_to_end(&mut head));
    read.is_ok() && head.contains(&0)
}

impl Job<'_> {
    fn failed(&self, message: impl Into<String>) -> ModuleError {
        ModuleError::new(message).with("path", self.shown.as_str())
    }

    fn check(&self) -> bool {
        self.context.check
    }

    /// Owners that a check cannot find; the play may make them before the real run gets here.
    fn unknown_owners(&self) -> Vec<String> {
        let known = |database, name: &Option<String>| {
            let Some(name) = name else { return true };
            match name.parse::<u32>() {
                Ok(id) => attributes::name_of(database, id).is_some(),
                Err(_) => attributes::id_of(database, name).is_some(),
            }
        };
        let warning = |what: &str, number: &str, name: &str| {
            let name =
                if name.parse::<u32>().is_ok() { format!("with {number} {name}") } else { name.to_owned() };
            format!("failed to look up {what} {name}. Create {what} up to this point in real play")
        };
        let mut warnings = Vec::new();
        if !known(attributes::PASSWD, &self.attributes.owner) {
            warnings.push(warning("user", "uid", self.attributes.owner.as_deref().unwrap_or_default()));
        }
        if !known(attributes::GROUP, &self.attributes.group) {
            warnings.push(warning("group", "gid", self.attributes.group.as_deref().unwrap_or_default()));
        }
        warnings
    }

    fn difference(&self, state: &str) -> Difference {
        let mut difference = Difference::of(&self.shown);
        if self.found != state {
            difference.set("state", self.found, state);
        }
        difference
    }

    /// Sets attributes and times of the path or of what it links to; the result with what changed.
    fn settle(
        &self,
        key: &str,
        mut changed: bool,
        mut difference: Difference,
        path: &Path,
    ) -> Result<TaskResult, ModuleError> {
        changed |= self.attributes.apply(path, self.check(), &mut difference)?;
        changed |= self.times.apply(path, self.check(), Some(&mut difference))?;
        if self.args.flag("recurse") {
            changed |= self.recurse(path, self.args.flag("follow"), 0)?;
        }
        let result =
            TaskResult::changed(changed).with(key, self.shown.as_str()).with("diff", difference.into_value());
        Ok(attributes::describe(&self.path, result))
    }

    /// The path, or what it links to when links are followed.
    fn followed(&self) -> PathBuf {
        if self.args.flag("follow") && self.path.is_symlink() {
            return self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        }
        self.path.clone()
    }

    fn absent(&self) -> Result<TaskResult, ModuleError> {
        let mut result = TaskResult::changed(self.found != "absent").with("path", self.shown.as_str());
        if self.found != "absent" {
            let mut difference = self.difference("absent");
            if self.found == "directory" {
                difference.set_before("path_content", self.content()?);
            }
            if !self.check() {
                self.remove()?;
            }
            result = result.with("diff", difference.into_value());
        }
        Ok(result.with("state", "absent"))
    }

    fn remove(&self) -> Result<(), ModuleError> {
        if self.found == "directory" {
            return std::fs::remove_dir_all(&self.path)
                .map_err(|error| ModuleError::new(format!("rmtree failed: {}", errno(&error, &self.path))));
        }
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(self.failed(format!("unlinking failed: {} ", errno(&error, &self.path))))
            }
            _ => Ok(()),
        }
    }

    /// What goes away with a directory.
    fn content(&self) -> Result<Value, ModuleError> {
        let (mut directories, mut files) = (Vec::new(), Vec::new());
        let mut open = vec![self.path.clone()];
        while let Some(dir) = open.pop() {
            self.context.still_running()?;
            for path in super::tree::list(&dir).unwrap_or_default() {
                let shown = path.strip_prefix(&self.path).unwrap_or(&path);
                let shown = Value::from(Path::new(&self.shown).join(shown).display().to_string());
                if path.is_dir() {
                    directories.push(shown);
                    if !path.is_symlink() {
                        open.push(path);
                    }
                } else {
                    files.push(shown);
                }
            }
        }
        Ok(Value::dict([("directories", Value::list(directories)), ("files", Value::list(files))]))
    }

    fn file(&self) -> Result<TaskResult, ModuleError> {
        let path = self.followed();
        let (shown, found) = if path == self.path {
            (self.shown.clone(), self.found)
        } else {
            (path.display().to_string(), attributes::state_of(&path))
        };
        if !matches!(found, "file" | "hard") {
            return Err(ModuleError::new(format!("file ({shown}) is {found}, cannot continue"))
                .with("path", shown)
                .with("state", found));
        }
        let mut difference = Difference::of(&shown);
        if found == "hard" {
            difference.set("state", "hard", "file");
        }
        let followed = Job {
            context: self.context,
            args: self.args,
            shown,
            path: path.clone(),
            found,
            attributes: self.attributes.clone(),
            times: self.times,
        };
        followed.settle("path", false, difference, &path)
    }

    fn directory(&self) -> Result<TaskResult, ModuleError> {
        let path = self.followed();
        let is_link = path != self.path;
        let shown = if is_link { path.display().to_string() } else { self.shown.clone() };
        let found = if is_link { attributes::state_of(&path) } else { self.found };
        let followed = Job {
            context: self.context,
            args: self.args,
            shown,
            path: path.clone(),
            found,
            attributes: self.attributes.clone(),
            times: self.times,
        };
        followed.directory_itself()
    }

    fn directory_itself(&self) -> Result<TaskResult, ModuleError> {
        let mut difference = self.difference("directory");
        match self.found {
            "directory" => self.settle("path", false, difference, &self.path),
            "absent" => {
                if self.check() {
                    let result = TaskResult::changed(true).with("path", self.shown.as_str());
                    let result = result.with("diff", difference.into_value());
                    return Ok(attributes::describe(&self.path, result));
                }
                self.make_directories(&mut difference)?;
                self.settle("path", true, difference, &self.path)
            }
            found => Err(self.failed(format!("{} already exists as a {found}", self.shown))),
        }
    }

    /// Makes the directory and those above it; each new one gets the attributes.
    fn make_directories(&self, difference: &mut Difference) -> Result<(), ModuleError> {
        let missing: Vec<&Path> = self.path.ancestors().take_while(|dir| !dir.exists()).collect();
        for dir in missing.into_iter().rev().filter(|dir| !dir.as_os_str().is_empty()) {
            match std::fs::create_dir(dir) {
                Err(error) if !dir.is_dir() => {
                    return Err(self.failed(format!(
                        "There was an issue creating {} as requested: {}",
                        dir.display(),
                        errno(&error, dir)
                    )));
                }
                _ => {}
            }
            self.attributes.apply(dir, false, difference)?;
            self.times.apply(dir, false, None)?;
        }
        Ok(())
    }

    /// Sets attributes and times of all that is below a directory.
    fn recurse(&self, dir: &Path, follow: bool, depth: usize) -> Result<bool, ModuleError> {
        if depth > 255 {
            return Err(ModuleError::new(format!(
                "Could not recursively set attributes on {}. Original error was: 'too many levels of links'",
                dir.display()
            )));
        }
        let mut changed = false;
        let set = |path: &Path| -> Result<bool, ModuleError> {
            let changed = self.attributes.apply(path, self.check(), &mut Difference::default())?;
            Ok(changed | self.times.apply(path, self.check(), None)?)
        };
        for path in super::tree::list(dir).unwrap_or_default() {
            self.context.still_running()?;
            changed |= set(&path)?;
            if !path.is_symlink() {
                if path.is_dir() {
                    changed |= self.recurse(&path, follow, depth + 1)?;
                }
            } else if follow && path.exists() {
                let target = dir.join(path.read_link().unwrap_or_default());
                if target.is_dir() {
                    changed |= self.recurse(&target, follow, depth + 1)?;
                }
                changed |= set(&target)?;
            }
        }
        Ok(changed)
    }

    fn touch(&self) -> Result<TaskResult, ModuleError> {
        let mut changed = false;
        if self.found == "absent" {
            if self.check() {
                let result = TaskResult::changed(true).with("dest", self.shown.as_str());
                return Ok(attributes::describe(&self.path, result));
            }
            std::fs::File::create(&self.path).map_err(|error| {
                self.failed(format!("Error, could not touch target: {}", errno(&error, &self.path)))
            })?;
            changed = true;
        }
        let settled = self.settle("dest", changed, self.difference("touch"), &self.followed());
        if settled.is_err() && self.found == "absent" {
            // What was made for nothing goes again.
            let _ = std::fs::remove_file(&self.path);
        }
        settled
    }

    fn link(&self) -> Result<TaskResult, ModuleError> {
        let (follow, force) = (self.args.flag("follow"), self.args.flag("force"));
        let mut src = self.args.str("src").map(PathBuf::from);
        if src.is_none() && follow && self.path.exists() {
            src = self.path.read_link().ok();
        }
        let beside = if !self.path.is_symlink() && self.path.is_dir() {
            self.path.clone()
        } else {
            super::write::directory(&self.path).to_owned()
        };
        if let Some(src) = src.as_ref().filter(|src| !force && !beside.join(src).exists()) {
            let target = Path::new(&self.shown).parent().unwrap_or(Path::new("")).join(src);
            return Err(self
                .failed(format!(
                    "src file does not exist, use \"force=yes\" if you really want to create the link: {}",
                    target.display()
                ))
                .with("src", src.display().to_string()));
        }
        self.refuse_conversion(force)?;
        let mut difference = self.difference("link");
        let changed = match (&src, self.found) {
            (None, "link") => false,
            (None, _) => return Err(ModuleError::new("src is required for creating new symlinks")),
            (Some(src), "link") => {
                let old = self.path.read_link().unwrap_or_default();
                let differs = old != *src;
                if differs {
                    difference.set("src", old.display().to_string(), src.display().to_string());
                }
                differs
            }
            (Some(_), _) => true,
        };
        if let Some(src) = src.as_ref().filter(|_| changed && !self.check()) {
            self.replace(|path| std::os::unix::fs::symlink(src, path))?;
        }
        let src = src.map_or(Value::None, |src| Value::from(src.display().to_string()));
        if self.check() && !self.path.exists() {
            let result = TaskResult::changed(changed).with("dest", self.shown.as_str()).with("src", src);
            return Ok(attributes::describe(&self.path, result.with("diff", difference.into_value())));
        }
        if follow && self.path.is_symlink() && !self.path.exists() {
            let warning = "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.";
            let result = TaskResult::changed(changed).with("dest", self.shown.as_str()).with("src", src);
            let result = result.with("diff", difference.into_value());
            return Ok(attributes::describe(&self.path, result).warned([warning.to_owned()]));
        }
        Ok(self.settle("dest", changed, difference, &self.followed())?.with("src", src))
    }

    fn refuse_conversion(&self, force: bool) -> Result<(), ModuleError> {
        let shown = &self.shown;
        match self.found {
            "directory" if force && std::fs::read_dir(&self.path).is_ok_and(|mut it| it.next().is_some()) => {
                Err(self.failed(format!("the directory {shown} is not empty, refusing to convert it")))
            }
            found @ ("directory" | "file" | "hard") if !force => {
                Err(self.failed(format!("refusing to convert from {found} to symlink for {shown}")))
            }
            _ => Ok(()),
        }
    }

    /// Makes a link in the place of what is there.
    fn replace(&self, make: impl Fn(&Path) -> std::io::Result<()>) -> Result<(), ModuleError> {
        if self.found == "absent" {
            return make(&self.path)
                .map_err(|error| self.failed(format!("Error while linking: {}", errno(&error, &self.path))));
        }
        let name = format!(".{}.{}.tmp", std::process::id(), uuid::Uuid::new_v4().simple());
        let temporary = super::write::directory(&self.path).join(name);
        let done = (|| {
            if self.found == "directory" {
                std::fs::remove_dir(&self.path)?;
            }
            make(&temporary)?;
            std::fs::rename(&temporary, &self.path)
        })();
        // A rename of one hard link to another of the same file does nothing and leaves both.
        let _ = std::fs::remove_file(&temporary);
        done.map_err(|error| self.failed(format!("Error while replacing: {}", errno(&error, &self.path))))
    }

    fn hard(&self) -> Result<TaskResult, ModuleError> {
        let shown_src = self.args.str("src");
        let src = shown_src.map(|src| self.context.path(src));
        let wrong = |message: String| {
            let src = shown_src.unwrap_or_default();
            ModuleError::new(message).with("dest", self.shown.as_str()).with("src", src)
        };
        if self.found != "hard" && src.is_none() {
            return Err(ModuleError::new("src is required for creating new hardlinks"));
        }
        if src.as_ref().is_some_and(|src| !src.exists()) {
            return Err(wrong("src does not exist".to_owned()));
        }
        let force = self.args.flag("force");
        let inode = |path: &Path| path.metadata().map(|it| it.ino()).ok();
        let same = src.as_ref().is_none_or(|src| inode(&self.path) == inode(src));
        let mut difference = self.difference("hard");
        let changed = match self.found {
            "absent" => true,
            "link" => {
                let old = self.path.read_link().unwrap_or_default().display().to_string();
                let differs = Some(old.as_str()) != shown_src;
                if differs {
                    difference.set("src", old, shown_src.unwrap_or_default());
                }
                differs
            }
            "hard" if same => false,
            "hard" if !force => {
                return Err(wrong("Cannot link, different hard link exists at destination".to_owned()));
            }
            "hard" => true,
            "file" if !force => return Err(wrong("Cannot link, file exists at destination".to_owned())),
            "file" => true,
            _ if same => return Ok(TaskResult::changed(false).with("path", self.shown.as_str())),
            _ if !force => {
                return Err(wrong("Cannot link: different hard link exists at destination".to_owned()));
            }
            _ => true,
        };
        if let Some(src) = src.as_ref().filter(|_| changed && !self.check()) {
            let target = if self.args.flag("follow") {
                src.canonicalize().unwrap_or_else(|_| src.clone())
            } else {
                src.clone()
            };
            self.replace(|path| std::fs::hard_link(&target, path))?;
        }
        let src = shown_src.map_or(Value::None, Value::from);
        if self.check() && !self.path.exists() {
            let result = TaskResult::changed(changed).with("dest", self.shown.as_str()).with("src", src);
            return Ok(attributes::describe(&self.path, result.with("diff", difference.into_value())));
        }
        Ok(self.settle("dest", changed, difference, &self.path)?.with("src", src))
    }
}
