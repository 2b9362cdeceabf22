//! `.Files`: the files of a chart that are neither templates nor values.
//!
//! Follows `pkg/engine/files.go` of Helm 4.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;
use serde_json::Value as Json;

use super::File;
use super::glob::Glob;
use crate::gotmpl::{Elem, FuncError, List, Map, MapType, Object, Param, Signature, Str, Value};
use crate::yaml::go;

/// Files by their path, shared with the chart.
#[derive(Debug, Clone, Default)]
pub(super) struct Files(BTreeMap<Arc<str>, Arc<[u8]>>);

const NO_PARAMETERS: Signature = Signature { params: &[], variadic: None };
const ONE_STRING: Signature = Signature { params: &[Param::Str], variadic: None };

impl Files {
    /// The files of a chart.
    pub(super) fn new(files: &[File]) -> Self {
        Self(files.iter().map(|file| (file.name.as_str().into(), Arc::clone(&file.data))).collect())
    }

    /// The files as a value.
    pub(super) fn into_value(self) -> Value {
        Value::Object(Rc::new(self))
    }

    fn get(&self, path: &str) -> &[u8] {
        self.0.get(path).map_or(&[], |data| data)
    }

    /// The files whose path matches; all when the pattern is malformed.
    fn glob(&self, pattern: &str) -> Self {
        let glob = Glob::new(pattern).ok();
        let matches = |path: &str| glob.as_ref().is_none_or(|glob| glob.matches(path));
        Self(
            self.0
                .iter()
                .filter(|(path, _)| matches(path))
                .map(|(p, d)| (Arc::clone(p), Arc::clone(d)))
                .collect(),
        )
    }

    /// A YAML map of the base names, for the data of a `ConfigMap` or `Secret`.
    fn to_yaml(&self, text: impl Fn(&[u8]) -> String) -> String {
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let map = self.0.iter().map(|(path, data)| (name(path), Json::String(text(data)))).collect();
        go::to_yaml(&Json::Object(map))
    }

    fn lines(&self, path: &str) -> Value {
        let data = self.get(path);
        if data.is_empty() {
            return Value::List(List::new(Elem::Str, Vec::new()));
        }
        let data = data.strip_suffix(b"\n").unwrap_or(data);
        let lines = data.split(|byte| *byte == b'\n').map(|line| Value::Str(line.into())).collect();
        Value::List(List::new(Elem::Str, lines))
    }
}

/// A `[]byte`.
fn bytes(data: &Arc<[u8]>) -> Value {
    Value::List(List::bytes(Arc::clone(data)))
}

impl Object for Files {
    fn type_name(&self) -> Cow<'_, str> {
        "engine.files".into()
    }

    fn kind(&self) -> &'static str {
        "map"
    }

    fn display(&self) -> Cow<'_, str> {
        let numbers = |data: &[u8]| data.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let entries: Vec<String> =
            self.0.iter().map(|(path, data)| format!("{path}:[{}]", numbers(data))).collect();
        format!("map[{}]", entries.join(" ")).into()
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(self.0.get(name).map_or_else(|| Value::List(List::nil(Elem::Byte)), bytes))
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some(ONE_STRING),
            "AsConfig" | "AsSecrets" => Some(NO_PARAMETERS),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, FuncError>> {
        let argument = match args.first() {
            Some(Value::Str(text)) => text.to_text(),
            _ => Cow::Borrowed(""),
        };
        Some(Ok(match name {
            "Get" => Value::Str(self.get(&argument).into()),
            "GetBytes" => {
                self.0.get(&*argument).map_or_else(|| Value::List(List::new(Elem::Byte, Vec::new())), bytes)
            }
            "Glob" => self.glob(&argument).into_value(),
            "Lines" => self.lines(&argument),
            "AsConfig" => Value::Str(self.to_yaml(|data| String::from_utf8_lossy(data).into_owned()).into()),
            "AsSecrets" => {
                Value::Str(self.to_yaml(|data| base64::engine::general_purpose::STANDARD.encode(data)).into())
            }
            _ => return None,
        }))
    }

    fn truth(&self) -> bool {
        !self.0.is_empty()
    }

    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        Some(self.0.iter().map(|(path, data)| (Value::Str(Str::from(&**path)), bytes(data))).collect())
    }

    fn to_plain(&self) -> Value {
        let map = Map::new(MapType::Any);
        for (path, data) in &self.0 {
            // encoding/json writes bytes as base64.
            map.insert(&**path, Value::Str(base64::engine::general_purpose::STANDARD.encode(data).into()));
        }
        Value::Map(map)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
