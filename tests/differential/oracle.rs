//! The process that runs the real Helm.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::case::{Case, Outcome, driver};

/// The real Helm.
pub(crate) struct Oracle {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Ok(String),
    Error(String),
}

impl Oracle {
    /// Starts it with the interpreter that `DAYTWO_HELM_PYTHON` names.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn start() -> Result<Self, String> {
        let python = std::env::var("DAYTWO_HELM_PYTHON")
            .map_err(|_| "DAYTWO_HELM_PYTHON is not set: use tests/differential/run")?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/oracle.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start the real Helm: {error}"))?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        Ok(Self { child, stdin, stdout })
    }

    /// What Helm makes of the cases; `None` for a case that kills it.
    ///
    /// # Errors
    /// When Helm cannot be started again, or answers nonsense.
    pub(crate) fn outcomes(&mut self, cases: &[Case]) -> Result<Vec<Option<Outcome>>, String> {
        if let Some(outcomes) = self.ask(cases)? {
            return Ok(outcomes.into_iter().map(Some).collect());
        }
        *self = Self::start()?;
        let mut outcomes = Vec::new();
        for case in cases {
            let outcome = self.ask(std::slice::from_ref(case))?.and_then(|mut outcomes| outcomes.pop());
            if outcome.is_none() {
                *self = Self::start()?;
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Asks; `None` when Helm died.
    fn ask(&mut self, cases: &[Case]) -> Result<Option<Vec<Outcome>>, String> {
        let mut answers = Vec::new();
        for (request, count) in requests(cases) {
            let line = format!("{request}\n");
            let written = self.stdin.as_mut().map(|stdin| stdin.write_all(line.as_bytes()));
            let mut answer = String::new();
            if !matches!(written, Some(Ok(()))) || !matches!(self.stdout.read_line(&mut answer), Ok(1..)) {
                return Ok(None);
            }
            let answer: Vec<Answer> = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
            if answer.len() != count {
                return Err("the real Helm left a case out".into());
            }
            answers.extend(answer);
        }
        let outcome = |(answer, case): (Answer, &Case)| match answer {
            Answer::Ok(text) => case.read(&text).map(Ok),
            Answer::Error(text) => Ok(Err(text)),
        };
        answers.into_iter().zip(cases).map(outcome).collect::<Result<_, _>>().map(Some)
    }
}

impl Drop for Oracle {
    /// The end of its input ends it, so that it removes its files.
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}

/// Cases as requests, those of one chart together, each with the number of its cases.
fn requests(cases: &[Case]) -> Vec<(Value, usize)> {
    let mut requests: Vec<(Value, usize)> = Vec::new();
    let mut driving = false;
    for case in cases {
        match case {
            Case::Template { .. } => {
                let values = json!(case.values().to_string());
                if let (true, Some((request, count))) = (driving, requests.last_mut()) {
                    if let Some(all) = request["values"].as_array_mut() {
                        all.push(values);
                        *count += 1;
                    }
                } else {
                    requests.push((json!({"chart": driver(), "values": [values]}), 1));
                }
            }
            Case::Chart { files, .. } => {
                requests.push((json!({"chart": files, "values": [case.values().to_string()]}), 1));
            }
            Case::Set { text } => requests.push((json!({"set": [text]}), 1)),
        }
        driving = matches!(case, Case::Template { .. });
    }
    requests
}
