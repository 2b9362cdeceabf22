//! An image of the program and a project, made without a container daemon.
//!
//! The archive is an OCI image layout that holds a `manifest.json` as well, so that `docker load`,
//! `podman load`, `ctr images import` and `skopeo` all read it. The same input always gives the same
//! bytes: entries are sorted, times are zero, nothing depends on the machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// What a project's image holds of it, besides what the caller adds.
const CONTENT: &[&str] = &[
    "watches.yaml",
    "charts",
    "helm-charts",
    "roles",
    "playbooks",
    "collections",
    "library",
    "filter_plugins",
    "inventory",
    "ansible.cfg",
];
/// Where the project is in the image.
const HOME: &str = "opt/daytwo";
/// Where it was in the images of helm-operator and ansible-operator: paths in projects say so.
const FORMER_HOMES: &[&str] = &["opt/ansible", "opt/helm"];
/// The program, and the names that make it what they say.
const PROGRAM: &str = "usr/local/bin/daytwo";
const OTHER_NAMES: &[&str] =
    &["usr/local/bin/ansible-operator", "usr/local/bin/ansible-playbook", "usr/local/bin/helm-operator"];
/// The base images of operator-sdk's projects, and the name under which the program has the defaults of their operator.
const BASE_IMAGES: &[(&str, &str)] = &[
    ("/ansible-operator:", "usr/local/bin/ansible-operator"),
    ("/helm-operator:", "usr/local/bin/helm-operator"),
];
/// A user without rights.
const USER: &str = "65532:65532";

/// Why there is no image.
#[derive(Debug, Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The project is none.
    #[error("{}: no watches.yaml there: is it an operator project?", .0.display())]
    NoProject(PathBuf),
    /// The program would not run in an empty image.
    #[error("{}: {reason}; give a static binary with --binary", path.display())]
    Binary {
        /// The program.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    |source| Error::Io { path, source }
}

/// What goes into an image.
#[derive(Clone, Debug)]
pub struct Ingredients {
    /// The program: a static binary.
    pub binary: PathBuf,
    /// The directory with `watches.yaml`.
    pub project: PathBuf,
    /// Further files and directories of the project, relative to it.
    pub include: Vec<PathBuf>,
    /// The image's name and tag.
    pub name: String,
}

/// A file of the image.
enum Entry {
    Directory { mode: u32 },
    File { mode: u32, data: Vec<u8> },
    Link { to: String },
}

/// An image.
pub struct Image {
    name: String,
    /// By digest, in hexadecimal.
    blobs: BTreeMap<String, Vec<u8>>,
    /// The text.
    manifest: String,
    config: String,
    layer: String,
}

impl Image {
    /// Makes an image.
    ///
    /// # Errors
    /// A project without `watches.yaml`, a program that is not static, files that cannot be read.
    pub fn build(ingredients: &Ingredients) -> Result<Self, Error> {
        let architecture = architecture(&ingredients.binary)?;
        let layer = tar_of(&files(ingredients)?).map_err(io_error(&ingredients.project))?;
        let diff_id = digest(&layer);
        let layer = gzip(&layer).map_err(io_error(&ingredients.project))?;
        let mut image = Self {
            name: ingredients.name.clone(),
            blobs: BTreeMap::new(),
            manifest: String::new(),
            config: String::new(),
            layer: String::new(),
        };
        let layer_size = layer.len();
        image.layer = image.add(layer);
        let config = config_of(architecture, &diff_id, program_of(&ingredients.project));
        let config = config.to_string().into_bytes();
        let config_size = config.len();
        image.config = image.add(config);
        image.manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": format!("sha256:{}", image.config),
                "size": config_size,
            },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": format!("sha256:{}", image.layer),
                "size": layer_size,
            }],
        })
        .to_string();
        Ok(image)
    }

    fn add(&mut self, data: Vec<u8>) -> String {
        let name = digest(&data);
        self.blobs.insert(name.clone(), data);
        name
    }

    /// The digest by which a registry knows the image.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("sha256:{}", digest(self.manifest.as_bytes()))
    }

    /// What a registry takes before the manifest: the configuration and the layer.
    pub fn blobs(&self) -> impl Iterator<Item = &[u8]> {
        self.blobs.values().map(Vec::as_slice)
    }

    /// The manifest, which names the blobs.
    #[must_use]
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    fn layout(&self) -> Vec<(String, Vec<u8>)> {
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": self.digest(),
                "size": self.manifest.len(),
                "annotations": {
                    "io.containerd.image.name": self.name,
                    "org.opencontainers.image.ref.name": self.name,
                },
            }],
        });
        let docker = json!([{
            "Config": format!("blobs/sha256/{}", self.config),
            "RepoTags": [self.name],
            "Layers": [format!("blobs/sha256/{}", self.layer)],
        }]);
        let mut files = vec![
            ("index.json".to_owned(), index.to_string().into_bytes()),
            ("manifest.json".to_owned(), docker.to_string().into_bytes()),
            ("oci-layout".to_owned(), json!({"imageLayoutVersion": "1.0.0"}).to_string().into_bytes()),
        ];
        let manifest = (digest(self.manifest.as_bytes()), self.manifest.clone().into_bytes());
        let blobs = self.blobs.clone().into_iter().chain([manifest]);
        files.extend(blobs.map(|(name, data)| (format!("blobs/sha256/{name}"), data)));
        files
    }

    /// Writes the image as one tar archive.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_archive(&self, path: &Path) -> Result<(), Error> {
        let mut entries = BTreeMap::new();
        for directory in ["blobs", "blobs/sha256"] {
            entries.insert(directory.to_owned(), Entry::Directory { mode: 0o755 });
        }
        for (name, data) in self.layout() {
            entries.insert(name, Entry::File { mode: 0o644, data });
        }
        let archive = tar_of(&entries).map_err(io_error(path))?;
        fs::write(path, archive).map_err(io_error(path))
    }

    /// Writes the image as an OCI image layout in a directory.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_layout(&self, directory: &Path) -> Result<(), Error> {
        let blobs = directory.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(io_error(&blobs))?;
        for (name, data) in self.layout() {
            let path = directory.join(name);
            fs::write(&path, data).map_err(io_error(&path))?;
        }
        Ok(())
    }
}

