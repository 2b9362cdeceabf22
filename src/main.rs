//! The `daytwo` binary: hands the command line to [`daytwo::cli`].

fn main() -> std::process::ExitCode {
    daytwo::cli::main()
}
