//! YAML beside its references: what go-yaml and PyYAML read and write, as recorded in
//! `fixtures/yaml/`, Helm's own vectors, and laws that hold for all texts.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use daytwo::yaml::python::{self, DumpOptions};
use daytwo::yaml::{Dialect, Limits, Source, go, parse_documents};
use proptest::prelude::*;
use serde_json::Value;

fn fixture(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/yaml").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("a fixture is one JSON value a line")).collect()
}

fn bytes(line: &Value) -> Vec<u8> {
    STANDARD.decode(line["text"].as_str().expect("text")).expect("base64")
}

/// Compares all cases and reports those that differ together.
fn check(name: &str, cases: impl Iterator<Item = (String, String, String)>) {
    let mut total = 0;
    let different: Vec<_> =
        cases.inspect(|_| total += 1).filter(|(_, expected, found)| expected != found).collect();
    for (case, expected, found) in different.iter().take(5) {
        eprintln!("{name}: {case}\n  expected {expected:?}\n  found    {found:?}");
    }
    assert!(different.is_empty(), "{name}: {} of {total} cases differ", different.len());
    assert!(total > 200, "{name}: only {total} cases");
}

fn shown(result: Result<impl Into<String>, impl ToString>) -> String {
    match result {
        Ok(value) => format!("ok: {}", value.into()),
        Err(error) => format!("error: {}", error.to_string()),
    }
}

/// The JSON text of a value in which all numbers are floats.
fn as_floats(value: Value) -> Value {
    match value {
        Value::Number(number) => serde_json::json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(as_floats).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, as_floats(value))).collect(),
        other => other,
    }
}

#[test]
fn go_reads_as_recorded() {
    check(
        "go-read",
        fixture("go-read.jsonl").into_iter().map(|line| {
            let text = bytes(&line);
            let expected = match line["json"].as_str() {
                Some(json) => format!("ok: {}", as_floats(serde_json::from_str(json).expect("JSON"))),
                None => format!("error: {}", line["error"].as_str().expect("error")),
            };
            let read = if line["strict"] == true { go::parse_strict } else { go::parse };
            let found = shown(read(&text, go::Numbers::Float64).map(|value| value.to_string()));
            (String::from_utf8_lossy(&text).into_owned(), expected, found)
        }),
    );
}

#[test]
fn go_writes_as_recorded() {
    check(
        "go-write",
        fixture("go-write.jsonl").into_iter().flat_map(|line| {
            let value = as_floats(line["value"].clone());
            let yaml = line["yaml"].as_str().unwrap_or("an error").to_owned();
            let pretty = line["pretty"].as_str().expect("pretty").to_owned();
            let written = go::marshal(&value).unwrap_or_else(|_| "an error".to_owned());
            let prettily = go::marshal_pretty(&value).unwrap_or_else(|_| "an error".to_owned());
            [(format!("toYaml {value}"), yaml, written), (format!("toYamlPretty {value}"), pretty, prettily)]
        }),
    );
}

#[test]
fn python_reads_as_recorded() {
    check(
        "python-read",
        fixture("python-read.jsonl").into_iter().map(|line| {
            let text = bytes(&line);
            let expected = match line["value"].as_str() {
                Some(value) => format!("ok: {value}"),
                None => format!("error: {}", line["error"].as_str().expect("error")),
            };
            let found = shown(python::load(&text).map(|node| show(&node.value)));
            (String::from_utf8_lossy(&text).into_owned(), expected, found)
        }),
    );
}

#[test]
fn python_dumps_as_recorded() {
    check(
        "python-dump",
        fixture("python-dump.jsonl").into_iter().map(|line| {
            let node = python::load(&bytes(&line)).expect("what Python dumped is read");
            let expected = line["dump"].as_str().expect("dump").to_owned();
            let dumped = python::dump(&node.value, &dump_options(&line["options"])).expect("it is not deep");
            (line.to_string(), expected, dumped)
        }),
    );
}

