//! `daytwo repo add|update|remove`: the added repositories and the copies of their indexes.
//!
//! Follows `pkg/cmd/repo_{add,update,remove}.go` and `pkg/repo/v1/chartrepo.go` of Helm 4.

use futures::future::join_all;

use super::transport::Transport;
use super::{Entries, Entry, Error, Index, Report, Settings, cache, entries, urls};

/// Repositories that are gone for good, and what took their place.
const GONE: &[(&str, &str)] = &[
    ("//kubernetes-charts.storage.googleapis.com", "https://charts.helm.sh/stable"),
    ("//kubernetes-charts-incubator.storage.googleapis.com", "https://charts.helm.sh/incubator"),
];

/// The tip that follows a repository that cannot be read.
pub(super) fn unreachable(url: &str) -> String {
    format!("looks like {url:?} is not a valid chart repository or cannot be reached")
}

/// Fetches the index of a repository.
pub(super) async fn fetch_index(entry: &Entry) -> Result<(Vec<u8>, Index), Error> {
    let origin = urls::parse(&entry.url)?;
    if !matches!(origin.scheme(), "http" | "https") {
        let scheme = origin.scheme();
        return Err(Error::Refused(format!("could not find protocol handler for: {scheme}")));
    }
    let url = urls::resolve(&entry.url, "index.yaml")?;
    let access = entry.access();
    let text = Transport::new(&access)?.get(&url, &access, &origin).await?;
    let index = Index::parse(&text, &urls::shown(&origin))?;
    Ok((text, index))
}

/// Fetches the index of a repository and keeps it where Helm looks for it.
pub(super) async fn fetch_to_cache(entry: &Entry, settings: &Settings) -> Result<(), Error> {
    let (text, index) = fetch_index(entry).await?;
    let names: String = index.entries.keys().flat_map(|name| [name.as_str(), "\n"]).collect();
    cache::write(&settings.charts_of(&entry.name), names.as_bytes(), 0o644)?;
    cache::write(&settings.index_of(&entry.name), &text, 0o644)
}

/// Adds a repository, or changes it when `force` is given; the text to print.
///
/// # Errors
/// When the name is taken or illegal, or the repository cannot be read.
pub async fn add(entry: Entry, settings: &Settings, force: bool, allow_gone: bool) -> Result<String, Error> {
    let (name, url) = (&entry.name, &entry.url);
    if let Some((_, new)) = GONE.iter().find(|(old, _)| !allow_gone && url.contains(old)) {
        return Err(Error::Refused(format!("repo {url:?} is no longer available; try {new:?} instead")));
    }
    let _lock = entries::lock(settings)?;
    let mut all = Entries::load(settings)?;
    if name.contains('/') {
        return Err(Error::Refused(format!(
            "repository name ({name}) contains '/', please specify a different name without '/'"
        )));
    }
    if let Some(existing) = all.get(name).filter(|_| !force) {
        if *existing != entry {
            return Err(Error::Refused(format!(
                "repository name ({name}) already exists, please specify a different name"
            )));
        }
        return Ok(format!("{name:?} already exists with the same configuration, skipping"));
    }
    fetch_to_cache(&entry, settings).await.map_err(|error| error.within(unreachable(url)))?;
    let added = format!("{name:?} has been added to your repositories");
    all.set(entry);
    all.save(settings)?;
    Ok(added)
}

/// Fetches the indexes of these repositories anew, or of all.
///
/// # Errors
/// When there are none, one is unknown, or some cannot be read; the others are up to date then.
pub async fn update(names: &[String], settings: &Settings, report: Report<'_>) -> Result<(), Error> {
    let mut all = Entries::load(settings)?.repositories;
    if all.is_empty() {
        let message = "no repositories found. You must add one before updating";
        return Err(Error::NotFound(message.into()));
    }
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|entry| entry.name != **name)) {
        return Err(Error::NotFound(format!(
            "no repositories found matching '{unknown}'.  Nothing will be updated"
        )));
    }
    all.retain(|entry| names.is_empty() || names.contains(&entry.name));
    report("Hang tight while we grab the latest from your chart repositories...");
    let failed = update_each(&all, settings, report).await;
    if !failed.is_empty() {
        let failed = failed.join(" ");
        return Err(Error::Refused(format!("failed to update the following repositories: [{failed}]")));
    }
    report(UPDATED);
    Ok(())
}

/// What Helm says when all is well.
pub(super) const UPDATED: &str = "Update Complete. ⎈Happy Helming!⎈";

/// Fetches indexes at the same time; the URLs of those that failed.
pub(super) async fn update_each(all: &[Entry], settings: &Settings, report: Report<'_>) -> Vec<String> {
    let updates = all.iter().map(|entry| async move {
        let shown = match entry.name.starts_with(super::dependencies::UNMANAGED) {
            true => (format!("{:?}", entry.url), String::new()),
            false => (format!("{:?}", entry.name), format!(" ({})", entry.url)),
        };
        match fetch_to_cache(entry, settings).await {
            Ok(()) => {
                report(&format!("...Successfully got an update from the {} chart repository", shown.0));
                None
            }
            Err(error) => {
                let (name, url) = shown;
                report(&format!(
                    "...Unable to get an update from the {name} chart repository{url}:\n\t{error}"
                ));
                Some(entry.url.clone())
            }
        }
    });
    join_all(updates).await.into_iter().flatten().collect()
}

/// Removes repositories and the copies of their indexes.
///
/// # Errors
/// When there is none of a name; those before it are removed.
pub fn remove(names: &[String], settings: &Settings, report: Report<'_>) -> Result<(), Error> {
    let _lock = entries::lock(settings)?;
    let mut all = Entries::load(settings)?;
    if all.repositories.is_empty() {
        return Err(Error::NotFound("no repositories configured".into()));
    }
    for name in names {
        if !all.remove(name) {
            return Err(Error::NotFound(format!("no repo named {name:?} found")));
        }
        all.save(settings)?;
        for path in [settings.charts_of(name), settings.index_of(name)] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::file(&path)(error));
                }
                _ => {}
            }
        }
        report(&format!("{name:?} has been removed from your repositories"));
    }
    Ok(())
}
