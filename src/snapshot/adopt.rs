//! Tables that were loaded out of sight, and brought up to the others' position, take their places.
//!
//! All of it is one destination transaction, of the session that also applies what is still to
//! come (`apply/replace.rs`):
//!
//! ```text
//! fill: rows into the places that stay ─▶ batches go there, too ─▶ take: moves, records ─▶ COMMIT
//! ```
//!
//! **Why this is right.** Nobody sees any of it before the COMMIT, and then all of it. What takes
//! as long as the table is large is done while the stream goes on; it holds for the last batches
//! and for the steps of the catalog, whose length does not depend on the rows. These wait only
//! briefly for readers that hold the lock of an old copy: if they have to wait longer they are
//! undone and come again later, and the rows that were filled in stay.

use tokio_postgres::Client;

use super::indexes::name_in_place;
use super::prepare::Plan;
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::types::TEXT;
use crate::catalog::{Column, TableName};
use crate::checkpoint::{Books, LoadedTable, Loader, Record};
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::IDENTIFIER_BYTES_MAX;
use crate::lsn::Lsn;
use crate::sql;

/// Tables that are loaded, and what puts them into their places.
pub struct Adoption {
    /// The pipeline that loaded them: it ends with this.
    pipeline: String,
    /// Records them for the pipeline that takes them over.
    loader: Loader,
    /// The tables.
    tables: Vec<Adopted>,
    /// How each of them does it.
    ways: Vec<Way>,
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

/// How a table takes its place.
enum Way {
    /// Its rows go into the table that is there, which keeps its views, rights and indexes.
    Fill(Box<DestinationTable>),
    /// It takes the place of one that goes, or of none.
    Move {
        /// One goes.
        replaces: bool,
    },
}

/// A statement, and the table that it is about.
pub struct Statement<'a> {
    /// Its text.
    pub text: String,
    /// The place of the table.
    pub place: &'a TableName,
    /// What to do when it fails, where the server does not know.
    pub remedy: Option<&'static str>,
}

/// Completes "Could not …".
const RENAMING: &str = "give an index the name of its table";

/// For foreign keys that refer to a copy.
const REFERENCED_REMEDY: &str = "Drop these foreign keys, start walferry, and add them again once \
     the table is loaded.";

/// For objects that stand on an old copy.
const VIEWS_REMEDY: &str = "Its shape changed on the source, and views or other objects stand on \
     the old copy. Drop them, start walferry, and make them again once the table is there.";

impl Adoption {
    /// Looks at the places, and says how each table takes its own.
    pub async fn prepare(
        client: &Client,
        pipeline: String,
        loader: Loader,
        tables: Vec<Adopted>,
    ) -> Result<Self> {
        let names = tables.iter();
        let names = names.flat_map(|t| [t.place.clone(), t.plan.destination.clone()]);
        let names: Vec<TableName> = names.collect();
        let mut existing = destination::tables(client, &names).await?;
        let mut ways = Vec::with_capacity(tables.len());
        for table in &tables {
            let there = existing.remove(&table.place);
            let hidden = existing.remove(&table.plan.destination);
            let way = table.way(there, hidden.as_ref());
            ways.push(way.map_err(|error| error.table(&table.place))?);
        }
        Ok(Adoption {
            pipeline,
            loader,
            tables,
            ways,
        })
    }

    fn each(&self) -> impl Iterator<Item = (&Adopted, &Way)> {
        self.tables.iter().zip(&self.ways)
    }

    /// Fills the places that stay. Takes as long as there are rows.
    pub fn fill(&self) -> Vec<Statement<'_>> {
        let filled = self.each().filter_map(|(table, way)| match way {
            Way::Fill(there) => Some(table.fill(there)),
            Way::Move { .. } => None,
        });
        filled.flatten().collect()
    }

    /// The tables whose rows go into their places from then on, by the source's oid.
    pub fn filled(&self) -> impl Iterator<Item = (u32, &TableName, &DestinationTable)> {
        self.each().filter_map(|(table, way)| match way {
            Way::Fill(there) => Some((table.plan.table.oid, &table.place, &**there)),
            Way::Move { .. } => None,
        })
    }

    /// Values go into the places in the form in which they went into the hidden tables.
    pub fn keeps_types(&self) -> bool {
        self.each().all(|(table, way)| match way {
            Way::Fill(there) => table.keeps_types(there),
            Way::Move { .. } => true,
        })
    }

    /// Steps of the catalog that bring each table to its place. They wait for readers of old copies
    /// that go.
    pub fn take(&self) -> Vec<Statement<'_>> {
        let taken = self.each().flat_map(|(table, way)| table.take(way));
        taken.collect()
    }

    /// Records the tables as complete up to `lsn`: they hold the transactions whose commit record
    /// begins before it. The first of each changes no row when another daemon has taken over.
    pub fn records(&self, lsn: Lsn) -> Result<Vec<(&TableName, Vec<Record>)>> {
        let records = self.each().map(|(table, way)| {
            let loaded = LoadedTable {
                source_oid: table.plan.table.oid,
                source: table.plan.table.name.clone(),
                destination: table.place.clone(),
                snapshot_lsn: lsn,
                made_table: matches!(way, Way::Move { .. }),
                rows: table.rows,
                bytes: table.bytes,
                reload: false,
            };
            let books = Books {
                table: &loaded,
                shape: &table.plan.shape,
                protection: &table.plan.table.protection,
            };
            Ok((&table.place, self.loader.records(&[books])?))
        });
        records.collect()
    }

    /// Forgets the pipeline that loaded them.
    pub fn forget(&self) -> Result<Record> {
        self.loader.forget(&self.pipeline)
    }

    /// They are in their places. Indexes that were named after hidden tables get the names that
    /// they would have had; readers and writers do not notice.
    pub async fn taken(&self, client: &Client, lsn: Lsn) {
        for (table, way) in self.each() {
            let (rows, bytes) = (table.rows, table.bytes);
            tracing::info!(table = %table.plan.table.name, rows, bytes, %lsn, "table loaded");
            if matches!(way, Way::Move { .. })
                && let Err(error) = table.rename_indexes(client).await
            {
                tracing::debug!(error = %error, "indexes keep their names");
            }
        }
    }
}

