//! Splits a command line into words as Python's `shlex.split` does.

use crate::modules::ModuleError;

/// The words of a command line: blanks separate, quotes and backslashes protect, `#` is a character.
///
/// # Errors
/// A quote is not closed, or a backslash protects nothing.
pub(super) fn split(line: &str) -> Result<Vec<String>, ModuleError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or_else(unclosed)? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => {
                let c = chars.next().ok_or_else(|| ModuleError::new("No escaped character"))?;
                word.get_or_insert_default().push(c);
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn double_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), ModuleError> {
    loop {
        match chars.next().ok_or_else(unclosed)? {
            '"' => return Ok(()),
            '\\' => {
                let c = chars.next().ok_or_else(|| ModuleError::new("No escaped character"))?;
                if !matches!(c, '"' | '\\') {
                    word.push('\\');
                }
                word.push(c);
            }
            c => word.push(c),
        }
    }
}

fn unclosed() -> ModuleError {
    ModuleError::new("No closing quotation")
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_those_of_python() {
        let cases: &[(&str, &[&str])] = &[
            ("a  b\tc\n", &["a", "b", "c"]),
            (r#"a 'b c' "d \"e\" \n" f\ g"#, &["a", "b c", r#"d "e" \n"#, "f g"]),
            ("a # b", &["a", "#", "b"]),
            ("a '' b\"\"c", &["a", "", "bc"]),
        ];
        for (line, expected) in cases {
            assert_eq!(split(line).expect("closed quotes"), *expected, "{line}");
        }
        for (line, message) in [("a 'b", "No closing quotation"), ("a\\", "No escaped character")] {
            assert_eq!(split(line).expect_err(line).to_string(), message);
        }
    }
}
