//! Jinja's filters over text and numbers (`jinja2/filters.py`).

use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::bind::{bind, flag, int, needed, text};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::format;
use crate::jinja::methods;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Dict, Value};

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("upper", |_, value, _| Ok(Value::from(text(&value)?.to_uppercase()))),
    ("lower", |_, value, _| Ok(Value::from(text(&value)?.to_lowercase()))),
    ("capitalize", |_, value, _| Ok(Value::from(methods::capitalize(&text(&value)?)))),
    ("title", |_, value, _| Ok(Value::from(title(&text(&value)?)))),
    ("trim", trim),
    ("replace", replace),
    ("indent", indent),
    ("truncate", truncate),
    ("wordcount", |_, value, _| Ok(Value::from(words(&text(&value)?)))),
    ("center", center),
    ("format", format_filter),
    ("string", |_, value, _| native(&value)),
    ("e", |_, value, _| Ok(Value::from(escape(&text(&value)?)))),
    ("escape", |_, value, _| Ok(Value::from(escape(&text(&value)?)))),
    ("forceescape", |_, value, _| Ok(Value::from(escape(&text(&value)?)))),
    ("safe", |_, value, _| Ok(Value::from(text(&value)?))),
    ("striptags", |_, value, _| Ok(Value::from(striptags(&text(&value)?)))),
    ("int", int_filter),
    ("float", float_filter),
    ("abs", abs),
    ("round", round),
    ("filesizeformat", filesizeformat),
    ("urlencode", urlencode),
    ("urldecode", |_, value, _| {
        ops::defined(&value)?;
        let text = value.as_str().ok_or_else(|| lacks(&value, "replace"))?;
        Ok(Value::from(urldecode(text)))
    }),
    ("pprint", |_, value, _| {
        ops::defined(&value)?;
        Ok(Value::from(crate::jinja::repr::repr(&value)))
    }),
    ("split", split),
    ("xmlattr", xmlattr),
];

/// What Python raises for an attribute that its objects lack.
pub(super) fn lacks(value: &Value, name: &str) -> Error {
    Error::exception(format!("'{}' object has no attribute '{name}'", value.tp_name()))
}

/// `string`: the text is final and is not read back as a literal.
fn native(value: &Value) -> Result<Value, Error> {
    ops::defined(value)?;
    let text = match value {
        Value::Str(text) => text.clone(),
        other => crate::jinja::value::Str::new(other.to_string()),
    };
    Ok(Value::Str(text.into_native()))
}

/// Text with the first letter of each word in upper case; words end at white space, `-` and brackets.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        start = c.is_whitespace() || matches!(c, '-' | '(' | '{' | '[' | '<');
    }
    out
}

fn trim(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [chars] = bind(args, ["chars"])?;
    let value = text(&value)?;
    Ok(Value::from(match chars.filter(|chars| !chars.is_none()) {
        Some(chars) => {
            ops::defined(&chars)?;
            let chars = chars.as_str().ok_or_else(|| Error::type_error("strip arg must be None or str"))?;
            value.trim_matches(|c| chars.contains(c)).to_owned()
        }
        None => value.trim().to_owned(),
    }))
}

fn replace(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [old, new, count] = bind(args, ["old", "new", "count"])?;
    let (old, new) = (text(&needed(old, "old")?)?, text(&needed(new, "new")?)?);
    let value = text(&value)?;
    match count.filter(|count| !count.is_none()) {
        Some(count) => match usize::try_from(int(&count)?) {
            Ok(count) => Ok(Value::from(value.replacen(&old, &new, count))),
            Err(_) => Ok(Value::from(value.replace(&old, &new))),
        },
        None => Ok(Value::from(value.replace(&old, &new))),
    }
}

