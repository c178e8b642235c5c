//! What became of the source's tables since they were last looked at, done to the destination's.
//!
//! **Why this is right.** A shape is followed as the catalog shows it *now*, which may be long
//! before the stream comes to the change. That is harmless for what is done in place: a new column
//! has, in all rows that are there or come without it, the value that it has in the source's older
//! rows (`attmissingval`, kept as the column's default); a renamed column is told by its `attnum`,
//! and rows that still come under the old name are understood by the shapes that were written down
//! (`alignment.rs`); a dropped column stays. What changed the values of rows is never sent by
//! pgoutput: then the file of the table is another one *and* a column's catalog row is, and the
//! table is loaded again beside the stream. So it is when a column is computed by another
//! expression, which touches no row where the source keeps no value (virtual). VACUUM FULL and
//! CLUSTER change the file alone, SET STATISTICS the catalog row alone. How the table is sent is
//! compared, too (`sending.rs` of the catalog): what may have been left out meanwhile is loaded
//! again. So is a table that lost a column and got another like it between two looks: rows with the
//! new one may have been read as rows with the old one, whose message is the same. A row that fits
//! no shape has its table loaded again, too (`misfits.rs`). The look is taken before the snapshot
//! of a load, and written down with it: what changes in between is only loaded once more.
//!
//! **What can go wrong.** A view may stand on a column whose type changes; then the pipeline halts
//! and says so. A reader may hold the lock of a copy: nobody waits for that. A changed shape loads
//! the table again beside the stream, which ends with such a lock, too, but can be tried again
//! while the stream goes on; a copy that is to have another name keeps its own for now, and rows go
//! there. A key that would take long to build is loaded with the table. Where views stand on the
//! copy no other can take its place: then everything waits, and begins again. A partitioned table
//! has no file, so each new or retyped column of one loads it again. VACUUM FULL of one of its
//! partitions cannot be told from a TRUNCATE of it, and does so as well; a TRUNCATE of the whole
//! table can (`emptied.rs`).

mod difference;
mod doubt;
mod keys;
mod names;

use std::collections::{HashMap, HashSet};

use tokio::time::Duration;
use tokio_postgres::Client;

use difference::{Difference, difference};
use doubt::doubt;
pub(super) use keys::Keys;

use super::emptied::Emptied;
use super::loading::Knowledge;
use crate::catalog::TableName;
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::source::{Shape, ShapeColumn, SourceTable};
use crate::catalog::types::Types;
use crate::checkpoint::{LoadedTable, Shapes, Writer};
use crate::config::{Config, SchemaChanges};
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{
    KEY_IN_PLACE_BYTES_MAX, RESHAPE_LOCK_MAX, RESHAPE_LOCK_MIN, RESHAPE_LOCK_UNDER_VIEWS_MAX,
};
use crate::lsn::Lsn;
use crate::protect::{Reason, Recorded};
use crate::sql::ask::{self, Typed};
use crate::sql::{self, reshape};

/// Everything that is known when the shapes are compared.
pub(super) struct Reshape<'a> {
    config: &'a Config,
    writer: &'a Writer,
    tables: &'a [SourceTable],
    now: &'a HashMap<u32, Shape>,
    types: &'a Types,
    protected: &'a HashMap<u32, Vec<Recorded>>,
    /// The end of the source's WAL when all of this was known.
    position: Lsn,
    emptied: &'a Emptied,
}

impl<'a> Reshape<'a> {
    /// Of what was just read of the source.
    pub(super) fn new(
        config: &'a Config,
        writer: &'a Writer,
        now: &Knowledge<'a>,
        position: Lsn,
        emptied: &'a Emptied,
    ) -> Self {
        Reshape {
            config,
            writer,
            tables: now.tables,
            now: now.shapes,
            types: now.types,
            protected: now.protected,
            position,
            emptied,
        }
    }

