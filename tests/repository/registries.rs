//! Charts in OCI registries.

use std::os::unix::fs::PermissionsExt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use daytwo::repository::{self, Access, Options, Pull};

use crate::fixture::{Home, packed};
use crate::registry::{Guard, PASSWORD, Registry, digest};
use crate::server::Authority;

fn plain() -> Access {
    Access { plain_http: true, ..Access::default() }
}

fn known() -> Access {
    Access { username: "user".into(), password: "password".into(), ..plain() }
}

/// Pushes a chart of this version; what was told.
async fn push(
    home: &Home,
    registry: &Registry,
    version: &str,
    access: &Access,
) -> Result<Vec<String>, String> {
    let archive = home.path(&format!("a-{version}.tgz"));
    std::fs::write(&archive, packed("a", version)).unwrap();
    let remote = format!("oci://{}/charts", registry.host());
    repository::push(&archive, &remote, access, &home.settings()).await.map_err(|error| error.to_string())
}

async fn version(reference: &str, options: &Options) -> Result<String, String> {
    let chart = repository::load(reference, options).await.map_err(|error| error.to_string())?;
    Ok(chart.version().to_owned())
}

#[tokio::test]
async fn charts_are_pushed_and_found_by_tag_constraint_and_digest() {
    let (home, registry) = (Home::new(), Registry::start(Guard::Open, None).await);
    let mut told = Vec::new();
    for version in ["1.0.0", "1.0.1+build.2", "1.10.0", "1.9.0", "2.0.0-rc.1"] {
        told = push(&home, &registry, version, &plain()).await.unwrap();
    }
    let host = registry.host();
    let manifest = registry.manifest("charts/a", "2.0.0-rc.1");
    assert_eq!(
        told,
        [format!("Pushed: {host}/charts/a:2.0.0-rc.1"), format!("Digest: {}", digest(&manifest))]
    );
    registry.put_manifest("charts/a", "latest", "application/vnd.oci.image.manifest.v1+json", &manifest);
    let (a, options) = (format!("oci://{host}/charts/a"), Options { access: plain(), ..home.options() });
    let with = |version: &str| Options { version: version.into(), ..options.clone() };
    assert_eq!(version(&a, &options).await.unwrap(), "1.10.0");
    assert_eq!(version(&a, &with("~1.0")).await.unwrap(), "1.0.1+build.2");
    assert_eq!(version(&a, &with(">0.0.0-0")).await.unwrap(), "2.0.0-rc.1");
    assert_eq!(version(&format!("{a}:1.0.1+build.2"), &options).await.unwrap(), "1.0.1+build.2");
    let pinned = format!("{a}@{}", digest(&registry.manifest("charts/a", "1.9.0")));
    assert_eq!(version(&pinned, &options).await.unwrap(), "1.9.0");
    assert_eq!(version(&pinned, &with("1.9.0")).await.unwrap(), "1.9.0");
    for (reference, wanted, expected) in [
        (&pinned, "1.10.0", "chart reference digest mismatch"),
        (&format!("{a}:1.0.0"), "1.9.0", "chart reference and version mismatch: 1.9.0 is not 1.0.0"),
        (&a, "4", "response status code 404: manifest unknown: it is not here"),
        (&a, "^4", "could not locate a version matching provided version string ^4"),
        (&format!("oci://{host}/none"), "", "response status code 404: name unknown"),
        (&a, "x y", "improper constraint"),
    ] {
        let error = version(reference, &with(wanted)).await.unwrap_err();
        assert!(error.contains(expected), "{reference} {wanted}: {error}");
    }
    // The archive is in the cache: only its manifest is asked for.
    registry.requests();
    version(&format!("{a}:1.9.0"), &options).await.unwrap();
    assert_eq!(registry.requests(), ["GET /v2/charts/a/manifests/1.9.0"]);
}

#[tokio::test]
async fn pulled_charts_bear_their_version() {
    let (home, registry) = (Home::new(), Registry::start(Guard::Open, None).await);
    push(&home, &registry, "1.0.1+build", &plain()).await.unwrap();
    let options = Options { access: plain(), version: "1.0.1+build".into(), ..home.options() };
    let how = Pull { destination: home.path("out"), untar: None, provenance: true };
    let told =
        repository::pull(&format!("oci://{}/charts/a", registry.host()), &options, &how).await.unwrap();
    assert_eq!(told[0], format!("Pulled: {}/charts/a:1.0.1_build", registry.host()));
    assert!(told[3].contains("Helm adopts the convention of changing plus (+)"), "{told:?}");
    assert_eq!(std::fs::read(home.path("out/a-1.0.1+build.tgz")).unwrap(), packed("a", "1.0.1+build"));
}

