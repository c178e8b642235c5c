//! What was written → what may be relied on.
//!
//! [`load`] merges the file and the environment into one raw tree (private to this folder), checks
//! all of it, and returns a [`Config`] in which everything is valid, or every fault at once.
//!
//! ```text
//! raw: file + environment → tree  →  section: typed reader  →  check: rules  →  Config
//!                                               └──── faults ────┴──▶ one Error
//! ```

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use naming::Naming;
pub use protect::{Protect, Rule, Wish};
pub use selection::{Glob, Pattern, Selection};

mod check;
mod endpoint;
mod faults;
mod naming;
mod observability;
mod protect;
mod raw;
mod secret_file;
mod section;
mod selection;
mod ssh;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use crate::error::Result;
use crate::transport::{Endpoint, Secret};

/// Reads the configuration: the file at `path`, else `./walferry.toml`, else
/// `/etc/walferry/walferry.toml`, and over it the variables `WALFERRY__SECTION__KEY`.
///
/// Returns every fault there is as one error of [`crate::Kind::Config`].
pub fn load(path: Option<&Path>) -> Result<Config> {
    check::check(&raw::read(path, std::env::vars_os())?)
}

/// Checks a configuration that is no file and takes nothing from the environment. Relative paths
/// start where the process runs.
pub fn parse(text: &str) -> Result<Config> {
    check::check(&raw::Written {
        tree: raw::merge(text, None, config::Map::new())?,
        file: None,
        exposed: None,
    })
}

/// The checked configuration. Holding one means: every key was understood and every rule held.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from; `None` when everything came from the environment.
    pub file: Option<PathBuf>,
    /// `[pipeline] name`: names the bookkeeping rows; letters, digits, `_`, `-`; 1 to 63 bytes.
    pub pipeline: String,
    /// `[source]`
    pub source: Source,
    /// `[destination]`
    pub destination: Destination,
    /// `[tables]`
    pub tables: Selection,
    /// `[tables]`: columns that are not copied as they are.
    pub protect: Protect,
    /// `[tables] on_schema_change`
    pub schema_changes: SchemaChanges,
    /// `[tables] missing_types`
    pub missing_types: MissingTypes,
    /// `[tables] on_table_error`
    pub table_errors: TableErrors,
    /// `[apply]`
    pub apply: Apply,
    /// `[snapshot]`
    pub snapshot: Snapshot,
    /// `[observability]`
    pub observability: Observability,
}

/// `[source]`: what is read.
#[derive(Clone, Debug)]
pub struct Source {
    /// How to reach it.
    pub endpoint: Endpoint,
    /// `[source.replication] slot`; lower-case letters, digits and `_`, 1 to 63 bytes.
    pub slot: String,
    /// `[source.replication] publication`: one or more, any identifiers of 1 to 63 bytes.
    pub publications: Vec<String>,
    /// `[source.replication] on_lost_slot`
    pub lost_slot: LostSlot,
}

/// `[source.replication] on_lost_slot`: what happens when changes are gone with the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostSlot {
    /// The pipeline halts.
    Halt,
    /// All tables are loaded again, beside a new slot.
    Resync,
}

/// `[destination]`: what is written.
#[derive(Clone, Debug)]
pub struct Destination {
    /// How to reach it.
    pub endpoint: Endpoint,
    /// `schema_prefix` and `[destination.schemas]`.
    pub naming: Naming,
    /// Where the bookkeeping tables live.
    pub state_schema: String,
    /// Roles that get USAGE and SELECT on what is created.
    pub readers: Vec<String>,
}

/// `[tables] on_schema_change`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaChanges {
    /// The destination's tables are altered likewise, or loaded again.
    Follow,
    /// The pipeline halts.
    Halt,
    /// New columns are left out; all else is followed, without which copies would be wrong.
    Ignore,
}

/// `[tables] missing_types`: what becomes of columns whose type the destination cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingTypes {
    /// They become text.
    Text,
    /// Their table is refused.
    Error,
}

/// `[tables] on_table_error`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableErrors {
    /// The pipeline halts.
    Halt,
    /// It goes on without the table.
    Quarantine,
}

/// `[apply]`
#[derive(Clone, Debug)]
pub struct Apply {
    /// Rows after which a batch is handed over even though more could be folded into it.
    pub batch_rows_max: usize,
    /// Bytes of row data that all batches in memory may hold together.
    pub memory_bytes_max: usize,
    /// Where transactions in progress are kept that do not fit in memory.
    pub spool_directory: PathBuf,
    /// Bytes that they may take there; with 0 the source keeps them until they commit.
    pub spool_bytes_max: u64,
    /// How long one statement of a batch may take; `None` for as long as it takes.
    pub statement_timeout: Option<Duration>,
    /// How long a batch waits for a lock that somebody else holds on a copy; `None` for ever.
    pub lock_timeout: Option<Duration>,
}

/// `[snapshot]`
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Tables that are copied at the same time; 1 to 64.
    pub workers: usize,
    /// Large tables whose keys and indexes are built at the same time; 1 to 64.
    pub index_workers: usize,
    /// `maintenance_work_mem` of each of them.
    pub index_memory_bytes: u64,
    /// Which indexes the destination tables get.
    pub indexes: Indexes,
    /// Percent of a page that the load fills in tables with a key; 10 to 100.
    pub fillfactor: u8,
}

/// `[snapshot] indexes`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexes {
    /// The primary key, and the replica identity's index.
    Primary,
    /// The secondary indexes too.
    All,
    /// None at all: for tables that only grow, or when somebody else makes them.
    None,
}

/// `[observability]`
#[derive(Clone, Debug)]
pub struct Observability {
    /// Where the HTTP endpoints listen; `None` turns them off.
    pub listen: Option<SocketAddr>,
    /// What a reader of `/status` and `/metrics` has to show; `None`: nothing.
    pub token: Option<Secret>,
    /// `tls_cert` and `tls_key`: PEM files; `None`: the endpoints speak plain HTTP.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// A filter of tracing-subscriber, for example `info` or `walferry=debug`.
    pub log_level: String,
}

/// `log_format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line an event.
    Text,
    /// One JSON object a line.
    Json,
    /// Straight to systemd-journald, with fields.
    Journald,
}
