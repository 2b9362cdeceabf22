//! Small charts whose renderings were recorded with Helm 4.2.3.

use serde_json::{Value, json};

use super::{Chart, Compat, Error, File, RenderOptions, Rendered};

const ROOT: &str = "apiVersion: v2\nname: p\nversion: 1.0.0\n";

/// Renders a chart that consists of these files.
fn render(files: &[(&str, &str)], values: Value, compat: Compat) -> Result<Rendered, Error> {
    let files = files.iter().map(|(name, text)| File::new(*name, text.as_bytes(), None)).collect();
    let Value::Object(values) = values else { panic!("values are a map") };
    Chart::from_files(files)?.render(&values, &RenderOptions::new("rel", "ns", compat))
}

/// The document of a template, without the `v: ` before it.
fn text(rendered: &Rendered, source: &str) -> String {
    let found = rendered.manifests.iter().find(|manifest| manifest.source == source);
    let found = found.unwrap_or_else(|| panic!("{source} printed nothing"));
    found.text.trim().strip_prefix("v: ").unwrap_or(&found.text).to_owned()
}

const VALUES: &str = "v: {{ toJson .Values }}";
const SUBCHART: [(&str, &str); 2] =
    [("charts/s/Chart.yaml", "name: s\nversion: 1.0.0\n"), ("charts/s/templates/z.yaml", VALUES)];

