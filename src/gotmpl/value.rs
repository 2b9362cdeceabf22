//! Go's dynamically typed values, as templates see them through `reflect`.
//!
//! Maps are shared and mutable (`set` is seen by every holder); lists are immutable, as no template
//! function writes into one. Strings are byte strings. The Go type of a value is observable
//! (`typeOf`, `printf "%T"`, `eq`), so integers of different types stay apart and lists and maps
//! carry the static type of their elements.
//!
//! Values belong to one rendering thread (`Rc`); what is compiled once and shared between threads is
//! the template tree, not the values.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// One value of a template.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// The untyped nil interface value.
    #[default]
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`: literals, `len`, `int`, …
    Int(i64),
    /// `int64`: numbers of custom resources and of `--set`, results of `add` and friends.
    Int64(i64),
    /// `int32`: a `rune`.
    Int32(i32),
    /// `uint8`: what indexing a string gives.
    Uint8(u8),
    /// `uint64`: fields of a semantic version.
    Uint64(u64),
    /// `float64`: numbers of values files and of JSON.
    Float(f64),
    /// `string`.
    Str(Str),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A value of a native Go type with fields and methods.
    Object(Rc<dyn Object>),
}

/// A Go string: bytes, usually but not necessarily UTF-8; cheap to clone.
#[derive(Clone)]
pub struct Str(Bytes);

/// The storage of a string. Most are short: names, keys, numbers.
#[derive(Clone)]
enum Bytes {
    Short {
        length: u8,
        bytes: Place,
    },
    /// Behind two pointers, so that a text that was just built is taken over and not copied.
    Long(Arc<Vec<u8>>),
}

/// The longest string that is held in place; a [`Value`] still takes 24 bytes.
const SHORT: usize = 16;

/// Where a short string is held: aligned, since values are moved by the word. Zeros follow the string.
#[derive(Clone, Copy, PartialEq)]
#[repr(align(8))]
struct Place([u8; SHORT]);

/// A Go slice with its element type.
#[derive(Clone, Debug)]
pub struct List {
    /// The static element type.
    pub elem: Elem,
    nil: bool,
    items: Rc<Items>,
}

/// The storage of a list.
#[derive(Debug, Default)]
struct Items {
    values: OnceCell<Vec<Value>>,
    /// What a `[]byte` consists of while nobody looks at its elements.
    bytes: Option<Arc<[u8]>>,
}

impl Items {
    fn values(&self) -> &[Value] {
        self.values.get_or_init(|| {
            self.bytes.iter().flat_map(|data| data.iter()).copied().map(Value::Uint8).collect()
        })
    }
}

impl Drop for Items {
    /// A template can nest lists as deep as it likes: what they hold is dropped on a stack that grows.
    fn drop(&mut self) {
        let Some(values) = self.values.get_mut() else { return };
        if values.iter().any(|item| matches!(item, Value::List(_) | Value::Map(_))) {
            stacker::maybe_grow(32 << 10, 1 << 20, || values.clear());
        }
    }
}

/// The static element type of a [`List`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elem {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Str,
    /// `[]int`
    Int,
    /// `[]uint8`, which is `[]byte`
    Byte,
    /// `[][]interface {}`
    List,
}

/// A Go map with string keys: shared, mutable, iterated in key order.
#[derive(Clone)]
pub struct Map {
    /// The static type.
    pub ty: MapType,
    nil: bool,
    entries: Rc<RefCell<Entries>>,
}

/// The storage of a map.
#[derive(Default)]
struct Entries {
    made: BTreeMap<Str, Value>,
    /// What the entries are made of once something looks at them; most defaults of a chart are never looked at.
    pending: Option<Box<Pending>>,
}

/// A table within data that threads share.
struct Pending {
    data: Arc<Json>,
    path: Option<Rc<Step>>,
    without_nulls: bool,
}

/// One step of the way from data to a table in it.
struct Step {
    before: Option<Rc<Step>>,
    key: Str,
}

/// Data of which maps are made.
type Json = serde_json::Map<String, serde_json::Value>;

impl Pending {
    fn make(&self) -> BTreeMap<Str, Value> {
        let Some(table) = Step::follow(self.path.as_deref(), &self.data) else { return BTreeMap::new() };
        let kept = table.iter().filter(|(_, value)| !(self.without_nulls && value.is_null()));
        let entry = |(key, value): (&String, &serde_json::Value)| {
            let key = Str::from(key.as_str());
            let value = match value {
                serde_json::Value::Object(_) => {
                    let path = Some(Rc::new(Step { before: self.path.clone(), key: key.clone() }));
                    let data = Arc::clone(&self.data);
                    Value::Map(Map::pending(Pending { data, path, without_nulls: self.without_nulls }))
                }
                other => Value::from(other),
            };
            (key, value)
        };
        kept.map(entry).collect()
    }
}

impl Step {
    fn follow<'a>(step: Option<&Step>, data: &'a Json) -> Option<&'a Json> {
        let Some(step) = step else { return Some(data) };
        let table = Self::follow(step.before.as_deref(), data)?;
        table.get(std::str::from_utf8(step.key.as_bytes()).ok()?)?.as_object()
    }
}

impl Drop for Entries {
    /// As for lists: a template can nest maps as deep as it likes.
    fn drop(&mut self) {
        if self.made.values().any(|item| matches!(item, Value::List(_) | Value::Map(_))) {
            stacker::maybe_grow(32 << 10, 1 << 20, || self.made.clear());
        }
    }
}

/// The static type of a [`Map`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapType {
    /// `map[string]interface {}`
    Any,
    /// `map[string]string`
    Str,
    /// `common.Values`: what `.Values` is.
    Values,
}

/// A native Go value with fields and methods, such as `.Capabilities.APIVersions` or `.Files`.
pub trait Object: fmt::Debug {
    /// What `%T` prints, such as `*common.Capabilities`.
    fn type_name(&self) -> Cow<'_, str>;
    /// What `kindOf` prints, such as `ptr`, `slice`, `map` or `struct`.
    fn kind(&self) -> &'static str;
    /// What printing the value gives.
    fn display(&self) -> Cow<'_, str>;
    /// What an action prints, which differs from [`Self::display`] where only the address of a value has
    /// a `String` method: what is handed to a function is a copy.
    fn print(&self) -> Cow<'_, str> {
        self.display()
    }
    /// The exported field, or the entry when the value is a map; `None` is the error "can't evaluate
    /// field", so a map answers a missing key with the zero value of its element type.
    fn field(&self, name: &str) -> Option<Value>;
    /// The declared parameters of a method. The executor converts the arguments to them before it
    /// calls; an object that answers `None` here but has the method gets its arguments unchecked.
    fn method(&self, name: &str) -> Option<super::Signature> {
        let _ = name;
        None
    }
    /// Calls a method; `None` when there is no such method. A field chain that ends in a method calls it too.
    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, super::FuncError>>;
    /// Whether the value counts as true: non-nil, non-empty.
    fn truth(&self) -> bool {
        true
    }
    /// The entries for `range`, `len` and `index`; `None` when the value cannot be ranged over.
    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        None
    }
    /// The value as plain maps, lists and scalars: what encoders (`toJson`, `toYaml`) see.
    fn to_plain(&self) -> Value;
    /// The fields of a struct in the order in which JSON has them; `None` when [`Self::to_plain`] says all.
    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        None
    }
    /// The exported fields of a struct in Go's order under their names in lower case, as `toYamlPretty` sees them;
    /// `None` when [`Self::to_plain`] says all.
    fn yaml_fields(&self) -> Option<Vec<(String, Value)>> {
        None
    }
    /// The value itself, for functions that expect this very type.
    fn as_any(&self) -> &dyn std::any::Any;
}

impl Str {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Short { length, bytes } => bytes.0.get(..usize::from(*length)).unwrap_or_default(),
            Bytes::Long(bytes) => bytes,
        }
    }

    /// The string in place, if it is short enough.
    fn short(text: &[u8]) -> Option<Self> {
        let mut bytes = Place([0; SHORT]);
        let length = u8::try_from(text.len()).ok()?;
        bytes.0.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self(Bytes::Short { length, bytes }))
    }

    /// The text, with U+FFFD where the bytes are not UTF-8.
    #[must_use]
    pub fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }
}

impl Place {
    /// A number in whose order short strings are; equal for those that differ only in zeros at their end.
    fn order(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Bytes::Short { length: a, bytes: x }, Bytes::Short { length: b, bytes: y }) => a == b && x == y,
            _ => self.as_bytes() == other.as_bytes(),
        }
    }
}

impl Eq for Str {}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (&self.0, &other.0) {
            (Bytes::Short { length: a, bytes: x }, Bytes::Short { length: b, bytes: y }) => {
                x.order().cmp(&y.order()).then(a.cmp(b))
            }
            _ => self.as_bytes().cmp(other.as_bytes()),
        }
    }
}

impl std::hash::Hash for Str {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl std::borrow::Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl std::ops::Deref for Str {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_text(), f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl From<&[u8]> for Str {
    fn from(text: &[u8]) -> Self {
        Self::short(text).unwrap_or_else(|| Self(Bytes::Long(Arc::new(text.to_vec()))))
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<Vec<u8>> for Str {
    fn from(mut text: Vec<u8>) -> Self {
        Self::short(&text).unwrap_or_else(|| {
            if text.capacity() / 2 > text.len() {
                text.shrink_to_fit();
            }
            Self(Bytes::Long(Arc::new(text)))
        })
    }
}

impl List {
    /// A slice of the given element type.
    #[must_use]
    pub fn new(elem: Elem, items: Vec<Value>) -> Self {
        Self { elem, nil: false, items: Rc::new(Items { values: items.into(), bytes: None }) }
    }

    /// A `[]byte` that shares its content.
    #[must_use]
    pub fn bytes(data: Arc<[u8]>) -> Self {
        let items = Items { values: OnceCell::new(), bytes: Some(data) };
        Self { elem: Elem::Byte, nil: false, items: Rc::new(items) }
    }

    /// The content of a `[]byte`.
    #[must_use]
    pub fn to_bytes(&self) -> Cow<'_, [u8]> {
        match &self.items.bytes {
            Some(data) => Cow::Borrowed(data),
            None => self.iter().map(|item| if let Value::Uint8(byte) = item { *byte } else { 0 }).collect(),
        }
    }

    /// The nil slice of the given element type: empty, but `null` to encoders.
    #[must_use]
    pub fn nil(elem: Elem) -> Self {
        Self { elem, nil: true, items: Rc::default() }
    }

    /// Whether this is the nil slice.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.nil
    }
}

impl std::ops::Deref for List {
    type Target = [Value];
    fn deref(&self) -> &[Value] {
        self.items.values()
    }
}

impl Map {
    /// An empty map of the given type.
    #[must_use]
    pub fn new(ty: MapType) -> Self {
        Self::from_entries(ty, BTreeMap::new())
    }

    /// A map of the given type with these entries.
    #[must_use]
    pub fn from_entries(ty: MapType, entries: BTreeMap<Str, Value>) -> Self {
        let entries = Entries { made: entries, pending: None };
        Self { ty, nil: false, entries: Rc::new(RefCell::new(entries)) }
    }

    /// A map of data that is shared between threads; each table in it is made when something looks at it.
    #[must_use]
    pub fn from_data(data: &Arc<Json>) -> Self {
        Self::pending(Pending { data: Arc::clone(data), path: None, without_nulls: false })
    }

    fn pending(pending: Pending) -> Self {
        let entries = Entries { made: BTreeMap::new(), pending: Some(Box::new(pending)) };
        Self { ty: MapType::Any, nil: false, entries: Rc::new(RefCell::new(entries)) }
    }

    /// The entries, to change them.
    fn write(&self) -> std::cell::RefMut<'_, BTreeMap<Str, Value>> {
        let mut entries = self.entries.borrow_mut();
        if let Some(pending) = entries.pending.take() {
            entries.made = pending.make();
        }
        std::cell::RefMut::map(entries, |entries| &mut entries.made)
    }

    /// The nil map of the given type: empty, `null` to encoders, and an error to write into
    /// (`assignment to entry in nil map`), which the writing function checks with [`Map::is_nil`].
    #[must_use]
    pub fn nil(ty: MapType) -> Self {
        Self { ty, nil: true, entries: Rc::default() }
    }

    /// Whether this is the nil map.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.nil
    }

    /// The same map (shared) under another static type.
    #[must_use]
    pub fn with_type(&self, ty: MapType) -> Self {
        Self { ty, nil: self.nil, entries: Rc::clone(&self.entries) }
    }

    /// The value of a key; `None` when the key is missing (a present nil is `Some(Value::Nil)`).
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.borrow().get(key).cloned()
    }

    /// [`Map::get`] of a key that is a string already, which is faster.
    #[must_use]
    pub fn entry(&self, key: &Str) -> Option<Value> {
        self.borrow().get(key).cloned()
    }

    /// Sets a key, seen by every holder of this map.
    pub fn insert(&self, key: impl Into<Str>, value: Value) {
        self.write().insert(key.into(), value);
    }

    /// Removes a key, seen by every holder of this map.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.write().remove(key)
    }

    /// Removes the nulls, also those of the maps below.
    pub fn remove_nulls(&self) {
        if let Some(pending) = &mut self.entries.borrow_mut().pending {
            pending.without_nulls = true;
            return;
        }
        for (key, value) in self.snapshot() {
            match value {
                Value::Nil => drop(self.remove(&key)),
                Value::Map(inner) => inner.remove_nulls(),
                _ => {}
            }
        }
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.borrow().len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.borrow().is_empty()
    }

    /// Read access to the entries; do not run templates or functions that may write while it is held.
    #[must_use]
    pub fn borrow(&self) -> std::cell::Ref<'_, BTreeMap<Str, Value>> {
        let mut entries = self.entries.borrow();
        if entries.pending.is_some() {
            drop(entries);
            drop(self.write());
            entries = self.entries.borrow();
        }
        std::cell::Ref::map(entries, |entries| &entries.made)
    }

    /// A copy of the entries as they are now, to iterate over while the map may change.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(Str, Value)> {
        self.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Whether both are the same map, not merely equal ones.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.entries, &other.entries)
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A map may contain itself (`set $m "self" $m`): show one level of keys only.
        f.debug_set().entries(self.borrow().keys()).finish()
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Str(bytes.into())
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Self::Str(text)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<&serde_json::Value> for Value {
    /// Integers become `int64`, other numbers `float64`: a chart's values files hold `float64` only
    /// because their loader says so, not because of this conversion.
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => match (n.as_i64(), n.as_u64()) {
                (Some(i), _) => Self::Int64(i),
                (None, Some(u)) => Self::Uint64(u),
                (None, None) => Self::Float(n.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(s) => Self::Str(s.as_str().into()),
            serde_json::Value::Array(items) => {
                Self::List(List::new(Elem::Any, items.iter().map(Self::from).collect()))
            }
            serde_json::Value::Object(entries) => Self::Map(Map::from_entries(
                MapType::Any,
                entries.iter().map(|(k, v)| (k.as_str().into(), Self::from(v))).collect(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_small() {
        assert_eq!(std::mem::size_of::<Value>(), 24);
    }

    #[test]
    fn strings_of_all_lengths() {
        for length in 0..50 {
            let text = "x".repeat(length);
            let long = Str::from(format!("{text}y"));
            let text = Str::from(text);
            assert_eq!(text.len(), length);
            assert!(text < long && text != long && text == text.clone());
        }
    }

    #[test]
    fn strings_have_the_order_of_their_bytes() {
        let texts: [&[u8]; 10] = [
            b"",
            b"\0",
            b"\0\0",
            b"a",
            b"a\0",
            b"a\0b",
            b"ab",
            b"sixteen bytes ..",
            b"sixteen bytes ...",
            b"\xFF",
        ];
        for a in texts {
            for b in texts {
                assert_eq!(Str::from(a).cmp(&Str::from(b)), a.cmp(b));
                assert_eq!(Str::from(a) == Str::from(b), a == b);
            }
        }
    }
}
