//! Finds the place of a key in the text, for messages.

use crate::yaml::{Document, Kind, Mark, Node};

/// The place of entry `index`, or of `key` in it.
pub(super) fn locate(document: &Document<'_>, index: usize, key: Option<&str>) -> Mark {
    let Some(entry) = resolve(document.root()).items().nth(index) else { return document.root().mark() };
    let entry = resolve(entry);
    let found = key.and_then(|key| entry.pairs().find(|(name, _)| text(*name) == Some(key)));
    found.map_or(entry.mark(), |(name, _)| name.mark())
}

fn resolve(node: Node<'_>) -> Node<'_> {
    match node.kind() {
        Kind::Alias { target, .. } => target,
        _ => node,
    }
}

fn text(node: Node<'_>) -> Option<&str> {
    match resolve(node).kind() {
        Kind::Scalar { text, .. } => Some(text),
        _ => None,
    }
}
