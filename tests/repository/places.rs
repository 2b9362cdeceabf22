//! Directories, archives, chart repositories with and without passwords and TLS, provenance.

use std::sync::Mutex;

use daytwo::repository::{self, Access, Entries, Entry, Options, Pull, Search};

use crate::fixture::{Home, packed, publish};
use crate::server::{Authority, Server, basic};

async fn refused(reference: &str, options: &Options) -> String {
    repository::load(reference, options).await.err().unwrap().to_string()
}

async fn version(reference: &str, options: &Options) -> String {
    let chart = repository::load(reference, options).await.unwrap();
    format!("{}-{}", chart.name(), chart.version())
}

fn access(password: &str) -> Access {
    Access { username: "user".into(), password: password.into(), ..Access::default() }
}

#[tokio::test]
async fn directories_and_archives_are_taken_as_they_are() {
    let home = Home::new();
    let (directory, options) = (home.chart("a", "1.0.0", ""), home.options());
    assert_eq!(version(directory.to_str().unwrap(), &options).await, "a-1.0.0");
    let archive = repository::package(&directory, home.directory.path(), "2.0.0", "", None).unwrap();
    assert_eq!(archive, home.path("a-2.0.0.tgz"));
    assert_eq!(version(archive.to_str().unwrap(), &options).await, "a-2.0.0");
    assert_eq!(refused("./none", &options).await, "path \"./none\" not found");
    assert_eq!(
        refused("none", &options).await,
        "non-absolute URLs should be in form of repo_name/path_to_chart, got: none"
    );
    assert_eq!(refused("none/a", &options).await, "repo none not found");
    assert_eq!(refused("ftp://a/b.tgz", &options).await, "scheme \"ftp\" not supported");
}

#[tokio::test]
async fn repositories_are_added_updated_searched_and_removed() {
    let (home, server) = (Home::new(), Server::start().await);
    let settings = home.settings();
    publish(
        &server,
        &[("alpine", "1.0.0"), ("alpine", "1.1.0"), ("alpine", "2.0.0-rc.1"), ("mysql", "0.1.0")],
    );
    let entry = |name: &str| Entry::new(name, &server.url(), &Access::default());
    let added = repository::add(entry("test"), &settings, false, false).await.unwrap();
    assert_eq!(added, "\"test\" has been added to your repositories");
    let again = repository::add(entry("test"), &settings, false, false).await.unwrap();
    assert_eq!(again, "\"test\" already exists with the same configuration, skipping");
    let other = Entry::new("test", "http://localhost:1", &Access::default());
    let taken = repository::add(other.clone(), &settings, false, false).await.unwrap_err().to_string();
    assert_eq!(taken, "repository name (test) already exists, please specify a different name");
    let unreachable = repository::add(other, &settings, true, false).await.unwrap_err().to_string();
    assert!(
        unreachable.starts_with(
            "looks like \"http://localhost:1\" is not a valid chart repository or cannot be reached: failed to fetch"
        ),
        "{unreachable}"
    );

    let options = home.options();
    assert_eq!(version("test/alpine", &options).await, "alpine-1.1.0");
    let wanted = |version: &str| Options { version: version.into(), ..home.options() };
    assert_eq!(version("test/alpine", &wanted("~1.0")).await, "alpine-1.0.0");
    assert_eq!(version("test/alpine", &wanted(repository::ANY_VERSION)).await, "alpine-2.0.0-rc.1");
    assert_eq!(
        refused("test/alpine", &wanted("3")).await,
        "chart \"alpine\" matching 3 not found in test index. (try 'helm repo update'): no chart version found \
         for alpine-3"
    );

    let found = repository::search(&Search { term: "alp".into(), ..Search::default() }, &settings).unwrap();
    let names: Vec<_> = found.iter().map(|found| (found.name.as_str(), found.version.as_str())).collect();
    assert_eq!(names, [("test/alpine", "1.1.0")]);
    let all = Search { versions: true, ..Search::default() };
    assert_eq!(repository::search(&all, &settings).unwrap().len(), 3);

    publish(&server, &[("alpine", "3.0.0")]);
    assert_eq!(version("test/alpine", &options).await, "alpine-1.1.0");
    let told = Mutex::new(Vec::new());
    let tell = |line: &str| told.lock().unwrap().push(line.to_owned());
    repository::update(&[], &settings, &tell).await.unwrap();
    assert_eq!(version("test/alpine", &options).await, "alpine-3.0.0");
    let unknown = repository::update(&["x".into()], &settings, &tell).await.unwrap_err().to_string();
    assert_eq!(unknown, "no repositories found matching 'x'.  Nothing will be updated");
    repository::remove(&["test".into()], &settings, &tell).unwrap();
    assert!(Entries::load(&settings).unwrap().repositories.is_empty());
    assert!(std::fs::read_dir(&settings.repository_cache).unwrap().next().is_none());
    assert_eq!(
        told.into_inner().unwrap(),
        [
            "Hang tight while we grab the latest from your chart repositories...",
            "...Successfully got an update from the \"test\" chart repository",
            "Update Complete. ⎈Happy Helming!⎈",
            "\"test\" has been removed from your repositories",
        ]
    );
}

