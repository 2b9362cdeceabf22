//! Templates over the whole function table: typed and wrongly typed arguments, pipelines, control structures.

use std::cell::OnceCell;

use daytwo::gotmpl::funcs;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::arguments::{self, Kind};
use crate::case::Case;
use crate::excluded;
use crate::pieces;

/// How deep calls nest.
const DEPTH: usize = 2;

/// Go's own functions, which stand in no table, and those that need a chart.
const OTHERS: &[(&str, &[Kind])] = &[
    ("eq", &[Kind::Any, Kind::Any]),
    ("ne", &[Kind::Any, Kind::Any]),
    ("lt", &[Kind::Int, Kind::Float]),
    ("le", &[Kind::Any, Kind::Any]),
    ("gt", &[Kind::Int, Kind::Int]),
    ("ge", &[Kind::Str, Kind::Str]),
    ("and", &[Kind::Any, Kind::Any]),
    ("or", &[Kind::Any, Kind::Any]),
    ("not", &[Kind::Any]),
    ("len", &[Kind::List]),
    ("index", &[Kind::List, Kind::Small]),
    ("index", &[Kind::Map, Kind::Key]),
    ("slice", &[Kind::Str, Kind::Within, Kind::Within]),
    ("print", &[Kind::Any, Kind::Any]),
    ("println", &[Kind::Any, Kind::Any]),
    ("printf", &[Kind::Format, Kind::Plain, Kind::Plain]),
    ("printf", &[Kind::Format, Kind::Small]),
    ("printf", &[Kind::Format, Kind::Plain]),
    ("html", &[Kind::Any]),
    ("js", &[Kind::Any]),
    ("urlquery", &[Kind::Any]),
    ("call", &[Kind::Any]),
    ("lookup", &[Kind::Str, Kind::Str, Kind::Str, Kind::Str]),
];

/// What values the templates see.
pub(crate) fn values() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        pieces::one(pieces::WORDS).prop_map(Value::from),
        (-1000i32..100_000).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        (-1e9..1e9f64).prop_map(Value::from),
    ];
    let inner = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((select(vec!["a", "b", "c", "k"]), inner), 0..4).prop_map(|entries| entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    });
    (pieces::one(pieces::WORDS), -1000i32..100_000, -1e4..1e4f64, any::<bool>(), vec(inner.clone(), 0..4), inner)
        .prop_map(|(s, n, f, b, l, v)| {
            let m = json!({"a": v, "b": n, "c": "x", "s": s});
            json!({"s": s, "n": n, "i": 3, "f": f, "b": b, "l": l, "t": ["b", "a", s], "m": m, "v": v, "z": null})
        })
        .boxed()
}

/// The calls that may be made, with their arguments.
fn signatures() -> Vec<(&'static str, Vec<Kind>)> {
    let mut signatures: Vec<_> = OTHERS.iter().map(|(name, kinds)| (*name, kinds.to_vec())).collect();
    for function in funcs::table().filter(|function| excluded::is_compared(function.name)) {
        let meant = arguments::MEANING.iter().find(|(name, _)| *name == function.name);
        let kinds = meant.map_or_else(
            || {
                let further = function.variadic.map(|param| [Kind::of(param); 2]);
                function
                    .params
                    .iter()
                    .map(|param| Kind::of(*param))
                    .chain(further.into_iter().flatten())
                    .collect()
            },
            |(_, kinds)| kinds.to_vec(),
        );
        signatures.push((function.name, kinds));
    }
    signatures
}

thread_local! {
    static EXPRESSIONS: OnceCell<BoxedStrategy<String>> = const { OnceCell::new() };
}

/// Any expression without parentheses around it.
fn expressions() -> BoxedStrategy<String> {
    EXPRESSIONS.with(|expressions| expressions.get_or_init(new_expressions).clone())
}

fn new_expressions() -> BoxedStrategy<String> {
    (0..=DEPTH).fold(arguments::leaf(Kind::Any), |inner, _| calls(&inner))
}

/// Calls whose arguments may be `inner` expressions.
fn calls(inner: &BoxedStrategy<String>) -> BoxedStrategy<String> {
    let call = |(name, kinds): (&'static str, Vec<Kind>)| {
        let strict = kinds.iter().any(|kind| kind.is_strict());
        let arguments: Vec<_> = kinds.into_iter().map(|kind| argument(kind, inner)).collect();
        (arguments, 0..20u8)
            .prop_map(move |(arguments, form)| {
                write_call(name, arguments, if strict { form.max(2) } else { form })
            })
            .boxed()
    };
    let calls: Vec<_> = signatures().into_iter().map(call).collect();
    // A union of so many would prepare to shrink to each of those before the chosen one.
    let call = (0..calls.len()).prop_flat_map(move |index| calls[index].clone());
    prop_oneof![1 => arguments::leaf(Kind::Any), 9 => call].boxed()
}

