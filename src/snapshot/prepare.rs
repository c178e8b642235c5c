//! What is to be loaded, and the table it goes to.

use tokio_postgres::Client;

use super::indexes::identity_index;
use crate::catalog::destination::DestinationTable;
use crate::catalog::source::{Index, Segment, Shape, SourceTable};
use crate::catalog::types::Types;
use crate::catalog::{Column, ReplicaIdentity, TableName};
use crate::config::{self, Indexes};
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::protect::{RowWriter, Treatment};
use crate::sql::load::{self as sql, NewColumn};
use crate::sql::reshape;

/// A table to load.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the source has.
    pub table: SourceTable,
    /// Where it goes.
    pub destination: TableName,
    /// The table that is there already; it is empty and has all the columns.
    pub existing: Option<DestinationTable>,
    /// The published columns, which are copied, then those that the destination computes.
    pub columns: Vec<PlannedColumn>,
    /// COPY's binary format fits all columns.
    pub binary: bool,
    /// Its columns before the snapshot was taken: what has changed since is found out later.
    pub shape: Shape,
    /// The heaps that hold its rows on the source.
    pub segments: Vec<Segment>,
    /// Secondary indexes to make.
    pub indexes: Vec<Index>,
    /// The primary key and the replica identity's index are to be made.
    pub keys: bool,
    /// Percent of a page that the load fills; the rest is room for later versions of rows.
    pub fillfactor: Option<u8>,
}

/// A column of the destination table.
#[derive(Clone, Debug)]
pub struct PlannedColumn {
    /// Its name on both sides.
    pub name: String,
    /// Its type in the destination.
    pub type_sql: String,
    /// The expression of a column that is computed in the destination as well. One that the
    /// publication sends (18+) is copied like others.
    pub generated: Option<String>,
    /// What becomes of its values.
    pub treatment: Treatment,
}

impl PlannedColumn {
    fn is_masked(&self) -> bool {
        matches!(self.treatment, Treatment::Mask(_))
    }
}

/// A key whose values are left out, or all the same, finds no row.
fn check_key(table: &SourceTable) -> Result<()> {
    let Some(column) = table.unfit_key_column() else {
        return Ok(());
    };
    let what = format!(
        "The key column \"{}\" is {}, so that rows cannot be told apart",
        column.name,
        table.protection.of(column.attnum).describe()
    );
    Err(Error::new(Kind::ShapeMismatch, what)
        .on(Side::Source)
        .table(&table.name)
        .remedy(KEY_REMEDY))
}

/// For keys that are left out or masked.
pub const KEY_REMEDY: &str = "Hash it instead ([tables] hash_columns), or leave the whole table \
                              out with [tables] exclude.";

impl Plan {
    /// Plans a table, or says why it cannot be loaded.
    pub fn new(
        config: &config::Snapshot,
        table: SourceTable,
        shape: Shape,
        destination: TableName,
        existing: Option<DestinationTable>,
        types: &Types,
    ) -> Result<Self> {
        let copied: Vec<usize> = copied(&table, existing.as_ref());
        let is_copied = |at: &usize| copied.binary_search(at).is_ok();
        let computed = (0..table.columns.len())
            .filter(|at| table.columns[*at].generated.is_some() && !is_copied(at));
        let columns: Vec<PlannedColumn> = copied
            .iter()
            .copied()
            .chain(computed)
            .map(|at| (&table.columns[at], is_copied(&at)))
            .map(|(column, is_copied)| PlannedColumn {
                name: column.name.clone(),
                type_sql: types.of_column(column),
                generated: column.generated.clone().filter(|_| !is_copied),
                treatment: table.protection.of(column.attnum).clone(),
            })
            .collect();
        check_key(&table)?;
        // Rows that change in place need room beside them; rows that are only added do not.
        let changes = !table.key().is_empty();
        let mut plan = Plan {
            segments: vec![Segment {
                oid: table.oid,
                name: table.name.clone(),
                pages: 0,
            }],
            indexes: Vec::new(),
            keys: config.indexes != Indexes::None,
            fillfactor: changes.then_some(config.fillfactor),
            table,
            destination,
            existing,
            columns,
            binary: false,
            shape,
        };
        plan.check_existing(types)?;
        plan.binary = plan.binary_fits(types);
        Ok(plan)
    }

