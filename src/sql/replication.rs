//! Commands of the replication protocol.

use std::time::Duration;

use super::{Ident, Literal};
use crate::lsn::Lsn;

/// Who are you, where are you.
pub const IDENTIFY_SYSTEM: &str = "IDENTIFY_SYSTEM";

/// How the server came to a timeline: which others it was on before, and where it left each.
pub fn timeline_history(timeline: i32) -> String {
    format!("TIMELINE_HISTORY {timeline}")
}

/// Asks the server to wait this long for a sign of life of ours (12+).
pub fn set_wal_sender_timeout(milliseconds: u128) -> String {
    format!("SET wal_sender_timeout = {milliseconds}")
}

/// Makes the permanent slot and exports its snapshot. `failover` needs 17+.
pub fn create_slot(slot: &str, failover: bool) -> String {
    let slot = Ident(slot);
    if failover {
        return format!(
            "CREATE_REPLICATION_SLOT {slot} LOGICAL pgoutput (SNAPSHOT 'export', FAILOVER true)"
        );
    }
    format!("CREATE_REPLICATION_SLOT {slot} LOGICAL pgoutput EXPORT_SNAPSHOT")
}

/// Drops a slot that nobody reads.
pub fn drop_slot(slot: &str) -> String {
    format!("DROP_REPLICATION_SLOT {}", Ident(slot))
}

/// Makes a slot that ends with the session, for the sake of its exported snapshot.
pub fn create_temporary_slot(slot: &str) -> String {
    let slot = Ident(slot);
    format!("CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT")
}

/// How changes are to come.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// `server_version_num` of the source; messages need 14+.
    pub version: u32,
    /// Values in binary; needs 14+.
    pub binary: bool,
    /// Large transactions before they commit; needs 14+.
    pub in_progress: bool,
}

/// Starts the stream after `start`, the end of the last commit that is durable.
pub fn start_replication(
    slot: &str,
    start: Lsn,
    publications: &[String],
    format: Format,
) -> String {
    // The option is a list of identifiers inside a literal: both layers are quoted. Replication
    // commands know nothing of the escapes of SQL: there a backslash stands for itself.
    let publications = super::ident_list(publications.iter().map(String::as_str));
    let publications = publications.replace('\'', "''");
    let if_so = |so: bool, option: &'static str| if so { option } else { "" };
    let messages = if_so(format.version >= 140_000, ", messages 'true'");
    let binary = if_so(format.binary, ", binary 'true'");
    let streaming = if_so(format.in_progress, ", streaming 'on'");
    let protocol = if format.in_progress { 2 } else { 1 };
    format!(
        "START_REPLICATION SLOT {} LOGICAL {start} (proto_version '{protocol}', \
         publication_names '{publications}'{messages}{binary}{streaming})",
        Ident(slot),
    )
}

/// Joins an exported snapshot; locks are waited for no longer than so, where that is said.
pub fn begin_with_snapshot(snapshot: &str, wait: Option<Duration>) -> String {
    let wait = wait.map_or(String::new(), |wait| {
        format!("; SET LOCAL lock_timeout = {}", wait.as_millis())
    });
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}{wait}",
        Literal(snapshot)
    )
}