/// An argument of a kind: mostly a leaf, at times a call, rarely anything.
fn argument(kind: Kind, inner: &BoxedStrategy<String>) -> BoxedStrategy<String> {
    if kind.is_strict() {
        return arguments::leaf(kind);
    }
    let nested = inner.clone().prop_map(|call| format!("({call})"));
    prop_oneof![20 => arguments::leaf(kind), 5 => nested, 1 => arguments::leaf(Kind::Any)].boxed()
}

/// A call in one of its forms: an argument too few, too many, the last one through the pipe, plainly.
fn write_call(name: &str, mut arguments: Vec<String>, form: u8) -> String {
    match form {
        0 => drop(arguments.pop()),
        1 => arguments.push("1".into()),
        2..=7 => {
            if let Some(last) = arguments.pop() {
                return format!("{last} | {name} {}", arguments.join(" "));
            }
        }
        _ => {}
    }
    format!("{name} {}", arguments.join(" "))
}

/// An expression and how its result is shown.
fn actions() -> BoxedStrategy<String> {
    let shown = select(vec![
        "{{ E }}",
        "{{ E }}",
        "{{- E -}}",
        "{{ $r := E }}{{ typeOf $r }} {{ kindOf $r }} {{ $r | toJson }}",
        "{{ E | toYaml }}",
        "{{ E | toJson | quote }}",
        "{{ $r := (E) }}{{ printf \"%v %q\" $r $r }}",
        "{{ with E }}[{{ . }}]{{ else }}empty{{ end }}",
        "{{ if E }}yes{{ else if .Values.b }}b{{ else }}no{{ end }}",
    ]);
    (shown, expressions()).prop_map(|(shown, expression)| shown.replacen('E', &expression, 1)).boxed()
}

/// A text with actions in control structures.
pub(crate) fn bodies() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        1 => select(vec!["text", " ", "\n", "a: b\n", "  - x\n", "{{/* c */}}", "{{- /* c */ -}}", "}}", "{", "\t\n "]).prop_map(str::to_owned),
        4 => actions(),
    ];
    let node = leaf.prop_recursive(2, 8, 3, |inner| {
        let body = vec(inner, 1..3).prop_map(|nodes| nodes.concat());
        let expression = expressions();
        prop_oneof![
            (expression.clone(), body.clone(), body.clone()).prop_map(|(e, a, b)| format!("{{{{ if {e} }}}}{a}{{{{- else }}}}{b}{{{{ end }}}}")),
            (arguments::leaf(Kind::Any), body.clone()).prop_map(|(e, a)| format!("{{{{ with $x := {e} }}}}{a}{{{{ $x | toJson }}}}{{{{ end }}}}")),
            (prop_oneof![arguments::leaf(Kind::List), arguments::leaf(Kind::Map), arguments::leaf(Kind::Any)], body.clone(), 0..5u8).prop_map(|(e, a, stop)| {
                let stop = match stop {
                    0 => "{{ break }}",
                    1 => "{{ if eq (toString $i) \"1\" }}{{ continue }}{{ end }}",
                    _ => "",
                };
                let e = e.replace("9223372036854775807", "5").replace("1000000", "7").replace("1600000000", "4");
                format!("{{{{ range $i, $e := {e} }}}}{stop}<{{{{ $i }}}}={{{{ $e }}}}>{a}{{{{ else }}}}none{{{{ end }}}}")
            }),
            (expression.clone(), body.clone()).prop_map(|(e, a)| format!("{{{{ $a = {e} }}}}{a}{{{{ $a | toJson }}}}")),
            body.clone().prop_map(|a| format!("{{{{ define \"own\" }}}}{{{{ $a := 1 }}}}{{{{ $b := . }}}}{a}{{{{ end }}}}{{{{ include \"own\" (omit $ \"Capabilities\" \"Files\") | nindent 2 }}}}")),
            (body, arguments::leaf(Kind::Any)).prop_map(|(a, e)| format!("{{{{ block \"b\" {e} }}}}{{{{ $a := . }}}}{{{{ $b := 2 }}}}{a}{{{{ end }}}}{{{{ template \"name\" {e} }}}}")),
            (arguments::leaf(Kind::Str)).prop_map(|e| format!("{{{{ tpl {e} . }}}}")),
        ]
    });
    vec(node, 1..3)
        .prop_map(|nodes| {
            format!("{{{{- $a := list 1 \"x\" -}}}}{{{{- $b := dict \"k\" 1.5 -}}}}{}", nodes.concat())
        })
        .boxed()
}

/// The cases.
pub(crate) fn cases() -> BoxedStrategy<Case> {
    let one = actions()
        .prop_map(|action| format!("{{{{ $a := list 1 \"x\" }}}}{{{{ $b := dict \"k\" 1.5 }}}}{action}"));
    (prop_oneof![3 => one, 1 => bodies()], values())
        .prop_map(|(template, values)| Case::Template { template, values })
        .boxed()
}
