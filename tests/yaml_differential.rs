//! YAML beside the real go-yaml on cases made here: see `fixtures/yaml/README.md` for the oracle.
//!
//! Run by `make test-yaml`, which builds the oracle. `DAYTWO_YAML_CASES` is the number of cases of each kind,
//! `DAYTWO_YAML_SEED` makes others of them.

use std::io::Write as _;
use std::process::{Command, Stdio};

#[path = "differential/pieces.rs"]
#[allow(dead_code, reason = "the other differential test uses the rest")]
mod pieces;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use daytwo::yaml::go;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use pieces::{CHARACTERS, YAML as PIECES};

/// Go's order of keys is not transitive beyond such simple ones.
const KEYS: &[&str] =
    &["a", "b", "a1", "a2", "a10", "A", "_a", "a-b", "a_b", "\u{e9}", "ab", "1", "2", "10", "a.b", "0a"];

struct Cases(StdRng);

impl Cases {
    fn string(&mut self, pieces: &[&str], longest: usize) -> String {
        let most = self.0.random_range(0..=longest);
        let length = self.0.random_range(0..=most);
        (0..length).map(|_| *pieces.choose(&mut self.0).expect("pieces")).collect()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.0.random_range(0..if depth == 0 { 6 } else { 10 }) {
            0 => [Value::Null, json!(true), json!(false)].choose(&mut self.0).cloned().unwrap_or_default(),
            1 => json!(f64::from(self.0.random_range(-1000..100_000))),
            2 => {
                let exponent = self.0.random_range(-10..25);
                json!(self.0.random::<f64>() * 10f64.powi(exponent))
            }
            3..6 => json!(self.string(CHARACTERS, 60)),
            6..8 => {
                let count = self.0.random_range(0..4);
                (0..count).map(|_| self.value(depth - 1)).collect()
            }
            8 => json!({ self.string(CHARACTERS, 40): self.value(depth - 1) }),
            _ => {
                let count = self.0.random_range(0..5);
                let keys: Vec<_> = KEYS.choose_multiple(&mut self.0, count).collect();
                keys.into_iter().map(|key| ((*key).to_owned(), self.value(depth - 1))).collect()
            }
        }
    }
}

fn ask(oracle: &str, requests: &[Value]) -> Vec<(bool, String)> {
    let mut child =
        Command::new(oracle).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the oracle runs");
    let mut stdin = child.stdin.take().expect("stdin");
    let input: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the oracle answers");
    writer.join().expect("no panic").expect("the oracle reads");
    let answer = |line: &[u8]| {
        let answer: Value = serde_json::from_slice(line).expect("JSON");
        let out = STANDARD.decode(answer["out"].as_str().unwrap_or("")).expect("base64");
        (answer["ok"] == true, String::from_utf8_lossy(&out).into_owned())
    };
    output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(answer).collect()
}

fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(floats).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, floats(value))).collect(),
        other => other,
    }
}

/// What is compared: the result, or that there is none.
fn compared(request: &Value, (ok, out): &(bool, String)) -> Option<String> {
    match request["op"].as_str() {
        _ if !ok => None,
        Some("read") => Some(floats(serde_json::from_str(out).expect("JSON")).to_string()),
        _ => Some(out.clone()),
    }
}

fn ours(request: &Value) -> Option<String> {
    match request["op"].as_str().expect("op") {
        "read" => {
            let text = STANDARD.decode(request["text"].as_str().expect("text")).expect("base64");
            go::parse(&text, go::Numbers::Float64).ok().map(|value| value.to_string())
        }
        "write" => go::marshal(&request["value"]).ok(),
        _ => go::marshal_pretty(&request["value"]).ok(),
    }
}

#[test]
fn go_yaml_agrees() {
    let oracle =
        std::env::var("DAYTWO_YAML_ORACLE").expect("DAYTWO_YAML_ORACLE names the oracle: make test-yaml");
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let count = number("DAYTWO_YAML_CASES").unwrap_or(10_000);
    let mut cases = Cases(StdRng::seed_from_u64(number("DAYTWO_YAML_SEED").unwrap_or(1)));
    let mut requests = Vec::new();
    for _ in 0..count {
        requests.push(json!({"op": "read", "text": STANDARD.encode(cases.string(PIECES, 20))}));
        let depth = cases.0.random_range(0..4);
        let value = cases.value(depth);
        requests.push(json!({"op": "write", "value": value}));
        requests.push(json!({"op": "pretty", "value": value}));
    }
    let answers = ask(&oracle, &requests);
    assert_eq!(answers.len(), requests.len());
    let mut different = 0;
    for (request, answer) in requests.iter().zip(&answers) {
        let (expected, found) = (compared(request, answer), ours(request));
        if expected != found {
            different += 1;
            if different <= 5 {
                eprintln!("{request}\n  expected {expected:?}\n  found    {found:?}");
            }
        }
    }
    println!("{} comparisons, {different} differ", requests.len());
    assert_eq!(different, 0);
}
