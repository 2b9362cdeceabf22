//! The value of Ansible's templating language: Python's objects as far as a template can meet them.
//!
//! Lists and dicts are shared and mutable (`x.append(1)` is seen by every holder), strings carry the
//! *unsafe* mark of Ansible (text that is never templated again) and the *native* mark (text that is
//! never read back as a literal).

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use indexmap::{Equivalent, IndexMap};
use jiff::civil::{Date, DateTime};
use num_bigint::{BigInt, Sign};

use super::error::Error;
use super::object::Object;
use super::range::Range;
use crate::vault::Sealed;

/// A Python object.
#[derive(Clone)]
pub enum Value {
    /// A missing variable, attribute or item; using it is an error (`AnsibleUndefined`).
    Undefined(Arc<Undefined>),
    /// `None`.
    None,
    /// `True` and `False`.
    Bool(bool),
    /// An integer of machine size.
    Int(i64),
    /// An integer beyond machine size; never one that fits [`Value::Int`].
    BigInt(Arc<BigInt>),
    /// A float.
    Float(f64),
    /// Text.
    Str(Str),
    /// Text that is still encrypted (`!vault`): templating decrypts it.
    Sealed(Sealed),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A shared, mutable list.
    List(List),
    /// A tuple.
    Tuple(Arc<[Value]>),
    /// A shared, mutable dict.
    Dict(Dict),
    /// `range(start, stop, step)`.
    Range(Arc<Range>),
    /// What `keys()`, `values()` and `items()` of a dict return.
    View(DictView),
    /// A generator whose items are already known.
    Iterator(Arc<[Value]>),
    /// `datetime.datetime`.
    DateTime(Timestamp),
    /// `datetime.date`.
    Date(Date),
    /// `datetime.timedelta`, in microseconds.
    TimeDelta(i64),
    /// Anything else with attributes or a call: functions, macros, namespaces, `loop`, `hostvars`.
    Object(Arc<dyn Object>),
}

/// A `datetime.datetime`: wall time with an optional offset from UTC in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timestamp {
    /// The wall time.
    pub civil: DateTime,
    /// The offset from UTC in seconds; none for a naive datetime.
    pub offset: Option<i32>,
}

/// Text with the marks of Ansible.
#[derive(Debug, Clone)]
pub struct Str {
    text: Arc<str>,
    marks: Marks,
}

/// Where a text came from, as far as Ansible tells it apart by a class of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    tainted: bool,
    native: bool,
    yaml: bool,
    vaulted: bool,
}

impl Str {
    /// Plain text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Str { text: text.into(), marks: Marks::default() }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the text is `AnsibleUnsafe`: it came from outside and is never templated.
    #[must_use]
    pub fn is_unsafe(&self) -> bool {
        self.marks.tainted
    }

    /// Whether the text is `NativeJinjaText`: it is never read back as a literal.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.marks.native
    }

    /// Whether the text stood in an encrypted value.
    #[must_use]
    pub fn is_vaulted(&self) -> bool {
        self.marks.vaulted
    }

    /// The same text, marked unsafe.
    #[must_use]
    pub fn into_unsafe(mut self) -> Self {
        self.marks.tainted = true;
        self
    }

    /// The same text, marked as final.
    #[must_use]
    pub fn into_native(mut self) -> Self {
        self.marks.native = true;
        self
    }

    /// The same text as it stood in a YAML file of Ansible content (`AnsibleUnicode`).
    #[must_use]
    pub fn into_yaml(mut self) -> Self {
        self.marks.yaml = true;
        self
    }

    /// The same text as the plain text of an encrypted value.
    #[must_use]
    pub fn into_vaulted(mut self) -> Self {
        self.marks.vaulted = true;
        self
    }

    /// Python's name of the class.
    fn type_name(&self) -> &'static str {
        match self.marks {
            Marks { vaulted: true, .. } => "AnsibleVaultEncryptedUnicode",
            Marks { native: true, tainted: true, .. } => "NativeJinjaUnsafeText",
            Marks { native: true, .. } => "NativeJinjaText",
            Marks { tainted: true, .. } => "AnsibleUnsafeText",
            Marks { yaml: true, .. } => "AnsibleUnicode",
            _ => "str",
        }
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Why a value is missing: the message that its use raises.
#[derive(Debug, Clone, Default)]
pub struct Undefined {
    /// A finished message.
    pub hint: Option<String>,
    /// The name, attribute or item that was missing.
    pub name: Option<Value>,
    /// The object that lacked it; none for a variable.
    pub object: Option<Value>,
    /// Jinja's own lenient undefined (an inline `if` without `else`): it prints as nothing.
    pub lenient: bool,
}

