//! Beside the real Helm (3 and 4), and with a real registry when there is one: what one writes, the other reads;
//! what both write is equal. `tests/repository/run` names them in the environment.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, dead_code)]

mod fixture;
mod registry;
mod server;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use fixture::{Home, publish, write_chart};
use registry::{Guard, Registry};
use server::{Authority, Server};

/// The programs that `DAYTWO_HELM` names, separated by colons.
fn helms() -> Vec<PathBuf> {
    let programs =
        std::env::var_os("DAYTWO_HELM").expect("DAYTWO_HELM names the Helms; see tests/repository/run");
    std::env::split_paths(&programs).collect()
}

const DAYTWO: &str = env!("CARGO_BIN_EXE_daytwo");

/// Runs a program in a home; what it printed, if it succeeded.
async fn run(program: impl AsRef<Path>, home: &Home, arguments: &[&str]) -> String {
    let output = attempt(program.as_ref(), home, arguments).await;
    output.unwrap_or_else(|error| panic!("{} {arguments:?}: {error}", program.as_ref().display()))
}

async fn attempt(program: &Path, home: &Home, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).envs(home.variables()).env("TZ", "UTC").current_dir(home.directory.path());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn unpacked(archive: &Path) -> Vec<u8> {
    let mut data = Vec::new();
    let packed = std::fs::read(archive).unwrap();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut data).unwrap();
    data
}

/// The fields of the header: everything before the compressed data.
fn header(archive: &Path) -> Vec<u8> {
    let packed = std::fs::read(archive).unwrap();
    let end = packed.windows(5).position(|window| window == b"Helm\0").unwrap() + 5;
    packed[..end].to_vec()
}

#[tokio::test]
async fn packages_are_equal() {
    for helm in helms() {
        let home = Home::new();
        let chart = home.chart("parent", "1.2.3+build", "maintainers: [{name: A}]\nannotations: {a: b}\n");
        write_chart(&chart.join("charts/child"), "child", "0.1.0", "");
        let deep = chart.join("files").join("d".repeat(80)).join("e".repeat(60));
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("ä long name"), "x").unwrap();
        std::fs::write(deep.join("f".repeat(90)), "y").unwrap();
        std::fs::write(chart.join("values.schema.json"), "{}").unwrap();
        std::fs::write(chart.join(".helmignore"), "*.bak\n").unwrap();
        std::fs::write(chart.join("a.bak"), "no").unwrap();
        for (program, out) in [(helm.as_path(), "helm"), (Path::new(DAYTWO), "daytwo")] {
            std::fs::create_dir(home.path(out)).unwrap();
            run(program, &home, &["package", "parent", "-d", out, "--app-version", "9"]).await;
        }
        let [theirs, ours] = ["helm", "daytwo"].map(|out| home.path(out).join("parent-1.2.3+build.tgz"));
        assert_eq!(unpacked(&theirs), unpacked(&ours), "{}", helm.display());
        assert_eq!(header(&theirs), header(&ours));
    }
}