/// The name under which a project's program starts: that of the operator for which its `Dockerfile` was written.
fn program_of(project: &Path) -> &'static str {
    let text = fs::read_to_string(project.join("Dockerfile")).unwrap_or_default();
    let bases: Vec<&str> = text.lines().filter(|line| line.starts_with("FROM ")).collect();
    let is_base = |image: &str| bases.iter().any(|base| base.contains(image));
    BASE_IMAGES.iter().find(|(image, _)| is_base(image)).map_or(PROGRAM, |(_, program)| program)
}

fn config_of(architecture: &str, diff_id: &str, program: &str) -> Value {
    json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": USER,
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", format!("HOME=/{HOME}")],
            "Entrypoint": [format!("/{program}"), "run", "--watches-file=./watches.yaml"],
            "WorkingDir": format!("/{HOME}"),
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{diff_id}")]},
    })
}

fn digest(data: &[u8]) -> String {
    hex::encode(Sha256::digest(data))
}

fn gzip(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data)?;
    encoder.finish()
}

/// The root file system, by path.
fn files(ingredients: &Ingredients) -> Result<BTreeMap<String, Entry>, Error> {
    if !ingredients.project.join("watches.yaml").is_file() {
        return Err(Error::NoProject(ingredients.project.clone()));
    }
    let mut files = BTreeMap::new();
    for directory in ["etc", "opt", HOME, "usr", "usr/local", "usr/local/bin"] {
        files.insert(directory.to_owned(), Entry::Directory { mode: 0o755 });
    }
    files.insert("tmp".to_owned(), Entry::Directory { mode: 0o1777 });
    for (path, text) in [
        ("etc/passwd", format!("daytwo:x:65532:65532::/{HOME}:/sbin/nologin\n")),
        ("etc/group", "daytwo:x:65532:\n".to_owned()),
    ] {
        files.insert(path.to_owned(), Entry::File { mode: 0o644, data: text.into_bytes() });
    }
    let binary = fs::read(&ingredients.binary).map_err(io_error(&ingredients.binary))?;
    files.insert(PROGRAM.to_owned(), Entry::File { mode: 0o755, data: binary });
    for name in OTHER_NAMES {
        files.insert((*name).to_owned(), Entry::Link { to: "daytwo".to_owned() });
    }
    for former in FORMER_HOMES {
        files.insert((*former).to_owned(), Entry::Link { to: format!("/{HOME}") });
    }
    for name in CONTENT.iter().map(Path::new) {
        let path = ingredients.project.join(name);
        if path.exists() {
            collect(&path, &format!("{HOME}/{}", name.display()), &mut files)?;
        }
    }
    for name in &ingredients.include {
        collect(&ingredients.project.join(name), &format!("{HOME}/{}", name.display()), &mut files)?;
    }
    Ok(files)
}

/// A file, or a directory with all that is in it; symbolic links are followed.
fn collect(path: &Path, name: &str, files: &mut BTreeMap<String, Entry>) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path).map_err(io_error(path))?;
    if !metadata.is_dir() {
        let mode = if metadata.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
        let data = fs::read(path).map_err(io_error(path))?;
        files.insert(name.to_owned(), Entry::File { mode, data });
        return Ok(());
    }
    files.insert(name.to_owned(), Entry::Directory { mode: 0o755 });
    for entry in fs::read_dir(path).map_err(io_error(path))? {
        let entry = entry.map_err(io_error(path))?;
        let child = entry.file_name().to_string_lossy().into_owned();
        if child != ".git" {
            collect(&entry.path(), &format!("{name}/{child}"), files)?;
        }
    }
    Ok(())
}

