//! `kubernetes.core.k8s_cp`: files and directories to and from a pod (`plugins/modules/k8s_cp.py`,
//! `module_utils/copy.py`). To a pod as a tar through the program `tar` there; from a pod file by file
//! through `cat`.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde_json::Value;
use tokio::io::AsyncRead;
use tokio_util::io::SyncIoBridge;

use super::super::connection::AUTH;
use super::super::session::Session;
use crate::cluster::{Exec, Executed, Target};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Requirement, Spec};

/// The module.
pub(super) struct K8sCp;

/// How much of a tar may be under way.
const BUFFER: usize = 256 * 1024;

/// Lists the files below a directory where there is no `find`.
const LIST_FILES: &str = r#"walk() { for f in "$1"/* "$1"/.[!.]* "$1"/..?*; do
if [ -d "$f" ] && [ ! -L "$f" ]; then walk "$f"; elif [ -f "$f" ]; then echo "$f"; fi; done; }; walk "$0""#;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    requirements: &[
        Requirement::MutuallyExclusive(&["local_path", "content"]),
        Requirement::If("state", "from_pod", &["local_path"]),
        Requirement::OneOf(&["local_path", "content"]),
    ],
    ..Spec::new(
        "kubernetes.core.k8s_cp",
        &[
            Opt::str("namespace").required(),
            Opt::str("pod").required(),
            Opt::str("container"),
            Opt::new("remote_path", Kind::Path).required(),
            Opt::new("local_path", Kind::Path),
            Opt::str("content"),
            Opt::str("state").default("to_pod").choices(&["to_pod", "from_pod"]),
            Opt::flag("no_preserve"),
        ],
    )
};

#[async_trait]
impl Module for K8sCp {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let pod = PodPath {
            context,
            session: &session,
            namespace: args.str("namespace").unwrap_or_default(),
            pod: args.str("pod").unwrap_or_default(),
            container: args.str("container"),
            path: args.str("remote_path").unwrap_or_default(),
        };
        pod.check().await?;
        match args.str("state") {
            Some("from_pod") => pod.fetch(args.str("local_path").unwrap_or_default()).await,
            _ => pod.put(&args).await,
        }
    }
}

/// A path in a container of a pod.
struct PodPath<'a> {
    context: &'a ModuleContext,
    session: &'a Session,
    namespace: &'a str,
    pod: &'a str,
    container: Option<&'a str>,
    path: &'a str,
}

fn failed(why: impl std::fmt::Display) -> ModuleError {
    ModuleError::new(format!("Failed to copy object due to: {why}"))
}

