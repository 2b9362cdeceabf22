//! PEM blocks (Go `encoding/pem`).

use super::encoding::{decode_base64, encode_base64};

/// A decoded block.
pub(super) struct Block {
    /// What stands after `BEGIN`.
    pub(super) label: String,
    /// The content.
    pub(super) data: Vec<u8>,
}

/// A block with lines of 64 characters.
pub(super) fn encode(label: &str, data: &[u8]) -> String {
    let encoded = encode_base64(data);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = next;
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// The first well-formed block of a text, whatever stands around it.
pub(super) fn decode(text: &[u8]) -> Option<Block> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let begins = lines.iter().enumerate().filter_map(|(index, line)| {
        let label = line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
        Some((index, label))
    });
    for (begin, label) in begins {
        let end = format!("-----END {label}-----");
        let body = &lines[begin + 1..];
        let length = body.iter().position(|line| line.starts_with("-----"))?;
        if body[length] != end {
            continue;
        }
        // Headers come first and hold a colon, which base 64 does not.
        let data: String = body[..length].iter().skip_while(|line| line.contains(':')).copied().collect();
        let data: Vec<u8> = data.bytes().filter(|byte| !matches!(byte, b' ' | b'\t')).collect();
        if let Ok(data) = decode_base64(&data) {
            return Some(Block { label: label.to_owned(), data });
        }
    }
    None
}