#[tokio::test]
async fn charts_of_repositories_that_are_not_added() {
    let (home, server) = (Home::new(), Server::start().await);
    publish(&server, &[("alpine", "1.0.0"), ("alpine", "1.1.0")]);
    let options = Options { repository: Some(server.url()), version: "1.0.0".into(), ..home.options() };
    assert_eq!(version("alpine", &options).await, "alpine-1.0.0");
    let not_found = format!("chart \"none\" version \"1.0.0\" not found in {} repository", server.url());
    assert_eq!(refused("none", &options).await, not_found);
    let archive = format!("{}/charts/alpine-1.1.0.tgz", server.url());
    assert_eq!(version(&archive, &home.options()).await, "alpine-1.1.0");
    let missing = refused(&format!("{}/none.tgz", server.url()), &home.options()).await;
    assert_eq!(missing, format!("failed to fetch {}/none.tgz : 404 Not Found", server.url()));
}

#[tokio::test]
async fn content_that_is_not_what_the_index_says_is_refused() {
    let (home, server) = (Home::new(), Server::start().await);
    publish(&server, &[("alpine", "1.0.0")]);
    server.put("charts/alpine-1.0.0.tgz", packed("alpine", "1.0.1"));
    let options = Options { repository: Some(server.url()), ..home.options() };
    let error = refused("alpine", &options).await;
    assert!(
        error.starts_with(&format!("digest mismatch for {}/charts/alpine-1.0.0.tgz", server.url())),
        "{error}"
    );
    publish(&server, &[("alpine", "1.0.0")]);
    assert_eq!(version("alpine", &options).await, "alpine-1.0.0");
    // From now on the chart is in the cache, and the server is only asked for its index.
    server.requests();
    assert_eq!(version("alpine", &options).await, "alpine-1.0.0");
    assert_eq!(server.requests(), [("index.yaml".to_owned(), None)]);
}

#[tokio::test]
async fn passwords_are_sent_to_their_repository_only() {
    let home = Home::new();
    let (index, charts) = (Server::with(Some("user:pw"), None).await, Server::start().await);
    publish(&charts, &[("alpine", "1.0.0")]);
    let text = daytwo::yaml::go::marshal(&serde_json::json!({
        "apiVersion": "v1",
        "entries": {"alpine": [{
            "name": "alpine", "version": "1.0.0", "urls": [format!("{}/charts/alpine-1.0.0.tgz", charts.url())],
        }]},
    }));
    index.put("index.yaml", text.unwrap());
    let mut options = Options { repository: Some(index.url()), ..home.options() };
    assert!(refused("alpine", &options).await.contains("401 Unauthorized"));
    options.access = access("pw");
    assert_eq!(version("alpine", &options).await, "alpine-1.0.0");
    assert_eq!(charts.requests(), [("charts/alpine-1.0.0.tgz".to_owned(), None)]);
    options.access.pass_credentials = true;
    assert_eq!(version("alpine", &options).await, "alpine-1.0.0");
    assert_eq!(charts.requests(), [("charts/alpine-1.0.0.tgz".to_owned(), Some(basic("user:pw")))]);

    // An added repository keeps its credentials, for URLs of its archives too.
    let settings = home.settings();
    publish(&index, &[("mysql", "1.0.0")]);
    repository::add(Entry::new("own", &index.url(), &access("pw")), &settings, false, false).await.unwrap();
    assert_eq!(version("own/mysql", &home.options()).await, "mysql-1.0.0");
    let text = std::fs::read_to_string(settings.repository_cache.join("own-index.yaml")).unwrap();
    let absolute = text.replace("charts/mysql", &format!("{}/charts/mysql", index.url()));
    std::fs::write(settings.repository_cache.join("own-index.yaml"), absolute).unwrap();
    let archive = format!("{}/charts/mysql-1.0.0.tgz", index.url());
    assert_eq!(version(&archive, &home.options()).await, "mysql-1.0.0");
}

