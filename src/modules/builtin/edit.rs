//! What the modules that edit files share: the file as it is, backup, attributes, diff.

use std::path::{Path, PathBuf};

use super::attributes::{Attributes, Difference, errno};
use super::text;
use super::write::{backup, directory, rewrite};
use crate::jinja::Value;
use crate::jinja::value::{Dict, Entries};
use crate::modules::{Args, ModuleContext, ModuleError};

/// A file that a module edits.
pub(super) struct Edited<'a> {
    context: &'a ModuleContext,
    args: &'a Args,
    /// The path, as the task names it.
    pub(super) shown: String,
    /// The path.
    pub(super) path: PathBuf,
    /// The content, one character for each byte; none when there is no file.
    pub(super) before: Option<String>,
}

/// What became of a file.
pub(super) struct Finished {
    /// The name of the backup.
    pub(super) backup: Option<String>,
    /// Whether content or attributes changed.
    pub(super) changed: bool,
    /// The message, with a word on attributes when they changed.
    pub(super) msg: String,
    /// What attributes were and became.
    pub(super) attributes: Difference,
}

impl<'a> Edited<'a> {
    /// Reads the file of the argument `path`; `absent` is the end of the message when it is not there and
    /// need not be made.
    ///
    /// # Errors
    /// It is a directory, is not there, or cannot be read.
    pub(super) fn open(
        context: &'a ModuleContext,
        args: &'a Args,
        absent: Option<&str>,
    ) -> Result<Edited<'a>, ModuleError> {
        let shown = args.str("path").unwrap_or_default().to_owned();
        let path = context.path(&shown);
        if path.is_dir() {
            return Err(ModuleError::new(format!("Path {shown} is a directory !")).with("rc", 256_i64));
        }
        let mut before = None;
        if path.exists() {
            let bytes = std::fs::read(&path).map_err(|error| {
                ModuleError::new(format!("Unable to read the contents of {shown}: {}", errno(&error, &path)))
            })?;
            before = Some(text::from_bytes(&bytes));
        } else if let Some(absent) = absent {
            return Err(ModuleError::new(absent.to_owned()).with("rc", 257_i64));
        }
        Ok(Edited { context, args, shown, path, before })
    }

    /// Makes the directories above a file that is about to be made.
    ///
    /// # Errors
    /// One cannot be made.
    pub(super) fn make_parents(&self) -> Result<(), ModuleError> {
        let dir = directory(&self.path);
        if self.context.check || dir.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(dir).map_err(|error| {
            let shown = Path::new(&self.shown).parent().unwrap_or(dir).display().to_string();
            ModuleError::new(format!("Error creating {shown} ({})", errno(&error, dir)))
        })
    }

    /// Writes new content, if there is any, and sets attributes.
    ///
    /// # Errors
    /// The content is refused or cannot be written, or an attribute cannot be set.
    pub(super) async fn finish(&self, after: Option<&str>, msg: &str) -> Result<Finished, ModuleError> {
        let mut finished = Finished {
            backup: None,
            changed: after.is_some(),
            msg: msg.to_owned(),
            attributes: Difference::default(),
        };
        if let Some(after) = after.filter(|_| !self.context.check) {
            if self.args.flag("backup") && self.path.exists() {
                finished.backup = Some(backup(&self.path)?);
            }
            rewrite(self.context, self.args, &self.path, &text::to_bytes(after)).await?;
        }
        if !self.path.exists() {
            return Ok(finished);
        }
        let attributes = Attributes::of(self.args);
        if attributes.apply(&self.path, self.context.check, &mut finished.attributes)? {
            if finished.changed {
                finished.msg.push_str(" and ");
            }
            finished.changed = true;
            finished.msg.push_str("ownership, perms or SE linux context changed");
        }
        Ok(finished)
    }

    /// The `diff` of content.
    pub(super) fn content_diff(&self, after: &str) -> Value {
        let header = Value::from(format!("{} (content)", self.shown));
        let (before, after) = if self.context.diff {
            (text::shown(self.before.as_deref().unwrap_or_default()), text::shown(after))
        } else {
            (String::new(), String::new())
        };
        Value::dict([
            ("before", Value::from(before)),
            ("after", Value::from(after)),
            ("before_header", header.clone()),
            ("after_header", header),
        ])
    }

    /// The `diff` of attributes.
    pub(super) fn attribute_diff(&self, attributes: Difference) -> Value {
        let header = Value::from(format!("{} (file attributes)", self.shown));
        let mut entries: Entries = attributes.entries();
        entries.insert("before_header".into(), header.clone());
        entries.insert("after_header".into(), header);
        Value::Dict(Dict::new(entries))
    }
}
