//! `slurp`: the content of a file in base64 (`modules/slurp.py`).

use async_trait::async_trait;
use base64::Engine as _;

use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.slurp`.
pub(super) struct Slurp;

pub(super) static SPEC: Spec =
    Spec::new("ansible.builtin.slurp", &[Opt::new("src", Kind::Path).required().aliases(&["path"])]);

#[async_trait]
impl Module for Slurp {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let path = args.str("src").unwrap_or_default().to_owned();
        let bytes = tokio::fs::read(context.path(&path)).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ModuleError::new(format!("file not found: {path}")),
            std::io::ErrorKind::PermissionDenied => ModuleError::new(format!("file is not readable: {path}")),
            std::io::ErrorKind::IsADirectory => {
                ModuleError::new(format!("source is a directory and must be a file: {path}"))
            }
            _ => ModuleError::new(format!("unable to slurp file: {error}")),
        })?;
        let content = base64::engine::general_purpose::STANDARD.encode(bytes);
        Ok(TaskResult::changed(false)
            .with("content", content)
            .with("source", path)
            .with("encoding", "base64"))
    }
}