impl Undefined {
    /// The message of Jinja's `Undefined._undefined_message`.
    #[must_use]
    pub fn message(&self) -> String {
        if let Some(hint) = &self.hint {
            return hint.clone();
        }
        let name = self.name.as_ref().map_or_else(|| "None".to_owned(), super::repr::repr);
        let owner = match &self.object {
            None => return format!("{name} is undefined"),
            Some(Value::None) => "None".to_owned(),
            Some(object) => format!("{} object", object.class_path()),
        };
        match &self.name {
            Some(Value::Str(_)) => format!("'{owner}' has no attribute {name}"),
            _ => format!("{owner} has no element {name}"),
        }
    }
}

/// A shared, mutable list.
#[derive(Clone, Default)]
pub struct List(Arc<RwLock<Vec<Value>>>);

impl List {
    /// A list of these items.
    #[must_use]
    pub fn new(items: Vec<Value>) -> Self {
        List(Arc::new(RwLock::new(items)))
    }

    /// The items, to read.
    pub fn read(&self) -> RwLockReadGuard<'_, Vec<Value>> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The items, to change.
    pub fn write(&self) -> RwLockWriteGuard<'_, Vec<Value>> {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The items as they are now.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        self.read().clone()
    }

    /// Whether both are the same object (`is`).
    #[must_use]
    pub fn same(&self, other: &List) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The entries of a dict, in the order of insertion.
pub type Entries = IndexMap<Key, Value>;

/// A shared, mutable dict.
#[derive(Clone, Default)]
pub struct Dict(Arc<RwLock<Entries>>);

impl Dict {
    /// A dict of these entries.
    #[must_use]
    pub fn new(entries: Entries) -> Self {
        Dict(Arc::new(RwLock::new(entries)))
    }

    /// The entries, to read.
    pub fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The entries, to change.
    pub fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The entry of a text key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        self.read().get(key).cloned()
    }

    /// Sets the entry of a text key.
    pub fn set(&self, key: impl Into<Key>, value: impl Into<Value>) {
        self.write().insert(key.into(), value.into());
    }

    /// The entries as they are now.
    #[must_use]
    pub fn entries(&self) -> Entries {
        self.read().clone()
    }

    /// Whether both are the same object (`is`).
    #[must_use]
    pub fn same(&self, other: &Dict) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl FromIterator<(Key, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(iter: I) -> Self {
        Dict::new(iter.into_iter().collect())
    }
}

/// A key of a dict: a hashable value, where `1`, `1.0` and `True` are the same key.
#[derive(Clone)]
pub struct Key(Value);

impl Key {
    /// The value as a key.
    ///
    /// # Errors
    /// A list, dict or other unhashable value, in Python's words.
    pub fn new(value: Value) -> Result<Self, Error> {
        hashable(&value)?;
        Ok(Key(value))
    }

    /// The key as a value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The text of a text key.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_str()
    }

    /// The key as Python's `str()` writes it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self.0.as_str() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.0.to_string()),
        }
    }
}

/// Checks that a value can be a key.
///
/// # Errors
/// It cannot, in Python's words.
pub(crate) fn hashable(value: &Value) -> Result<(), Error> {
    match value {
        Value::List(_) | Value::Dict(_) | Value::View(_) => {
            Err(Error::type_error(format!("unhashable type: '{}'", value.type_name())))
        }
        Value::Undefined(_) => super::ops::defined(value),
        Value::Tuple(items) => items.iter().try_for_each(hashable),
        _ => Ok(()),
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_value(&self.0, state);
    }
}

fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    match value {
        Value::Str(text) => text.as_str().hash(state),
        Value::Bool(flag) => i64::from(*flag).hash(state),
        Value::Int(number) => number.hash(state),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => (*number as i64).hash(state),
        Value::Float(number) => number.to_bits().hash(state),
        Value::BigInt(number) => number.hash(state),
        Value::Bytes(bytes) => bytes.hash(state),
        Value::Tuple(items) => items.iter().for_each(|item| hash_value(item, state)),
        Value::Date(date) => date.hash(state),
        Value::DateTime(time) => time.civil.hash(state),
        Value::TimeDelta(micros) => micros.hash(state),
        _ => 0.hash(state),
    }
}

impl Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(self)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Key(Value::from(text))
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Key(Value::from(text))
    }
}

/// Which part of a dict a view shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    /// `keys()`.
    Keys,
    /// `values()`.
    Values,
    /// `items()`.
    Items,
}

/// What `keys()`, `values()` and `items()` of a dict return.
#[derive(Clone)]
pub struct DictView {
    /// The dict.
    pub dict: Dict,
    /// The part that is shown.
    pub kind: ViewKind,
}

