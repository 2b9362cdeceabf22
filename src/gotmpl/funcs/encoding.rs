//! Base 64 and base 32 (sprig `strings.go`; Go `encoding/base64`, `encoding/base32`). A text that does not
//! decode gives the error's text.

use super::args::{bytes, fixed, text};
use crate::gotmpl::{FuncDef, Param};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("b64enc", &[Param::Str], |_, args| text(encode_base64(bytes(args, 0)))),
    fixed("b64dec", &[Param::Str], |_, args| {
        text(decode_base64(bytes(args, 0)).unwrap_or_else(|error| error.to_string().into_bytes()))
    }),
    fixed("b32enc", &[Param::Str], |_, args| text(encode_base32(bytes(args, 0)))),
    fixed("b32dec", &[Param::Str], |_, args| {
        text(decode_base32(bytes(args, 0)).unwrap_or_else(|error| error.to_string().into_bytes()))
    }),
];

/// Where encoded text is corrupt (`CorruptInputError`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal base{base} data at input byte {at}")]
pub(super) struct Corrupt {
    base: u8,
    at: usize,
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// `base64.StdEncoding.EncodeToString`.
pub(super) fn encode_base64(input: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(input)
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// `base64.StdEncoding.DecodeString`: line breaks are skipped, padding is mandatory.
pub(super) fn decode_base64(input: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let corrupt = |at| Corrupt { base: 64, at };
    let mut out = Vec::with_capacity(input.len() / 4 * 3 + 3);
    let mut at = 0;
    loop {
        let (mut quantum, mut digits) = (0_u32, 0);
        while digits < 4 {
            let Some(byte) = input.get(at).copied() else {
                // The text may end only between quanta.
                return if digits == 0 { Ok(out) } else { Err(corrupt(at - digits)) };
            };
            at += 1;
            match byte {
                b'\n' | b'\r' => {}
                b'=' => {
                    finish_base64(input, at, digits).map_err(corrupt)?;
                    let bytes = (quantum << (6 * (4 - digits))).to_be_bytes();
                    out.extend_from_slice(&bytes[1..digits]);
                    return Ok(out);
                }
                _ => {
                    quantum = quantum << 6 | sextet(byte).ok_or(corrupt(at - 1))?;
                    digits += 1;
                }
            }
        }
        out.extend_from_slice(&quantum.to_be_bytes()[1..]);
    }
}

/// Checks what stands after the first `=`, which ends just before `at`; the position where it is wrong.
fn finish_base64(input: &[u8], mut at: usize, digits: usize) -> Result<(), usize> {
    let skip = |mut at: usize| {
        while matches!(input.get(at), Some(b'\n' | b'\r')) {
            at += 1;
        }
        at
    };
    if digits < 2 {
        return Err(at - 1);
    }
    if digits == 2 {
        at = skip(at);
        match input.get(at) {
            None => return Err(input.len()),
            Some(b'=') => at += 1,
            Some(_) => return Err(at - 1),
        }
    }
    at = skip(at);
    if at < input.len() { Err(at) } else { Ok(()) }
}

fn encode_base32(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len().div_ceil(5) * 8);
    for chunk in input.chunks(5) {
        let mut block = [0_u8; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(block);
        let digits = (chunk.len() * 8).div_ceil(5);
        for index in 0..8 {
            out.push(if index < digits { BASE32[(bits >> (35 - 5 * index) & 31) as usize] } else { b'=' });
        }
    }
    out
}

/// `base32.StdEncoding.DecodeString`: line breaks are removed first, so positions are those without them.
fn decode_base32(input: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let input: Vec<u8> = input.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let corrupt = |at| Corrupt { base: 32, at };
    let mut out = Vec::with_capacity(input.len() / 8 * 5 + 5);
    let mut at = 0;
    while at < input.len() {
        let (mut bits, mut digits, mut end) = (0_u64, 0, false);
        while digits < 8 {
            let Some(byte) = input.get(at).copied() else { return Err(corrupt(at - digits)) };
            at += 1;
            if byte == b'=' && digits >= 2 && input.len() - at < 8 {
                let missing = 8 - digits - 1;
                if input.len() - at < missing {
                    return Err(corrupt(input.len()));
                }
                if let Some(offset) = input[at..at + missing].iter().position(|byte| *byte != b'=') {
                    return Err(corrupt(at + offset - 1));
                }
                if matches!(digits, 3 | 6) {
                    return Err(corrupt(at - 1));
                }
                end = true;
                break;
            }
            let digit = BASE32.iter().position(|digit| *digit == byte).ok_or(corrupt(at - 1))?;
            bits = bits << 5 | digit as u64;
            digits += 1;
        }
        let block = (bits << (5 * (8 - digits))).to_be_bytes();
        out.extend_from_slice(&block[3..3 + digits * 5 / 8]);
        if end {
            break;
        }
    }
    Ok(out)
}
