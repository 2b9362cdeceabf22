//! What dumping and restoring share: which server, as whom, where the dump is, and the Job.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::session::Session;
use super::super::workload::{Ended, Mount, Program, Workload, secret_variable};
use super::bucket::{BUCKET, Store};
use crate::modules::context::ModuleContext;
use crate::modules::result::ModuleError;
use crate::modules::spec::{Args, Kind, Opt};

/// A reference to a password.
pub(super) const PASSWORD_SECRET: &[Opt] = &[
    Opt::str("name").required().doc("Name of the Secret."),
    Opt::str("key").default("password").doc("The key in it."),
];

/// The arguments.
pub(super) const SERVER: &[Opt] = &[
    Opt::str("name").required().doc("Name of the Job, and of the dump unless `file` names it."),
    Opt::str("namespace")
        .doc("Namespace of the Job, the Secret and the volume; that of the connection unless given."),
    Opt::str("image")
        .doc("An image with the client programs, best that of the server; needed but to remove from a bucket."),
    Opt::str("service").doc("The server: its Service; needed but to remove a dump."),
    Opt::new("port", Kind::Int).default("3306").doc("Its port."),
    Opt::str("user").default("root").doc("The account, which may read (or make) all that is dumped."),
    Opt::new("password_secret", Kind::Dict)
        .options(PASSWORD_SECRET)
        .doc("The Secret that holds its password; needed but to remove a dump."),
    Opt::str("claim").doc(
        "The PersistentVolumeClaim for dumps; with `s3`, room for a dump on its way, the node's own unless given.",
    ),
    Opt::str("file").doc("Path of the dump on the volume or in the bucket; `NAME.sql.gz` unless given."),
    Opt::new("s3", Kind::Dict)
        .options(BUCKET)
        .doc("A bucket of an S3-compatible store for dumps, instead of a volume."),
    Opt::new("client_options", Kind::ListOfStr)
        .doc("Options for the client programs, such as `--skip-ssl` for a newer client than server."),
    Opt::new("run_as_user", Kind::Int).default("999").doc("User and group of the Job's pod."),
    Opt::new("resources", Kind::Dict).doc("Requests and limits of the Job's container."),
    Opt::new("retries", Kind::Int).default("0").doc("How often a pod may fail before the task does."),
    Opt::new("timeout", Kind::Int).default("3600").doc("Seconds until it must be done."),
];

/// Where the pod sees the volume.
pub(super) const DUMPS: &str = "/dumps";

/// What the Job does with a dump.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work<'a> {
    /// A script makes it.
    Make(Script<'a>),
    /// A script reads it.
    Read(Script<'a>),
    /// It goes.
    Remove,
}

/// A script for the client programs, and its variables beside those of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script<'a> {
    pub(super) text: &'static str,
    pub(super) variables: &'a [(&'static str, String)],
}

/// The Job that does the work.
///
/// # Errors
/// Neither a volume nor a bucket, a path that leaves it, or no server where one is needed.
pub(super) async fn workload(
    session: &Session,
    args: &Args,
    work: Work<'_>,
) -> Result<Workload, ModuleError> {
    let namespace = args.str("namespace").unwrap_or_else(|| session.client.default_namespace());
    let name = args.str("name").unwrap_or_default();
    let store = Store::of(session, args).await?;
    let file = file(args, name)?;
    let programs = match (work, store) {
        (Work::Make(script) | Work::Read(script), None) => vec![client(args, &file, script, false)?],
        // What is told of a dump that is in the bucket is fetched: it is not made again.
        (Work::Make(script), Some(store)) => vec![
            store.bring(&["fetch", "--summary"], &file),
            client(args, &file, script, true)?,
            store.bring(&["store"], &file),
        ],
        (Work::Read(script), Some(store)) => {
            vec![store.bring(&["fetch"], &file), client(args, &file, script, true)?]
        }
        (Work::Remove, None) => vec![remover(args, &file)?],
        (Work::Remove, Some(store)) => vec![store.bring(&["remove"], &file)],
    };
    Ok(Workload {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        programs,
        mounts: vec![Mount { path: DUMPS.to_owned(), source: volume(args)?, read_only: false }],
        service_account: None,
        user: args.int("run_as_user").unwrap_or_default(),
        retries: args.int("retries").unwrap_or_default(),
        timeout: Duration::from_secs(args.int("timeout").unwrap_or(3600).max(1).unsigned_abs()),
    })
}