impl PodPath<'_> {
    /// Whether the pod is there, and which container is meant.
    async fn check(&self) -> Result<(), ModuleError> {
        let (namespace, pod) = (self.namespace, self.pod);
        let what = format!("Namespace={namespace} Kind=Pod Name={pod}: Failed requested object");
        let pods = self.session.resource("v1", "Pod").await?;
        let found = self.session.client.get(Target::new(&pods, Some(namespace), pod)).await;
        let found = found.map_err(|error| super::super::session::failure(&what, &error))?;
        let found = found.ok_or_else(|| {
            ModuleError::new(format!("{what}: not found")).with("status", 404_i64).with("reason", "Not Found")
        })?;
        let statuses: Vec<&Value> = ["initContainerStatuses", "containerStatuses"]
            .iter()
            .filter_map(|list| found.0["status"][*list].as_array())
            .flatten()
            .collect();
        let Some(container) = self.container else {
            return match statuses.len() {
                0 | 1 => Ok(()),
                _ => Err(ModuleError::new(
                    "Pod contains more than 1 container, option 'container' should be set",
                )),
            };
        };
        match statuses.iter().find(|status| status["name"] == container) {
            None => Err(ModuleError::new(format!("Pod has no container {container}"))),
            Some(status) if status["started"] != true => {
                Err(ModuleError::new(format!("Pod container {container} is not started")))
            }
            Some(_) => Ok(()),
        }
    }

    async fn run(
        &self,
        command: &[&str],
        input: Option<&mut (dyn AsyncRead + Send + Unpin)>,
        output: &mut (dyn tokio::io::AsyncWrite + Send + Unpin),
    ) -> Result<Executed, ModuleError> {
        let exec = Exec { namespace: self.namespace, pod: self.pod, container: self.container, command };
        self.session.client.exec(exec, input, output).await.map_err(|error| {
            let (namespace, pod) = (self.namespace, self.pod);
            ModuleError::new(format!(
                "Error while running/parsing from pod {namespace}/{pod} command='{command:?}' : {error}"
            ))
        })
    }

    /// Whether `test OPTION PATH` holds in the container.
    async fn test(&self, option: &str) -> Result<bool, ModuleError> {
        let ended = self.run(&["test", option, self.path], None, &mut tokio::io::sink()).await?;
        Ok(ended.code == Some(0))
    }

    async fn put(&self, args: &Args) -> Result<TaskResult, ModuleError> {
        let mut dest = self.path.trim_end_matches('/').to_owned();
        let is_dir = self.test("-e").await? && self.test("-d").await?;
        let source = match args.str("content") {
            Some(_) if is_dir => {
                return Err(ModuleError::new(
                    "When content is specified, remote path should not be an existing directory",
                ));
            }
            Some(content) => Source::Content(content.to_owned()),
            None => {
                let local = self.local(args.str("local_path").unwrap_or_default())?;
                if is_dir {
                    let name = local.file_name().unwrap_or_default().to_string_lossy();
                    dest = format!("{dest}/{name}");
                }
                Source::File(local)
            }
        };
        let told = match &source {
            Source::Content(_) => format!("Content successfully copied into {} on remote Pod", self.path),
            Source::File(_) => {
                let local = args.str("local_path").unwrap_or_default();
                format!("{local} successfully copied into remote Pod into {}", self.path)
            }
        };
        if !self.context.check {
            self.unpack(source, &dest, args.flag("no_preserve")).await?;
        }
        Ok(TaskResult::changed(true).with("result", told))
    }

    /// The file or directory to copy: as it is named, or of the role.
    fn local(&self, name: &str) -> Result<PathBuf, ModuleError> {
        let path = PathBuf::from(name);
        let path = if path.exists() {
            path
        } else {
            let missing = |_| ModuleError::new(format!("{name} does not exist in local filesystem"));
            self.context.find("files", name).map_err(missing)?
        };
        let readable =
            if path.is_dir() { path.read_dir().is_ok() } else { std::fs::File::open(&path).is_ok() };
        if readable { Ok(path) } else { Err(ModuleError::new(format!("{} not readable", path.display()))) }
    }

    async fn unpack(&self, source: Source, dest: &str, no_preserve: bool) -> Result<(), ModuleError> {
        let mut command = vec!["tar"];
        if no_preserve {
            command.extend(["--no-same-permissions", "--no-same-owner"]);
        }
        command.extend(["-xmf", "-"]);
        if dest.starts_with('/') {
            command.extend(["-C", "/"]);
        }
        let (writer, mut reader) = tokio::io::duplex(BUFFER);
        let name = dest.trim_start_matches('/').to_owned();
        let packing = tokio::task::spawn_blocking(move || source.pack(&name, SyncIoBridge::new(writer)));
        let ended = self.run(&command, Some(&mut reader), &mut tokio::io::sink()).await?;
        drop(reader);
        // When tar gave up, what it says explains more than a broken pipe here.
        let packed = packing.await.map_err(failed)?;
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        if ended.code != Some(0) || !stderr.is_empty() {
            let why = if stderr.is_empty() { ended.message } else { stderr };
            return Err(ModuleError::new(format!(
                "Failed to copy local file/directory into Pod due to: {why}"
            )));
        }
        packed.map_err(failed)
    }

    async fn fetch(&self, local: &str) -> Result<TaskResult, ModuleError> {
        let files = self.files().await?;
        if files.is_empty() {
            return Ok(TaskResult::changed(false)
                .with("warning", format!("No file found from directory '{}' into remote Pod.", self.path)));
        }
        let is_dir = files.len() > 1 || files.first().is_some_and(|file| file != self.path);
        let local = Path::new(local);
        let root = self.path.trim_end_matches('/');
        // Into a directory that is there: under the name that it has in the pod.
        let start = match is_dir && local.is_dir() {
            true => root.rsplit_once('/').map_or("", |(parent, _)| parent),
            false => root,
        };
        if !self.context.check {
            for file in &files {
                let dest = if is_dir {
                    let relative = file.strip_prefix(start).unwrap_or(file).trim_start_matches('/');
                    safe_join(local, relative)
                        .ok_or_else(|| failed(format!("{file} leads out of {}", local.display())))?
                } else if local.is_dir() {
                    local.join(file.rsplit('/').next().unwrap_or(file))
                } else {
                    local.to_owned()
                };
                self.fetch_one(file, &dest).await?;
            }
        }
        let told = format!("{} successfully copied locally into {}", self.path, local.display());
        Ok(TaskResult::changed(true).with("result", told))
    }

    async fn fetch_one(&self, file: &str, dest: &Path) -> Result<(), ModuleError> {
        if let Some(parent) = dest.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|error| failed(format!("{}: {error}", parent.display())))?;
        }
        let wrong = |error: std::io::Error| failed(format!("{}: {error}", dest.display()));
        let mut out = tokio::fs::File::create(dest).await.map_err(wrong)?;
        let ended = self.run(&["cat", file], None, &mut out).await?;
        tokio::io::AsyncWriteExt::flush(&mut out).await.map_err(wrong)?;
        if ended.code == Some(0) && ended.stderr.is_empty() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&ended.stderr).into_owned();
        let why = if why.is_empty() { ended.message } else { why };
        Err(ModuleError::new(format!("Failed to copy file from Pod: {why}")))
    }

    /// The path itself, or the files below it.
    async fn files(&self) -> Result<Vec<String>, ModuleError> {
        if !self.test("-e").await? {
            return Err(ModuleError::new(format!("{} does not exist in remote pod filesystem", self.path)));
        }
        if !self.test("-d").await? {
            return Ok(vec![self.path.to_owned()]);
        }
        for command in [&["find", self.path, "-type", "f"][..], &["/bin/sh", "-c", LIST_FILES, self.path][..]]
        {
            let mut listed = Vec::new();
            let ended = self.run(command, None, &mut listed).await?;
            if ended.code == Some(0) {
                return Ok(String::from_utf8_lossy(&listed).lines().map(str::to_owned).collect());
            }
        }
        Err(failed(format!("the pod has neither find nor /bin/sh to list {}", self.path)))
    }
}

