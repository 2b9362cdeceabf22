//! `derivePassword` (sprig `crypto.go`): the Master Password algorithm.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::Outcome;
use super::args::{bytes, fixed, text};
use crate::gotmpl::{FuncContext, FuncDef, Param, Value};

pub(super) const FUNCTIONS: &[FuncDef] =
    &[fixed("derivePassword", &[Param::Uint32, Param::Str, Param::Str, Param::Str, Param::Str], derive)];

const SEED: &[u8] = b"com.lyndir.masterpassword";

/// The forms of each type of password; a letter stands for a class of characters.
const TEMPLATES: &[(&str, &[&str])] = &[
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

fn class(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn derive(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let (kind, password, user, site) = (bytes(args, 1), bytes(args, 2), bytes(args, 3), bytes(args, 4));
    let counter = match args[0] {
        Value::Uint64(counter) => counter as u32,
        _ => 0,
    };
    let Some((_, templates)) = TEMPLATES.iter().find(|(name, _)| name.as_bytes() == kind) else {
        return text([b"cannot find password template ", kind].concat());
    };
    let salted = |name: &[u8]| [SEED, &(name.len() as u32).to_be_bytes(), name].concat();
    let mut key = [0; 64];
    let failed = |problem: String| text(format!("failed to derive password: {problem}"));
    let params = match scrypt::Params::new(15, 8, 2) {
        Ok(params) => params,
        Err(error) => return failed(error.to_string()),
    };
    if let Err(error) = scrypt::scrypt(password, &salted(user), &params, &mut key) {
        return failed(error.to_string());
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return failed("invalid key".to_owned());
    };
    mac.update(&salted(site));
    mac.update(&counter.to_be_bytes());
    let seed = mac.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let characters = template.bytes().zip(&seed[1..]).map(|(letter, random)| {
        let class = class(letter);
        class[usize::from(*random) % class.len()]
    });
    text(characters.collect::<Vec<u8>>())
}
