//! Template snippets and strings, as Helm 4.2.3 rendered them in a small chart.

use daytwo::chart::{Capabilities, Chart, Compat, File, KubeVersion, RenderOptions};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;

use crate::Outcome;
use crate::corpus::Corpus;

/// The chart around every snippet.
const CHART: &str = "apiVersion: v2\nname: probe\nversion: 0.1.0+b1\nappVersion: \"1.2\"\nkeywords: [a, b]\nannotations: {k: v}\n";
const FILES: [(&str, &str); 3] =
    [("files/a.txt", "line1\nline2\n"), ("files/b.yaml", "k: \"v<&>\"\n"), ("files/empty", "")];
/// Snippets whose text depends on the moment: how many digits of a second it takes to tell the time.
const RANDOM: [&str; 1] = ["{{ toYaml (now) | len }}"];
/// What the recording library calls its own version.
const RECORDED_WITH: &str = "v4.2";
const TEMPLATE: &str = "probe/templates/t.yaml";

#[derive(Deserialize)]
struct Snippets {
    values: String,
    vectors: Vec<Snippet>,
}

#[derive(Deserialize)]
struct Snippet {
    t: String,
    ok: bool,
    out: String,
}

/// How a string is written in several places, and how it is read as a plain value.
#[derive(Deserialize)]
struct Text {
    s: String,
    val: String,
    key: String,
    nested: String,
    pretty: String,
    parse_plain: (Option<bool>, String),
}

/// The functions and the language.
///
/// # Errors
/// When the recordings cannot be read.
pub(crate) fn functions(corpus: &Corpus, filter: &str) -> Result<Outcome, String> {
    let mut outcome = Outcome { cases: 0, failures: Vec::new() };
    for file in ["core", "sprig"] {
        let snippets = corpus.read(&format!("vectors/{file}.json"))?;
        let snippets: Snippets = serde_json::from_slice(&snippets).map_err(|error| error.to_string())?;
        let compared =
            snippets.vectors.iter().filter(|s| s.t.contains(filter) && !RANDOM.contains(&s.t.as_str()));
        for Snippet { t, ok, out } in compared {
            outcome.add(format!("{file} {t:?}"), (*ok, out), render(t, &snippets.values, Map::new()));
        }
    }
    Ok(outcome)
}

/// The strings.
///
/// # Errors
/// When the recordings cannot be read.
pub(crate) fn yaml_strings(corpus: &Corpus, filter: &str) -> Result<Outcome, String> {
    let texts = corpus.read("vectors/yaml_strings.json")?;
    let texts: Vec<Text> = serde_json::from_slice(&texts).map_err(|error| error.to_string())?;
    let mut outcome = Outcome { cases: 0, failures: Vec::new() };
    for text in texts.iter().filter(|text| text.s.contains(filter)) {
        for (template, expected) in [
            ("{{ toYaml (dict \"k\" .Values.s) }}", &text.val),
            ("{{ toYaml (dict .Values.s 1) }}", &text.key),
            ("{{ toYaml (dict \"a\" (dict \"b\" (list .Values.s (list .Values.s)))) }}", &text.nested),
            ("{{ toYamlPretty (dict \"a\" (dict \"b\" (list .Values.s))) }}", &text.pretty),
        ] {
            let values = Map::from_iter([("s".to_owned(), Value::String(text.s.clone()))]);
            outcome.add(format!("{template} {:?}", text.s), (true, expected), render(template, "", values));
        }
        if let (Some(ok), out) = &text.parse_plain {
            let rendered = render(
                "{{ toJson .Values.k }} {{ kindOf .Values.k }}",
                &format!("k: {}\n", text.s),
                Map::new(),
            );
            outcome.add(format!("reading {:?}", text.s), (*ok, out), rendered);
        }
    }
    Ok(outcome)
}

impl Outcome {
    fn add(&mut self, name: String, (ok, expected): (bool, &str), rendered: Result<String, String>) {
        self.cases += 1;
        let (rendered_ok, text) = match &rendered {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        if rendered_ok != ok || text != expected {
            let wanted = if ok { "" } else { "failure " };
            self.failures.push((name, format!("wanted {wanted}{expected:?}, got {rendered:?}")));
        }
    }
}

fn render(template: &str, defaults: &str, values: Map<String, Value>) -> Result<String, String> {
    let mut files = vec![("Chart.yaml", CHART), ("values.yaml", defaults), ("templates/t.yaml", template)];
    files.extend(FILES);
    let files = files.into_iter().map(|(name, text)| File::new(name, text.as_bytes(), None)).collect();
    let chart = Chart::from_files(files).map_err(|error| error.to_string())?;
    let mut capabilities = Capabilities::default_of(Compat::V4);
    capabilities.kube_version = KubeVersion::parse("v1.33.0").map_err(|error| error.to_string())?;
    capabilities.helm_version.version = RECORDED_WITH;
    let options =
        RenderOptions { capabilities: Arc::new(capabilities), ..RenderOptions::new("rel", "ns", Compat::V4) };
    let mut rendered = chart.render_files(&values, &options).map_err(|error| error.to_string())?;
    rendered.remove(TEMPLATE).ok_or_else(|| "nothing was rendered".into())
}
