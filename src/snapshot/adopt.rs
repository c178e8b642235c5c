//! Tables that were loaded out of sight, and brought up to the others' position, take their places.

use tokio_postgres::Client;

use super::prepare::Plan;
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::types::TEXT;
use crate::catalog::{Column, TableName};
use crate::checkpoint::{LoadedTable, Loader};
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{IDENTIFIER_BYTES_MAX, RESHAPE_LOCK_MAX};
use crate::lsn::Lsn;
use crate::sql;

/// Tables that are complete up to one position.
pub struct Adoption {
    /// The pipeline that loaded them: it ends with this.
    pub pipeline: String,
    /// They hold the transactions whose commit record begins before it.
    pub lsn: Lsn,
    /// Records them for the pipeline that takes them over.
    pub loader: Loader,
    /// The tables.
    pub tables: Vec<Adopted>,
}

/// One of them.
pub struct Adopted {
    /// How it was loaded; its `destination` is where it is now.
    pub plan: Plan,
    /// Where it belongs.
    pub place: TableName,
    /// What is in its place was made by walferry, and may go.
    pub may_drop: bool,
    /// Rows that were loaded.
    pub rows: u64,
    /// Bytes of COPY data that were loaded.
    pub bytes: u64,
}

impl Adoption {
    /// Puts all of them into their places and records them, in one transaction: a reader sees the
    /// rows from before, or all of the new ones.
    pub async fn run(&self, client: &Client) -> Result<()> {
        execute(client, sql::apply::BEGIN).await?;
        let limit = sql::reshape::limit_lock_wait(RESHAPE_LOCK_MAX.as_millis());
        execute(client, &limit).await?;
        let names = self.tables.iter();
        let names = names.flat_map(|t| [t.place.clone(), t.plan.destination.clone()]);
        let names: Vec<TableName> = names.collect();
        let mut existing = destination::tables(client, &names).await?;
        for table in &self.tables {
            let there = existing.remove(&table.place);
            let hidden = existing.remove(&table.plan.destination);
            let made_table = table
                .take_place(client, there.as_ref(), hidden.as_ref())
                .await;
            let made_table = made_table.map_err(|error| error.table(&table.place))?;
            let loaded = LoadedTable {
                source_oid: table.plan.table.oid,
                source: table.plan.table.name.clone(),
                destination: table.place.clone(),
                snapshot_lsn: self.lsn,
                made_table,
                rows: table.rows,
                bytes: table.bytes,
                reload: false,
            };
            self.loader.record(client, &loaded).await?;
            self.loader
                .record_shape(client, loaded.source_oid, 0, &table.plan.shape)
                .await?;
            let protection = &table.plan.table.protection;
            self.loader
                .record_protection(client, loaded.source_oid, protection)
                .await?;
        }
        self.loader.forget(client, &self.pipeline).await?;
        execute(client, sql::apply::COMMIT).await?;
        for Adopted {
            plan, rows, bytes, ..
        } in &self.tables
        {
            tracing::info!(table = %plan.table.name, rows, bytes, lsn = %self.lsn, "table loaded");
        }
        Ok(())
    }
}

impl Adopted {
    /// Returns whether the table in its place is one that walferry made.
    async fn take_place(
        &self,
        client: &Client,
        there: Option<&DestinationTable>,
        hidden: Option<&DestinationTable>,
    ) -> Result<bool> {
        let Some(there) = there else {
            self.move_in(client).await?;
            return Ok(true);
        };
        if hidden.is_some_and(|hidden| self.fits(there, hidden)) {
            // Its views, rights and indexes stay, and readers see its rows until the commit.
            let computes = |name: &str| {
                there
                    .columns
                    .iter()
                    .any(|c| c.name == name && c.generated.is_some())
            };
            let mut copied = self.plan.copied();
            copied.retain(|name| !computes(name));
            let hidden = &self.plan.destination;
            execute(client, &sql::load::delete_all(&self.place)).await?;
            let fill = sql::load::insert_from(&self.place, &copied, hidden);
            execute(client, &fill).await?;
            execute(client, &sql::reshape::drop_table(hidden)).await?;
            return Ok(false);
        }
        if !self.may_drop {
            let what = "The destination has a table of this name with another shape";
            return Err(Error::new(Kind::ShapeMismatch, what)
                .on(Side::Destination)
                .remedy("Alter the table, or drop it and let walferry make it."));
        }
        let dropped = execute(client, &sql::reshape::drop_table(&self.place)).await;
        dropped.map_err(|error| {
            error.remedy(
                "Its shape changed on the source, and views or other objects stand on the old \
                 copy. Drop them, start walferry, and make them again once the table is there.",
            )
        })?;
        self.move_in(client).await?;
        Ok(true)
    }

