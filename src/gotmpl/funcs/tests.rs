//! The functions against what the real Helm did with the same templates.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::gotmpl::{Elem, Execution, Functions, List, Map, MapType, Set, Str, Value};
use crate::yaml::go::{Numbers, parse};

/// A template with what Helm made of it.
#[derive(serde::Deserialize)]
struct Vector {
    t: String,
    ok: bool,
    out: String,
}

#[derive(serde::Deserialize)]
struct Vectors {
    values: String,
    vectors: Vec<Vector>,
}

fn conformance(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DAYTWO_CONFORMANCE").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance"),
        PathBuf::from,
    );
    let path = root.join(path);
    path.exists().then_some(path)
}

/// Values as Helm reads them from a file: every number is a `float64`.
fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::Array(items) => {
            Value::List(List::new(Elem::Any, items.iter().map(value).collect()))
        }
        serde_json::Value::Object(entries) => {
            map(entries.iter().map(|(key, entry)| (key.as_str(), value(entry))))
        }
        other => Value::from(other),
    }
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let entries: BTreeMap<Str, Value> = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
    Value::Map(Map::from_entries(MapType::Any, entries))
}

/// Helm drops nulls of a chart's own values.
fn drop_nulls(map: &Map) {
    for (key, entry) in map.snapshot() {
        match entry {
            Value::Nil => drop(map.remove(&key)),
            Value::Map(inner) => drop_nulls(&inner),
            _ => {}
        }
    }
}

/// What templates of the release `rel` see of it and of its values.
fn context(values: &str) -> Value {
    let json = parse(values.as_bytes(), Numbers::Float64).expect("values");
    let Value::Map(values) = value(&json) else { panic!("values are no map") };
    drop_nulls(&values);
    let release = [("Name", "rel"), ("Namespace", "ns"), ("Service", "Helm")];
    let template = [("Name", "probe/templates/t.yaml"), ("BasePath", "probe/templates")];
    map([
        ("Values", Value::Map(values.with_type(MapType::Values))),
        ("Template", map(template.map(|(key, text)| (key, Value::from(text))))),
        ("Release", map(release.map(|(key, text)| (key, Value::from(text))))),
    ])
}

/// Renders as Helm does: what printing nil gives is removed.
fn render(template: &str, context: &Value) -> Result<String, String> {
    let functions = Functions::new(super::table().copied());
    let mut set = Set::new("gotpl", functions);
    let name = "probe/templates/t.yaml";
    set.parse(name, template.as_bytes()).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    Execution::new(&set, &()).run(name, context, &mut out).map_err(|error| error.to_string())?;
    // As Go's JSON shows bytes that are no text.
    Ok(super::runes::iter(&out).collect::<String>().replace("<no value>", ""))
}

/// Runs on a stack like the engine's own.
fn with_big_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(test).expect("thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// What only the chart room provides (its tests run the whole file), and what differs from run to run.
const LEFT_OUT: &[&str] = &[
    ".Chart",
    ".Capabilities",
    ".Files",
    ".Subcharts",
    ".Release | toJson",
    ".Values.AsMap",
    ".Values.YAML",
    ".Values.Table",
    "lookup",
    // The length depends on the trailing zeros of the fraction of a second.
    "toYaml (now) | len",
];

fn check(file: &'static str) {
    if let Some(path) = conformance(&format!("helm/vectors/{file}")) {
        check_file(path);
    }
}

fn check_file(path: PathBuf) {
    with_big_stack(move || {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).expect("vectors");
        let mut vectors: Vectors = serde_json::from_str(&text).expect("vectors");
        vectors.vectors.retain(|vector| !LEFT_OUT.iter().any(|part| vector.t.contains(part)));
        let mut failures = Vec::new();
        let total = vectors.vectors.len();
        for vector in &vectors.vectors {
            let problem = match (render(&vector.t, &context(&vectors.values)), vector.ok) {
                (Ok(text), true) if text == vector.out => continue,
                (Err(error), false) if same_error(&error, &vector.out) => continue,
                (got, _) => format!("{}\n  want {:?}\n  got  {got:?}", vector.t, vector.out),
            };
            failures.push(problem);
        }
        println!("{file}: {} passed, {} failed", total - failures.len(), failures.len());
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    });
}

/// Whether the message of Helm's error, which it may have reformatted, is in ours.
fn same_error(ours: &str, helms: &str) -> bool {
    let last = helms.trim_matches('\n').lines().last().unwrap_or_default().trim_start_matches(' ');
    let message = last.rsplit_once(">: ").map_or(last, |(_, message)| message);
    let message = message.split_once("t.yaml:1): ").map_or(message, |(_, message)| message);
    let message = message.split_once("t.yaml:1:3): ").map_or(message, |(_, message)| message);
    ours.contains(message)
}

/// What the real Helm gave for templates that were generated, kept because they once differed or show an edge.
#[test]
fn fixtures() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/funcs");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("fixtures").map(|entry| entry.expect("entry").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.into_iter().for_each(check_file);
}

#[test]
fn every_function_is_there_once() {
    let mut names: Vec<&str> = super::table().map(|function| function.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for refused in ["env", "expandenv", "mustToDuration"] {
        assert!(!names.contains(&refused));
    }
}

#[test]
fn core_vectors() {
    check("core.json");
}

#[test]
fn sprig_vectors() {
    check("sprig.json");
}

/// Renders the templates of the file `$DAYTWO_FUNCS_IN` (`{values, vectors: [{t}]}`) into the file
/// `$DAYTWO_FUNCS_OUT`, for comparisons with the real Helm on generated templates.
#[test]
#[ignore = "a tool: needs $DAYTWO_FUNCS_IN and $DAYTWO_FUNCS_OUT"]
fn render_file() {
    let (Some(input), Some(output)) =
        (std::env::var_os("DAYTWO_FUNCS_IN"), std::env::var_os("DAYTWO_FUNCS_OUT"))
    else {
        return;
    };
    with_big_stack(move || {
        let text = std::fs::read_to_string(input).expect("input");
        let input: serde_json::Value = serde_json::from_str(&text).expect("input");
        let values = input["values"].as_str().unwrap_or_default();
        let rendered = input["vectors"].as_array().expect("vectors").iter().map(|vector| {
            let template = vector["t"].as_str().unwrap_or_default();
            match render(template, &context(values)) {
                Ok(text) => serde_json::json!({"t": template, "ok": true, "out": text}),
                Err(error) => serde_json::json!({"t": template, "ok": false, "out": error}),
            }
        });
        let rendered: Vec<serde_json::Value> = rendered.collect();
        let text = serde_json::to_string(&rendered).expect("output");
        std::fs::write(output, text).expect("output");
    });
}