fn indent(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [width, first, blank] = bind(args, ["width", "first", "blank"])?;
    ops::defined(&value)?;
    let Value::Str(body) = &value else {
        return ops::add(&value, &Value::from("\n"));
    };
    let body = format!("{}\n", body.as_str());
    let lines = methods::split_lines(&body);
    let indention = match width {
        Some(Value::Str(width)) => width.as_str().to_owned(),
        Some(width) => {
            let width = usize::try_from(int(&width)?).unwrap_or(0);
            if width.saturating_mul(lines.len()) > ops::MAX_SIZE {
                return Err(Error::value_error("the indented text would be too large"));
            }
            " ".repeat(width)
        }
        None => "    ".to_owned(),
    };
    let blank = flag(blank.as_ref())?;
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&indention);
            }
        }
        out.push_str(line);
    }
    Ok(Value::from(if flag(first.as_ref())? { indention + &out } else { out }))
}

/// A length, which may be of any size.
fn length_of(value: &Value) -> Result<i64, Error> {
    value.as_bound().map_or_else(|| int(value), Ok)
}

fn truncate(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [length, killwords, end, leeway] = bind(args, ["length", "killwords", "end", "leeway"])?;
    let length = length.as_ref().map_or(Ok(255), length_of)?;
    let leeway = leeway.filter(|leeway| !leeway.is_none()).as_ref().map_or(Ok(5), length_of)?;
    let end = end.map_or(Ok("...".to_owned()), |end| text(&end))?;
    let end_len = i64::try_from(end.chars().count()).unwrap_or(0);
    if length < end_len {
        return Err(Error::value_error(format!("expected length >= {end_len}, got {length}")));
    }
    if leeway < 0 {
        return Err(Error::value_error(format!("expected leeway >= 0, got {leeway}")));
    }
    ops::defined(&value)?;
    let chars: Vec<char> = match value.as_str() {
        Some(text) => text.chars().collect(),
        None => {
            ops::len(&value)?;
            return Ok(value);
        }
    };
    if i64::try_from(chars.len()).unwrap_or(i64::MAX) <= length.saturating_add(leeway) {
        return Ok(value);
    }
    let cut: String = chars[..usize::try_from(length - end_len).unwrap_or(0)].iter().collect();
    let kept = if flag(killwords.as_ref())? {
        cut.as_str()
    } else {
        cut.rsplit_once(' ').map_or(cut.as_str(), |it| it.0)
    };
    Ok(Value::from(format!("{kept}{end}")))
}

fn words(text: &str) -> usize {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).count()
}

fn center(interpreter: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [width] = bind(args, ["width"])?;
    let width = width.unwrap_or(Value::Int(80));
    let args = Args { positional: vec![width], named: Vec::new() };
    methods::call(&Value::from(text(&value)?), "center", args, interpreter)
}

fn format_filter(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let format = text(&value)?;
    let values = match (args.positional.is_empty(), args.named.is_empty()) {
        (false, false) => {
            return Err(Error::value_error("can't handle positional and keyword arguments at the same time"));
        }
        (true, false) => Value::dict(args.named),
        _ => Value::tuple(args.positional),
    };
    format::percent(&format, &values).map(Value::from)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

fn striptags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let Some(end) = rest[at..].find('>') else { break };
        out.push_str(&rest[..at]);
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn int_filter(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [default, base] = bind(args, ["default", "base"])?;
    ops::defined(&value)?;
    // A base that is none makes no error, but text that is no integer.
    let base = base.map_or(Some(10), |base| base.as_int().and_then(|base| u32::try_from(base).ok()));
    let whole = match &value {
        Value::Str(text) => base.and_then(|base| parse_int(text.as_str(), base)),
        Value::Bool(flag) => Some(Value::Int(i64::from(*flag))),
        Value::Int(_) | Value::BigInt(_) => Some(value.clone()),
        Value::Float(number) => BigInt::from_f64(number.trunc()).map(Value::from),
        _ => None,
    };
    let whole = whole.or_else(|| {
        let number: f64 = parse_float(value.as_str()?)?;
        BigInt::from_f64(number.trunc()).map(Value::from)
    });
    Ok(whole.or(default).unwrap_or(Value::Int(0)))
}

/// `int(text, base)`.
fn parse_int(text: &str, base: u32) -> Option<Value> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let lower = digits.replace('_', "").to_ascii_lowercase();
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2)];
    let found =
        prefixes.iter().find(|(prefix, own)| (base == *own || base == 0) && lower.starts_with(prefix));
    let (digits, base) = match found {
        Some((prefix, own)) => (&lower[prefix.len()..], *own),
        None if base == 0 => (lower.as_str(), 10),
        None => (lower.as_str(), base),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) || !(2..=36).contains(&base) {
        return None;
    }
    let number = BigInt::parse_bytes(digits.as_bytes(), base)?;
    Some(Value::from(if negative { -number } else { number }))
}

