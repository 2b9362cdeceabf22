//! Python's two ways to format text: `'%s' % x` and `'{}'.format(x)`.

use super::error::Error;
use super::object::Args;
use super::ops;
use super::repr;
use super::value::Value;

/// The widest field that is padded.
const MAX_WIDTH: usize = 1_000_000;

/// One conversion: flags, width, precision.
#[derive(Debug, Default)]
struct Conversion {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// `format % value`.
///
/// # Errors
/// The format is malformed or does not fit the values.
pub(super) fn percent(format: &str, value: &Value) -> Result<String, Error> {
    ops::defined(value)?;
    let (mut values, single) = match value {
        Value::Tuple(items) => (items.to_vec(), false),
        Value::Object(object) if object.items().is_some() => {
            (object.items().unwrap_or_default().to_vec(), false)
        }
        other => (vec![other.clone()], true),
    };
    values.reverse();
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    let length = format.chars().count();
    let mut used_key = false;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut key = None;
        if chars.peek() == Some(&'(') {
            chars.next();
            let name: String = chars.by_ref().take_while(|c| *c != ')').collect();
            key = Some(name);
        }
        let mut conversion = Conversion::default();
        while let Some(flag) = chars.next_if(|c| "-0+ #".contains(*c)) {
            match flag {
                '-' => conversion.left = true,
                '0' => conversion.zero = true,
                '+' => conversion.plus = true,
                ' ' => conversion.space = true,
                _ => conversion.alternate = true,
            }
        }
        let not_enough = || Error::type_error("not enough arguments for format string");
        if chars.next_if_eq(&'*').is_some() {
            let width = values.pop().and_then(|width| width.as_int()).ok_or_else(not_enough)?;
            conversion.left |= width < 0;
            conversion.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        } else {
            conversion.width = digits(&mut chars).unwrap_or(0);
        }
        if chars.next_if_eq(&'.').is_some() {
            conversion.precision = Some(if chars.next_if_eq(&'*').is_some() {
                let precision = values.pop().and_then(|it| it.as_int()).ok_or_else(not_enough)?;
                usize::try_from(precision).unwrap_or(0)
            } else {
                digits(&mut chars).unwrap_or(0)
            });
        }
        while chars.next_if(|c| "hlL".contains(*c)).is_some() {}
        let kind = chars.next().ok_or_else(|| Error::value_error("incomplete format"))?;
        if kind == '%' {
            out.push('%');
            continue;
        }
        let item = match key {
            Some(name) => {
                used_key = true;
                let dict = value.as_dict().ok_or_else(|| Error::type_error("format requires a mapping"))?;
                dict.get(&name).ok_or_else(|| Error::value_error(repr::quote(&name)))?
            }
            None => values.pop().ok_or_else(not_enough)?,
        };
        let at = length - chars.clone().count() - 1;
        out.push_str(&convert(&item, kind, &conversion, at)?);
    }
    let whole = single && matches!(value, Value::Dict(_) | Value::List(_));
    if !(values.is_empty() || used_key || whole) {
        return Err(Error::type_error("not all arguments converted during string formatting"));
    }
    Ok(out)
}

fn digits(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut number: Option<usize> = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit as usize));
    }
    number
}

/// The same of a specification, where a number has its bounds.
fn counted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<usize>, Error> {
    match digits(chars) {
        Some(number) if isize::try_from(number).is_err() => {
            Err(Error::value_error("Too many decimal digits in format string"))
        }
        number => Ok(number),
    }
}

