//! The record of one revision of a release, as Helm stores it.
//!
//! Field names, their order and what is left out follow Helm 4's `pkg/release/v1` and
//! `pkg/chart/v2`; the coding (JSON, gzip, base64) follows `pkg/storage/driver/util.go`. Records of
//! Helm 3 (empty texts for missing times) are read as well.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::chart::{self, Chart, File};

/// No record grows beyond this when it is unpacked; Helm stores at most 1 MiB packed.
const UNPACKED_LIMIT: u64 = 256 << 20;

/// One revision of a release.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// The release's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How it is.
    #[serde(default)]
    pub info: Info,
    /// The chart: metadata, templates, default values, files.
    #[serde(default)]
    pub chart: ChartRecord,
    /// The values that the user gave.
    #[serde(
        default,
        skip_serializing_if = "is_empty",
        serialize_with = "write_values",
        deserialize_with = "null_as_default"
    )]
    pub config: Map<String, Value>,
    /// The rendered documents.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// The hooks with their last runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub hooks: Vec<HookRecord>,
    /// The revision, from 1.
    #[serde(default)]
    pub version: i64,
    /// The namespace of the release.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `ssa` or `csa`; records of Helm 3 have none and mean `csa`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub apply_method: String,
    /// The labels that the user gave; kept on the Secret, not in the record.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
}

/// How a revision is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Info {
    /// When the first revision was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub first_deployed: Option<Timestamp>,
    /// When this revision was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub last_deployed: Option<Timestamp>,
    /// When the release was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub deleted: Option<Timestamp>,
    /// The last thing that happened, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The state.
    #[serde(default)]
    pub status: Status,
    /// The revision that this one brought back; 0 when it is no rollback.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rollback_revision: i64,
    /// The rendered `NOTES.txt`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
}

/// The state of a revision, `pkg/release/common/status.go`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "Helm's own names")]
pub enum Status {
    #[default]
    Unknown,
    Deployed,
    Uninstalled,
    Superseded,
    Failed,
    Uninstalling,
    PendingInstall,
    PendingUpgrade,
    PendingRollback,
}

const STATUS_NAMES: [(Status, &str); 9] = [
    (Status::Unknown, "unknown"),
    (Status::Deployed, "deployed"),
    (Status::Uninstalled, "uninstalled"),
    (Status::Superseded, "superseded"),
    (Status::Failed, "failed"),
    (Status::Uninstalling, "uninstalling"),
    (Status::PendingInstall, "pending-install"),
    (Status::PendingUpgrade, "pending-upgrade"),
    (Status::PendingRollback, "pending-rollback"),
];

impl Status {
    /// Whether an operation is (or was, when it was interrupted) at work.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }

    /// The name in labels and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        STATUS_NAMES.iter().find(|(status, _)| *status == self).map_or("unknown", |(_, name)| name)
    }

    /// The status of that name; `unknown` for any other.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        STATUS_NAMES.iter().find(|(_, known)| *known == name).map_or(Self::Unknown, |(status, _)| *status)
    }
}

/// The chart as a record keeps it: the root chart only, its values merged with those of its subcharts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ChartRecord {
    /// `Chart.yaml`.
    #[serde(default)]
    pub metadata: Value,
    /// `Chart.lock`.
    #[serde(default)]
    pub lock: Value,
    /// The files below `templates/`.
    #[serde(default)]
    pub templates: Option<Vec<FileRecord>>,
    /// The default values.
    #[serde(default, serialize_with = "write_value")]
    pub values: Value,
    /// `values.schema.json`, base64.
    #[serde(default)]
    pub schema: Option<String>,
    /// When the schema was last modified.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub schemamodtime: Option<Timestamp>,
    /// All other files.
    #[serde(default)]
    pub files: Option<Vec<FileRecord>>,
    /// When the chart was last modified.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub modtime: Option<Timestamp>,
}

/// A file of a chart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FileRecord {
    /// The path inside the chart.
    pub name: String,
    /// The content, base64.
    #[serde(default, deserialize_with = "null_as_default")]
    pub data: String,
    /// When it was last modified.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub modtime: Option<Timestamp>,
}

/// A hook and its last run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HookRecord {
    /// `metadata.name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `kind`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The template.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The document.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// When it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub events: Vec<String>,
    /// Its last run.
    #[serde(default)]
    pub last_run: HookRun,
    /// Lower ones run first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub weight: i64,
    /// When its object is deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub delete_policies: Vec<String>,
    /// When its log is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub output_log_policies: Vec<String>,
}