    /// The rows can go into the table that is there, and will be found by the same key.
    fn fits(&self, there: &DestinationTable, hidden: &DestinationTable) -> bool {
        let stored = self.plan.columns.iter().filter(|c| c.generated.is_none());
        let mut stored = stored.map(|column| {
            let find = |table: &'_ DestinationTable| {
                let found = table.columns.iter().find(|c| c.name == column.name);
                found.cloned()
            };
            let both = find(there).zip(find(hidden));
            both.is_some_and(|(place, from)| {
                let same = place.type_oid == from.type_oid;
                let same = same && place.type_modifier == from.type_modifier;
                let theirs = self
                    .plan
                    .table
                    .columns
                    .iter()
                    .find(|c| c.name == column.name);
                let computed = theirs.is_some_and(|theirs| theirs.generated.is_some());
                (place.generated.is_none() || computed) && (same || place.type_oid == TEXT)
            })
        });
        let key: Vec<&str> = names(&self.plan.table.columns, &self.plan.table.primary_key);
        let theirs: Vec<&str> = names(&there.columns, &there.primary_key);
        let same_key = !self.plan.keys || !self.may_drop || key == theirs;
        let same_expressions = !self.may_drop || generated(there) == generated(hidden);
        there.relkind == 'r' && same_key && same_expressions && stored.all(|fits| fits)
    }

    /// Moves the table into its place; indexes that were named after it follow.
    async fn move_in(&self, client: &Client) -> Result<()> {
        let hidden = &self.plan.destination;
        let moved = sql::reshape::move_table(hidden, &self.place);
        execute(client, &moved).await?;
        for index in destination::indexes(client, &self.place).await? {
            let Some(rest) = index.strip_prefix(&hidden.name) else {
                continue;
            };
            let name = format!("{}{rest}", self.place.name);
            if name.len() <= IDENTIFIER_BYTES_MAX {
                let index = TableName::new(self.place.schema.clone(), index);
                let rename = sql::reshape::rename_index(&index, &name);
                // should the name be taken, the index keeps the one it has
                execute(client, sql::load::SAVEPOINT).await?;
                if execute(client, &rename).await.is_err() {
                    execute(client, sql::load::ROLLBACK_TO_SAVEPOINT).await?;
                }
            }
        }
        Ok(())
    }
}

/// The computed columns, with their expressions as the destination prints them.
fn generated(table: &DestinationTable) -> Vec<(&str, &str)> {
    let computed = |column: &'_ Column| column.generated.is_some();
    let columns = table.columns.iter().filter(|column| computed(column));
    let mut columns: Vec<(&str, &str)> = columns
        .map(|c| (c.name.as_str(), c.generated.as_deref().unwrap_or_default()))
        .collect();
    columns.sort_unstable();
    columns
}

fn names<'a>(columns: &'a [Column], at: &[usize]) -> Vec<&'a str> {
    at.iter().map(|&at| columns[at].name.as_str()).collect()
}

async fn execute(client: &Client, statement: &str) -> Result<()> {
    let done = client.batch_execute(statement).await;
    done.map_err(|error| {
        from_client(
            Side::Destination,
            "put a loaded table into its place",
            &error,
        )
    })
}