    /// Alters the destination's tables where that is the same as what happened on the source, and
    /// marks the others for a new load, and with them the table `misfit`. `known` are the shapes
    /// that are written down, `keys` those that wait. Returns the places of copies that are to have
    /// other names, and could not now.
    pub(super) async fn follow(
        &self,
        loaded: &mut HashMap<u32, LoadedTable>,
        mut known: HashMap<u32, Shapes>,
        misfit: Option<&str>,
        keys: &mut Keys,
    ) -> Result<HashSet<TableName>> {
        // by the name that it had when the row came
        let misfit = misfit.and_then(|misfit| {
            let mut loaded = loaded.values();
            loaded.find(|loaded| loaded.source.to_string() == misfit)
        });
        let misfit = misfit.map(|misfit| misfit.source_oid);
        let mut new_partitions = self.writer.new_partitions().await?;
        let had_new = !new_partitions.is_empty();
        let occupied = self.follow_names(loaded).await?;
        for table in self.tables.iter().filter(|table| table.published) {
            let (Some(loaded), Some(now)) = (loaded.get_mut(&table.oid), self.now.get(&table.oid))
            else {
                continue;
            };
            if misfit == Some(table.oid) {
                tracing::info!(table = %table.name, "the table is loaded again: a row did not fit");
                loaded.reload = true;
                self.writer.mark_for_reload(table.oid).await?;
            }
            if !loaded.reload {
                let known = known.remove(&table.oid).unwrap_or_default();
                let new = new_partitions.remove(&table.oid).unwrap_or_default();
                let followed = self.follow_one(table, now, (&known, &new), loaded).await;
                self.or_load_again(followed, loaded).await?;
            }
        }
        self.follow_keys(loaded, keys).await?;
        if had_new {
            self.writer.forget_new_partitions().await?;
        }
        Ok(occupied)
    }

    /// Nobody waits for long for those who read a copy that is to change: where they hold its lock,
    /// the table is loaded again beside the stream, and takes its place when they have gone.
    async fn or_load_again(&self, followed: Result<()>, loaded: &mut LoadedTable) -> Result<()> {
        match followed {
            Err(error) if error.kind() == Kind::Contention => {
                execute(self.writer.client(), sql::apply::ROLLBACK).await?;
                if self.is_stood_on(&loaded.destination).await? {
                    return Err(error.table(&loaded.source));
                }
                let why = "a reader holds the lock of its copy, which is to change";
                tracing::info!(table = %loaded.source, why, "the table is loaded again");
                loaded.reload = true;
                self.writer.mark_for_reload(loaded.source_oid).await
            }
            followed => followed.map_err(|error| error.table(&loaded.source)),
        }
    }

    async fn follow_one(
        &self,
        table: &SourceTable,
        now: &Shape,
        (known, new_partitions): (&Shapes, &[u32]),
        loaded: &mut LoadedTable,
    ) -> Result<()> {
        let recorded = self.protected.get(&table.oid);
        let recorded = recorded.map_or(&[][..], Vec::as_slice);
        warn_of_renamed(table);
        let had = |attnum: i16| {
            let columns = known.versions.last();
            columns.is_none_or(|columns| columns.iter().any(|column| column.attnum == attnum))
        };
        if table.protection.differs(recorded, had) {
            let why = "its columns are to be protected otherwise: the table is loaded again";
            tracing::info!(table = %table.name, "{why}");
            loaded.reload = true;
            return self.writer.mark_for_reload(table.oid).await;
        }
        let Some(filenode) = known.filenode else {
            // Loaded by a version that did not look: it begins now.
            return self.write_down(table, now, 0).await;
        };
        let mut difference = difference(&known.versions, filenode, now, &table.protection);
        warn_of_ignored(table, &difference);
        let version = known.versions.len();
        let emptied = self.emptied.by(table.oid);
        let doubt = doubt(known, now, &difference, emptied)
            .or_else(|| doubt::of_rows(table, known, now, new_partitions));

        if doubt.is_none() && difference.is_none() {
            if !is_written_down(known, now) || !table.protection.is_recorded(recorded) {
                let last = version.saturating_sub(1);
                self.write_down(table, now, last).await?;
            }
            return Ok(());
        }
        if self.config.schema_changes == SchemaChanges::Halt {
            return Err(not_followed(doubt));
        }
        if let Some(why) = doubt {
            tracing::info!(table = %table.name, why, "the table is loaded again");
            loaded.reload = true;
            return self.writer.mark_for_reload(table.oid).await;
        }
        difference.leave_out(&table.protection, known.versions.last());
        let client = self.writer.client();
        let there = destination::tables(client, std::slice::from_ref(&loaded.destination)).await?;
        let Some(there) = there.get(&loaded.destination) else {
            return Ok(());
        };
        let left: HashSet<&str> = left_behind(known, now);
        let place = &loaded.destination;
        let statements = statements(table, place, there, &difference, &left, self.types);
        tracing::info!(table = %table.name, changes = statements.len(), "following a new shape");
        self.begin_change(table, place).await?;
        self.write_in(table, now, version, &statements).await
    }