#[tokio::test]
async fn certificates_are_checked_as_told() {
    let home = Home::new();
    let authority = Authority::new(home.directory.path());
    let plain = Server::with(None, Some(authority.tls(false))).await;
    let strict = Server::with(None, Some(authority.tls(true))).await;
    for server in [&plain, &strict] {
        publish(server, &[("alpine", "1.0.0")]);
    }
    let with = |server: &Server, access: Access| Options {
        repository: Some(server.url()),
        access,
        ..home.options()
    };
    let error = refused("alpine", &with(&plain, Access::default())).await;
    assert!(error.contains("certificate"), "{error}");
    let insecure = Access { insecure_skip_tls_verify: true, ..Access::default() };
    assert_eq!(version("alpine", &with(&plain, insecure)).await, "alpine-1.0.0");
    let trusting = Access { ca_file: Some(authority.ca.clone()), ..Access::default() };
    assert_eq!(version("alpine", &with(&plain, trusting.clone())).await, "alpine-1.0.0");
    assert!(repository::load("alpine", &with(&strict, trusting.clone())).await.is_err());
    let known = Access {
        cert_file: Some(authority.client_certificate.clone()),
        key_file: Some(authority.client_key.clone()),
        ..trusting
    };
    assert_eq!(version("alpine", &with(&strict, known)).await, "alpine-1.0.0");
    let wrong = Access { ca_file: Some(authority.client_key.clone()), ..Access::default() };
    let error = refused("alpine", &with(&plain, wrong)).await;
    assert!(error.contains("failed to append certificates from file"), "{error}");
}

#[tokio::test]
async fn charts_are_pulled_and_unpacked() {
    let (home, server) = (Home::new(), Server::start().await);
    publish(&server, &[("alpine", "1.0.0")]);
    let options = Options { repository: Some(server.url()), ..home.options() };
    let mut how = Pull { destination: home.path("out"), untar: None, provenance: false };
    assert_eq!(repository::pull("alpine", &options, &how).await.unwrap(), [] as [String; 0]);
    assert_eq!(std::fs::read(home.path("out/alpine-1.0.0.tgz")).unwrap(), packed("alpine", "1.0.0"));
    how.untar = Some("deep".into());
    repository::pull("alpine", &options, &how).await.unwrap();
    assert!(home.path("out/deep/alpine/templates/config.yaml").exists());
    let error = repository::pull("alpine", &options, &how).await.unwrap_err().to_string();
    assert!(error.starts_with("failed to untar: a file or directory with the name"), "{error}");
}

#[tokio::test]
async fn provenance_is_fetched_and_verified_when_asked() {
    let (home, server) = (Home::new(), Server::start().await);
    let fixture = |name: &str| {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/provenance").join(name)
    };
    let archive = format!("{}/signed-1.2.3.tgz", server.url());
    server.put("signed-1.2.3.tgz", std::fs::read(fixture("signed-1.2.3.tgz")).unwrap());
    let verifying = Options { keyring: Some(fixture("keys.gpg")), ..home.options() };
    let error = refused(&archive, &verifying).await;
    assert_eq!(error, format!("failed to fetch provenance \"{archive}.prov\""));
    let mut how = Pull { destination: home.path("out"), untar: None, provenance: true };
    let told = repository::pull(&archive, &home.options(), &how).await.unwrap();
    assert_eq!(told, [format!("WARNING: Verification not found for {archive}")]);

    server.put("signed-1.2.3.tgz.prov", std::fs::read(fixture("helm.prov")).unwrap());
    assert_eq!(version(&archive, &verifying).await, "signed-1.2.3");
    let told = repository::pull(&archive, &verifying, &how).await.unwrap();
    assert_eq!(told[0], "Signed by: Charts (rsa) <charts@rsa.example>");
    assert!(home.path("out/signed-1.2.3.tgz.prov").exists());
    let local = home.path("out/signed-1.2.3.tgz");
    assert_eq!(version(local.to_str().unwrap(), &verifying).await, "signed-1.2.3");
    how.destination = home.path("other");
    let stranger = Options { keyring: Some(fixture("one.gpg")), ..home.options() };
    let error = repository::pull(&archive, &stranger, &how).await.unwrap_err().to_string();
    assert_eq!(error, "openpgp: signature made by unknown entity");
    assert!(!home.path("other").exists());
}
