//! What became of the source's tables since they were last looked at, done to the destination's.
//!
//! **Why this is right.** A shape is followed as the catalog shows it *now*, which may be long
//! before the stream comes to the change. That is harmless for what is done in place: a new column
//! has, in all rows that are there or come without it, the value that it has in the source's older
//! rows (`attmissingval`, kept as the column's default); a renamed column is told by its `attnum`,
//! and rows that still come under the old name are understood by the shapes that were written down
//! (`alignment.rs`); a dropped column stays. What changed the values of rows is never sent by
//! pgoutput: then the file of the table is another one *and* a column's catalog row is, and the
//! table is loaded again beside the stream. VACUUM FULL and CLUSTER change the file alone, SET
//! STATISTICS the catalog row alone.
//!
//! **What can go wrong.** A view may stand on a column whose type changes; then the pipeline halts
//! and says so. A partitioned table has no file, so each new or retyped column of one loads it
//! again, and a rewrite to the same types goes unnoticed.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Client;

use super::loading::{self, Knowledge};
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::source::{Shape, ShapeColumn, SourceTable};
use crate::catalog::types::Types;
use crate::catalog::{Column, TableName};
use crate::checkpoint::{LoadedTable, Shapes, Writer};
use crate::config::{Config, Indexes, SchemaChanges};
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::sql::{self, reshape};

/// How a table's columns differ from those that the destination follows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference<'s> {
    renamed: Vec<(&'s str, &'s str)>,
    added: Vec<&'s ShapeColumn>,
    retyped: Vec<&'s ShapeColumn>,
    dropped: bool,
    /// Rows may hold other values than those that were copied.
    rewritten: bool,
}

impl Difference<'_> {
    fn is_none(&self) -> bool {
        *self == Difference::default()
    }
}

/// What changed from the shape that is followed to the one that there is now.
fn difference<'s>(old: &'s [ShapeColumn], filenode: u32, now: &'s Shape) -> Difference<'s> {
    let mut difference = Difference::default();
    let mut touched = false;
    for column in &now.columns {
        let Some(before) = old.iter().find(|before| before.attnum == column.attnum) else {
            difference.added.push(column);
            touched |= column.missing.is_none();
            continue;
        };
        if before.name != column.name {
            difference.renamed.push((&before.name, &column.name));
        }
        let retyped =
            before.type_oid != column.type_oid || before.type_modifier != column.type_modifier;
        if retyped {
            difference.retyped.push(column);
        }
        touched |= before.row_version != column.row_version;
    }
    difference.dropped = old
        .iter()
        .any(|before| now.columns.iter().all(|c| c.attnum != before.attnum));
    let partitioned = now.filenode == 0;
    let grown = !difference.added.is_empty() || !difference.retyped.is_empty();
    difference.rewritten = (filenode != now.filenode && touched) || (partitioned && grown);
    difference
}

/// Everything that is known when the shapes are compared.
pub(super) struct Reshape<'a> {
    config: &'a Config,
    writer: &'a Writer,
    tables: &'a [SourceTable],
    now: &'a HashMap<u32, Shape>,
    types: &'a Types,
}

impl<'a> Reshape<'a> {
    /// Of what was just read of the source.
    pub(super) fn new(config: &'a Config, writer: &'a Writer, now: &Knowledge<'a>) -> Self {
        Reshape {
            config,
            writer,
            tables: now.tables,
            now: now.shapes,
            types: now.types,
        }
    }

    /// Alters the destination's tables where that is the same as what happened on the source, and
    /// marks the others for a new load, and with them the table `misfit`.
    pub(super) async fn follow(
        &self,
        loaded: &mut HashMap<u32, LoadedTable>,
        misfit: Option<&str>,
    ) -> Result<()> {
        self.follow_names(loaded).await?;
        let mut known = self.writer.shapes().await?;
        for table in self.tables.iter().filter(|table| table.published) {
            let (Some(loaded), Some(now)) = (loaded.get_mut(&table.oid), self.now.get(&table.oid))
            else {
                continue;
            };
            if misfit.is_some_and(|misfit| table.name.to_string() == misfit) {
                loaded.reload = true;
                self.writer.mark_for_reload(table.oid).await?;
            }
            if !loaded.reload {
                let known = known.remove(&table.oid).unwrap_or_default();
                let followed = self.follow_one(table, now, &known, loaded).await;
                followed.map_err(|error| error.table(&table.name))?;
            }
        }
        self.follow_keys(loaded).await
    }