/// A path below a directory; `None` when it would lead out of it.
fn safe_join(dir: &Path, relative: &str) -> Option<PathBuf> {
    let is_plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    Path::new(relative).components().all(is_plain).then(|| dir.join(relative))
}

/// What is copied to a pod.
enum Source {
    Content(String),
    File(PathBuf),
}

impl Source {
    /// Writes the tar whose only root is `name`.
    fn pack(&self, name: &str, out: impl std::io::Write) -> std::io::Result<()> {
        let mut tar = tar::Builder::new(out);
        tar.follow_symlinks(false);
        match self {
            Self::Content(content) => {
                let mut head = tar::Header::new_gnu();
                head.set_size(content.len() as u64);
                head.set_mode(0o600);
                head.set_mtime(0);
                tar.append_data(&mut head, name, content.as_bytes())?;
            }
            Self::File(path) if path.is_dir() => tar.append_dir_all(name, path)?,
            Self::File(path) => tar.append_path_with_name(path, name)?,
        }
        tar.into_inner()?.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_pod_stay_in_their_directory() {
        assert_eq!(safe_join(Path::new("/a"), "b/c").unwrap(), Path::new("/a/b/c"));
        assert_eq!(safe_join(Path::new("/a"), "../c"), None);
    }

    #[test]
    fn content_becomes_a_tar() {
        let mut bytes = Vec::new();
        Source::Content("hello".into()).pack("tmp/x", &mut bytes).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!((entry.path().unwrap().as_ref(), entry.size()), (Path::new("tmp/x"), 5));
    }
}
