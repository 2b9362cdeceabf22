//! The bcrypt hash as Go's `golang.org/x/crypto/bcrypt` writes it.

use super::args::{bytes, fixed, text};
use crate::gotmpl::{FuncDef, Param};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("bcrypt", &[Param::Str], |_, args| text(hash(bytes(args, 0)))),
    fixed("htpasswd", &[Param::Str, Param::Str], |_, args| {
        let user = bytes(args, 0);
        if user.contains(&b':') {
            return text([b"invalid username: ", user].concat());
        }
        text([user, b":", &hash(bytes(args, 1))].concat())
    }),
];

/// bcrypt's default cost.
const COST: u32 = 10;
/// bcrypt reads no further.
const MAX_PASSWORD: usize = 72;

/// `$2a$10$…`, or the error's text.
fn hash(password: &[u8]) -> Vec<u8> {
    let failed = |problem: String| format!("failed to encrypt string with bcrypt: {problem}").into_bytes();
    if password.len() > MAX_PASSWORD {
        return failed("bcrypt: password length exceeds 72 bytes".to_owned());
    }
    let mut salt = [0; 16];
    rand::RngCore::fill_bytes(&mut rand::rng(), &mut salt);
    match ::bcrypt::hash_with_salt(password, COST, salt) {
        Ok(parts) => parts.format_for_version(::bcrypt::Version::TwoA).into_bytes(),
        Err(error) => failed(error.to_string()),
    }
}
