//! The format string of `Sprintf`: flags, width, precision, argument indexes and their complaints.

use super::super::Value;
use super::super::strconv::decode_rune;
use super::printer::Printer;
use super::type_name;

/// Widths and precisions beyond this are refused.
const LARGEST: usize = 1_000_000;

/// The position in a format string and in its arguments.
pub(super) struct Formatter<'a> {
    format: &'a [u8],
    args: &'a [Value],
    at: usize,
    next_arg: usize,
    reordered: bool,
    good_index: bool,
}

impl<'a> Formatter<'a> {
    pub(super) fn new(format: &'a [u8], args: &'a [Value]) -> Self {
        Self { format, args, at: 0, next_arg: 0, reordered: false, good_index: true }
    }

    /// Appends the formatted text.
    pub(super) fn run(mut self, out: &mut Vec<u8>) {
        let mut printer = Printer::new(out);
        loop {
            let rest = &self.format[self.at..];
            let text = rest.iter().position(|&byte| byte == b'%').unwrap_or(rest.len());
            printer.out.extend_from_slice(&rest[..text]);
            self.at += text;
            if self.at >= self.format.len() {
                break;
            }
            self.at += 1;
            self.good_index = true;
            printer.clear_flags();
            if self.flags(&mut printer) {
                continue;
            }
            self.numbers(&mut printer);
            if self.at >= self.format.len() {
                printer.out.extend_from_slice(b"%!(NOVERB)");
                break;
            }
            let (verb, width) = decode_rune(&self.format[self.at..]);
            self.at += width;
            self.verb(&mut printer, verb);
        }
        if !self.reordered && self.next_arg < self.args.len() {
            self.extra(&mut printer);
        }
    }

    /// Reads flags, and the verb as well when it follows them directly: then true.
    fn flags(&mut self, printer: &mut Printer<'_>) -> bool {
        while let Some(&byte) = self.format.get(self.at) {
            match byte {
                b'#' => printer.flags.sharp = true,
                b'0' => printer.flags.zero = true,
                b'+' => printer.flags.plus = true,
                b'-' => printer.flags.minus = true,
                b' ' => printer.flags.space = true,
                b'a'..=b'z' if self.next_arg < self.args.len() => {
                    self.at += 1;
                    self.print(printer, char::from(byte));
                    return true;
                }
                _ => return false,
            }
            self.at += 1;
        }
        false
    }

    /// Reads argument index, width and precision.
    fn numbers(&mut self, printer: &mut Printer<'_>) {
        let mut after_index = self.argument_index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            let width = self.integer_argument();
            if width.is_none() {
                printer.out.extend_from_slice(b"%!(BADWIDTH)");
            }
            if width.is_some_and(|width| width < 0) {
                printer.flags.minus = true;
                printer.flags.zero = false;
            }
            printer.width = width.map(isize::unsigned_abs);
            after_index = false;
        } else {
            printer.width = self.number();
            if after_index && printer.width.is_some() {
                self.good_index = false;
            }
        }
        if self.peek() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            if after_index {
                self.good_index = false;
            }
            after_index = self.argument_index();
            if self.peek() == Some(b'*') {
                self.at += 1;
                let precision = self.integer_argument().and_then(|p| usize::try_from(p).ok());
                if precision.is_none() {
                    printer.out.extend_from_slice(b"%!(BADPREC)");
                }
                printer.precision = precision;
                after_index = false;
            } else {
                printer.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.argument_index();
        }
    }

    fn verb(&mut self, printer: &mut Printer<'_>, verb: char) {
        let complaint = match verb {
            '%' => {
                printer.out.push(b'%');
                return;
            }
            _ if !self.good_index => "(BADINDEX)",
            _ if self.next_arg >= self.args.len() => "(MISSING)",
            _ => return self.print(printer, verb),
        };
        printer.out.extend_from_slice(format!("%!{verb}{complaint}").as_bytes());
    }

    fn print(&mut self, printer: &mut Printer<'_>, verb: char) {
        if matches!(verb, 'v' | 'w') {
            let flags = &mut printer.flags;
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        printer.print_arg(&self.args[self.next_arg], verb);
        self.next_arg += 1;
    }

    fn extra(&self, printer: &mut Printer<'_>) {
        printer.clear_flags();
        printer.out.extend_from_slice(b"%!(EXTRA ");
        for (index, arg) in self.args[self.next_arg..].iter().enumerate() {
            if index > 0 {
                printer.out.extend_from_slice(b", ");
            }
            if !matches!(arg, Value::Nil) {
                printer.out.extend_from_slice(type_name(arg).as_bytes());
                printer.out.push(b'=');
            }
            printer.print_arg(arg, 'v');
        }
        printer.out.push(b')');
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Reads a decimal number; one that is too large ends the format.
    fn number(&mut self) -> Option<usize> {
        let (number, at) = decimal(self.format, self.at, self.format.len());
        self.at = at;
        number
    }

    /// Reads `[n]` and makes argument n the next one; true when there was a well-formed index.
    fn argument_index(&mut self) -> bool {
        let rest = &self.format[self.at..];
        if rest.first() != Some(&b'[') {
            return false;
        }
        self.reordered = true;
        let close = rest.iter().position(|&byte| byte == b']').filter(|_| rest.len() >= 3);
        let Some(close) = close else {
            self.good_index = false;
            self.at += 1;
            return false;
        };
        self.at += close + 1;
        let number = match decimal(rest, 1, close) {
            (Some(number), end) if end == close => number,
            _ => {
                self.good_index = false;
                return false;
            }
        };
        match number.checked_sub(1) {
            Some(index) if index < self.args.len() => self.next_arg = index,
            _ => self.good_index = false,
        }
        true
    }

    /// Takes the next argument as a width or precision.
    fn integer_argument(&mut self) -> Option<isize> {
        let arg = self.args.get(self.next_arg)?;
        self.next_arg += 1;
        let number = match arg {
            Value::Int(n) | Value::Int64(n) => isize::try_from(*n).ok()?,
            Value::Int32(n) => isize::try_from(*n).ok()?,
            Value::Uint8(n) => isize::from(*n),
            Value::Uint64(n) => isize::try_from(*n).ok()?,
            _ => return None,
        };
        (number.unsigned_abs() <= LARGEST).then_some(number)
    }
}

/// The decimal number in `text[start..end]` and where it ends; `end` when it is too large.
fn decimal(text: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    let mut number = None;
    let mut at = start;
    while at < end && text[at].is_ascii_digit() {
        let so_far = number.unwrap_or(0);
        if so_far > LARGEST {
            return (None, end);
        }
        number = Some(so_far * 10 + usize::from(text[at] - b'0'));
        at += 1;
    }
    (number, at)
}
