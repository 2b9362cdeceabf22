//! `!!binary`, as Go's `base64.StdEncoding` reads and yaml.v2 writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Decodes text that may be broken into lines; padding is required.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let joined: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    STANDARD.decode(joined).ok()
}
