//! What `helm template` prints of a rendering: its documents, each with the path of its template.
//!
//! Follows `renderResources` of `pkg/action/action.go` and `pkg/cmd/template.go` of Helm 4.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{BadPattern, Hook, PathPattern, Rendered, split_documents};

/// The documents of a rendering, in the order in which Helm prints them.
pub struct Listing<'a> {
    manifests: Vec<Document<'a>>,
    hooks: Vec<Document<'a>>,
}

/// A document and the path of its template, from the root chart's name.
struct Document<'a> {
    source: &'a str,
    text: Cow<'a, str>,
}

/// Why documents cannot be selected; the texts are Helm's.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The pattern is malformed.
    #[error("{error}: {pattern}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        error: BadPattern,
    },
    /// Nothing was rendered from such a template.
    #[error("could not find template {0} in chart")]
    Missing(String),
}

impl Rendered {
    /// Lists what was rendered, with or without custom resource definitions, and with the hooks that are shown.
    pub fn listing(&self, with_crds: bool, is_shown: impl Fn(&Hook) -> bool) -> Listing<'_> {
        let crds = self.crds.iter().filter(|_| with_crds);
        let crds =
            crds.map(|crd| Document { source: &crd.filename, text: String::from_utf8_lossy(&crd.data) });
        let manifests =
            self.manifests.iter().map(|own| Document { source: &own.source, text: own.text.as_str().into() });
        let hooks = self.hooks.iter().filter(|hook| is_shown(hook));
        let hooks = hooks.map(|hook| Document { source: &hook.path, text: hook.manifest.as_str().into() });
        Listing { manifests: crds.chain(manifests).collect(), hooks: hooks.collect() }
    }
}

impl Listing<'_> {
    /// All documents as one text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.manifests.iter().for_each(|document| document.write(&mut text));
        text.truncate(text.trim_end().len());
        text.push('\n');
        self.hooks.iter().for_each(|document| document.write(&mut text));
        text
    }

    /// The documents whose template, from the chart's directory, one of these patterns matches, pattern by pattern.
    ///
    /// # Errors
    /// A pattern that is malformed or matches nothing.
    pub fn select(&self, patterns: &[String]) -> Result<String, SelectError> {
        let text = self.text();
        let documents = split_documents(&text);
        let mut selected = String::new();
        for pattern in patterns {
            let glob = PathPattern::new(pattern)
                .map_err(|error| SelectError::Pattern { pattern: pattern.clone(), error })?;
            let length = selected.len();
            for document in &documents {
                if source(document).is_some_and(|path| glob.matches(path)) {
                    selected.push_str("---\n");
                    selected.push_str(document);
                    selected.push('\n');
                }
            }
            if selected.len() == length {
                return Err(SelectError::Missing(pattern.clone()));
            }
        }
        Ok(selected)
    }

    /// The path of each document's template, one after the other.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.documents().map(|document| document.source)
    }

    /// The documents by the path of their template.
    #[must_use]
    pub fn files(&self) -> BTreeMap<&str, String> {
        let mut files = BTreeMap::new();
        for document in self.documents() {
            document.write(files.entry(document.source).or_default());
        }
        files
    }

    fn documents(&self) -> impl Iterator<Item = &Document<'_>> {
        self.manifests.iter().chain(&self.hooks)
    }
}

impl Document<'_> {
    fn write(&self, out: &mut String) {
        for text in ["---\n# Source: ", self.source, "\n", &self.text, "\n"] {
            out.push_str(text);
        }
    }
}

/// The path inside the chart that the first source comment of a document names.
fn source(document: &str) -> Option<&str> {
    let (_, rest) = document.split_once("# Source: ")?;
    let (_, path) = rest.lines().next()?.split_once('/')?;
    Some(path)
}