fn dump_options(options: &Value) -> DumpOptions {
    let defaults = DumpOptions::default();
    let flag = |name: &str, default: bool| options[name].as_bool().unwrap_or(default);
    DumpOptions {
        indent: options["indent"].as_u64().map_or(defaults.indent, |indent| indent as usize),
        width: options["width"].as_i64().unwrap_or(defaults.width),
        sort_keys: flag("sort_keys", true),
        default_flow_style: options["default_flow_style"].as_bool(),
        allow_unicode: flag("allow_unicode", false),
        explicit_start: flag("explicit_start", false),
        explicit_end: flag("explicit_end", false),
        literal_lines: false,
    }
}

/// The text of a Python value that `fixtures/yaml/record.py` writes.
fn show(value: &python::Value) -> String {
    use python::Value as V;
    let all = |nodes: &mut dyn Iterator<Item = &python::Node>| {
        nodes.map(|node| show(&node.value)).collect::<Vec<_>>().join(", ")
    };
    match value {
        V::None => "None".to_owned(),
        V::Bool(true) => "True".to_owned(),
        V::Bool(false) => "False".to_owned(),
        V::Int(int) => int.to_string(),
        V::BigInt(digits) => digits.to_string(),
        V::Float(float) if float.is_nan() => "float:7ff8000000000000".to_owned(),
        V::Float(float) => format!("float:{:016x}", float.to_bits()),
        V::Str(text) => python_json(text),
        V::Bytes(bytes) => format!("bytes:{}", hex::encode(bytes)),
        V::Date(date) => format!("date:{date}"),
        V::DateTime(time, offset) => {
            let offset = offset.map_or("naive".to_owned(), |seconds| seconds.to_string());
            let (date, clock) = (time.date(), time.time().strftime("%H:%M:%S"));
            format!("time:{date}T{clock}/{}/{offset}", time.subsec_nanosecond() / 1000)
        }
        V::List(items) => format!("[{}]", all(&mut items.iter())),
        V::Pairs(pairs) => {
            let pair = |(key, value): &(python::Node, python::Node)| {
                format!("({}, {})", show(&key.value), show(&value.value))
            };
            format!("[{}]", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        V::Dict(dict) => {
            let entry = |(key, value): &(python::Node, python::Node)| {
                format!("{}: {}", show(&key.value), show(&value.value))
            };
            format!("{{{}}}", dict.entries().iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        V::Set(dict) => {
            let mut keys: Vec<_> = dict.entries().iter().map(|(key, _)| show(&key.value)).collect();
            keys.sort();
            format!("set({})", keys.join(", "))
        }
    }
}

/// `json.dumps(text, ensure_ascii=False)`, which does not escape DEL.
fn python_json(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

// --- Helm's vectors ------------------------------------------------------------------------------------

fn conformance() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    std::env::var_os("DAYTWO_CONFORMANCE").map_or(beside, PathBuf::from)
}

#[test]
fn helm_writes_its_vectors() {
    let path = conformance().join("helm/vectors/yaml_strings.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no {} (set DAYTWO_CONFORMANCE)", path.display());
        return;
    };
    let vectors: Vec<Value> = serde_json::from_str(&text).expect("vectors");
    check(
        "yaml_strings.json",
        vectors.iter().flat_map(|vector| {
            let text = vector["s"].as_str().expect("s");
            // The vectors went through a template: Helm takes `<no value>` out of all output.
            let helm = |yaml: String| yaml.replace("<no value>", "");
            let expected = |part: &str| vector[part].as_str().expect(part).to_owned();
            let nested = serde_json::json!({"a": {"b": [text, [text]]}});
            let pretty = serde_json::json!({"a": {"b": [text]}});
            [
                (
                    format!("value {text:?}"),
                    expected("val"),
                    helm(go::to_yaml(&serde_json::json!({"k": text}))),
                ),
                (
                    format!("key {text:?}"),
                    expected("key"),
                    helm(go::to_yaml(&serde_json::json!({text: 1.0}))),
                ),
                (format!("nested {text:?}"), expected("nested"), helm(go::to_yaml(&nested))),
                (format!("pretty {text:?}"), expected("pretty"), helm(go::to_yaml_pretty(&pretty))),
            ]
        }),
    );
}

// --- Laws ----------------------------------------------------------------------------------------------

/// JSON values that survive a round trip through YAML 1.1 as Go writes it: no characters that its reader
/// refuses or folds, no numbers that are integers in another type, no tabs (`toYamlPretty` writes some that
/// cannot be read).
fn json_values() -> impl Strategy<Value = Value> {
    let text = "[ -~\u{e9}\u{a0}\u{2028}\u{1F600}\n]{0,40}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e15..1e15).prop_filter("an integer", |float: &f64| float.fract() != 0.0).prop_map(Value::from),
        text.prop_map(Value::from),
        r"[-+.0-9_:eExoybnYN~T]{1,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(text, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Texts in which YAML's indicators are as frequent as letters.
fn yaml_texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        r#"[-a-c0-2 ?:,\[\]{}#&*!|>'"%@.\\\n\t<~=]{1,6}"#,
        prop::sample::select(vec![
            "\n  ", "- ", ": ", "? ", "&a ", "*a", "<<: ", "!!int ", "!t ", "---\n", "...\n", "\u{85}",
            "\u{2028}"
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn read_all_ways(text: &[u8]) {
    let _ = parse_documents(text);
    let _ = go::parse_each(text, go::Numbers::Json);
    let _ = go::parse_strict(text, go::Numbers::Float64);
    let _ = python::Loader::new("text").with_tags(&["!t"]).load_all(text).map_err(|error| error.to_string());
    let source = Source::new(text);
    let limits = Limits { depth: 5, size: 100 };
    source.documents(Dialect::LibYaml, limits).for_each(drop);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_go_writes_is_read_back(value in json_values()) {
        for yaml in [go::marshal(&value), go::marshal_pretty(&value)] {
            let yaml = yaml.expect("the value can be written");
            let read = go::parse_strict(yaml.as_bytes(), go::Numbers::Json);
            prop_assert_eq!(read.as_ref(), Ok(&value), "{}", yaml);
        }
    }

    #[test]
    fn what_python_writes_is_read_back(value in json_values(), indent in 0usize..11, width in -1i64..100, flow: Option<bool>) {
        let yaml = go::marshal(&value).expect("the value can be written");
        let node = python::load(yaml.as_bytes());
        // Go writes floats that Python takes for text (1e-05).
        prop_assume!(node.is_ok());
        let node = node.expect("checked");
        let options = DumpOptions { indent, width, default_flow_style: flow, sort_keys: false, ..DumpOptions::default() };
        let dumped = python::dump(&node.value, &options).expect("it is not deep");
        let read = python::load(dumped.as_bytes()).map(|node| show(&node.value));
        prop_assert_eq!(read.ok(), Some(show(&node.value)), "{}", dumped);
    }

    #[test]
    fn no_text_is_too_odd(text in yaml_texts()) {
        read_all_ways(text.as_bytes());
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all_ways(&bytes);
    }
}

#[test]
fn depth_and_expansion_end_in_errors() {
    for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        assert!(parse_documents(deep.as_bytes()).is_err());
        read_all_ways(deep.as_bytes());
    }
    let balanced = format!("{}{}", "[".repeat(250), "]".repeat(250));
    assert!(go::parse(balanced.as_bytes(), go::Numbers::Json).is_ok());
    assert!(python::load(balanced.as_bytes()).is_ok());
    let indented: String = (0..250).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(go::parse(indented.as_bytes(), go::Numbers::Json).is_ok());

    let mut bomb = "- &a0 {x: y}\n".to_owned();
    for level in 1..60 {
        bomb += &format!("- &a{level} {{<<: [*a{0}, *a{0}], k: [*a{0}, *a{0}]}}\n", level - 1);
    }
    assert!(go::parse(bomb.as_bytes(), go::Numbers::Json).is_err());
    assert!(python::load(bomb.as_bytes()).is_err());
    read_all_ways("? ".repeat(250).as_bytes());
    read_all_ways(format!("{}{}", "{~: ".repeat(250), "}".repeat(250)).as_bytes());
}
