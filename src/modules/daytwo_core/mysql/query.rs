//! `daytwo.core.mysql_query`: SQL on a server of the cluster, through its own client in its own pod.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::super::session::{Session, failure};
use super::server::PASSWORD_SECRET;
use super::{rows, statement};
use crate::cluster::ready::{Readiness, readiness};
use crate::cluster::{Exec, Executed, ListQuery, Object, Target};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Doc, Kind, Opt, Requirement, Spec};

/// The module.
pub(in super::super) struct Query;

/// What runs in the pod. The password and the SQL come on standard input, so that no list of processes
/// shows them; the length says where the SQL ends, as not every way to a pod can close that input.
const SCRIPT: &str = "IFS= read -r MYSQL_PWD; IFS= read -r size; export MYSQL_PWD; \
    head -c \"$size\" | \"$(command -v mariadb || command -v mysql)\" \"$@\"";

pub(in super::super) static SPEC: Spec = Spec {
    requirements: &[
        Requirement::OneOf(&["service", "pod"]),
        Requirement::MutuallyExclusive(&["service", "pod"]),
    ],
    doc: Doc {
        text: "Reads a value from a MySQL or MariaDB server of the cluster, or runs SQL on it.\n\n\
            The SQL runs in the server's own pod with its own client, so no port need be reachable. \
            Statements go through one session, in order, up to the first that fails. Values for `%(name)s` \
            are quoted. In check mode only statements that read run.",
        returns: &[
            (
                "query_result",
                "for each statement that gave rows: a list of rows, each a dict of texts (`none` for NULL)",
            ),
            ("rows", "the rows of the last of them"),
            ("value", "the first field of the first of these rows"),
            ("executed_queries", "the statements, without values"),
        ],
        examples: "- name: How many orders are there?\n  \
            daytwo.core.mysql_query:\n    \
              service: db\n    \
              namespace: shop\n    \
              password_secret: {name: db-root}\n    \
              query: SELECT COUNT(*) FROM shop.orders\n  \
            register: orders\n\n\
            - name: A new password for the application\n  \
            daytwo.core.mysql_query:\n    \
              service: db\n    \
              namespace: shop\n    \
              password_secret: {name: db-root}\n    \
              query: ALTER USER app IDENTIFIED BY %(new)s\n    \
              secret_args:\n      \
                new: {name: db-app-next, key: password}\n",
    },
    ..Spec::new(
        "daytwo.core.mysql_query",
        &[
            Opt::str("service").doc("The server's Service: one of its ready pods is used."),
            Opt::str("pod").doc("The server's pod."),
            Opt::str("namespace").doc("Its namespace; that of the connection unless given."),
            Opt::str("container").doc("The container with the client; the first one unless given."),
            Opt::str("user").default("root").doc("The account."),
            Opt::new("password_secret", Kind::Dict)
                .required()
                .options(PASSWORD_SECRET)
                .doc("The Secret that holds its password."),
            Opt::str("database").doc("The database to use."),
            Opt::new("query", Kind::Raw).required().doc("A statement, or a list of statements."),
            Opt::new("named_args", Kind::Dict).doc("Values for `%(name)s` in the statements."),
            Opt::new("secret_args", Kind::Dict)
                .doc("The same from Secrets: `name: {name: of the Secret, key: in it}`."),
            Opt::flag("single_transaction").doc("Run the statements in one transaction."),
        ],
    )
};

#[async_trait]
impl Module for Query {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::here(context).await?;
        let namespace =
            args.str("namespace").unwrap_or_else(|| session.client.default_namespace()).to_owned();
        let statements = statements(&args);
        let writes = statements.iter().any(|text| !statement::only_reads(text));
        let result = TaskResult::changed(writes).with_json("executed_queries", json!(statements));
        if context.check && writes {
            return Ok(result.with_json("query_result", json!([])).with_json("rows", json!([])));
        }
        let values = values(&session, &namespace, &args).await?;
        let sql = sql(&statements, &values, args.flag("single_transaction"))?;
        let server = Server::find(&session, &namespace, &args).await?;
        let ended = context.until_cancelled(server.run(&session, &args, &sql)).await??;
        let results = rows::results(&ended);
        let last = results.last().cloned().unwrap_or_default();
        let value = last.first().and_then(|row| row.values().next()).cloned().unwrap_or_default();
        Ok(result
            .with_json("query_result", json!(results))
            .with_json("rows", json!(last))
            .with_json("value", value))
    }
}

