//! Statements that the watch over the source runs.

/// Keeps the slot moving when only unpublished tables are busy: a transaction that every slot
/// sees. Cannot run on a standby.
pub const HEARTBEAT: &str = "SELECT pg_catalog.pg_logical_emit_message(true, 'walferry', '')";

/// The server's version, as a number.
pub const SERVER_VERSION: &str = "SELECT pg_catalog.current_setting('server_version_num')::integer";

/// $1 slot: end of WAL, bytes that the slot retains, state and bytes it may still retain (13+).
pub const SLOT: &str = include_str!("watch_slot.sql");

/// Of temporary slots whose names begin with $1: name, bytes that each retains, state and bytes it
/// may still retain (13+).
pub const LOAD_SLOTS: &str = include_str!("watch_load_slots.sql");

/// As [`SLOT`] before 13, which knows neither state nor limit.
pub const SLOT_BEFORE_13: &str = include_str!("watch_slot_before_13.sql");

/// How many of the subtransactions $1 were rolled back, or are not known any more (13+).
pub const ROLLED_BACK: &str = include_str!("watch_rolled_back.sql");

/// Whether everybody sees what the transactions $1 did (13+).
pub const ARE_VISIBLE: &str = include_str!("watch_visible.sql");

/// The tables that the publications $1 send: oid and name of the publication, then oid, schema and
/// name of the table; NULLs where it sends none, no row for one that does not exist.
pub const PUBLISHED: &str = include_str!("watch_publication.sql");
