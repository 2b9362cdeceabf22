//! A chart as the `.tgz` archive that Helm would make of it.
//!
//! Follows `pkg/chart/v2/util/save.go` of Helm 4 and Go's `archive/tar`: equal charts give equal archives,
//! and unpacked they are Helm's own, byte for byte. (Packed they differ, as another compressor runs.)

use std::io::Write;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::GzBuilder;
use serde::Serialize;

use super::{Contents, Error};
use crate::yaml::go;

/// What Helm puts into the extra field of the gzip header.
const EXTRA: &[u8] = b"rr\x28\x00aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";
/// The operating system in the gzip header: unknown, as Go writes it.
const UNKNOWN_SYSTEM: u8 = 255;

/// The name of the chart's archive: `NAME-VERSION.tgz`.
#[must_use]
pub fn file_name(chart: &Contents) -> String {
    format!("{}-{}.tgz", chart.metadata.name, chart.metadata.version)
}

/// Packs a chart; `modified` is when all files shall have been modified, in place of their own times.
///
/// # Errors
/// A `values.schema.json` that is no JSON.
pub fn package(chart: &Contents, modified: Option<SystemTime>) -> Result<Vec<u8>, Error> {
    let mut tar = Tar { blocks: Vec::new(), modified, now: SystemTime::now() };
    tar.chart(chart, "")?;
    tar.end();
    let mut gzip = GzBuilder::new()
        .extra(EXTRA)
        .comment("Helm")
        .operating_system(UNKNOWN_SYSTEM)
        .write(Vec::new(), Compression::default());
    let packed = gzip.write_all(&tar.blocks).and_then(|()| gzip.finish());
    packed.map_err(|error| Error::Format(format!("cannot pack the chart: {error}")))
}

struct Tar {
    blocks: Vec<u8>,
    modified: Option<SystemTime>,
    now: SystemTime,
}

impl Tar {
    fn chart(&mut self, chart: &Contents, prefix: &str) -> Result<(), Error> {
        let base = format!("{prefix}{}/", chart.metadata.name);
        let mut metadata = chart.metadata.clone();
        if metadata.api_version == "v1" {
            // They stand in requirements.yaml, which is among the files.
            metadata.dependencies.clear();
        }
        self.yaml(&format!("{base}Chart.yaml"), &metadata, chart.modified)?;
        if let Some(lock) = chart.lock.as_ref().filter(|_| metadata.api_version == "v2") {
            let mut lock = lock.clone();
            if let Some(time) = self.modified {
                lock.set_generated(time);
            }
            let generated = lock.generated_at();
            self.yaml(&format!("{base}Chart.lock"), &lock, generated)?;
        }
        if let Some(schema) = &chart.schema {
            serde_json::from_slice::<serde::de::IgnoredAny>(&schema.data)
                .map_err(|_| Error::Format(format!("invalid JSON in {}", schema.name)))?;
        }
        let files = chart.values_file.iter().chain(&chart.schema).chain(&chart.templates).chain(&chart.files);
        for file in files {
            self.file(&format!("{base}{}", file.name), &file.data, file.modified);
        }
        chart.subcharts.iter().try_for_each(|subchart| self.chart(subchart, &format!("{base}charts/")))
    }

    fn yaml(
        &mut self,
        path: &str,
        value: &impl Serialize,
        modified: Option<SystemTime>,
    ) -> Result<(), Error> {
        let value = serde_json::to_value(value).map_err(|error| error.to_string());
        let text = value.and_then(|value| go::marshal(&value).map_err(|error| error.to_string()));
        let text = text.map_err(|error| Error::Format(format!("{path}: {error}")))?;
        self.file(path, text.as_bytes(), modified);
        Ok(())
    }

    fn file(&mut self, path: &str, data: &[u8], modified: Option<SystemTime>) {
        let modified = self.modified.or(modified).unwrap_or(self.now);
        let mut header =
            Header { size: data.len(), modified: rounded(modified), mode: 0o644, ..Header::default() };
        match Place::of(path) {
            Place::Short => header.name = path.into(),
            Place::Split(at) => (header.prefix, header.name) = (path[..at].into(), path[at + 1..].into()),
            Place::Record => {
                self.path_record(path);
                header.name = ascii(path);
            }
        }
        header.devices = true;
        self.entry(&header, data);
    }

    /// The extended header (PAX) of a file whose path does not fit into a header.
    fn path_record(&mut self, path: &str) {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let rest = format!(" path={path}\n");
        let mut length = rest.len() + 1;
        while length.to_string().len() + rest.len() != length {
            length = length.to_string().len() + rest.len();
        }
        let record = format!("{length}{rest}");
        let mut name = ascii(&format!("{directory}/PaxHeaders.0/{name}"));
        name.truncate(NAME_SIZE);
        let name = name.trim_end_matches('/').to_owned();
        self.entry(&Header { kind: b'x', name, size: record.len(), ..Header::default() }, record.as_bytes());
    }

    fn entry(&mut self, header: &Header, data: &[u8]) {
        self.blocks.extend(header.block());
        self.blocks.extend(data);
        self.blocks.resize(self.blocks.len().next_multiple_of(BLOCK_SIZE), 0);
    }

