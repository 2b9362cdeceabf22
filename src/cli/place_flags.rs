//! The flags that find a chart: where Helm keeps what it knows, versions, repositories, credentials.

use std::path::PathBuf;

use clap::Args;

use crate::repository::{self, Access, Options, Settings, default_keyring};

/// Where Helm keeps what it knows; the environment says it, the flags win.
#[derive(Args, Clone, Default)]
pub(super) struct SettingsFlags {
    /// Path to the file containing repository names and URLs
    #[arg(long, value_name = "FILE")]
    repository_config: Option<PathBuf>,
    /// Path to the directory containing cached repository indexes
    #[arg(long, value_name = "DIRECTORY")]
    repository_cache: Option<PathBuf>,
    /// Path to the directory containing cached content (e.g. charts)
    #[arg(long, value_name = "DIRECTORY")]
    content_cache: Option<PathBuf>,
    /// Path to the registry config file
    #[arg(long, value_name = "FILE")]
    registry_config: Option<PathBuf>,
}

impl SettingsFlags {
    pub(super) fn settings(&self) -> Settings {
        let mut settings = Settings::from_environment();
        for (flag, own) in [
            (&self.repository_config, &mut settings.repository_config),
            (&self.repository_cache, &mut settings.repository_cache),
            (&self.content_cache, &mut settings.content_cache),
            (&self.registry_config, &mut settings.registry_config),
        ] {
            if let Some(path) = flag {
                own.clone_from(path);
            }
        }
        settings
    }
}

/// How to reach servers.
#[derive(Args, Clone, Default)]
pub(super) struct AccessFlags {
    /// Chart repository username
    #[arg(long, value_name = "NAME", default_value = "")]
    username: String,
    /// Chart repository password
    #[arg(long, default_value = "", hide_default_value = true)]
    password: String,
    /// Identify HTTPS client using this SSL certificate file
    #[arg(long, value_name = "FILE")]
    cert_file: Option<PathBuf>,
    /// Identify HTTPS client using this SSL key file
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Verify certificates of HTTPS-enabled servers using this CA bundle
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Skip tls certificate checks for the chart download
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// Use insecure HTTP connections to registries
    #[arg(long)]
    plain_http: bool,
}

impl AccessFlags {
    pub(super) fn access(&self) -> Access {
        Access {
            username: self.username.clone(),
            password: self.password.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            ca_file: self.ca_file.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            pass_credentials: false,
            plain_http: self.plain_http,
        }
    }
}

/// Whether and how provenance is verified.
#[derive(Args, Clone, Default)]
pub(super) struct VerifyFlags {
    /// Verify the package before using it
    #[arg(long)]
    verify: bool,
    /// Location of public keys used for verification [default: GnuPG's]
    #[arg(long, value_name = "FILE")]
    keyring: Option<PathBuf>,
}

impl VerifyFlags {
    /// The keyring, if there shall be a verification.
    pub(super) fn keyring(&self) -> Option<PathBuf> {
        self.verify.then(|| self.keyring.clone().unwrap_or_else(default_keyring))
    }
}

/// All flags of the commands that take a chart.
#[derive(Args, Clone, Default)]
pub(super) struct PlaceFlags {
    /// Specify a version constraint for the chart version to use [default: the latest]
    #[arg(long, default_value = "", hide_default_value = true)]
    version: String,
    /// Use development versions, too; the same as --version '>0.0.0-0'
    #[arg(long)]
    devel: bool,
    /// Chart repository url where to locate the requested chart
    #[arg(long, value_name = "URL")]
    repo: Option<String>,
    /// Pass credentials to all domains
    #[arg(long)]
    pass_credentials: bool,
    #[command(flatten)]
    verify: VerifyFlags,
    #[command(flatten)]
    access: AccessFlags,
    #[command(flatten)]
    settings: SettingsFlags,
}

impl PlaceFlags {
    /// What the flags say.
    pub(super) fn options(&self) -> Options {
        let version = match self.version.trim() {
            "" if self.devel => repository::ANY_VERSION,
            version => version,
        };
        Options {
            settings: self.settings.settings(),
            version: version.to_owned(),
            repository: self.repo.clone().filter(|url| !url.is_empty()),
            access: Access { pass_credentials: self.pass_credentials, ..self.access.access() },
            keyring: self.verify.keyring(),
        }
    }
}
