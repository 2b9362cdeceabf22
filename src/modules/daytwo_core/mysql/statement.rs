//! SQL texts: which statements only read, and values in place of names.

use std::collections::BTreeMap;

/// First words of statements that change nothing.
const READING: [&str; 10] =
    ["select", "show", "explain", "describe", "desc", "checksum", "check", "with", "use", "help"];

/// Parts of statements that write although their first word reads.
const WRITING: [&str; 5] = [" into outfile ", " for update", "insert ", "update ", "delete "];

/// Whether the statement only reads; in doubt it writes.
pub(super) fn only_reads(statement: &str) -> bool {
    let word: String = without_comments(statement).chars().take_while(char::is_ascii_alphabetic).collect();
    let word = word.to_ascii_lowercase();
    let lower = statement.to_ascii_lowercase();
    // A table may be named like a command: only after `with` does that decide.
    let parts = if word == "with" { &WRITING[..] } else { &WRITING[..2] };
    let writes = parts.iter().any(|part| lower.contains(part));
    READING.contains(&word.as_str()) && !writes
}

/// The statement from its first word on.
fn without_comments(statement: &str) -> &str {
    let mut rest = statement.trim_start_matches(|char: char| char.is_whitespace() || char == '(');
    loop {
        let after = if rest.starts_with("--") || rest.starts_with('#') {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else if rest.starts_with("/*") && !rest.starts_with("/*!") && !rest.starts_with("/*M!") {
            rest.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
        rest = after.trim_start_matches(|char: char| char.is_whitespace() || char == '(');
    }
}

/// The statement with each `%(name)s` replaced by the value as a string of SQL.
///
/// # Errors
/// The name of a placeholder for which there is no value.
pub(super) fn with_values(statement: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut text = String::with_capacity(statement.len());
    let mut rest = statement;
    while let Some((before, after)) = rest.split_once("%(") {
        let Some((name, after)) = after.split_once(")s").filter(|(name, _)| is_name(name)) else {
            text.push_str(before);
            text.push_str("%(");
            rest = after;
            continue;
        };
        let value = values.get(name).ok_or_else(|| name.to_owned())?;
        text.push_str(before);
        text.push_str(&quoted(value));
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('\'');
    for char in value.chars() {
        match char {
            '\'' => text.push_str("''"),
            '\\' => text.push_str("\\\\"),
            '\0' => text.push_str("\\0"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\x1a' => text.push_str("\\Z"),
            other => text.push(other),
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads() {
        for reading in
            ["SELECT 1", " show tables", "(select 1)", "-- why\nselect 1", "/* x */ checksum table t"]
        {
            assert!(only_reads(reading), "{reading}");
        }
        for writing in [
            "insert into t values (1)",
            "select 1 into outfile '/tmp/x'",
            "set global read_only = 1",
            "with a as (select 1) delete from t",
            "select * from t for update",
            "/*! drop table t */",
            "",
        ] {
            assert!(!only_reads(writing), "{writing}");
        }
    }

    #[test]
    fn values_take_the_place_of_names() {
        let values =
            BTreeMap::from([("who".to_owned(), "o'ne\\".to_owned()), ("n".to_owned(), "%(who)s".to_owned())]);
        let text = with_values("select %(who)s, '50%(x) off', %(n)s", &values).unwrap();
        assert_eq!(text, "select 'o''ne\\\\', '50%(x) off', '%(who)s'");
        assert_eq!(with_values("select %(missing)s", &values), Err("missing".into()));
    }
}
