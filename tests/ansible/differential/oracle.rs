//! The process that runs the real ansible-core.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The real ansible-core.
pub(crate) struct Oracle {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts it with the interpreter that `DAYTWO_ANSIBLE_PYTHON` names.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn start() -> Result<Self, String> {
        let python = std::env::var("DAYTWO_ANSIBLE_PYTHON")
            .map_err(|_| "DAYTWO_ANSIBLE_PYTHON is not set: use tests/ansible/differential/run")?;
        let directory = crate::here();
        let mut child = Command::new(python)
            .arg(directory.join("oracle.py"))
            .arg(directory.join("vars.yml"))
            .env("ANSIBLE_CONFIG", directory.join("ansible.cfg"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the real ansible-core: {error}"))?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        Ok(Oracle { child, stdin, stdout })
    }

    /// What the templates give; nothing for one that takes too long.
    ///
    /// # Errors
    /// The process died.
    pub(crate) fn answers(&mut self, templates: &[String]) -> Result<Vec<Option<String>>, String> {
        if templates.is_empty() {
            return Ok(Vec::new());
        }
        let request = serde_json::to_string(templates).map_err(|error| error.to_string())?;
        let stdin = self.stdin.as_mut().ok_or("no stdin")?;
        stdin.write_all(format!("{request}\n").as_bytes()).map_err(|error| error.to_string())?;
        let mut line = String::new();
        self.stdout.read_line(&mut line).map_err(|error| error.to_string())?;
        let answers: Vec<Option<String>> =
            serde_json::from_str(&line).map_err(|error| format!("the real ansible-core died: {error}"))?;
        if answers.len() == templates.len() { Ok(answers) } else { Err("an answer is missing".to_owned()) }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
