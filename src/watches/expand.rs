//! `$VAR` and `${VAR}` from the environment, as Go's `os.Expand` finds them.

/// Replaces variables by what `value` gives; an unknown one becomes `${NAME}`, as ansible-operator
/// leaves it (`AO/watches/watches.go`).
#[must_use]
pub fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = variable(after);
        if length == 0 {
            out.push('$');
        } else if !name.is_empty() {
            match value(name) {
                Some(value) => out.push_str(&value),
                None => out.extend(["${", name, "}"]),
            }
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

/// The name after a `$`, and how many bytes it takes; Go's `getShellName`.
fn variable(text: &str) -> (&str, usize) {
    let special = |c: char| matches!(c, '*' | '#' | '$' | '@' | '!' | '?' | '-') || c.is_ascii_digit();
    if let Some(braced) = text.strip_prefix('{') {
        return match braced.find('}') {
            // `${}` is eaten; `${` without an end eats only these two characters.
            Some(end) => (&braced[..end], end + 2),
            None => ("", 1),
        };
    }
    match text.chars().next() {
        Some(first) if special(first) => (&text[..1], 1),
        _ => {
            let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
            (&text[..end], end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_as_go_finds_them() {
        let value = |name: &str| (name == "A_1").then(|| "x".to_owned());
        for (text, expected) in [
            ("a $A_1 b ${A_1}c", "a x b xc"),
            ("$UNKNOWN-", "${UNKNOWN}-"),
            ("100$", "100$"),
            ("$ {", "$ {"),
            ("${}", ""),
            ("$1", "${1}"),
            ("é$A_1é", "éxé"),
        ] {
            assert_eq!(expand(text, value), expected, "{text}");
        }
    }
}