/// The script with the client programs; `passes` says whether the dump is in a bucket and only passes through here.
fn client(args: &Args, file: &str, script: Script<'_>, passes: bool) -> Result<Program, ModuleError> {
    let secret = args.json("password_secret").ok_or_else(|| missing("password_secret"))?;
    let secret = |key: &str| secret[key].as_str().unwrap_or_default().to_owned();
    let connection = [
        ("MYSQL_HOST", needed(args, "service")?),
        ("MYSQL_PORT", args.int("port").unwrap_or(3306).to_string()),
        ("MYSQL_ACCOUNT", args.str("user").unwrap_or_default().to_owned()),
        ("CLIENT_OPTIONS", args.texts("client_options").unwrap_or_default().join("\n")),
        ("DUMP", format!("{DUMPS}/{file}")),
        ("PASSES", yes_or_no(passes)),
    ];
    let variables = connection.iter().chain(script.variables);
    let mut env: Vec<Value> = variables.map(|(name, value)| json!({"name": name, "value": value})).collect();
    env.push(secret_variable("MYSQL_PWD", &secret("name"), &secret("key")));
    container(args, json!(["bash", "-euo", "pipefail", "-c", script.text]), env)
}

/// A flag as the scripts read it.
pub(super) fn yes_or_no(flag: bool) -> String {
    (if flag { "yes" } else { "no" }).to_owned()
}

/// Removes a dump from its volume.
fn remover(args: &Args, file: &str) -> Result<Program, ModuleError> {
    let dump = format!("{DUMPS}/{file}");
    container(args, json!(["rm", "-f", format!("{dump}.json"), dump]), Vec::new())
}

/// A command in the client's image.
fn container(args: &Args, command: Value, env: Vec<Value>) -> Result<Program, ModuleError> {
    let mut container = vec![("image", needed(args, "image")?.into()), ("command", command)];
    container.extend(args.json("resources").map(|resources| ("resources", resources)));
    Ok(Program { container, env })
}

fn needed(args: &Args, name: &str) -> Result<String, ModuleError> {
    args.str(name).filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> ModuleError {
    ModuleError::new(format!("missing required arguments: {name}"))
}

/// The source of the volume for dumps.
fn volume(args: &Args) -> Result<Value, ModuleError> {
    match args.str("claim").filter(|claim| !claim.is_empty()) {
        Some(claim) => Ok(json!({"persistentVolumeClaim": {"claimName": claim}})),
        None if args.get("s3").is_some() => Ok(json!({"emptyDir": {}})),
        None => Err(ModuleError::new("claim and s3 are missing: which volume or bucket has the dumps?")),
    }
}

fn file(args: &Args, name: &str) -> Result<String, ModuleError> {
    let file = args.str("file").map_or_else(|| format!("{name}.sql.gz"), str::to_owned);
    let leaves = file.starts_with('/') || file.split('/').any(|part| part.is_empty() || part == "..");
    if leaves {
        return Err(ModuleError::new(format!("file: {file:?} is no path within the volume")));
    }
    Ok(file)
}

/// Runs the Job, and reads what its last line tells. A Job that ran before and whose log is gone
/// runs again: both scripts then tell what they did.
///
/// # Errors
/// The Job failed, or told nothing that can be read.
pub(super) async fn run(
    workload: &Workload,
    context: &ModuleContext,
    session: &Session,
) -> Result<(Ended, Value), ModuleError> {
    let mut ended = workload.run(context, session).await?;
    if context.check {
        return Ok((ended, Value::Null));
    }
    let mut told = last_line(&ended.log);
    if told.is_none() && !ended.created {
        ended = workload.run_again(context, session).await?;
        told = last_line(&ended.log);
    }
    let told = told.ok_or_else(|| {
        let message = format!("the Job {} ended well, but its log does not tell what it did", workload.name);
        ModuleError::new(message).with("log", ended.log.clone())
    })?;
    Ok((ended, told))
}

fn last_line(log: &str) -> Option<Value> {
    serde_json::from_str(log.lines().last()?).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(pairs: &[(&str, &str)]) -> Args {
        let values = pairs.iter().map(|(key, value)| ((*key).into(), crate::jinja::Value::from(*value)));
        Args { values: values.collect() }
    }

    #[test]
    fn a_dump_stays_on_its_volume() {
        assert_eq!(file(&args(&[]), "nightly").unwrap(), "nightly.sql.gz");
        assert_eq!(file(&args(&[("file", "a/b.sql.gz")]), "x").unwrap(), "a/b.sql.gz");
        for wrong in ["/etc/passwd", "../x", "a/../../x", "a//b"] {
            assert!(file(&args(&[("file", wrong)]), "x").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_dump_has_a_volume_or_passes_through_one() {
        let source = |pairs| volume(&args(pairs)).map_err(|error| error.to_string());
        assert_eq!(source(&[("s3", "b")]), Ok(json!({"emptyDir": {}})));
        let claim = Ok(json!({"persistentVolumeClaim": {"claimName": "c"}}));
        assert_eq!(source(&[("claim", "c")]), claim);
        assert_eq!(source(&[("s3", "b"), ("claim", "c")]), claim);
        assert!(source(&[("claim", "")]).unwrap_err().starts_with("claim and s3 are missing"));
    }

    #[test]
    fn the_last_line_tells() {
        assert_eq!(last_line("dumping\n{\"rows\": 3}\n"), Some(json!({"rows": 3})));
        assert_eq!(last_line("dumping\nfailed"), None);
        assert_eq!(last_line(""), None);
    }
}
