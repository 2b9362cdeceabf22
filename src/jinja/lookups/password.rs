//! `password`: a password that is made once and kept in a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Lookup, Options};
use crate::jinja::error::Error;
use crate::jinja::filters::{HashOptions, RandomSource, hash_password};
use crate::jinja::templar::Templar;
use crate::jinja::value::Value;

/// `lookup('password', 'file length=20 chars=ascii_letters,digits encrypt=sha512_crypt')`.
pub(super) struct Password;

/// Names of sets of characters (Python's `string` module).
const CHARACTERS: &[(&str, &str)] = &[
    ("ascii_letters", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("ascii_lowercase", "abcdefghijklmnopqrstuvwxyz"),
    ("ascii_uppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("digits", "0123456789"),
    ("hexdigits", "0123456789abcdefABCDEF"),
    ("octdigits", "01234567"),
    (
        "printable",
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\r\x0b\x0c",
    ),
    ("punctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ("whitespace", " \t\n\r\x0b\x0c"),
];

/// The characters of a password that asks for no others.
const DEFAULT_CHARACTERS: &[&str] = &["ascii_letters", "digits", ".,:-_"];

/// Characters of a salt by scheme; other schemes get eight.
const SALTS: &[(&str, usize)] = &[("bcrypt", 22), ("sha256_crypt", 16), ("sha512_crypt", 16)];

/// The most characters that a password gets.
const MAX_LENGTH: usize = 100_000;

const PARAMETERS: &[&str] = &["length", "encrypt", "chars", "ident", "seed"];

impl Lookup for Password {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let one = |term: &Value| {
            let term = super::text_term(term)?;
            let (path, options) = parameters(&term, options.clone())?;
            password(&path, &options, templar).map(Value::from)
        };
        terms.iter().map(one).collect()
    }
}

/// The path of a term, and the options with those that stand in the term.
fn parameters(term: &str, mut options: Options) -> Result<(String, Options), Error> {
    let Some((first, rest)) = term.split_once(' ') else { return Ok((term.to_owned(), options)) };
    let pairs =
        crate::playbook::parse_kv(rest, false).map_err(|error| Error::exception(error.to_string()))?;
    let mut path = first.to_owned();
    let mut unknown = Vec::new();
    for (name, value) in pairs {
        match name.as_ref() {
            "_raw_params" => path = format!("{path} {value}"),
            name if PARAMETERS.contains(&name) => options.set(name, value),
            name => unknown.push(name.to_owned()),
        }
    }
    if !term.starts_with(&path) {
        return Err(Error::exception(
            "Unrecognized value after key=value parameters given to password lookup",
        ));
    }
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        return Err(Error::exception(format!(
            "Unrecognized parameter(s) given to password lookup: {unknown}"
        )));
    }
    Ok((path, options))
}

/// All characters that a password may have.
fn characters(option: Option<&Value>) -> Vec<char> {
    let specs: Vec<String> = match option {
        Some(Value::List(list)) => list.items().iter().map(ToString::to_string).collect(),
        Some(Value::None) | None => DEFAULT_CHARACTERS.iter().map(|it| (*it).to_owned()).collect(),
        Some(text) => {
            let text = text.to_string();
            let comma = text.contains(",,").then(|| ",".to_owned());
            let parts = text.replace(",,", ",");
            let parts = parts.split(',').filter(|part| !part.is_empty()).map(ToOwned::to_owned);
            comma.into_iter().chain(parts).collect()
        }
    };
    let set = |spec: &String| {
        CHARACTERS.iter().find(|(name, _)| name == spec).map_or(spec.as_str(), |(_, set)| *set).to_owned()
    };
    specs.iter().map(set).collect::<String>().chars().filter(|c| !matches!(c, '"' | '\'')).collect()
}

fn random_text(length: usize, set: &[char], source: &mut RandomSource) -> String {
    (0..length).map(|_| set[source.below(set.len())]).collect()
}

/// What a password file holds.
struct Kept {
    password: String,
    salt: Option<String>,
    ident: Option<String>,
}

impl Kept {
    fn parse(content: &str) -> Kept {
        let Some((password, rest)) = content.rsplit_once(" salt=") else {
            return Kept { password: content.to_owned(), salt: None, ident: None };
        };
        let (salt, ident) = match rest.rsplit_once(" ident=") {
            Some((salt, ident)) => (salt, Some(ident.to_owned())),
            None => (rest, None),
        };
        Kept { password: password.to_owned(), salt: Some(salt.to_owned()).filter(|it| !it.is_empty()), ident }
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        let mut text = self.password.clone();
        if let Some(salt) = &self.salt {
            text.push_str(&format!(" salt={salt}"));
            if let Some(ident) = &self.ident {
                text.push_str(&format!(" ident={ident}"));
            }
        }
        if let Some(dir) = path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(format!("{text}\n").as_bytes())
    }
}

fn password(path: &str, options: &Options, templar: &Templar) -> Result<String, Error> {
    let given = |name: &str| options.text(name).filter(|text| !text.is_empty());
    let length = given("length").unwrap_or_else(|| "20".to_owned());
    let length: usize = length.trim().parse().map_err(|_| {
        Error::exception(format!(
            "invalid literal for int() with base 10: {}",
            crate::jinja::repr::quote(&length)
        ))
    })?;
    let set = characters(options.get("chars"));
    if set.is_empty() && length > 0 {
        return Err(Error::exception("Cannot choose from an empty sequence"));
    }
    let file = resolve(path, templar);
    let in_memory = path == "/dev/null";
    let content = if in_memory { None } else { std::fs::read_to_string(&file).ok() };
    let mut changed = content.is_none();
    let mut kept = match content {
        Some(content) => Kept::parse(content.trim_end()),
        None => {
            let mut source = match options.get("seed").filter(|seed| !seed.is_none()) {
                Some(seed) => RandomSource::seeded(seed)?,
                None => RandomSource::System,
            };
            let password = random_text(length.min(MAX_LENGTH), &set, &mut source);
            Kept { password, salt: None, ident: None }
        }
    };
    let encrypt = given("encrypt");
    if let Some(scheme) = encrypt.as_deref().filter(|_| kept.salt.is_none()) {
        let size = SALTS.iter().find(|(name, _)| *name == scheme).map_or(8, |(_, size)| *size);
        let letters: Vec<char> =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./".chars().collect();
        kept.salt = Some(random_text(size, &letters, &mut RandomSource::System));
        changed = true;
    }
    match (&kept.ident, given("ident")) {
        (None, wanted) => kept.ident = wanted,
        (Some(stored), Some(wanted)) if *stored != wanted => {
            return Err(Error::exception(format!(
                "The ident parameter provided ({wanted}) does not match the stored one ({stored})."
            )));
        }
        _ => {}
    }
    if encrypt.as_deref() == Some("bcrypt") && kept.ident.is_none() {
        kept.ident = Some("2b".to_owned());
        changed = true;
    }
    if changed && !in_memory {
        kept.write(&file)
            .map_err(|error| Error::exception(super::errno(&error, &file.display().to_string())))?;
    }
    match encrypt {
        Some(scheme) => {
            let options = HashOptions { salt: kept.salt, ident: kept.ident, ..HashOptions::default() };
            hash_password(kept.password.as_bytes(), &scheme, &options)
                .map_err(|error| Error::exception(error.message()))
        }
        None => Ok(kept.password),
    }
}

/// The path of a password file, below the directory of the playbook unless it is absolute.
fn resolve(path: &str, templar: &Templar) -> PathBuf {
    let path = crate::jinja::filters::path::expand_user(path);
    match templar.vars.get("playbook_dir").and_then(Value::as_str) {
        Some(dir) if !path.starts_with('/') => Path::new(dir).join(path),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_password_salt_and_ident() {
        let kept = Kept::parse("pass word salt=abc ident=2b");
        assert_eq!(
            (kept.password.as_str(), kept.salt.as_deref(), kept.ident.as_deref()),
            ("pass word", Some("abc"), Some("2b"))
        );
        assert!(Kept::parse("plain").salt.is_none());
    }

    #[test]
    fn characters_come_from_names_and_literals() {
        assert_eq!(characters(Some(&Value::from("digits,ab,,"))).iter().collect::<String>(), ",0123456789ab");
    }
}
