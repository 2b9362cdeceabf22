//! Archives as a sequence of members: tar, packed or not, and zip.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::modules::ModuleError;

/// What an archive is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Zip,
    Tar,
    TarGzip,
    TarBzip2,
    TarXz,
    TarZstd,
}

/// The first bytes of packed files.
const SIGNATURES: &[(&[u8], Format)] = &[
    (b"PK\x03\x04", Format::Zip),
    (b"PK\x05\x06", Format::Zip),
    (b"\x1f\x8b", Format::TarGzip),
    (b"BZh", Format::TarBzip2),
    (b"\xfd7zXZ\x00", Format::TarXz),
    (b"\x28\xb5\x2f\xfd", Format::TarZstd),
];

impl Format {
    /// Ansible's name of what handles the format.
    pub(super) fn handler(self) -> &'static str {
        match self {
            Format::Zip => "ZipArchive",
            Format::Tar => "TarArchive",
            Format::TarGzip => "TgzArchive",
            Format::TarBzip2 => "TarBzipArchive",
            Format::TarXz => "TarXzArchive",
            Format::TarZstd => "TarZstdArchive",
        }
    }
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink(PathBuf),
    Hardlink(String),
}

/// One member of an archive.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// Its path; directories end with a slash.
    pub(super) path: String,
    /// What it is.
    pub(super) kind: Kind,
    /// Its permission bits, where the archive tells them.
    pub(super) mode: Option<u32>,
    /// When it was changed.
    pub(super) modified: SystemTime,
    /// How large it is.
    pub(super) size: u64,
    /// Its owner: name and number.
    pub(super) owner: Option<(String, u32)>,
    /// Its group: name and number.
    pub(super) group: Option<(String, u32)>,
}

/// An archive in a file.
pub(super) struct Archive {
    path: PathBuf,
    /// What it is.
    pub(super) format: Format,
}

impl Archive {
    /// The archive in a file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn open(path: &Path) -> io::Result<Archive> {
        let mut start = Vec::new();
        File::open(path)?.take(8).read_to_end(&mut start)?;
        let found = SIGNATURES.iter().find(|(signature, _)| start.starts_with(signature));
        Ok(Archive { path: path.to_owned(), format: found.map_or(Format::Tar, |(_, format)| *format) })
    }

    /// Visits each member with its content, in the order of the archive.
    ///
    /// # Errors
    /// The archive is broken, or the visitor fails.
    pub(super) fn visit(
        &self,
        mut visit: impl FnMut(Member, &mut dyn Read) -> Result<(), ModuleError>,
    ) -> Result<(), ModuleError> {
        let mut file = File::open(&self.path).map_err(broken)?;
        if self.format == Format::Zip {
            return visit_zip(file, visit);
        }
        file.seek(SeekFrom::Start(0)).map_err(broken)?;
        let file = BufReader::new(file);
        let reader: Box<dyn Read> = match self.format {
            Format::TarGzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            Format::TarBzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
            Format::TarXz => Box::new(lzma_rust2::XzReader::new(file, true)),
            Format::TarZstd => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(file);
                Box::new(decoder.map_err(|error| ModuleError::new(error.to_string()))?)
            }
            Format::Zip | Format::Tar => Box::new(file),
        };
        visit_tar(reader, &mut visit)
    }
}

fn broken(error: io::Error) -> ModuleError {
    ModuleError::new(format!("Unable to list files in the archive: {error}"))
}

fn visit_tar(
    reader: Box<dyn Read>,
    visit: &mut impl FnMut(Member, &mut dyn Read) -> Result<(), ModuleError>,
) -> Result<(), ModuleError> {
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let header = entry.header();
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let link = entry.link_name_bytes().map(|link| String::from_utf8_lossy(&link).into_owned());
        let kind = match header.entry_type() {
            tar::EntryType::Directory => Kind::Directory,
            tar::EntryType::Symlink => Kind::Symlink(PathBuf::from(link.unwrap_or_default())),
            tar::EntryType::Link => Kind::Hardlink(link.unwrap_or_default()),
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => Kind::File,
            _ => continue,
        };
        let name = |name: Result<Option<&str>, _>| name.ok().flatten().unwrap_or_default().to_owned();
        let id = |id: io::Result<u64>| id.ok().and_then(|id| u32::try_from(id).ok());
        let member = Member {
            path: if kind == Kind::Directory && !path.ends_with('/') { path + "/" } else { path },
            kind,
            mode: header.mode().ok().map(|mode| mode & 0o7777),
            modified: UNIX_EPOCH + Duration::from_secs(header.mtime().unwrap_or(0)),
            size: entry.size(),
            owner: id(header.uid()).map(|uid| (name(header.username()), uid)),
            group: id(header.gid()).map(|gid| (name(header.groupname()), gid)),
        };
        visit(member, &mut entry)?;
    }
    Ok(())
}

fn visit_zip(
    file: File,
    mut visit: impl FnMut(Member, &mut dyn Read) -> Result<(), ModuleError>,
) -> Result<(), ModuleError> {
    let failed = |error: zip::result::ZipError| {
        ModuleError::new(format!("Unable to list files in the archive: {error}"))
    };
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(failed)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(failed)?;
        let path = entry.name().map_err(failed)?.into_owned();
        let mode = entry.unix_mode();
        let kind = if entry.is_dir() {
            Kind::Directory
        } else if entry.is_symlink() {
            let mut target = String::new();
            entry.read_to_string(&mut target).map_err(broken)?;
            Kind::Symlink(PathBuf::from(target))
        } else {
            Kind::File
        };
        let member = Member {
            path,
            kind,
            mode: mode.map(|mode| mode & 0o7777),
            modified: entry.last_modified().and_then(local).unwrap_or(UNIX_EPOCH),
            size: entry.size(),
            owner: None,
            group: None,
        };
        visit(member, &mut entry)?;
    }
    Ok(())
}

/// A moment of a zip archive, which is in local time.
fn local(time: zip::DateTime) -> Option<SystemTime> {
    let small = |number: u8| i8::try_from(number).unwrap_or(0);
    let civil = jiff::civil::DateTime::new(
        i16::try_from(time.year()).ok()?,
        small(time.month()),
        small(time.day()),
        small(time.hour()),
        small(time.minute()),
        small(time.second().min(59)),
        0,
    );
    let zoned = civil.ok()?.to_zoned(jiff::tz::TimeZone::system()).ok()?;
    Some(SystemTime::from(zoned.timestamp()))
}
