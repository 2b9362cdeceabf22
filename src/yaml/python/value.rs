//! What a document is in Python, with the places that its parts come from.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};

use crate::yaml::Mark;

/// A value and where it stands. Cheap to clone; what an alias names is shared, as in Python.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where the value begins, its tag and anchor included.
    pub mark: Mark,
    /// A tag of the application (`!vault`, `!unsafe`); those of YAML itself are spent on the value.
    pub tag: Option<Arc<str>>,
    /// The value.
    pub value: Value,
}

/// A Python value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`
    None,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `int` beyond 64 bits, in decimal.
    BigInt(Arc<str>),
    /// `float`
    Float(f64),
    /// `str`
    Str(Arc<str>),
    /// `bytes`
    Bytes(Arc<[u8]>),
    /// `datetime.date`
    Date(Date),
    /// `datetime.datetime` with the seconds east of UTC when it is aware.
    DateTime(DateTime, Option<i32>),
    /// `list`
    List(Arc<Vec<Node>>),
    /// `dict`
    Dict(Arc<Dict>),
    /// `set`, without duplicates, in the order of the text.
    Set(Arc<Dict>),
    /// `list` of pairs: `!!omap` and `!!pairs`.
    Pairs(Arc<Vec<(Node, Node)>>),
}

/// A `dict`: in the order in which keys came first, with the values that came last.
#[derive(Clone, Debug, Default)]
pub struct Dict {
    entries: Vec<(Node, Node)>,
    index: HashMap<Key, usize>,
}

/// A key as Python compares it: `1`, `1.0` and `True` are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    None,
    Int(i64),
    BigInt(Arc<str>),
    Float(u64),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    Date(Date),
    DateTime(DateTime, Option<i32>),
}

impl Dict {
    /// Sets a key and gives its previous value. A key that cannot be hashed ([`Value::is_hashable`]) is not
    /// set.
    pub fn insert(&mut self, key: Node, value: Node) -> Option<Node> {
        let hashed = Key::of(&key.value)?;
        match self.index.get(&hashed) {
            Some(&at) => Some(std::mem::replace(&mut self.entries[at].1, value)),
            None => {
                self.index.insert(hashed, self.entries.len());
                self.entries.push((key, value));
                None
            }
        }
    }

    /// The keys and values.
    #[must_use]
    pub fn entries(&self) -> &[(Node, Node)] {
        &self.entries
    }

    /// The value of a text key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A text key and its value: the key knows where it stands.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        self.index.get(&Key::Str(key.into())).map(|&at| &self.entries[at])
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<(Node, Node)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Node, Node)>>(entries: I) -> Self {
        let mut dict = Self::default();
        for (key, value) in entries {
            dict.insert(key, value);
        }
        dict
    }
}

/// A value that comes from no text.
impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Self { mark: Mark::default(), tag: None, value }
    }
}

impl PartialEq for Dict {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Value {
    /// Whether Python takes the value for a key of a `dict`.
    #[must_use]
    pub fn is_hashable(&self) -> bool {
        Key::of(self).is_some()
    }

    /// The text of a `str`.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a `list`.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Node]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The `dict`.
    #[must_use]
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }
}

impl Key {
    fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::None => Self::None,
            Value::Bool(value) => Self::Int(i64::from(*value)),
            Value::Int(value) => Self::Int(*value),
            Value::BigInt(digits) => Self::BigInt(Arc::clone(digits)),
            Value::Float(float) if float.fract() == 0.0 && float.abs() < 9e18 => Self::Int(*float as i64),
            Value::Float(float) => Self::Float(float.to_bits()),
            Value::Str(text) => Self::Str(Arc::clone(text)),
            Value::Bytes(bytes) => Self::Bytes(Arc::clone(bytes)),
            Value::Date(date) => Self::Date(*date),
            Value::DateTime(time, offset) => Self::DateTime(*time, *offset),
            Value::List(_) | Value::Dict(_) | Value::Set(_) | Value::Pairs(_) => return None,
        })
    }
}
