//! `daytwo dependency update|build`: the charts that a chart depends on, fetched into `charts/`.
//!
//! Follows `pkg/downloader/manager.go` and `internal/resolver/resolver.go` of Helm 4.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::json;

use super::cache::{self, Digest};
use super::locate::{self, Trust};
use super::oci::{self, Reference, Registry};
use super::update::{UPDATED, update_each};
use super::{
    Access, Entries, Entry, Error, Index, Options, Report, Settings, go_json, source_date_epoch, urls,
    version,
};
use crate::chart::{self, Contents, Dependency, Lock};
use crate::yaml::go;

/// How the copies of indexes begin whose repositories the user has not added.
pub(super) const UNMANAGED: &str = "helm-manager-";
const FILE: &str = "file://";

/// Fetches the dependencies of one unpacked chart.
pub struct Manager<'a> {
    /// The directory of the chart.
    pub chart: &'a Path,
    /// Where Helm keeps what it knows.
    pub settings: &'a Settings,
    /// How to reach servers of which no added repository says it.
    pub access: &'a Access,
    /// The keyring by which the fetched charts are verified.
    pub keyring: Option<PathBuf>,
    /// Whether charts without provenance are accepted although there is a keyring.
    pub allow_unsigned: bool,
    /// Whether the copies of the indexes are taken as they are.
    pub skip_refresh: bool,
    /// The time that all files of packed directories shall bear.
    pub modified: Option<SystemTime>,
    /// Who is told of the progress.
    pub report: Report<'a>,
}

/// Fetches the dependencies of an unpacked chart, found in the way that these options say.
///
/// # Errors
/// As [`Manager::update`].
pub async fn fetch_dependencies(chart: &Path, options: &Options, report: Report<'_>) -> Result<(), Error> {
    let manager = Manager {
        chart,
        settings: &options.settings,
        access: &options.access,
        keyring: options.keyring.clone(),
        allow_unsigned: true,
        skip_refresh: false,
        modified: source_date_epoch()?,
        report,
    };
    manager.update().await
}

/// An added repository and its index.
struct Known {
    entry: Entry,
    index: Index,
}

/// By the name of a dependency, the name of the repository whose copied index lists it.
type Names = BTreeMap<String, String>;

