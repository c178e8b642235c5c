//! Primary keys, and columns that are no longer computed.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::{Reshape, cannot_follow, execute};
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::source::SourceTable;
use crate::catalog::{Column, TableName};
use crate::checkpoint::LoadedTable;
use crate::config::{Indexes, SchemaChanges};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::sql::reshape;

impl Reshape<'_> {
    /// The primary keys of copies that walferry made are those of the source: one that is no more
    /// would refuse rows, and one that is new finds them. A new one is not made before everything
    /// from before it is applied: rows that come until then need not have it. Returns whether one
    /// waits for that.
    pub(super) async fn follow_keys(&self, loaded: &mut HashMap<u32, LoadedTable>) -> Result<bool> {
        let halts = self.config.schema_changes == SchemaChanges::Halt;
        if halts || self.config.snapshot.indexes == Indexes::None {
            return Ok(false);
        }
        let client = self.writer.client();
        let ours = loaded
            .values()
            .filter(|loaded| loaded.made_table && !loaded.reload);
        let places: Vec<TableName> = ours.map(|loaded| loaded.destination.clone()).collect();
        let there = destination::tables(client, &places).await?;
        let mut waits = false;
        for table in self.tables.iter().filter(|table| table.published) {
            let Some(known) = loaded.get_mut(&table.oid) else {
                continue;
            };
            let Some(there) = there.get(&known.destination) else {
                continue;
            };
            self.drop_expressions(table, there, &known.destination)
                .await?;
            let wanted = names(&table.columns, &table.primary_key);
            let have = names(&there.columns, &there.primary_key);
            if wanted == have {
                continue;
            }
            if !have.is_empty() {
                tracing::info!(table = %table.name, "the old primary key is dropped");
                drop_primary_key(client, &known.destination, &have).await?;
            }
            if wanted.is_empty() {
                continue;
            }
            if self.writer.applied().0 < self.position {
                waits = true;
                continue;
            }
            let key = table.primary_key.iter();
            let key: Vec<&Column> = key.map(|&at| &table.columns[at]).collect();
            let add = reshape::add_primary_key(&known.destination, &key);
            tracing::info!(table = %table.name, "following a new primary key");
            if execute(client, &add).await.is_err() {
                known.reload = true;
                self.writer.mark_for_reload(table.oid).await?;
            }
        }
        Ok(waits)
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
                let done = execute(self.writer.client(), &drop).await;
                done.map_err(cannot_follow)?;
            }
        }
        Ok(())
    }
}

/// Also lets its columns be NULL again: a key that goes leaves them as they were.
async fn drop_primary_key(client: &Client, table: &TableName, columns: &[&str]) -> Result<()> {
    let failed = |error| from_client(Side::Destination, "look up the primary key", &error);
    let names = client
        .query(reshape::PRIMARY_KEY_NAME, &[&table.schema, &table.name])
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
