//! One case, and what daytwo makes of it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use daytwo::chart::strvals::{self, Values};
use daytwo::chart::{Capabilities, Chart, Compat, File, KubeVersion, RenderOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::excluded;

/// The files of a chart by path.
pub(crate) type Files = BTreeMap<String, String>;

/// The value that holds the template of a [`Case::Template`].
const SOURCE: &str = "source";

/// What the library calls its own version.
const SDK_VERSION: &str = "v4.2";
/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Case {
    /// A template in a chart that is always the same; it stands in the values, for `tpl`.
    Template { template: String, values: Value },
    /// A chart.
    Chart { files: Files, values: Value },
    /// A text of `--set`.
    Set { text: String },
}

/// What came out, in a form that is compared, or the error.
pub(crate) type Outcome = Result<Value, String>;

/// The chart around a template.
pub(crate) fn driver() -> Files {
    let files = [
        (
            "Chart.yaml",
            "apiVersion: v2\nname: driver\nversion: 0.1.0+b1\nappVersion: \"1.2\"\nkeywords: [a, b]\n",
        ),
        ("files/a.txt", "line1\nline2\n"),
        ("files/b.yaml", "k: \"v<&>\"\n"),
        ("templates/t.yaml", "{{ tpl .Values.source . }}"),
        (
            "templates/_names.tpl",
            "{{ define \"name\" }}name of {{ . }}{{ end }}{{ define \"list\" }}- a\n- b\n{{ end }}",
        ),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

impl Case {
    /// The values as the user gives them.
    pub(crate) fn values(&self) -> Value {
        match self {
            Self::Template { template, values } => {
                let mut values = values.as_object().cloned().unwrap_or_default();
                values.insert(SOURCE.into(), template.clone().into());
                Value::Object(values)
            }
            Self::Chart { values, .. } => values.clone(),
            Self::Set { .. } => Value::Null,
        }
    }

    /// Helm's answer, which is JSON, in the form that is compared.
    ///
    /// # Errors
    /// When it is no JSON.
    pub(crate) fn read(&self, answer: &str) -> Result<Value, String> {
        let mut answer: Value = serde_json::from_str(answer).map_err(|error| error.to_string())?;
        if let (Self::Set { .. }, Value::Object(_)) = (self, &answer) {
            return Ok(answer);
        }
        for text in answer.as_object_mut().into_iter().flat_map(Map::values_mut) {
            *text = comparable(text.as_str().unwrap_or_default()).into();
        }
        Ok(answer)
    }

    /// What daytwo makes of it; a panic is never what Helm makes.
    pub(crate) fn ours(&self) -> Outcome {
        std::panic::catch_unwind(|| self.outcome()).unwrap_or_else(|_| Ok("a panic".into()))
    }

    fn outcome(&self) -> Outcome {
        static DRIVER: OnceLock<Chart> = OnceLock::new();
        match self {
            Self::Template { .. } => {
                let chart = DRIVER.get_or_init(|| chart(&driver()).expect("the driver is a chart"));
                render(chart, &self.values())
            }
            Self::Chart { files, .. } => render(&chart(files)?, &self.values()),
            Self::Set { text } => {
                let mut values = Map::new();
                strvals::parse_into(text, &mut values, Values::Typed).map_err(|error| error.to_string())?;
                Ok(Value::Object(values))
            }
        }
    }
}

fn chart(files: &Files) -> Result<Chart, String> {
    let files = files.iter().map(|(path, text)| File::new(path, text.as_bytes(), None)).collect();
    Chart::from_files(files).map_err(|error| error.to_string())
}

fn render(chart: &Chart, values: &Value) -> Outcome {
    let mut values = values.clone();
    floats(&mut values);
    let rendered = chart
        .render_files(values.as_object().ok_or("values are a map")?, options())
        .map_err(|error| error.to_string())?;
    Ok(rendered.into_iter().map(|(path, text)| (path, Value::from(comparable(&text)))).collect())
}

fn options() -> &'static RenderOptions {
    static OPTIONS: OnceLock<RenderOptions> = OnceLock::new();
    OPTIONS.get_or_init(|| {
        let mut capabilities = Capabilities::default_of(Compat::V4);
        capabilities.kube_version = KubeVersion::parse("v1.33.0").expect("a version");
        capabilities.helm_version.version = SDK_VERSION;
        RenderOptions { capabilities: Arc::new(capabilities), ..RenderOptions::new("rel", "ns", Compat::V4) }
    })
}

/// Numbers as Helm has them from a file of values.
fn floats(value: &mut Value) {
    match value {
        Value::Number(number) => *value = number.as_f64().into(),
        Value::Array(items) => items.iter_mut().for_each(floats),
        Value::Object(map) => map.values_mut().for_each(floats),
        _ => {}
    }
}

/// A rendered text as it is compared.
fn comparable(text: &str) -> String {
    one_replacement(&excluded::compared(text))
}

/// How many replacement characters stand for bytes that are no text is up to the one who replaces.
fn one_replacement(text: &str) -> String {
    const REPLACEMENT: char = '\u{FFFD}';
    let mut kept = String::with_capacity(text.len());
    for character in text.chars() {
        if character != REPLACEMENT || !kept.ends_with(REPLACEMENT) {
            kept.push(character);
        }
    }
    kept
}
