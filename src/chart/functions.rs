//! The template functions of a chart: all of [`funcs`], those that need a rendering, and the methods of
//! `.Values`.

use std::any::Any;
use std::cell::RefCell;
use std::net::ToSocketAddrs;
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use super::{Compat, Error, Lookup, RenderOptions, values};
use crate::gotmpl::funcs::{self, MESSAGE_END, MESSAGE_START};
use crate::gotmpl::{
    Execution, FuncContext, FuncDef, FuncError, Functions, Map, MapType, Param, Set, Str, Value,
};
use crate::yaml::go;

/// How often a template may be running at once through `include`.
const MAX_INCLUDES: usize = 1000;

/// What the functions ask of the rendering that calls them.
pub(super) struct Host {
    /// Whom `lookup` asks.
    pub(super) lookup: Arc<dyn Lookup>,
    /// Whether `required` and `fail` let templates pass.
    pub(super) lint: bool,
    /// Whether `getHostByName` may ask the name servers.
    pub(super) enable_dns: bool,
    /// The templates that are running through `include`, the innermost last.
    pub(super) included: RefCell<Vec<Str>>,
}

impl Host {
    /// The host of one rendering.
    pub(super) fn new(options: &RenderOptions) -> Self {
        Self {
            lookup: Arc::clone(&options.lookup),
            lint: options.lint,
            enable_dns: options.enable_dns,
            included: RefCell::default(),
        }
    }
}

/// The functions that a [`Compat`] knows.
pub(super) fn table(compat: Compat) -> Functions {
    static TABLES: [OnceLock<Functions>; 2] = [OnceLock::new(), OnceLock::new()];
    let (slot, removed): (_, &[&str]) = match compat {
        Compat::V3 => (&TABLES[0], ADDED_IN_V4),
        Compat::V4 => (&TABLES[1], &[]),
    };
    slot.get_or_init(|| {
        Functions::new(funcs::table().copied())
            .with(FUNCTIONS.iter().copied())
            .with_methods(MapType::Values, VALUES_METHODS.iter().copied())
            .without(removed)
    })
    .clone()
}

/// The name of a release that a template of `--name-template` makes.
///
/// # Errors
/// When the template does not parse or fails.
pub fn name_from_template(template: &str) -> Result<String, Error> {
    const NAME: &str = "name-template";
    let mut set = Set::new(NAME, Functions::new(funcs::table().copied()));
    let failed = |message| Error::Execution { message, place: None };
    set.parse(NAME, template.as_bytes()).map_err(|error| failed(error.to_string()))?;
    let mut name = Vec::new();
    Execution::new(&set, &()).run(NAME, &Value::Nil, &mut name).map_err(|error| failed(error.to_string()))?;
    Ok(String::from_utf8_lossy(&name).into_owned())
}

/// What Helm 4 added to the functions of Helm 3.
const ADDED_IN_V4: &[&str] = &[
    "mustToYaml",
    "mustToToml",
    "mustToDuration",
    "durationSeconds",
    "durationMilliseconds",
    "durationMicroseconds",
    "durationNanoseconds",
    "durationMinutes",
    "durationHours",
    "durationDays",
    "durationWeeks",
    "durationRoundTo",
    "durationTruncateTo",
];

const FUNCTIONS: &[FuncDef] = &[
    FuncDef { name: "include", params: &[Param::Str, Param::Any], variadic: None, call: include },
    FuncDef {
        name: "lookup",
        params: &[Param::Str, Param::Str, Param::Str, Param::Str],
        variadic: None,
        call: lookup,
    },
    FuncDef { name: "required", params: &[Param::Str, Param::Any], variadic: None, call: required },
    FuncDef { name: "fail", params: &[Param::Str], variadic: None, call: fail },
    FuncDef { name: "getHostByName", params: &[Param::Str], variadic: None, call: host_by_name },
];

fn host(context: &dyn FuncContext) -> Result<&Host, FuncError> {
    let host: &dyn Any = context.host();
    host.downcast_ref().ok_or_else(|| FuncError::new("no chart is being rendered"))
}

