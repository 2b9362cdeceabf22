//! `unarchive`: unpacks an archive (`plugins/action/unarchive.py`, `modules/unarchive.py`).
//!
//! Ansible calls `tar` and `unzip`; here no program is needed. An archive cannot write outside of its
//! destination, whatever its members and links say.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use async_trait::async_trait;

use super::archive::{Archive, Format, Kind as MemberKind, Member};
use super::attributes::{self, Attributes, Difference, FILE_OPTIONS, GROUP, PASSWD, errno, id_of};
use super::web;
use super::write::{Staged, directory};
use crate::jinja::Value;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult};

/// `ansible.builtin.unarchive`.
pub(super) struct Unarchive;

pub(super) static SPEC: Spec = Spec {
    fragments: &[FILE_OPTIONS],
    requirements: &[
        Requirement::MutuallyExclusive(&["include", "exclude"]),
        Requirement::MutuallyExclusive(&["copy", "remote_src"]),
    ],
    ..Spec::new(
        "ansible.builtin.unarchive",
        &[
            Opt::new("src", Kind::Path),
            Opt::new("dest", Kind::Path),
            Opt::new("remote_src", Kind::Bool),
            Opt::new("creates", Kind::Path),
            Opt::flag("list_files"),
            Opt::flag("keep_newer"),
            Opt::new("exclude", Kind::ListOfStr),
            Opt::new("include", Kind::ListOfStr),
            Opt::new("extra_opts", Kind::ListOfStr),
            Opt::new("validate_certs", Kind::Bool).default("true"),
            Opt::new("io_buffer_size", Kind::Int).default("65536"),
            Opt::new("copy", Kind::Bool),
            Opt::new("decrypt", Kind::Bool).default("true"),
        ],
    )
};

#[async_trait]
impl Module for Unarchive {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let (Some(src), Some(shown)) = (args.str("src"), args.str("dest")) else {
            return Err(ModuleError::new("src (or content) and dest are required"));
        };
        let remote = args.flag("remote_src") || (args.get("copy").is_some() && !args.flag("copy"));
        if let Some(path) = args.str("creates").filter(|path| context.path(path).exists()) {
            return Ok(TaskResult::skipped(format!("skipped, since {path} exists")));
        }
        let dest = context.path(shown);
        let found = if remote { None } else { Some(context.find("files", src)?) };
        if !dest.is_dir() {
            return Err(ModuleError::new(format!("dest '{shown}' must be an existing dir")));
        }
        let mut download = None;
        let path = match found {
            Some(path) => path,
            None if src.contains("://") => {
                let staged = fetch(context, &args, src).await?;
                let path = staged.path().to_owned();
                download = Some(staged);
                path
            }
            None => context.path(src),
        };
        let check_size = |path: &Path| match path.metadata() {
            Err(_) => Some(format!("Source '{src}' does not exist")),
            Ok(found) if found.len() == 0 => Some(format!("Invalid archive '{src}', the file is 0 bytes")),
            Ok(_) if rustix::fs::access(path, rustix::fs::Access::READ_OK).is_err() => {
                Some(format!("Source '{src}' not readable"))
            }
            Ok(_) => None,
        };
        if let Some(problem) = check_size(&path) {
            return Err(ModuleError::new(problem));
        }
        // Unpacking may take long: it has a thread of its own, and ends between two members.
        let job = (context.clone(), args.clone(), dest, shown.to_owned(), path);
        let work = tokio::task::spawn_blocking(move || {
            let (context, args, dest, shown, path) = job;
            Unpacking::new(&context, &args, dest, &path)?.run(&shown)
        });
        let done = context.until_cancelled(work).await?;
        drop(download);
        done.map_err(|error| ModuleError::new(format!("unpacking ended unexpectedly: {error}")))?
    }
}

