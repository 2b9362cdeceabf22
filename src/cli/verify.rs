//! `daytwo verify`: verifies an archive by the provenance file beside it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::blocking::finish;
use crate::repository;

/// The command.
#[derive(Args)]
pub(super) struct Verify {
    /// The archive
    chart: PathBuf,
    /// Keyring containing public keys [default: GnuPG's]
    #[arg(long, value_name = "FILE")]
    keyring: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(self) -> ExitCode {
        let keyring = self.keyring.unwrap_or_else(repository::default_keyring);
        let verified = repository::verify(&self.chart, &keyring).map_err(|error| error.to_string());
        finish(verified.map(|verified| verified.lines().iter().for_each(|line| println!("{line}"))))
    }
}
