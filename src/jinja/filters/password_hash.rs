//! `password_hash`: the crypt schemes of Unix (`utils/encrypt.py`, passlib's formats).

use md5::Md5;
use rand::Rng as _;
use sha2::{Digest, Sha256, Sha512};

use super::bind::{bind, int, text};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[("password_hash", password_hash)];

/// The alphabet of salts and digests.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A scheme of hashing passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Md5,
    Bcrypt,
    Sha256,
    Sha512,
}

/// Schemes that passlib has and that cannot work without the name of a user.
const NEED_A_USER: &[&str] = &["msdcc", "msdcc2", "oracle10", "postgres_md5"];

/// The schemes by Ansible's and passlib's names.
const SCHEMES: &[(&str, &str, Scheme)] = &[
    ("md5", "md5_crypt", Scheme::Md5),
    ("blowfish", "bcrypt", Scheme::Bcrypt),
    ("sha256", "sha256_crypt", Scheme::Sha256),
    ("sha512", "sha512_crypt", Scheme::Sha512),
];

/// What else is asked of a hash.
#[derive(Debug, Default)]
pub(in crate::jinja) struct Options {
    pub(in crate::jinja) salt: Option<String>,
    pub(in crate::jinja) salt_size: Option<i64>,
    pub(in crate::jinja) rounds: Option<i64>,
    pub(in crate::jinja) ident: Option<String>,
}

fn password_hash(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [kind, salt, salt_size, rounds, ident] =
        bind(args, ["hashtype", "salt", "salt_size", "rounds", "ident"])?;
    let kind = kind.map_or(Ok("sha512".to_owned()), |kind| text(&kind))?;
    let given = |value: Option<Value>| value.filter(ops::truthy_or_false);
    let number = |value: Option<Value>| given(value).map(|value| int(&value)).transpose();
    let options = Options {
        salt: given(salt).map(|salt| text(&salt)).transpose()?,
        salt_size: number(salt_size)?,
        rounds: number(rounds)?,
        ident: given(ident).map(|ident| text(&ident)).transpose()?,
    };
    let secret = match &value {
        Value::Str(text) => text.as_str().as_bytes().to_vec(),
        Value::Bytes(bytes) => bytes.to_vec(),
        other => {
            ops::defined(other)?;
            let kind = other.type_name();
            return Err(Error::type_error(format!("secret must be unicode or bytes, not {kind}")));
        }
    };
    hash(&secret, &kind, &options).map(Value::from)
}

/// The hash of a password.
///
/// # Errors
/// There is no such scheme, or an option does not fit it.
pub(in crate::jinja) fn hash(secret: &[u8], kind: &str, options: &Options) -> Result<String, Error> {
    let found = SCHEMES.iter().find(|(short, long, _)| *short == kind || *long == kind);
    let Some((.., scheme)) = found else {
        return Err(Error::plugin(if NEED_A_USER.contains(&kind) {
            let known: Vec<&str> = SCHEMES.iter().map(|(short, ..)| *short).collect();
            format!("{kind} is not in the list of supported passlib algorithms: {}", known.join(", "))
        } else {
            let message = format!("passlib does not support '{kind}' algorithm");
            format!("{message}. {message}")
        }));
    };
    if secret.contains(&0) {
        return Err(refused("secret must not contain NUL characters"));
    }
    match scheme {
        Scheme::Md5 => {
            let salt = salt(options, "md5_crypt", 8)?;
            Ok(md5_crypt(secret, &salt))
        }
        Scheme::Bcrypt => bcrypt(secret, options),
        Scheme::Sha256 | Scheme::Sha512 => {
            let wide = *scheme == Scheme::Sha512;
            let name = if wide { "sha512_crypt" } else { "sha256_crypt" };
            let rounds = rounds(name, options.rounds.unwrap_or(if wide { 656_000 } else { 535_000 }))?;
            let salt = salt(options, name, 16)?;
            let digest = if wide {
                sha_crypt::<Sha512>(secret, salt.as_bytes(), rounds, SHA512_ORDER)
            } else {
                sha_crypt::<Sha256>(secret, salt.as_bytes(), rounds, SHA256_ORDER)
            };
            let id = if wide { 6 } else { 5 };
            let shown = if rounds == 5000 { String::new() } else { format!("rounds={rounds}$") };
            Ok(format!("${id}${shown}{salt}${digest}"))
        }
    }
}

/// Why passlib does not hash, as Ansible says it.
fn refused(why: impl std::fmt::Display) -> Error {
    let message = format!("Could not hash the secret.. {why}");
    Error::plugin(format!("{message}. {message}"))
}