/// An archive from the web.
async fn fetch(context: &ModuleContext, args: &Args, url: &str) -> Result<Staged, ModuleError> {
    let mut request = web::request(context, args, url)?;
    request.agent = Some("ansible-httpget".to_owned());
    request.use_netrc = true;
    request.transport.use_proxy = true;
    let failed = |problem: String| ModuleError::new(format!("Failure downloading {url}, {problem}"));
    let response = context.until_cancelled(request.send()).await?;
    let mut response = response.map_err(|error| failed(web::worded(&error)))?;
    if web::is_error(response.status()) {
        return Err(failed(web::message(&response)));
    }
    let (staged, mut file) = Staged::empty(&std::env::temp_dir().join("source"))?;
    let written = context.until_cancelled(response.write_to(&mut file)).await?;
    written.map_err(|error| failed(error.to_string()))?;
    Ok(staged)
}

/// An archive on its way to a directory.
struct Unpacking<'a> {
    context: &'a ModuleContext,
    args: &'a Args,
    archive: Archive,
    src: PathBuf,
    dest: PathBuf,
    attributes: Attributes,
    exclude: Vec<glob::Pattern>,
    include: Vec<String>,
    strip: usize,
    keep_owner: bool,
}

impl<'a> Unpacking<'a> {
    fn new(
        context: &'a ModuleContext,
        args: &'a Args,
        dest: PathBuf,
        src: &Path,
    ) -> Result<Self, ModuleError> {
        let archive = Archive::open(src).map_err(|error| ModuleError::new(errno(&error, src)))?;
        let patterns = args.texts("exclude").unwrap_or_default();
        let pattern = |text: &String| {
            let text = text.trim_end_matches('/');
            glob::Pattern::new(text).map_err(|error| ModuleError::new(format!("exclude '{text}': {error}")))
        };
        let mut unpacking = Unpacking {
            context,
            args,
            archive,
            src: src.to_owned(),
            dest: dest.canonicalize().unwrap_or(dest),
            attributes: Attributes::of(args),
            exclude: patterns.iter().map(pattern).collect::<Result<_, _>>()?,
            include: args.texts("include").unwrap_or_default(),
            strip: 0,
            keep_owner: rustix::process::geteuid().is_root(),
        };
        unpacking.options()?;
        Ok(unpacking)
    }

    /// What of `extra_opts` has a meaning without `tar` and `unzip`.
    fn options(&mut self) -> Result<(), ModuleError> {
        let words = self.args.texts("extra_opts").unwrap_or_default();
        let mut words = words.iter().flat_map(|word| word.split_whitespace());
        while let Some(word) = words.next() {
            let (name, value) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            match name {
                "--strip-components" | "--strip" => {
                    let value = value.or_else(|| words.next()).and_then(|value| value.parse().ok());
                    self.strip = value.ok_or_else(|| unknown_option(word))?;
                }
                "--no-same-owner" | "-o" => self.keep_owner = false,
                "--same-owner" => self.keep_owner = true,
                "--exclude" => {
                    let value = value.or_else(|| words.next()).ok_or_else(|| unknown_option(word))?;
                    self.exclude.push(glob::Pattern::new(value).map_err(|_| unknown_option(word))?);
                }
                "--same-permissions"
                | "-p"
                | "--preserve-permissions"
                | "--no-overwrite-dir"
                | "--overwrite"
                | "--warning"
                | "-q"
                | "-n" => {}
                _ => return Err(unknown_option(word)),
            }
        }
        Ok(())
    }

