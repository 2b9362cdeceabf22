//! `daytwo dump`: brings dumps from a directory to a bucket and back.
//!
//! The Jobs of `mysqldump` and `mysqlrestore` run it before and after the client programs. What is told of a dump
//! stands beside it in `FILE.json`; it is stored last, so that a dump that it tells of is whole.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::blocking::{finish, wait};
use crate::bucket::{Bucket, Settings};
use crate::http::Authorities;

/// The command.
#[derive(Args)]
pub(super) struct Dump {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Store a dump in the bucket, remove it from the directory, and print what is told of it
    Store(Of),
    /// Fetch a dump from the bucket
    Fetch {
        #[command(flatten)]
        of: Of,
        /// Fetch only what is told of it, if there is a dump
        #[arg(long)]
        summary: bool,
    },
    /// Remove a dump from the bucket
    Remove(Of),
}

#[derive(Args)]
struct Of {
    /// The dump: its path in the directory, and in the bucket behind the prefix
    file: String,
    /// The directory
    #[arg(long, default_value = ".")]
    directory: PathBuf,
    #[command(flatten)]
    store: Store,
}

/// The bucket; variables are named as those of AWS's own tools.
#[derive(Args)]
struct Store {
    /// The bucket
    #[arg(long)]
    bucket: String,
    /// What stands before the names of dumps in the bucket
    #[arg(long, default_value = "")]
    prefix: String,
    /// The address of the store; that of AWS in the region unless given
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL")]
    endpoint: Option<String>,
    /// The region
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    region: String,
    /// Name the bucket in the path of addresses instead of their host
    #[arg(long)]
    path_style: bool,
    /// The id of the access key
    #[arg(long, env = "AWS_ACCESS_KEY_ID", hide_env_values = true, value_name = "ID")]
    access_key_id: String,
    // Secrets are no arguments: others on the machine see those.
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide = true, hide_env_values = true)]
    secret_access_key: String,
    #[arg(long, env = "AWS_SESSION_TOKEN", hide = true, hide_env_values = true)]
    session_token: Option<String>,
    /// Certificates of authorities to trust instead of the system's: a file, or the text of one
    #[arg(long, env = "AWS_CA_BUNDLE", hide_env_values = true, value_name = "PEM")]
    ca_bundle: Option<String>,
}

impl Dump {
    pub(super) fn run(self) -> ExitCode {
        // Requests that are tried again are told of.
        let terminal = std::io::stderr().is_terminal();
        let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false);
        let _ = log.with_ansi(terminal).try_init();
        finish(wait(async {
            match &self.what {
                What::Store(of) => of.store().await,
                What::Fetch { of, summary } => of.fetch(*summary).await,
                What::Remove(of) => of.remove().await,
            }
        }))
    }
}

impl Of {
    async fn store(&self) -> Result<(), String> {
        let bucket = self.bucket()?;
        let (dump, summary) = (self.path(""), self.path(SUMMARY));
        if dump.exists() {
            let bytes = put(&bucket, &self.key(""), &dump).await?;
            put(&bucket, &self.key(SUMMARY), &summary).await?;
            println!("{} of {}: {bytes} bytes stored", self.key(""), self.store.bucket);
        }
        let told = std::fs::read_to_string(&summary);
        let told = told.map_err(|error| format!("{}: {error}", summary.display()))?;
        for file in [&dump, &summary] {
            if let Err(error) = std::fs::remove_file(file)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                eprintln!("{}: {error}", file.display());
            }
        }
        println!("{}", told.trim_end());
        Ok(())
    }

    async fn fetch(&self, only_summary: bool) -> Result<(), String> {
        let bucket = self.bucket()?;
        self.get(&bucket, SUMMARY).await?;
        if only_summary {
            return Ok(());
        }
        match self.get(&bucket, "").await? {
            true => Ok(()),
            false => {
                Err(format!("there is no dump {:?} in the bucket {:?}", self.key(""), self.store.bucket))
            }
        }
    }

    async fn remove(&self) -> Result<(), String> {
        let bucket = self.bucket()?;
        // In this order: what is told of is whole.
        for end in [SUMMARY, ""] {
            bucket.delete(&self.key(end)).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn get(&self, bucket: &Bucket, end: &str) -> Result<bool, String> {
        let file = self.path(end);
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory)
                .map_err(|error| format!("{}: {error}", directory.display()))?;
        }
        bucket.get(&self.key(end), &file).await.map_err(|error| error.to_string())
    }

    fn path(&self, end: &str) -> PathBuf {
        self.directory.join(format!("{}{end}", self.file))
    }

    fn key(&self, end: &str) -> String {
        let prefix = self.store.prefix.trim_matches('/');
        let separator = if prefix.is_empty() { "" } else { "/" };
        format!("{prefix}{separator}{}{end}", self.file)
    }

    fn bucket(&self) -> Result<Bucket, String> {
        let Store { bucket, endpoint, region, path_style, .. } = &self.store;
        let Store { access_key_id, secret_access_key, session_token, .. } = &self.store;
        let settings = Settings {
            bucket: bucket.clone(),
            endpoint: endpoint.clone(),
            region: region.clone(),
            path_style: *path_style,
            access_key_id: access_key_id.clone(),
            secret_access_key: secret_access_key.clone(),
            session_token: session_token.clone().filter(|token| !token.is_empty()),
            ca: self.store.ca(),
        };
        Bucket::new(settings).map_err(|error| error.to_string())
    }
}

impl Store {
    fn ca(&self) -> Option<Authorities> {
        let given = self.ca_bundle.clone().filter(|given| !given.is_empty())?;
        Some(if given.contains("-----BEGIN") {
            Authorities::Text(given)
        } else {
            Authorities::File(given.into())
        })
    }
}

/// How the name of what is told of a dump ends.
const SUMMARY: &str = ".json";

async fn put(bucket: &Bucket, key: &str, file: &Path) -> Result<u64, String> {
    bucket.put(key, file).await.map_err(|error| error.to_string())
}
