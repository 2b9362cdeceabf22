//! What is known to differ, with its reason.

use fancy_regex::Regex;

/// The known deviations: patterns of templates, and whether errors alone may differ in words.
pub(crate) struct Deviations(Vec<(Regex, bool)>);

impl Deviations {
    /// Reads `deviations.txt`: lines `WHAT REASON ; PATTERN`, where WHAT is `any` or `words`.
    ///
    /// # Errors
    /// A line is malformed.
    pub(crate) fn load() -> Result<Self, String> {
        let text = std::fs::read_to_string(crate::here().join("deviations.txt"))
            .map_err(|error| error.to_string())?;
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let read = |line: &str| {
            let (head, pattern) = line.split_once(" ; ").ok_or_else(|| format!("no pattern: {line}"))?;
            let pattern = Regex::new(pattern).map_err(|error| error.to_string())?;
            Ok((pattern, head.starts_with("words ")))
        };
        lines.map(read).collect::<Result<_, String>>().map(Deviations)
    }

    /// Whether the answers are the same, or may differ as they do.
    pub(crate) fn allow(&self, template: &str, expected: &str, got: &str) -> bool {
        let words = expected.starts_with("error:") && got.starts_with("error:");
        expected == got
            || self.0.iter().any(|(pattern, words_only)| {
                (words || !words_only)
                    && pattern.is_match(&format!("{template}\n{expected}\n{got}")).unwrap_or(false)
            })
    }
}
