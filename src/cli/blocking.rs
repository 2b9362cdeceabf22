//! Waiting for the network in commands that do nothing else meanwhile.

use std::future::Future;
use std::process::ExitCode;

/// Runs a future to its end, also from inside of a command that runs on several threads.
pub(super) fn wait<T, E: ToString>(future: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    if let Ok(running) = tokio::runtime::Handle::try_current() {
        return tokio::task::block_in_place(|| running.block_on(future)).map_err(|error| error.to_string());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(future).map_err(|error| error.to_string())
}

/// Ends a command as Helm does.
pub(super) fn finish(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("Error: {message}");
            ExitCode::FAILURE
        }
    }
}
