//! From a reference to a chart on this machine.
//!
//! Follows `LocateChart` of `pkg/action/install.go` and `pkg/downloader/chart_downloader.go` of Helm 4; beyond
//! them, what an index or a manifest says about the content is always verified.

use std::path::{Path, PathBuf};

use url::Url;

use super::cache::{Cache, Digest};
use super::oci::{self, Reference, Registry};
use super::transport::Transport;
use super::{
    Access, ChartVersion, Entries, Entry, Error, Index, Options, Report, Settings, Verification,
    fetch_dependencies, index, provenance, update, urls,
};
use crate::chart::{self, Chart};

/// Loads the chart that a reference names: a directory, an archive, the URL of an archive, `repo/chart` of an
/// added repository, the name of a chart in [`Options::repository`], or `oci://registry/path/chart[:tag]`.
///
/// # Errors
/// When it cannot be found, reached, verified or loaded.
pub async fn load(reference: &str, options: &Options) -> Result<Chart, Error> {
    Ok(Chart::load(&locate(reference, options).await?)?)
}

/// Loads a chart that can be installed, as [`load`]; dependencies that it misses are fetched when there is a report
/// that is told of it.
///
/// # Errors
/// As [`load`], and a chart that is a library or misses dependencies.
pub async fn load_installable(
    reference: &str,
    options: &Options,
    fetch_missing: Option<Report<'_>>,
) -> Result<Chart, Error> {
    installable(&locate(reference, options).await?, options, fetch_missing).await
}

/// The same for a chart on disk.
///
/// # Errors
/// As [`load_installable`].
pub async fn installable(
    path: &Path,
    options: &Options,
    fetch_missing: Option<Report<'_>>,
) -> Result<Chart, Error> {
    let load = || Chart::load(path).and_then(|chart| chart.check_installable().map(|()| chart));
    match (load(), fetch_missing) {
        (Err(chart::Error::MissingDependencies(_)), Some(report)) => {
            fetch_dependencies(path, options, report).await?;
            Ok(load()?)
        }
        (Err(error @ chart::Error::MissingDependencies(_)), None) => Err(Error::Context {
            context: "an error occurred while checking for chart dependencies. You may need to run \
                      'helm dependency build' to fetch missing dependencies"
                .into(),
            source: Box::new(error.into()),
        }),
        (loaded, _) => Ok(loaded?),
    }
}

/// Whether a reference names something that is on no disk, whatever there is on this one: it is a URL.
#[must_use]
pub fn is_remote(reference: &str) -> bool {
    ["oci://", "http://", "https://"].iter().any(|scheme| reference.starts_with(scheme))
}

/// The path of the chart that a reference names, as [`load`]; what is not on this machine is fetched into the
/// cache.
///
/// # Errors
/// When it cannot be found, reached or verified.
pub async fn locate(reference: &str, options: &Options) -> Result<PathBuf, Error> {
    let reference = reference.trim();
    if options.repository.is_none() {
        let path = Path::new(reference);
        if path.exists() {
            if let Some(keyring) = &options.keyring {
                provenance::verify(path, keyring)?;
            }
            return Ok(path.to_owned());
        }
        if path.is_absolute() || reference.starts_with('.') {
            return Err(Error::NotFound(format!("path {reference:?} not found")));
        }
    }
    let trust = options.keyring.clone().map_or(Trust::Blind, Trust::Verify);
    let fetched = fetch(reference, options, &trust).await?;
    Cache(&options.settings.content_cache).put(fetched.digest, &fetched.data)
}

/// What to do about the provenance of a fetched chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing.
    Blind,
    /// Fetch it, verify nothing; it may be missing.
    Later,
    /// Verify it by the keyring; it may be missing.
    IfPossible(PathBuf),
    /// Verify it by the keyring.
    Verify(PathBuf),
}

/// A fetched chart.
pub(super) struct Fetched {
    /// The name of the archive.
    pub(super) name: String,
    /// The archive.
    pub(super) data: Vec<u8>,
    /// Its digest.
    pub(super) digest: Digest,
    /// The content of the provenance file, if it was asked for and is there.
    pub(super) provenance: Option<Vec<u8>>,
    /// Who signed it, if that was verified.
    pub(super) verification: Option<Verification>,
    /// What a person should know.
    pub(super) messages: Vec<String>,
}

