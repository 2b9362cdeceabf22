//! How the functions of CPython take their arguments, and what they say to those that do not fit.

use crate::jinja::error::Error;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::value::Value;

/// A method of a type.
pub(super) struct Method<T: ?Sized + 'static> {
    /// Its name.
    pub(super) name: &'static str,
    /// Which arguments it takes.
    pub(super) takes: Takes,
    /// What it does.
    pub(super) run: fn(&T, &Given) -> Result<Value, Error>,
}

/// Which arguments a function takes, by the ways in which C functions are called.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    /// None (`METH_NOARGS`).
    Nothing,
    /// One by position (`METH_O`).
    One,
    /// So many by position, at least and at most (`METH_FASTCALL`).
    Between(usize, usize),
    /// The same, read from a tuple (`METH_VARARGS`).
    Tuple(usize, usize),
    /// Some that have names (`METH_KEYWORDS`).
    Named(Names),
    /// At most so many by position, and any names.
    Open(usize),
}

/// What refuses arguments.
pub(super) type Check = fn(&Given) -> Result<(), Error>;

/// Arguments that have names.
#[derive(Clone, Copy)]
pub(super) struct Names {
    /// The names; an empty one belongs to an argument that is given by position only.
    pub(super) names: &'static [&'static str],
    /// How many must be given.
    pub(super) required: usize,
    /// How many can be given by position.
    pub(super) by_position: usize,
    /// What checks the arguments before names that are wrong are met.
    pub(super) check: Option<Check>,
}

impl Takes {
    /// Arguments with these names, none of which must be given.
    pub(super) const fn named(names: &'static [&'static str]) -> Takes {
        Takes::Named(Names { names, required: 0, by_position: names.len(), check: None })
    }
}

/// The arguments of a call, each in its place.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// By position, those that have names among them.
    pub(super) values: Vec<Option<Value>>,
    /// What was given by other names.
    pub(super) named: Vec<(String, Value)>,
}

static NONE: Value = Value::None;

impl Given {
    /// The argument in this place.
    pub(super) fn get(&self, place: usize) -> Option<&Value> {
        self.values.get(place).and_then(Option::as_ref)
    }

