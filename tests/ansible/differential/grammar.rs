//! Generated templates: trees of patterns, which can be shrunk.

use std::collections::HashMap;

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::Value as Json;

const SOURCE: &str = include_str!("grammar.txt");

/// How often a part is of another kind than its place asks for: one in this many.
const ODD: u32 = 12;

/// Kinds that are expressions: each may stand for another one.
const EXPRESSIONS: &[&str] =
    &["a", "s", "i", "f", "b", "l", "d", "w", "u", "il", "v", "y", "tm", "da", "td", "ti"];

/// A pattern: texts with kinds between them.
#[derive(Debug)]
struct Pattern {
    texts: Vec<String>,
    kinds: Vec<String>,
    /// Which of the parts are put in quotes.
    quoted: Vec<bool>,
}

/// The patterns by kind: those without parts, and all.
#[derive(Debug, Default)]
struct Kind {
    leaves: Vec<usize>,
    all: Vec<usize>,
}

/// The grammar.
#[derive(Debug)]
pub(crate) struct Grammar {
    patterns: Vec<Pattern>,
    kinds: HashMap<String, Kind>,
}

/// A template as a tree.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    kind: String,
    pattern: usize,
    parts: Vec<Tree>,
}

impl Grammar {
    /// Reads the grammar.
    pub(crate) fn new() -> Self {
        let mut grammar = Grammar { patterns: Vec::new(), kinds: HashMap::new() };
        let lines = SOURCE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for (kind, text) in lines.filter_map(|line| line.split_once(": ")) {
            let (mut texts, mut kinds, mut quoted) = (Vec::new(), Vec::new(), Vec::new());
            let mut rest = text;
            while let Some((before, after)) = rest.split_once('«') {
                let (inner, after) = after.split_once('»').unwrap_or((after, ""));
                texts.push(before.to_owned());
                kinds.push(inner.trim_start_matches('"').to_owned());
                quoted.push(inner.starts_with('"'));
                rest = after;
            }
            texts.push(rest.to_owned());
            let number = grammar.patterns.len();
            let entry = grammar.kinds.entry(kind.to_owned()).or_default();
            entry.all.push(number);
            if kinds.is_empty() {
                entry.leaves.push(number);
            }
            grammar.patterns.push(Pattern { texts, kinds, quoted });
        }
        grammar
    }

    /// A template of this kind with at most this many levels.
    pub(crate) fn tree(&self, kind: &str, depth: u32, random: &mut StdRng) -> Tree {
        let general = ["s", "i", "f", "b", "l", "d"].contains(&kind);
        let kind = if general && random.random_ratio(1, ODD) { "a" } else { kind };
        let choices = &self.kinds[kind];
        // Leaves are rarer than their number when there is room to go deeper.
        let leaf = depth == 0 || (kind != "t" && random.random_ratio(2, 5));
        let from = if leaf && !choices.leaves.is_empty() { &choices.leaves } else { &choices.all };
        let pattern = from[random.random_range(0..from.len())];
        let below = depth.saturating_sub(1);
        let parts = self.patterns[pattern].kinds.iter().map(|kind| self.tree(kind, below, random)).collect();
        Tree { kind: kind.to_owned(), pattern, parts }
    }

    /// The text of a template.
    pub(crate) fn text(&self, tree: &Tree) -> String {
        let pattern = &self.patterns[tree.pattern];
        let mut out = String::new();
        for (i, text) in pattern.texts.iter().enumerate() {
            out.push_str(text);
            if let Some(part) = tree.parts.get(i) {
                let text = self.text(part);
                out.push_str(&if pattern.quoted[i] { Json::from(text).to_string() } else { text });
            }
        }
        out
    }

    /// Smaller templates: a part in the place of its whole, or something plain in the place of a part.
    pub(crate) fn smaller(&self, tree: &Tree) -> Vec<Tree> {
        let mut found = Vec::new();
        if EXPRESSIONS.contains(&tree.kind.as_str()) {
            found.extend(tree.parts.iter().filter(|part| part.kind != "t").cloned());
        }
        if tree.kind != "t"
            && !tree.parts.is_empty()
            && let Some(leaf) = self.kinds[&tree.kind].leaves.first()
        {
            found.push(Tree { pattern: *leaf, parts: Vec::new(), ..tree.clone() });
        }
        for (i, part) in tree.parts.iter().enumerate() {
            for smaller in self.smaller(part) {
                let mut whole = tree.clone();
                whole.parts[i] = smaller;
                found.push(whole);
            }
        }
        found
    }
}
