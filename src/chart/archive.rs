//! A chart packed into a `.tgz`.
//!
//! Follows `pkg/chart/loader/archive/archive.go` of Helm 4: the first path component is the chart's
//! directory and is dropped; a path that leaves it is refused.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Error, File};

/// The most bytes that an archive, or a directory, may hold unpacked.
pub const MAX_SIZE: u64 = 100 * 1024 * 1024;

/// Unpacks the chart in a file.
///
/// # Errors
/// As [`unpack`], with a hint when the file is something else than an archive.
pub(super) fn unpack_file(path: &Path) -> Result<Vec<File>, Error> {
    let data = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
    if data.starts_with(b"\x1F\x8B\x08") {
        return unpack(&data);
    }
    let name = path.display();
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    Err(Error::Format(if is_yaml {
        format!("file '{name}' seems to be a YAML file, but expected a gzipped archive")
    } else {
        format!("file '{name}' does not appear to be a gzipped archive")
    }))
}

/// Unpacks the files of a chart.
///
/// # Errors
/// When the data is no gzipped tar archive, is too large, or names a file outside the chart.
pub fn unpack(data: &[u8]) -> Result<Vec<File>, Error> {
    let broken = |error: std::io::Error| Error::Format(format!("cannot unpack the chart archive: {error}"));
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(data));
    let mut remaining = MAX_SIZE;
    let mut files = Vec::new();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let header = entry.header();
        if header.entry_type().is_dir() || header.entry_type().is_pax_global_extensions() {
            continue;
        }
        let modified =
            header.mtime().ok().map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if path.ends_with('/') {
            continue;
        }
        let name = inner_path(&path)?;
        if entry.size() > remaining {
            return Err(too_large());
        }
        let mut content = Vec::new();
        remaining -= (&mut entry).take(remaining).read_to_end(&mut content).map_err(broken)? as u64;
        if remaining == 0 {
            return Err(too_large());
        }
        files.push(File::new(name, &content, modified));
    }
    if files.is_empty() {
        return Err(Error::Format("no files in chart archive".into()));
    }
    Ok(files)
}

pub(super) fn too_large() -> Error {
    Error::Format(format!("decompressed chart is larger than the maximum size {MAX_SIZE}"))
}

/// The path inside the chart of an archive member.
fn inner_path(path: &str) -> Result<String, Error> {
    let refuse = |why: &str| Err(Error::Format(why.to_owned()));
    // Archives made on Windows may separate with backslashes.
    let separator = if path.contains('\\') { '\\' } else { '/' };
    let (top, rest) = path.split_once(separator).unwrap_or((path, ""));
    let rest = rest.replace(separator, "/");
    if rest.starts_with('/') {
        return refuse("chart illegally contains absolute paths");
    }
    let Some(name) = clean(&rest) else {
        return refuse("chart illegally references parent directory");
    };
    if name.is_empty() {
        return refuse(&format!("chart illegally contains content outside the base directory: {path:?}"));
    }
    let mut start = name.bytes();
    if start.next().is_some_and(|b| b.is_ascii_alphabetic())
        && start.next() == Some(b':')
        && start.next() == Some(b'/')
    {
        return refuse("chart contains illegally named files");
    }
    if top == "Chart.yaml" {
        return refuse("chart yaml not in base directory");
    }
    Ok(name)
}

/// The path without `.` and `..` components; `None` when it leads outside.
fn clean(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    // Helm looks at the first two characters only.
    if parts.first().is_some_and(|first| first.starts_with("..")) { None } else { Some(parts.join("/")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = Vec::new();
        for (path, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            tar.extend_from_slice(header.as_bytes());
            tar.extend_from_slice(content.as_bytes());
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.resize(tar.len() + 1024, 0);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &tar).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn files_lose_the_directory_and_the_byte_order_mark() {
        let files =
            unpack(&packed(&[("a/Chart.yaml", "\u{feff}name: a"), ("a/./templates/b.yaml", "x")])).unwrap();
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["Chart.yaml", "templates/b.yaml"]);
        assert_eq!(&*files[0].data, b"name: a");
    }

    #[test]
    fn paths_outside_the_chart_are_refused() {
        for path in
            ["a/../../etc/passwd", "a//etc/passwd", "Chart.yaml", "a/..x", "a/c:/x", "a\\..\\..\\x", "a/."]
        {
            assert!(unpack(&packed(&[(path, "x")])).is_err(), "{path}");
        }
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        assert!(unpack(b"name: a").is_err());
        assert!(unpack(&packed(&[])).is_err());
    }
}
