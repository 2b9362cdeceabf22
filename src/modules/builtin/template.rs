//! `template`: a rendered template of the role into a file (`plugins/action/template.py`).

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::attributes::{Attributes, FILE_OPTIONS, PASSWD, name_of, shown_mode};
use super::copy::{Content, put};
use crate::jinja::lookups::{self, files};
use crate::jinja::value::Str;
use crate::jinja::{ErrorKind, TemplateOptions, Value, datetime};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.template`.
pub(super) struct Template;

pub(super) static SPEC: Spec = Spec {
    fragments: &[FILE_OPTIONS],
    ..Spec::new(
        "ansible.builtin.template",
        &[
            Opt::new("src", Kind::Path),
            Opt::new("dest", Kind::Path),
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
            Opt::str("state"),
            // What `copy` takes beside these and `template` hands on.
            Opt::new("decrypt", Kind::Bool).default("true"),
            Opt::str("checksum"),
            Opt::new("directory_mode", Kind::Raw),
        ],
    )
};

#[async_trait]
impl Module for Template {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        if args.get("state").is_some() {
            return Err(ModuleError::new("'state' cannot be specified on a template"));
        }
        let (Some(name), Some(dest)) = (args.str("src"), args.str("dest")) else {
            return Err(ModuleError::new("src and dest are required"));
        };
        let newline = match args.str("newline_sequence").unwrap_or("\n") {
            "\\n" | "\n" => "\n",
            "\\r" | "\r" => "\r",
            "\\r\\n" | "\r\n" => "\r\n",
            _ => return Err(ModuleError::new("newline_sequence needs to be one of: \n, \r or \r\n")),
        };
        let src = context.find("templates", name)?;
        let text = render(context, &args, &src, name, dest)?;
        let bytes = encode(&args, if newline == "\n" { text } else { text.replace('\n', newline) })?;
        let mut attributes = Attributes::of(&args);
        if attributes.mode.as_ref().and_then(Value::as_str) == Some("preserve") {
            attributes.mode = src.metadata().ok().map(|found| Value::from(shown_mode(found.mode())));
        }
        let content = Content {
            bytes: &bytes,
            source: Some(&src),
            name: src.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            dest: dest.to_owned(),
            follow: args.flag("follow"),
        };
        put(context, &args, &attributes, &content).await
    }
}

fn render(
    context: &ModuleContext,
    args: &Args,
    src: &Path,
    name: &str,
    dest: &str,
) -> Result<String, ModuleError> {
    let bytes = context
        .env
        .read(src)
        .map_err(|error| ModuleError::new(format!("could not find src={}, {error}", src.display())))?;
    let source = String::from_utf8(bytes)
        .map_err(|_| ModuleError::new("Template source files must be utf-8 encoded"))?;
    let mut vars = context.vars.as_ref().clone();
    vars.extend(files::template_vars(src, name, &context.env.settings.managed));
    let text = |text: String| Value::Str(Str::new(text).into_unsafe());
    vars.insert("template_destpath".into(), text(dest.to_owned()));
    if let Ok(found) = src.metadata() {
        let owner = name_of(PASSWD, found.uid()).map_or_else(|| Value::from(found.uid()), text);
        vars.insert("template_uid".into(), owner);
        let seconds = found.mtime() as f64 + found.mtime_nsec() as f64 / 1e9;
        vars.insert("template_mtime".into(), Value::DateTime(datetime::from_epoch(seconds, false)?));
    }
    let mut templar = context.templar().with_vars(Arc::new(vars));
    if templar.env.settings.native {
        templar.env = Arc::new(templar.env.text_only());
    }
    let dirs = files::include_dirs(src, &templar);
    let templar = templar.with_include_path(dirs);
    let given = args.values.iter().filter(|(_, value)| !value.is_none());
    let given = given.map(|(key, value)| (key.text().into_owned(), value.clone())).collect();
    let options = TemplateOptions {
        convert_data: false,
        escape_backslashes: false,
        syntax: files::syntax(&lookups::Options::new(given)),
        ..TemplateOptions::default()
    };
    let rendered = templar.render(&source, &options).map_err(|error| match error.kind() {
        ErrorKind::Cancelled => ModuleError::Cancelled,
        ErrorKind::Undefined => ModuleError::new(format!("AnsibleUndefinedVariable: {error}")),
        ErrorKind::Syntax | ErrorKind::UnknownPlugin => {
            ModuleError::new(format!("TemplateSyntaxError: {error}"))
        }
        _ => ModuleError::new(format!("AnsibleError: {error}")),
    })?;
    Ok(rendered.to_string())
}

/// The text in the bytes of `output_encoding`.
fn encode(args: &Args, text: String) -> Result<Vec<u8>, ModuleError> {
    let name = args.str("output_encoding").filter(|name| !name.is_empty()).unwrap_or("utf-8");
    Ok(crate::jinja::encoding::Encoding::named(name)?.encode(&text)?)
}