    /// Names of the columns that are copied: those that are read, then the masked ones.
    pub fn copied(&self) -> Vec<&str> {
        let masked = self.masked().map(|column| column.name.as_str());
        self.read().into_iter().chain(masked).collect()
    }

    /// Names of the columns whose values are read.
    pub(super) fn read(&self) -> Vec<&str> {
        self.unmasked().map(|column| column.name.as_str()).collect()
    }

    /// What writes the rows, if they are not to be as they were read.
    pub(super) fn row_writer(&self) -> Option<RowWriter> {
        RowWriter::new(
            self.unmasked().map(|column| &column.treatment),
            self.masked().map(|column| &column.treatment),
        )
    }

    fn unmasked(&self) -> impl Iterator<Item = &PlannedColumn> {
        let columns = self.columns.iter();
        columns.filter(|column| column.generated.is_none() && !column.is_masked())
    }

    fn masked(&self) -> impl Iterator<Item = &PlannedColumn> {
        let columns = self.columns.iter();
        columns.filter(|column| column.generated.is_none() && column.is_masked())
    }

    /// A table that is there must have the columns, with types that hold the same values.
    fn check_existing(&self, types: &Types) -> Result<()> {
        let Some(existing) = &self.existing else {
            return Ok(());
        };
        let mut faults = Vec::new();
        for column in self.stored() {
            let place = existing
                .columns
                .iter()
                .find(|place| place.name == column.name);
            match place {
                None => faults.push(format!("column \"{}\" is missing", column.name)),
                Some(place) if types.fits(column.type_oid, column.type_modifier, place) => {}
                Some(place) => faults.push(format!(
                    "column \"{}\" is {} instead of {}",
                    column.name,
                    place.type_name,
                    types.of_column(column)
                )),
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        let what = format!(
            "The destination has a table of this name with another shape: {}",
            faults.join(", ")
        );
        Err(Error::new(Kind::ShapeMismatch, what)
            .on(Side::Destination)
            .table(&self.destination)
            .remedy("Alter the table, or drop it and let walferry make it."))
    }

    fn binary_fits(&self, types: &Types) -> bool {
        let mut stored = self.stored();
        self.row_writer().is_none()
            && stored.all(|column| match &self.existing {
                None => types.binary_fits(column, None),
                Some(existing) => {
                    let place = existing.columns.iter().find(|c| c.name == column.name);
                    place.is_some() && types.binary_fits(column, place)
                }
            })
    }

    /// The source computes a column whose values are copied: a plain COPY does not send those.
    pub(super) fn reads_computed(&self) -> bool {
        self.stored().any(|column| column.generated.is_some())
    }

    /// The source's columns whose values are copied.
    fn stored(&self) -> impl Iterator<Item = &Column> {
        let copied = copied(&self.table, self.existing.as_ref());
        copied.into_iter().map(|at| &self.table.columns[at])
    }

    fn is_key(&self, column: &str) -> bool {
        let mut key = self.table.primary_key.iter();
        key.any(|&at| self.table.columns[at].name == column)
    }

    /// Makes the destination table under this name, in the open transaction if there is one.
    pub(super) async fn create(&self, client: &Client, name: &TableName) -> Result<()> {
        let columns: Vec<NewColumn<'_>> = self
            .columns
            .iter()
            .map(|column| NewColumn {
                name: &column.name,
                type_sql: &column.type_sql,
                generated: column.generated.as_deref(),
                key: self.keys && self.is_key(&column.name),
            })
            .collect();
        let statement = sql::create_table(name, &self.destination, &columns, self.fillfactor);
        self.run_one(client, "make the table", &statement).await
    }

    /// What follows when all rows and secondary indexes are there: the keys by which changes will
    /// find rows, unless the table came with them, and the rights of readers. Statements, each
    /// after what completes "Could not …".
    pub(super) fn last_steps(
        &self,
        readers: &[String],
        out_of_sight: bool,
    ) -> Vec<(String, String)> {
        let mut steps = Vec::new();
        let columns = |at: &[usize]| at.iter().map(|&at| &self.table.columns[at]).collect();
        let key: Vec<_> = columns(&self.table.primary_key);
        if self.keys && !key.is_empty() && !self.has_unique(&self.table.primary_key) {
            let statement = reshape::add_primary_key(&self.destination, &key);
            steps.push(("add the primary key".to_owned(), statement));
        }
        let by_index = self.keys && self.table.identity == ReplicaIdentity::Index;
        let identity = &self.table.identity_key;
        if by_index && *identity != self.table.primary_key && !self.has_unique(identity) {
            let name = out_of_sight.then(|| identity_index(&self.destination));
            let identity: Vec<_> = self.identity().collect();
            let statement = sql::add_identity_index(&self.destination, name.as_deref(), &identity);
            steps.push(("add the replica identity's index".to_owned(), statement));
        }
        for reader in readers {
            let grant = sql::grant_select(&self.destination, reader);
            steps.push(("grant SELECT to a reader".to_owned(), grant));
        }
        steps
    }

    /// The columns of the replica identity.
    pub(super) fn identity(&self) -> impl Iterator<Item = &Column> {
        let identity = self.table.identity_key.iter();
        identity.map(|&at| &self.table.columns[at])
    }

    /// The file that a heap of it was in before the snapshot was taken; `None` of a partition that
    /// nobody had seen then.
    pub(super) fn file_of(&self, heap: &Segment) -> Option<u32> {
        if heap.oid == self.table.oid {
            return Some(self.shape.filenode).filter(|file| *file != 0);
        }
        let mut members = self.shape.sending.members.iter();
        let member = members.find(|member| member.oid == heap.oid)?;
        Some(member.filenode)
    }

    /// The table that is there has a unique key over exactly these columns.
    fn has_unique(&self, key: &[usize]) -> bool {
        let Some(existing) = &self.existing else {
            return false;
        };
        let mut wanted: Vec<&str> = key
            .iter()
            .map(|&at| self.table.columns[at].name.as_str())
            .collect();
        wanted.sort_unstable();
        existing
            .unique_keys
            .iter()
            .chain([&existing.primary_key])
            .any(|unique| {
                let mut names: Vec<&str> = unique
                    .iter()
                    .map(|&at| existing.columns[at].name.as_str())
                    .collect();
                names.sort_unstable();
                names == wanted
            })
    }

    /// Runs one statement that holds text from the source's catalog: the extended protocol takes no
    /// second one after it. Sent at the first poll, in one round trip.
    pub(super) async fn run_one(
        &self,
        client: &Client,
        doing: &str,
        statement: &str,
    ) -> Result<()> {
        client
            .execute_typed(statement, &[])
            .await
            .map(|_| ())
            .map_err(|error| from_client(Side::Destination, doing, &error).table(&self.destination))
    }

    pub(super) async fn run(&self, client: &Client, doing: &str, statement: &str) -> Result<()> {
        client
            .batch_execute(statement)
            .await
            .map_err(|error| from_client(Side::Destination, doing, &error).table(&self.destination))
    }
}

/// Positions of the columns that are copied, in order: those that are published, but for those that
/// a table which is there computes by itself.
fn copied(table: &SourceTable, existing: Option<&DestinationTable>) -> Vec<usize> {
    let is_computed_there = |column: &Column| {
        let mut places = existing.iter().flat_map(|existing| &existing.columns);
        column.generated.is_some()
            && places.any(|place| place.name == column.name && place.generated.is_some())
    };
    let published = table.published_columns.iter().copied();
    published
        .filter(|&at| !is_computed_there(&table.columns[at]))
        .collect()
}
