//! When two renderings count as equal.
//!
//! Blank lines, trailing space, `# Source` comments and documents that hold nothing else are left out
//! on both sides, as Helm's own versions differ there.

/// Parts of a line of the golden that are compared: the line, and the lengths of the common beginning
/// and end of several renderings.
pub(crate) type Mask = Vec<(usize, usize, usize)>;

/// A line that counts, with its number.
type Line<'a> = (usize, &'a str);

/// The lines that count.
fn lines(text: &str) -> Vec<Line<'_>> {
    let lines = text.split(['\n', '\x0b', '\x0c', '\u{85}', '\u{2028}', '\u{2029}']).enumerate();
    let lines: Vec<Line> = lines.map(|(number, line)| (number, line.trim_end())).collect();
    let is_content = |line: &str| !line.is_empty() && line != "---" && !line.starts_with("# Source:");
    let documents = lines.chunk_by(|_, (_, next)| next.trim() != "---");
    let documents = documents.filter(|document| document.iter().any(|(_, line)| is_content(line)));
    let kept = documents.flatten().filter(|(_, line)| !line.is_empty() && !line.starts_with("# Source:"));
    kept.copied().collect()
}

/// Compares a rendering with the golden.
///
/// # Errors
/// The first difference.
pub(crate) fn equal(golden: &str, rendered: &str, mask: &Mask) -> Result<(), String> {
    let (golden, rendered) = (lines(golden), lines(rendered));
    for ((number, wanted), (_, printed)) in golden.iter().zip(&rendered) {
        let same = match mask.iter().find(|(line, ..)| line == number) {
            Some((_, prefix, suffix)) => alike(wanted, printed, *prefix, *suffix),
            None => wanted == printed,
        };
        if !same {
            return Err(format!("line {}: wanted {wanted:?}, printed {printed:?}", number + 1));
        }
    }
    if golden.len() == rendered.len() {
        return Ok(());
    }
    let extra =
        golden.get(rendered.len()).or_else(|| rendered.get(golden.len())).map_or("", |(_, line)| line);
    Err(format!("{} lines wanted, {} printed, from {extra:?}", golden.len(), rendered.len()))
}

/// Compares a line with random text: the key, or what does not look random at both ends.
fn alike(wanted: &str, printed: &str, prefix: usize, suffix: usize) -> bool {
    let key = match wanted.find(": ") {
        Some(at) => &wanted[..=at],
        None => &wanted[..wanted.len() - wanted.trim_start().len()],
    };
    if !key.is_empty() && printed.starts_with(key) {
        return true;
    }
    // Random text may begin and end alike by accident: go back to what is no letter or digit.
    let (wanted, printed): (Vec<char>, Vec<char>) = (wanted.chars().collect(), printed.chars().collect());
    let prefix =
        wanted[..prefix.min(wanted.len())].iter().rposition(|c| !c.is_alphanumeric()).map_or(0, |at| at + 1);
    let tail = &wanted[wanted.len() - suffix.min(wanted.len())..];
    let tail = tail.iter().position(|c| !c.is_alphanumeric()).map_or(&[][..], |at| &tail[at..]);
    printed.starts_with(&wanted[..prefix]) && printed.ends_with(tail)
}