/// `float(text)`.
fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim().to_ascii_lowercase();
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    let plain = text.replace('_', "");
    let valid = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-');
    let word = matches!(plain.trim_start_matches(['+', '-']), "inf" | "infinity" | "nan");
    if !word && !plain.chars().all(valid) {
        return None;
    }
    plain.parse().ok()
}

fn float_filter(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [default] = bind(args, ["default"])?;
    ops::defined(&value)?;
    let number = match &value {
        Value::Str(text) => parse_float(text.as_str()),
        other => ops::as_float(other),
    };
    Ok(number.map(Value::Float).or(default).unwrap_or(Value::Float(0.0)))
}

fn abs(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    ops::defined(&value)?;
    if !value.is_number() {
        return Err(Error::type_error(format!("bad operand type for abs(): '{}'", value.type_name())));
    }
    let negative = ops::compare(&value, &Value::Int(0), "<")?.is_some_and(std::cmp::Ordering::is_lt);
    if negative {
        return ops::neg(&value);
    }
    Ok(match value {
        Value::Bool(flag) => Value::Int(i64::from(flag)),
        other => other,
    })
}

fn round(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [precision, method] = bind(args, ["precision", "method"])?;
    let precision = precision.map_or(Ok(0), |precision| int(&precision))?;
    let method = method.map_or(Ok("common".to_owned()), |method| text(&method))?;
    ops::defined(&value)?;
    let number = ops::as_float(&value).ok_or_else(|| {
        Error::type_error(format!("type {} doesn't define __round__ method", value.type_name()))
    })?;
    if method == "common" {
        if matches!(value, Value::Int(_) | Value::BigInt(_) | Value::Bool(_)) && precision >= 0 {
            return Ok(value);
        }
        let rounded = round_half_even(number, precision);
        return Ok(if value.as_int().is_some() { Value::Int(rounded as i64) } else { Value::Float(rounded) });
    }
    let scale = 10_f64.powi(i32::try_from(precision).unwrap_or(0));
    // Whole numbers are scaled exactly, and divided again.
    let exact = precision >= 0 && !matches!(value, Value::Float(_));
    match method.as_str() {
        "ceil" | "floor" if exact => Ok(Value::Float(number)),
        "ceil" => Ok(Value::Float((number * scale).ceil() / scale)),
        "floor" => Ok(Value::Float((number * scale).floor() / scale)),
        _ => Err(Error::value_error("method must be common, ceil or floor")),
    }
}

/// `round(number, precision)`: correctly rounded from the exact value, halves to even.
fn round_half_even(number: f64, precision: i64) -> f64 {
    if precision >= 0 {
        let digits = usize::try_from(precision).unwrap_or(0).min(300);
        return format!("{number:.digits$}").parse().unwrap_or(number);
    }
    let scale = 10_f64.powi(i32::try_from(-precision).unwrap_or(300));
    (number / scale).round_ties_even() * scale
}

