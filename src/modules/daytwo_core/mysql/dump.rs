//! `daytwo.core.mysqldump`: a dump of a server of the cluster on a volume or in a bucket.

use async_trait::async_trait;

use super::super::super::session::Session;
use super::super::workload::with_log;
use super::server::{self, SERVER, Script, Work};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Doc, Kind, Opt, Spec};

/// The module.
pub(in super::super) struct Dump;

/// What the Job runs.
const SCRIPT: &str = concat!(include_str!("client.sh"), include_str!("dump.sh"));

pub(in super::super) static SPEC: Spec = Spec {
    fragments: &[SERVER],
    doc: Doc {
        text: "Dumps the databases and accounts of a MySQL or MariaDB server of the cluster to a volume or a bucket.\n\n\
            A Job with the client's image reads all tables as they are at one moment (`lock` for tables that \
            know no transactions), with routines, triggers and events, and the accounts with their grants; \
            the tables of the server itself are left out, so that the dump fits another version. \
            It is compressed, its sha256 is taken and the rows of each table are counted on the way; both \
            stand beside the dump in `FILE.json`. A file bears the dump's name only when it is whole. A dump \
            that is there is told again and not made again: another name asks for another dump.",
        returns: &[
            (
                "dump",
                "`name`, `file`, `bytes`, `sha256`, `server` (its version), `completedAt`, `seconds`, `rows`, and `tables`: the rows of each",
            ),
            ("log", "the end of the Job's log"),
        ],
        examples: "- name: Dump everything\n  \
            daytwo.core.mysqldump:\n    \
              name: db-2026-05-01\n    \
              namespace: shop\n    \
              image: registry.example/mariadb:10.11\n    \
              service: db\n    \
              password_secret: {name: db-root}\n    \
              claim: db-backup\n    \
              timeout: 1800\n  \
            register: nightly\n\n\
            - name: Dump everything to a bucket\n  \
            daytwo.core.mysqldump:\n    \
              name: db-2026-05-02\n    \
              namespace: shop\n    \
              image: registry.example/mariadb:10.11\n    \
              service: db\n    \
              password_secret: {name: db-root}\n    \
              s3:\n      \
                bucket: dumps\n      \
                prefix: shop/db\n      \
                endpoint: https://minio.storage.svc:9000\n      \
                secret: {name: minio-key}\n",
    },
    ..Spec::new(
        "daytwo.core.mysqldump",
        &[
            Opt::str("state")
                .default("present")
                .choices(&["present", "absent"])
                .doc("Whether the dump is to be there; `absent` removes it and what stands beside it."),
            Opt::new("databases", Kind::ListOfStr)
                .doc("Which databases; all but the server's own unless given."),
            Opt::new("accounts", Kind::Bool)
                .default("true")
                .doc("Dump accounts and grants too (never root's)."),
            Opt::flag("lock").doc("Lock all tables while they are read, for engines without transactions."),
            Opt::new("compression_level", Kind::Int).default("6").doc("Of gzip: 1 is fast, 9 is small."),
        ],
    )
};

#[async_trait]
impl Module for Dump {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::here(context).await?;
        if args.str("state") == Some("absent") {
            let workload = server::workload(&session, &args, Work::Remove).await?;
            let ended = workload.run(context, &session).await?;
            return Ok(with_log(TaskResult::changed(ended.created), &ended.log));
        }
        let level = args.int("compression_level").unwrap_or(6);
        if !(1..=9).contains(&level) {
            return Err(ModuleError::new(format!("compression_level: {level} is not from 1 to 9")));
        }
        let variables = [
            ("DATABASES", args.texts("databases").unwrap_or_default().join("\n")),
            ("ACCOUNTS", server::yes_or_no(args.flag("accounts"))),
            ("LOCK", server::yes_or_no(args.flag("lock"))),
            ("LEVEL", level.to_string()),
        ];
        let make = Work::Make(Script { text: SCRIPT, variables: &variables });
        let workload = server::workload(&session, &args, make).await?;
        let (ended, dump) = server::run(&workload, context, &session).await?;
        let result = TaskResult::changed(ended.created);
        if context.check {
            return Ok(result);
        }
        Ok(with_log(result, &ended.log).with_json("dump", dump))
    }
}