fn tar_of(entries: &BTreeMap<String, Entry>) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, entry) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(0);
        match entry {
            Entry::Directory { mode } => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_mode(*mode);
                builder.append_data(&mut header, format!("{name}/"), io::empty())?;
            }
            Entry::File { mode, data } => {
                header.set_entry_type(tar::EntryType::Regular);
                header.set_mode(*mode);
                header.set_size(data.len() as u64);
                builder.append_data(&mut header, name, data.as_slice())?;
            }
            Entry::Link { to } => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                builder.append_link(&mut header, name, to)?;
            }
        }
    }
    builder.into_inner()
}

/// The architecture of a program as images name it.
fn architecture(path: &Path) -> Result<&'static str, Error> {
    let wrong = |reason| Error::Binary { path: path.to_owned(), reason };
    let data = fs::read(path).map_err(io_error(path))?;
    let elf = Elf(&data);
    if !data.starts_with(b"\x7fELF\x02\x01") {
        return Err(wrong("no 64-bit Linux program"));
    }
    if elf.has_interpreter() {
        return Err(wrong("the program is not static: it needs a dynamic linker that the image lacks"));
    }
    match elf.number(18, 2) {
        Some(62) => Ok("amd64"),
        Some(183) => Ok("arm64"),
        _ => Err(wrong("an architecture that images of this kind are not made for")),
    }
}

/// What is needed of an ELF file (little-endian, 64 bits).
struct Elf<'d>(&'d [u8]);

impl Elf<'_> {
    fn number(&self, at: usize, bytes: usize) -> Option<usize> {
        let bytes = self.0.get(at..at.checked_add(bytes)?)?;
        Some(bytes.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    }

    /// Whether there is a `PT_INTERP` segment.
    fn has_interpreter(&self) -> bool {
        let (Some(start), Some(size), Some(count)) =
            (self.number(32, 8), self.number(54, 2), self.number(56, 2))
        else {
            return false;
        };
        (0..count).filter_map(|index| self.number(start.checked_add(index * size)?, 4)).any(|kind| kind == 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest thing that passes for a static program.
    fn program() -> Vec<u8> {
        let mut elf = vec![0_u8; 64];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[18] = 62;
        elf
    }

    fn ingredients(root: &Path, binary: &[u8]) -> Ingredients {
        fs::create_dir_all(root.join("charts/a/templates")).unwrap();
        fs::write(root.join("watches.yaml"), "[]").unwrap();
        fs::write(root.join("charts/a/Chart.yaml"), "name: a").unwrap();
        fs::write(root.join("secret.txt"), "not in it").unwrap();
        fs::write(root.join("program"), binary).unwrap();
        Ingredients {
            binary: root.join("program"),
            project: root.to_owned(),
            include: Vec::new(),
            name: "demo:1".into(),
        }
    }

    #[test]
    fn an_image_holds_the_project_and_is_the_same_each_time() {
        let root = tempfile::tempdir().unwrap();
        let ingredients = ingredients(root.path(), &program());
        let (one, two) = (Image::build(&ingredients).unwrap(), Image::build(&ingredients).unwrap());
        assert_eq!(one.digest(), two.digest());
        let layer = flate2::read::GzDecoder::new(one.blobs[&one.layer].as_slice());
        let mut archive = tar::Archive::new(layer);
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert!(names.contains(&"opt/daytwo/charts/a/Chart.yaml".to_owned()));
        assert!(names.contains(&PROGRAM.to_owned()));
        assert!(!names.iter().any(|name| name.contains("secret")));
        let out = root.path().join("image.tar");
        one.write_archive(&out).unwrap();
        one.write_layout(&root.path().join("layout")).unwrap();
        assert!(root.path().join("layout/oci-layout").is_file() && out.is_file());
    }

    #[test]
    fn a_project_of_operator_sdk_starts_the_program_as_its_operator() {
        let root = tempfile::tempdir().unwrap();
        let ingredients = ingredients(root.path(), &program());
        for (base, expected) in [
            ("scratch", "/usr/local/bin/daytwo"),
            ("quay.io/operator-framework/helm-operator:v1.37", "/usr/local/bin/helm-operator"),
            ("quay.io/operator-framework/ansible-operator:v1.37", "/usr/local/bin/ansible-operator"),
        ] {
            fs::write(root.path().join("Dockerfile"), format!("FROM {base}\nCOPY . .\n")).unwrap();
            let image = Image::build(&ingredients).unwrap();
            let config: Value = serde_json::from_slice(&image.blobs[&image.config]).unwrap();
            assert_eq!(config["config"]["Entrypoint"][0], expected);
        }
    }

    #[test]
    fn a_program_that_needs_a_linker_and_a_folder_without_watches_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let mut dynamic = program();
        dynamic[32] = 64;
        dynamic[54] = 56;
        dynamic[56] = 1;
        dynamic.extend([3, 0, 0, 0]);
        let given = ingredients(root.path(), &dynamic);
        assert!(matches!(Image::build(&given), Err(Error::Binary { .. })));
        let empty = tempfile::tempdir().unwrap();
        fs::write(root.path().join("program"), program()).unwrap();
        let none = Ingredients { project: empty.path().to_owned(), ..given };
        assert!(matches!(Image::build(&none), Err(Error::NoProject(_))));
    }
}