#[test]
fn a_null_deletes_a_default() {
    let files = [
        ("Chart.yaml", ROOT),
        ("values.yaml", "a: 1\nb: {c: 1, d: 2}\nx: null\n"),
        ("templates/a.yaml", VALUES),
    ];
    let given = json!({"a": null, "b": {"c": null, "z": null}, "y": null});
    let rendered = render(&files, given.clone(), Compat::V4).unwrap();
    assert_eq!(text(&rendered, "p/templates/a.yaml"), r#"{"b":{"d":2,"z":null},"y":null}"#);
    let rendered = render(&files, given, Compat::V3).unwrap();
    assert_eq!(text(&rendered, "p/templates/a.yaml"), r#"{"b":{"d":2,"z":null},"x":null,"y":null}"#);
}

#[test]
fn globals_go_down_and_the_parent_wins() {
    let mut files = vec![
        ("Chart.yaml", ROOT),
        ("values.yaml", "global: {a: 1, m: {x: 1}}\ns: {global: {a: 2, b: 3, m: {x: 2, z: 9}}}\n"),
        ("charts/s/values.yaml", "global: {c: 9, m: {y: 2}}\n"),
        ("templates/a.yaml", VALUES),
    ];
    files.extend(SUBCHART);
    let rendered = render(&files, json!({}), Compat::V4).unwrap();
    let child = r#"{"global":{"a":1,"b":3,"c":9,"m":{"true":2,"x":1,"z":9}}}"#;
    assert_eq!(text(&rendered, "p/charts/s/templates/z.yaml"), child);
    let parent = format!(r#"{{"global":{{"a":1,"m":{{"x":1}}}},"s":{child}}}"#);
    assert_eq!(text(&rendered, "p/templates/a.yaml"), parent);
}

#[test]
fn aliases_conditions_and_tags_choose_the_subcharts() {
    let root = "apiVersion: v2\nname: p\nversion: 1.0.0\ndependencies:\n\
        - {name: s, version: '*', repository: '', alias: one, condition: 'nowhere,one.enabled'}\n\
        - {name: s, version: '>=1', repository: '', alias: two, tags: [t]}\n";
    let mut files = vec![("Chart.yaml", root), ("charts/s/values.yaml", "k: 1\n")];
    files.extend(SUBCHART);
    let sources = |values| {
        let rendered = render(&files, values, Compat::V4).unwrap();
        rendered.manifests.iter().map(|manifest| manifest.source.clone()).collect::<Vec<_>>()
    };
    let (one, two) = ("p/charts/one/templates/z.yaml", "p/charts/two/templates/z.yaml");
    assert_eq!(sources(json!({})), [one, two]);
    assert_eq!(sources(json!({"one": {"enabled": false}})), [two]);
    assert_eq!(sources(json!({"tags": {"t": false}})), [one]);
    assert!(sources(json!({"one": {"enabled": false}, "tags": {"t": false}})).is_empty());
}

#[test]
fn parents_import_what_children_export() {
    let root = "apiVersion: v2\nname: p\nversion: 1.0.0\ndependencies:\n\
        - {name: s, version: 1.0.0, repository: '', import-values: [data, {child: cfg, parent: imp}]}\n";
    let mut files = vec![
        ("Chart.yaml", root),
        ("values.yaml", "imp: {b: 9}\n"),
        ("charts/s/values.yaml", "exports: {data: {ex: 1}}\ncfg: {a: 1, b: 2}\n"),
        ("templates/a.yaml", VALUES),
    ];
    files.extend(SUBCHART);
    let rendered = render(&files, json!({}), Compat::V4).unwrap();
    let expected =
        r#"{"ex":1,"imp":{"a":1,"b":9},"s":{"cfg":{"a":1,"b":2},"exports":{"data":{"ex":1}},"global":{}}}"#;
    assert_eq!(text(&rendered, "p/templates/a.yaml"), expected);
    assert_eq!(Value::Object(rendered.default_values.as_ref().clone())["imp"]["a"], json!(1.0));
}

#[test]
fn templates_share_their_values_and_the_first_definition_wins() {
    let mut files = vec![
        ("Chart.yaml", ROOT),
        ("templates/a.yaml", "{{ define \"d\" }}a{{ end }}v: {{ .Values.x }}{{ include \"d\" . }}"),
        (
            "templates/b.yaml",
            "{{ define \"d\" }}b{{ end }}{{ $_ := set .Values \"x\" (add1 .Values.x) }}v: {{ .Values.x }}",
        ),
        ("templates/sub/c.yaml", "{{ define \"d\" }}{{ end }}v: {{ .Values.x }}"),
        ("values.yaml", "x: 0\n"),
        ("charts/s/templates/_d.tpl", "{{ define \"d\" }}s{{ end }}"),
    ];
    files.extend(SUBCHART);
    let rendered = render(&files, json!({}), Compat::V4).unwrap();
    assert_eq!(text(&rendered, "p/templates/sub/c.yaml"), "0");
    assert_eq!(text(&rendered, "p/templates/b.yaml"), "1");
    assert_eq!(text(&rendered, "p/templates/a.yaml"), "1a");
}

#[test]
fn numbers_keep_the_kind_that_they_came_with() {
    let files = [
        ("Chart.yaml", ROOT),
        ("values.yaml", "file: 1\n"),
        (
            "templates/a.yaml",
            "v: {{ typeOf .Values.file }} {{ typeOf .Values.given }} {{ typeOf .Values.float }}",
        ),
    ];
    let rendered = render(&files, json!({"given": 1, "float": 1.0}), Compat::V4).unwrap();
    assert_eq!(text(&rendered, "p/templates/a.yaml"), "float64 int64 float64");
}

#[test]
fn versions_print_by_their_method_and_are_structs_to_functions() {
    let template = "v: {{ .Capabilities.KubeVersion }} {{ toString .Capabilities.KubeVersion }}";
    let rendered =
        render(&[("Chart.yaml", ROOT), ("templates/a.yaml", template)], json!({}), Compat::V4).unwrap();
    assert_eq!(text(&rendered, "p/templates/a.yaml"), "v1.37.0 {v1.37.0 v1.37.0 1 37}");
}

#[test]
fn what_helm_refuses_is_refused() {
    let schema = r#"{"properties": {"a": {"type": "integer"}}}"#;
    let refused = |files: &[(&str, &str)], values| render(files, values, Compat::V4).unwrap_err().to_string();
    assert_eq!(
        refused(&[("Chart.yaml", ROOT), ("values.schema.json", schema)], json!({"a": "x"})),
        "values don't meet the specifications of the schema(s) in the following chart(s):\n\
         p:\n- at '/a': got string, want integer\n\n"
    );
    let mut files = vec![("Chart.yaml", ROOT)];
    files.extend(SUBCHART);
    assert!(refused(&files, json!({"s": 1})).starts_with("type mismatch on s"));
    assert_eq!(
        refused(
            &[("Chart.yaml", ROOT), ("templates/NOTES.txt", "{{ required \"n\" .Values.n }}")],
            json!({})
        ),
        "execution error at (p/templates/NOTES.txt:1:3): n"
    );
    let old = "apiVersion: v2\nname: p\nversion: 1.0.0\nkubeVersion: '<1.20.0'\n";
    assert_eq!(
        refused(&[("Chart.yaml", old)], json!({})),
        "chart requires kubeVersion: <1.20.0 which is incompatible with Kubernetes v1.37.0"
    );
    let endless = [
        ("Chart.yaml", ROOT),
        ("templates/a.yaml", "{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}"),
    ];
    assert!(refused(&endless, json!({})).contains("nested reference name"));
}

#[test]
fn all_templates_that_do_not_parse_are_told_at_load() {
    let files = [("Chart.yaml", ROOT), ("templates/a.yaml", "{{ if }}"), ("templates/b.yaml", "{{ nope }}")];
    let files = files.iter().map(|(name, text)| File::new(*name, text.as_bytes(), None)).collect();
    let Err(Error::Parse(errors)) = Chart::from_files(files) else { panic!("it parses") };
    let places: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        places,
        [
            "parse error at (p/templates/b.yaml:1): function \"nope\" not defined",
            "parse error at (p/templates/a.yaml:1): missing value for if",
        ]
    );
}

#[test]
fn equal_charts_have_equal_digests() {
    let digest = |text: &str| {
        let files = [("Chart.yaml", ROOT), ("README.md", text)];
        let files = files.iter().map(|(name, text)| File::new(*name, text.as_bytes(), None)).collect();
        Chart::from_files(files).unwrap().digest().to_owned()
    };
    assert_eq!(digest("a"), digest("a"));
    assert_ne!(digest("a"), digest("b"));
}
