//! `!!binary`, as Python's lenient `base64.decodebytes` reads it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Decodes, ignoring characters outside of the alphabet and what follows complete padding.
///
/// The error is the problem part of PyYAML's text.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, String> {
    let in_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    if !text.is_ascii() {
        return Err(not_ascii(text));
    }
    let mut symbols = Vec::with_capacity(text.len());
    let mut padding = 0;
    for byte in text.bytes() {
        if in_alphabet(&byte) {
            symbols.push(byte);
            padding = 0;
        } else if byte == b'=' && symbols.len() % 4 >= 2 {
            padding += 1;
            if symbols.len() % 4 + padding == 4 {
                symbols.resize(symbols.len() + padding, b'=');
                break;
            }
        }
    }
    match symbols.len() % 4 {
        0 => {}
        1 => {
            return Err(format!(
                "failed to decode base64 data: Invalid base64-encoded string: number of data characters ({}) cannot \
                 be 1 more than a multiple of 4",
                symbols.len()
            ));
        }
        _ => return Err("failed to decode base64 data: Incorrect padding".to_owned()),
    }
    if let Some(padded) = symbols.iter().position(|byte| *byte == b'=') {
        // Python drops the bits that padding makes meaningless; the decoder insists that they are 0.
        let mask = if symbols.len() - padded == 2 { 0b11_0000 } else { 0b11_1100 };
        clear_bits(&mut symbols[padded - 1], mask);
    }
    STANDARD.decode(symbols).map_err(|error| format!("failed to decode base64 data: {error}"))
}

/// What `str.encode('ascii')` says.
fn not_ascii(text: &str) -> String {
    let is_wide = |character: &char| !character.is_ascii();
    let start = text.chars().take_while(char::is_ascii).count();
    let wide: Vec<char> = text.chars().skip(start).take_while(is_wide).collect();
    let characters = match (wide.len(), wide.first().copied().map_or(0, u32::from)) {
        (1, code @ ..=0xFF) => format!("character '\\x{code:02x}' in position {start}"),
        (1, code @ ..=0xFFFF) => format!("character '\\u{code:04x}' in position {start}"),
        (1, code) => format!("character '\\U{code:08x}' in position {start}"),
        (count, _) => format!("characters in position {start}-{}", start + count - 1),
    };
    format!(
        "failed to convert base64 data into ascii: 'ascii' codec can't encode {characters}: ordinal not in range(128)"
    )
}

fn clear_bits(symbol: &mut u8, mask: usize) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if let Some(value) = ALPHABET.iter().position(|byte| byte == symbol) {
        *symbol = ALPHABET[value & mask];
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn lenient() {
        assert_eq!(decode("aGVs\nbG8=").as_deref(), Ok(&b"hello"[..]));
        assert_eq!(decode("aGVs*bG8= trailing").as_deref(), Ok(&b"hello"[..]));
        assert_eq!(decode("aGVsbG9=").as_deref(), Ok(&b"hello"[..]));
        assert!(decode("x").is_err());
        assert!(decode("xyz").is_err());
    }
}
