//! `daytwo completion` and `daytwo man`: what shells and `man` read, made from the flags themselves.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::blocking::finish;

/// Flags of `daytwo completion`.
#[derive(Args)]
pub(super) struct Completion {
    /// The shell that is to complete daytwo's command line
    shell: Shell,
}

/// Flags of `daytwo man`.
#[derive(Args)]
pub(super) struct ManPages {
    /// Write the pages of daytwo and of all its commands into this directory instead of printing daytwo's
    #[arg(long, value_name = "DIRECTORY")]
    output_dir: Option<PathBuf>,
}

impl Completion {
    pub(super) fn run(self, mut program: Command) -> ExitCode {
        let name = program.get_name().to_owned();
        // In memory first: clap_complete panics when it cannot write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, name, &mut script);
        finish(std::io::stdout().lock().write_all(&script).map_err(|error| error.to_string()))
    }
}

impl ManPages {
    pub(super) fn run(self, program: Command) -> ExitCode {
        let written = match self.output_dir {
            Some(directory) => std::fs::create_dir_all(&directory)
                .and_then(|()| clap_mangen::generate_to(program, &directory)),
            None => Man::new(program).render(&mut std::io::stdout().lock()),
        };
        finish(written.map_err(|error| error.to_string()))
    }
}
