//! Words of a line as Python's `shlex` splits them: quotes, escapes and comments.

/// The words of a line; `#` begins a comment anywhere outside of quotes.
///
/// # Errors
/// A quote or an escape does not end; the message is Python's.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '#' => break,
            '\'' => {
                let into = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '\'' => break,
                        c => into.push(c),
                    }
                }
            }
            '"' => {
                let into = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '"' => break,
                        '\\' => match chars.next().ok_or("No escaped character")? {
                            c @ ('"' | '\\') => into.push(c),
                            c => into.extend(['\\', c]),
                        },
                        c => into.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next().ok_or("No escaped character")?),
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words() {
        assert_eq!(split("a b=c  d='e f'g").unwrap(), ["a", "b=c", "d=e fg"]);
        assert_eq!(split(r#"a "b\"c\d" e\ f"#).unwrap(), ["a", r#"b"c\d"#, "e f"]);
        assert_eq!(split("a b#c d # e").unwrap(), ["a", "b"]);
        assert_eq!(split("'' x").unwrap(), ["", "x"]);
        assert!(split("a 'b").is_err());
        assert!(split("a\\").is_err());
    }
}
