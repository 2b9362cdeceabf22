//! YAML, JSON and TOML: values written, texts read.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::case::Case;
use crate::pieces;

/// Go's order of keys is no order beyond such simple ones: a map with others has one entry.
const KEYS: &[&str] =
    &["a", "b", "a1", "a2", "a10", "A", "_a", "a-b", "a_b", "\u{e9}", "ab", "1", "2", "10", "a.b", "0a"];

/// How values are written; what is read from that is written as JSON.
const WRITING: &[&str] = &[
    "{{ toYaml .Values.v }}",
    "{{ toYaml .Values.v }}",
    "{{ toYamlPretty .Values.v }}",
    "{{ toJson .Values.v }}",
    "{{ toPrettyJson .Values.v }}",
    "{{ toRawJson .Values.v }}",
    "{{ toToml (dict \"v\" .Values.v) }}",
    "{{ toYaml .Values.v | nindent 4 }}",
    "{{ dict \"a\" (list .Values.v 1) | toYaml | fromYaml | toJson }}",
    "{{ toYaml (dict \"l\" (list (list .Values.v) (dict \"m\" .Values.v))) }}",
    "{{ .Values.v | quote }} {{ .Values.v | squote }} {{ printf \"%q %v %#v\" .Values.v .Values.v .Values.v }}",
];

/// How texts are read, by the pieces that they are made of.
const READING: [(&[&str], &[&str]); 3] = [
    (
        pieces::YAML,
        &[
            "{{ fromYaml .Values.v | toJson }}",
            "{{ fromYamlArray .Values.v | toJson }}",
            "{{ fromYaml .Values.v | toYaml }}",
        ],
    ),
    (
        pieces::JSON,
        &[
            "{{ fromJson .Values.v | toJson }}",
            "{{ fromJsonArray .Values.v | toJson }}",
            "{{ mustFromJson .Values.v | toYaml }}",
        ],
    ),
    (pieces::TOML, &["{{ fromToml .Values.v | toJson }}", "{{ fromToml .Values.v | toToml }}"]),
];

fn structures() -> BoxedStrategy<Value> {
    let text = pieces::text(pieces::CHARACTERS, 60);
    let leaf = prop_oneof![
        3 => text.clone().prop_map(Value::from),
        1 => pieces::one(pieces::WORDS).prop_map(Value::from),
        1 => (-1000i32..100_000).prop_map(Value::from),
        1 => (any::<f64>(), -10..25i32).prop_map(|(f, e)| json!(f % 1.0 * 10f64.powi(e))),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        let some_keys = subsequence(KEYS, 0..5);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            (some_keys, vec(inner.clone(), 5)).prop_map(|(keys, values)| keys
                .into_iter()
                .map(str::to_owned)
                .zip(values)
                .collect()),
            (pieces::text(pieces::CHARACTERS, 40), inner).prop_map(|(key, value)| json!({ key: value })),
        ]
    })
    .boxed()
}

/// The cases.
pub(crate) fn cases() -> BoxedStrategy<Case> {
    let written = (select(WRITING), structures());
    let read = |(pieces, ways): (&'static [&'static str], &'static [&'static str])| {
        (select(ways), pieces::text(pieces, 20).prop_map(Value::from)).boxed()
    };
    let [yaml, json, toml] = READING.map(read);
    prop_oneof![5 => written, 4 => yaml, 1 => json, 1 => toml]
        .prop_map(|(template, value)| Case::Template {
            template: template.into(),
            values: json!({ "v": value }),
        })
        .boxed()
}
