//! The operator under test: the binary as a process, in a project directory, for one namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::cluster::Namespace;

/// A running `daytwo run`, ended with SIGKILL when dropped.
pub struct Operator {
    process: Child,
    log: PathBuf,
}

/// A directory with `watches.yaml` and what it names.
pub struct Project {
    directory: TempDir,
}

impl Project {
    /// The project of this repository: `Hello` and `MySQL`.
    pub fn own() -> Self {
        let project =
            Self::with_watches(&fs::read_to_string(super::project().join("watches.yaml")).expect("readable"));
        for content in ["charts", "roles"] {
            let copied = Command::new("cp")
                .arg("-r")
                .args([super::project().join(content).as_path(), project.directory.path()])
                .status();
            assert!(copied.is_ok_and(|status| status.success()), "{content} can be copied");
        }
        project
    }

    /// A project with nothing but these watches.
    pub fn with_watches(watches: &str) -> Self {
        let project = Self { directory: TempDir::new().expect("a temporary directory") };
        project.write("watches.yaml", watches);
        project
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("files stand in directories"))
            .expect("directories can be made");
        fs::write(path, text).expect("files can be written");
    }

    /// The whole path of a file of the project.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// Starts the operator for a namespace, as the user of `KUBECONFIG` or of `kubeconfig`.
    pub fn run(&self, namespace: &Namespace, kubeconfig: Option<&Path>) -> Operator {
        self.run_with(namespace, kubeconfig, "operator", &[], &[])
    }

    /// Starts one of several operators, each with a log of its own, with flags and variables.
    pub fn run_with(
        &self,
        namespace: &Namespace,
        kubeconfig: Option<&Path>,
        name: &str,
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> Operator {
        let log = self.path(&format!("{name}.log"));
        let file =
            fs::OpenOptions::new().create(true).append(true).open(&log).expect("the log can be written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_daytwo"));
        command
            .args(["run", "--watches-file=watches.yaml"])
            .args(["--metrics-bind-address=0", "--health-probe-bind-address=0"])
            .args(flags)
            .envs(variables.iter().copied())
            .current_dir(self.directory.path())
            .env("WATCH_NAMESPACE", &namespace.name)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("files can be shared"))
            .stderr(file);
        if let Some(kubeconfig) = kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        Operator { process: command.spawn().expect("the operator starts"), log }
    }
}

impl Operator {
    /// Ends the process with SIGKILL, in the middle of whatever it does.
    pub fn kill(mut self) {
        self.process.kill().expect("the process can be killed");
        self.process.wait().expect("the process ends");
    }

    /// The process' number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for the process to end by itself.
    pub fn wait(mut self) -> std::process::ExitStatus {
        self.process.wait().expect("the process ends")
    }

    /// What the operator logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("the process lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("processes have memory");
        line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("memory is a number")
    }

    /// Processor time used so far, in user and system mode.
    pub fn cpu(&self) -> Duration {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("the process lives");
        let after_name = stat.rsplit_once(')').expect("the name stands in parentheses").1;
        let ticks: u64 =
            after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
        // USER_HZ is 100 on every Linux that users see.
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // When the process ended before, there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the operator\n{}", self.log());
        }
    }
}
