//! Filters that encode, hash, read and write: base64, digests, UUIDs, JSON, YAML.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD};
use sha1::Digest as _;

use super::bind::{bind, flag, int, needed, text};
use super::json::Writer;
use crate::jinja::encoding::{Encoding, keep_bytes, written};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Str, Value};
use crate::jinja::yaml;

/// Digits without padding, of which the last may have bits that mean nothing.
const DIGITS: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, NO_PAD.with_decode_allow_trailing_bits(true));

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("b64encode", b64encode),
    ("b64decode", b64decode),
    ("md5", |_, value, _| digest("md5", &bytes(&value)?).map(Value::from)),
    ("sha1", |_, value, _| digest("sha1", &bytes(&value)?).map(Value::from)),
    ("checksum", |_, value, _| digest("sha1", &bytes(&value)?).map(Value::from)),
    ("hash", |_, value, args| {
        let [kind] = bind(args, ["hashtype"])?;
        let kind = kind.map_or(Ok("sha1".to_owned()), |kind| text(&kind))?;
        digest(&kind, &bytes(&value)?).map(Value::from)
    }),
    ("to_uuid", to_uuid),
    ("to_json", to_json),
    ("to_nice_json", to_nice_json),
    ("tojson", tojson),
    ("from_json", from_json),
    ("to_yaml", to_yaml),
    ("to_nice_yaml", to_nice_yaml),
    ("from_yaml", |_, value, _| match &value {
        Value::Str(text) => yaml::load(text.as_str()),
        other => ops::defined(other).map(|()| value),
    }),
    ("from_yaml_all", |_, value, _| match &value {
        Value::Str(text) => yaml::load_all(text.as_str()).map(Value::list),
        other => ops::defined(other).map(|()| value),
    }),
];

fn bytes(value: &Value) -> Result<Vec<u8>, Error> {
    match value {
        Value::Bytes(bytes) => Ok(bytes.to_vec()),
        other => text(other).map(|text| written(&text)),
    }
}

/// The encoding that a filter is asked for.
fn encoding(args: Args) -> Result<Encoding, Error> {
    let [encoding] = bind(args, ["encoding"])?;
    encoding.map_or(Ok(Encoding::Utf8), |encoding| Encoding::named(&text(&encoding)?))
}

fn b64encode(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let encoding = encoding(args)?;
    let plain = match &value {
        Value::Bytes(_) => bytes(&value)?,
        other => encoding.encode(&text(other)?)?,
    };
    Ok(Value::from(STANDARD.encode(plain)))
}

/// The characters of base64 that Python's decoder takes: it skips what is none, and padding that completes a
/// group ends the text.
fn base64_digits(text: &[u8]) -> Result<Vec<u8>, Error> {
    let mut digits = Vec::with_capacity(text.len());
    let mut pads = 0;
    for byte in text {
        match byte {
            b'=' => pads += 1,
            b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                pads = 0;
                digits.push(*byte);
            }
            _ => {}
        }
        if digits.len() % 4 >= 2 && digits.len() % 4 + pads >= 4 {
            return Ok(digits);
        }
    }
    let count = digits.len();
    match count % 4 {
        0 => Ok(digits),
        1 => Err(Error::value_error(format!(
            "Invalid base64-encoded string: number of data characters ({count}) cannot be 1 more than a multiple of 4"
        ))),
        _ => Err(Error::value_error("Incorrect padding")),
    }
}

fn b64decode(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let encoding = encoding(args)?;
    let digits = base64_digits(&bytes(&value)?)?;
    let decoded = DIGITS.decode(digits).map_err(|error| Error::value_error(error.to_string()))?;
    if encoding != Encoding::Utf8 {
        return encoding.decode(&decoded).map(Value::from).map_err(Error::value_error);
    }
    Ok(Value::from(keep_bytes(&decoded)))
}

/// The hexadecimal digest of bytes.
///
/// # Errors
/// There is no such kind of digest.
pub fn digest(kind: &str, bytes: &[u8]) -> Result<String, Error> {
    Ok(match kind.to_ascii_lowercase().replace('-', "").as_str() {
        "md5" => hex::encode(md5::Md5::digest(bytes)),
        "sha1" => hex::encode(sha1::Sha1::digest(bytes)),
        "sha224" => hex::encode(sha2::Sha224::digest(bytes)),
        "sha256" => hex::encode(sha2::Sha256::digest(bytes)),
        "sha384" => hex::encode(sha2::Sha384::digest(bytes)),
        "sha512" => hex::encode(sha2::Sha512::digest(bytes)),
        _ => return Err(Error::plugin(format!("unsupported hash type {kind}"))),
    })
}

/// The namespace of Ansible's UUIDs.
const UUID_NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

fn to_uuid(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [namespace] = bind(args, ["namespace"])?;
    let namespace = namespace.map_or(Ok(UUID_NAMESPACE.to_owned()), |namespace| text(&namespace))?;
    let parsed = namespace.parse::<uuid::Uuid>().map_err(|_| {
        Error::plugin(format!(
            "Invalid value '{namespace}' for 'namespace': badly formed hexadecimal UUID string"
        ))
    })?;
    let mut hasher = sha1::Sha1::new();
    hasher.update(parsed.as_bytes());
    hasher.update(text(&value)?.as_bytes());
    let hash = hasher.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    let uuid = uuid::Builder::from_sha1_bytes(bytes).into_uuid();
    Ok(Value::from(uuid.to_string()))
}

