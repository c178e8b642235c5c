//! The JSON of `/status`: what the server writes and `walferry status` reads.
//!
//! Stable: fields are added, never renamed or removed. Names are PostgreSQL's, sizes are bytes,
//! times are RFC 3339 in UTC, positions are printed as PostgreSQL prints a `pg_lsn`.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::load::Load;
use crate::lsn::Lsn;

/// Where a pipeline is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The process has begun; nothing was contacted yet.
    #[default]
    Starting,
    /// Both sides are being looked at, schemas and tables made.
    Preflight,
    /// The initial load is copying tables.
    Snapshot,
    /// Changes are followed as they are committed.
    Streaming,
    /// Something failed that may heal; the next attempt is coming.
    Retrying,
    /// Asked to stop; what is in flight is finished first.
    Draining,
    /// Ended as asked.
    Stopped,
    /// Ended by an error that needs an operator.
    Halted,
}

impl State {
    /// Every state, in the order of a pipeline's life.
    pub const ALL: [State; 8] = [
        State::Starting,
        State::Preflight,
        State::Snapshot,
        State::Streaming,
        State::Retrying,
        State::Draining,
        State::Stopped,
        State::Halted,
    ];

    /// The word in the JSON, the metric label and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Preflight => "preflight",
            State::Snapshot => "snapshot",
            State::Streaming => "streaming",
            State::Retrying => "retrying",
            State::Draining => "draining",
            State::Stopped => "stopped",
            State::Halted => "halted",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where one table is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableState {
    /// Waits for its initial load.
    Pending,
    /// Its rows are being copied.
    Copying,
    /// Its rows are there; keys and indexes are built, or it catches up with the stream.
    Indexing,
    /// Loaded; follows the stream.
    Live,
    /// Set aside after an error; does not follow.
    Quarantined,
}

impl TableState {
    /// Every state, in the order of a table's life.
    pub const ALL: [TableState; 5] = [
        TableState::Pending,
        TableState::Copying,
        TableState::Indexing,
        TableState::Live,
        TableState::Quarantined,
    ];

    /// The word in the JSON, the metric label and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            TableState::Pending => "pending",
            TableState::Copying => "copying",
            TableState::Indexing => "indexing",
            TableState::Live => "live",
            TableState::Quarantined => "quarantined",
        }
    }
}

impl fmt::Display for TableState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The whole answer of `/status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Version of the daemon that answers.
    pub version: String,
    /// `[pipeline] name`
    pub pipeline: String,
    /// Where the pipeline is in its life.
    pub state: State,
    /// When it entered that state.
    pub since: Timestamp,
    /// When the daemon started.
    pub started: Timestamp,
    /// The database that is read.
    pub source: Place,
    /// The database that is written.
    pub destination: Place,
    /// The publication on the source; several with commas between them.
    pub publication: String,
    /// Positions in the source's write-ahead log.
    pub positions: Positions,
    /// How far the destination is behind the source.
    pub lag: Lag,
    /// What the slot keeps on the source.
    pub slot: Slot,
    /// Sums since the daemon started.
    pub counters: Counters,
    /// The newest error, healed or not; `null` when there was none.
    pub last_error: Option<LastError>,
    /// The load that is under way; `null` when there is none.
    #[serde(default)]
    pub load: Option<Load>,
    /// In name order.
    pub tables: Vec<Table>,
}

/// One database, without the role that logs in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `host:port`, or the path of the unix socket.
    pub host: String,
    /// The database's name.
    pub database: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.database)
    }
}

/// `0/0` means: not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// How far the wire was read.
    pub received: Lsn,
    /// How far the destination has committed.
    pub applied: Lsn,
    /// How far the slot was acknowledged: the destination has flushed all before it.
    pub confirmed: Lsn,
    /// The end of the source's log, as it last told.
    pub server_end: Lsn,
}

/// How far the destination is behind the source; `null` while unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    /// Bytes of log between `applied` and `server_end`.
    pub bytes: Option<u64>,
    /// Seconds from the commit on the source to the commit in the destination.
    pub seconds: Option<f64>,
}

/// The replication slot; sizes are `null` until the source was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The slot's name.
    pub name: String,
    /// Bytes of log that the source keeps for the slot.
    pub retained_bytes: Option<u64>,
    /// Bytes that may still be written before the slot is in danger; `null` also when the source
    /// sets no limit.
    pub safe_bytes: Option<u64>,
    /// `pg_replication_slots.wal_status`: reserved, extended, unreserved or lost (13+).
    pub wal_status: Option<String>,
}

/// Sums since the daemon started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Source transactions committed in the destination.
    pub transactions: u64,
    /// Destination transactions they were folded into.
    pub batches: u64,
    /// All changes of the four kinds below.
    pub changes: u64,
    /// Rows inserted.
    pub inserts: u64,
    /// Rows updated.
    pub updates: u64,
    /// Rows deleted.
    pub deletes: u64,
    /// Tables truncated.
    pub truncates: u64,
    /// Lost connections to either side that were opened again.
    pub reconnects: u64,
    /// Errors of all kinds.
    pub errors: u64,
}

/// An error as `/status` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// [`crate::Kind::as_str`]
    pub kind: String,
    /// The error in one line.
    pub what: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// When it happened.
    pub at: Timestamp,
}

/// One table of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// `nspname` on the source
    pub schema: String,
    /// `relname` on the source
    pub table: String,
    /// Where it is in its life.
    pub state: TableState,
    /// Rows that the load has copied so far.
    pub rows: u64,
    /// Bytes of COPY data that the load has copied so far.
    pub bytes: u64,
    /// `bytes` in the end: the size of the table on the source, an estimate, until it is known.
    pub bytes_expected: u64,
    /// How much of its load is done, in percent: 100 once it is live, and not before.
    #[serde(default)]
    pub percent: u64,
    /// Bytes copied a second, over the last seconds; `null` while it is not being copied.
    #[serde(default)]
    pub bytes_per_second: Option<u64>,
    /// How long its rows still take at this rate; `null` while nothing moves.
    #[serde(default)]
    pub remaining_seconds: Option<u64>,
    /// Row changes that were applied to it since the daemon started.
    pub changes: u64,
    /// Why it is quarantined; `null` otherwise.
    #[serde(default)]
    pub error: Option<String>,
    /// It is part of the load under way, also once it is live.
    #[serde(skip)]
    pub(super) in_load: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_spelt_in_json_as_in_labels() {
        for state in State::ALL {
            let json = serde_json::to_value(state).unwrap();
            assert_eq!(json, state.as_str());
        }
        for state in TableState::ALL {
            let json = serde_json::to_value(state).unwrap();
            assert_eq!(json, state.as_str());
        }
    }
}