/// Fetches a chart that is not on this machine, or takes it from the cache.
pub(super) async fn fetch(reference: &str, options: &Options, trust: &Trust) -> Result<Fetched, Error> {
    resolve(reference, options).await?.fetch(&options.settings, trust).await
}

/// Fetches one version of a chart that an added repository lists.
pub(super) async fn fetch_listed(
    found: &ChartVersion,
    entry: &Entry,
    options: &Options,
    trust: &Trust,
) -> Result<Fetched, Error> {
    let described = index::describe(&found.metadata.name, &found.metadata.version);
    let source = listed(found, &entry.url, merged(&options.access, entry), options, &described).await?;
    source.fetch(&options.settings, trust).await
}

/// Where a chart is.
enum Source {
    Http(Place),
    Oci(Reference, Registry),
}

impl Source {
    async fn fetch(&self, settings: &Settings, trust: &Trust) -> Result<Fetched, Error> {
        let wants_provenance = trust != &Trust::Blind;
        let mut fetched = match self {
            Self::Http(place) => place.fetch(settings, wants_provenance).await,
            Self::Oci(reference, registry) => {
                from_registry(reference, registry, settings, wants_provenance).await
            }
        }?;
        let keyring = match trust {
            Trust::Blind => return Ok(fetched),
            Trust::Later | Trust::IfPossible(_) if fetched.provenance.is_none() => {
                let of = self.shown();
                fetched.messages.push(format!("WARNING: Verification not found for {of}"));
                return Ok(fetched);
            }
            Trust::Later => return Ok(fetched),
            Trust::IfPossible(keyring) | Trust::Verify(keyring) => keyring,
        };
        let Some(signed) = &fetched.provenance else {
            return Err(Error::Provenance(format!("failed to fetch provenance {:?}", self.provenance())));
        };
        fetched.verification = Some(provenance::check(&fetched.data, signed, &fetched.name, keyring)?);
        Ok(fetched)
    }

    fn shown(&self) -> String {
        match self {
            Self::Http(place) => urls::shown(&place.url),
            Self::Oci(reference, _) => format!("oci://{reference}"),
        }
    }

    fn provenance(&self) -> String {
        match self {
            Self::Http(place) => urls::shown(&place.provenance()),
            Self::Oci(reference, _) => format!("oci://{reference}.prov"),
        }
    }
}

/// An archive on a web server.
struct Place {
    url: Url,
    /// The server for which the credentials were given.
    origin: Url,
    access: Access,
    digest: Option<Digest>,
}

impl Place {
    fn provenance(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}.prov", self.url.path()));
        url
    }

    async fn fetch(&self, settings: &Settings, wants_provenance: bool) -> Result<Fetched, Error> {
        let cache = Cache(&settings.content_cache);
        let transport = Transport::new(&self.access)?;
        let data = match self.digest.and_then(|digest| cache.get(digest)) {
            Some(data) => data,
            None => transport.get(&self.url, &self.access, &self.origin).await?,
        };
        let digest = Digest::of(&data);
        if let Some(expected) = self.digest {
            expected.check(&data, &urls::shown(&self.url))?;
        }
        let provenance = match wants_provenance {
            true => transport.get(&self.provenance(), &self.access, &self.origin).await.ok(),
            false => None,
        };
        let name = urls::base_name(&self.url);
        Ok(Fetched { name, data, digest, provenance, verification: None, messages: Vec::new() })
    }
}

async fn from_registry(
    reference: &Reference,
    registry: &Registry,
    settings: &Settings,
    wants_provenance: bool,
) -> Result<Fetched, Error> {
    let cache = Cache(&settings.content_cache);
    let pulled = registry.pull(reference, wants_provenance, |digest| cache.get(digest)).await?;
    Ok(Fetched {
        name: reference.archive_name(),
        digest: Digest::of(&pulled.chart),
        data: pulled.chart,
        provenance: pulled.provenance,
        verification: None,
        messages: pulled.messages,
    })
}

/// Finds out where the chart is.
async fn resolve(reference: &str, options: &Options) -> Result<Source, Error> {
    if let Some(repository) = &options.repository {
        return in_repository(repository, reference, options).await;
    }
    if oci::is_oci(reference) {
        return in_registry(reference, options).await;
    }
    match Url::parse(reference) {
        Ok(url) if url.has_host() && url.path().len() > 1 => direct(url, options),
        Ok(url) if !url.cannot_be_a_base() => {
            Err(Error::Refused(format!("invalid chart URL format: {reference}")))
        }
        _ => in_added_repository(reference, options).await,
    }
}