    fn run(self, shown: &str) -> Result<TaskResult, ModuleError> {
        let format = self.archive.format;
        if self.context.check && format != Format::Zip {
            return Ok(TaskResult::new().with("skipped", true).with(
                "msg",
                "remote module (ansible.legacy.unarchive) does not support check mode when using gtar",
            ));
        }
        let src = self.src.display().to_string();
        let mut result =
            TaskResult::new().with("handler", format.handler()).with("dest", shown).with("src", src.as_str());
        let survey = self.survey().map_err(|error| match error {
            ModuleError::Cancelled => ModuleError::Cancelled,
            error => ModuleError::new(format!(
                "Failed to find handler for \"{src}\". Make sure the required command to extract the file is installed.\n{error}"
            )),
        })?;
        if survey.files.is_empty() && format != Format::Zip {
            return Err(ModuleError::new(format!(
                "Failed to find handler for \"{src}\". Make sure the required command to extract the file is installed.\nfound no files in archive. Empty archive files are not supported."
            )));
        }
        let mut changed = !survey.differing.is_empty();
        if changed && !self.context.check {
            self.extract(&survey)?;
            let extracted = [
                ("cmd", Value::list(Vec::new())),
                ("rc", Value::Int(0)),
                ("out", Value::from("")),
                ("err", Value::from("")),
            ];
            result = result.with("extract_results", Value::dict(extracted));
        }
        if !survey.diff.is_empty() {
            result = result.with("diff", Value::dict([("prepared", Value::from(survey.diff.as_str()))]));
        }
        if !self.context.check {
            changed |= self.set_attributes(&survey.files)?;
        }
        result = result.with("changed", changed);
        if self.args.flag("list_files") {
            let files = survey.files.iter().map(|file| Value::from(file.as_str())).collect();
            result = result.with("files", Value::list(files));
        }
        Ok(attributes::describe(&self.dest, result))
    }

    /// The path of a member below the destination; nothing for what is not wanted.
    fn path_of(&self, member: &Member) -> Result<Option<String>, ModuleError> {
        let path = member.path.trim_start_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        if parts.contains(&"..") {
            return Err(ModuleError::new(format!(
                "the archive's member '{path}' leads out of the destination"
            )));
        }
        if self.is_excluded(path) || !self.is_included(path) {
            return Ok(None);
        }
        if self.strip == 0 {
            return Ok(Some(path.to_owned()));
        }
        let kept = parts.get(self.strip..).map(|parts| parts.join("/")).unwrap_or_default();
        Ok(Some(kept).filter(|path| !path.is_empty()))
    }