    /// Tables that were renamed or moved to another schema are so in the destination, too.
    async fn follow_names(&self, loaded: &mut HashMap<u32, LoadedTable>) -> Result<()> {
        let naming = &self.config.destination.naming;
        let mut moves = Vec::new();
        for table in self.tables {
            let Some(known) = loaded.get(&table.oid) else {
                continue;
            };
            let (schema, name) = (&table.name.schema, &table.name.name);
            let follow = self.config.schema_changes == SchemaChanges::Follow;
            if known.source == table.name || !follow || !self.config.tables.selects(schema, name) {
                continue;
            }
            let place = TableName::new(naming.destination_schema(schema), name.clone());
            moves.push((table, known.destination.clone(), place));
        }
        if moves.is_empty() {
            return Ok(());
        }
        let schemas = moves.iter().map(|(_, _, place)| place.schema.clone());
        loading::ensure_schemas(self.config, self.writer, &schemas.collect()).await?;
        let client = self.writer.client();
        execute(client, sql::apply::BEGIN).await?;
        // by way of names that nobody has: two tables may have traded theirs
        for (table, from, _) in &moves {
            let passing = TableName::new(from.schema.clone(), passing(table.oid));
            rename(client, from, &passing).await?;
        }
        for (table, from, place) in moves {
            let passing = TableName::new(from.schema.clone(), passing(table.oid));
            rename(client, &passing, &place).await?;
            self.writer.rename(table.oid, &table.name, &place).await?;
            tracing::info!(table = %table.name, copy = %place, "following a new name");
            if let Some(known) = loaded.get_mut(&table.oid) {
                known.source = table.name.clone();
                known.destination = place;
            }
        }
        execute(client, sql::apply::COMMIT).await
    }

    /// The primary keys of copies that walferry made are those of the source: one that is no more
    /// would refuse rows, and one that is new finds them.
    async fn follow_keys(&self, loaded: &mut HashMap<u32, LoadedTable>) -> Result<()> {
        let halts = self.config.schema_changes == SchemaChanges::Halt;
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
            let wanted = names(&table.columns, &table.primary_key);
            let have = names(&there.columns, &there.primary_key);
            if wanted == have {
                continue;
            }
            tracing::info!(table = %table.name, "following a new primary key");
            if !have.is_empty() {
                drop_primary_key(client, &known.destination).await?;
            }
            let key: Vec<&Column> = table
                .primary_key
                .iter()
                .map(|&at| &table.columns[at])
                .collect();
            let add = sql::reshape::add_primary_key(&known.destination, &key);
            // what the rows are now need not have that key yet
            if !wanted.is_empty() && execute(client, &add).await.is_err() {
                known.reload = true;
                self.writer.mark_for_reload(table.oid).await?;
            }
        }
        Ok(())
    }

    async fn follow_one(
        &self,
        table: &SourceTable,
        now: &Shape,
        known: &Shapes,
        loaded: &mut LoadedTable,
    ) -> Result<()> {
        let (Some(filenode), Some(old)) = (known.filenode, known.versions.last()) else {
            // Loaded by a version that did not look: it begins now.
            return self.write_down(table, now, 0, &[]).await;
        };
        let difference = difference(old, filenode, now);
        let version = known.versions.len();
        if difference.is_none() {
            let unchanged = filenode == now.filenode && *old == without_values(&now.columns);
            if !unchanged {
                self.write_down(table, now, version - 1, &[]).await?;
            }
            return Ok(());
        }
        if self.config.schema_changes == SchemaChanges::Halt {
            return Err(not_followed());
        }
        if difference.rewritten {
            tracing::info!(table = %table.name, "rows were rewritten: the table is loaded again");
            loaded.reload = true;
            return self.writer.mark_for_reload(table.oid).await;
        }
        let client = self.writer.client();
        let there = destination::tables(client, std::slice::from_ref(&loaded.destination)).await?;
        let Some(there) = there.get(&loaded.destination) else {
            return Ok(());
        };
        let left: HashSet<&str> = left_behind(known, now);
        let place = &loaded.destination;
        let statements = statements(table, place, there, &difference, &left, self.types);
        tracing::info!(table = %table.name, changes = statements.len(), "following a new shape");
        self.write_down(table, now, version, &statements).await
    }

    /// Runs the statements and writes the shape down, in one transaction.
    async fn write_down(
        &self,
        table: &SourceTable,
        shape: &Shape,
        version: usize,
        statements: &[String],
    ) -> Result<()> {
        let client = self.writer.client();
        execute(client, sql::apply::BEGIN).await?;
        for statement in statements {
            execute(client, statement).await.map_err(cannot_follow)?;
        }
        let loader = self.writer.loader();
        loader
            .record_shape(client, table.oid, version, shape)
            .await?;
        execute(client, sql::apply::COMMIT).await
    }
}

