//! The template parser: any text gives a set of templates or an error with a line inside the text.

use daytwo::gotmpl::{Functions, Set, funcs};

pub(crate) fn run(data: &[u8]) {
    let mut set = Set::new("gotpl", Functions::new(funcs::table().copied()));
    if let Err(error) = set.parse("fuzz", data) {
        let lines = 1 + data.iter().filter(|byte| **byte == b'\n').count();
        assert!(error.line <= lines, "line {} of {lines}: {error}", error.line);
    }
}