/// An indentation: text, or a number of spaces.
fn json_indent(indent: &Value) -> Result<String, Error> {
    match indent {
        Value::Str(text) => Ok(text.as_str().to_owned()),
        other => Ok(" ".repeat(usize::try_from(int(other)?).unwrap_or(0).min(100))),
    }
}

/// The keyword arguments of `json.dumps` that roles give.
fn json_writer(
    subject: &Value,
    args: &Args,
    indent: Option<String>,
    sort_keys: bool,
) -> Result<Writer, Error> {
    let mut writer = Writer { indent, sort_keys, ensure_ascii: true };
    for (name, value) in &args.named {
        match name.as_str() {
            "indent" if value.is_none() => writer.indent = None,
            "indent" => writer.indent = Some(json_indent(value)?),
            // Asked for only where there may be keys.
            "sort_keys" if matches!(subject, Value::Str(_)) => {}
            "sort_keys" => writer.sort_keys = ops::truthy(value)?,
            "ensure_ascii" => writer.ensure_ascii = ops::truthy(value)?,
            _ => {}
        }
    }
    Ok(writer)
}

fn write_json(value: &Value, writer: &Writer) -> Result<Value, Error> {
    ops::every(value, |value| match value {
        foreign if is_foreign(foreign) || matches!(foreign, Value::Bytes(_)) => {
            Err(Error::type_error(format!("Object of type {} is not JSON serializable", value.type_name())))
        }
        other => ops::defined(other),
    })?;
    let mut out = String::new();
    writer.write(value, 0, &mut out);
    Ok(Value::Str(Str::new(out).into_native()))
}

/// Whether neither JSON nor YAML has such a value.
fn is_foreign(value: &Value) -> bool {
    matches!(value, Value::Range(_) | Value::View(_) | Value::TimeDelta(_))
}

fn to_json(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    write_json(&value, &json_writer(&value, &args, None, false)?)
}

/// Jinja's own: sorted keys, and nothing that has a meaning in HTML.
fn tojson(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [indent] = bind(args, ["indent"])?;
    let indent = indent.filter(|indent| !indent.is_none()).map(|indent| json_indent(&indent)).transpose()?;
    ops::every(&value, ops::defined)?;
    let mut out = String::new();
    Writer { indent, sort_keys: true, ensure_ascii: true }.write(&value, 0, &mut out);
    let safe = [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\'', "\\u0027")];
    Ok(Value::from(safe.iter().fold(out, |text, (from, to)| text.replace(*from, to))))
}

fn to_nice_json(_: &mut Interpreter<'_>, value: Value, mut args: Args) -> Result<Value, Error> {
    let indent = match args.positional.first() {
        Some(indent) => Some(json_indent(indent)?),
        None => Some(" ".repeat(4)),
    };
    args.positional.clear();
    write_json(&value, &json_writer(&value, &args, indent, true)?)
}

fn from_json(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    ops::defined(&value)?;
    let Some(text) = value.as_str() else {
        let kind = value.type_name();
        return Err(Error::type_error(format!(
            "the JSON object must be str, bytes or bytearray, not {kind}"
        )));
    };
    super::json_read::loads(text)
}

fn yaml_options(args: &Args, mut options: yaml::DumpOptions) -> Result<yaml::DumpOptions, Error> {
    options.allow_unicode = true;
    for (name, value) in &args.named {
        match name.as_str() {
            "indent" if !value.is_none() => options.indent = usize::try_from(int(value)?).unwrap_or(2),
            "width" if !value.is_none() => {
                options.width = match value {
                    Value::Float(number) => *number as i64,
                    other => int(other)?,
                };
            }
            "sort_keys" => options.sort_keys = flag(Some(value))?,
            "default_flow_style" if value.is_none() => options.default_flow_style = None,
            "default_flow_style" => options.default_flow_style = Some(flag(Some(value))?),
            "explicit_start" => options.explicit_start = flag(Some(value))?,
            "explicit_end" => options.explicit_end = flag(Some(value))?,
            _ => {}
        }
    }
    Ok(options)
}

/// Whether PyYAML does not write a value.
fn is_unrepresented(value: &Value) -> bool {
    const OBJECTS: &[&str] = &["IsoCalendarDate", "struct_time", "time", "timezone"];
    match value {
        Value::Object(object) => OBJECTS.contains(&object.type_name()),
        other => is_foreign(other),
    }
}

fn write_yaml(value: &Value, options: &yaml::DumpOptions, name: &str) -> Result<Value, Error> {
    let represented = ops::every(value, |value| match value {
        foreign if is_unrepresented(foreign) => Err(Error::exception(format!(
            "('cannot represent an object', {})",
            crate::jinja::repr::repr(value)
        ))),
        other => ops::defined(other),
    });
    let written = represented.and_then(|()| yaml::dump(value, options));
    let out = written.map_err(|error| Error::plugin(format!("{name} - {error}. {error}")))?;
    Ok(Value::Str(Str::new(out).into_native()))
}

fn to_yaml(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let options = yaml::DumpOptions { default_flow_style: None, ..yaml::DumpOptions::default() };
    write_yaml(&value, &yaml_options(&args, options)?, "to_yaml")
}

fn to_nice_yaml(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let indent = match args.positional.first() {
        Some(indent) => usize::try_from(int(&needed(Some(indent.clone()), "indent")?)?).unwrap_or(4),
        None => 4,
    };
    let options = yaml::DumpOptions { indent, ..yaml::DumpOptions::default() };
    write_yaml(&value, &yaml_options(&args, options)?, "to_nice_yaml")
}
