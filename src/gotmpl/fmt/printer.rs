//! Prints one value under a verb and flags, as Go's `fmt` does.

use super::super::complex::Complex;
use super::super::value::{Elem, List, Map, Object};
use super::super::{Value, float, strconv};
use super::type_name;

/// A value that holds itself, or is nested deeper than this, is cut short.
const DEEPEST: usize = 10_000;
/// A printed value longer than this is cut short: shared parts can be printed exponentially often.
const LONGEST: usize = 1 << 30;

/// The flags of a verb.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`, which is not the flag `+` of the values inside.
    pub(super) plus_v: bool,
    /// `%#v`, which is not the flag `#` of the values inside.
    pub(super) sharp_v: bool,
}

/// The output and the current flags, width and precision.
pub(super) struct Printer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) flags: Flags,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    /// The maps that are being printed, to find one inside itself.
    open: Vec<Map>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, flags: Flags::default(), width: None, precision: None, open: Vec::new() }
    }

    pub(super) fn clear_flags(&mut self) {
        self.flags = Flags::default();
        self.width = None;
        self.precision = None;
    }

    /// Prints an argument.
    pub(super) fn print_arg(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'v' | 'T') => self.pad(b"<nil>"),
            (_, 'T') => self.string(type_name(value).as_bytes()),
            (_, 'p') => self.pointer(value),
            (Value::List(list), 'd') if list.elem == Elem::Byte => self.list(list, 'd', 0),
            (Value::List(list), 'v') if list.elem == Elem::Byte && self.flags.sharp_v => {
                self.go_bytes(list);
            }
            _ => self.print_value(value, verb, 0),
        }
    }

    fn print_value(&mut self, value: &Value, verb: char, depth: usize) {
        match value {
            // `%w` wants an error, and says so of a composite value as a whole.
            Value::List(list) if verb == 'w' && list.elem != Elem::Byte => self.bad_verb(value, verb),
            Value::Map(_) if verb == 'w' => self.bad_verb(value, verb),
            Value::Nil if depth > 0 && self.flags.sharp_v => self.out.extend_from_slice(b"interface {}(nil)"),
            Value::Nil if depth > 0 => self.out.extend_from_slice(b"<nil>"),
            Value::Nil => self.bad_verb(value, verb),
            Value::Bool(truth) => match verb {
                't' | 'v' => self.pad(if *truth { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Int(n) | Value::Int64(n) => self.signed(value, *n, verb),
            Value::Int32(n) => self.signed(value, i64::from(*n), verb),
            Value::Uint8(n) => self.integer(value, u64::from(*n), false, verb),
            Value::Uint64(n) => self.integer(value, *n, false, verb),
            Value::Float(f) => self.float_verb(value, *f, verb),
            Value::Str(text) => self.string_verb(value, text, verb),
            Value::List(list) => {
                stacker::maybe_grow(64 << 10, 1 << 20, || self.list(list, verb, depth));
            }
            Value::Map(map) => {
                stacker::maybe_grow(64 << 10, 1 << 20, || self.map(map, verb, depth));
            }
            Value::Object(object) => self.object(value, object.as_ref(), verb),
        }
    }

    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.out.extend_from_slice(format!("%!{verb}(").as_bytes());
        match value {
            Value::Nil => self.out.extend_from_slice(b"<nil>"),
            _ => {
                self.out.extend_from_slice(type_name(value).as_bytes());
                self.out.push(b'=');
                self.print_arg(value, 'v');
            }
        }
        self.out.push(b')');
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) {
        if list.elem == Elem::Byte && matches!(verb, 's' | 'q' | 'x' | 'X') {
            return self.string_verb(&Value::List(list.clone()), &list.to_bytes(), verb);
        }
        let go_syntax = self.flags.sharp_v;
        if go_syntax {
            self.out.extend_from_slice(type_name(&Value::List(list.clone())).as_bytes());
            if list.is_nil() {
                return self.out.extend_from_slice(b"(nil)");
            }
        }
        self.out.push(if go_syntax { b'{' } else { b'[' });
        for (index, item) in list.iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(if go_syntax { b", " } else { b" " });
            }
            if self.exhausted(depth) {
                break;
            }
            self.print_value(item, verb, depth + 1);
        }
        self.out.push(if go_syntax { b'}' } else { b']' });
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) {
        let go_syntax = self.flags.sharp_v;
        if go_syntax {
            self.out.extend_from_slice(type_name(&Value::Map(map.clone())).as_bytes());
            if map.is_nil() {
                return self.out.extend_from_slice(b"(nil)");
            }
        }
        self.out.extend_from_slice(if go_syntax { b"{" } else { b"map[" });
        if !self.exhausted(depth) && !self.open.iter().any(|open| open.same(map)) {
            self.open.push(map.clone());
            for (index, (key, item)) in map.borrow().iter().enumerate() {
                if index > 0 {
                    self.out.extend_from_slice(if go_syntax { b", " } else { b" " });
                }
                self.string_verb(&Value::Nil, key, verb);
                self.out.push(b':');
                self.print_value(item, verb, depth + 1);
            }
            self.open.pop();
        }
        self.out.push(if go_syntax { b'}' } else { b']' });
    }

    fn exhausted(&self, depth: usize) -> bool {
        depth > DEEPEST || self.out.len() > LONGEST
    }

    fn go_bytes(&mut self, list: &List) {
        self.out.extend_from_slice(b"[]byte");
        if list.is_nil() {
            return self.out.extend_from_slice(b"(nil)");
        }
        self.out.push(b'{');
        for (index, item) in list.iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(b", ");
            }
            self.print_value(item, 'v', 1);
        }
        self.out.push(b'}');
    }

    fn object(&mut self, value: &Value, object: &dyn Object, verb: char) {
        if let Some(complex) = object.as_any().downcast_ref::<Complex>() {
            return self.complex(value, *complex, verb);
        }
        match verb {
            'v' if self.flags.sharp_v => self.string(object.display().as_bytes()),
            'v' | 's' | 'x' | 'X' | 'q' => self.string_verb(value, object.display().as_bytes(), verb),
            _ => self.bad_verb(value, verb),
        }
    }

    /// An address, which no output should depend on: the same for all values.
    fn pointer(&mut self, value: &Value) {
        match value {
            Value::List(_) | Value::Map(_) => self.base(0xc0_0000_0000, 16, false, 'v', !self.flags.sharp),
            _ => self.bad_verb(value, 'p'),
        }
    }
}

