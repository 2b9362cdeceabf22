//! `!!binary`, as Go's `base64.StdEncoding` reads and yaml.v2 writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Decodes text that may be broken into lines; padding is required.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let joined: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    STANDARD.decode(joined).ok()
}

/// Encodes in lines of 70 characters; a single line has no line break.
pub(super) fn encode_lines(bytes: &[u8]) -> String {
    const LINE: usize = 70;
    let encoded = STANDARD.encode(bytes);
    if encoded.len() < LINE {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE + 1);
    for line in encoded.as_bytes().chunks(LINE) {
        lines.extend(line.iter().map(|byte| char::from(*byte)));
        lines.push('\n');
    }
    lines
}
