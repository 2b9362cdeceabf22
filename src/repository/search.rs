//! `daytwo search repo`: charts of the added repositories.
//!
//! Follows `pkg/cmd/search_repo.go` and `pkg/cmd/search/search.go` of Helm 4.

use super::{Entries, Error, Index, Settings, version};

/// Matches that begin after so many parts of a chart's line are not worth showing.
const MAX_SCORE: usize = 25;
/// What separates the parts of a chart's line.
const SEPARATOR: char = '\u{b}';

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// A part of the name, description or keywords; everything when empty.
    pub term: String,
    /// Whether the term is a regular expression.
    pub regexp: bool,
    /// Whether all versions are shown, not only the newest.
    pub versions: bool,
    /// The constraint on versions; releases only when empty.
    pub version: String,
}

/// A chart that was found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// `repo/chart`.
    pub name: String,
    /// The version of the chart.
    pub version: String,
    /// The version of the application.
    pub app_version: String,
    /// What the chart says of itself.
    pub description: String,
    #[serde(skip)]
    score: usize,
}

/// Searches the copies of the indexes; the best matches first.
///
/// # Errors
/// When there are no repositories, or the term or the constraint is malformed.
pub fn search(what: &Search, settings: &Settings) -> Result<Vec<Found>, Error> {
    let entries = Entries::load(settings)?.repositories;
    if entries.is_empty() {
        return Err(Error::NotFound("no repositories configured".into()));
    }
    let constraint = if what.version.is_empty() { ">0.0.0" } else { &what.version };
    version::check_constraint(constraint)
        .map_err(|error| error.within("an invalid version/constraint format"))?;
    let matcher = Matcher::new(what)?;
    let mut found = Vec::new();
    for entry in &entries {
        let index = match Index::cached(settings, &entry.name) {
            Ok(index) => index,
            Err(error) => {
                tracing::warn!(repo = entry.name, %error, "repo is corrupt or missing");
                continue;
            }
        };
        for (chart, versions) in &index.entries {
            for own in versions.iter().filter(|own| version::admits(constraint, &own.metadata.version)) {
                let own = &own.metadata;
                let name = format!("{}/{chart}", entry.name);
                let keywords = own.keywords.join(" ");
                let parts =
                    [own.name.as_str(), &format!("{}/{}", entry.name, own.name), &own.description, &keywords];
                let Some(score) = matcher.score(&parts.join(&SEPARATOR.to_string())) else { continue };
                found.push(Found {
                    name,
                    version: own.version.clone(),
                    app_version: own.app_version.clone(),
                    description: own.description.clone(),
                    score,
                });
            }
        }
    }
    found.sort_by(|a, b| {
        (a.score, &a.name)
            .cmp(&(b.score, &b.name))
            .then_with(|| version::newest_first(&a.version, &b.version))
    });
    if !what.versions {
        let mut seen = std::collections::HashSet::new();
        found.retain(|own| seen.insert(own.name.clone()));
    }
    Ok(found)
}

enum Matcher {
    All,
    Literal(String),
    Regexp(Box<regex_automata::meta::Regex>),
}

impl Matcher {
    fn new(what: &Search) -> Result<Self, Error> {
        if what.term.is_empty() {
            return Ok(Self::All);
        }
        if !what.regexp {
            return Ok(Self::Literal(what.term.to_lowercase()));
        }
        regex_automata::meta::Regex::new(&what.term)
            .map(|regex| Self::Regexp(Box::new(regex)))
            .map_err(|error| Error::Refused(format!("error parsing regexp: {error}")))
    }

    /// How many parts of the line stand before the match; `None` when there is no match worth showing.
    fn score(&self, line: &str) -> Option<usize> {
        let (line, at) = match self {
            Self::All => return Some(0),
            Self::Literal(term) => {
                let line = line.to_lowercase();
                let at = line.find(term)?;
                (line, at)
            }
            Self::Regexp(regex) => (line.to_owned(), regex.find(line)?.start()),
        };
        let score = line.match_indices(SEPARATOR).filter(|(place, _)| *place < at).count();
        (score < MAX_SCORE).then_some(score)
    }
}