    fn is_excluded(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        // tar matches a pattern with the end of a path that begins at a slash, and with all below it.
        let starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
        let ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).chain([path.len()]).collect();
        let parts: Vec<&str> = starts
            .flat_map(|start| ends.iter().filter(move |end| **end > start).map(move |end| &path[start..*end]))
            .collect();
        self.exclude.iter().any(|pattern| parts.iter().any(|part| pattern.matches(part)))
    }

    fn is_included(&self, path: &str) -> bool {
        if self.include.is_empty() {
            return true;
        }
        let path = path.trim_end_matches('/');
        self.include.iter().any(|wanted| {
            let wanted = wanted.trim_end_matches('/');
            let pattern = self.archive.format == Format::Zip
                && glob::Pattern::new(wanted).is_ok_and(|pattern| pattern.matches(path));
            pattern || path == wanted || path.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// Compares the archive with the destination.
    fn survey(&self) -> Result<Survey, ModuleError> {
        let mut survey = Survey::default();
        self.archive.visit(|member, content| {
            self.context.still_running()?;
            let Some(path) = self.path_of(&member)? else { return Ok(()) };
            survey.files.push(path.clone());
            if let Some(how) = self.difference(&member, &path, content)? {
                if self.archive.format == Format::Zip {
                    survey.diff.push_str(&format!("{how} {path}\n"));
                }
                survey.differing.insert(path);
            }
            Ok(())
        })?;
        Ok(survey)
    }

    /// How the file at a member's place differs from it, in the letters of `rsync`.
    fn difference(
        &self,
        member: &Member,
        path: &str,
        content: &mut dyn Read,
    ) -> Result<Option<String>, ModuleError> {
        let place = self.dest.join(path);
        let letter = match member.kind {
            MemberKind::Directory => 'd',
            MemberKind::Symlink(_) => 'L',
            _ => 'f',
        };
        let Ok(found) = place.symlink_metadata() else { return Ok(Some(format!(">{letter}++++++.??"))) };
        let same_kind = match &member.kind {
            MemberKind::Directory => found.is_dir(),
            MemberKind::Symlink(target) => place.read_link().is_ok_and(|current| current == *target),
            MemberKind::File => found.is_file(),
            MemberKind::Hardlink(target) => {
                let target = self.dest.join(target).metadata();
                return Ok(match target.is_ok_and(|target| target.ino() == found.ino()) {
                    true => None,
                    false => Some(".f.......??".to_owned()),
                });
            }
        };
        if !same_kind {
            return Ok(Some(format!("c{letter}++++++.??")));
        }
        let mut marks: Vec<char> = format!(".{letter}.......??").chars().collect();
        let mut mark = |at: usize, letter: char| {
            if let Some(place) = marks.get_mut(at) {
                *place = letter;
            }
        };
        let mut differs = false;
        if member.kind == MemberKind::File {
            let modified = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let (old, new) = (whole_seconds(modified), whole_seconds(member.modified));
            if self.args.flag("keep_newer") && old > new {
                return Ok(None);
            }
            for (is, at, letter) in [
                (old != new, 4, 't'),
                (found.len() != member.size, 3, 's'),
                (found.len() == member.size && !same_content(&place, content), 2, 'c'),
            ] {
                if is {
                    differs = true;
                    mark(at, letter);
                }
            }
        }
        if !matches!(member.kind, MemberKind::Symlink(_))
            && self.attributes.mode.is_none()
            && member.mode.is_some_and(|mode| mode != found.permissions().mode() & 0o7777)
        {
            differs = true;
            mark(5, 'p');
        }
        if self.owner_differs(member, &found) {
            differs = true;
            mark(6, 'o');
        }
        Ok(differs.then(|| marks.into_iter().collect()))
    }

    fn owner_differs(&self, member: &Member, found: &std::fs::Metadata) -> bool {
        if !self.keep_owner {
            return false;
        }
        let (uid, gid) = owners(member);
        (self.attributes.owner.is_none() && uid.is_some_and(|uid| uid != found.uid()))
            || (self.attributes.group.is_none() && gid.is_some_and(|gid| gid != found.gid()))
    }

    fn extract(&self, survey: &Survey) -> Result<(), ModuleError> {
        let mut directories = Vec::new();
        self.archive.visit(|member, content| {
            self.context.still_running()?;
            let Some(path) = self.path_of(&member)? else { return Ok(()) };
            if !survey.differing.contains(&path) {
                return Ok(());
            }
            let place = self.dest.join(&path);
            self.stay_within(&place)?;
            let failed = |error: std::io::Error| {
                let (src, dest) = (self.src.display(), self.dest.display());
                ModuleError::new(format!("failed to unpack {src} to {dest}: {}", errno(&error, &place)))
            };
            self.write(&member, &place, content).map_err(failed)?;
            if member.kind == MemberKind::Directory {
                directories.push((place, member));
            } else {
                self.settle(&member, &place).map_err(failed)?;
            }
            Ok(())
        })?;
        // Directories last: what is unpacked into them changes their times, and they may be read-only.
        for (place, member) in directories.iter().rev() {
            self.settle(member, place).map_err(|error| ModuleError::new(errno(&error, place)))?;
        }
        Ok(())
    }

    /// Refuses a place that links lead out of the destination.
    fn stay_within(&self, place: &Path) -> Result<(), ModuleError> {
        let dir = directory(place);
        let existing = dir.ancestors().find(|dir| dir.exists()).unwrap_or(dir);
        let real = existing.canonicalize().unwrap_or_else(|_| existing.to_owned());
        if real.starts_with(&self.dest) {
            return Ok(());
        }
        Err(ModuleError::new(format!(
            "the archive's member '{}' leads out of the destination",
            place.display()
        )))
    }

    fn write(&self, member: &Member, place: &Path, content: &mut dyn Read) -> std::io::Result<()> {
        std::fs::create_dir_all(directory(place))?;
        let found = place.symlink_metadata();
        if let Ok(found) = &found
            && !(found.is_dir() && member.kind == MemberKind::Directory)
        {
            if found.is_dir() { std::fs::remove_dir(place)? } else { std::fs::remove_file(place)? }
        }
        match &member.kind {
            MemberKind::Directory => std::fs::create_dir_all(place),
            MemberKind::Symlink(target) => std::os::unix::fs::symlink(target, place),
            MemberKind::Hardlink(target) => {
                let inside = Path::new(target)
                    .components()
                    .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
                if !inside {
                    return Err(std::io::Error::other("the link leads out of the destination"));
                }
                std::fs::hard_link(self.dest.join(target), place)
            }
            MemberKind::File => {
                let mut file = std::fs::File::create(place)?;
                std::io::copy(content, &mut file)?;
                file.flush()
            }
        }
    }

    /// Mode, owner and time of what was unpacked.
    fn settle(&self, member: &Member, place: &Path) -> std::io::Result<()> {
        if self.keep_owner {
            let (uid, gid) = owners(member);
            std::os::unix::fs::lchown(place, uid, gid)?;
        }
        if matches!(member.kind, MemberKind::Symlink(_) | MemberKind::Hardlink(_)) {
            return Ok(());
        }
        if let Some(mode) = member.mode {
            std::fs::set_permissions(place, std::fs::Permissions::from_mode(mode))?;
        }
        let times = std::fs::FileTimes::new().set_modified(member.modified).set_accessed(SystemTime::now());
        std::fs::File::open(place)?.set_times(times)
    }

    /// Gives all that the archive holds, and the directories that it begins with, the wanted attributes.
    fn set_attributes(&self, files: &[String]) -> Result<bool, ModuleError> {
        if self.attributes.is_empty() {
            return Ok(false);
        }
        let tops: BTreeSet<&str> =
            files.iter().filter_map(|file| file.split_once('/')).map(|(top, _)| top).collect();
        let mut changed = false;
        for file in files.iter().map(String::as_str).chain(tops) {
            self.context.still_running()?;
            let place = self.dest.join(file);
            if place.symlink_metadata().is_ok() {
                changed |= self.attributes.apply(&place, false, &mut Difference::default())?;
            }
        }
        Ok(changed)
    }
}

/// What a comparison of an archive with a directory found.
#[derive(Default)]
struct Survey {
    files: Vec<String>,
    differing: BTreeSet<String>,
    diff: String,
}

fn unknown_option(word: &str) -> ModuleError {
    ModuleError::new(format!(
        "extra_opts: '{word}' is not supported (known are --strip-components, --exclude, --no-same-owner and --same-owner)"
    ))
}

/// The owner and group of a member on this machine: by name, or else by number.
fn owners(member: &Member) -> (Option<u32>, Option<u32>) {
    let id = |database: &str, given: &Option<(String, u32)>| {
        let (name, number) = given.as_ref()?;
        let named = if name.is_empty() { None } else { id_of(database, name) };
        Some(named.unwrap_or(*number))
    };
    (id(PASSWD, &member.owner), id(GROUP, &member.group))
}

fn whole_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn same_content(path: &Path, content: &mut dyn Read) -> bool {
    let Ok(mut file) = std::fs::File::open(path) else { return false };
    let (mut left, mut right) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let Ok(count) = content.read(&mut left) else { return false };
        if count == 0 {
            return file.read(&mut right).is_ok_and(|rest| rest == 0);
        }
        let Some(wanted) = right.get_mut(..count) else { return false };
        if file.read_exact(wanted).is_err() || left[..count] != *wanted {
            return false;
        }
    }
}