fn argument(args: &[Value], index: usize) -> Str {
    match args.get(index) {
        Some(Value::Str(text)) => text.clone(),
        _ => "".into(),
    }
}

/// `include`: a named template's text; endless recursion ends in an error.
fn include(context: &mut dyn FuncContext, args: &[Value]) -> Result<Value, FuncError> {
    let name = argument(args, 0);
    {
        let mut included = host(context)?.included.borrow_mut();
        let is_deep = included.len() > MAX_INCLUDES;
        if is_deep && included.iter().filter(|running| **running == name).count() > MAX_INCLUDES {
            return Err(FuncError::new(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )));
        }
        included.push(name.clone());
    }
    let text = context.execute_template(&name, args[1].clone());
    host(context)?.included.borrow_mut().pop();
    Ok(Value::Str(text?))
}

/// `lookup`: what the cluster holds.
fn lookup(context: &mut dyn FuncContext, args: &[Value]) -> Result<Value, FuncError> {
    let host = host(context)?;
    let texts: Vec<String> = (0..4).map(|index| argument(args, index).to_string()).collect();
    let found = host.lookup.lookup(&texts[0], &texts[1], &texts[2], &texts[3])?;
    Ok(Value::Map(values::to_map(&found)))
}

/// `getHostByName`: an address of a host; empty unless the rendering may ask.
fn host_by_name(context: &mut dyn FuncContext, args: &[Value]) -> Result<Value, FuncError> {
    let name = argument(args, 0).to_string();
    let asked = host(context)?.enable_dns.then(|| (name.as_str(), 0).to_socket_addrs().ok()).flatten();
    let address = asked.and_then(|mut addresses| addresses.next());
    Ok(Value::Str(address.map(|address| address.ip().to_string()).unwrap_or_default().into()))
}

/// `required`: the value, unless it is nil or the empty text.
fn required(context: &mut dyn FuncContext, args: &[Value]) -> Result<Value, FuncError> {
    match &args[1] {
        Value::Nil => {}
        Value::Str(text) if text.is_empty() => {}
        value => return Ok(value.clone()),
    }
    fail(context, args)
}

/// `fail`: an error with this message, of which Helm shows nothing else.
fn fail(context: &mut dyn FuncContext, args: &[Value]) -> Result<Value, FuncError> {
    if host(context)?.lint {
        return Ok(Value::Str("".into()));
    }
    Err(FuncError::new(format!("{}{}{}", MESSAGE_START, argument(args, 0), MESSAGE_END)))
}

/// The methods of `common.Values`, the type of `.Values`.
const VALUES_METHODS: &[FuncDef] = &[
    FuncDef {
        name: "AsMap",
        params: &[],
        variadic: None,
        call: |_, args| Ok(Value::Map(receiver(args)?.with_type(MapType::Any))),
    },
    FuncDef {
        name: "YAML",
        params: &[],
        variadic: None,
        call: |_, args| {
            Ok(Value::Str(
                go::marshal(&Json::Object(values::to_json(&receiver(args)?))).unwrap_or_default().into(),
            ))
        },
    },
    FuncDef {
        name: "Table",
        params: &[Param::Str],
        variadic: None,
        call: |_, args| {
            let (values, path) = (receiver(args)?, argument(args, 1).to_string());
            let table = values::table(&values, &path).ok_or_else(|| not_found(&path, "table"))?;
            Ok(Value::Map(table.with_type(MapType::Values)))
        },
    },
    FuncDef {
        name: "PathValue",
        params: &[Param::Str],
        variadic: None,
        call: |_, args| {
            let (values, path) = (receiver(args)?, argument(args, 1).to_string());
            values::path_value(&values, &path).ok_or_else(|| not_found(&path, "value"))
        },
    },
];

fn not_found(path: &str, what: &str) -> FuncError {
    FuncError::new(format!("{:?} is not a {what}", path.rsplit('.').next().unwrap_or(path)))
}

fn receiver(args: &[Value]) -> Result<Map, FuncError> {
    match args.first() {
        Some(Value::Map(map)) => Ok(map.clone()),
        _ => Err(FuncError::new("the receiver is no map of values")),
    }
}
