//! The engine against what the real Helm and the real Go did with the same templates.

use std::path::PathBuf;

use super::*;

/// `include` without Helm's recursion limit.
const INCLUDE: FuncDef = FuncDef {
    name: "include",
    params: &[Param::Str, Param::Any],
    variadic: None,
    call: |context, args| match args {
        [Value::Str(name), dot] => Ok(context.execute_template(name, dot.clone())?.into()),
        _ => Err("unreachable".into()),
    },
};

/// `tpl` as Helm words its errors.
const TPL: FuncDef = FuncDef {
    name: "tpl",
    params: &[Param::Str, Param::Any],
    variadic: None,
    call: |context, args| match args {
        [Value::Str(source), dot] => match context.execute_source(source, dot.clone()) {
            Ok(text) => Ok(text.into()),
            Err(SourceError::Parse(error)) => {
                Err(FuncError::from(error.to_string()).wrap(format!("cannot parse template {:?}", source)))
            }
            Err(SourceError::Exec(error)) => {
                Err(error.wrap(format!("error during tpl function execution for {:?}", source)))
            }
        },
        _ => Err("unreachable".into()),
    },
};

/// `list` and `dict`, to make values in templates.
const LIST: FuncDef = FuncDef {
    name: "list",
    params: &[],
    variadic: Some(Param::Any),
    call: |_, args| Ok(List::new(Elem::Any, args.to_vec()).into()),
};

const DICT: FuncDef = FuncDef {
    name: "dict",
    params: &[],
    variadic: Some(Param::Any),
    call: |_, args| {
        let map = Map::new(MapType::Any);
        for pair in args.chunks_exact(2) {
            map.insert(fmt::sprint(&pair[0]), pair[1].clone());
        }
        Ok(map.into())
    },
};

fn functions() -> Functions {
    Functions::new([INCLUDE, TPL, LIST, DICT])
}

/// Parses and runs one text.
fn run(source: &str, dot: &Value) -> Result<String, String> {
    run_limited(source, dot, Limits::default()).map_err(|error| error.to_string())
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error(transparent)]
    Exec(#[from] ExecError),
}

