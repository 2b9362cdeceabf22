//! Random text and numbers (sprig `strings.go`, `crypto.go`, `functions.go`; goutils, google/uuid), all from
//! a cryptographic source.

use rand::seq::SliceRandom as _;
use rand::{Rng as _, RngCore as _};

use super::args::{MAX_OUTPUT, bytes, fail, fixed, int, text};
use super::encoding::encode_base64;
use super::{Outcome, runes};
use crate::gotmpl::{FuncContext, FuncDef, Param, Value};

const COUNT: &[Param] = &[Param::Int];

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("randAlphaNum", COUNT, |_, args| characters(args, |byte| byte.is_ascii_alphanumeric())),
    fixed("randAlpha", COUNT, |_, args| characters(args, |byte| byte.is_ascii_alphabetic())),
    fixed("randNumeric", COUNT, |_, args| characters(args, |byte| byte.is_ascii_digit())),
    fixed("randAscii", COUNT, |_, args| characters(args, |byte| (32..127).contains(&byte))),
    fixed("randBytes", COUNT, random_bytes),
    fixed("randInt", &[Param::Int, Param::Int], random_int),
    fixed("shuffle", &[Param::Str], |_, args| {
        let mut shuffled: Vec<char> = runes::iter(bytes(args, 0)).collect();
        shuffled.shuffle(&mut rand::rng());
        text(shuffled.into_iter().collect::<String>())
    }),
    fixed("uuidv4", &[], |_, _| text(uuid::Uuid::new_v4().to_string())),
];

/// A count of ASCII characters from an alphabet; a negative count gives none.
fn characters(args: &[Value], belongs: fn(u8) -> bool) -> Outcome {
    let count = usize::try_from(int(args, 0)).unwrap_or(0);
    if count > MAX_OUTPUT {
        return Err(fail("random string: output length overflow"));
    }
    let alphabet: Vec<u8> = (0..=127).filter(|byte| belongs(*byte)).collect();
    let mut source = rand::rng();
    let picked = (0..count).map(|_| alphabet[source.random_range(0..alphabet.len())]);
    text(picked.collect::<Vec<u8>>())
}

fn random_bytes(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let count = usize::try_from(int(args, 0)).ok().filter(|count| *count <= MAX_OUTPUT);
    let count = count.ok_or_else(|| fail("runtime error: makeslice: len out of range"))?;
    let mut buffer = vec![0; count];
    rand::rng().fill_bytes(&mut buffer);
    text(encode_base64(&buffer))
}

fn random_int(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let (min, max) = (int(args, 0), int(args, 1));
    let span = max.wrapping_sub(min);
    if span <= 0 {
        return Err(fail("invalid argument to Intn"));
    }
    Ok(Value::Int(rand::rng().random_range(0..span).wrapping_add(min)))
}
