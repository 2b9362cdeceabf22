//! `values.schema.json`: what values a chart accepts.
//!
//! Follows `pkg/chart/common/util/jsonschema.go` of Helm 4. All drafts; references stay inside the
//! schema, except that an unknown `urn:` accepts everything.

use std::sync::{Arc, OnceLock};

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::Value;

/// A schema, compiled when it is first asked.
pub(super) struct Schema {
    text: Arc<[u8]>,
    compiled: OnceLock<Result<Validator, String>>,
}

/// The draft that Helm's library assumes where a schema names none, or names `schema#` alone.
const LATEST_DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

impl Schema {
    pub(super) fn new(text: &Arc<[u8]>) -> Self {
        Self { text: Arc::clone(text), compiled: OnceLock::new() }
    }

    /// Checks values; the error lists every violation on a line of its own.
    pub(super) fn validate(&self, values: &Value) -> Result<(), String> {
        let validator = self.compiled.get_or_init(|| compile(&self.text)).as_ref().map_err(Clone::clone)?;
        let mut report = String::new();
        for error in validator.iter_errors(values) {
            describe(&error, 0, &mut report);
        }
        if report.is_empty() { Ok(()) } else { Err(report) }
    }
}

fn compile(text: &[u8]) -> Result<Validator, String> {
    let mut schema: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    name_the_draft(&mut schema);
    jsonschema::options()
        .with_base_uri("file:///values.schema.json")
        .with_retriever(Local)
        .with_pattern_options(PatternOptions::regex())
        .should_ignore_unknown_formats(true)
        .build(&schema)
        .map_err(|error| format!("file:///values.schema.json is not valid: {error}\n"))
}

/// `http://json-schema.org/schema#` means the latest draft.
fn name_the_draft(schema: &mut Value) {
    let Some(Value::String(draft)) = schema.get_mut("$schema") else { return };
    let name = draft.trim_end_matches('#').trim_start_matches("http://").trim_start_matches("https://");
    if name == "json-schema.org/schema" {
        LATEST_DRAFT.clone_into(draft);
    }
}

/// Resolves what is outside a schema: nothing but `urn:`, which accepts everything.
struct Local;

impl Retrieve for Local {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        if uri.scheme().as_str() == "urn" {
            return Ok(Value::Bool(true));
        }
        Err(format!("{uri} is outside the chart and is not fetched").into())
    }
}

/// Writes one violation, and below it what each alternative wanted.
fn describe(error: &ValidationError<'_>, depth: usize, report: &mut String) {
    let indent = "  ".repeat(depth);
    let place = quote(error.instance_path().as_str());
    report.push_str(&format!("{indent}- at {place}: {}\n", message(error)));
    let alternatives = match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => context,
        _ => return,
    };
    for alternative in alternatives.iter().flatten() {
        describe(alternative, depth + 1, report);
    }
}

/// The wording of Helm's library, where the value itself does not have to be shown.
fn message(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    let instance = error.instance();
    let size = || match instance.as_ref() {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(entries) => entries.len(),
        _ => 0,
    };
    match error.kind() {
        Kind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(kind) => kind.to_string(),
                TypeKind::Multiple(kinds) => {
                    kinds.iter().map(|k| k.to_string()).collect::<Vec<_>>().join(" or ")
                }
            };
            format!("got {}, want {wanted}", json_type(instance))
        }
        Kind::Required { property } => {
            format!("missing property {}", quote(property.as_str().unwrap_or_default()))
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names: Vec<String> = unexpected.iter().map(|name| quote(name)).collect();
            format!("additional properties {} not allowed", names.join(", "))
        }
        Kind::Enum { options } => {
            let options: Vec<String> = options.as_array().into_iter().flatten().map(display).collect();
            format!("value must be one of {}", options.join(", "))
        }
        Kind::Constant { expected_value } => format!("value must be {}", display(expected_value)),
        Kind::MinLength { limit } => format!("minLength: got {}, want {limit}", size()),
        Kind::MaxLength { limit } => format!("maxLength: got {}, want {limit}", size()),
        Kind::MinItems { limit } => format!("minItems: got {}, want {limit}", size()),
        Kind::MaxItems { limit } => format!("maxItems: got {}, want {limit}", size()),
        Kind::MinProperties { limit } => format!("minProperties: got {}, want {limit}", size()),
        Kind::MaxProperties { limit } => format!("maxProperties: got {}, want {limit}", size()),
        Kind::Minimum { limit } => format!("minimum: got {instance}, want {limit}"),
        Kind::Maximum { limit } => format!("maximum: got {instance}, want {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("exclusiveMinimum: got {instance}, want {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("exclusiveMaximum: got {instance}, want {limit}"),
        Kind::Pattern { pattern } => {
            format!("{} does not match pattern {}", display(instance), quote(pattern))
        }
        Kind::AnyOf { .. } => "'anyOf' failed".into(),
        Kind::OneOfNotValid { .. } => "'oneOf' failed, none matched".into(),
        Kind::OneOfMultipleValid { .. } => "'oneOf' failed, several subschemas matched".into(),
        Kind::Not { .. } => "'not' failed".into(),
        Kind::FalseSchema => "false schema".into(),
        Kind::PropertyNames { error } => format!("invalid propertyName {}", display(error.instance())),
        _ => error.to_string(),
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn display(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Array(_) | Value::Object(_) => "value".into(),
        other => other.to_string(),
    }
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(schema: &Value, values: &Value) -> String {
        let schema = Schema::new(&Arc::from(schema.to_string().as_bytes()));
        schema.validate(values).err().unwrap_or_default()
    }

    #[test]
    fn violations_read_as_in_helm() {
        let schema = json!({
            "$schema": "http://json-schema.org/schema#",
            "$defs": {"port": {"type": "integer", "minimum": 1}},
            "required": ["b"],
            "properties": {"a": {"type": ["integer", "null"]}, "p": {"$ref": "#/$defs/port"}, "c": {"enum": ["x", 1]}},
        });
        assert_eq!(report(&schema, &json!({"a": 1.0, "b": 0})), "");
        let violations = report(&schema, &json!({"a": "s", "p": 0, "c": 2}));
        for expected in [
            "- at '/a': got string, want null or integer",
            "- at '': missing property 'b'",
            "- at '/p': minimum: got 0, want 1",
            "- at '/c': value must be one of 'x', 1",
        ] {
            assert!(violations.lines().any(|line| line == expected), "{expected}\n{violations}");
        }
    }

    #[test]
    fn schemas_that_cannot_be_read_refuse_everything() {
        assert!(Schema::new(&Arc::from(b"{".as_slice())).validate(&json!({})).is_err());
        assert!(report(&json!({"type": "strnig"}), &json!({})).contains("not valid"));
        assert!(
            report(&json!({"$ref": "https://example.com/schema.json"}), &json!({})).contains("not fetched")
        );
        assert_eq!(report(&json!({"$ref": "urn:example:any"}), &json!({})), "");
    }
}