#[tokio::test]
async fn provenance_travels_with_the_chart() {
    let (home, registry) = (Home::new(), Registry::start(Guard::Open, None).await);
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/provenance");
    let archive = home.path("signed-1.2.3.tgz");
    std::fs::copy(fixtures.join("signed-1.2.3.tgz"), &archive).unwrap();
    std::fs::copy(fixtures.join("p256.prov"), home.path("signed-1.2.3.tgz.prov")).unwrap();
    let remote = format!("oci://{}/charts", registry.host());
    repository::push(&archive, &remote, &plain(), &home.settings()).await.unwrap();
    let options = Options { access: plain(), keyring: Some(fixtures.join("keys.kbx")), ..home.options() };
    assert_eq!(version(&format!("{remote}/signed:1.2.3"), &options).await.unwrap(), "1.2.3");
    push(&home, &registry, "1.0.0", &plain()).await.unwrap();
    let error = version(&format!("{remote}/a:1.0.0"), &options).await.unwrap_err();
    assert!(error.starts_with("failed to fetch provenance"), "{error}");
}

#[tokio::test]
async fn registries_are_shown_what_they_ask_for() {
    for guard in [Guard::Basic, Guard::Bearer] {
        let (home, registry) = (Home::new(), Registry::start(guard, None).await);
        let error = push(&home, &registry, "1.0.0", &plain()).await.unwrap_err();
        assert!(error.contains("401"), "{guard:?}: {error}");
        push(&home, &registry, "1.0.0", &known()).await.unwrap();
        push(&home, &registry, "1.1.0", &known()).await.unwrap();
        let reference = format!("oci://{}/charts/a", registry.host());
        let options = Options { access: known(), ..home.options() };
        assert_eq!(version(&reference, &options).await.unwrap(), "1.1.0", "{guard:?}");

        // Without flags, the credentials are those of Docker, then of Helm.
        let options = Options { access: plain(), ..home.options() };
        assert!(version(&format!("{reference}:1.0.0"), &options).await.unwrap_err().contains("401"));
        std::fs::create_dir_all(home.path("docker")).unwrap();
        let auths =
            |auth: serde_json::Value| serde_json::json!({"auths": {registry.host(): auth}}).to_string();
        let auth = serde_json::json!({"auth": STANDARD.encode(PASSWORD)});
        std::fs::write(home.path("docker/config.json"), auths(auth)).unwrap();
        assert_eq!(version(&format!("{reference}:1.0.0"), &options).await.unwrap(), "1.0.0");
        if guard == Guard::Bearer {
            let auth = serde_json::json!({"identitytoken": "refresh"});
            std::fs::create_dir_all(home.path("config/registry")).unwrap();
            std::fs::write(home.path("config/registry/config.json"), auths(auth)).unwrap();
            assert_eq!(version(&format!("{reference}:1.1.0"), &options).await.unwrap(), "1.1.0");
        }
    }
}

#[tokio::test]
async fn credential_helpers_are_asked() {
    let (home, registry) = (Home::new(), Registry::start(Guard::Bearer, None).await);
    push(&home, &registry, "1.0.0", &known()).await.unwrap();
    // The helper's program is found by the name that the configuration gives, here with its path.
    let helper = home.path("docker-credential-test");
    let script = format!(
        "#!/bin/sh\nread -r host\n[ \"$1 $host\" = 'get {}' ] || exit 1\n\
         echo '{{\"Username\": \"user\", \"Secret\": \"password\"}}'\n",
        registry.host()
    );
    std::fs::write(&helper, script).unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir_all(home.path("docker")).unwrap();
    let config = serde_json::json!({"credHelpers": {registry.host(): "test"}}).to_string();
    std::fs::write(home.path("docker/config.json"), config).unwrap();
    // A process of its own, as the search path belongs to the process.
    let path = format!("{}:{}", home.directory.path().display(), std::env::var("PATH").unwrap());
    let mut show = std::process::Command::new(env!("CARGO_BIN_EXE_daytwo"));
    show.args(["show", "chart", "--plain-http", &format!("oci://{}/charts/a", registry.host())])
        .envs(home.variables())
        .env("PATH", path);
    let shown = run(show).await;
    assert!(shown.contains("version: 1.0.0"), "{shown}");
}

