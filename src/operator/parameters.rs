//! What a role sees of the resource that it runs for: the extra variables.
//!
//! Follows `internal/ansible/runner` and `internal/ansible/paramconv` of ansible-operator-plugins.
//! Where `paramconv` takes the special words in the random order of a Go map, this takes them in the
//! order of the table.

use serde_json::{Map, Value, json};

use crate::cluster::Object;
use crate::watches::{AnsibleContent, Gvk};

/// Words that stay together although they are written in capitals.
const ACRONYMS: [&str; 3] = ["HTTP", "URL", "IP"];

/// The extra variables of a run over `resource`; `finalizer` gives those of a finalizer's run.
pub(super) fn extra_vars(
    content: &AnsibleContent,
    kind: &Gvk,
    resource: &Object,
    finalizer: Option<&Map<String, Value>>,
) -> Map<String, Value> {
    let spec = match resource.field("spec") {
        Some(Value::Object(spec)) => spec.clone(),
        _ => Map::new(),
    };
    let guard = |value: Value| if content.mark_unsafe { unsafe_texts(value) } else { value };
    let parameters = if content.snake_case_parameters { snake_keys(spec.clone()) } else { spec.clone() };
    let mut vars: Map<String, Value> =
        parameters.into_iter().map(|(key, value)| (key, guard(value))).collect();
    let name = format!("_{}_{}", kind.group.replace(['.', '-'], "_"), kind.kind.to_lowercase());
    let meta = json!({"name": resource.name(), "namespace": resource.namespace().unwrap_or_default()});
    vars.insert("ansible_operator_meta".into(), meta);
    vars.insert(name.clone(), guard(resource.0.clone()));
    vars.insert(format!("{name}_spec"), guard(Value::Object(spec)));
    vars.extend(content.vars.clone());
    vars.extend(finalizer.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
    vars
}

/// Texts that are never templated.
fn unsafe_texts(value: Value) -> Value {
    match value {
        Value::String(text) => json!({"__ansible_unsafe": text}),
        Value::Array(items) => items.into_iter().map(unsafe_texts).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, unsafe_texts(value))).collect(),
        other => other,
    }
}

fn snake_keys(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().map(|(key, value)| (snake_case(&key), snake_value(value))).collect()
}

fn snake_value(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(snake_keys(map)),
        Value::Array(items) => items.into_iter().map(snake_value).collect(),
        other => other,
    }
}

/// A parameter's name in snake case.
pub(super) fn snake_case(name: &str) -> String {
    let spaced = space_numbers(name);
    let trimmed = spaced.trim_matches(' ');
    let prefix = if trimmed.starts_with(|c: char| c.is_ascii_uppercase()) { "_" } else { "" };
    let isolated =
        if trimmed.to_uppercase() == trimmed { trimmed.to_owned() } else { isolate_acronyms(trimmed) };
    let words = words(&isolated);
    // A name that begins with one of the special words is no name that begins with a capital.
    let special =
        words.first().is_some_and(|first| ACRONYMS.iter().any(|word| word.to_lowercase() == *first));
    let joined = words.join("_");
    if special { joined } else { format!("{prefix}{joined}") }
}

/// `a1b2` becomes `a 1 b2`: letter, digits, letter, digits.
fn space_numbers(name: &str) -> String {
    let bytes = name.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    let mut out = String::with_capacity(name.len() + 2);
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let number = if letter(at) { digits(at + 1) } else { 0 };
        let second = at + 1 + number;
        let tail = if number > 0 && letter(second) { digits(second + 1) } else { 0 };
        if tail == 0 {
            at += 1;
            continue;
        }
        let end = second + 1 + tail;
        out.push_str(&name[copied..=at]);
        out.push(' ');
        out.push_str(&name[at + 1..second]);
        out.push(' ');
        out.push_str(&name[second..end]);
        (copied, at) = (end, end);
    }
    out.push_str(&name[copied..]);
    out
}

/// Sets `_` around the first occurrence of each special word; a plural's `s` belongs to the word.
fn isolate_acronyms(name: &str) -> String {
    let mut name = name.to_owned();
    for word in ACRONYMS {
        let Some(start) = name.find(word) else { continue };
        let (before, rest) = (&name[..start], &name[start + word.len()..]);
        let (plural, after) = match rest.strip_prefix('s') {
            Some(after) => ("S", after),
            None => ("", rest),
        };
        // A word that is the whole name still gets a separator in front, as long as it is no plural.
        let opening = if before.is_empty() && !(after.is_empty()) { "" } else { "_" };
        let closing = if after.is_empty() { "" } else { "_" };
        name = format!("{before}{opening}{word}{plural}{closing}{after}");
    }
    name
}