fn statements(args: &Args) -> Vec<String> {
    let given = match args.json("query") {
        Some(Value::Array(list)) => list,
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let texts = given.iter().map(|text| text.as_str().map_or_else(|| text.to_string(), str::to_owned));
    texts.map(|text| text.trim().trim_end_matches(';').to_owned()).filter(|text| !text.is_empty()).collect()
}

async fn values(
    session: &Session,
    namespace: &str,
    args: &Args,
) -> Result<BTreeMap<String, String>, ModuleError> {
    let dict = |name: &str| match args.json(name) {
        Some(Value::Object(entries)) => entries,
        _ => Map::new(),
    };
    let mut values = BTreeMap::new();
    for (name, value) in dict("named_args") {
        values.insert(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    for (name, reference) in dict("secret_args") {
        let value = secret_value(session, namespace, &reference).await;
        values.insert(name.clone(), value?);
    }
    Ok(values)
}

/// The text under a key of a Secret.
async fn secret_value(session: &Session, namespace: &str, reference: &Value) -> Result<String, ModuleError> {
    let name = reference["name"].as_str().unwrap_or_default();
    let key = reference["key"].as_str().unwrap_or("password");
    let secrets = session.resource("v1", "Secret").await?;
    let found = session.client.get(Target::new(&secrets, Some(namespace), name)).await;
    let found = found.map_err(|error| failure(&format!("failed to read the Secret {name}"), &error))?;
    let secret = found.ok_or_else(|| ModuleError::new(format!("there is no Secret {name:?}")))?;
    let text = secret.0["data"][key].as_str();
    let text = text.ok_or_else(|| ModuleError::new(format!("the Secret {name} has no key {key:?}")))?;
    let bytes = STANDARD.decode(text).unwrap_or_default();
    String::from_utf8(bytes).map_err(|_| ModuleError::new(format!("{key:?} of the Secret {name} is no text")))
}

fn sql(
    statements: &[String],
    values: &BTreeMap<String, String>,
    single_transaction: bool,
) -> Result<String, ModuleError> {
    let mut sql = String::new();
    if single_transaction {
        sql.push_str("START TRANSACTION;\n");
    }
    for text in statements {
        let text = statement::with_values(text, values).map_err(|name| {
            ModuleError::new(format!("there is no value for %({name})s in named_args or secret_args"))
        })?;
        sql.push_str(&text);
        sql.push_str(";\n");
    }
    if single_transaction {
        sql.push_str("COMMIT;\n");
    }
    Ok(sql)
}

/// The pod in which the client runs, and the password.
struct Server {
    namespace: String,
    pod: String,
    container: String,
    password: String,
}

impl Server {
    async fn find(session: &Session, namespace: &str, args: &Args) -> Result<Self, ModuleError> {
        let password = args.json("password_secret").unwrap_or_default();
        let password = secret_value(session, namespace, &password).await?;
        if password.contains('\n') {
            return Err(ModuleError::new("the password has several lines: no client takes that"));
        }
        let pod = match args.str("pod") {
            Some(name) => pod(session, namespace, name).await?,
            None => ready_pod(session, namespace, args.str("service").unwrap_or_default()).await?,
        };
        let first = pod.0.pointer("/spec/containers/0/name").and_then(Value::as_str).unwrap_or_default();
        let container = args.str("container").unwrap_or(first).to_owned();
        Ok(Self { namespace: namespace.to_owned(), pod: pod.name().to_owned(), container, password })
    }

    /// Runs the SQL; what the client printed.
    async fn run(&self, session: &Session, args: &Args, sql: &str) -> Result<String, ModuleError> {
        let user = format!("--user={}", args.str("user").unwrap_or("root"));
        let database = args.str("database").map(|database| format!("--database={database}"));
        let mut command = vec!["sh", "-c", SCRIPT, "sh", &user, "--xml", "--default-character-set=utf8mb4"];
        command.extend(database.as_deref());
        let exec = Exec {
            namespace: &self.namespace,
            pod: &self.pod,
            container: Some(&self.container),
            command: &command,
        };
        let input = format!("{}\n{}\n{sql}", self.password, sql.len());
        let mut input = input.as_bytes();
        let mut stdout = Vec::new();
        let failed =
            |why: &str| ModuleError::new(format!("failed to run SQL in the pod {}: {why}", self.pod));
        let ended = session.client.exec(exec, Some(&mut input), &mut stdout).await;
        let Executed { stderr, code, message } = ended.map_err(|error| failed(&error.to_string()))?;
        match code {
            Some(0) => Ok(String::from_utf8_lossy(&stdout).into_owned()),
            Some(code) => Err(failed(String::from_utf8_lossy(&stderr).trim()).with("rc", code)),
            None => Err(failed(&message)),
        }
    }
}

async fn pod(session: &Session, namespace: &str, name: &str) -> Result<Object, ModuleError> {
    let pods = session.resource("v1", "Pod").await?;
    let found = session.client.get(Target::new(&pods, Some(namespace), name)).await;
    let found = found.map_err(|error| failure(&format!("failed to read the Pod {name}"), &error))?;
    found.ok_or_else(|| ModuleError::new(format!("there is no Pod {name:?}")))
}

/// A ready pod behind a Service.
async fn ready_pod(session: &Session, namespace: &str, name: &str) -> Result<Object, ModuleError> {
    let services = session.resource("v1", "Service").await?;
    let found = session.client.get(Target::new(&services, Some(namespace), name)).await;
    let found = found.map_err(|error| failure(&format!("failed to read the Service {name}"), &error))?;
    let service = found.ok_or_else(|| ModuleError::new(format!("there is no Service {name:?}")))?;
    let labels = super::super::labels_text(&service.0["spec"]["selector"]);
    if labels.is_empty() {
        return Err(ModuleError::new(format!("the Service {name} selects no pods: name the pod")));
    }
    let pods = session.resource("v1", "Pod").await?;
    let query = ListQuery { labels: Some(labels), fields: None, metadata_only: false };
    let found = session.client.list(&pods, Some(namespace), &query).await;
    let found = found.map_err(|error| failure(&format!("failed to list the pods of {name}"), &error))?;
    let why: Vec<String> = found
        .iter()
        .filter_map(|pod| Some(format!("{}: {}", pod.name(), readiness(pod).reason()?)))
        .collect();
    let ready = found.into_iter().find(|pod| readiness(pod) == Readiness::Ready);
    ready.ok_or_else(|| {
        let why = if why.is_empty() { "it has none".to_owned() } else { why.join("; ") };
        ModuleError::new(format!("no pod of the Service {name} is ready: {why}"))
    })
}
