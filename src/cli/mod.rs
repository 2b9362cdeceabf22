//! The command line: one file per command; prints and exits, holds no logic that a library user would miss.

use std::process::ExitCode;

/// Parses the command line and runs the command that it names.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