/// A name that no table or column has, for the time of a transaction.
fn passing(number: impl std::fmt::Display) -> String {
    format!("walferry renames {number}")
}

async fn rename(client: &Client, from: &TableName, to: &TableName) -> Result<()> {
    let moved = execute(client, &sql::reshape::move_table(from, to)).await;
    moved.map_err(|error| {
        let remedy = "The table was renamed on the source, and its copy cannot be: drop or rename \
                      what is in the way in the destination.";
        error.as_kind(Kind::TableInTheWay).table(to).remedy(remedy)
    })
}

async fn drop_primary_key(client: &Client, table: &TableName) -> Result<()> {
    let failed = |error| from_client(Side::Destination, "look up the primary key", &error);
    let names = client
        .query(reshape::PRIMARY_KEY_NAME, &[&table.schema, &table.name])
        .await
        .map_err(failed)?;
    for row in names {
        let drop = reshape::drop_primary_key(table, row.get(0));
        execute(client, &drop).await.map_err(cannot_follow)?;
    }
    Ok(())
}

fn names<'c>(columns: &'c [Column], at: &[usize]) -> Vec<&'c str> {
    at.iter().map(|&at| columns[at].name.as_str()).collect()
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
    for (at, (from, _)) in renamed.iter().enumerate() {
        statements.push(reshape::rename_column(place, from, &passing(at)));
    }
    for (at, (_, to)) in renamed.iter().enumerate() {
        statements.push(reshape::rename_column(place, &passing(at), to));
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
            let missing = added.missing.as_deref();
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

fn not_followed() -> Error {
    let what = "The columns of a table changed, and [tables] on_schema_change is \"halt\"";
    let remedy = "Make the same change in the destination, then start once with \"follow\", or \
                  have the table loaded again: `walferry resync`.";
    Error::new(Kind::SchemaChanged, what)
        .on(Side::Source)
        .remedy(remedy)
}

fn cannot_follow(error: Error) -> Error {
    let remedy = "The table changed on the source, and the destination table cannot be altered \
                  likewise: a view, a rule or a column of others is in the way. Drop that, start \
                  walferry, and make it again.";
    error.as_kind(Kind::SchemaChanged).remedy(remedy)
}

async fn execute(client: &Client, statement: &str) -> Result<()> {
    let done = client.batch_execute(statement).await;
    done.map_err(|error| from_client(Side::Destination, "follow a table's new shape", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(attnum: i16, name: &str, type_oid: u32, row_version: &str) -> ShapeColumn {
        ShapeColumn {
            attnum,
            name: name.to_owned(),
            type_oid,
            type_modifier: -1,
            row_version: row_version.to_owned(),
            missing: None,
        }
    }

    fn shape(filenode: u32, columns: &[ShapeColumn]) -> Shape {
        Shape {
            filenode,
            columns: columns.to_vec(),
        }
    }

    #[test]
    fn a_new_file_or_a_new_catalog_row_alone_rewrote_nothing() {
        let old = [column(1, "a", 23, "7"), column(2, "b", 25, "7")];
        assert!(
            difference(&old, 1, &shape(2, &old)).is_none(),
            "VACUUM FULL"
        );
        let now = [column(1, "a", 23, "7"), column(2, "b", 25, "8")];
        assert!(difference(&old, 1, &shape(1, &now)).is_none(), "STATISTICS");
        assert!(difference(&old, 1, &shape(2, &now)).rewritten, "USING");
    }

    #[test]
    fn a_column_is_known_by_its_number() {
        let old = [column(1, "a", 23, "7"), column(2, "b", 25, "7")];
        let now = [column(1, "b", 23, "8"), column(3, "a", 25, "8")];
        let now = shape(1, &now);
        let found = difference(&old, 1, &now);
        assert_eq!(found.renamed, [("a", "b")]);
        assert_eq!(found.added, [&now.columns[1]]);
        assert!(found.dropped && !found.rewritten);
    }

    #[test]
    fn a_new_column_with_one_value_is_no_rewrite_and_one_with_many_is() {
        let old = [column(1, "a", 23, "7")];
        let mut added = column(2, "b", 25, "8");
        let both = [old[0].clone(), added.clone()];
        assert!(
            !difference(&old, 1, &shape(1, &both)).rewritten,
            "no default"
        );
        assert!(difference(&old, 1, &shape(2, &both)).rewritten, "volatile");
        added.missing = Some("x".to_owned());
        let both = [old[0].clone(), added];
        assert!(!difference(&old, 1, &shape(1, &both)).rewritten, "constant");
        assert!(
            difference(&old, 0, &shape(0, &both)).rewritten,
            "partitioned"
        );
    }
}
