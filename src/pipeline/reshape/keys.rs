//! Primary keys, and columns that are no longer computed.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::{Reshape, cannot_follow, execute};
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::source::SourceTable;
use crate::catalog::{Column, ReplicaIdentity, TableName};
use crate::checkpoint::LoadedTable;
use crate::config::{Indexes, SchemaChanges};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::limits::KEY_IN_PLACE_BYTES_MAX;
use crate::lsn::Lsn;
use crate::sql::ask;
use crate::sql::{self, reshape};

/// Keys that wait until everything is applied that the source had written when they were seen
/// first, by the table's oid: their columns, and that position. They outlive rounds, since a source
/// that is busy has always written more.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Keys(HashMap<u32, (Vec<String>, Lsn)>);

impl Keys {
    /// When the next of them can follow.
    pub(in crate::pipeline) fn due(&self) -> Option<Lsn> {
        self.0.values().map(|(_, since)| *since).min()
    }

    /// Since when this key of a table waits.
    fn since(&mut self, oid: u32, columns: &[&str], now: Lsn) -> Lsn {
        let new = || (columns.iter().map(|&name| name.to_owned()).collect(), now);
        let known = self.0.entry(oid).or_insert_with(new);
        if known.0 != columns {
            *known = new();
        }
        known.1
    }
}

impl Reshape<'_> {
    /// The primary keys of copies that walferry made are those of the source: one that is no more
    /// would refuse rows, and one that is new finds them. A new one is not made before everything
    /// from before it is applied: rows that come until then need not have it. Under REPLICA
    /// IDENTITY FULL rows come without a key as well, and were found by the one that went: such a
    /// table is loaded again.
    pub(super) async fn follow_keys(
        &self,
        loaded: &mut HashMap<u32, LoadedTable>,
        keys: &mut Keys,
    ) -> Result<()> {
        let halts = self.config.schema_changes == SchemaChanges::Halt;
        let mut waiting = std::mem::take(keys);
        if halts || self.config.snapshot.indexes == Indexes::None {
            return Ok(());
        }
        let client = self.writer.client();
        let ours = loaded
            .values()
            .filter(|loaded| loaded.made_table && !loaded.reload);
        let places: Vec<TableName> = ours.map(|loaded| loaded.destination.clone()).collect();
        let there = destination::tables(client, &places).await?;
        for table in self.tables.iter().filter(|table| table.published) {
            let Some(known) = loaded.get_mut(&table.oid) else {
                continue;
            };
            let Some(there) = there.get(&known.destination) else {
                continue;
            };
            let since = |columns: &[&str]| waiting.since(table.oid, columns, self.position);
            let followed = self.follow_key(table, there, known, since).await;
            let waits = *followed.as_ref().unwrap_or(&false);
            self.or_load_again(followed.map(|_| ()), known).await?;
            if let Some(key) = waiting.0.remove(&table.oid).filter(|_| waits) {
                keys.0.insert(table.oid, key);
            }
        }
        Ok(())
    }

    /// Whether it has to wait.
    async fn follow_key(
        &self,
        table: &SourceTable,
        there: &DestinationTable,
        known: &mut LoadedTable,
        since: impl FnOnce(&[&str]) -> Lsn,
    ) -> Result<bool> {
        let client = self.writer.client();
        self.drop_expressions(table, there, &known.destination)
            .await?;
        let wanted = names(&table.columns, &table.primary_key);
        let have = names(&there.columns, &there.primary_key);
        if wanted == have {
            return Ok(false);
        }
        if !have.is_empty() && table.identity == ReplicaIdentity::Full {
            let why = "rows of one key may have been taken for one row";
            tracing::info!(table = %table.name, why, "the table is loaded again");
            known.reload = true;
            self.writer.mark_for_reload(table.oid).await?;
            return Ok(false);
        }
        if !have.is_empty() {
            tracing::info!(table = %table.name, "the old primary key is dropped");
            self.begin_change(table, &known.destination).await?;
            drop_primary_key(client, &known.destination, &have).await?;
            execute(client, sql::apply::COMMIT).await?;
        }
        if wanted.is_empty() {
            return Ok(false);
        }
        if self.writer.applied().0 < since(&wanted) {
            return Ok(true);
        }
        let key = table.primary_key.iter();
        let key: Vec<&Column> = key.map(|&at| &table.columns[at]).collect();
        tracing::info!(table = %table.name, "following a new primary key");
        if !self.add_key(table, &known.destination, &key).await? {
            known.reload = true;
            self.writer.mark_for_reload(table.oid).await?;
        }
        Ok(false)
    }

    /// Builds a key, unless that would take long or does not go.
    async fn add_key(
        &self,
        table: &SourceTable,
        place: &TableName,
        key: &[&Column],
    ) -> Result<bool> {
        if table.bytes > KEY_IN_PLACE_BYTES_MAX && !self.is_stood_on(place).await? {
            return Ok(false);
        }
        let client = self.writer.client();
        self.begin_change(table, place).await?;
        let added = execute(client, &reshape::add_primary_key(place, key)).await;
        let end = match added {
            Ok(()) => sql::apply::COMMIT,
            Err(_) => sql::apply::ROLLBACK,
        };
        execute(client, end).await?;
        Ok(added.is_ok())
    }

    /// A column that the source no longer computes is sent from now on.
    async fn drop_expressions(
        &self,
        table: &SourceTable,
        there: &DestinationTable,
        place: &TableName,
    ) -> Result<()> {
        let sent = table.published_columns.iter().map(|&at| &table.columns[at]);
        for column in sent.filter(|column| column.generated.is_none()) {
            let mut places = there.columns.iter();
            let computed = places.find(|ours| ours.name == column.name);
            if computed.is_some_and(|ours| ours.generated.is_some()) {
                let drop = reshape::drop_expression(place, &column.name);
                let client = self.writer.client();
                self.begin_change(table, place).await?;
                execute(client, &drop).await.map_err(cannot_follow)?;
                execute(client, sql::apply::COMMIT).await?;
            }
        }
        Ok(())
    }
}

/// Also lets its columns be NULL again: a key that goes leaves them as they were.
async fn drop_primary_key(client: &Client, table: &TableName, columns: &[&str]) -> Result<()> {
    let failed = |error| from_client(Side::Destination, "look up the primary key", &error);
    let names = ask::query(
        client,
        reshape::PRIMARY_KEY_NAME,
        &[&table.schema, &table.name],
    )
    .await
    .map_err(failed)?;
    for row in names {
        let drop = reshape::drop_primary_key(table, row.get(0));
        execute(client, &drop).await.map_err(cannot_follow)?;
        for column in columns {
            let drop = reshape::drop_not_null(table, column);
            execute(client, &drop).await.map_err(cannot_follow)?;
        }
    }
    Ok(())
}

fn names<'c>(columns: &'c [Column], at: &[usize]) -> Vec<&'c str> {
    at.iter().map(|&at| columns[at].name.as_str()).collect()
}
