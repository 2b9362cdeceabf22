//! The flags that give values: `-f`, `--set` and its relatives.

use std::io::Read;
use std::path::Path;

use clap::Args;
use serde_json::{Map, Value};

use crate::chart::strvals::{self, Values};
use crate::chart::values;

/// Values for a chart, in Helm's order of precedence.
#[derive(Args)]
pub(super) struct ValueFlags {
    /// Specify values in a YAML file, or `-` for standard input (can be given several times)
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    files: Vec<String>,
    /// Set values: key1=val1,key2=val2
    #[arg(long, value_name = "VALUES")]
    set: Vec<String>,
    /// Set text values: key1=val1,key2=val2
    #[arg(long, value_name = "VALUES")]
    set_string: Vec<String>,
    /// Set values from files: key1=path1,key2=path2
    #[arg(long, value_name = "VALUES")]
    set_file: Vec<String>,
    /// Set JSON values: key1=jsonval1,key2=jsonval2 or a JSON object
    #[arg(long, value_name = "VALUES")]
    set_json: Vec<String>,
    /// Set a literal text: key=value
    #[arg(long, value_name = "VALUES")]
    set_literal: Vec<String>,
}

impl ValueFlags {
    /// All of them together.
    pub(super) fn merge(&self) -> Result<Map<String, Value>, String> {
        let mut data = Map::new();
        for path in &self.files {
            let text = read(path)?;
            let file = values::load(&text).map_err(|error| format!("failed to parse {path}: {error}"))?;
            data = values::merge(data, file);
        }
        for text in &self.set_json {
            if text.trim_start().starts_with('{') {
                let object = format!("_={text}");
                let mut parsed = Map::new();
                set("--set-json", &object, &mut parsed, Values::Json)?;
                if let Some(Value::Object(object)) = parsed.remove("_") {
                    data = values::merge(data, object);
                }
            } else {
                set("--set-json", text, &mut data, Values::Json)?;
            }
        }
        let read_text = |path: &str| Ok(Value::String(String::from_utf8_lossy(&read(path)?).into_owned()));
        for (flag, texts, values) in [
            ("--set", &self.set, Values::Typed),
            ("--set-string", &self.set_string, Values::Text),
            ("--set-file", &self.set_file, Values::File(&read_text)),
            ("--set-literal", &self.set_literal, Values::Literal),
        ] {
            for text in texts {
                set(flag, text, &mut data, values)?;
            }
        }
        Ok(data)
    }
}

fn set(flag: &str, text: &str, data: &mut Map<String, Value>, values: Values) -> Result<(), String> {
    strvals::parse_into(text, data, values).map_err(|error| format!("failed parsing {flag} data: {error}"))
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    let read = if path.trim() == "-" {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map(|_| text)
    } else {
        std::fs::read(Path::new(path))
    };
    read.map_err(|error| format!("open {path}: {error}"))
}