fn filesizeformat(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [binary] = bind(args, ["binary"])?;
    ops::defined(&value)?;
    let bytes = ops::as_float(&value).or_else(|| parse_float(&value.to_string()));
    let bytes =
        bytes.ok_or_else(|| Error::value_error(format!("could not convert string to float: '{value}'")))?;
    let binary = flag(binary.as_ref())?;
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    let prefixes = if binary {
        ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
    } else {
        ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
    };
    if bytes == 1.0 {
        return Ok(Value::from("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::from(format!("{} Bytes", bytes.trunc())));
    }
    let mut unit = base * base;
    let mut chosen = prefixes[0];
    for prefix in prefixes {
        chosen = prefix;
        if bytes < unit {
            break;
        }
        if prefix != "YiB" && prefix != "YB" {
            unit *= base;
        }
    }
    Ok(Value::from(format!("{:.1} {chosen}", base * bytes / unit)))
}

/// `urllib.parse.quote` with these characters kept beside letters, digits and `_.-~`.
pub(super) fn percent_encode(text: &str, safe: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if byte.is_ascii_alphanumeric() || "_.-~".contains(c) || (byte.is_ascii() && safe.contains(c)) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `urllib.parse.unquote_plus`.
fn urldecode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let mut out = Vec::with_capacity(spaced.len());
    let mut rest = spaced.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let code = code.filter(|code| first == b'%' && code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn urlencode(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    ops::defined(&value)?;
    let quoted = |value: &Value| Ok::<_, Error>(percent_encode(&text(value)?, "").replace("%20", "+"));
    let pairs = match &value {
        Value::Dict(dict) => dict.entries().iter().map(|(k, v)| (k.value().clone(), v.clone())).collect(),
        Value::List(_) | Value::Tuple(_) => {
            let mut pairs = Vec::new();
            for pair in ops::iterate(&value)? {
                match ops::iterate(&pair)?.as_slice() {
                    [key, value] => pairs.push((key.clone(), value.clone())),
                    other => {
                        return Err(Error::value_error(format!(
                            "not enough values to unpack (expected 2, got {})",
                            other.len()
                        )));
                    }
                }
            }
            pairs
        }
        other => return Ok(Value::from(percent_encode(&other.to_string(), "/"))),
    };
    let pairs: Result<Vec<String>, Error> =
        pairs.iter().map(|(k, v)| Ok(format!("{}={}", quoted(k)?, quoted(v)?))).collect();
    Ok(Value::from(pairs?.join("&")))
}

fn split(interpreter: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    if value.as_str().is_none() {
        let kind = value.tp_name();
        return Err(Error::type_error(format!(
            "descriptor 'split' for 'str' objects doesn't apply to a '{kind}' object"
        )));
    }
    methods::call(&value, "split", args, interpreter)
}

fn xmlattr(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    ops::defined(&value)?;
    let Some(entries) = value.as_dict().map(Dict::entries) else {
        let kind = value.type_name();
        return Err(Error::exception(format!("'{kind}' object has no attribute 'items'")));
    };
    let kept = entries.iter().filter(|(_, value)| !value.is_none() && !value.is_undefined());
    if let Some((key, _)) = kept.clone().find(|(key, _)| key.as_str().is_none()) {
        let kind = key.value().type_name();
        return Err(Error::type_error(format!("expected string or bytes-like object, got '{kind}'")));
    }
    let breaks =
        |key: &str| key.contains(|c: char| c.is_ascii_whitespace() || matches!(c, '\x0b' | '/' | '>' | '='));
    if let Some((key, _)) = kept.clone().find(|(key, _)| breaks(&key.text())) {
        let key = crate::jinja::repr::repr(key.value());
        return Err(Error::value_error(format!("Invalid character in attribute name: {key}")));
    }
    let pairs: Vec<String> =
        kept.map(|(k, v)| format!("{}=\"{}\"", escape(&k.text()), escape(&v.to_string()))).collect();
    let joined = pairs.join(" ");
    Ok(Value::from(if joined.is_empty() { joined } else { format!(" {joined}") }))
}
