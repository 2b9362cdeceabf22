//! What the arguments of the functions are: the kinds that their parameters say, or what they mean.

use std::cell::RefCell;
use std::collections::HashMap;

use daytwo::gotmpl::Param;
use proptest::prelude::*;
use proptest::sample::select;

use crate::pieces;

/// What an argument is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Any,
    Str,
    Bool,
    Int,
    Float,
    Map,
    List,
    Regex,
    Layout,
    Format,
    Version,
    Constraint,
    Url,
    Duration,
    Yaml,
    Json,
    Toml,
    Base64,
    Key,
    /// The name of a Go kind or type.
    Type,
    UrlMap,
    /// A small literal, never something else: how often something is done, or how long a text gets.
    Small,
    /// An index that lists have: beyond them a slice shows how much Go happened to allocate.
    Within,
    /// A moment, never something else: in its place Go takes the clock.
    Time,
    Zone,
    /// A new map, never something else: a map that gets to hold itself is the end of Go.
    NewMap,
    /// What is no native object, whose inside `printf` shows for verbs that do not fit: addresses among it.
    Plain,
    /// A list of texts.
    Texts,
}

use Kind::*;

impl Kind {
    /// Whether nothing else may stand there.
    pub(crate) fn is_strict(self) -> bool {
        matches!(self, Small | Time | Zone | NewMap | Duration | Plain | Within)
    }

    /// The kind that a parameter says.
    pub(crate) fn of(param: Param) -> Self {
        match param {
            Param::Str => Str,
            Param::Bool => Bool,
            Param::Int | Param::Int64 | Param::Uint32 => Int,
            Param::Float => Float,
            Param::Map => Map,
            Param::List => List,
            Param::StrList => Texts,
            _ => Any,
        }
    }
}