    /// Begins a transaction that does not wait for readers for long.
    async fn begin(&self) -> Result<()> {
        self.begin_within(RESHAPE_LOCK_MAX).await
    }

    /// The same, for one that changes a copy. Another copy can take its place, unless something
    /// stands on it: then only patience helps.
    async fn begin_change(&self, table: &SourceTable, place: &TableName) -> Result<()> {
        let patience = if self.is_stood_on(place).await? {
            RESHAPE_LOCK_UNDER_VIEWS_MAX
        } else if table.bytes <= KEY_IN_PLACE_BYTES_MAX {
            RESHAPE_LOCK_MIN
        } else {
            RESHAPE_LOCK_MAX
        };
        self.begin_within(patience).await
    }

    async fn begin_within(&self, patience: Duration) -> Result<()> {
        let client = self.writer.client();
        execute(client, sql::apply::BEGIN).await?;
        execute(client, &reshape::limit_lock_wait(patience.as_millis())).await
    }

    /// Views, or others, would keep the table from being dropped.
    async fn is_stood_on(&self, place: &TableName) -> Result<bool> {
        let values: [&dyn Typed; 2] = [&place.schema, &place.name];
        let answer = ask::query_one(self.writer.client(), reshape::IS_STOOD_ON, &values);
        let doing = "look what stands on a table";
        let answer = answer.await;
        let answer = answer.map_err(|error| from_client(Side::Destination, doing, &error))?;
        Ok(answer.get(0))
    }

    /// Writes a shape down.
    async fn write_down(&self, table: &SourceTable, shape: &Shape, version: usize) -> Result<()> {
        self.begin().await?;
        self.write_in(table, shape, version, &[]).await
    }

    /// Runs the statements and writes the shape down, in the open transaction, which it commits.
    async fn write_in(
        &self,
        table: &SourceTable,
        shape: &Shape,
        version: usize,
        statements: &[String],
    ) -> Result<()> {
        let client = self.writer.client();
        for statement in statements {
            // it may hold an expression of the source: the extended protocol takes no second
            // statement after it
            let done = client.execute_typed(statement, &[]).await;
            done.map_err(|error| cannot_follow(not_done(&error)))?;
        }
        let loader = self.writer.loader();
        let shapes = loader.shapes(&[(table.oid, shape)], version)?;
        let protections = loader.protections(&[(table.oid, &table.protection)])?;
        for record in shapes.into_iter().chain(protections) {
            record.run(client).await?;
        }
        execute(client, sql::apply::COMMIT).await
    }
}

/// A name for the time of a transaction. A column may have it already; then there is the next.
fn passing(number: impl std::fmt::Display) -> String {
    format!("walferry renames {number}")
}

/// Nothing about the table is new to the bookkeeping.
fn is_written_down(known: &Shapes, now: &Shape) -> bool {
    let columns = known.versions.last().cloned().unwrap_or_default();
    let sending = known.sending.as_ref();
    known.filenode == Some(now.filenode)
        && known.toast == Some(now.toast)
        && known.key == Some(now.key)
        && sending.is_some_and(|known| now.sending.is_written_as(known))
        && columns == without_values(&now.columns)
}

/// As they are when they have been written down and read again.
fn without_values(columns: &[ShapeColumn]) -> Vec<ShapeColumn> {
    let mut columns = columns.to_vec();
    for column in &mut columns {
        column.missing = None;
    }
    columns
}

/// Names of columns that the source has dropped: what they hold in the destination is history.
fn left_behind<'s>(known: &'s Shapes, now: &'s Shape) -> HashSet<&'s str> {
    let live: HashSet<i16> = now.columns.iter().map(|column| column.attnum).collect();
    let all = known.versions.iter().flatten();
    all.filter(|column| !live.contains(&column.attnum))
        .map(|column| column.name.as_str())
        .collect()
}

