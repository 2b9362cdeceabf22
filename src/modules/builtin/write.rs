//! Puts content into files, whole or not at all, with backups and validation (`AnsibleModule.atomic_move`).

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use super::attributes::errno;
use super::process::Process;
use crate::jinja::Value;
use crate::jinja::filters::core::to_bool;
use crate::modules::{Args, ModuleContext, ModuleError};

/// A new file beside its destination, which takes its place or vanishes.
#[derive(Debug)]
pub(super) struct Staged {
    path: PathBuf,
}

impl Staged {
    /// A file with this content, in the directory of the destination or else in that for temporary files.
    ///
    /// # Errors
    /// No file can be made.
    pub(super) fn new(dest: &Path, content: &[u8]) -> Result<Staged, ModuleError> {
        let (staged, mut file) = Staged::empty(dest)?;
        file.write_all(content).map_err(|error| ModuleError::new(errno(&error, &staged.path)))?;
        Ok(staged)
    }

    /// An empty file to write to.
    ///
    /// # Errors
    /// No file can be made.
    pub(super) fn empty(dest: &Path) -> Result<(Staged, std::fs::File), ModuleError> {
        let name = dest.file_name().unwrap_or_default().to_string_lossy();
        let name = format!(".ansible_tmp{}{name}", uuid::Uuid::new_v4().simple());
        let beside = directory(dest).join(&name);
        let elsewhere = std::env::temp_dir().join(&name);
        let made = create(&beside).map(|file| (beside, file));
        let (path, file) = match made {
            Ok(made) => made,
            Err(_) => {
                let file = create(&elsewhere).map_err(|error| ModuleError::new(errno(&error, &elsewhere)))?;
                (elsewhere, file)
            }
        };
        Ok((Staged { path }, file))
    }

    /// Where the content is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `validate` on the content; its outcome unless it succeeds.
    ///
    /// # Errors
    /// The command has no `%s` or does not start, or the run was cancelled.
    pub(super) async fn validate(
        &self,
        context: &ModuleContext,
        command: &str,
    ) -> Result<Option<super::process::Outcome>, ModuleError> {
        if !command.contains("%s") {
            return Err(ModuleError::new(format!("validate must contain %s: {command}")));
        }
        let line = command.replace("%s", &self.path.to_string_lossy());
        let words = super::words::split(&line)?;
        let shown = words.join(" ");
        let outcome = Process::new(words).run(context).await?.map_err(|problem| {
            ModuleError::new(problem.message).with("rc", problem.code).with("cmd", shown)
        })?;
        Ok((outcome.rc != 0).then_some(outcome))
    }

    /// Takes the place of the destination, with the owner and mode of what was there unless told otherwise.
    ///
    /// # Errors
    /// The destination cannot be replaced, nor, where that is allowed, be written to.
    pub(super) fn install(self, dest: &Path, how: Replacing) -> Result<(), ModuleError> {
        if let (Ok(old), true) = (dest.metadata(), how.keep_attributes) {
            let _ = std::fs::set_permissions(&self.path, old.permissions());
            // Only root may give files away; others keep what they make.
            let _ = chown(&self.path, Some(old.uid()), Some(old.gid()));
        }
        let moved = std::fs::rename(&self.path, dest).or_else(|error| {
            // From another file system: copied beside first, so that the last step is one step again.
            if error.kind() != std::io::ErrorKind::CrossesDevices {
                return Err(error);
            }
            let beside = directory(dest).join(self.path.file_name().unwrap_or_default());
            std::fs::copy(&self.path, &beside).and_then(|_| std::fs::rename(&beside, dest))
        });
        let written = moved.or_else(|error| {
            if !how.unsafe_writes {
                return Err(error);
            }
            let content = std::fs::read(&self.path)?;
            std::fs::write(dest, content)
        });
        written.map_err(|error| {
            let text = error.to_string();
            let words = text.split(" (os error").next().unwrap_or(&text);
            ModuleError::new(format!(
                "Could not replace file: {} to {}: [Errno {}] {words}",
                self.path.display(),
                dest.display(),
                error.raw_os_error().unwrap_or(0)
            ))
        })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// How a destination is replaced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Replacing {
    /// The new content gets the owner and mode of the old.
    pub(super) keep_attributes: bool,
    /// When it cannot be replaced, it may be written to.
    pub(super) unsafe_writes: bool,
}

impl Replacing {
    /// What the arguments of a task say.
    pub(super) fn of(context: &ModuleContext, args: &Args) -> Replacing {
        let allowed = context.variable("ANSIBLE_UNSAFE_WRITES");
        let allowed = allowed.and_then(|word| to_bool(&Value::from(word))).unwrap_or(false);
        let given = context.task.untemplated.contains_key("unsafe_writes");
        let unsafe_writes = if given { args.flag("unsafe_writes") } else { allowed };
        Replacing { keep_attributes: true, unsafe_writes }
    }
}

/// The directory of a file.
pub(super) fn directory(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn create(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).create_new(true).open(path)
}

/// Copies a file beside itself under a name with the time in it; that name.
///
/// # Errors
/// It cannot be copied.
pub(super) fn backup(path: &Path) -> Result<String, ModuleError> {
    let now = crate::jinja::datetime::now(false);
    let stamp = crate::jinja::datetime::strftime(&now, "%Y-%m-%d@%H:%M:%S~")?;
    let name = format!("{}.{}.{stamp}", path.display(), std::process::id());
    let copied = std::fs::copy(path, &name).and_then(|_| {
        let old = path.metadata()?;
        let times = std::fs::FileTimes::new().set_accessed(old.accessed()?).set_modified(old.modified()?);
        std::fs::File::options().append(true).open(&name)?.set_times(times)?;
        let _ = chown(&name, Some(old.uid()), Some(old.gid()));
        Ok(())
    });
    copied.map_err(|error| {
        ModuleError::new(format!("Could not make backup of {} to {name}: {error}", path.display()))
    })?;
    Ok(name)
}

/// What an editing module does with its new content: validate it, keep the old, put it in place.
///
/// # Errors
/// The command of `validate` refuses the content, or the file cannot be written.
pub(super) async fn rewrite(
    context: &ModuleContext,
    args: &Args,
    dest: &Path,
    content: &[u8],
) -> Result<(), ModuleError> {
    let real = dest.canonicalize().unwrap_or_else(|_| dest.to_owned());
    let staged = Staged::new(&real, content)?;
    if let Some(command) = args.str("validate")
        && let Some(refused) = staged.validate(context, command).await?
    {
        let (rc, err) = (refused.rc, refused.err());
        return Err(ModuleError::new(format!("failed to validate: rc:{rc} error:{err}")));
    }
    staged.install(&real, Replacing::of(context, args))
}