impl Manager<'_> {
    /// Fetches what `Chart.lock` says, or decides anew when there is none.
    ///
    /// # Errors
    /// When the lock does not fit `Chart.yaml`, or something cannot be found, reached or written.
    pub async fn build(&self) -> Result<(), Error> {
        let contents = self.contents()?;
        let Some(lock) = &contents.lock else { return self.update_of(&contents).await };
        let is_old = contents.metadata.api_version == "v1";
        let mut wanted = contents.metadata.dependencies.clone();
        let helm2 = Digest::of(go_json::encode(&json!({ "dependencies": wanted })).as_bytes());
        let entries = Entries::load(self.settings)?.repositories;
        self.repository_names(&mut wanted, &entries)?;
        let listed = contents.metadata.lists_dependencies.then_some(&wanted);
        let fits = lock_digest(listed, &lock.dependencies) == lock.digest
            || is_old && helm2.to_string() == lock.digest;
        if !fits {
            return Err(Error::Refused(if is_old {
                "the lock file (requirements.lock) is out of sync with the dependencies file \
                 (requirements.yaml). Please update the dependencies"
                    .into()
            } else {
                "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please \
                 update the dependencies with 'helm dependency update'"
                    .into()
            }));
        }
        check_added(&lock.dependencies, &entries)?;
        if !self.skip_refresh {
            self.refresh(&entries).await;
        }
        self.fetch_all(&mut lock.dependencies.clone()).await
    }

    /// Decides which versions satisfy `Chart.yaml`, fetches them and writes `Chart.lock`.
    ///
    /// # Errors
    /// When something cannot be found, reached or written.
    pub async fn update(&self) -> Result<(), Error> {
        self.update_of(&self.contents()?).await
    }

    async fn update_of(&self, contents: &Contents) -> Result<(), Error> {
        if !contents.metadata.lists_dependencies {
            return Ok(());
        }
        let mut wanted = contents.metadata.dependencies.clone();
        let entries = Entries::load(self.settings)?.repositories;
        let mut names = self.repository_names(&mut wanted, &entries)?;
        self.ensure_indexes(&mut names, &wanted).await;
        if !self.skip_refresh {
            self.refresh(&entries).await;
        }
        let mut locked = self.resolve(&wanted, &names).await?;
        self.fetch_all(&mut locked).await?;
        let digest = lock_digest(Some(&wanted), &locked);
        if contents.lock.as_ref().is_some_and(|lock| lock.digest == digest) {
            return Ok(());
        }
        let mut lock = Lock { digest, dependencies: locked, ..Lock::default() };
        lock.set_generated(SystemTime::now());
        let name = if contents.metadata.api_version == "v1" { "requirements.lock" } else { "Chart.lock" };
        self.write_lock(name, &lock)
    }

    fn contents(&self) -> Result<Contents, Error> {
        let path = self.chart;
        match std::fs::metadata(path) {
            Err(error) => Err(Error::file(path)(error).within(format!("could not find {}", path.display()))),
            Ok(kind) if !kind.is_dir() => Err(Error::Refused("only unpacked charts can be updated".into())),
            Ok(_) => Ok(Contents::load(path)?),
        }
    }

    fn write_lock(&self, name: &str, lock: &Lock) -> Result<(), Error> {
        let path = self.chart.join(name);
        if let Ok(target) = std::fs::read_link(&path) {
            return Err(Error::Refused(format!("the {name} file is a symlink to {:?}", target.display())));
        }
        let malformed = |message: String| Error::Malformed { what: name.to_owned(), message };
        let value = serde_json::to_value(lock).map_err(|error| malformed(error.to_string()))?;
        let text = go::marshal(&value).map_err(|error| malformed(error.to_string()))?;
        cache::write(&path, text.as_bytes(), 0o644)
    }

    async fn refresh(&self, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        (self.report)("Hang tight while we grab the latest from your chart repositories...");
        // What cannot be refreshed is told; whether it is needed shows later.
        update_each(&without_doubles(entries), self.settings, self.report).await;
        (self.report)(UPDATED);
    }

    /// Which repositories the dependencies mean; `@name` and `alias:name` become URLs.
    fn repository_names(&self, wanted: &mut [Dependency], entries: &[Entry]) -> Result<Names, Error> {
        let mut names = Names::new();
        let mut missing = Vec::new();
        for dependency in wanted {
            let repository = dependency.repository.clone();
            if repository.is_empty() {
                continue;
            }
            if repository.starts_with(FILE) {
                self.local_path(&repository)?;
            }
            if repository.starts_with(FILE) || oci::is_oci(&repository) {
                names.insert(dependency.name.clone(), repository);
                continue;
            }
            let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
            let is_meant = |entry: &&Entry| match alias {
                Some(alias) => entry.name == alias,
                None => urls::equal(&entry.url, &repository),
            };
            match entries.iter().find(is_meant) {
                Some(entry) => {
                    if alias.is_some() {
                        dependency.repository.clone_from(&entry.url);
                    }
                    names.insert(dependency.name.clone(), entry.name.clone());
                }
                None if urls::parse(&repository).is_ok() => {}
                None => missing.push(repository),
            }
        }
        if missing.is_empty() {
            return Ok(names);
        }
        let mut message = format!(
            "no repository definition for {}. Please add them via 'helm repo add'",
            missing.join(", ")
        );
        if missing
            .iter()
            .any(|own| !own.contains("//") && !own.starts_with('@') && !own.starts_with("alias:"))
        {
            message.push_str(
                "\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\n\
                 repository, use \"https://charts.example.com/\" or \"@example\" instead of\n\
                 \"example\". Don't forget to add the repo, too ('helm repo add').",
            );
        }
        Err(Error::NotFound(message))
    }

    /// Fetches the indexes of repositories that the user has not added.
    async fn ensure_indexes(&self, names: &mut Names, wanted: &[Dependency]) {
        let mut unmanaged = Vec::new();
        for dependency in wanted {
            if dependency.repository.is_empty() || names.contains_key(&dependency.name) {
                continue;
            }
            let name = format!("{UNMANAGED}{}", Digest::of(dependency.repository.as_bytes()).hex());
            names.insert(dependency.name.clone(), name.clone());
            unmanaged.push(Entry::new(&name, &dependency.repository, self.access));
        }
        if !self.skip_refresh && !unmanaged.is_empty() {
            (self.report)("Getting updates for unmanaged Helm repositories...");
            update_each(&without_doubles(&unmanaged), self.settings, self.report).await;
        }
    }

    /// The exact versions that satisfy the dependencies.
    async fn resolve(&self, wanted: &[Dependency], names: &Names) -> Result<Vec<Dependency>, Error> {
        let mut locked = Vec::new();
        let mut missing = Vec::new();
        for dependency in wanted {
            let Dependency { name, version: constraint, repository, .. } = dependency;
            version::check_constraint(constraint).map_err(|error| {
                error.within(format!("dependency {name:?} has an invalid version/constraint format"))
            })?;
            let chosen = if repository.is_empty() {
                self.local_path(&format!("charts/{name}"))?;
                Some(constraint.clone())
            } else if repository.starts_with(FILE) {
                let own = Contents::load(&self.local_path(repository)?)?.metadata.version;
                version::admits(constraint, &own).then_some(own)
            } else if oci::is_oci(repository) {
                self.newest_tag(dependency).await?
            } else {
                let index = names.get(name).map_or(name, |name| name);
                self.newest_listed(dependency, index)?
            };
            match chosen {
                Some(version) => locked.push(Dependency {
                    name: name.clone(),
                    repository: repository.clone(),
                    version,
                    ..Dependency::default()
                }),
                None => missing.push(format!("{name:?} (repository {repository:?}, version {constraint:?})")),
            }
        }
        if missing.is_empty() {
            return Ok(locked);
        }
        Err(Error::NotFound(format!(
            "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the \
             repo, or change the version constraint in Chart.yaml",
            missing.len(),
            missing.join(", ")
        )))
    }

    async fn newest_tag(&self, dependency: &Dependency) -> Result<Option<String>, Error> {
        let Dependency { name, version: constraint, repository, .. } = dependency;
        if version::is_version(constraint) {
            return Ok(Some(constraint.clone()));
        }
        let reference = Reference::parse(&format!("{}/{name}", repository.trim_end_matches('/')))?;
        let tags = Registry::new(self.access, self.settings)?.tags(&reference).await.map_err(|error| {
            error.within(format!("could not retrieve list of tags for repository {repository}"))
        })?;
        Ok(tags.into_iter().find(|tag| version::admits(constraint, tag)))
    }

    fn newest_listed(&self, dependency: &Dependency, index: &str) -> Result<Option<String>, Error> {
        let Dependency { name, version: constraint, repository, .. } = dependency;
        let index = Index::cached(self.settings, index)?;
        let versions = index
            .entries
            .get(name)
            .ok_or_else(|| Error::NotFound(format!("{name} chart not found in repo {repository}")))?;
        let usable = versions.iter().filter(|own| !own.urls.is_empty()).map(|own| &own.metadata.version);
        Ok(usable.into_iter().find(|own| version::admits(constraint, own)).cloned())
    }

    /// The path that `file://…`, or a path in the chart, means.
    fn local_path(&self, repository: &str) -> Result<PathBuf, Error> {
        let path = self.chart.join(repository.strip_prefix(FILE).unwrap_or(repository));
        match path.exists() {
            true => Ok(path),
            false => Err(Error::NotFound(format!("directory {} not found", path.display()))),
        }
    }

    /// Fetches all dependencies beside `charts/` first, so that nothing changes when one of them fails.
    async fn fetch_all(&self, locked: &mut [Dependency]) -> Result<(), Error> {
        let charts = self.chart.join("charts");
        if charts.exists() && !charts.is_dir() {
            return Err(Error::Refused(format!("{:?} is not a directory", charts.display())));
        }
        std::fs::create_dir_all(&charts).map_err(Error::file(&charts))?;
        let known = self.known()?;
        (self.report)(&format!("Saving {} charts", locked.len()));
        let mut fetched: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for dependency in locked.iter_mut() {
            self.fetch(dependency, &known, &charts, &mut seen, &mut fetched).await.inspect_err(|error| {
                (self.report)(&format!("Save error occurred:  {error}"));
            })?;
        }
        let local: BTreeSet<&str> =
            locked.iter().filter(|own| own.repository.is_empty()).map(|own| own.name.as_str()).collect();
        self.replace(&charts, &fetched, &local)
    }

    async fn fetch(
        &self,
        dependency: &mut Dependency,
        known: &[Known],
        charts: &Path,
        seen: &mut BTreeSet<(String, String, String)>,
        fetched: &mut BTreeMap<String, Vec<u8>>,
    ) -> Result<(), Error> {
        let Dependency { name, version: constraint, repository, .. } = &*dependency;
        if repository.is_empty() {
            (self.report)(&format!(
                "Dependency {name} did not declare a repository. Assuming it exists in the charts directory"
            ));
            let own = Contents::load(&charts.join(name))?.metadata.version;
            if version::admits(constraint, &own) {
                return Ok(());
            }
            return Err(Error::Refused(format!(
                "dependency {name} at version {own} does not satisfy the constraint {constraint}"
            )));
        }
        if repository.starts_with(FILE) {
            let contents = Contents::load(&self.local_path(repository)?)?;
            if !version::admits(constraint, &contents.metadata.version) {
                return Err(Error::Refused(format!("can't get a valid version for dependency {name}")));
            }
            fetched.insert(chart::file_name(&contents), chart::package(&contents, self.modified)?);
            dependency.version.clone_from(&contents.metadata.version);
            return Ok(());
        }
        if !seen.insert((repository.clone(), name.clone(), constraint.clone())) {
            (self.report)(&format!("Already downloaded {name} from repo {repository}"));
            return Ok(());
        }
        (self.report)(&format!("Downloading {name} from repo {repository}"));
        let (file_name, archive) = self.download(dependency, known).await?;
        fetched.insert(file_name, archive);
        Ok(())
    }

    /// The name and the bytes of a dependency's archive.
    async fn download(&self, dependency: &Dependency, known: &[Known]) -> Result<(String, Vec<u8>), Error> {
        let Dependency { name, version: wanted, repository, .. } = dependency;
        let trust = match self.keyring.clone() {
            None => Trust::Blind,
            Some(keyring) if self.allow_unsigned => Trust::IfPossible(keyring),
            Some(keyring) => Trust::Verify(keyring),
        };
        let mut options = Options {
            settings: self.settings.clone(),
            version: wanted.clone(),
            access: self.access.clone(),
            ..Options::default()
        };
        let fetched = if oci::is_oci(repository) {
            let reference = format!("{}/{name}", repository.trim_end_matches('/'));
            locate::fetch(&reference, &options, &trust).await
        } else if let Some(known) = known.iter().find(|known| urls::equal(&known.entry.url, repository)) {
            let versions = known.index.entries.get(name).map(Vec::as_slice).unwrap_or_default();
            let exact = versions
                .iter()
                .find(|own| !own.urls.is_empty() && version::equal(wanted, &own.metadata.version))
                .ok_or_else(|| Error::NotFound(format!("could not find {name}: no matching version")))?;
            locate::fetch_listed(exact, &known.entry, &options, &trust).await
        } else {
            options.repository = Some(repository.clone());
            locate::fetch(name, &options, &trust).await
        };
        let fetched = fetched.map_err(|error| error.within(format!("could not download {name}")))?;
        fetched.messages.iter().for_each(|message| (self.report)(message));
        Ok((fetched.name, fetched.data))
    }

    /// The added repositories whose indexes are here.
    fn known(&self) -> Result<Vec<Known>, Error> {
        let entries = Entries::load(self.settings)?.repositories;
        let with_index = |entry: Entry| {
            let index = Index::cached(self.settings, &entry.name).ok()?;
            Some(Known { entry, index })
        };
        Ok(entries.into_iter().filter_map(with_index).collect())
    }

    /// Writes the archives into `charts/` and removes those that are none of them.
    fn replace(
        &self,
        charts: &Path,
        fetched: &BTreeMap<String, Vec<u8>>,
        local: &BTreeSet<&str>,
    ) -> Result<(), Error> {
        let entries = std::fs::read_dir(charts).map_err(Error::file(charts))?;
        let before: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        for (name, archive) in fetched {
            let path = charts.join(name);
            match Contents::from_archive(archive) {
                Ok(_) => cache::write(&path, archive, 0o644)?,
                Err(error) => {
                    (self.report)(&format!("Could not verify {name} for moving: {error} (Skipping)"));
                }
            }
        }
        (self.report)("Deleting outdated charts");
        for path in before {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() || fetched.contains_key(&name) {
                continue;
            }
            match Contents::load(&path) {
                Err(error) => {
                    let path = path.display();
                    (self.report)(&format!("Could not verify {path} for deletion: {error} (Skipping)"));
                }
                Ok(own) if local.contains(own.metadata.name.as_str()) => {}
                Ok(_) => std::fs::remove_file(&path).map_err(Error::file(&path))?,
            }
        }
        Ok(())
    }
}