/// The arguments of functions whose parameters do not say it all; the last kind of a variadic function stands for
/// all further arguments.
pub(crate) const MEANING: &[(&str, &[Kind])] = &[
    ("regexMatch", &[Regex, Str]),
    ("mustRegexMatch", &[Regex, Str]),
    ("regexFind", &[Regex, Str]),
    ("mustRegexFind", &[Regex, Str]),
    ("regexFindAll", &[Regex, Str, Small]),
    ("mustRegexFindAll", &[Regex, Str, Small]),
    ("regexReplaceAll", &[Regex, Str, Str]),
    ("mustRegexReplaceAll", &[Regex, Str, Str]),
    ("regexReplaceAllLiteral", &[Regex, Str, Str]),
    ("mustRegexReplaceAllLiteral", &[Regex, Str, Str]),
    ("regexSplit", &[Regex, Str, Small]),
    ("mustRegexSplit", &[Regex, Str, Small]),
    ("regexQuoteMeta", &[Regex]),
    ("date", &[Layout, Time]),
    ("dateInZone", &[Layout, Time, Zone]),
    ("date_in_zone", &[Layout, Time, Zone]),
    ("dateModify", &[Duration, Time]),
    ("date_modify", &[Duration, Time]),
    ("mustDateModify", &[Duration, Time]),
    ("must_date_modify", &[Duration, Time]),
    ("htmlDate", &[Time]),
    ("htmlDateInZone", &[Time, Zone]),
    ("toDate", &[Layout, Layout]),
    ("mustToDate", &[Layout, Layout]),
    ("unixEpoch", &[Time]),
    ("duration", &[Any]),
    ("durationRound", &[Duration]),
    ("printf", &[Format, Plain, Plain, Plain]),
    ("until", &[Small]),
    ("untilStep", &[Small, Small, Small]),
    ("seq", &[Small, Small, Small]),
    ("repeat", &[Small, Str]),
    ("indent", &[Small, Str]),
    ("nindent", &[Small, Str]),
    ("wrap", &[Small, Str]),
    ("wrapWith", &[Small, Str, Str]),
    ("substr", &[Small, Small, Str]),
    ("trunc", &[Small, Str]),
    ("abbrev", &[Small, Str]),
    ("abbrevboth", &[Small, Small, Str]),
    ("splitn", &[Str, Small, Str]),
    ("chunk", &[Small, List]),
    ("mustChunk", &[Small, List]),
    ("slice", &[List, Within, Within]),
    ("mustSlice", &[List, Within, Within]),
    ("index", &[List, Small]),
    ("round", &[Float, Small, Float]),
    ("semver", &[Version]),
    ("semverCompare", &[Constraint, Version]),
    ("urlParse", &[Url]),
    ("urlJoin", &[UrlMap]),
    ("fromYaml", &[Yaml]),
    ("fromYamlArray", &[Yaml]),
    ("fromJson", &[Json]),
    ("mustFromJson", &[Json]),
    ("fromJsonArray", &[Json]),
    ("fromToml", &[Toml]),
    ("b64dec", &[Base64]),
    ("b32dec", &[Base64]),
    ("decryptAES", &[Str, Base64]),
    ("get", &[Map, Key]),
    ("hasKey", &[Map, Key]),
    ("set", &[NewMap, Key, Any]),
    ("unset", &[NewMap, Key]),
    ("pluck", &[Key, Map, Map]),
    ("pick", &[Map, Key, Key]),
    ("omit", &[Map, Key, Key]),
    ("dig", &[Key, Key, Any, Map]),
    ("dict", &[Key, Any, Key, Any]),
    ("merge", &[NewMap, Map, Map]),
    ("mustMerge", &[NewMap, Map, Map]),
    ("mergeOverwrite", &[NewMap, Map, Map]),
    ("mustMergeOverwrite", &[NewMap, Map, Map]),
    ("deepCopy", &[Map]),
    ("mustDeepCopy", &[Map]),
    ("typeIs", &[Type, Any]),
    ("typeIsLike", &[Type, Any]),
    ("kindIs", &[Type, Any]),
    ("join", &[Str, List]),
    ("sortAlpha", &[List]),
    ("first", &[List]),
    ("last", &[List]),
    ("rest", &[List]),
    ("initial", &[List]),
    ("reverse", &[List]),
    ("uniq", &[List]),
    ("compact", &[List]),
    ("without", &[List, Any]),
    ("has", &[Any, List]),
    ("append", &[List, Any]),
    ("push", &[List, Any]),
    ("prepend", &[List, Any]),
    ("concat", &[List, List]),
    ("mustFirst", &[List]),
    ("mustLast", &[List]),
    ("mustRest", &[List]),
    ("mustInitial", &[List]),
    ("mustReverse", &[List]),
    ("mustUniq", &[List]),
    ("mustCompact", &[List]),
    ("mustWithout", &[List, Any]),
    ("mustHas", &[Any, List]),
    ("mustAppend", &[List, Any]),
    ("mustPush", &[List, Any]),
    ("mustPrepend", &[List, Any]),
    ("max", &[Int, Float]),
    ("min", &[Int, Float]),
    ("buildCustomCert", &[Base64, Base64]),
];

thread_local! {
    /// Made once: there are hundreds of functions whose arguments are of these kinds.
    static LEAVES: RefCell<HashMap<Kind, BoxedStrategy<String>>> = RefCell::default();
}

/// An argument that is no call.
pub(crate) fn leaf(kind: Kind) -> BoxedStrategy<String> {
    let known = LEAVES.with_borrow(|leaves| leaves.get(&kind).cloned());
    known.unwrap_or_else(|| {
        let leaf = new_leaf(kind);
        LEAVES.with_borrow_mut(|leaves| leaves.insert(kind, leaf.clone()));
        leaf
    })
}