    fn end(&mut self) {
        self.blocks.resize(self.blocks.len() + 2 * BLOCK_SIZE, 0);
    }
}

/// Whole seconds since 1970, rounded to the nearest, as Go's writer does.
fn rounded(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since + Duration::from_millis(500)).as_secs()
}

/// The text without characters that a header cannot hold.
fn ascii(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii() && *c != '\0').collect()
}

/// How the path of a file is written.
enum Place {
    /// In the field for names.
    Short,
    /// At this slash, in the fields for the prefix and for the name.
    Split(usize),
    /// In a header of its own.
    Record,
}

impl Place {
    fn of(path: &str) -> Self {
        if !path.is_ascii() {
            return Self::Record;
        }
        if path.len() <= NAME_SIZE {
            return Self::Short;
        }
        let head = &path[..path.len().min(PREFIX_SIZE + 1)];
        match head.rfind('/') {
            Some(at) if at > 0 && path.len() - at - 1 <= NAME_SIZE => Self::Split(at),
            _ => Self::Record,
        }
    }
}

const BLOCK_SIZE: usize = 512;
const NAME_SIZE: usize = 100;
const PREFIX_SIZE: usize = 155;
const CHECKSUM_AT: usize = 148;

/// The fields of a header that are not the same in all.
struct Header {
    name: String,
    prefix: String,
    mode: u64,
    size: usize,
    modified: u64,
    kind: u8,
    /// Whether the numbers of a device are written, though it is none.
    devices: bool,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            name: String::new(),
            prefix: String::new(),
            mode: 0,
            size: 0,
            modified: 0,
            kind: b'0',
            devices: false,
        }
    }
}

impl Header {
    /// The header in the format `ustar`.
    fn block(&self) -> [u8; BLOCK_SIZE] {
        let mut block = [0; BLOCK_SIZE];
        let mut put = |at: usize, size: usize, bytes: &[u8]| {
            let length = bytes.len().min(size);
            block[at..at + length].copy_from_slice(&bytes[..length]);
        };
        let octal = |digits: usize, number: u64| format!("{number:0digits$o}\0").into_bytes();
        put(0, NAME_SIZE, self.name.as_bytes());
        put(100, 8, &octal(7, self.mode));
        put(108, 8, &octal(7, 0));
        put(116, 8, &octal(7, 0));
        put(124, 12, &octal(11, self.size as u64));
        put(136, 12, &octal(11, self.modified));
        put(CHECKSUM_AT, 8, b"        ");
        put(156, 1, &[self.kind]);
        put(257, 8, b"ustar\x0000");
        if self.devices {
            put(329, 8, &octal(7, 0));
            put(337, 8, &octal(7, 0));
        }
        put(345, PREFIX_SIZE, self.prefix.as_bytes());
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        let sum = format!("{sum:06o}\0");
        block[CHECKSUM_AT..CHECKSUM_AT + 7].copy_from_slice(sum.as_bytes());
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{File, unpack};

    fn chart(files: &[(&str, &str)]) -> Contents {
        let modified = Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_600_000_000_500));
        Contents::of(files.iter().map(|(name, data)| File::new(*name, data.as_bytes(), modified)).collect())
            .unwrap()
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let deep = format!("files/{}/{}", "d".repeat(90), "f".repeat(60));
        let deeper = format!("files/{}", "e".repeat(120));
        let packed = package(
            &chart(&[
                ("Chart.yaml", "# a chart\nversion: 1.0.0\nname: a\napiVersion: v2\n"),
                ("values.yaml", "b: 1 # one\n"),
                ("templates/c.yaml", "c"),
                (&deep, "d"),
                (&deeper, "e"),
                ("files/ä", "f"),
                ("charts/sub/Chart.yaml", "{name: sub, version: 2.0.0, apiVersion: v2}"),
            ]),
            None,
        )
        .unwrap();
        assert_eq!(&packed[..10], b"\x1f\x8b\x08\x14\0\0\0\0\0\xff");
        let files = unpack(&packed).unwrap();
        let texts: Vec<(&str, &str)> =
            files.iter().map(|file| (file.name.as_str(), std::str::from_utf8(&file.data).unwrap())).collect();
        assert_eq!(
            texts,
            [
                ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
                ("values.yaml", "b: 1 # one\n"),
                ("templates/c.yaml", "c"),
                (&*deep, "d"),
                (&*deeper, "e"),
                ("files/ä", "f"),
                ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 2.0.0\n"),
            ]
        );
        let second = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_001));
        assert!(files.iter().all(|file| file.modified == second));
    }

    #[test]
    fn equal_charts_give_equal_archives() {
        let files = [("Chart.yaml", "{name: a, version: 1.0.0}"), ("values.schema.json", "{}")];
        let at = Some(SystemTime::UNIX_EPOCH);
        assert_eq!(package(&chart(&files), at).unwrap(), package(&chart(&files), at).unwrap());
        let broken = [("Chart.yaml", "{name: a, version: 1.0.0}"), ("values.schema.json", "{")];
        assert_eq!(
            package(&chart(&broken), at).unwrap_err().to_string(),
            "invalid JSON in values.schema.json"
        );
    }
}