fn convert(value: &Value, kind: char, conversion: &Conversion, at: usize) -> Result<String, Error> {
    if kind != 'r' {
        ops::defined(value)?;
    }
    let body = match kind {
        's' => clip(repr::str(value), conversion.precision),
        'r' | 'a' => clip(repr::repr(value), conversion.precision),
        'c' => match value {
            Value::Str(text) if text.as_str().chars().count() == 1 => text.as_str().to_owned(),
            other => other
                .as_int()
                .and_then(|code| u32::try_from(code).ok())
                .and_then(char::from_u32)
                .map(String::from)
                .ok_or_else(|| Error::type_error("%c requires int or char"))?,
        },
        'd' | 'i' | 'u' => return integer(value, kind, conversion, ToString::to_string),
        'x' => {
            return integer(value, kind, conversion, |n| {
                prefixed(n.to_str_radix(16), "0x", conversion.alternate)
            });
        }
        'X' => {
            return integer(value, kind, conversion, |n| {
                prefixed(n.to_str_radix(16).to_uppercase(), "0X", conversion.alternate)
            });
        }
        'o' => {
            return integer(value, kind, conversion, |n| {
                prefixed(n.to_str_radix(8), "0o", conversion.alternate)
            });
        }
        'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
            let number = ops::as_float(value).ok_or_else(|| {
                Error::type_error(format!("must be real number, not {}", value.type_name()))
            })?;
            let text = float(number, kind, conversion.precision, conversion.alternate);
            return Ok(number_field(text, conversion));
        }
        other => {
            let code = u32::from(other);
            return Err(Error::value_error(format!(
                "unsupported format character '{other}' (0x{code:x}) at index {at}"
            )));
        }
    };
    Ok(field(body, conversion))
}

fn prefixed(digits: String, prefix: &str, wanted: bool) -> String {
    match (wanted, digits.strip_prefix('-')) {
        (false, _) => digits,
        (true, Some(rest)) => format!("-{prefix}{rest}"),
        (true, None) => format!("{prefix}{digits}"),
    }
}

fn clip(text: String, precision: Option<usize>) -> String {
    match precision {
        Some(limit) => text.chars().take(limit).collect(),
        None => text,
    }
}

fn integer(
    value: &Value,
    kind: char,
    conversion: &Conversion,
    write: impl Fn(&num_bigint::BigInt) -> String,
) -> Result<String, Error> {
    let number = match value {
        Value::BigInt(big) => big.as_ref().clone(),
        Value::Float(number) if "diu".contains(kind) && number.is_finite() => {
            <num_bigint::BigInt as num_traits::FromPrimitive>::from_f64(number.trunc()).unwrap_or_default()
        }
        other => match other.as_int() {
            Some(number) => number.into(),
            None => {
                let wanted =
                    if "diu".contains(kind) { "a real number is required" } else { "an integer is required" };
                return Err(Error::type_error(format!(
                    "%{kind} format: {wanted}, not {}",
                    other.type_name()
                )));
            }
        },
    };
    let mut text = write(&number);
    if let Some(precision) = conversion.precision {
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
        text = format!("{sign}{digits:0>precision$}");
    }
    Ok(number_field(text, conversion))
}

fn number_field(text: String, conversion: &Conversion) -> String {
    let text = match text.starts_with('-') {
        false if conversion.plus => format!("+{text}"),
        false if conversion.space => format!(" {text}"),
        _ => text,
    };
    let width = conversion.width.min(MAX_WIDTH);
    if conversion.zero && !conversion.left && text.chars().count() < width {
        let sign_len = usize::from(text.starts_with(['+', '-', ' ']));
        let (sign, digits) = text.split_at(sign_len);
        let fill = width - sign_len;
        return format!("{sign}{digits:0>fill$}");
    }
    field(text, conversion)
}

fn field(text: String, conversion: &Conversion) -> String {
    let width = conversion.width.min(MAX_WIDTH);
    if conversion.left { format!("{text:<width$}") } else { format!("{text:>width$}") }
}

