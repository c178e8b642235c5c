//! The source server: what it is, what it allows, and the slot and publication it holds.

use tokio::try_join;
use tokio_postgres::{Client, Row};

use crate::catalog::rows::{get, get_unsigned, query, query_one};
use crate::error::{Error, Kind, Result, Side};
use crate::lsn::Lsn;

/// The source server as the connected role sees it now.
#[derive(Clone, Debug)]
pub struct Facts {
    /// `server_version_num`, for example 150018.
    pub version_num: i32,
    /// `server_version`, for people.
    pub version: String,
    /// `wal_level`
    pub wal_level: String,
    /// `max_replication_slots`
    pub max_replication_slots: u64,
    /// Slots of the whole cluster, whoever made them.
    pub used_slots: u64,
    /// `max_wal_senders`
    pub max_wal_senders: u64,
    /// Walsenders of the whole cluster at this moment.
    pub used_senders: u64,
    /// The server is a standby.
    pub in_recovery: bool,
    /// `pg_control_system()`; `None` where the role may not call it.
    pub instance: Option<String>,
    /// `pg_database.oid` of the connected database.
    pub database_oid: u32,
    /// Its name.
    pub database: String,
    /// The encoding of the database.
    pub server_encoding: String,
    /// The connected role.
    pub role: String,
    /// REPLICATION, superuser, or a member of `rds_replication`.
    pub role_can_replicate: bool,
    /// CREATE on the database, which a publication needs.
    pub can_create_in_database: bool,
    /// `max_slot_wal_keep_size` (13+), as the server prints it; `-1` means unlimited.
    pub max_slot_wal_keep_size: Option<String>,
    /// Those of the publications that exist, in the order of the configuration.
    pub publications: Vec<Publication>,
    /// The slot, if it exists.
    pub slot: Option<Slot>,
}

/// A row of `pg_publication`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one column of the catalog"
)]
pub struct Publication {
    /// `pubname`
    pub name: String,
    /// `pg_publication.oid`: another one when it was dropped and made again.
    pub oid: u32,
    /// FOR ALL TABLES
    pub all_tables: bool,
    /// It sends INSERT.
    pub inserts: bool,
    /// It sends UPDATE.
    pub updates: bool,
    /// It sends DELETE.
    pub deletes: bool,
    /// It sends TRUNCATE (11+).
    pub truncates: bool,
    /// `publish_via_partition_root` (13+)
    pub via_root: bool,
    /// The connected role may alter and drop it.
    pub owned: bool,
}

/// A row of `pg_replication_slots`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The output plugin; `None` for a physical slot.
    pub plugin: Option<String>,
    /// `logical` or `physical`
    pub slot_type: String,
    /// The database of a logical slot.
    pub database: Option<String>,
    /// Somebody reads it now.
    pub active: bool,
    /// The process that does.
    pub active_pid: Option<i32>,
    /// What was acknowledged.
    pub confirmed_flush_lsn: Option<Lsn>,
    /// The oldest WAL it keeps.
    pub restart_lsn: Option<Lsn>,
    /// `reserved`, `extended`, `unreserved` or `lost` (13+)
    pub wal_status: Option<String>,
    /// Bytes that can still be written before it is in danger (13+); `None` without a limit.
    pub safe_wal_size: Option<i64>,
    /// It is a standby's copy of one of the primary (17+), also once that standby was promoted.
    pub synced: bool,
}

impl Facts {
    /// The publication called `name`, if it exists.
    pub fn publication(&self, name: &str) -> Option<&Publication> {
        self.publications.iter().find(|found| found.name == name)
    }
}

/// Asks the server; `slot` and `publications` are the configured names and need not exist.
pub async fn facts(client: &Client, slot: &str, publications: &[String]) -> Result<Facts> {
    let statement = include_str!("../queries/source_facts.sql");
    let doing = "read the server's settings";
    let (row, instance, publications, slot) = try_join!(
        query_one(client, Side::Source, doing, statement),
        crate::catalog::instance(client, Side::Source),
        find_publications(client, publications),
        find_slot(client, slot),
    )?;
    Ok(Facts {
        version_num: get(&row, "version_num")?,
        version: get(&row, "version")?,
        wal_level: get(&row, "wal_level")?,
        max_replication_slots: get_unsigned(&row, "max_replication_slots")?,
        used_slots: get_unsigned(&row, "used_slots")?,
        max_wal_senders: get_unsigned(&row, "max_wal_senders")?,
        used_senders: get_unsigned(&row, "used_senders")?,
        in_recovery: get(&row, "in_recovery")?,
        instance,
        database_oid: get(&row, "database_oid")?,
        database: get(&row, "database")?,
        server_encoding: get(&row, "encoding")?,
        role: get(&row, "role")?,
        role_can_replicate: get(&row, "can_replicate")?,
        can_create_in_database: get(&row, "can_create")?,
        max_slot_wal_keep_size: get(&row, "max_slot_wal_keep_size")?,
        publications,
        slot,
    })
}

/// Those of the publications `names` that exist.
async fn find_publications(client: &Client, names: &[String]) -> Result<Vec<Publication>> {
    let statement = include_str!("../queries/publication.sql");
    let doing = "look up the publications";
    let rows = query(client, Side::Source, doing, statement, &[&names]).await?;
    let found = rows.iter().map(|row| {
        Ok(Publication {
            name: get(row, "name")?,
            oid: get(row, "oid")?,
            all_tables: get(row, "all_tables")?,
            inserts: get(row, "inserts")?,
            updates: get(row, "updates")?,
            deletes: get(row, "deletes")?,
            truncates: get(row, "truncates")?,
            via_root: get(row, "via_root")?,
            owned: get(row, "owned")?,
        })
    });
    found.collect()
}

/// The slot called `name`, if there is one.
async fn find_slot(client: &Client, name: &str) -> Result<Option<Slot>> {
    let statement = include_str!("../queries/slot.sql");
    let doing = "look up the slot";
    let rows = query(client, Side::Source, doing, statement, &[&name]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(Slot {
        plugin: get(row, "plugin")?,
        slot_type: get(row, "slot_type")?,
        database: get(row, "database")?,
        active: get(row, "active")?,
        active_pid: get(row, "active_pid")?,
        confirmed_flush_lsn: lsn(row, "confirmed_flush_lsn")?,
        restart_lsn: lsn(row, "restart_lsn")?,
        wal_status: get(row, "wal_status")?,
        safe_wal_size: get(row, "safe_wal_size")?,
        synced: get(row, "synced")?,
    }))
}

fn lsn(row: &Row, column: &str) -> Result<Option<Lsn>> {
    get::<Option<String>>(row, column)?
        .map(|text| text.parse())
        .transpose()
        .map_err(|error| Error::new(Kind::Protocol, format!("{column}: {error}")))
}
