//! `.helmignore`: which files of a directory do not belong to the chart.
//!
//! Follows `pkg/ignore/rules.go` of Helm 4, whose rules differ from Git's: the first rule that says
//! something decides, and a negated rule hides everything that it does not match.

use super::Error;
use super::path_pattern::{BadPattern, PathPattern};

/// The name of the file with the rules.
pub(super) const FILE: &str = ".helmignore";

/// The rules of one chart.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: PathPattern,
    negated: bool,
    directories_only: bool,
    /// Whether the whole path is matched, not the last component.
    whole_path: bool,
}

impl Rules {
    /// Reads the rules of a `.helmignore` and adds the one that always holds.
    ///
    /// # Errors
    /// When a rule contains `**` or is no valid pattern.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rules = Vec::new();
        for line in text.lines().chain(["templates/.?*"]) {
            rules.extend(Rule::parse(line.trim())?);
        }
        Ok(Self(rules))
    }

    /// Whether the file or directory of this path inside the chart is left out.
    pub(super) fn ignores(&self, path: &str, is_directory: bool) -> bool {
        for rule in &self.0 {
            if rule.negated {
                if rule.directories_only && !is_directory || !rule.matches(path) {
                    return true;
                }
            } else if (!rule.directories_only || is_directory) && rule.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(rule: &str) -> Result<Option<Self>, Error> {
        if rule.is_empty() || rule.starts_with('#') {
            return Ok(None);
        }
        if rule.contains("**") {
            return Err(Error::Format("double-star (**) syntax is not supported".into()));
        }
        let bad = |error: BadPattern| Error::Format(format!("{FILE}: {error}: {rule}"));
        let (negated, pattern) = rule.strip_prefix('!').map_or((false, rule), |rest| (true, rest));
        let (directories_only, pattern) =
            pattern.strip_suffix('/').map_or((false, pattern), |rest| (true, rest));
        let whole_path = pattern.contains('/');
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
        let pattern = PathPattern::new(pattern).map_err(bad)?;
        Ok(Some(Self { pattern, negated, directories_only, whole_path }))
    }

    fn matches(&self, path: &str) -> bool {
        let name = if self.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
        self.pattern.matches(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignores(rules: &str, path: &str) -> bool {
        let (path, is_directory) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
        Rules::parse(rules).unwrap().ignores(path, is_directory)
    }

    #[test]
    fn rules_match_as_in_helm() {
        for (rules, path, expected) in [
            ("helm.txt", "helm.txt", true),
            ("helm.*", "a/helm.txt", true),
            ("cargo/*.txt", "cargo/a.txt", true),
            ("cargo/*.txt", "mast/a.txt", false),
            ("/*.txt", "cargo/a.txt", false),
            ("ru[c-e]?er.txt", "rudder.txt", true),
            ("cargo/", "cargo/", true),
            ("cargo/", "cargo", false),
            ("#helm.txt", "helm.txt", false),
            ("!helm.txt", "tiller.txt", true),
            ("!helm.txt", "helm.txt", false),
            ("", "templates/.dotfile", true),
            ("", "templates/a.yaml", false),
        ] {
            assert_eq!(ignores(rules, path), expected, "{rules} {path}");
        }
        assert!(Rules::parse("a/**/b").is_err());
        assert!(Rules::parse("[").is_err());
    }
}
