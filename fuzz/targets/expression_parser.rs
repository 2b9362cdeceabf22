//! The parser of Ansible's templates and expressions: any text parses, or is an error with a line inside the text.

use daytwo::jinja::Error;
use daytwo::jinja::parse::{Syntax, parse, parse_expression};

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines = 1 + text.chars().filter(|c| matches!(c, '\n' | '\r')).count();
    let inside = |error: &Error| {
        assert!(!error.to_string().is_empty());
        let line = error.line().unwrap_or(1);
        assert!((1..=lines).contains(&(line as usize)), "line {line} of {lines}: {error}");
    };
    let _ = parse(&text, &Syntax::default()).inspect_err(inside);
    let _ = parse_expression(&text).inspect_err(inside);
}