fn rounds(name: &str, wanted: i64) -> Result<usize, Error> {
    const LEAST: i64 = 1000;
    const MOST: i64 = 999_999_999;
    if wanted < LEAST {
        return Err(refused(format!(
            "{name}: min_desired_rounds ({wanted}) is too low, must be at least {LEAST}"
        )));
    }
    usize::try_from(wanted).ok().filter(|_| wanted <= MOST).ok_or_else(|| {
        refused(format!("{name}: min_desired_rounds ({wanted}) is too large, cannot be more than {MOST}"))
    })
}

/// The salt that is asked for, or a random one of the most characters.
fn salt(options: &Options, name: &str, most: usize) -> Result<String, Error> {
    let too_large = || refused(format!("salt too large ({name} requires <= {most} chars)"));
    match &options.salt {
        Some(salt) if !salt.bytes().all(|byte| ALPHABET.contains(&byte)) => {
            Err(refused(format!("invalid characters in {name} salt")))
        }
        Some(salt) if salt.len() > most => Err(too_large()),
        Some(salt) => Ok(salt.clone()),
        None => {
            let size = options.salt_size.map_or(Some(most), |size| usize::try_from(size).ok());
            size.filter(|size| *size <= most).map(random_salt).ok_or_else(too_large)
        }
    }
}

fn random_salt(size: usize) -> String {
    let mut random = rand::rng();
    (0..size).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

/// Six bits a character, the low ones first.
fn encode(bytes: [u8; 3], characters: usize, out: &mut String) {
    let mut word = (u32::from(bytes[0]) << 16) | (u32::from(bytes[1]) << 8) | u32::from(bytes[2]);
    for _ in 0..characters {
        out.push(char::from(ALPHABET[(word & 0x3f) as usize]));
        word >>= 6;
    }
}

/// The first `len` bytes of a digest that repeats.
fn repeated(digest: &[u8], len: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(len).collect()
}

/// In which order the bytes of a digest are written, the last of a group first; missing ones are zero.
const SHA256_ORDER: &[[Option<u8>; 3]] = &[
    [Some(0), Some(10), Some(20)],
    [Some(21), Some(1), Some(11)],
    [Some(12), Some(22), Some(2)],
    [Some(3), Some(13), Some(23)],
    [Some(24), Some(4), Some(14)],
    [Some(15), Some(25), Some(5)],
    [Some(6), Some(16), Some(26)],
    [Some(27), Some(7), Some(17)],
    [Some(18), Some(28), Some(8)],
    [Some(9), Some(19), Some(29)],
    [None, Some(31), Some(30)],
];

/// The same for SHA-512.
const SHA512_ORDER: &[[Option<u8>; 3]] = &[
    [Some(0), Some(21), Some(42)],
    [Some(22), Some(43), Some(1)],
    [Some(44), Some(2), Some(23)],
    [Some(3), Some(24), Some(45)],
    [Some(25), Some(46), Some(4)],
    [Some(47), Some(5), Some(26)],
    [Some(6), Some(27), Some(48)],
    [Some(28), Some(49), Some(7)],
    [Some(50), Some(8), Some(29)],
    [Some(9), Some(30), Some(51)],
    [Some(31), Some(52), Some(10)],
    [Some(53), Some(11), Some(32)],
    [Some(12), Some(33), Some(54)],
    [Some(34), Some(55), Some(13)],
    [Some(56), Some(14), Some(35)],
    [Some(15), Some(36), Some(57)],
    [Some(37), Some(58), Some(16)],
    [Some(59), Some(17), Some(38)],
    [Some(18), Some(39), Some(60)],
    [Some(40), Some(61), Some(19)],
    [Some(62), Some(20), Some(41)],
    [None, None, Some(63)],
];

/// SHA-crypt, as Ulrich Drepper specified it.
fn sha_crypt<D: Digest>(secret: &[u8], salt: &[u8], rounds: usize, order: &[[Option<u8>; 3]]) -> String {
    let alternate = D::new().chain_update(secret).chain_update(salt).chain_update(secret).finalize();
    let mut hasher = D::new().chain_update(secret).chain_update(salt);
    hasher.update(repeated(&alternate, secret.len()));
    let mut bits = secret.len();
    while bits > 0 {
        if bits & 1 == 1 {
            hasher.update(&alternate);
        } else {
            hasher.update(secret);
        }
        bits >>= 1;
    }
    let mut digest = hasher.finalize();
    let mut hasher = D::new();
    for _ in 0..secret.len() {
        hasher.update(secret);
    }
    let p = repeated(&hasher.finalize(), secret.len());
    let mut hasher = D::new();
    for _ in 0..16 + usize::from(digest[0]) {
        hasher.update(salt);
    }
    let s = repeated(&hasher.finalize(), salt.len());
    for round in 0..rounds {
        let mut hasher = D::new();
        if round % 2 == 1 {
            hasher.update(&p);
        } else {
            hasher.update(&digest);
        }
        if round % 3 != 0 {
            hasher.update(&s);
        }
        if round % 7 != 0 {
            hasher.update(&p);
        }
        if round % 2 == 1 {
            hasher.update(&digest);
        } else {
            hasher.update(&p);
        }
        digest = hasher.finalize();
    }
    let mut out = String::new();
    for group in order {
        let bytes = group.map(|at| at.map_or(0, |at| digest[usize::from(at)]));
        let missing = group.iter().filter(|at| at.is_none()).count();
        encode(bytes, 4 - missing, &mut out);
    }
    out
}

/// The MD5 scheme of FreeBSD.
fn md5_crypt(secret: &[u8], salt: &str) -> String {
    let alternate = Md5::new().chain_update(secret).chain_update(salt).chain_update(secret).finalize();
    let mut hasher = Md5::new().chain_update(secret).chain_update("$1$").chain_update(salt);
    hasher.update(repeated(&alternate, secret.len()));
    let mut bits = secret.len();
    while bits > 0 {
        hasher.update(if bits & 1 == 1 { &[0][..] } else { &secret[..1] });
        bits >>= 1;
    }
    let mut digest = hasher.finalize();
    for round in 0..1000 {
        let mut hasher = Md5::new();
        hasher.update(if round % 2 == 1 { secret } else { digest.as_slice() });
        if round % 3 != 0 {
            hasher.update(salt);
        }
        if round % 7 != 0 {
            hasher.update(secret);
        }
        hasher.update(if round % 2 == 1 { digest.as_slice() } else { secret });
        digest = hasher.finalize();
    }
    let mut out = format!("$1${salt}$");
    for [a, b, c] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        encode([digest[a], digest[b], digest[c]], 4, &mut out);
    }
    encode([0, 0, digest[11]], 2, &mut out);
    out
}

