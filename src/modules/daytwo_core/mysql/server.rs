//! What dumping and restoring share: which server, as whom, where the dump is, and the Job.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::session::Session;
use super::super::workload::{Ended, Mount, Workload, secret_variable};
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
    Opt::str("image").required().doc("An image with the client programs, best that of the server."),
    Opt::str("service").required().doc("The server: its Service."),
    Opt::new("port", Kind::Int).default("3306").doc("Its port."),
    Opt::str("user").default("root").doc("The account, which may read (or make) all that is dumped."),
    Opt::new("password_secret", Kind::Dict)
        .required()
        .options(PASSWORD_SECRET)
        .doc("The Secret that holds its password."),
    Opt::str("claim").doc("The PersistentVolumeClaim for dumps."),
    Opt::str("file").doc("Path of the dump on the volume; `NAME.sql.gz` unless given."),
    Opt::new("s3", Kind::Dict).doc("A bucket instead of a volume: not built yet, so it is refused."),
    Opt::new("client_options", Kind::ListOfStr)
        .doc("Options for the client programs, such as `--skip-ssl` for a newer client than server."),
    Opt::new("run_as_user", Kind::Int).default("999").doc("User and group of the Job's pod."),
    Opt::new("resources", Kind::Dict).doc("Requests and limits of the Job's container."),
    Opt::new("retries", Kind::Int).default("0").doc("How often a pod may fail before the task does."),
    Opt::new("timeout", Kind::Int).default("3600").doc("Seconds until it must be done."),
];

/// Where the pod sees the volume.
const DUMPS: &str = "/dumps";

/// The Job that runs a script with the client programs; `variables` beside those of the connection.
///
/// # Errors
/// No volume, or a bucket, or a path that leaves the volume.
pub(super) fn workload(
    session: &Session,
    args: &Args,
    script: &str,
    variables: &[(&str, String)],
) -> Result<Workload, ModuleError> {
    let namespace = args.str("namespace").unwrap_or_else(|| session.client.default_namespace());
    let name = args.str("name").unwrap_or_default();
    let secret = args.json("password_secret").unwrap_or_default();
    let secret = |key: &str| secret[key].as_str().unwrap_or_default().to_owned();
    let text = |name: &str| args.str(name).unwrap_or_default().to_owned();
    let port = args.int("port").unwrap_or(3306).to_string();
    let connection = [
        ("MYSQL_HOST", text("service")),
        ("MYSQL_PORT", port),
        ("MYSQL_ACCOUNT", text("user")),
        ("CLIENT_OPTIONS", args.texts("client_options").unwrap_or_default().join("\n")),
        ("DUMP", format!("{DUMPS}/{}", file(args, name)?)),
    ];
    let variables = connection.iter().chain(variables);
    let mut env: Vec<Value> = variables.map(|(name, value)| json!({"name": name, "value": value})).collect();
    env.push(secret_variable("MYSQL_PWD", &secret("name"), &secret("key")));
    let mut container =
        vec![("image", text("image").into()), ("command", json!(["bash", "-euo", "pipefail", "-c", script]))];
    container.extend(args.json("resources").map(|resources| ("resources", resources)));
    Ok(Workload {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        container,
        env,
        mounts: vec![Mount {
            path: DUMPS.to_owned(),
            source: json!({"persistentVolumeClaim": {"claimName": claim(args)?}}),
            read_only: false,
        }],
        service_account: None,
        user: args.int("run_as_user").unwrap_or_default(),
        retries: args.int("retries").unwrap_or_default(),
        timeout: Duration::from_secs(args.int("timeout").unwrap_or(3600).max(1).unsigned_abs()),
    })
}

fn claim(args: &Args) -> Result<String, ModuleError> {
    if args.get("s3").is_some() {
        return Err(ModuleError::new(
            "s3: dumps in a bucket are not built yet; give a claim, a volume for dumps",
        ));
    }
    let claim = args.str("claim").filter(|claim| !claim.is_empty());
    claim.map(str::to_owned).ok_or_else(|| ModuleError::new("claim is missing: which volume has the dumps?"))
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
    fn a_bucket_is_refused_by_name() {
        let error = claim(&args(&[("s3", "bucket"), ("claim", "c")])).unwrap_err().to_string();
        assert!(error.starts_with("s3: "), "{error}");
    }

    #[test]
    fn the_last_line_tells() {
        assert_eq!(last_line("dumping\n{\"rows\": 3}\n"), Some(json!({"rows": 3})));
        assert_eq!(last_line("dumping\nfailed"), None);
        assert_eq!(last_line(""), None);
    }
}