fn new_leaf(kind: Kind) -> BoxedStrategy<String> {
    match kind {
        Any => prop_oneof![
            2 => leaf(Str), 2 => leaf(Int), 1 => leaf(Bool), 1 => leaf(Float), 2 => leaf(Map), 2 => leaf(List),
            2 => expression(ANYTHING), 1 => leaf(Time), 1 => literal(pieces::one(pieces::WORDS)),
        ]
        .boxed(),
        Within => expression(&["0", "1"]),
        Plain => prop_oneof![leaf(Str), leaf(Int), leaf(Bool), leaf(Float), leaf(List), expression(PLAIN_MAPS)].boxed(),
        Str => prop_oneof![
            4 => literal(pieces::one(pieces::WORDS)), 2 => expression(TEXTS), 1 => literal(pieces::text(pieces::CHARACTERS, 5)),
        ]
        .boxed(),
        Bool => expression(&["true", "false", ".Values.b", "(eq 1 1)"]),
        Int => prop_oneof![4 => expression(INTS), 1 => (-300i64..300).prop_map(|n| n.to_string()), 1 => any::<i64>().prop_map(|n| n.to_string())].boxed(),
        Float => prop_oneof![
            3 => expression(FLOATS),
            1 => (any::<f64>(), -8..20).prop_map(|(f, e)| go_float(f % 1.0 * 10f64.powi(e))),
            1 => leaf(Int),
        ]
        .boxed(),
        Map => expression(MAPS),
        List => expression(LISTS),
        Texts => expression(&["(list \"b\" \"a\")", "(splitList \",\" \"a,b\")", ".Values.t"]),
        Regex => literal(pieces::text(pieces::REGEX, 5)),
        Layout => literal(pieces::text(pieces::LAYOUT, 5)),
        Format => literal(pieces::text(pieces::FORMAT, 3)),
        Version => literal(prop_oneof![2 => pieces::one(pieces::VERSION), 2 => "[0-9]{1,2}\\.[0-9]\\.[0-9](-(alpha|beta|rc)\\.?[0-9])?", 1 => pieces::text(pieces::VERSION, 6)].boxed()),
        Constraint => literal(prop_oneof![2 => pieces::one(pieces::CONSTRAINT), 2 => "(>=|<|\\^|~|!=)?[0-3]\\.[0-9](\\.[0-9x])?(-0|-beta)?(, ?<3)?", 1 => pieces::text(pieces::CONSTRAINT, 5)].boxed()),
        Url => literal(pieces::text(pieces::URL, 7)),
        Duration => literal(pieces::text(pieces::DURATION, 2)),
        Yaml => literal(pieces::text(pieces::YAML, 6)),
        Json => literal(pieces::text(pieces::JSON, 5)),
        Toml => literal(pieces::text(pieces::TOML, 4)),
        Base64 => literal(prop_oneof!["[A-Za-z0-9+/]{0,8}={0,2}", "[A-Z2-7]{8}", "[a-zA-Z0-9_-]{4}\n?"].boxed()),
        Key => prop_oneof![6 => expression(&["\"a\"", "\"b\"", "\"c\"", "\"k\"", "\"\"", "\"a.b\""]), 1 => leaf(Str)].boxed(),
        Type => expression(&[
            "\"string\"", "\"int\"", "\"float64\"", "\"map\"", "\"slice\"", "\"bool\"", "\"[]interface {}\"", "\"map[string]interface {}\"", "\"int64\"",
            "\"invalid\"", "\"ptr\"", "\"time.Time\"", "\"common.Values\"",
        ]),
        UrlMap => expression(&[
            "(dict \"scheme\" \"https\" \"host\" \"h:80\" \"path\" \"/a b\" \"query\" \"q=1\" \"fragment\" \"f\" \"userinfo\" \"u:p\")",
            "(dict \"host\" \"h\")", "(dict \"path\" \"p\" \"opaque\" \"o\")", "(dict \"scheme\" \"x\" \"opaque\" \"o?\")", "(dict \"host\" 1)", "(dict)",
        ]),
        Small => prop_oneof![8 => (-3i32..13).prop_map(|n| n.to_string()), 1 => select(vec!["40", "80", "\"3\"", "2.0", "(int64 2)", "nil"]).prop_map(str::to_owned)].boxed(),
        Time => expression(&[
            "(toDate \"2006-01-02\" \"2020-02-29\")", "(toDate \"2006-01-02T15:04:05Z07:00\" \"1999-12-31T23:59:59+02:00\")", "(int64 1700000000)", "0",
            "(toDate \"2006-01-02 15:04:05.000\" \"2024-06-01 07:08:09.123\")", "1600000000", "(toDate \"2006\" \"0900\")", "(int64 -5)", "86399",
        ]),
        Zone => expression(&["\"UTC\"", "\"Europe/Berlin\"", "\"America/New_York\"", "\"Asia/Kolkata\"", "\"\"", "\"No/Where\""]),
        NewMap => expression(&["(dict)", "(dict \"a\" 1)", "(dict \"a\" (dict \"b\" 1) \"k\" \"v\")", "(dict \"c\" nil \"a\" \"\")"]),
    }
}