async fn in_registry(reference: &str, options: &Options) -> Result<Source, Error> {
    let registry = Registry::new(&options.access, &options.settings)?;
    let reference = registry.choose(&Reference::parse(reference)?, &options.version).await?;
    Ok(Source::Oci(reference, registry))
}

/// A chart of a repository that need not be added (`--repo`).
async fn in_repository(repository: &str, name: &str, options: &Options) -> Result<Source, Error> {
    let entry = Entry::new("", repository, &options.access);
    let fetched = update::fetch_index(&entry).await;
    let (_, index) = fetched.map_err(|error| error.within(update::unreachable(repository)))?;
    let described = index::describe(name, &options.version);
    let found = index
        .get(name, &options.version)
        .map_err(|_| Error::NotFound(format!("{described} not found in {repository} repository")))?;
    listed(found, repository, options.access.clone(), options, &described).await
}

/// The archive of a version that the index of a repository lists.
async fn listed(
    found: &ChartVersion,
    repository: &str,
    access: Access,
    options: &Options,
    described: &str,
) -> Result<Source, Error> {
    let archive =
        found.urls.first().ok_or_else(|| Error::NotFound(format!("{described} has no downloadable URLs")))?;
    if oci::is_oci(archive) {
        return in_registry(archive, &Options { version: String::new(), access, ..options.clone() }).await;
    }
    let url = urls::resolve(repository, archive)?;
    let digest = Digest::parse(&found.digest)?;
    Place { url, origin: urls::parse(repository)?, access, digest }.checked()
}

/// The URL of an archive; an added repository that lists it says how to reach it.
fn direct(url: Url, options: &Options) -> Result<Source, Error> {
    let owner = owner(&url, &options.settings)?;
    let (access, origin) = match &owner {
        Some(entry) => (merged(&options.access, entry), urls::parse(&entry.url)?),
        None => (options.access.clone(), url.clone()),
    };
    Place { url, origin, access, digest: None }.checked()
}

impl Place {
    fn checked(self) -> Result<Source, Error> {
        match self.url.scheme() {
            "http" | "https" => Ok(Source::Http(self)),
            scheme => Err(Error::Refused(format!("scheme {scheme:?} not supported"))),
        }
    }
}

/// The first added repository whose index lists the URL.
fn owner(url: &Url, settings: &Settings) -> Result<Option<Entry>, Error> {
    let name = urls::base_name(url);
    for entry in Entries::load(settings)?.repositories {
        // Most indexes are large and do not even contain the archive's name.
        let text = std::fs::read(settings.index_of(&entry.name)).unwrap_or_default();
        if memchr::memmem::find(&text, name.as_bytes()).is_none() {
            continue;
        }
        let Ok(index) = Index::parse(&text, &entry.url) else { continue };
        let mut archives = index.entries.values().flatten().flat_map(|version| &version.urls);
        if archives.any(|archive| urls::equal(archive, url.as_str())) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// `repo/chart`.
async fn in_added_repository(reference: &str, options: &Options) -> Result<Source, Error> {
    let Some((repository, name)) = reference.split_once('/') else {
        return Err(Error::Refused(format!(
            "non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}"
        )));
    };
    let settings = &options.settings;
    let entries = Entries::load(settings)?;
    let entry =
        entries.get(repository).ok_or_else(|| Error::NotFound(format!("repo {repository} not found")))?;
    let version = &options.version;
    let index = Index::cached(settings, repository)?;
    let found = index.get(name, version).map_err(|error| {
        error.within(format!(
            "chart {name:?} matching {version} not found in {repository} index. (try 'helm repo update')"
        ))
    })?;
    listed(found, &entry.url, merged(&options.access, entry), options, &format!("chart {reference:?}")).await
}

/// The flags' access, with what the repository's own entry sets in its place.
pub(super) fn merged(flags: &Access, entry: &Entry) -> Access {
    let mut access = flags.clone();
    let own = entry.access();
    access.insecure_skip_tls_verify |= own.insecure_skip_tls_verify;
    if own.cert_file.is_some() || own.key_file.is_some() || own.ca_file.is_some() {
        (access.cert_file, access.key_file, access.ca_file) =
            (own.cert_file.clone(), own.key_file.clone(), own.ca_file.clone());
    }
    if own.has_credentials() {
        access.username = own.username;
        access.password = own.password;
        access.pass_credentials = own.pass_credentials;
    }
    access
}