/// A float as `%f`, `%e` or `%g` write it.
fn float(number: f64, kind: char, precision: Option<usize>, alternate: bool) -> String {
    if !number.is_finite() {
        let text = repr::float(number);
        return if kind.is_uppercase() { text.to_uppercase() } else { text };
    }
    let precision = precision.unwrap_or(6).min(400);
    let text = match kind.to_ascii_lowercase() {
        'f' => format!("{number:.precision$}"),
        'e' => exponent(number, precision),
        _ => general(number, precision.max(1), alternate),
    };
    if kind.is_uppercase() { text.to_uppercase() } else { text }
}

fn exponent(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn general(number: f64, precision: usize, alternate: bool) -> String {
    let scientific = exponent(number, precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let strip = |text: String| {
        if alternate || !text.contains('.') {
            text
        } else {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    };
    let precision = i32::try_from(precision).unwrap_or(i32::MAX);
    if power < -4 || power >= precision {
        let (digits, rest) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
        format!("{}e{rest}", strip(digits.to_owned()))
    } else {
        let decimals = usize::try_from(precision - 1 - power).unwrap_or(0);
        strip(format!("{number:.decimals$}"))
    }
}

/// `format.format(*args, **kwargs)`.
///
/// # Errors
/// The format is malformed or names an argument that is missing.
pub(super) fn str_format(format: &str, args: Args) -> Result<String, Error> {
    write_fields(format, &mut Fields { args: &args, mapping: None, next: 0 })
}

/// `format.format_map(mapping)`.
///
/// # Errors
/// The format is malformed, or the mapping has no item of a name.
pub(super) fn str_format_map(format: &str, mapping: &Value) -> Result<String, Error> {
    write_fields(format, &mut Fields { args: &Args::default(), mapping: Some(mapping), next: 0 })
}

/// What the fields of a format are filled from.
struct Fields<'a> {
    args: &'a Args,
    /// What has the names instead of the arguments.
    mapping: Option<&'a Value>,
    /// The place of the next argument that no field names.
    next: usize,
}

impl Fields<'_> {
    /// The value of a field's first name.
    fn value(&mut self, head: &str) -> Result<Value, Error> {
        if head.is_empty() || head.bytes().all(|byte| byte.is_ascii_digit()) {
            if self.mapping.is_some() {
                return Err(Error::value_error("Format string contains positional fields"));
            }
            let index = if head.is_empty() { self.next } else { head.parse().unwrap_or(usize::MAX) };
            self.next += usize::from(head.is_empty());
            return self.args.positional.get(index).cloned().ok_or_else(|| {
                let message = format!("Replacement index {index} out of range for positional args tuple");
                Error::value_error(message)
            });
        }
        match self.mapping {
            Some(missing) if missing.is_strict_undefined() => Ok(missing.clone()),
            Some(mapping) => subscript(mapping, head),
            None => {
                let named = self.args.named.iter().find(|(name, _)| name == head);
                named.map(|(_, value)| value.clone()).ok_or_else(|| Error::value_error(repr::quote(head)))
            }
        }
    }
}

fn write_fields(format: &str, fields: &mut Fields<'_>) -> Result<String, Error> {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' if chars.next_if_eq(&'{').is_some() => out.push('{'),
            '}' if chars.next_if_eq(&'}').is_some() => out.push('}'),
            '}' => return Err(Error::value_error("Single '}' encountered in format string")),
            '{' => {
                let mut field = String::new();
                let mut depth = 1;
                for c in chars.by_ref() {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    if depth == 0 {
                        break;
                    }
                    field.push(c);
                }
                if depth != 0 {
                    return Err(Error::value_error(match field.is_empty() {
                        true => "Single '{' encountered in format string",
                        false => "expected '}' before end of string",
                    }));
                }
                out.push_str(&replacement(&field, fields)?);
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

fn replacement(field: &str, fields: &mut Fields<'_>) -> Result<String, Error> {
    let (target, spec) = field.split_once(':').unwrap_or((field, ""));
    let (path, conversion) =
        target.split_once('!').map_or((target, None), |(path, c)| (path, c.chars().next()));
    let head_len = path.find(['.', '[']).unwrap_or(path.len());
    let (head, mut rest) = path.split_at(head_len);
    let mut value = fields.value(head)?;
    while !rest.is_empty() {
        let (key, after) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').unwrap_or((inner, "")),
            None => {
                let inner = rest.trim_start_matches('.');
                inner.split_at(inner.find(['.', '[']).unwrap_or(inner.len()))
            }
        };
        value = if rest.starts_with('[') { subscript(&value, key)? } else { attribute(&value, key)? };
        rest = after;
    }
    let expanded;
    let spec = if spec.contains('{') {
        expanded = nested(spec, fields)?;
        expanded.as_str()
    } else {
        spec
    };
    match conversion {
        Some('r' | 'a') => format_spec(&Value::from(repr::repr(&value)), spec),
        Some(_) => format_spec(&Value::from(repr::str(&value)), spec),
        None => format_spec(&value, spec),
    }
}

/// A specification with fields of its own: `{:>{width}}`.
fn nested(spec: &str, fields: &mut Fields<'_>) -> Result<String, Error> {
    let mut out = String::new();
    let mut rest = spec;
    while let Some((before, after)) = rest.split_once('{') {
        let (field, after) =
            after.split_once('}').ok_or_else(|| Error::value_error("expected '}' before end of string"))?;
        out.push_str(before);
        out.push_str(&replacement(field, fields)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// `value[key]` within a format.
fn subscript(value: &Value, key: &str) -> Result<Value, Error> {
    let index = key.parse::<i64>().ok().filter(|_| key.bytes().all(|byte| byte.is_ascii_digit()));
    let found = match (value, index) {
        (Value::Dict(dict), Some(index)) => {
            super::value::Key::new(Value::Int(index)).ok().and_then(|key| dict.read().get(&key).cloned())
        }
        (Value::Dict(dict), None) => dict.get(key),
        (Value::Str(_) | Value::List(_) | Value::Tuple(_), Some(index)) => {
            let item = ops::slice(value, Some(index), Some(index + 1), None)?;
            ops::iterate(&item)?.into_iter().next()
        }
        (Value::Str(_), None) => {
            return Err(Error::type_error("string indices must be integers, not 'str'"));
        }
        (Value::List(_) | Value::Tuple(_), None) => {
            let kind = value.type_name();
            return Err(Error::type_error(format!("{kind} indices must be integers or slices, not str")));
        }
        (other, _) => {
            ops::defined(other)?;
            let kind = other.type_name();
            return Err(Error::type_error(format!("'{kind}' object is not subscriptable")));
        }
    };
    found.ok_or_else(|| {
        Error::exception(match (value, index) {
            (Value::Dict(_), None) => repr::quote(key),
            (Value::Dict(_), Some(index)) => index.to_string(),
            (Value::Str(_), _) => "string index out of range".to_owned(),
            (other, _) => format!("{} index out of range", other.type_name()),
        })
    })
}

/// `value.name` within a format.
fn attribute(value: &Value, name: &str) -> Result<Value, Error> {
    ops::defined(value)?;
    super::methods::property(value, name).ok_or_else(|| {
        let kind = value.type_name();
        Error::exception(format!("'{kind}' object has no attribute '{name}'"))
    })
}

/// A format specification, taken apart (`[[fill]align][sign][#][0][width][grouping][.precision][type]`).
struct Spec {
    fill: char,
    align: Option<char>,
    /// Written with a sign: any but `-`.
    sign: Option<char>,
    alternate: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Spec {
    fn parse(spec: &str, value: &Value) -> Result<Spec, Error> {
        let is_align = |c: &char| "<>^=".contains(*c);
        let chars: Vec<char> = spec.chars().collect();
        let (fill, align, rest) = match chars.as_slice() {
            [fill, align, rest @ ..] if is_align(align) => (Some(*fill), Some(*align), rest),
            [align, rest @ ..] if is_align(align) => (None, Some(*align), rest),
            rest => (None, None, rest),
        };
        let rest: String = rest.iter().collect();
        let mut chars = rest.chars().peekable();
        let sign = chars.next_if(|c| "+- ".contains(*c));
        let alternate = chars.next_if_eq(&'#').is_some();
        let zero = chars.next_if_eq(&'0').is_some();
        let is_text = matches!(value, Value::Str(_));
        let align = align.or((zero && !is_text).then_some('='));
        let width = counted(&mut chars)?.unwrap_or(0).min(MAX_WIDTH);
        let grouping = chars.next_if(|c| matches!(c, ',' | '_'));
        let precision = match chars.next_if_eq(&'.') {
            Some(_) => Some(
                counted(&mut chars)?
                    .ok_or_else(|| Error::value_error("Format specifier missing precision"))?,
            ),
            None => None,
        };
        let kind = chars.next();
        if chars.next().is_some() {
            return Err(Error::value_error(format!(
                "Invalid format specifier '{spec}' for object of type '{}'",
                value.type_name()
            )));
        }
        let fill = fill.unwrap_or(if zero { '0' } else { ' ' });
        Ok(Spec { fill, align, sign, alternate, width, grouping, precision, kind })
    }

    /// Refuses what text cannot have.
    fn check_text(&self) -> Result<(), Error> {
        let refused = match (self.sign, self.alternate, self.align, self.grouping) {
            (Some(' '), ..) => "Space not allowed in string format specifier",
            (Some(_), ..) => "Sign not allowed in string format specifier",
            (_, true, ..) => "Alternate form (#) not allowed in string format specifier",
            (.., Some('='), _) => "'=' alignment not allowed in string format specifier",
            (.., Some(mark)) => {
                return Err(Error::value_error(format!("Cannot specify '{mark}' with 's'.")));
            }
            _ => return Ok(()),
        };
        Err(Error::value_error(refused))
    }
}

/// What `format(value, spec)` writes.
fn format_spec(value: &Value, spec: &str) -> Result<String, Error> {
    if spec.is_empty() {
        ops::defined(value)?;
        return Ok(repr::str(value));
    }
    match value {
        Value::DateTime(time) => return super::datetime::strftime(time, spec),
        Value::Date(date) => {
            let time = super::value::Timestamp { civil: date.at(0, 0, 0, 0), offset: None };
            return super::datetime::strftime(&time, spec);
        }
        _ => {}
    }
    if !(value.is_number() || matches!(value, Value::Str(_))) {
        let kind = value.tp_name();
        return Err(Error::type_error(format!("unsupported format string passed to {kind}.__format__")));
    }
    let spec = Spec::parse(spec, value)?;
    let (body, align) = match value {
        Value::Float(number) => (float_field(*number, value, &spec)?, '>'),
        value if value.is_number() => (integer_field(value, &spec)?, '>'),
        value => {
            if let Some(kind) = spec.kind.filter(|kind| *kind != 's') {
                return Err(unknown_code(kind, value));
            }
            spec.check_text()?;
            (clip(repr::str(value), spec.precision), '<')
        }
    };
    Ok(align_field(body, spec.fill, spec.align.unwrap_or(align), spec.width))
}

fn unknown_code(kind: char, value: &Value) -> Error {
    let name = value.type_name();
    Error::value_error(format!("Unknown format code '{kind}' for object of type '{name}'"))
}

/// The conversion of `%` that stands for a specification.
fn conversion(spec: &Spec) -> Conversion {
    Conversion {
        plus: spec.sign == Some('+'),
        space: spec.sign == Some(' '),
        alternate: spec.alternate,
        precision: spec.precision,
        ..Conversion::default()
    }
}

fn integer_field(value: &Value, spec: &Spec) -> Result<String, Error> {
    let kind = spec.kind.unwrap_or('d');
    if "eEfFgG%".contains(kind) {
        let number = ops::as_float(value).unwrap_or(f64::NAN);
        return float_field(number, value, spec);
    }
    if !"bcdoxXn".contains(kind) {
        return Err(unknown_code(kind, value));
    }
    if spec.precision.is_some() {
        return Err(Error::value_error("Precision not allowed in integer format specifier"));
    }
    if let Some(mark) = spec.grouping.filter(|mark| matches!(kind, 'c' | 'n') || *mark == ',' && kind != 'd')
    {
        return Err(Error::value_error(format!("Cannot specify '{mark}' with '{kind}'.")));
    }
    if kind == 'c' && spec.sign.is_some() {
        return Err(Error::value_error("Sign not allowed with integer format specifier 'c'"));
    }
    let conversion = conversion(spec);
    let body = match kind {
        'b' => integer(value, 'x', &conversion, |n| prefixed(n.to_str_radix(2), "0b", spec.alternate))?,
        'n' => convert(value, 'd', &conversion, 0)?,
        kind => convert(value, kind, &conversion, 0)?,
    };
    Ok(match spec.grouping {
        Some(mark) => group(&body, mark, if kind == 'd' { 3 } else { 4 }),
        None => body,
    })
}

fn float_field(number: f64, value: &Value, spec: &Spec) -> Result<String, Error> {
    let conversion = conversion(spec);
    let body = match spec.kind {
        None => match spec.precision {
            None => number_field(repr::float(number), &conversion),
            Some(precision) => number_field(short_float(number, precision), &conversion),
        },
        Some('%') => {
            format!("{}%", convert(&Value::Float(number * 100.0), 'f', &conversion, 0)?)
        }
        Some('n') => convert(&Value::Float(number), 'g', &conversion, 0)?,
        Some(kind) if "eEfFgG".contains(kind) => convert(&Value::Float(number), kind, &conversion, 0)?,
        Some(kind) => return Err(unknown_code(kind, value)),
    };
    Ok(match spec.grouping {
        Some(mark) => group(&body, mark, 3),
        None => body,
    })
}

/// A float with this many digits that still shows that it is one.
fn short_float(number: f64, precision: usize) -> String {
    if !number.is_finite() {
        return repr::float(number);
    }
    let precision = precision.clamp(1, 400);
    let scientific = exponent(number, precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let text = general(number, precision, false);
    if power + 1 >= i32::try_from(precision).unwrap_or(i32::MAX) && !text.contains('e') {
        let (digits, rest) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
        let digits =
            if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
        return format!("{digits}e{rest}");
    }
    if text.contains(['.', 'e']) { text } else { text + ".0" }
}

fn group(text: &str, mark: char, size: usize) -> String {
    let is_digit = |c: char| if size == 3 { c.is_ascii_digit() } else { c.is_ascii_hexdigit() };
    let sign = usize::from(text.starts_with(['+', '-', ' ']));
    let prefixed =
        size == 4 && ["0x", "0X", "0o", "0b"].iter().any(|prefix| text[sign..].starts_with(prefix));
    let start = sign + if prefixed { 2 } else { 0 };
    let end = text[start..].find(|c: char| !is_digit(c)).map_or(text.len(), |at| start + at);
    let digits: Vec<char> = text[start..end].chars().collect();
    let mut grouped = String::new();
    for (i, digit) in digits.iter().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(size) {
            grouped.push(mark);
        }
        grouped.push(*digit);
    }
    format!("{}{grouped}{}", &text[..start], &text[end..])
}

fn align_field(text: String, fill: char, align: char, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let padding = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    match align {
        '<' => text + &padding(missing),
        '^' => format!("{}{text}{}", padding(missing / 2), padding(missing - missing / 2)),
        '=' => {
            let sign_len = usize::from(text.starts_with(['+', '-', ' ']));
            format!("{}{}{}", &text[..sign_len], padding(missing), &text[sign_len..])
        }
        _ => padding(missing) + &text,
    }
}
