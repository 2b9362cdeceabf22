//! Differences of lines as Python's `difflib.unified_diff` finds and prints them.

use std::collections::HashMap;
use std::ops::Range;

/// A part of both texts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    equal: bool,
    old: Range<usize>,
    new: Range<usize>,
}

/// A unified diff with so many lines of context; lines keep their ends. Empty when nothing differs.
#[must_use]
pub(super) fn unified(old: &[String], new: &[String], names: (&str, &str), context: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for group in grouped(parts(old, new), context) {
        if lines.is_empty() {
            lines.push(format!("--- {}\n", names.0));
            lines.push(format!("+++ {}\n", names.1));
        }
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let old_range = range(first.old.start..last.old.end);
        lines.push(format!("@@ -{old_range} +{} @@\n", range(first.new.start..last.new.end)));
        for part in &group {
            if part.equal {
                lines.extend(old[part.old.clone()].iter().map(|line| format!(" {line}")));
            } else {
                lines.extend(old[part.old.clone()].iter().map(|line| format!("-{line}")));
                lines.extend(new[part.new.clone()].iter().map(|line| format!("+{line}")));
            }
        }
    }
    lines
}

/// A range of lines as a hunk's head says it.
fn range(lines: Range<usize>) -> String {
    match lines.len() {
        1 => (lines.start + 1).to_string(),
        0 => format!("{},0", lines.start),
        length => format!("{},{length}", lines.start + 1),
    }
}

/// Parts in groups, equal ones cut to the context.
fn grouped(mut parts: Vec<Part>, context: usize) -> Vec<Vec<Part>> {
    let mut groups = Vec::new();
    if let Some(first) = parts.first_mut().filter(|part| part.equal) {
        first.old.start = first.old.start.max(first.old.end.saturating_sub(context));
        first.new.start = first.new.start.max(first.new.end.saturating_sub(context));
    }
    if let Some(last) = parts.last_mut().filter(|part| part.equal) {
        last.old.end = last.old.end.min(last.old.start + context);
        last.new.end = last.new.end.min(last.new.start + context);
    }
    let mut group: Vec<Part> = Vec::new();
    for mut part in parts {
        if part.equal && part.old.len() > 2 * context {
            let cut = |range: &Range<usize>| range.start..range.end.min(range.start + context);
            group.push(Part { equal: true, old: cut(&part.old), new: cut(&part.new) });
            groups.push(std::mem::take(&mut group));
            part.old.start = part.old.start.max(part.old.end.saturating_sub(context));
            part.new.start = part.new.start.max(part.new.end.saturating_sub(context));
        }
        group.push(part);
    }
    if !(group.is_empty() || (group.len() == 1 && group[0].equal)) {
        groups.push(group);
    }
    groups
}

/// Equal and different parts in order (`SequenceMatcher.get_opcodes`).
fn parts(old: &[String], new: &[String]) -> Vec<Part> {
    let matcher = Matcher::new(old, new);
    let mut open = vec![(0..old.len(), 0..new.len())];
    let mut blocks = Vec::new();
    while let Some((old, new)) = open.pop() {
        let (i, j, length) = matcher.longest(&old, &new);
        if length > 0 {
            blocks.push((i, j, length));
            open.push((old.start..i, new.start..j));
            open.push((i + length..old.end, j + length..new.end));
        }
    }
    blocks.sort_unstable();
    blocks.push((old.len(), new.len(), 0));
    let mut parts: Vec<Part> = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (at, to, length) in blocks {
        if i < at || j < to {
            parts.push(Part { equal: false, old: i..at, new: j..to });
        }
        if length > 0 {
            match parts.last_mut() {
                Some(last) if last.equal && last.old.end == at && last.new.end == to => {
                    last.old.end += length;
                    last.new.end += length;
                }
                _ => parts.push(Part { equal: true, old: at..at + length, new: to..to + length }),
            }
        }
        (i, j) = (at + length, to + length);
    }
    parts
}

struct Matcher<'a> {
    old: &'a [String],
    new: &'a [String],
    /// Where each line stands in the new text; lines that stand in too many places count only beside others.
    places: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Matcher<'a> {
    fn new(old: &'a [String], new: &'a [String]) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, line) in new.iter().enumerate() {
            places.entry(line).or_default().push(at);
        }
        if new.len() >= 200 {
            let many = new.len() / 100 + 1;
            places.retain(|_, places| places.len() <= many);
        }
        Matcher { old, new, places }
    }

    /// The longest run of equal lines within both ranges; the first of those.
    fn longest(&self, old: &Range<usize>, new: &Range<usize>) -> (usize, usize, usize) {
        let (mut i, mut j, mut length) = (old.start, new.start, 0);
        let mut lengths: HashMap<usize, usize> = HashMap::new();
        for at in old.clone() {
            let mut next = HashMap::new();
            for to in self.places.get(self.old[at].as_str()).into_iter().flatten() {
                if !new.contains(to) {
                    continue;
                }
                let run = to.checked_sub(1).and_then(|before| lengths.get(&before)).map_or(1, |run| run + 1);
                next.insert(*to, run);
                if run > length {
                    (i, j, length) = (at + 1 - run, to + 1 - run, run);
                }
            }
            lengths = next;
        }
        while i > old.start && j > new.start && self.old[i - 1] == self.new[j - 1] {
            (i, j, length) = (i - 1, j - 1, length + 1);
        }
        while i + length < old.end && j + length < new.end && self.old[i + length] == self.new[j + length] {
            length += 1;
        }
        (i, j, length)
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    fn lines(text: &str) -> Vec<String> {
        text.split_inclusive('\n').map(ToOwned::to_owned).collect()
    }

    #[test]
    fn what_python_prints() {
        let old = lines("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n");
        let new = lines("a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nl\nm\n");
        let diff = unified(&old, &new, ("x", "y"), 1).concat();
        assert_eq!(
            diff,
            "--- x\n+++ y\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n@@ -10,3 +10,3 @@\n j\n-k\n l\n+m\n"
        );
        assert_eq!(unified(&old, &old, ("x", "y"), 3), Vec::<String>::new());
        assert_eq!(unified(&[], &lines("a\n"), ("x", "y"), 3).concat(), "--- x\n+++ y\n@@ -0,0 +1 @@\n+a\n");
    }
}
