//! `daytwo.core.mysqlrestore`: a dump from a volume or a bucket into a server of the cluster.

use async_trait::async_trait;
use serde_json::Value;

use super::super::super::session::Session;
use super::super::workload::with_log;
use super::server::{self, SERVER, Script, Work};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Doc, Opt, Spec};

/// The module.
pub(in super::super) struct Restore;

/// What the Job runs.
const SCRIPT: &str = concat!(include_str!("client.sh"), include_str!("restore.sh"));

pub(in super::super) static SPEC: Spec = Spec {
    fragments: &[SERVER],
    doc: Doc {
        text: "Reads a dump from a volume or a bucket into a MySQL or MariaDB server of the cluster.\n\n\
            First the dump's sha256 is compared with the one beside it (`FILE.json`), or with `sha256`; a \
            dump that is damaged, or whose checksum nobody knows, is refused; so is a dump of MariaDB for \
            MySQL or of MySQL for MariaDB, as neither reads the other's. So is a server that is not \
            empty, unless `existing` says what becomes of its databases. In the end the rows of every table \
            are counted and compared with those of the dump.",
        returns: &[
            ("restored", "`file`, `sha256`, `server` (its version), `seconds`, `rows`, and `tables`: the rows of each"),
            ("log", "the end of the Job's log"),
        ],
        examples: "- name: Read the dump into the new server\n  \
            daytwo.core.mysqlrestore:\n    \
              name: db-new-restore\n    \
              namespace: shop\n    \
              image: registry.example/mariadb:10.11\n    \
              service: db-new\n    \
              password_secret: {name: db-root}\n    \
              claim: db-backup\n    \
              file: db-2026-05-01.sql.gz\n  \
            register: restore\n",
    },
    ..Spec::new(
        "daytwo.core.mysqlrestore",
        &[
            Opt::str("sha256").default("").doc("The dump's checksum; that of the file beside it unless given."),
            Opt::str("existing").default("refuse").choices(&["refuse", "replace", "keep"]).doc(
                "What becomes of a server that is not empty: it is refused, its databases are dropped, or they \
                 are kept and only what the dump has is replaced.",
            ),
        ],
    )
};

#[async_trait]
impl Module for Restore {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::here(context).await?;
        let text = |name: &str| args.str(name).unwrap_or_default().to_owned();
        let variables = [("SHA256", text("sha256")), ("EXISTING", text("existing"))];
        let read = Work::Read(Script { text: SCRIPT, variables: &variables });
        let workload = server::workload(&session, &args, read).await?;
        let (ended, mut restored) = server::run(&workload, context, &session).await?;
        let result = TaskResult::changed(ended.created);
        if context.check {
            return Ok(result);
        }
        let dumped = restored.as_object_mut().and_then(|told| told.remove("dumped")).unwrap_or_default();
        let result = with_log(result, &ended.log);
        let missing = differences(&dumped["tables"], &restored["tables"]);
        let result = result.with_json("restored", restored);
        if missing.is_empty() {
            return Ok(result);
        }
        let message = format!("restored, but not all that was dumped is there: {}", missing.join(", "));
        Err(ModuleError::Failed(Box::new(result.with("failed", true).with("msg", message))))
    }
}

/// Tables that do not have the rows that the dump has.
fn differences(dumped: &Value, restored: &Value) -> Vec<String> {
    let dumped = dumped.as_object().into_iter().flatten();
    let different = dumped.filter(|(table, rows)| restored[table.as_str()] != **rows);
    different
        .map(|(table, rows)| match restored[table.as_str()].as_i64() {
            Some(found) => format!("{table} has {found} of {rows} rows"),
            None => format!("{table} is missing"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_there_is_named() {
        let dumped = json!({"a.b": 3, "a.c": 2, "a.d": 0});
        assert!(differences(&dumped, &json!({"a.b": 3, "a.c": 2, "a.d": 0, "other": 1})).is_empty());
        assert_eq!(
            differences(&dumped, &json!({"a.b": 1, "a.d": 0})),
            ["a.b has 1 of 3 rows", "a.c is missing"]
        );
        assert!(differences(&Value::Null, &json!({})).is_empty());
    }
}
