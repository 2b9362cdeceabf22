//! Steps on a MariaDB or MySQL server of the cluster.
//!
//! ```text
//! mysql_query ── exec in the server's pod ──> its own client        (short: a value, a statement)
//! mysqldump, mysqlrestore ── Job ──> client of the image ─ network ─> server, volume with the dumps
//!                                └─> `daytwo dump` <─ volume, network ─> bucket with the dumps
//! ```
//!
//! Passwords come from Secrets only: Jobs refer to them, and an exec gets them on its standard input.

mod bucket;
pub(super) mod dump;
pub(super) mod query;
pub(super) mod restore;
mod rows;
mod server;
mod statement;
