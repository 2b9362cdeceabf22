//! AES-256-CBC with a password as the key (sprig `crypto.go`).

use aes::Aes256;
use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};

use super::Outcome;
use super::args::{bytes, fail, fixed, text};
use super::encoding::{decode_base64, encode_base64};
use crate::gotmpl::{FuncContext, FuncDef, Param, Value};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("encryptAES", &[Param::Str, Param::Str], encrypt),
    fixed("decryptAES", &[Param::Str, Param::Str], decrypt),
];

const BLOCK: usize = 16;

/// The password, cut or filled with zeros to the length of a key.
fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    key
}

fn encrypt(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let plain = bytes(args, 1);
    if plain.is_empty() {
        return text("");
    }
    let mut initial = [0; BLOCK];
    rand::RngCore::fill_bytes(&mut rand::rng(), &mut initial);
    let cipher = cbc::Encryptor::<Aes256>::new(&key(bytes(args, 0)).into(), &initial.into());
    let encrypted = cipher.encrypt_padded_vec::<Pkcs7>(plain);
    text(encode_base64(&[&initial[..], &encrypted].concat()))
}

/// The last byte says how much padding to cut off; more than there is fails.
fn decrypt(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    if bytes(args, 1).is_empty() {
        return text("");
    }
    let data = decode_base64(bytes(args, 1)).map_err(|error| fail(error.to_string()))?;
    let Some((initial, data)) = data.split_first_chunk::<BLOCK>() else {
        return Err(fail(format!(
            "runtime error: slice bounds out of range [:{BLOCK}] with capacity {}",
            capacity(bytes(args, 1).len())
        )));
    };
    if data.len() % BLOCK != 0 {
        return Err(fail("crypto/cipher: input not full blocks"));
    }
    let cipher = cbc::Decryptor::<Aes256>::new(&key(bytes(args, 0)).into(), &(*initial).into());
    let plain = cipher.decrypt_padded_vec::<NoPadding>(data).map_err(|error| fail(error.to_string()))?;
    let Some(last) = plain.last() else { return Err(fail("runtime error: index out of range [-1]")) };
    let kept = plain.len() as i64 - i64::from(*last);
    match usize::try_from(kept) {
        Ok(kept) => text(&plain[..kept]),
        Err(_) => Err(fail(format!("runtime error: slice bounds out of range [:{kept}]"))),
    }
}

/// The size of the buffer that Go decodes so much base 64 into.
fn capacity(encoded: usize) -> usize {
    encoded / 4 * 3
}
