//! Tables that were loaded out of sight, and brought up to the others' position, take their places.
//!
//! All of it is one destination transaction, of the session that also applies what is still to
//! come (`apply/replace.rs`):
//!
//! ```text
//! fill: rows into the places that stay ─▶ batches go there, too ─▶ take: moves, records, names of
//! indexes ─▶ COMMIT
//! ```
//!
//! **Why this is right.** Nobody sees any of it before the COMMIT, and then all of it. What takes
//! as long as the table is large is done while the stream goes on; it holds for the last batches
//! and for the steps of the catalog, whose length does not depend on the rows, and which are sent
//! together. These wait only briefly for readers that hold the lock of an old copy: if they have
//! to wait longer they are undone and come again later, and the rows that were filled in stay.

use tokio_postgres::Client;

use super::indexes::renames;
use super::prepare::Plan;
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::types::TEXT;
use crate::catalog::{Column, TableName};
use crate::checkpoint::{Books, LoadedTable, Loader, Record};
use crate::error::{Error, Kind, Result, Side};
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
    /// Statements that name the indexes of those that move.
    renames: Vec<String>,
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

/// SQLSTATE `dependent_objects_still_exist`.
const DEPENDENT_OBJECTS: &str = "2BP01";

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
        let moving = tables.iter().zip(&ways);
        let moving = moving.filter(|(_, way)| matches!(way, Way::Move { .. }));
        let moving: Vec<_> = moving.map(|(t, _)| (&t.plan, &t.place)).collect();
        let renames = renames(client, &moving).await?;
        Ok(Adoption {
            pipeline,
            loader,
            tables,
            ways,
            renames,
        })
    }

    fn each(&self) -> impl Iterator<Item = (&Adopted, &Way)> {
        self.tables.iter().zip(&self.ways)
    }

    /// Statements that fill the places that stay, table by table. They take as long as there are
    /// rows.
    pub fn fill(&self) -> impl Iterator<Item = Vec<String>> {
        self.each().map(|(table, way)| match way {
            Way::Fill(there) => table.fill(there),
            Way::Move { .. } => Vec::new(),
        })
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

    /// Steps of the catalog that bring the tables to their places, table by table. They wait for
    /// readers of old copies that go.
    pub fn take(&self) -> impl Iterator<Item = Vec<String>> {
        self.each().map(|(table, way)| table.take(way))
    }

    /// Statements that then give indexes the names that they would have had. Whoever has such a
    /// name keeps it, which is no reason not to take the places.
    pub fn renames(&self) -> &[String] {
        &self.renames
    }

    /// What a statement about one of the tables has failed with.
    pub fn explain(&self, error: Error, nth: usize) -> Error {
        let Some((table, way)) = self.each().nth(nth) else {
            return error;
        };
        let error = error.table(&table.place);
        let drops = matches!(way, Way::Move { replaces: true });
        if drops && error.sqlstate() == Some(DEPENDENT_OBJECTS) {
            return error.as_kind(Kind::Definite).remedy(VIEWS_REMEDY);
        }
        error
    }

    /// Records the tables as complete up to `lsn`: they hold the transactions whose commit record
    /// begins before it. The first of each changes no row when another daemon has taken over.
    pub fn records(&self, lsn: Lsn) -> Result<Vec<Vec<Record>>> {
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
            self.loader.records(&[books])
        });
        records.collect()
    }

    /// Forgets the pipeline that loaded them.
    pub fn forget(&self) -> Result<Record> {
        self.loader.forget(&self.pipeline)
    }

    /// Says that they are in their places.
    pub fn taken(&self, lsn: Lsn) {
        for table in &self.tables {
            let (rows, bytes) = (table.rows, table.bytes);
            tracing::info!(table = %table.plan.table.name, rows, bytes, %lsn, "table loaded");
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
    fn fill(&self, there: &DestinationTable) -> Vec<String> {
        let computes = |name: &str| {
            let mut columns = there.columns.iter();
            columns.any(|c| c.name == name && c.generated.is_some())
        };
        let mut copied = self.plan.copied();
        copied.retain(|name| !computes(name));
        let fill = sql::load::insert_from(&self.place, &copied, &self.plan.destination);
        vec![sql::load::delete_all(&self.place), fill]
    }

    fn take(&self, way: &Way) -> Vec<String> {
        let hidden = &self.plan.destination;
        match way {
            // the hidden table goes later: whoever reads it is not waited for
            Way::Fill(_) => Vec::new(),
            Way::Move { replaces } => {
                let old = replaces.then(|| sql::reshape::drop_table(&self.place));
                let moved = sql::reshape::steps_to(hidden, &self.place);
                old.into_iter().chain(moved).collect()
            }
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
