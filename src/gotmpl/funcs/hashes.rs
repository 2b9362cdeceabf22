//! Checksums in hexadecimal (sprig `crypto.go`).

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::args::{bytes, fixed, text};
use crate::gotmpl::{FuncDef, Param};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("sha1sum", &[Param::Str], |_, args| text(hex::encode(Sha1::digest(bytes(args, 0))))),
    fixed("sha256sum", &[Param::Str], |_, args| text(hex::encode(Sha256::digest(bytes(args, 0))))),
    fixed("sha512sum", &[Param::Str], |_, args| text(hex::encode(Sha512::digest(bytes(args, 0))))),
    fixed("adler32sum", &[Param::Str], |_, args| text(adler32(bytes(args, 0)).to_string())),
];

fn adler32(input: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut low, mut high) = (1_u32, 0_u32);
    // 5552 bytes are the most whose sums cannot overflow before they are reduced.
    for chunk in input.chunks(5552) {
        for byte in chunk {
            low += u32::from(*byte);
            high += low;
        }
        low %= MODULUS;
        high %= MODULUS;
    }
    high << 16 | low
}