    /// The argument in this place, which is `None` by default.
    pub(super) fn at(&self, place: usize) -> &Value {
        self.get(place).unwrap_or(&NONE)
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The method of this name.
pub(super) fn find<T: ?Sized>(methods: &'static [Method<T>], name: &str) -> Option<&'static Method<T>> {
    methods.iter().find(|method| method.name == name)
}

/// Calls a method of a value whose class has this name.
///
/// # Errors
/// The arguments do not fit, or the method fails.
pub(super) fn call<T: ?Sized>(
    method: &Method<T>,
    value: &T,
    class: &str,
    args: Args,
) -> Result<Value, Error> {
    (method.run)(value, &bind(method.name, method.takes, class, args)?)
}

/// Puts arguments in their places.
///
/// # Errors
/// They do not fit.
pub(super) fn bind(name: &str, takes: Takes, class: &str, args: Args) -> Result<Given, Error> {
    let given = args.positional.len();
    let no_names = |shown: &str| match args.named.is_empty() {
        true => Ok(()),
        false => Err(Error::type_error(format!("{shown}() takes no keyword arguments"))),
    };
    let full = || format!("{class}.{name}");
    match takes {
        Takes::Nothing => {
            no_names(&full())?;
            if given > 0 {
                return Err(Error::type_error(format!("{}() takes no arguments ({given} given)", full())));
            }
        }
        Takes::One => {
            no_names(&full())?;
            if given != 1 {
                let message = format!("{}() takes exactly one argument ({given} given)", full());
                return Err(Error::type_error(message));
            }
        }
        Takes::Between(least, most) => {
            no_names(&full())?;
            expected(name, least, most, given)?;
        }
        Takes::Tuple(least, most) => {
            no_names(name)?;
            takes_some(name, least, most, given)?;
        }
        Takes::Named(names) => return names.bind(name, args),
        Takes::Open(most) => expected(name, 0, most, given)?,
    }
    Ok(Given { values: args.positional.into_iter().map(Some).collect(), named: args.named })
}

/// The words of `_PyArg_CheckPositional`.
fn expected(name: &str, least: usize, most: usize, given: usize) -> Result<(), Error> {
    let (bound, wanted) = match given {
        _ if given < least => ("at least ", least),
        _ if given > most => ("at most ", most),
        _ => return Ok(()),
    };
    let bound = if least == most { "" } else { bound };
    let s = plural(wanted);
    Err(Error::type_error(format!("{name} expected {bound}{wanted} argument{s}, got {given}")))
}

/// The words of `PyArg_ParseTuple`.
fn takes_some(name: &str, least: usize, most: usize, given: usize) -> Result<(), Error> {
    let (bound, wanted) = match given {
        _ if given < least => ("at least", least),
        _ if given > most => ("at most", most),
        _ => return Ok(()),
    };
    let bound = if least == most { "exactly" } else { bound };
    let s = plural(wanted);
    Err(Error::type_error(format!("{name}() takes {bound} {wanted} argument{s} ({given} given)")))
}

impl Names {
    /// Puts arguments in their places, in the words of `_PyArg_UnpackKeywords`.
    fn bind(&self, name: &str, args: Args) -> Result<Given, Error> {
        self.count(name, args.positional.len(), args.named.len())?;
        let by_position = args.positional.len();
        let mut given = Given { values: args.positional.into_iter().map(Some).collect(), named: args.named };
        for place in by_position..self.names.len() {
            let own = self.names.get(place).copied().unwrap_or_default();
            let at = given.named.iter().position(|(name, _)| name == own);
            if at.is_none() && place < self.required {
                // What was converted before is refused first.
                self.check.map_or(Ok(()), |check| check(&given))?;
                let message = format!("{name}() missing required argument '{own}' (pos {})", place + 1);
                return Err(Error::type_error(message));
            }
            given.values.push(at.map(|at| given.named.remove(at).1));
        }
        self.check.map_or(Ok(()), |check| check(&given))?;
        for (place, own) in self.names.iter().enumerate().take(by_position) {
            if given.named.iter().any(|(name, _)| name == own) {
                let message =
                    format!("argument for {name}() given by name ('{own}') and position ({})", place + 1);
                return Err(Error::type_error(message));
            }
        }
        match given.named.first() {
            Some((wrong, _)) => {
                let message = format!("'{wrong}' is an invalid keyword argument for {name}()");
                Err(Error::type_error(message))
            }
            None => Ok(given),
        }
    }

    /// Refuses a number of arguments.
    fn count(&self, name: &str, by_position: usize, named: usize) -> Result<(), Error> {
        let all = self.names.len();
        let unnamed = self.names.iter().take_while(|name| name.is_empty()).count().min(self.required);
        let refuse = |words: String| Err(Error::type_error(format!("{name}() takes {words}")));
        if by_position + named > all {
            let kind = if by_position == 0 { "keyword " } else { "" };
            let (s, sum) = (plural(all), by_position + named);
            return refuse(format!("at most {all} {kind}argument{s} ({sum} given)"));
        }
        let (bound, wanted) = match self.by_position {
            0 if by_position > 0 => return refuse("no positional arguments".to_owned()),
            most if by_position > most => ("at most", most),
            _ if by_position < unnamed => ("at least", unnamed),
            _ => return Ok(()),
        };
        let bound = if self.required == self.by_position { "exactly" } else { bound };
        let s = plural(wanted);
        refuse(format!("{bound} {wanted} positional argument{s} ({by_position} given)"))
    }
}

/// A function that is written in Python: what `self` stands beside.
#[derive(Clone, Copy)]
pub(super) struct Function {
    /// The names of its parameters.
    pub(super) names: &'static [&'static str],
    /// How many of them must be given.
    pub(super) required: usize,
    /// Whether they can be given by position only.
    pub(super) by_position: bool,
}

impl Function {
    /// Refuses arguments that do not fit, in the words of Python's own functions.
    ///
    /// # Errors
    /// They do not fit.
    pub(super) fn check(&self, name: &str, args: &Args) -> Result<(), Error> {
        let refuse = |words: String| Err(Error::type_error(format!("{name}() {words}")));
        let known = |given: &str| self.names.iter().position(|own| *own == given);
        if self.by_position {
            let wrong: Vec<&str> =
                args.named.iter().map(|(name, _)| name.as_str()).filter(|it| known(it).is_some()).collect();
            if !wrong.is_empty() {
                let names = wrong.join(", ");
                return refuse(format!(
                    "got some positional-only arguments passed as keyword arguments: '{names}'"
                ));
            }
        }
        for (given, _) in &args.named {
            match known(given) {
                None => return refuse(format!("got an unexpected keyword argument '{given}'")),
                Some(at) if at < args.positional.len() => {
                    return refuse(format!("got multiple values for argument '{given}'"));
                }
                Some(_) => {}
            }
        }
        let (given, all) = (args.positional.len() + 1, self.names.len() + 1);
        if given > all {
            let least = self.required + 1;
            let range = if least == all { all.to_string() } else { format!("from {least} to {all}") };
            let were = if given == 1 { "was" } else { "were" };
            let s = plural(all);
            return refuse(format!("takes {range} positional argument{s} but {given} {were} given"));
        }
        let missing: Vec<String> = self
            .names
            .iter()
            .take(self.required)
            .skip(args.positional.len())
            .copied()
            .map(|name| format!("'{name}'"))
            .collect();
        match missing.len() {
            0 => Ok(()),
            count => refuse(format!(
                "missing {count} required positional argument{}: {}",
                plural(count),
                missing.join(" and ")
            )),
        }
    }
}

/// An argument that is an index or a count (`__index__`), as C's `ssize_t`.
///
/// # Errors
/// It is no integer, or too large.
pub(super) fn index(value: &Value) -> Result<i64, Error> {
    integer(value, "ssize_t")
}

/// An argument that is C's `int`.
///
/// # Errors
/// It is no integer, or too large.
pub(super) fn small(value: &Value) -> Result<i32, Error> {
    let too_large = |_| Error::exception("Python int too large to convert to C int");
    i32::try_from(integer(value, "int")?).map_err(too_large)
}

/// An integer that fits a type of C.
fn integer(value: &Value, kind: &str) -> Result<i64, Error> {
    value.as_int().ok_or_else(|| match value {
        Value::BigInt(_) => Error::exception(format!("Python int too large to convert to C {kind}")),
        other => no_integer(other),
    })
}

/// An argument that is no integer.
pub(super) fn no_integer(value: &Value) -> Error {
    Error::type_error(format!("'{}' object cannot be interpreted as an integer", value.tp_name()))
}

/// An argument of C's `int` as `PyArg_Parse` reads it.
///
/// # Errors
/// It is no integer, or too large.
pub(super) fn parsed_int(value: &Value) -> Result<i32, Error> {
    let number = integer(value, "long")?;
    i32::try_from(number).map_err(|_| {
        Error::exception(match number > 0 {
            true => "signed integer is greater than maximum",
            false => "signed integer is less than minimum",
        })
    })
}

/// An argument that is a bound of a slice: none if it is `None`.
///
/// # Errors
/// It is no bound.
pub(super) fn bound(value: Option<&Value>) -> Result<Option<i64>, Error> {
    match value {
        None | Some(Value::None) => Ok(None),
        Some(value) => value.as_bound().map(Some).ok_or_else(|| {
            Error::type_error("slice indices must be integers or None or have an __index__ method")
        }),
    }
}

/// An argument that is a bound of a slice and not `None`.
///
/// # Errors
/// It is no bound.
pub(super) fn strict_bound(value: Option<&Value>) -> Result<Option<i64>, Error> {
    value
        .map(|value| {
            value.as_bound().ok_or_else(|| {
                Error::type_error("slice indices must be integers or have an __index__ method")
            })
        })
        .transpose()
}

/// An argument of a wrong type, in the words of `_PyArg_BadArgument`.
pub(super) fn bad_argument(name: &str, which: &str, wanted: &str, value: &Value) -> Error {
    let kind = if value.is_none() { "None" } else { value.tp_name() };
    Error::type_error(format!("{name}() {which} must be {wanted}, not {kind}"))
}

/// An argument that is a truth; false when it is not given.
///
/// # Errors
/// It is a missing value.
pub(super) fn truth(value: Option<&Value>) -> Result<bool, Error> {
    value.map_or(Ok(false), ops::truthy)
}