/// The lock without the time at which it was made.
fn lock(chart: &Path) -> String {
    let text = std::fs::read_to_string(chart.join("Chart.lock")).unwrap();
    text.lines().filter(|line| !line.starts_with("generated:")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn locks_are_equal_and_serve_both() {
    for helm in helms() {
        let (home, server) = (Home::new(), Server::start().await);
        publish(&server, &[("alpine", "1.0.0"), ("alpine", "1.1.0"), ("mysql", "2.0.0")]);
        write_chart(&home.path("beside"), "beside", "0.3.0", "");
        run(&helm, &home, &["repo", "add", "test", &server.url()]).await;
        let dependencies = format!(
            "dependencies:\n\
             - {{name: beside, version: \">=0.1.0 <1\", repository: \"file://../beside\", tags: [t]}}\n\
             - {{name: alpine, version: ^1.0.0, repository: \"{}\", condition: alpine.enabled}}\n\
             - {{name: mysql, version: \"*\", repository: \"@test\", alias: db, import-values: [data]}}\n",
            server.url()
        );
        let chart = home.chart("parent", "1.0.0", &dependencies);
        run(&helm, &home, &["dependency", "update", "parent"]).await;
        let theirs = lock(&chart);
        run(DAYTWO, &home, &["dependency", "build", "parent"]).await;
        std::fs::remove_file(chart.join("Chart.lock")).unwrap();
        std::fs::remove_dir_all(chart.join("charts")).unwrap();
        run(DAYTWO, &home, &["dependency", "update", "parent"]).await;
        assert_eq!(theirs, lock(&chart), "{}", helm.display());
        run(&helm, &home, &["dependency", "build", "parent"]).await;
        let listed = ["dependency", "list", "parent"];
        assert_eq!(run(&helm, &home, &listed).await, run(DAYTWO, &home, &listed).await);
        let rendered = ["template", "parent", "--set", "colour=red"];
        assert_eq!(run(&helm, &home, &rendered).await, run(DAYTWO, &home, &rendered).await);
    }
}

#[tokio::test]
async fn repositories_are_shared() {
    for helm in helms() {
        let home = Home::new();
        let authority = Authority::new(home.directory.path());
        let server = Server::with(Some("user:pw"), Some(authority.tls(true))).await;
        publish(&server, &[("alpine", "1.0.0"), ("alpine", "2.0.0-rc.1"), ("mysql", "2.0.0")]);
        let [ca, certificate, key] = [&authority.ca, &authority.client_certificate, &authority.client_key]
            .map(|path| path.to_str().unwrap().to_owned());
        for (program, name) in [(helm.as_path(), "theirs"), (Path::new(DAYTWO), "ours")] {
            let url = server.url();
            let added = run(
                program,
                &home,
                &[
                    "repo",
                    "add",
                    name,
                    &url,
                    "--username",
                    "user",
                    "--password",
                    "pw",
                    "--ca-file",
                    &ca,
                    "--cert-file",
                    &certificate,
                    "--key-file",
                    &key,
                ],
            )
            .await;
            assert_eq!(added, format!("\"{name}\" has been added to your repositories\n"));
        }
        for arguments in [
            &["repo", "list"][..],
            &["repo", "list", "-o", "yaml"],
            &["search", "repo", "alp"],
            &["search", "repo", "--versions", "--devel", "-o", "json"],
            &["show", "all", "ours/alpine"],
            &["show", "values", "theirs/mysql"],
            &["template", "x", "theirs/alpine", "--version", "^1"],
        ] {
            let [theirs, ours] = [run(&helm, &home, arguments).await, run(DAYTWO, &home, arguments).await];
            assert_eq!(theirs, ours, "{} {arguments:?}", helm.display());
        }
        run(&helm, &home, &["repo", "update", "ours"]).await;
        run(DAYTWO, &home, &["repo", "update"]).await;
        run(&helm, &home, &["pull", "ours/alpine", "--untar"]).await;
        run(DAYTWO, &home, &["repo", "remove", "theirs"]).await;
        run(&helm, &home, &["repo", "remove", "ours"]).await;
    }
}

/// Charts go both ways through a registry.
async fn exchange(helm: &Path, home: &Home, host: &str) {
    let (host, remote) = (host.to_owned(), format!("oci://{host}/charts"));
    let login = ["registry", "login", &host, "--plain-http", "-u", "user", "-p", "password"];
    run(helm, home, &login).await;
    for version in ["1.0.0", "1.1.0+build.1"] {
        home.chart(
            "a",
            version,
            "maintainers: [{name: A, email: a@example}]\nhome: https://example/?a=1&b=2\n",
        );
        run(DAYTWO, home, &["package", "a"]).await;
        let archive = format!("a-{version}.tgz");
        let ours = run(DAYTWO, home, &["push", &archive, &remote, "--plain-http"]).await;
        // The digest tells whether manifests are equal to the byte.
        let theirs = attempt(helm, home, &["push", &archive, &remote, "--plain-http"]).await.unwrap();
        let digest = |text: &str| text.lines().find(|line| line.starts_with("Digest: ")).map(str::to_owned);
        if let Some(theirs) = digest(&theirs) {
            assert_eq!(digest(&ours).unwrap(), theirs, "{}", helm.display());
        }
    }
    for arguments in [
        &["show", "chart", &format!("{remote}/a"), "--plain-http"][..],
        &["show", "chart", &format!("{remote}/a:1.0.0"), "--plain-http"],
        &["template", "x", &format!("{remote}/a"), "--plain-http", "--version", "~1.0"],
    ] {
        let [theirs, ours] = [run(helm, home, arguments).await, run(DAYTWO, home, arguments).await];
        assert_eq!(theirs, ours, "{} {arguments:?}", helm.display());
    }
    for (program, out) in [(helm, "helm"), (Path::new(DAYTWO), "daytwo")] {
        let reference = format!("{remote}/a");
        let pull = ["pull", &reference, "--version", "1.1.0+build.1", "-d", out, "--plain-http"];
        std::fs::create_dir_all(home.path(out)).unwrap();
        run(program, home, &pull).await;
    }
    let [theirs, ours] =
        ["helm", "daytwo"].map(|out| std::fs::read(home.path(out).join("a-1.1.0+build.1.tgz")));
    assert_eq!(theirs.unwrap(), ours.unwrap());
}

#[tokio::test]
async fn registries_are_shared() {
    for helm in helms() {
        for guard in [Guard::Basic, Guard::Bearer] {
            let registry = Registry::start(guard, None).await;
            exchange(&helm, &Home::new(), &registry.host()).await;
        }
    }
}

/// With the registry of the distribution project, which `DAYTWO_REGISTRY` names.
#[tokio::test]
async fn a_real_registry_is_shared() {
    let program = std::env::var_os("DAYTWO_REGISTRY").expect("DAYTWO_REGISTRY names the registry's program");
    for helm in helms() {
        let home = Home::new();
        // user:password with bcrypt, as htpasswd writes it.
        let password = bcrypt::hash("password", 4).unwrap();
        std::fs::write(home.path("htpasswd"), format!("user:{password}\n")).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {root}}}}}\n\
             http: {{addr: 127.0.0.1:{port}, secret: x}}\nauth: {{htpasswd: {{realm: test, path: {passwords}}}}}\n",
            root = home.path("store").display(),
            passwords = home.path("htpasswd").display(),
        );
        std::fs::write(home.path("registry.yaml"), config).unwrap();
        let mut process = Command::new(&program)
            .args(["serve", home.path("registry.yaml").to_str().unwrap()])
            .env("OTEL_TRACES_EXPORTER", "none")
            .spawn()
            .unwrap();
        let mut tries = 0;
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tries += 1;
            assert!(tries < 600 && process.try_wait().unwrap().is_none(), "the registry does not start");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let exchanged =
            tokio::spawn(async move { exchange(&helm, &home, &format!("localhost:{port}")).await }).await;
        process.kill().unwrap();
        process.wait().unwrap();
        exchanged.unwrap();
    }
}