fn statements(
    table: &SourceTable,
    place: &TableName,
    there: &DestinationTable,
    difference: &Difference<'_>,
    left: &HashSet<&str>,
    types: &Types,
) -> Vec<String> {
    let mut statements = Vec::new();
    let is_there = |name: &str| there.columns.iter().any(|column| column.name == name);
    let renamed: Vec<_> = difference
        .renamed
        .iter()
        .filter(|(from, _)| is_there(from))
        .collect();
    let gives_way = |name: &str| renamed.iter().any(|(from, _)| *from == name);
    let new_names = renamed.iter().map(|(_, to)| *to);
    let new_names = new_names.chain(difference.added.iter().map(|column| column.name.as_str()));
    for name in new_names {
        if is_there(name) && left.contains(name) && !gives_way(name) {
            statements.push(reshape::drop_column(place, name));
        }
    }
    // by way of names that nobody has: two columns may have traded theirs
    let is_free = |name: &String| !is_there(name) && renamed.iter().all(|(_, to)| to != name);
    let free = (0..).map(passing).filter(is_free);
    let passing: Vec<String> = free.take(renamed.len()).collect();
    for ((from, _), passing) in renamed.iter().zip(&passing) {
        statements.push(reshape::rename_column(place, from, passing));
    }
    for ((_, to), passing) in renamed.iter().zip(&passing) {
        statements.push(reshape::rename_column(place, passing, to));
    }
    let published = |attnum: i16| {
        let mut columns = table.published_columns.iter().map(|&at| &table.columns[at]);
        columns.find(|column| column.attnum == attnum)
    };
    for added in &difference.added {
        // an administrator may have added it already
        if is_there(&added.name) && !left.contains(added.name.as_str()) && !gives_way(&added.name) {
            continue;
        }
        let column = table.columns.iter().find(|c| c.attnum == added.attnum);
        if let Some((column, expression)) = column.and_then(|c| Some((c, c.generated.as_ref()?))) {
            let type_sql = &types.of_column(column);
            let add = reshape::add_generated_column(place, &added.name, type_sql, expression);
            statements.push(add);
        } else if let Some(column) = published(added.attnum) {
            let type_sql = &types.of_column(column);
            let treatment = table.protection.of(added.attnum);
            let missing = treatment.of_missing(added.missing.as_deref());
            let missing = missing.as_deref();
            statements.push(reshape::add_column(place, &added.name, type_sql, missing));
        }
    }
    for retyped in &difference.retyped {
        let place_of = there.columns.iter().find(|c| c.name == retyped.name);
        let (oid, modifier) = (retyped.type_oid, retyped.type_modifier);
        let holds = place_of.is_some_and(|place| types.fits(oid, modifier, place));
        if let Some(column) = published(retyped.attnum) {
            let type_sql = &types.of_column(column);
            if !holds {
                statements.push(reshape::alter_type(place, &retyped.name, type_sql));
            }
        }
    }
    statements
}

/// Says which columns are protected by a name that they no longer have.
fn warn_of_renamed(table: &SourceTable) {
    for (attnum, column) in table.protection.columns() {
        let now = table.columns.iter().find(|now| now.attnum == attnum);
        if let Some(now) = now.filter(|_| column.reason == Reason::Renamed) {
            tracing::warn!(
                table = %table.name,
                column = now.name,
                was = column.matched.join("."),
                "a protected column has another name by now, and stays {}",
                column.treatment.describe()
            );
        }
    }
}

/// Says which new columns the copy does not get.
fn warn_of_ignored(table: &SourceTable, difference: &Difference<'_>) {
    let new = |attnum| difference.added.iter().find(|new| new.attnum == attnum);
    let ignored = table.protection.columns();
    let ignored = ignored.filter(|(_, column)| column.reason == Reason::Ignored);
    for (attnum, _) in ignored {
        if let Some(new) = new(attnum) {
            let why = "on_schema_change is \"ignore\"";
            tracing::warn!(table = %table.name, column = new.name, why, "a new column is left out");
        }
    }
}

fn not_followed(doubt: Option<&str>) -> Error {
    let why = doubt.unwrap_or("its columns changed");
    let what = format!("A table is another one ({why}), and [tables] on_schema_change is \"halt\"");
    let remedy = "Make the same change in the destination, then start once with \"follow\", or \
                  have the table loaded again: `walferry resync`.";
    Error::new(Kind::SchemaChanged, what)
        .on(Side::Source)
        .remedy(remedy)
}

fn cannot_follow(error: Error) -> Error {
    if error.kind() == Kind::Contention {
        return error;
    }
    let remedy = "The table changed on the source, and the destination table cannot be altered \
                  likewise: a view, a rule or a column of others is in the way. Drop that, start \
                  walferry, and make it again.";
    error.as_kind(Kind::SchemaChanged).remedy(remedy)
}

async fn execute(client: &Client, statement: &str) -> Result<()> {
    client
        .batch_execute(statement)
        .await
        .map_err(|error| not_done(&error))
}

fn not_done(error: &tokio_postgres::Error) -> Error {
    from_client(Side::Destination, "follow a table's new shape", error)
}