/// One run of a hook.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HookRun {
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub completed_at: Option<Timestamp>,
    /// Empty, `Running`, `Succeeded`, `Failed` or `Unknown`.
    #[serde(default)]
    pub phase: String,
}

fn is_empty(map: &Map<String, Value>) -> bool {
    map.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    input: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

fn write_value<S: Serializer>(value: &Value, output: S) -> Result<S::Ok, S::Error> {
    as_written(value).serialize(output)
}

fn write_values<S: Serializer>(values: &Map<String, Value>, output: S) -> Result<S::Ok, S::Error> {
    let values: Map<String, Value> =
        values.iter().map(|(key, value)| (key.clone(), as_written(value))).collect();
    values.serialize(output)
}

/// Whole numbers up to this are exact as integers and as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Values as Go's JSON encoder writes them: whole numbers without a fraction.
#[must_use]
pub fn as_written(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() <= EXACT => (float as i64).into(),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(as_written).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), as_written(value))).collect())
        }
        other => other.clone(),
    }
}

/// Values as Go's JSON decoder gives them to templates: every number is a `float64`.
#[must_use]
pub fn as_read(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Number(number), Value::from),
        Value::Array(items) => items.into_iter().map(as_read).collect(),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, as_read(value))).collect())
        }
        other => other,
    }
}

/// Helm 3 writes `""` for a missing time, Go's zero time means the same.
fn time<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = Option::deserialize(input)?;
    let Some(text) = text.filter(|text| !text.is_empty() && !text.starts_with("0001-01-01T")) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

impl ChartRecord {
    /// What a record keeps of a chart.
    #[must_use]
    pub fn of(chart: &Chart, values: &Map<String, Value>) -> Self {
        let contents = chart.contents();
        let json = |value: Result<Value, serde_json::Error>| value.unwrap_or(Value::Null);
        Self {
            metadata: json(serde_json::to_value(&contents.metadata)),
            lock: json(serde_json::to_value(&contents.lock)),
            templates: files(&contents.templates),
            values: Value::Object(values.clone()),
            schema: contents.schema.as_ref().map(|schema| STANDARD.encode(&schema.data)),
            schemamodtime: contents.schema.as_ref().and_then(modified),
            files: files(&contents.files),
            modtime: None,
        }
    }

    fn text(&self, field: &str) -> &str {
        self.metadata.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The chart's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// The chart's version.
    #[must_use]
    pub fn version(&self) -> &str {
        self.text("version")
    }

    /// The version of the application in the chart; may be empty.
    #[must_use]
    pub fn app_version(&self) -> &str {
        self.text("appVersion")
    }
}

fn modified(file: &File) -> Option<Timestamp> {
    file.modified.and_then(|time| Timestamp::try_from(time).ok())
}

/// Go writes a slice without elements that was never made as `null`.
fn files(files: &[File]) -> Option<Vec<FileRecord>> {
    let record = |file: &File| FileRecord {
        name: file.name.clone(),
        data: STANDARD.encode(&file.data),
        modtime: modified(file),
    };
    if files.is_empty() { None } else { Some(files.iter().map(record).collect()) }
}

impl From<&chart::Hook> for HookRecord {
    fn from(hook: &chart::Hook) -> Self {
        Self {
            name: hook.name.clone(),
            kind: hook.kind.clone(),
            path: hook.path.clone(),
            manifest: hook.manifest.clone(),
            events: hook.events.iter().map(|event| event.as_str().to_owned()).collect(),
            last_run: HookRun::default(),
            weight: hook.weight,
            delete_policies: hook.delete_policies.clone(),
            output_log_policies: hook.output_log_policies.clone(),
        }
    }
}

impl Record {
    /// The text that a Secret's `release` key holds.
    ///
    /// # Errors
    /// Never in practice: a record is plain JSON.
    pub fn encode(&self) -> Result<String, String> {
        // At once: a serializer writes word by word, and the encoder clears its whole buffer at every write.
        let text = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&text).map_err(|error| error.to_string())?;
        Ok(STANDARD.encode(packed.finish().map_err(|error| error.to_string())?))
    }

