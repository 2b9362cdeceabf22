//! `tempfile`: a new file or directory that only its maker can read (`modules/tempfile.py`).

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use async_trait::async_trait;

use super::attributes;
use crate::modules::{Args, CheckMode, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.tempfile`.
pub(super) struct Tempfile;

pub(super) static SPEC: Spec = Spec {
    check_mode: CheckMode::None,
    ..Spec::new(
        "ansible.builtin.tempfile",
        &[
            Opt::str("state").default("file").choices(&["file", "directory"]),
            Opt::new("path", Kind::Path),
            Opt::str("prefix").default("ansible."),
            Opt::str("suffix").default(""),
        ],
    )
};

#[async_trait]
impl Module for Tempfile {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let given = args.str("path").map(|path| context.path(path));
        let dir = given.or_else(|| context.variable("TMPDIR").map(PathBuf::from));
        let dir = dir.unwrap_or_else(std::env::temp_dir);
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let (prefix, suffix) =
            (args.str("prefix").unwrap_or_default(), args.str("suffix").unwrap_or_default());
        let path = dir.join(format!("{prefix}{}{suffix}", &unique[..8]));
        let made = if args.str("state") == Some("directory") {
            std::fs::DirBuilder::new().mode(0o700).create(&path)
        } else {
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map(|_| ())
        };
        made.map_err(|error| {
            let shown = attributes::errno(&error, &path).replace("b'", "'");
            ModuleError::new(format!(
                "failed to create a temporary {}: {shown}",
                args.str("state").unwrap_or("file")
            ))
        })?;
        let result = TaskResult::changed(true).with("path", path.display().to_string());
        Ok(attributes::describe(&path, result))
    }
}