/// bcrypt's own alphabet.
const BCRYPT_ALPHABET: &str = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn bcrypt(secret: &[u8], options: &Options) -> Result<String, Error> {
    use base64::Engine as _;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let refused = || refused("bcrypt refuses its options");
    let cost = options.rounds.unwrap_or(12);
    let cost = u32::try_from(cost).ok().filter(|cost| (4..=31).contains(cost)).ok_or_else(refused)?;
    let ident = options.ident.as_deref().unwrap_or("2b").trim_matches('$');
    if !matches!(ident, "2" | "2a" | "2b" | "2y") {
        return Err(refused());
    }
    let salt = match &options.salt {
        None => rand::rng().random::<[u8; 16]>(),
        Some(salt) => {
            let alphabet = base64::alphabet::Alphabet::new(BCRYPT_ALPHABET).map_err(|_| refused())?;
            let config = GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent)
                .with_decode_allow_trailing_bits(true);
            let decoded = GeneralPurpose::new(&alphabet, config).decode(salt).map_err(|_| refused())?;
            decoded.try_into().map_err(|_| refused())?
        }
    };
    let secret = &secret[..secret.len().min(72)];
    let parts = ::bcrypt::hash_with_salt(secret, cost, salt).map_err(|_| refused())?;
    let text = parts.format_for_version(::bcrypt::Version::TwoB);
    Ok(text.replacen("$2b$", &format!("${ident}$"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that passlib 1.7.4 gives.
    const RECORDED: &[(&str, &str, &str, i64)] = &[
        ("md5", "saltsalt", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", 0),
        (
            "sha256",
            "saltstring",
            "$5$rounds=10000$saltstring$BXKRfHOWGOryjAm0GVQk8VRJRERBkg4gV1V0f0ddop.",
            10_000,
        ),
        (
            "sha512",
            "saltstring",
            "$6$rounds=1000$saltstring$EzTqOEb9gQc3Va/4p4pnqWqp/wIh1Otyhg9H9E8sV0eDyHGbNBkoMxYIM0ODHPBfmDNWb6wRiAvTriYxeDgb9.",
            1000,
        ),
    ];

    #[test]
    fn hashes_are_those_of_passlib() {
        for (kind, salt, expected, rounds) in RECORDED {
            let rounds = (*rounds > 0).then_some(*rounds);
            let options = Options { salt: Some((*salt).to_owned()), rounds, ..Options::default() };
            assert_eq!(hash(b"password", kind, &options).unwrap(), *expected);
        }
    }
}