/// Splits where the letter case changes and at spaces, underscores and hyphens; in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        let rises = character.is_ascii_lowercase() && next.is_ascii_uppercase();
        let falls = character.is_ascii_uppercase() && next.is_ascii_lowercase();
        if !word.is_empty() && falls {
            words.push(word.to_lowercase());
            word = character.to_string();
        } else if !word.is_empty() && rises {
            word.push(character);
            words.push(word.to_lowercase());
            word.clear();
        } else if matches!(character, ' ' | '_' | '-') {
            words.push(word.to_lowercase());
            word.clear();
        } else {
            word.push(character);
        }
    }
    words.push(word.to_lowercase());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_paramconv_converts_them() {
        for (name, expected) in [
            ("var", "var"),
            ("888", "888"),
            ("k8s_var", "k8s_var"),
            ("_k8s_var", "_k8s_var"),
            ("k8s var", "k8s_var"),
            ("ThisShouldHaveUnderscores", "_this_should_have_underscores"),
            ("sizeK8sBuckets", "size_k8s_buckets"),
            ("_CanYou_Handle_mixedVars", "_can_you_handle_mixed_vars"),
            ("this_should_be_a_noop", "this_should_be_a_noop"),
            ("egressIPs", "egress_ips"),
            ("egressIPsEgress", "egress_ips_egress"),
            ("egressIPsegress", "egress_ips_egress"),
            ("IPsegress", "_ips_egress"),
            ("egressIP", "egress_ip"),
            ("egressIPEgress", "egress_ip_egress"),
            ("egressIPegress", "egress_ip_egress"),
            ("URLegressIPEgressHTTP", "url_egress_ip_egress_http"),
            ("URLsegressIPsEgressHTTPs", "_urls_egress_ips_egress_https"),
            ("THIS_IS_SKIP_NOT_SK_IP", "_this_is_skip_not_sk_ip"),
            ("var_var", "var_var"),
            ("size_k8s_test", "size_k8s_test"),
            ("a1b2", "a_1_b2"),
            ("rootPasswordSecret", "root_password_secret"),
            ("", ""),
        ] {
            assert_eq!(snake_case(name), expected, "{name}");
        }
    }

    #[test]
    fn extra_vars_in_their_order_of_precedence() {
        let content = AnsibleContent {
            run: crate::watches::Runnable::Role("r".into()),
            vars: json!({"size": "from vars"}).as_object().unwrap().clone(),
            run_timeout: None,
            manage_status: true,
            snake_case_parameters: true,
            watch_annotations_changes: false,
            mark_unsafe: false,
            blacklist: Vec::new(),
            finalizer: None,
        };
        let kind =
            Gvk { group: "cache.my-example.com".into(), version: "v1".into(), kind: "Memcached".into() };
        let resource = Object(json!({"apiVersion": "cache.my-example.com/v1", "kind": "Memcached",
            "metadata": {"name": "a", "namespace": "n"},
            "spec": {"size": 3, "nodePort": [{"theName": "x"}]}}));
        let finalizer = json!({"state": "absent"});
        let vars = extra_vars(&content, &kind, &resource, finalizer.as_object());
        assert_eq!(vars["size"], "from vars");
        assert_eq!(vars["node_port"], json!([{"the_name": "x"}]));
        assert_eq!(vars["ansible_operator_meta"], json!({"name": "a", "namespace": "n"}));
        assert_eq!(vars["_cache_my_example_com_memcached"]["metadata"]["name"], "a");
        assert_eq!(vars["_cache_my_example_com_memcached_spec"]["nodePort"][0]["theName"], "x");
        assert_eq!(vars["state"], "absent");
        let marked = extra_vars(&AnsibleContent { mark_unsafe: true, ..content }, &kind, &resource, None);
        assert_eq!(marked["node_port"], json!([{"the_name": {"__ansible_unsafe": "x"}}]));
        let secret = Gvk { group: String::new(), version: "v1".into(), kind: "Secret".into() };
        let bare = Object(json!({"metadata": {"name": "s"}}));
        assert!(
            extra_vars(&AnsibleContent { vars: Map::new(), ..marked_content() }, &secret, &bare, None)
                .contains_key("__secret")
        );
    }

    fn marked_content() -> AnsibleContent {
        AnsibleContent {
            run: crate::watches::Runnable::Role("r".into()),
            vars: Map::new(),
            run_timeout: None,
            manage_status: true,
            snake_case_parameters: true,
            watch_annotations_changes: false,
            mark_unsafe: true,
            blacklist: Vec::new(),
            finalizer: None,
        }
    }
}