/// The digest in a lock: over the dependencies as wanted, `None` being Go's nil, and as locked (`HashReq`).
fn lock_digest(wanted: Option<&Vec<Dependency>>, locked: &[Dependency]) -> String {
    Digest::of(go_json::encode(&(wanted, locked)).as_bytes()).to_string()
}

/// Refuses locked dependencies whose repositories are not added.
fn check_added(locked: &[Dependency], entries: &[Entry]) -> Result<(), Error> {
    let needs_one = |repository: &&str| {
        !repository.is_empty() && !repository.starts_with(FILE) && !oci::is_oci(repository)
    };
    let missing: Vec<&str> = locked
        .iter()
        .map(|dependency| dependency.repository.as_str())
        .filter(needs_one)
        .filter(|repository| !entries.iter().any(|entry| urls::equal(&entry.url, repository)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::NotFound(format!(
        "no repository definition for {}. Please add the missing repos via 'helm repo add'",
        missing.join(", ")
    )))
}

/// One entry of each URL.
fn without_doubles(entries: &[Entry]) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    entries.iter().filter(|entry| seen.insert(entry.url.trim_end_matches('/'))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digests that Helm 3.19 and 4.3 write for these dependencies.
    #[test]
    fn the_digest_of_a_lock_is_helms() {
        let dependency = |version: &str, repository: &str| Dependency {
            name: "a".into(),
            version: version.into(),
            repository: repository.into(),
            ..Dependency::default()
        };
        let wanted = vec![dependency(">=1.0.0 <2", "https://x")];
        let locked = [dependency("1.2.3", "https://x")];
        let text = go_json::encode(&(Some(&wanted), &locked[..]));
        assert_eq!(
            text,
            concat!(
                r#"[[{"name":"a","version":"\u003e=1.0.0 \u003c2","repository":"https://x"}],"#,
                r#"[{"name":"a","version":"1.2.3","repository":"https://x"}]]"#
            )
        );
        assert_eq!(go_json::encode(&(None::<&Vec<Dependency>>, &[] as &[Dependency])), "[null,[]]");
    }
}
