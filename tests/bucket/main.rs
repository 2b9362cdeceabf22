//! Files in a bucket of a real store, which checks signatures: what is stored comes back, in one part or in many, and
//! what is refused says why. `tests/bucket/run` names the store's program in the environment.

#![allow(missing_docs, clippy::unwrap_used)]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use daytwo::bucket::{Bucket, Error, Settings};
use daytwo::http::Authorities;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const KEY: (&str, &str) = ("daytwo", "s3cret/with+signs");

/// The store with one bucket, `dumps`; it ends with the test.
struct Store {
    process: Child,
    directory: TempDir,
    endpoint: String,
}

impl Store {
    fn start() -> Self {
        let program = std::env::var_os("DAYTWO_OBJECT_STORE")
            .expect("DAYTWO_OBJECT_STORE names the store; see tests/bucket/run");
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("dumps")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--access-key", KEY.0, "--secret-key", KEY.1])
            .arg(directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, directory, endpoint: format!("http://127.0.0.1:{port}") }
    }

    fn settings(&self) -> Settings {
        Settings {
            bucket: "dumps".to_owned(),
            endpoint: Some(self.endpoint.clone()),
            region: "us-east-1".to_owned(),
            path_style: true,
            access_key_id: KEY.0.to_owned(),
            secret_access_key: KEY.1.to_owned(),
            session_token: None,
            ca: None,
        }
    }

    fn bucket(&self) -> Bucket {
        Bucket::new(self.settings()).unwrap()
    }

    /// `daytwo dump` with its words, in a directory.
    fn dump(&self, directory: &Path, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_daytwo"))
            .arg("dump")
            .args(words)
            .args(["--bucket", "dumps", "--prefix", "shop/db/", "--path-style"])
            .args(["--endpoint", &self.endpoint, "--directory"])
            .arg(directory)
            .env("AWS_ACCESS_KEY_ID", KEY.0)
            .env("AWS_SECRET_ACCESS_KEY", KEY.1)
            .output()
            .unwrap()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Bytes of which no two parts are the same.
fn content(length: usize) -> Vec<u8> {
    (0..length as u32 / 4).flat_map(u32::to_le_bytes).collect()
}

#[tokio::test]
async fn files_come_back_as_they_were_in_one_part_and_in_many() {
    let store = Store::start();
    let bucket = store.bucket().with_parts_of(5 << 20);
    let here = tempfile::tempdir().unwrap();
    for (key, length) in
        [("empty", 0), ("small", 100), ("a part/with spaces & üñí", 5 << 20), ("large", 12 << 20)]
    {
        let (from, to) = (here.path().join("from"), here.path().join("to"));
        std::fs::write(&from, content(length)).unwrap();
        assert_eq!(bucket.put(key, &from).await.unwrap(), length as u64, "{key}");
        assert!(bucket.get(key, &to).await.unwrap(), "{key}");
        assert_eq!(std::fs::read(&to).unwrap(), content(length), "{key}");
        bucket.delete(key).await.unwrap();
        assert!(!bucket.get(key, &to).await.unwrap(), "{key}");
    }
    bucket.delete("never there").await.unwrap();
}

#[tokio::test]
async fn a_refusal_says_why() {
    let store = Store::start();
    let file = store.directory.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let refused = async |settings| Bucket::new(settings).unwrap().put("key", &file).await.unwrap_err();
    let code = |error| match error {
        Error::Refused { code, .. } => code,
        other => panic!("{other}"),
    };
    let wrong = Settings { secret_access_key: "wrong".to_owned(), ..store.settings() };
    let error = refused(wrong).await;
    assert!(error.to_string().contains("is the secret access key right"), "{error}");
    assert_eq!(code(error), "SignatureDoesNotMatch");
    assert!(matches!(
        Bucket::new(Settings { endpoint: Some("s3.local".into()), ..store.settings() }),
        Err(Error::Settings(_))
    ));
}

/// Makes what is behind `target` reachable with TLS; where, and the certificate of the authority.
async fn with_tls(target: String) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config =
        ServerConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, target) = (acceptor.clone(), target.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate goes away.
                let Ok(mut inner) = acceptor.accept(stream).await else { return };
                let mut outer = tokio::net::TcpStream::connect(target).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
            });
        }
    });
    let text = base64::engine::general_purpose::STANDARD.encode(made.cert.der());
    (address, format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"))
}

#[tokio::test]
async fn a_store_with_an_authority_of_its_own_is_trusted_when_it_is_given() {
    let store = Store::start();
    let (address, pem) = with_tls(store.endpoint.trim_start_matches("http://").to_owned()).await;
    let endpoint = Some(format!("https://localhost:{}", address.port()));
    let file = store.directory.path().join("file");
    std::fs::write(&file, "x").unwrap();

    let trusting =
        Settings { endpoint: endpoint.clone(), ca: Some(Authorities::Text(pem)), ..store.settings() };
    assert_eq!(Bucket::new(trusting).unwrap().put("key", &file).await.unwrap(), 1);
    let unreadable = Settings {
        endpoint: endpoint.clone(),
        ca: Some(Authorities::Text("-----BEGIN".into())),
        ..store.settings()
    };
    let error = Bucket::new(unreadable).unwrap().put("key", &file).await.unwrap_err();
    assert!(error.to_string().contains("no certificate in it"), "{error}");
    let distrusting = Settings { endpoint, ..store.settings() };
    let error = Bucket::new(distrusting).unwrap().put("key", &file).await.unwrap_err();
    assert!(error.to_string().contains("is not trusted"), "{error}");
}

#[test]
fn dumps_are_stored_with_what_is_told_of_them_and_fetched() {
    let store = Store::start();
    let here = tempfile::tempdir().unwrap();
    std::fs::create_dir(here.path().join("daily")).unwrap();
    let (dump, summary) = (here.path().join("daily/1.sql.gz"), here.path().join("daily/1.sql.gz.json"));
    std::fs::write(&dump, content(1000)).unwrap();
    std::fs::write(&summary, "{\"rows\": 7}\n").unwrap();
    let text = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();

    let stored = store.dump(here.path(), &["store", "daily/1.sql.gz"]);
    assert!(stored.status.success(), "{stored:?}");
    assert_eq!(text(&stored).lines().last(), Some("{\"rows\": 7}"));
    assert!(!dump.exists() && !summary.exists(), "what is in the bucket takes no room here");
    assert!(store.directory.path().join("dumps/shop/db/daily/1.sql.gz").exists());

    // A dump that is there is only told of.
    assert!(store.dump(here.path(), &["fetch", "--summary", "daily/1.sql.gz"]).status.success());
    assert!(summary.exists() && !dump.exists());
    assert_eq!(text(&store.dump(here.path(), &["store", "daily/1.sql.gz"])), "{\"rows\": 7}\n");

    let other = tempfile::tempdir().unwrap();
    assert!(store.dump(other.path(), &["fetch", "daily/1.sql.gz"]).status.success());
    assert_eq!(std::fs::read(other.path().join("daily/1.sql.gz")).unwrap(), content(1000));
    assert!(store.dump(other.path(), &["remove", "daily/1.sql.gz"]).status.success());
    let gone = store.dump(other.path(), &["fetch", "daily/1.sql.gz"]);
    let told = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(!gone.status.success());
    assert_eq!(told, "Error: there is no dump \"shop/db/daily/1.sql.gz\" in the bucket \"dumps\"\n");
    assert!(store.dump(other.path(), &["fetch", "--summary", "daily/1.sql.gz"]).status.success());
}