impl DictView {
    /// The items of the view as they are now.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        let dict = self.dict.read();
        match self.kind {
            ViewKind::Keys => dict.keys().map(|key| key.value().clone()).collect(),
            ViewKind::Values => dict.values().cloned().collect(),
            ViewKind::Items => dict
                .iter()
                .map(|(key, value)| Value::Tuple(Arc::from([key.value().clone(), value.clone()])))
                .collect(),
        }
    }
}

impl Value {
    /// A list of these items.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(List::new(items))
    }

    /// A dict of these entries.
    pub fn dict<K: Into<Key>, I: IntoIterator<Item = (K, Value)>>(entries: I) -> Value {
        Value::Dict(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// A tuple of these items.
    #[must_use]
    pub fn tuple(items: Vec<Value>) -> Value {
        Value::Tuple(items.into())
    }

    /// A missing variable.
    #[must_use]
    pub fn undefined(name: &str) -> Value {
        Value::Undefined(Arc::new(Undefined { name: Some(Value::from(name)), ..Undefined::default() }))
    }

    /// A missing value whose use raises exactly this message.
    #[must_use]
    pub fn undefined_hint(hint: impl Into<String>) -> Value {
        Value::Undefined(Arc::new(Undefined { hint: Some(hint.into()), ..Undefined::default() }))
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The dict.
    #[must_use]
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Value::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The list.
    #[must_use]
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The integer that the value is: an int or a bool.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Bool(flag) => Some(i64::from(*flag)),
            _ => None,
        }
    }

    /// The integer that the value is, held within what Python takes for a bound or a length.
    #[must_use]
    pub fn as_bound(&self) -> Option<i64> {
        match self {
            Value::BigInt(number) if number.sign() == Sign::Minus => Some(i64::MIN),
            Value::BigInt(_) => Some(i64::MAX),
            other => other.as_int(),
        }
    }

    /// Where a list, dict or tuple is in memory: Python's `id`.
    #[must_use]
    pub fn address(&self) -> Option<usize> {
        match self {
            Value::List(list) => Some(Arc::as_ptr(&list.0).addr()),
            Value::Dict(dict) => Some(Arc::as_ptr(&dict.0).addr()),
            Value::Tuple(items) if !items.is_empty() => Some(Arc::as_ptr(items).addr()),
            _ => None,
        }
    }

    /// The integer that the value is, of any size: an int or a bool.
    #[must_use]
    pub fn as_big_int(&self) -> Option<BigInt> {
        match self {
            Value::BigInt(number) => Some(number.as_ref().clone()),
            other => other.as_int().map(BigInt::from),
        }
    }

    /// Whether the value is `None`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    /// Whether the value is missing and its use is an error.
    #[must_use]
    pub fn is_strict_undefined(&self) -> bool {
        matches!(self, Value::Undefined(why) if !why.lenient)
    }

    /// Whether the value is missing.
    #[must_use]
    pub fn is_undefined(&self) -> bool {
        matches!(self, Value::Undefined(_))
    }

    /// Whether the value is a number in the sense of Python's `numbers.Number` (bools are).
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self, Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_))
    }

    /// Whether the value is a list or a tuple: Ansible's `is_sequence` without text.
    #[must_use]
    pub fn is_sequence(&self) -> bool {
        match self {
            Value::List(_) | Value::Tuple(_) | Value::Range(_) => true,
            Value::Object(object) => object.items().is_some(),
            _ => false,
        }
    }

    /// Python's name of the type, as `type(x).__name__`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Undefined(_) => "AnsibleUndefined",
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::BigInt(_) => "int",
            Value::Float(_) => "float",
            Value::Str(text) => text.type_name(),
            Value::Sealed(_) => "AnsibleVaultEncryptedUnicode",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Dict(_) => "dict",
            Value::Range(_) => "range",
            Value::View(view) => match view.kind {
                ViewKind::Keys => "dict_keys",
                ViewKind::Values => "dict_values",
                ViewKind::Items => "dict_items",
            },
            Value::Iterator(_) => "generator",
            Value::DateTime(_) => "datetime",
            Value::Date(_) => "date",
            Value::TimeDelta(_) => "timedelta",
            Value::Object(object) => object.type_name(),
        }
    }

    /// The name that the messages of Python's operators have (`tp_name` in C).
    #[must_use]
    pub fn tp_name(&self) -> &'static str {
        match self {
            Value::DateTime(_) => "datetime.datetime",
            Value::Date(_) => "datetime.date",
            Value::TimeDelta(_) => "datetime.timedelta",
            Value::Undefined(why) if why.lenient => "Undefined",
            Value::Object(object) => match object.type_name() {
                "time" => "datetime.time",
                "timezone" => "datetime.timezone",
                "IsoCalendarDate" => "datetime.IsoCalendarDate",
                "struct_time" => "time.struct_time",
                other => other,
            },
            other => other.type_name(),
        }
    }

    /// The class as Python's `str()` writes it: `<class 'int'>`.
    #[must_use]
    pub fn class_name(&self) -> String {
        format!("<class '{}'>", self.class_path())
    }

    /// The class with its module, unless it is one of Python's own.
    #[must_use]
    pub fn class_path(&self) -> String {
        let name = self.type_name();
        let module = match name {
            "AnsibleUnicode" | "AnsibleVaultEncryptedUnicode" => "ansible.parsing.yaml.objects.",
            "AnsibleUnsafeText" | "NativeJinjaUnsafeText" => "ansible.utils.unsafe_proxy.",
            "NativeJinjaText" => "ansible.utils.native_jinja.",
            "AnsibleUndefined" => "ansible.template.native_helpers.",
            "datetime" | "date" | "timedelta" | "time" | "timezone" | "IsoCalendarDate" => "datetime.",
            "struct_time" => "time.",
            "HostVars" | "HostVarsVars" => "ansible.vars.hostvars.",
            "Macro" | "LoopContext" => "jinja2.runtime.",
            "Namespace" => "jinja2.utils.",
            _ => "",
        };
        format!("{module}{name}")
    }

    /// Python's name of the type behind Ansible's marks: text is `str` wherever it came from.
    #[must_use]
    pub fn plain_type_name(&self) -> &'static str {
        match self {
            Value::Str(_) => "str",
            other => other.type_name(),
        }
    }

    /// A copy that shares no list or dict with the original.
    #[must_use]
    pub fn deep_copy(&self) -> Value {
        match self {
            Value::List(list) => Value::list(list.read().iter().map(Value::deep_copy).collect()),
            Value::Tuple(items) => Value::Tuple(items.iter().map(Value::deep_copy).collect()),
            Value::Dict(dict) => {
                Value::Dict(dict.read().iter().map(|(key, value)| (key.clone(), value.deep_copy())).collect())
            }
            other => other.clone(),
        }
    }

    /// A copy in which every text is marked unsafe (Ansible's `wrap_var`).
    #[must_use]
    pub fn into_unsafe(self) -> Value {
        match self {
            Value::Str(text) => Value::Str(text.into_unsafe()),
            Value::List(list) => Value::list(list.items().into_iter().map(Value::into_unsafe).collect()),
            Value::Tuple(items) => Value::Tuple(items.iter().cloned().map(Value::into_unsafe).collect()),
            Value::Dict(dict) => Value::Dict(
                dict.entries()
                    .into_iter()
                    .map(|(key, value)| (Key(key.0.into_unsafe()), value.into_unsafe()))
                    .collect(),
            ),
            other => other,
        }
    }

    /// Whether the value is or holds unsafe text.
    #[must_use]
    pub fn is_unsafe(&self) -> bool {
        self.holds_unsafe(0)
    }

    /// The same for a value that stands this deep; a list may hold itself.
    fn holds_unsafe(&self, depth: usize) -> bool {
        const MAX_DEPTH: usize = 200;
        let below = depth + 1;
        match self {
            _ if depth > MAX_DEPTH => false,
            Value::Str(text) => text.is_unsafe(),
            Value::List(list) => list.read().iter().any(|item| item.holds_unsafe(below)),
            Value::Tuple(items) => items.iter().any(|item| item.holds_unsafe(below)),
            Value::Dict(dict) => {
                dict.read().iter().any(|(key, value)| key.0.holds_unsafe(below) || value.holds_unsafe(below))
            }
            _ => false,
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$it:ident| $make:expr),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from($it: $from) -> Value { $make }
        })*
    };
}

value_from! {
    bool => |it| Value::Bool(it),
    i64 => |it| Value::Int(it),
    i32 => |it| Value::Int(i64::from(it)),
    u32 => |it| Value::Int(i64::from(it)),
    usize => |it| i64::try_from(it).map_or_else(|_| BigInt::from(it).into(), Value::Int),
    f64 => |it| Value::Float(it),
    &str => |it| Value::Str(Str::new(it)),
    String => |it| Value::Str(Str::new(it)),
    Str => |it| Value::Str(it),
    List => |it| Value::List(it),
    Dict => |it| Value::Dict(it),
    Vec<Value> => |it| Value::list(it),
    BigInt => |it| match i64::try_from(&it) {
        Ok(small) => Value::Int(small),
        Err(_) => Value::BigInt(Arc::new(it)),
    },
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::repr::repr(self))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Str(text) => f.write_str(text.as_str()),
            other => f.write_str(&super::repr::str(other)),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
