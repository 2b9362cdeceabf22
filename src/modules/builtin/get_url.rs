//! `get_url`: a file from the web (`modules/get_url.py`).

use std::path::{Path, PathBuf};
use std::time::Instant;

use async_trait::async_trait;
use rustix::fs::Access;

use super::attributes::{self, Attributes, Difference, FILE_OPTIONS, errno};
use super::checksum;
use super::web::{self, CONNECTION};
use super::write::{Replacing, Staged, backup, directory};
use crate::http::Response;
use crate::jinja::Value;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.get_url`.
pub(super) struct GetUrl;

pub(super) static SPEC: Spec = Spec {
    fragments: &[FILE_OPTIONS, CONNECTION],
    ..Spec::new(
        "ansible.builtin.get_url",
        &[
            Opt::str("url").required(),
            Opt::new("dest", Kind::Path).required(),
            Opt::flag("backup"),
            Opt::str("checksum").default(""),
            Opt::new("timeout", Kind::Int).default("10"),
            Opt::new("headers", Kind::Dict),
            Opt::new("tmp_dest", Kind::Path),
            Opt::str("url_username").aliases(&["username"]),
            Opt::str("url_password").aliases(&["password"]).no_log(),
        ],
    )
};

#[async_trait]
impl Module for GetUrl {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let shown = args.str("dest").unwrap_or_default();
        let dest = context.path(shown);
        let base = TaskResult::changed(false)
            .with("checksum_dest", Value::None)
            .with("checksum_src", Value::None)
            .with("dest", shown)
            .with("elapsed", 0_i64)
            .with("url", args.str("url").unwrap_or_default());
        let download = Download { context, args: &args, shown: shown.to_owned(), dest, base };
        download.run().await
    }
}

/// A checksum that the file must have.
struct Expected {
    algorithm: String,
    digits: String,
}

struct Download<'a> {
    context: &'a ModuleContext,
    args: &'a Args,
    shown: String,
    dest: PathBuf,
    base: TaskResult,
}

impl Download<'_> {
    fn failed(&self, result: TaskResult, message: impl Into<String>) -> ModuleError {
        let message: String = message.into();
        ModuleError::Failed(Box::new(result.with("failed", true).with("msg", message)))
    }

    /// The failure of a request that has no file: it tells less than others.
    fn no_file(&self, message: String, elapsed: i64) -> TaskResult {
        TaskResult::failure(message)
            .with("url", self.args.str("url").unwrap_or_default())
            .with("dest", self.shown.as_str())
            .with("elapsed", elapsed)
    }

    async fn run(mut self) -> Result<TaskResult, ModuleError> {
        let expected = self.expected().await?;
        let mut force = self.args.flag("force");
        let is_dir = self.dest.is_dir();
        let mut modified = None;
        if !is_dir && self.dest.exists() {
            if !force && let Some(expected) = &expected {
                if checksum::of_file(&expected.algorithm, &self.dest)? == expected.digits {
                    return self.there_already();
                }
                force = true;
            }
            modified = web::modified(&self.dest);
        }
        let url = self.args.str("url").unwrap_or_default().to_owned();
        let started = Instant::now();
        let method = if self.context.check { "HEAD" } else { "GET" };
        let mut request = web::request(self.context, self.args, &url)?;
        request.method = method.to_owned();
        request.no_cache = force;
        request.modified_since = modified.filter(|_| !force);
        let response = self.context.until_cancelled(request.send()).await?;
        let elapsed = i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX);
        let response = response
            .map_err(|error| ModuleError::Failed(Box::new(self.no_file(web::worded(&error), elapsed))))?;
        let (status, msg) = (i64::from(response.status()), web::message(&response));
        if status == 304 {
            return Ok(TaskResult::changed(false)
                .with("url", url)
                .with("dest", self.shown.as_str())
                .with("msg", msg)
                .with("status_code", status)
                .with("elapsed", elapsed));
        }
        if status != 200 {
            let result = self.no_file("Request failed".to_owned(), elapsed);
            return Err(ModuleError::Failed(Box::new(
                result.with("status_code", status).with("response", msg),
            )));
        }
        if is_dir {
            let name = file_name(&response);
            self.shown = super::copy::join(&self.shown, &name);
            self.dest = self.dest.join(name);
        }
        let staged = self.store(response).await?;
        self.base = self.base.clone().with("elapsed", elapsed).with("dest", self.shown.as_str());
        self.finish(staged, expected, msg, status)
    }

    fn there_already(self) -> Result<TaskResult, ModuleError> {
        let attributes = Attributes::of(self.args);
        let changed = attributes.apply(&self.dest, self.context.check, &mut Difference::default())?;
        let msg =
            if changed { "file already exists but file attributes changed" } else { "file already exists" };
        let result = self.base.with("changed", changed).with("msg", msg);
        Ok(attributes::describe(&self.dest, result))
    }

    /// The content in a file of its own.
    async fn store(&self, mut response: Response) -> Result<Staged, ModuleError> {
        let beside = match self.args.str("tmp_dest") {
            None => self.dest.clone(),
            Some(dir) => {
                let path = self.context.path(dir);
                if !path.is_dir() {
                    let problem = if path.exists() {
                        format!("{dir} is a file but should be a directory.")
                    } else {
                        format!("{dir} directory does not exist.")
                    };
                    return Err(ModuleError::new(problem));
                }
                path.join("download")
            }
        };
        let (staged, mut file) = Staged::empty(&beside)?;
        let written = self.context.until_cancelled(response.write_to(&mut file)).await?;
        written
            .map_err(|error| ModuleError::new(format!("failed to create temporary content file: {error}")))?;
        Ok(staged)
    }

    fn finish(
        self,
        staged: Staged,
        expected: Option<Expected>,
        msg: String,
        status: i64,
    ) -> Result<TaskResult, ModuleError> {
        let source = checksum::of_file("sha1", staged.path())?;
        let mut result = self
            .base
            .clone()
            .with("src", staged.path().display().to_string())
            .with("checksum_src", source.as_str());
        let may = |path: &Path, access| rustix::fs::access(path, access).is_ok();
        let mut before = None;
        if self.dest.exists() {
            for (access, word) in [(Access::WRITE_OK, "writable"), (Access::READ_OK, "readable")] {
                if !may(&self.dest, access) {
                    return Err(self.failed(result, format!("Destination {} is not {word}", self.shown)));
                }
            }
            before = Some(checksum::of_file("sha1", &self.dest)?);
            result = result.with("checksum_dest", before.clone().unwrap_or_default());
        } else {
            let dir = directory(&self.dest);
            let word = if dir.exists() { "is not writable" } else { "does not exist" };
            if !dir.exists() || !may(dir, Access::WRITE_OK) {
                let shown = Path::new(&self.shown).parent().unwrap_or(dir).display();
                return Err(self.failed(result, format!("Destination {shown} {word}")));
            }
        }
        let differs = before.as_deref() != Some(source.as_str());
        if self.context.check {
            let result = result.with("changed", differs).with("msg", msg);
            return Ok(attributes::describe(&self.dest, result));
        }
        if let Some(expected) = expected {
            let found = checksum::of_file(&expected.algorithm, staged.path())?;
            if found != expected.digits {
                let (path, wanted) = (staged.path().display().to_string(), expected.digits);
                let message = format!("The checksum for {path} did not match {wanted}; it was {found}.");
                return Err(self.failed(result, message));
            }
        }
        let mut changed = differs;
        let mut backup_file = None;
        if differs {
            if self.args.flag("backup") && before.is_some() {
                backup_file = Some(backup(&self.dest)?);
            }
            staged.install(&self.dest, Replacing::of(self.context, self.args))?;
        }
        let attributes = Attributes::of(self.args);
        changed |= attributes.apply(&self.dest, false, &mut Difference::default())?;
        result = result.with("changed", changed).with("md5sum", checksum::of_file("md5", &self.dest)?);
        if let Some(backup_file) = backup_file {
            result = result.with("backup_file", backup_file);
        }
        let result = result.with("msg", msg).with("status_code", status);
        Ok(attributes::describe(&self.dest, result))
    }

    /// The checksum of the argument, which may be the address of a file of checksums.
    async fn expected(&self) -> Result<Option<Expected>, ModuleError> {
        let Some(text) = self.args.str("checksum").filter(|text| !text.is_empty()) else { return Ok(None) };
        let Some((algorithm, value)) = text.split_once(':') else {
            let message = "The checksum parameter has to be in format <algorithm>:<checksum>";
            return Err(self.failed(self.base.clone(), message));
        };
        let value = if ["http://", "https://", "file://", "ftp://"].iter().any(|it| value.starts_with(it)) {
            self.listed(value).await?
        } else {
            value.to_owned()
        };
        let digits: String = value.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        let digits = digits.to_ascii_lowercase();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.failed(self.base.clone(), "The checksum format is invalid"));
        }
        Ok(Some(Expected { algorithm: algorithm.to_owned(), digits }))
    }

    /// The checksum of the file in a list of checksums.
    async fn listed(&self, address: &str) -> Result<String, ModuleError> {
        let text = self.list_of_checksums(address).await?;
        let url = self.args.str("url").unwrap_or_default();
        let path = url::Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default();
        let name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("index.html");
        let lines: Vec<&str> = text.lines().collect();
        if let [only] = lines.as_slice()
            && only.split_whitespace().count() == 1
        {
            return Ok((*only).to_owned());
        }
        let entry = |line: &&str| {
            let (sum, file) = line.split_once(' ')?;
            let file = file.strip_prefix([' ', '*']).unwrap_or(file);
            (file.trim_start_matches(['.', '/']) == name).then(|| sum.to_owned())
        };
        lines.iter().find_map(entry).ok_or_else(|| {
            ModuleError::new(format!("Unable to find a checksum for file '{name}' in '{address}'"))
        })
    }

    async fn list_of_checksums(&self, address: &str) -> Result<String, ModuleError> {
        if let Some(path) = address.strip_prefix("file://") {
            let read = std::fs::read_to_string(path);
            return read.map_err(|error| ModuleError::new(errno(&error, path.as_ref())));
        }
        let request = web::request(self.context, self.args, address)?;
        let response = self.context.until_cancelled(request.send()).await?;
        let mut response =
            response.map_err(|error| ModuleError::Failed(Box::new(self.no_file(web::worded(&error), 0))))?;
        if response.status() != 200 {
            let status = i64::from(response.status());
            let result = self.no_file("Request failed".to_owned(), 0).with("status_code", status);
            return Err(ModuleError::Failed(Box::new(result.with("response", web::message(&response)))));
        }
        let bytes = self.context.until_cancelled(response.bytes()).await?;
        let bytes = bytes.map_err(|error| ModuleError::new(web::worded(&error)))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The name of a downloaded file: what the server says, or the end of the address.
fn file_name(response: &Response) -> String {
    let given = response.header("content-disposition").and_then(|header| {
        let rest = header.strip_prefix("attachment;")?.trim_start().strip_prefix("filename=")?;
        rest.trim_start_matches('"').split('"').next().map(ToOwned::to_owned)
    });
    let path = url::Url::parse(&response.url).map(|url| url.path().to_owned()).unwrap_or_default();
    let name = given.unwrap_or(path).rsplit('/').next().unwrap_or_default().to_owned();
    if name.is_empty() { "index.html".to_owned() } else { name }
}