const ANYTHING: &[&str] = &[
    "nil",
    ".Values.z",
    ".Values.missing",
    "(omit . \"Capabilities\" \"Files\")",
    ".Values",
    ".Values.m.a",
    ".Values.missing.x",
    ".Values.v",
    "(1i)",
    "'x'",
    "$a",
    "$b",
    "(semver \"1.2.3-a+b\")",
    "(index .Values.t 0)",
    ".Release",
    ".Chart.Name",
    "(duration 95)",
    "(b64dec \"//8=\")",
    "(list nil)",
    "(int8)",
    ".Template.BasePath",
    "(tuple 1 \"a\" 2.5)",
    "(urlParse \"http://a/b?c#d\")",
    "(uint64 3)",
    "(until 3)",
    "(split \".\" \"a.b\")",
    "(fromJson \"[1\")",
    "(index \"abc\" 1)",
];
const PLAIN_MAPS: &[&str] = &[
    ".Values.m",
    "(dict \"a\" 1 \"b\" nil)",
    "(split \",\" \"x,y\")",
    ".Values.v",
    "nil",
    "(dict \"k\" (list 1 \"x\"))",
];
const TEXTS: &[&str] = &[
    ".Values.s",
    ".Release.Name",
    ".Chart.Version",
    "(.Files.Get \"files/a.txt\")",
    "(include \"name\" .Values.n)",
    "(include \"list\" .)",
    ".Values.m.s",
    ".Capabilities.KubeVersion.Version",
    ".Chart.AppVersion",
    "$.Values.s",
    "(index .Values.t 0)",
    "(toYaml .Values.m)",
    "(.Files.Glob \"files/*\").AsConfig",
    "`raw \"x\"`",
];
const INTS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "10",
    "255",
    "65",
    "1000000",
    "0x1F",
    "0b101",
    "0o17",
    "1_000",
    "9223372036854775807",
    "-9223372036854775808",
    ".Values.n",
    "(int64 7)",
    "(int 3)",
    "(len .Values.l)",
    ".Values.i",
    "'a'",
    "(int \"12\")",
    "(int64 -2)",
    "1e3",
    "(atoi \"5\")",
    "$.Values.n",
];
const FLOATS: &[&str] = &[
    "1.5",
    "0.1",
    "-2.5",
    "1e6",
    "1e21",
    "1e-7",
    "3.0",
    ".Values.f",
    ".Values.n",
    "0x1p-2",
    "123456789.125",
    "(float64 \"1.25\")",
    "(divf 1 3)",
    "(divf 1 0.0)",
];
const MAPS: &[&str] = &[
    ".Values.m",
    ".Values",
    "(dict)",
    "(dict \"a\" 1 \"b\" \"x\")",
    "(dict \"a\" (dict \"b\" (list 1 2)) \"k\" nil)",
    ".Values.m.a",
    ".Values.v",
    "(fromYaml \"a: 1\\nb: {c: x}\")",
    "(dict \"k\" true \"c\" 1.5)",
    "(split \",\" \"x,y\")",
    ".Release",
    ".Chart",
    "(fromJson \"{\\\"a\\\":[1,null]}\")",
    "(dict \"a\" (int64 5) \"b\" (list \"z\" \"y\"))",
    ".Values.z",
];
const LISTS: &[&str] = &[
    ".Values.l",
    ".Values.t",
    "(list)",
    "(list 1 2 3)",
    "(list \"b\" \"a\" \"b\")",
    "(list 1 \"a\" nil 2.5 true)",
    "(list (list 1) (list 2 3))",
    "(until 4)",
    "(list \"\" 0 nil \"x\")",
    "(splitList \".\" \"c.b.a\")",
    "(list (dict \"a\" 1) (dict \"a\" 2))",
    "(tuple \"x\" 1)",
    "(fromYamlArray \"- 1\\n- b\")",
    "(concat (list 1) (list 2))",
    ".Values.z",
    "(.Files.Lines \"files/a.txt\")",
];

fn expression(all: &'static [&'static str]) -> BoxedStrategy<String> {
    select(all).prop_map(str::to_owned).boxed()
}

/// A text as a Go string literal.
fn literal(text: BoxedStrategy<String>) -> BoxedStrategy<String> {
    text.prop_map(|text| quote(&text)).boxed()
}

/// A Go string literal that stands for a text.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

/// A Go literal that is a float.
fn go_float(float: f64) -> String {
    if float.is_finite() { format!("{float:?}") } else { "0.5".into() }
}