    /// Reads what a Secret's `release` key holds; packed or, from the first days of Helm 3, not.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(text: &[u8]) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        let json = if bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
            let mut json = Vec::new();
            let mut unpacked = GzDecoder::new(bytes.as_slice()).take(UNPACKED_LIMIT);
            unpacked.read_to_end(&mut json).map_err(|error| error.to_string())?;
            json
        } else {
            bytes
        };
        let record: Self = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
        if record.name.is_empty() {
            return Err("it names no release".into());
        }
        Ok(record)
    }

    /// The values that the templates saw, as far as the record tells: what the user gave over the defaults.
    #[must_use]
    pub fn computed_values(&self) -> Map<String, Value> {
        match &self.chart.values {
            Value::Object(defaults) => chart::values::over_defaults(self.config.clone(), defaults.clone()),
            _ => self.config.clone(),
        }
    }

    /// Whether the objects were applied server-side.
    #[must_use]
    pub fn is_server_side(&self) -> bool {
        self.apply_method == "ssa"
    }

    /// Sets the state and the words for it.
    pub fn set_status(&mut self, status: Status, description: impl Into<String>) {
        self.info.status = status;
        self.info.description = description.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record() -> Record {
        Record {
            name: "example".into(),
            info: Info {
                first_deployed: Some("2026-11-23T17:00:00.5Z".parse().unwrap()),
                last_deployed: Some("2026-11-23T17:00:00.5Z".parse().unwrap()),
                deleted: None,
                description: "Install complete".into(),
                status: Status::Deployed,
                rollback_revision: 0,
                notes: "hello".into(),
            },
            chart: ChartRecord {
                metadata: json!({"name": "hello", "version": "0.1.0"}),
                ..ChartRecord::default()
            },
            config: Map::new(),
            manifest: "---\n# Source: hello/templates/a.yaml\nkind: A\n".into(),
            hooks: vec![HookRecord { name: "h".into(), ..HookRecord::default() }],
            version: 1,
            namespace: "demo".into(),
            apply_method: "ssa".into(),
            labels: BTreeMap::new(),
        }
    }

    #[test]
    fn the_json_is_helms() {
        insta::assert_snapshot!(serde_json::to_string(&record()).unwrap(), @r#"{"name":"example","info":{"first_deployed":"2026-11-23T17:00:00.5Z","last_deployed":"2026-11-23T17:00:00.5Z","description":"Install complete","status":"deployed","notes":"hello"},"chart":{"metadata":{"name":"hello","version":"0.1.0"},"lock":null,"templates":null,"values":null,"schema":null,"files":null},"manifest":"---\n# Source: hello/templates/a.yaml\nkind: A\n","hooks":[{"name":"h","last_run":{"phase":""}}],"version":1,"namespace":"demo","apply_method":"ssa"}"#);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let text = record().encode().unwrap();
        let back = Record::decode(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&back).unwrap(), serde_json::to_value(record()).unwrap());
    }

    #[test]
    fn records_of_helm_3_are_read() {
        let json = json!({"name": "a", "info": {"first_deployed": "2020-01-01T00:00:00.123+02:00", "deleted": "",
            "status": "pending-upgrade"}, "config": null, "hooks": [{"name": "h", "events": null,
            "last_run": {"started_at": "", "completed_at": "", "phase": ""}}], "version": 3});
        let text = STANDARD.encode(json.to_string());
        let record = Record::decode(text.as_bytes()).unwrap();
        assert_eq!(
            (record.info.status, record.info.deleted, record.version),
            (Status::PendingUpgrade, None, 3)
        );
        assert!(record.apply_method.is_empty());
    }

    #[test]
    fn numbers_are_written_and_read_as_go_does() {
        let mut record = record();
        record.config = json!({"a": 5.0, "b": [7], "c": 0.5}).as_object().cloned().unwrap();
        let text = serde_json::to_string(&record).unwrap();
        assert!(text.contains(r#""config":{"a":5,"b":[7],"c":0.5}"#), "{text}");
        let back = Record::decode(record.encode().unwrap().as_bytes()).unwrap();
        assert_eq!(as_read(Value::Object(back.config)), json!({"a": 5.0, "b": [7.0], "c": 0.5}));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Record::decode(b"%%%").is_err());
        assert!(Record::decode(STANDARD.encode(b"\x1f\x8b\x08garbage").as_bytes()).is_err());
        assert!(Record::decode(STANDARD.encode(b"[]").as_bytes()).is_err());
    }
}
