//! The template executor with all functions: any template renders or fails within its limits.

use daytwo::gotmpl::{Execution, Functions, Limits, Set, Value, funcs};

/// Functions that are slow on purpose, or make keys: their cost is not what is looked for.
const SLOW: &[&str] = &[
    "bcrypt",
    "buildCustomCert",
    "derivePassword",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htpasswd",
];

/// What templates see as their dot.
const DATA: &str = r#"{
    "Values": {"a": 1, "b": "text", "c": [1, "two", 3.5, null], "d": {"e": {"f": true}}, "g": null, "empty": {}},
    "Release": {"Name": "rel", "Namespace": "ns", "Revision": 1},
    "Chart": {"Name": "fuzz", "Version": "1.2.3"},
    "list": ["x", "y", "z"], "text": "Text with spaces", "number": -12, "version": "1.2.3-beta.1+build"
}"#;

const LIMITS: Limits = Limits { depth: 60, output: 1 << 20, steps: 20_000 };

pub(crate) fn run(data: &[u8]) {
    let mut set = Set::new("gotpl", Functions::new(funcs::table().copied()).without(SLOW));
    if set.parse("fuzz", data).is_err() {
        return;
    }
    let Ok(json) = serde_json::from_str::<serde_json::Value>(DATA) else { return };
    let mut out = Vec::new();
    let result = Execution::new(&set, &()).with_limits(LIMITS).run("fuzz", &Value::from(&json), &mut out);
    match result {
        Ok(()) => assert!(out.len() <= LIMITS.output),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
