//! `vault` and `unvault` (`plugins/filter/encryption.py`).

use super::bind::{bind, needed};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;
use crate::vault::{self, Sealed, Secret, Secrets};

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[("vault", encrypt), ("unvault", decrypt)];

/// The vault id of values that name none.
const DEFAULT_ID: &str = "filter_default";

/// The bytes of text or bytes; other types are refused with these words.
fn bytes(value: &Value, refusal: &str) -> Result<Vec<u8>, Error> {
    match value {
        Value::Str(text) => Ok(text.as_str().as_bytes().to_vec()),
        Value::Bytes(bytes) => Ok(bytes.to_vec()),
        Value::Undefined(_) => Err(ops::undefined_error(value)),
        other => Err(Error::plugin(format!("{refusal}, instead we got: {}", other.class_name()))),
    }
}

/// The vault id of `vault_id`, or of its old name.
fn id(given: Option<Value>, old: Option<Value>) -> String {
    let given = given.map_or_else(|| DEFAULT_ID.to_owned(), |id| id.to_string());
    match old.filter(|old| !old.is_none()) {
        Some(old) if given == DEFAULT_ID => old.to_string(),
        _ => given,
    }
}

fn encrypt(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [secret, salt, vault_id, wrap, old_id] =
        bind(args, ["secret", "salt", "vault_id", "wrap_object", "vaultid"])?;
    let secret = bytes(&needed(secret, "secret")?, "Secret passed is required to be a string")?;
    let plain = bytes(&value, "Can only vault strings")?;
    let salt = salt.filter(|salt| !salt.is_none()).map(|salt| salt.to_string().into_bytes());
    let id = id(vault_id, old_id);
    let sealed = vault::encrypt(&plain, &Secret::new(secret), Some(&id), salt.as_deref())
        .map_err(|error| Error::plugin(format!("Unable to encrypt: {error}")))?;
    Ok(match wrap.as_ref().is_some_and(ops::truthy_or_false) {
        true => Value::Sealed(Sealed::new(sealed)),
        false => Value::from(sealed),
    })
}

fn decrypt(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [secret, vault_id, old_id] = bind(args, ["secret", "vault_id", "vaultid"])?;
    let secret = bytes(&needed(secret, "secret")?, "Secret passed is required to be as string")?;
    let data = match &value {
        Value::Sealed(sealed) => sealed.ciphertext().as_bytes().to_vec(),
        other => bytes(other, "Vault should be in the form of a string")?,
    };
    let mut secrets = Secrets::new(false);
    secrets.add(id(vault_id, old_id), Secret::new(secret));
    let plain = if vault::is_encrypted(&data) {
        secrets.decrypt(&data, None).map_err(|error| Error::plugin(format!("Unable to decrypt: {error}")))?
    } else {
        data
    };
    Ok(Value::from(String::from_utf8_lossy(&plain).into_owned()))
}
