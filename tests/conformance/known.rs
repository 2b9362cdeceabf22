//! The failures that are known, each with its reason; a list may only shrink.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Outcome;

/// Prints the outcome; whether it is exactly what the list says.
///
/// `complete` tells that all cases ran, so that what did not fail passed.
pub(crate) fn judge(suite: &str, outcome: &Outcome, complete: bool) -> bool {
    let known = known_failures(suite);
    let mut good = true;
    for (name, reason) in &outcome.failures {
        if known.contains_key(name) {
            println!("{suite}: known failure: {name}");
        } else {
            println!("{suite}: FAILED: {name}: {reason}");
            good = false;
        }
    }
    if complete {
        for name in known.keys().filter(|name| !outcome.failures.iter().any(|(failed, _)| failed == *name)) {
            println!("{suite}: PASSES, take it off the list of known failures: {name}");
            good = false;
        }
    }
    println!("{suite}: {} passed, {} failed", outcome.cases - outcome.failures.len(), outcome.failures.len());
    good
}

/// The list of a suite: lines of `NAME # REASON`.
fn known_failures(suite: &str) -> BTreeMap<String, String> {
    let path = format!("tests/conformance/known-failures/{suite}.txt");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default();
    let entries = text.lines().filter_map(|line| line.split_once(" # "));
    entries.map(|(name, reason)| (name.trim().to_owned(), reason.to_owned())).collect()
}
