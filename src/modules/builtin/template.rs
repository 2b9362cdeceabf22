//! `template`: a rendered template of the role into a file (`plugins/action/template.py`).

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use super::attributes::{GROUP, MODE, OWNER};
use super::write::{Target, write};
use crate::jinja::TemplateOptions;
use crate::jinja::lookups::{self, files};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.template`.
pub(super) struct Template;

const SPEC: Spec = Spec::new(
    "ansible.builtin.template",
    &[
        Opt::new("src", Kind::Path).required(),
        Opt::new("dest", Kind::Path).required(),
        Opt::flag("backup"),
        Opt::new("force", Kind::Bool).default("true"),
        Opt::flag("follow"),
        Opt::str("newline_sequence").default("\\n"),
        Opt::str("block_start_string"),
        Opt::str("block_end_string"),
        Opt::str("variable_start_string"),
        Opt::str("variable_end_string"),
        Opt::str("comment_start_string"),
        Opt::str("comment_end_string"),
        Opt::new("trim_blocks", Kind::Bool).default("true"),
        Opt::flag("lstrip_blocks"),
        Opt::str("output_encoding").default("utf-8"),
        Opt::str("validate"),
        Opt::flag("unsafe_writes"),
        MODE,
        OWNER,
        GROUP,
    ],
);

#[async_trait]
impl Module for Template {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let name = args.str("src").unwrap_or_default().to_owned();
        let src = context.find("templates", &name)?;
        let source = context.env.read(&src).map_err(|error| ModuleError::new(error.to_string()))?;
        let source = String::from_utf8_lossy(&source).into_owned();
        let mut vars = context.vars.as_ref().clone();
        vars.extend(files::template_vars(&src, &name, &context.env.settings.managed));
        let mut templar = context.templar().with_vars(Arc::new(vars));
        if templar.env.settings.native {
            templar.env = Arc::new(templar.env.text_only());
        }
        let dirs = files::include_dirs(&src, &templar);
        let templar = templar.with_include_path(dirs);
        let given = args.values.iter().filter(|(_, value)| !value.is_none());
        let given = given.map(|(key, value)| (key.text().into_owned(), value.clone())).collect();
        let options = TemplateOptions {
            convert_data: false,
            escape_backslashes: false,
            syntax: files::syntax(&lookups::Options::new(given)),
            ..TemplateOptions::default()
        };
        let mut text = templar.render(&source, &options)?.to_string();
        match args.str("newline_sequence") {
            Some("\\r\\n" | "\r\n") => text = text.replace('\n', "\r\n"),
            Some("\\r" | "\r") => text = text.replace('\n', "\r"),
            _ => {}
        }
        let dest = PathBuf::from(args.str("dest").unwrap_or_default());
        let stripped = src.with_extension("");
        let shown = if src.extension().is_some_and(|ending| ending == "j2") { &stripped } else { &src };
        write(context, &args, &Target { dest, content: text.as_bytes(), src: Some(shown) })
    }
}
