//! The replication slot: who the source is, and snapshots that belong to an exact LSN.
//!
//! Only a slot's creation gives a snapshot together with the LSN that it belongs to. A
//! `pg_current_wal_lsn()` beside a REPEATABLE READ transaction does not: a transaction may have
//! its commit record before that LSN and still be invisible to the snapshot.

use std::time::Duration;

use super::connection::{Connection, Mode, TextRow};
use crate::error::{Error, Kind, Result, Side};
use crate::limits::SLOT_CREATION_MAX;
use crate::lsn::Lsn;
use crate::sql::replication as commands;
use crate::transport::Endpoint;

/// Of a slot's name, what stands in the names of its loads' slots: they have at most 63 characters.
const LOAD_PREFIX_MAX: usize = 40;

/// What `IDENTIFY_SYSTEM` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// The cluster's unique number, as text.
    pub identifier: String,
    /// Counts promotions.
    pub timeline: i32,
    /// End of the server's flushed WAL.
    pub position: Lsn,
}

/// A snapshot that a slot's creation exported. Lives as long as this value: the session that made
/// it must neither end nor run another command.
pub struct ExportedSnapshot {
    /// For `SET TRANSACTION SNAPSHOT`.
    pub name: String,
    /// The snapshot holds exactly the transactions whose commit record lies before it.
    pub lsn: Lsn,
    /// The slot.
    pub slot: String,
    session: Connection,
}

impl ExportedSnapshot {
    /// Gives the snapshot up and keeps the session, and with it a temporary slot.
    pub async fn release(mut self) -> Result<Connection> {
        // any other command ends it
        identify(&mut self.session).await?;
        Ok(self.session)
    }
}

/// Asks the source who it is.
pub async fn identify(session: &mut Connection) -> Result<System> {
    let rows = session
        .query("identify the source", commands::IDENTIFY_SYSTEM)
        .await?;
    let row = rows.first().ok_or_else(odd_answer)?;
    Ok(System {
        identifier: text(row, 0)?,
        timeline: text(row, 1)?.parse().map_err(|_| odd_answer())?,
        position: text(row, 2)?.parse().map_err(|_| odd_answer())?,
    })
}

/// Makes the permanent slot.
pub async fn create(session: Connection, slot: &str, failover: bool) -> Result<ExportedSnapshot> {
    export(session, slot, &commands::create_slot(slot, failover)).await
}

/// Drops a slot that is of no use any more.
///
/// # Errors
/// [`Kind::SlotInUse`] while somebody reads it.
pub async fn drop(session: &mut Connection, slot: &str) -> Result<()> {
    let command = commands::drop_slot(slot);
    session
        .query("drop the lost replication slot", &command)
        .await?;
    Ok(())
}

/// What the names begin with of the slots of tables that are loaded later, beside `slot`.
pub fn load_prefix(slot: &str) -> String {
    let head = slot.get(..LOAD_PREFIX_MAX).unwrap_or(slot);
    format!("{head}_load_")
}

/// Makes a slot that ends with the returned value, for a later table's snapshot.
pub async fn create_temporary(endpoint: &Endpoint, slot: &str) -> Result<ExportedSnapshot> {
    let session = Connection::open(endpoint, "snapshot", Mode::Replication).await?;
    export(session, slot, &commands::create_temporary_slot(slot)).await
}

async fn export(mut session: Connection, slot: &str, command: &str) -> Result<ExportedSnapshot> {
    let creating = session.query("create a replication slot", command);
    let rows = match tokio::time::timeout(SLOT_CREATION_MAX, creating).await {
        Ok(rows) => rows?,
        Err(_) => return Err(creation_timed_out(SLOT_CREATION_MAX)),
    };
    let row = rows.first().ok_or_else(odd_answer)?;
    Ok(ExportedSnapshot {
        lsn: text(row, 1)?.parse().map_err(|_| odd_answer())?,
        name: text(row, 2)?,
        slot: slot.to_owned(),
        session,
    })
}

fn text(row: &TextRow, at: usize) -> Result<String> {
    row.get(at).cloned().flatten().ok_or_else(odd_answer)
}

fn odd_answer() -> Error {
    let what = "The source answered a replication command in an unknown form";
    let remedy = "Connect to PostgreSQL itself, not to a pooler or proxy.";
    Error::new(Kind::Protocol, what)
        .on(Side::Source)
        .remedy(remedy)
}

fn creation_timed_out(waited: Duration) -> Error {
    let what = format!(
        "The replication slot was not created within {} s",
        waited.as_secs()
    );
    let remedy = "A slot waits for all transactions that were running when it was asked for. Look \
                  for old ones in pg_stat_activity (xact_start) and pg_prepared_xacts.";
    Error::new(Kind::ServerBusy, what)
        .on(Side::Source)
        .remedy(remedy)
}
