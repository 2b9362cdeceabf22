//! Whole small charts: several templates, definitions that hide each other, files, notes, a subchart.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::case::{Case, Files};
use crate::templates;

/// Where templates stand.
const PATHS: &[&str] =
    &["a.yaml", "b.yaml", "_names.tpl", "_other.tpl", "NOTES.txt", "sub/c.yaml", "tests/t.yaml", "x.txt"];

fn template_files() -> BoxedStrategy<Files> {
    let text = (select(vec!["name", "list", "own", "b", "top.x"]), templates::bodies(), templates::bodies())
        .prop_map(|(name, defined, body)| format!("{{{{ define {name:?} }}}}{defined}{{{{ end }}}}\n{body}"));
    let calling = select(vec![
        "{{ include \"name\" . }}",
        "{{ template \"list\" .Values }}",
        "{{ include \"top.x\" . | nindent 2 }}",
        "{{ range $path, $_ := .Files.Glob \"**\" }}{{ $path }}\n{{ end }}",
        "{{ .Template.Name }} {{ .Template.BasePath }}",
        "{{ tpl (.Files.Get \"f.tpl\") . }}",
        "a: {{ .Values.sub | toJson }}\n--- \nb: {{ .Release | toJson }}\n",
        "",
    ])
    .prop_map(str::to_owned);
    vec((select(PATHS), prop_oneof![text, calling]), 1..4)
        .prop_map(|files| files.into_iter().map(|(path, text)| (format!("templates/{path}"), text)).collect())
        .boxed()
}

/// The cases.
pub(crate) fn cases() -> BoxedStrategy<Case> {
    (template_files(), option::of(template_files()), templates::values(), templates::values())
        .prop_map(|(own, sub, defaults, values)| {
            let about = |name| format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n");
            let mut files = own;
            files.insert("Chart.yaml".into(), about("top"));
            files.insert("values.yaml".into(), defaults.to_string());
            files.insert("f.tpl".into(), "{{ .Release.Name }} {{ .Values.s | quote }}".into());
            files.entry("templates/_base.tpl".into()).or_insert_with(|| {
                "{{ define \"name\" }}name{{ end }}{{ define \"list\" }}list{{ end }}{{ define \"top.x\" }}x{{ end }}".into()
            });
            if let Some(sub) = sub {
                files.extend(sub.into_iter().map(|(path, text)| (format!("charts/sub/{path}"), text)));
                files.insert("charts/sub/Chart.yaml".into(), about("sub"));
            }
            Case::Chart { files, values }
        })
        .boxed()
}
