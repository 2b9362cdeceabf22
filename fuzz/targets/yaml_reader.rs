//! The YAML readers: any text is read or refused, and what Go's or Python's reader makes of it is what they
//! make of it again after it was written.

use daytwo::yaml::go::{self, Numbers};
use daytwo::yaml::python;
use serde_json::Value;

pub(crate) fn run(data: &[u8]) {
    for numbers in [Numbers::Float64, Numbers::Json] {
        if let Ok(value) = go::parse(data, numbers) {
            written_and_read(&value, numbers);
        }
    }
    let _ = go::parse_strict(data, Numbers::Yaml);
    let _ = go::parse_each(data, Numbers::Yaml);
    if let Ok(node) = python::load(data) {
        let options = python::DumpOptions::default();
        if let Ok(text) = python::dump(&node.value, &options) {
            let again = python::load(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(python::dump(&again.value, &options).as_ref(), Ok(&text));
        }
    }
}

/// Both of Go's emitters write the value so that it is read as the same.
pub(super) fn written_and_read(value: &Value, numbers: Numbers) {
    if reads_otherwise(value) {
        return;
    }
    for text in [go::marshal(value), go::marshal_pretty(value)].into_iter().flatten() {
        let again = go::parse(text.as_bytes(), numbers).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(&again, value, "{text}");
    }
}

/// Whether go-yaml itself does not read what it writes: it writes the line breaks beyond ASCII as they are,
/// even in quotes, and folds them when it reads; a key `<<` it writes without quotes and takes for a merge;
/// and a block that begins with a tab gets no indentation indicator, so that the tab is taken for indentation.
fn reads_otherwise(value: &Value) -> bool {
    let in_text = |text: &str| {
        text.contains(['\u{85}', '\u{2028}', '\u{2029}'])
            || text.contains('\n') && text.trim_start_matches(['\n', ' ']).starts_with('\t')
    };
    match value {
        Value::String(text) => in_text(text),
        Value::Array(items) => items.iter().any(reads_otherwise),
        Value::Object(entries) => {
            entries.iter().any(|(key, value)| key == "<<" || in_text(key) || reads_otherwise(value))
        }
        _ => false,
    }
}
