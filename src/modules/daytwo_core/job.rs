//! `daytwo.core.job`: run a program in a pod to its end.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::super::session::Session;
use super::workload::{Mount, Program, Workload, secret_variable, with_log};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Doc, Kind, Opt, Spec};

/// The module.
pub(super) struct Job;

pub(super) static SPEC: Spec = Spec {
    doc: Doc {
        text: "Runs a program in a pod to its end, and gives its log.\n\n\
            The Job of a name is made once. A later run of the task finds it, waits for its end if it still \
            runs, and gives the same result; so a task that a restart of the operator cut off goes on where \
            it was. A Job that failed is made anew. Another name makes another Job. The pod runs without \
            root, without privileges, and with a `/tmp` that it may write to.",
        returns: &[
            ("log", "the last 200 lines of the log"),
            ("log_lines", "the same, as a list"),
            ("job", "the Job"),
        ],
        examples: "- name: Count the rows\n  \
            daytwo.core.job:\n    \
              name: count-rows\n    \
              namespace: shop\n    \
              image: registry.example/mariadb:10.11\n    \
              command: [mysql, --host=db, --user=reader, --execute=SELECT COUNT(*) FROM shop.orders]\n    \
              env_from_secret:\n      \
                MYSQL_PWD: {name: db-reader, key: password}\n    \
              timeout: 60\n  \
            register: count\n",
    },
    ..Spec::new(
        "daytwo.core.job",
        &[
            Opt::str("name").required().doc("Name of the Job."),
            Opt::str("namespace").doc("Namespace of the Job; that of the connection unless given."),
            Opt::str("image").required().doc("The image with its tag."),
            Opt::new("command", Kind::ListOfStr).doc("The program and its arguments; the image's own unless given."),
            Opt::new("args", Kind::ListOfStr).doc("Arguments of the image's own program."),
            Opt::new("env", Kind::Dict).doc("Environment variables: `NAME: value`."),
            Opt::new("env_from_secret", Kind::Dict)
                .doc("Environment variables from Secrets: `NAME: {name: of the Secret, key: in it}`."),
            Opt::new("volumes", Kind::List).doc(
                "What the program sees as directories: `{mount_path:, claim: | secret: | config_map:, read_only:}`.",
            ),
            Opt::str("service_account").doc("The pod's service account; none is mounted unless given."),
            Opt::new("run_as_user", Kind::Int).default("65532").doc("User and group of the program."),
            Opt::new("resources", Kind::Dict).doc("Requests and limits of the container."),
            Opt::new("retries", Kind::Int).default("0").doc("How often a pod may fail before the Job does."),
            Opt::new("timeout", Kind::Int).default("3600").doc("Seconds until the Job must have ended."),
        ],
    )
};

#[async_trait]
impl Module for Job {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::here(context).await?;
        let workload = workload(&session, &args)?;
        let ended = workload.run(context, &session).await?;
        let result = TaskResult::changed(ended.created);
        if context.check {
            return Ok(result);
        }
        Ok(with_log(result, &ended.log).with_json("job", ended.job))
    }
}

fn workload(session: &Session, args: &Args) -> Result<Workload, ModuleError> {
    let namespace = args.str("namespace").unwrap_or_else(|| session.client.default_namespace());
    let fields = ["image", "command", "args", "resources"];
    Ok(Workload {
        name: args.str("name").unwrap_or_default().to_owned(),
        namespace: namespace.to_owned(),
        programs: vec![Program {
            container: fields.into_iter().filter_map(|field| Some((field, args.json(field)?))).collect(),
            env: environment(args)?,
        }],
        mounts: mounts(args)?,
        service_account: args.str("service_account").map(str::to_owned),
        user: args.int("run_as_user").unwrap_or_default(),
        retries: args.int("retries").unwrap_or_default(),
        timeout: Duration::from_secs(args.int("timeout").unwrap_or(3600).max(1).unsigned_abs()),
    })
}

fn environment(args: &Args) -> Result<Vec<Value>, ModuleError> {
    let mut environment = Vec::new();
    for (name, value) in dict(args, "env") {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        environment.push(json!({"name": name, "value": text}));
    }
    for (name, reference) in dict(args, "env_from_secret") {
        let part = |key: &str| {
            let part = reference[key].as_str().filter(|text| !text.is_empty());
            part.ok_or_else(|| ModuleError::new(format!("env_from_secret: {name} has no {key}")))
        };
        environment.push(secret_variable(&name, part("name")?, part("key")?));
    }
    Ok(environment)
}

fn dict(args: &Args, name: &str) -> Map<String, Value> {
    match args.json(name) {
        Some(Value::Object(entries)) => entries,
        _ => Map::new(),
    }
}

/// Where a volume may come from: the key of the argument, the field of the volume, the field in it.
const SOURCES: [(&str, &str, &str); 3] = [
    ("claim", "persistentVolumeClaim", "claimName"),
    ("config_map", "configMap", "name"),
    ("secret", "secret", "secretName"),
];

fn mounts(args: &Args) -> Result<Vec<Mount>, ModuleError> {
    let given = args.json("volumes").unwrap_or_default();
    let mut mounts = Vec::new();
    for (index, volume) in given.as_array().into_iter().flatten().enumerate() {
        let wrong = |what: &str| ModuleError::new(format!("volumes[{index}] {what}"));
        let path = volume["mount_path"].as_str().ok_or_else(|| wrong("has no mount_path"))?;
        let source =
            SOURCES.iter().find_map(|(key, field, inner)| Some((field, inner, volume[*key].as_str()?)));
        let (field, inner, source) = source.ok_or_else(|| wrong("has none of claim, config_map, secret"))?;
        mounts.push(Mount {
            path: path.to_owned(),
            source: json!({*field: {*inner: source}}),
            read_only: volume["read_only"].as_bool().unwrap_or(false),
        });
    }
    Ok(mounts)
}