/// Numbers.
impl Printer<'_> {
    fn signed(&mut self, value: &Value, n: i64, verb: char) {
        self.integer(value, n.unsigned_abs(), n < 0, verb);
    }

    fn integer(&mut self, value: &Value, n: u64, negative: bool, verb: char) {
        let sharp = self.flags.sharp;
        let unsigned = matches!(value, Value::Uint8(_) | Value::Uint64(_));
        match verb {
            'v' if self.flags.sharp_v && unsigned => self.base(n, 16, false, verb, true),
            'v' | 'd' => self.base(n, 10, negative, verb, sharp),
            'b' => self.base(n, 2, negative, verb, sharp),
            'o' | 'O' => self.base(n, 8, negative, verb, sharp),
            'x' | 'X' => self.base(n, 16, negative, verb, sharp),
            'c' | 'q' | 'U' => self.code_point(if negative { n.wrapping_neg() } else { n }, verb),
            _ => self.bad_verb(value, verb),
        }
    }

    fn base(&mut self, n: u64, base: u32, negative: bool, verb: char, sharp: bool) {
        if self.precision == Some(0) && n == 0 {
            return self.padding(b' ', self.width.unwrap_or(0));
        }
        let mut digits = match (base, verb) {
            (2, _) => format!("{n:b}"),
            (8, _) => format!("{n:o}"),
            (16, 'X') => format!("{n:X}"),
            (16, _) => format!("{n:x}"),
            _ => n.to_string(),
        };
        let sign = match (negative, self.flags) {
            (true, _) => "-",
            (_, Flags { plus: true, .. }) => "+",
            (_, Flags { space: true, .. }) => " ",
            _ => "",
        };
        let least = match (self.precision, self.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if self.flags.zero && !self.flags.minus => width.saturating_sub(sign.len()),
            _ => 0,
        };
        if digits.len() < least {
            digits.insert_str(0, &"0".repeat(least - digits.len()));
        }
        let prefix = match (sharp, base) {
            (true, 2) => "0b",
            (true, 8) if !digits.starts_with('0') => "0",
            (true, 16) if verb == 'X' => "0X",
            (true, 16) => "0x",
            _ => "",
        };
        let octal = if verb == 'O' { "0o" } else { "" };
        self.pad_with(b' ', format!("{sign}{octal}{prefix}{digits}").as_bytes());
    }

    fn code_point(&mut self, n: u64, verb: char) {
        let rune = u32::try_from(n).ok().and_then(char::from_u32);
        let shown = rune.unwrap_or(char::REPLACEMENT_CHARACTER);
        match verb {
            'c' => self.pad(shown.encode_utf8(&mut [0; 4]).as_bytes()),
            'q' => self.pad(&strconv::quote_rune(shown, self.flags.plus)),
            _ => {
                let precision = self.precision.unwrap_or(4).max(4);
                let mut text = format!("{n:X}");
                text.insert_str(0, &"0".repeat(precision.saturating_sub(text.len())));
                text.insert_str(0, "U+");
                if let Some(rune) = rune.filter(|&rune| self.flags.sharp && strconv::is_print(rune)) {
                    text.push_str(&format!(" '{rune}'"));
                }
                self.pad_with(b' ', text.as_bytes());
            }
        }
    }

    fn float_verb(&mut self, value: &Value, f: f64, verb: char) {
        let (verb, precision) = match verb {
            'v' => (b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, None),
            'f' | 'e' | 'E' => (verb as u8, Some(6)),
            'F' => (b'f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        self.float(f, verb, self.precision.or(precision));
    }

    fn float(&mut self, f: f64, verb: u8, precision: Option<usize>) {
        let text = float::format(f, verb, precision);
        let (sign, mut digits) = match text.as_bytes() {
            [sign @ (b'-' | b'+'), digits @ ..] => (*sign, digits.to_vec()),
            digits => (b'+', digits.to_vec()),
        };
        let sign = if self.flags.space && sign == b'+' && !self.flags.plus { b' ' } else { sign };
        let show_sign = self.flags.plus || sign != b'+';
        if !f.is_finite() {
            if f.is_infinite() || self.flags.space || self.flags.plus {
                digits.insert(0, sign);
            }
            return self.pad_with(b' ', &digits);
        }
        if self.flags.sharp && verb != b'b' {
            digits = with_point(&digits, verb, precision);
        }
        if !show_sign {
            return self.pad(&digits);
        }
        let zeros = self.flags.zero && !self.flags.minus;
        match self.width {
            Some(width) if zeros && width > digits.len() + 1 => {
                self.out.push(sign);
                self.padding(b'0', width - digits.len() - 1);
                self.out.extend_from_slice(&digits);
            }
            _ => {
                digits.insert(0, sign);
                self.pad(&digits);
            }
        }
    }

    fn complex(&mut self, value: &Value, complex: Complex, verb: char) {
        if !"vbgGxXfFeE".contains(verb) {
            return self.bad_verb(value, verb);
        }
        let plus = self.flags.plus;
        self.out.push(b'(');
        self.float_verb(value, complex.real, verb);
        self.flags.plus = true;
        self.float_verb(value, complex.imaginary, verb);
        self.out.extend_from_slice(b"i)");
        self.flags.plus = plus;
    }
}

/// The float text with a decimal point and its trailing zeros, as the flag `#` wants it.
fn with_point(number: &[u8], verb: u8, precision: Option<usize>) -> Vec<u8> {
    let hexadecimal = matches!(verb, b'x' | b'X');
    let is_tail = |byte: &u8| matches!(byte, b'p' | b'P') || !hexadecimal && matches!(byte, b'e' | b'E');
    let tail = number.iter().position(is_tail).unwrap_or(number.len());
    let (number, tail) = number.split_at(tail);
    let mut digits = match verb {
        b'g' | b'G' | b'x' => precision.unwrap_or(6).cast_signed(),
        _ => 0,
    };
    let mut significant = false;
    for byte in number.iter().filter(|&&byte| byte != b'.') {
        significant |= *byte != b'0';
        digits -= isize::from(significant);
    }
    let mut out = number.to_vec();
    if !number.contains(&b'.') {
        digits -= isize::from(number == b"0");
        out.push(b'.');
    }
    out.extend(std::iter::repeat_n(b'0', usize::try_from(digits).unwrap_or(0)));
    out.extend_from_slice(tail);
    out
}

/// Strings and padding.
impl Printer<'_> {
    /// Prints text under a verb; `value` is named by a complaint, nil for the key of a map.
    fn string_verb(&mut self, value: &Value, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.string(text),
            'x' | 'X' => self.hexadecimal(text, verb == 'X'),
            'q' => self.quoted(text),
            _ if matches!(value, Value::Nil) => self.bad_verb(&Value::Str(text.into()), verb),
            _ => self.bad_verb(value, verb),
        }
    }

    fn string(&mut self, text: &[u8]) {
        self.pad(self.truncated(text));
    }

    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.precision else { return text };
        let mut end = 0;
        for _ in 0..precision {
            if end >= text.len() {
                return text;
            }
            end += strconv::decode_rune(&text[end..]).1;
        }
        &text[..end]
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        if self.flags.sharp && strconv::can_backquote(text) {
            let raw = [b"`", text, b"`"].concat();
            self.pad(&raw);
        } else if self.flags.plus {
            self.pad(&strconv::quote_to_ascii(text));
        } else {
            self.pad(&strconv::quote(text));
        }
    }

    fn hexadecimal(&mut self, text: &[u8], upper: bool) {
        let text = &text[..self.precision.unwrap_or(text.len()).min(text.len())];
        let prefix = match (self.flags.sharp, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let mut digits = String::new();
        for (index, byte) in text.iter().enumerate() {
            if index > 0 && self.flags.space {
                digits.push(' ');
            }
            if index == 0 || self.flags.space {
                digits.push_str(prefix);
            }
            digits.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(digits.as_bytes());
    }

    fn pad(&mut self, text: &[u8]) {
        self.pad_with(if self.flags.zero && !self.flags.minus { b'0' } else { b' ' }, text);
    }

    fn pad_with(&mut self, fill: u8, text: &[u8]) {
        let Some(width) = self.width.filter(|&width| width > 0) else {
            return self.out.extend_from_slice(text);
        };
        let runes: usize = text.utf8_chunks().map(|c| c.valid().chars().count() + c.invalid().len()).sum();
        let missing = width.saturating_sub(runes);
        if !self.flags.minus {
            self.padding(fill, missing);
        }
        self.out.extend_from_slice(text);
        if self.flags.minus {
            self.padding(fill, missing);
        }
    }

    fn padding(&mut self, fill: u8, count: usize) {
        self.out.resize(self.out.len() + count, fill);
    }
}