impl Adopted {
    fn way(
        &self,
        there: Option<DestinationTable>,
        hidden: Option<&DestinationTable>,
    ) -> Result<Way> {
        let Some(there) = there else {
            return Ok(Way::Move { replaces: false });
        };
        if hidden.is_some_and(|hidden| self.fits(&there, hidden)) {
            if there.is_referenced {
                let what = "The table is to be loaded again, and foreign keys of the destination \
                            refer to it: to empty it would delete rows of other tables, or fail";
                return Err(Error::new(Kind::Refused, what)
                    .on(Side::Destination)
                    .remedy(REFERENCED_REMEDY));
            }
            return Ok(Way::Fill(Box::new(there)));
        }
        if self.may_drop {
            return Ok(Way::Move { replaces: true });
        }
        let what = "The destination has a table of this name with another shape";
        Err(Error::new(Kind::ShapeMismatch, what)
            .on(Side::Destination)
            .remedy("Alter the table, or drop it and let walferry make it."))
    }

    /// Readers see its rows of before until the commit.
    fn fill(&self, there: &DestinationTable) -> [Statement<'_>; 2] {
        let computes = |name: &str| {
            let mut columns = there.columns.iter();
            columns.any(|c| c.name == name && c.generated.is_some())
        };
        let mut copied = self.plan.copied();
        copied.retain(|name| !computes(name));
        let fill = sql::load::insert_from(&self.place, &copied, &self.plan.destination);
        [sql::load::delete_all(&self.place), fill].map(|text| self.statement(text))
    }

    fn take(&self, way: &Way) -> Vec<Statement<'_>> {
        let hidden = &self.plan.destination;
        match way {
            // the hidden table goes later: whoever reads it is not waited for
            Way::Fill(_) => Vec::new(),
            Way::Move { replaces } => {
                let old = replaces.then(|| Statement {
                    remedy: Some(VIEWS_REMEDY),
                    ..self.statement(sql::reshape::drop_table(&self.place))
                });
                let moved = sql::reshape::steps_to(hidden, &self.place).into_iter();
                let moved = moved.map(|text| self.statement(text));
                old.into_iter().chain(moved).collect()
            }
        }
    }

    fn statement(&self, text: String) -> Statement<'_> {
        Statement {
            text,
            place: &self.place,
            remedy: None,
        }
    }

    /// The types of the place are those of the hidden table.
    fn keeps_types(&self, there: &DestinationTable) -> bool {
        let mut stored = self.plan.columns.iter();
        stored.all(|column| {
            let place = there.columns.iter().find(|c| c.name == column.name);
            place.is_some_and(|place| place.type_name == column.type_sql)
        })
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
                // a table of others may hold any value as text; ours has the source's types
                let holds = same || (place.type_oid == TEXT && !self.may_drop);
                (place.generated.is_none() || computed) && holds
            })
        });
        let key: Vec<&str> = names(&self.plan.table.columns, &self.plan.table.primary_key);
        let theirs: Vec<&str> = names(&there.columns, &there.primary_key);
        let same_key = !self.plan.keys || !self.may_drop || key == theirs;
        let same_expressions = !self.may_drop || generated(there) == generated(hidden);
        there.relkind == 'r' && same_key && same_expressions && stored.all(|fits| fits)
    }

    async fn rename_indexes(&self, client: &Client) -> Result<()> {
        let failed = |error| from_client(Side::Destination, RENAMING, &error);
        let limit = client.batch_execute(sql::load::WAIT_BRIEFLY_FOR_LOCKS);
        limit.await.map_err(failed)?;
        let renamed = self.rename_each_index(client).await;
        // the session is the writer's
        let no_limit = client.batch_execute(sql::load::WAIT_FOR_LOCKS).await;
        renamed.and(no_limit.map_err(failed))
    }

    async fn rename_each_index(&self, client: &Client) -> Result<()> {
        let failed = |error| from_client(Side::Destination, RENAMING, &error);
        for index in destination::indexes(client, &self.place).await? {
            let Some(name) = name_in_place(&self.plan, &self.place, &index) else {
                continue;
            };
            if name.len() <= IDENTIFIER_BYTES_MAX {
                let index = TableName::new(self.place.schema.clone(), index);
                let rename = sql::reshape::rename_index(&index, &name);
                // should the name be taken, the index keeps the one it has
                if let Err(error) = client.batch_execute(&rename).await {
                    tracing::debug!(error = %failed(error), "it keeps its name");
                }
            }
        }
        Ok(())
    }
}

/// The computed columns, with their types, and their expressions as the destination prints them.
fn generated(table: &DestinationTable) -> Vec<(&str, u32, i32, &str)> {
    let computed = |column: &'_ Column| column.generated.is_some();
    let columns = table.columns.iter().filter(|column| computed(column));
    let columns = columns.map(|c| {
        let expression = c.generated.as_deref().unwrap_or_default();
        (&*c.name, c.type_oid, c.type_modifier, expression)
    });
    let mut columns: Vec<_> = columns.collect();
    columns.sort_unstable();
    columns
}

fn names<'a>(columns: &'a [Column], at: &[usize]) -> Vec<&'a str> {
    at.iter().map(|&at| columns[at].name.as_str()).collect()
}