fn run_limited(source: &str, dot: &Value, limits: Limits) -> Result<String, Failure> {
    let mut set = Set::new("gotpl", functions());
    set.parse("t", source.as_bytes())?;
    let mut out = Vec::new();
    Execution::new(&set, &()).with_limits(limits).run("t", dot, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn ok(source: &str) -> String {
    run(source, &Value::Nil).unwrap()
}

fn err(source: &str) -> String {
    run(source, &Value::Nil).unwrap_err()
}

/// Conformance data, beside the checkout unless the environment says otherwise.
fn conformance() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let root = std::env::var_os("DAYTWO_CONFORMANCE").map_or(beside, PathBuf::from);
    root.is_dir().then_some(root)
}

/// Numbers as a values file has them.
fn floats(value: Value) -> Value {
    match value {
        Value::Int64(n) => Value::Float(n as f64),
        Value::Uint64(n) => Value::Float(n as f64),
        Value::List(list) => List::new(list.elem, list.iter().cloned().map(floats).collect()).into(),
        Value::Map(map) => {
            let entries = map.snapshot().into_iter().map(|(key, value)| (key, floats(value)));
            Map::from_entries(map.ty, entries.collect()).into()
        }
        value => value,
    }
}

/// The error as Helm 4 prints it.
fn as_helm_prints(error: &Failure) -> String {
    match error {
        Failure::Parse(error) => format!("parse error at ({}:{}): {}", error.name, error.line, error.message),
        Failure::Exec(error) => {
            let last = error.chain().last().unwrap();
            if last.message.starts_with("error calling ") || last.message.starts_with("error during") {
                return error.to_string();
            }
            let frames = error.chain().map(|error| match &error.frame {
                None => error.message.clone(),
                Some(frame) => {
                    let Frame { parse_name, line, column, template, node } = frame;
                    let message = error.message.trim_end();
                    format!(
                        "{parse_name}:{line}:{column}\n  executing {template:?} at <{node}>:\n    {message}"
                    )
                }
            });
            frames.collect::<Vec<_>>().join("\n")
        }
    }
}

/// The vectors that need no more than Go's own functions, `include` and `tpl`.
#[test]
fn vectors() {
    let Some(root) = conformance() else { return };
    let text = std::fs::read_to_string(root.join("helm/vectors/core.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let values: serde_json::Value = serde_yaml::from_str(file["values"].as_str().unwrap()).unwrap();
    let Value::Map(values) = floats(Value::from(&values)) else { panic!("values are no map") };
    for (key, number) in [("oct", 511.0), ("oct2", 511.0), ("hex", 255.0), ("us", 1000.0)] {
        values.insert(key, Value::Float(number));
    }
    let root = Map::new(MapType::Values);
    root.insert("Values", Value::Map(values.with_type(MapType::Values)));
    root.insert("Release", Map::new(MapType::Any).into());
    let template = Map::new(MapType::Any);
    template.insert("Name", "probe/templates/t.yaml".into());
    root.insert("Template", template.into());
    let (mut compared, mut wrong) = (0, Vec::new());
    for vector in file["vectors"].as_array().unwrap() {
        let (source, expected) = (vector["t"].as_str().unwrap(), vector["out"].as_str().unwrap());
        let mut set = Set::new("gotpl", functions());
        let mut out = Vec::new();
        let result = set.parse("probe/templates/t.yaml", source.as_bytes()).map_err(Failure::from);
        let result = result.and_then(|()| {
            Ok(Execution::new(&set, &()).run(
                "probe/templates/t.yaml",
                &Value::Map(root.clone()),
                &mut out,
            )?)
        });
        let given = match &result {
            Ok(()) => String::from_utf8(out).unwrap().replace("<no value>", ""),
            Err(error) => as_helm_prints(error),
        };
        let other_functions =
            given.starts_with("parse error") && given.contains("function") && given != expected;
        let of_chart =
            [".Chart", ".Capabilities", ".Files", ".Subcharts", ".Values.AsMap", ".Values.YAML", ".Table"];
        let yaml_1_1 = ["yes", ".Values.y }", ".Values.on"];
        let of_sprig = ["{{ slice "];
        if other_functions
            || of_chart.iter().chain(&yaml_1_1).chain(&of_sprig).any(|name| source.contains(name))
        {
            continue;
        }
        compared += 1;
        if result.is_ok() != vector["ok"].as_bool().unwrap() || given != expected {
            wrong.push(format!("{source}\n  expected {expected:?}\n  given    {given:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 100, "only {compared} vectors compared");
}

#[test]
fn endless_recursion_is_an_error() {
    let error = err("{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}");
    assert!(error.ends_with("exceeded maximum template depth (100000)"), "{error}");
    let error = err("{{define \"a\"}}{{include \"a\" .}}{{end}}{{include \"a\" .}}");
    assert!(error.contains("exceeded maximum template depth (100000)"), "{}", error.len());
}

#[test]
fn endless_loops_and_output_are_errors() {
    let limits = Limits { steps: 1000, ..Limits::default() };
    let error = run_limited("{{range 1000000000000}}{{end}}", &Value::Nil, limits).unwrap_err().to_string();
    assert!(error.ends_with("exceeded maximum number of steps (1000)"), "{error}");
    let limits = Limits { output: 1000, ..Limits::default() };
    let error = run_limited("{{range 1000000000000}}x{{end}}", &Value::Nil, limits).unwrap_err().to_string();
    assert!(error.ends_with("exceeded maximum output size (1000)"), "{error}");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let depth = 9_000;
    let source = format!("{{{{ {}1{} }}}}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(ok(&source), "1");
    let source = format!("{}x{}", "{{if 1}}".repeat(depth), "{{end}}".repeat(depth));
    assert_eq!(ok(&source), "x");
    let source = format!("{}{{{{end}}}}{}", "{{if 0}}{{else if 0}}".repeat(20_000), "{{end}}".repeat(20_000));
    assert!(err(&source).ends_with("max control structure depth exceeded"));
    let source = "{{$x := list}}{{range 200000}}{{$x = list $x}}{{end}}{{len (print $x)}}";
    assert!(ok(source).parse::<usize>().unwrap() > 10_000);
    let source = "{{$x := dict}}{{range 200000}}{{$x = dict \"k\" $x}}{{end}}{{len $x}}";
    assert_eq!(ok(source), "1");
}

/// What Go 1.26 made of the same templates; `tests/record.go` recorded it.
#[test]
fn as_go() {
    let mut wrong = Vec::new();
    for line in include_str!("tests/go.jsonl").lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let (source, expected) = (record["t"].as_str().unwrap(), record["out"].as_str().unwrap());
        let given = run(source, &Value::Nil);
        let ok = given.is_ok();
        let given = given.unwrap_or_else(|error| error);
        if ok != record["ok"].as_bool().unwrap() || given != expected {
            wrong.push(format!("{source}\n  expected {expected:?}\n  given    {given:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn definitions_of_a_source_are_its_own_and_win() {
    let mut set = Set::new("gotpl", functions());
    set.parse("a", b"{{define \"d\"}}base{{end}}{{define \"u\"}}{{include \"d\" .}}{{end}}").unwrap();
    set.parse("t", br#"{{ tpl "{{define \"d\"}}own{{end}}{{include \"u\" .}}" . }} {{ include "u" . }}"#)
        .unwrap();
    set.parse("blank", br#"{{ tpl "{{define \"d\"}} {{end}}{{include \"d\" .}}" . }}"#).unwrap();
    let mut out = Vec::new();
    let mut execution = Execution::new(&set, &());
    execution.run("t", &Value::Nil, &mut out).unwrap();
    assert_eq!(out, b"own base");
    out.clear();
    execution.run("blank", &Value::Nil, &mut out).unwrap();
    assert_eq!(out, b"base");
}

#[test]
fn the_last_definition_wins_unless_it_is_blank() {
    let mut set = Set::new("gotpl", functions());
    for source in
        ["{{define \"d\"}}1{{end}}", "{{define \"d\"}}2{{end}}", "{{define \"d\"}} {{/* */}}{{end}}"]
    {
        set.parse("t", source.as_bytes()).unwrap();
    }
    let mut out = Vec::new();
    Execution::new(&set, &()).run("d", &Value::Nil, &mut out).unwrap();
    assert_eq!(out, b"2");
}

#[test]
fn strict_mode_refuses_a_missing_key() {
    let mut set = Set::new("gotpl", functions());
    set.parse("t", b"{{ .x }}").unwrap();
    let error = Execution::new(&set, &())
        .with_missing_key(MissingKey::Error)
        .run("t", &Map::new(MapType::Any).into(), &mut Vec::new())
        .unwrap_err();
    assert_eq!(error.message, "map has no entry for key \"x\"");
}

#[test]
fn a_failure_tells_its_way_through_templates() {
    let mut set = Set::new("gotpl", functions());
    set.parse("a", b"\n{{ include \"b\" (dict \"x\" nil) }}").unwrap();
    set.parse("b", b"{{ .x.y }}").unwrap();
    let error = Execution::new(&set, &()).run("a", &Value::Nil, &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "template: a:2:3: executing \"a\" at <include \"b\" (dict \"x\" nil)>: error calling include: \
         template: b:1:5: executing \"b\" at <.x.y>: nil pointer evaluating interface {}.y"
    );
    let places: Vec<_> =
        error.chain().filter_map(|link| link.frame.as_ref()).map(|f| (f.line, f.column)).collect();
    assert_eq!(places, [(2, 3), (1, 5)]);
}

#[test]
fn a_set_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Set::new("gotpl", functions()));
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of templates, so that much of what is put together parses.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            prop::sample::select(vec![
                "{{",
                "}}",
                "{{-",
                "-}}",
                " ",
                "(",
                ")",
                "|",
                "$x",
                ":=",
                "=",
                ",",
                ".",
                ".a",
                ".b.c",
                "nil",
                "true",
                "1",
                "1.5",
                "'a'",
                "0x",
                "1i",
                "\"s\"",
                "`r`",
                "\\",
                "if",
                "else",
                "end",
                "range",
                "with",
                "define",
                "template",
                "block",
                "break",
                "continue",
                "/*",
                "*/",
                "printf",
                "\"%d%v%[2]*.3q\"",
                "index",
                "list",
                "dict",
                "len",
                "eq",
                "and",
                "include",
                "tpl",
                "\n",
                "é",
            ])
            .prop_map(str::to_owned),
            "\\PC{0,3}",
        ]
    }

    fn limits() -> Limits {
        Limits { depth: 50, output: 1 << 16, steps: 10_000 }
    }

    proptest! {
        #[test]
        fn no_text_panics(pieces in prop::collection::vec(piece(), 0..40)) {
            let _ = run_limited(&pieces.join(" "), &Value::Nil, limits());
            let _ = run_limited(&pieces.concat(), &Value::Nil, limits());
        }

        #[test]
        fn no_bytes_panic(source in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut set = Set::new("gotpl", functions());
            let _ = set.parse("t", &source);
            let _ = set.parse("t", &[b"{{", source.as_slice(), b"}}"].concat());
        }

        #[test]
        fn no_format_panics(format in prop::collection::vec(piece(), 0..8), text in "\\PC{0,9}", n: i64, f: f64) {
            let args = [Value::Int(n), Value::Float(f), text.as_str().into(), Value::Nil];
            let _ = fmt::sprintf(format!("%{}", format.concat()).as_bytes(), &args);
        }

        #[test]
        fn quoting_can_be_undone(text in prop::collection::vec(any::<u8>(), 0..50)) {
            prop_assert_eq!(strconv::unquote(&strconv::quote(&text)).unwrap(), text.clone());
            prop_assert_eq!(strconv::unquote(&strconv::quote_to_ascii(&text)).unwrap(), text);
        }

        #[test]
        fn shortest_float_text_reads_back(f in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
            for verb in *b"egf" {
                prop_assert_eq!(float::format(f, verb, None).parse::<f64>().unwrap(), f);
            }
        }
    }
}