/// Runs a program while the servers of the test go on.
async fn run(mut command: std::process::Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn registries_with_certificates_of_their_own() {
    let home = Home::new();
    let authority = Authority::new(home.directory.path());
    let registry = Registry::start(Guard::Bearer, Some(authority.tls(true))).await;
    let access = Access {
        plain_http: false,
        ca_file: Some(authority.ca.clone()),
        cert_file: Some(authority.client_certificate.clone()),
        key_file: Some(authority.client_key.clone()),
        ..known()
    };
    push(&home, &registry, "1.0.0", &access).await.unwrap();
    let reference = format!("oci://{}/charts/a", registry.host());
    let options = Options { access, ..home.options() };
    assert_eq!(version(&reference, &options).await.unwrap(), "1.0.0");
    let stranger = Options { access: Access { plain_http: false, ..known() }, ..home.options() };
    assert!(version(&reference, &stranger).await.is_err());
}

#[tokio::test]
async fn content_that_is_not_what_the_manifest_says_is_refused() {
    let (home, registry) = (Home::new(), Registry::start(Guard::Open, None).await);
    push(&home, &registry, "1.0.0", &plain()).await.unwrap();
    let options = Options { access: plain(), ..home.options() };
    let reference = format!("oci://{}/charts/a", registry.host());
    let manifest = registry.manifest("charts/a", "1.0.0");
    let pinned = format!("{reference}@{}", digest(b"something else"));
    registry.put_manifest(
        "charts/a",
        &digest(b"something else"),
        "application/vnd.oci.image.manifest.v1+json",
        &manifest,
    );
    assert!(version(&pinned, &options).await.unwrap_err().starts_with("digest mismatch"));
    registry.corrupt(&digest(&packed("a", "1.0.0")));
    let error = version(&format!("{reference}:1.0.0"), &options).await.unwrap_err();
    assert!(error.starts_with("digest mismatch for http://"), "{error}");

    let image = br#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:0","size":1},"layers":[]}"#;
    registry.put_manifest("image", "1.0.0", "application/vnd.oci.image.manifest.v1+json", image);
    let error = version(&format!("oci://{}/image:1.0.0", registry.host()), &options).await.unwrap_err();
    assert_eq!(error, "could not load config with mediatype application/vnd.cncf.helm.config.v1+json");

    // An index may list a chart among images.
    push(&home, &registry, "1.1.0", &plain()).await.unwrap();
    let chart = registry.manifest("charts/a", "1.1.0");
    registry.put_manifest("charts/a", "image", "application/vnd.oci.image.manifest.v1+json", image);
    let listed = |data: &[u8]| {
        serde_json::json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(data), "size": data.len(),
        })
    };
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [listed(image), listed(&chart)],
    });
    let media_type = "application/vnd.oci.image.index.v1+json";
    registry.put_manifest("charts/a", "3.0.0", media_type, index.to_string().as_bytes());
    assert_eq!(version(&format!("{reference}:3.0.0"), &options).await.unwrap(), "1.1.0");
}

#[tokio::test]
async fn images_are_pushed_with_the_credentials_of_the_registry() {
    let home = Home::new();
    let registry = Registry::start(Guard::Bearer, None).await;
    let name = format!("{}/team/operator:1.2.3", registry.host());
    let blobs: [&[u8]; 2] = [b"configuration", b"layer"];
    let push = |access| {
        let (name, settings) = (name.clone(), home.settings());
        async move { repository::push_image(&name, blobs.into_iter(), "{}", &access, &settings).await }
    };
    assert!(push(plain()).await.is_err());
    registry.requests();
    push(known()).await.unwrap();
    assert_eq!(registry.manifest("team/operator", "1.2.3"), b"{}");
    let uploads = |registry: &Registry| {
        registry
            .requests()
            .iter()
            .filter(|request| request.starts_with("PUT") && request.contains("blobs"))
            .count()
    };
    assert_eq!(uploads(&registry), 2);
    // What is there is not uploaded again.
    push(known()).await.unwrap();
    assert_eq!(uploads(&registry), 0);
}
