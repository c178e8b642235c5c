//! What the source has.

use std::collections::{BTreeMap, HashMap, HashSet};

use tokio::{join, try_join};
use tokio_postgres::{Client, Row};

pub use facts::{Facts, Publication, Slot, facts};
pub use load::{Index, Segment, indexes, segments};
pub use locked::{Locked, locked};
pub use sending::{Member, Sending, fingerprint};
pub use shape::{Shape, ShapeColumn, shapes};

use sending::{fingerprint_of, sendings};
use shape::shapes_of;

mod facts;
mod lineage;
mod load;
mod locked;
mod sending;
mod shape;

use super::rows::{get, get_char, get_unsigned, query};
use super::{Column, ReplicaIdentity, TableName, positions};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::protect::{Protection, Treatment};
use crate::sql;

/// A table of the source that could be replicated.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent answer of the catalog"
)]
pub struct SourceTable {
    /// `pg_class.oid`, the relation id on the wire.
    pub oid: u32,
    /// Its name.
    pub name: TableName,
    /// `relreplident`
    pub identity: ReplicaIdentity,
    /// In `attnum` order, without dropped columns.
    pub columns: Vec<Column>,
    /// Positions in `columns` of the primary key, in key order; empty without one. A deferrable
    /// one does not count: in the middle of a transaction two rows may have the same key.
    pub primary_key: Vec<usize>,
    /// Positions in `columns` of the replica identity's key: the primary key under `Default`, the
    /// index's columns under `Index`, empty under `Full` and `Nothing`.
    pub identity_key: Vec<usize>,
    /// Positions in `columns` that the publications send: those of its column list, else all; of
    /// generated ones those that are sent, which none is before 18.
    pub published_columns: Vec<usize>,
    /// Publications send other columns of it than others do, so that the source sends nothing.
    pub columns_differ: bool,
    /// The row filters of the publications (15+), as one condition in SQL.
    pub row_filter: Option<String>,
    /// A publication sends this table.
    pub published: bool,
    /// Estimated rows (`reltuples`); `None` when never analysed.
    pub rows_estimate: Option<u64>,
    /// `pg_table_size` without indexes: heap and TOAST; of all leaves for a partitioned table.
    pub bytes: u64,
    /// The connected role may use the schema and SELECT all published columns; see
    /// [`SourceTable::is_readable`].
    pub selectable: bool,
    /// A partitioned table: its rows are in its partitions.
    pub partitioned: bool,
    /// A partition of a partitioned table.
    pub is_partition: bool,
    /// The primary key is deferrable, which rules it out as a replica identity and as a key.
    pub deferrable_key: bool,
    /// A row-level security policy applies to the connected role.
    pub row_security: bool,
    /// The connected role owns it, or is a member of the owner; a publication for it needs that.
    pub owned: bool,
    /// The tables above it, by partitioning or inheritance; the nearest first.
    pub ancestors: Vec<TableName>,
    /// Of generated columns by `attnum`: the columns that they are computed from.
    pub computed_from: HashMap<i16, Vec<i16>>,
    /// Columns that are not copied as they are. Nothing is, before
    /// [`Protector::protect`](crate::protect::Protector::protect) has decided: columns that are
    /// left out are in no other field then, and the others have the types of their copies.
    pub protection: Protection,
    /// Published columns that the role may not SELECT, by `attnum`, if it may use the schema.
    unreadable: Vec<i16>,
}

impl SourceTable {
    /// The columns by which a row is found again in the destination: the primary key, else the
    /// replica identity's. Empty: rows can only be appended, or matched whole.
    pub fn key(&self) -> &[usize] {
        if self.primary_key.is_empty() {
            &self.identity_key
        } else {
            &self.primary_key
        }
    }

    /// A column of its keys that identifies no row, since it is left out or masked.
    pub fn unfit_key_column(&self) -> Option<&Column> {
        let key = self.primary_key.iter().chain(&self.identity_key);
        let mut key = key.map(|&at| &self.columns[at]);
        key.find(|column| {
            let treatment = self.protection.of(column.attnum);
            matches!(treatment, Treatment::LeaveOut | Treatment::Mask(_))
        })
    }

    /// As [`SourceTable::selectable`], of the columns whose values are read.
    pub fn is_readable(&self) -> bool {
        let is_read = |attnum: &i16| {
            let treatment = self.protection.of(*attnum);
            !matches!(treatment, Treatment::LeaveOut | Treatment::Mask(_))
        };
        self.selectable || (!self.unreadable.is_empty() && !self.unreadable.iter().any(is_read))
    }

    /// The source allows UPDATE and DELETE while a publication sends them.
    pub fn has_identity(&self) -> bool {
        self.identity == ReplicaIdentity::Full || !self.identity_key.is_empty()
    }
}

/// All ordinary and partitioned tables outside the system schemas, whether published or not,
/// in name order; neither temporary nor unlogged ones.
///
/// Of a partitioned table that is published, either the root is listed or its leaves are,
/// whichever the publications send. Seven queries, whatever the number of tables.
pub async fn tables(client: &Client, publications: &[String]) -> Result<Vec<SourceTable>> {
    let all = async |version| read_tables(client, version, publications).await;
    Box::pin(in_snapshot(client, all)).await
}

/// What a start must know of the source's tables, as of one moment.
pub struct Look {
    /// See [`tables`].
    pub tables: Vec<SourceTable>,
    /// See [`shapes`].
    pub shapes: HashMap<u32, Shape>,
    /// The tables, by oid, that write no WAL now.
    pub unlogged: HashSet<u32>,
    /// See [`fingerprint`].
    pub fingerprint: String,
}

/// Looks at all tables at one moment.
pub async fn look(client: &Client, publications: &[String]) -> Result<Look> {
    let all = async |version| {
        let (mut shapes, sendings, fingerprint, tables, unlogged) = try_join!(
            biased;
            shapes_of(client, version),
            sendings(client, version, publications),
            fingerprint_of(client, version, publications),
            read_tables(client, version, publications),
            unlogged(client),
        )?;
        for (oid, sending) in sendings {
            if let Some(shape) = shapes.get_mut(&oid) {
                shape.sending = sending;
            }
        }
        Ok(Look {
            fingerprint,
            shapes,
            tables,
            unlogged: unlogged.into_keys().collect(),
        })
    };
    Box::pin(in_snapshot(client, all)).await
}

/// All queries see the same catalog, whatever others alter meanwhile; they get the server's
/// version. Those that are asked together have to be polled in order (`biased`): after one has
/// failed the server refuses the others, too, and that is not to be taken for the reason.
async fn in_snapshot<T>(client: &Client, queries: impl AsyncFnOnce(i32) -> Result<T>) -> Result<T> {
    let failed = |error| from_client(Side::Source, "look at the tables", &error);
    let begun = client.batch_execute(sql::probe::BEGIN_SNAPSHOT);
    let (begun, version) = join!(begun, version_num(client));
    begun.map_err(failed)?;
    let answer = match version {
        Ok(version) => queries(version).await,
        Err(error) => Err(error),
    };
    // after a failure it rolls back
    let ended = client.batch_execute(sql::probe::END_SNAPSHOT).await;
    let answer = answer?;
    ended.map_err(failed)?;
    Ok(answer)
}

async fn read_tables(
    client: &Client,
    version: i32,
    publications: &[String],
) -> Result<Vec<SourceTable>> {
    let doing = "list the tables";
    let statement = include_str!("queries/source_tables.sql");
    let (mut columns, mut keys, published, mut lineage, rows) = try_join!(
        biased;
        columns(client, version),
        keys(client),
        published(client, version, publications),
        lineage::read(client, version),
        query(client, Side::Source, doing, statement, &[]),
    )?;

    let mut parents = HashMap::new();
    let mut tables = Vec::with_capacity(rows.len());
    for row in &rows {
        let oid = get(row, "oid")?;
        parents.insert(oid, get::<u32>(row, "parent")?);
        let columns = columns.remove(&oid).unwrap_or_default();
        let keys = keys.remove(&oid).unwrap_or_default();
        let mut table = table(row, columns, &keys, &published)?;
        table.ancestors = lineage.ancestors.remove(&oid).unwrap_or_default();
        table.computed_from = lineage.computed_from.remove(&oid).unwrap_or_default();
        tables.push(table);
    }
    Ok(without_duplicates(tables, &parents))
}

/// The name of one of [`tables`], by its oid, if it is published.
pub async fn published_name(
    client: &Client,
    publications: &[String],
    oid: u32,
) -> Result<Option<TableName>> {
    let statement = include_str!("queries/source_published_one.sql");
    let doing = "look for a table in the publications";
    let rows = query(
        client,
        Side::Source,
        doing,
        statement,
        &[&publications, &oid],
    )
    .await?;
    rows.first().map(table_name).transpose()
}

/// The unlogged tables, by oid: they write no WAL and cannot be followed.
pub async fn unlogged(client: &Client) -> Result<BTreeMap<u32, TableName>> {
    let statement = include_str!("queries/source_unlogged.sql");
    let doing = "list the unlogged tables";
    query(client, Side::Source, doing, statement, &[])
        .await?
        .iter()
        .map(|row| Ok((get(row, "oid")?, table_name(row)?)))
        .collect()
}

/// A column, and whether the connected role may SELECT it.
type Readable = (Column, bool);

/// A primary key or the index of a replica identity.
struct Key {
    is_primary: bool,
    is_identity: bool,
    immediate: bool,
    attnums: Vec<i16>,
}

/// What the publication says about one table.
struct Sent {
    columns: Option<Vec<String>>,
    columns_differ: bool,
    /// Computed columns may be among them.
    computed: bool,
    row_filter: Option<String>,
}

/// `server_version_num`, for example 150018.
pub async fn version_num(client: &Client) -> Result<i32> {
    let statement = include_str!("queries/version_num.sql");
    let doing = "ask for the version";
    let row = super::rows::query_one(client, Side::Source, doing, statement).await?;
    get(&row, "version_num")
}

async fn columns(client: &Client, version: i32) -> Result<HashMap<u32, Vec<Readable>>> {
    let statement = if version < 12_00_00 {
        include_str!("queries/source_columns_10.sql")
    } else {
        include_str!("queries/source_columns_12.sql")
    };
    let mut columns: HashMap<u32, Vec<Readable>> = HashMap::new();
    for row in query(client, Side::Source, "list the columns", statement, &[]).await? {
        let readable = (super::column(&row)?, get(&row, "selectable")?);
        columns.entry(get(&row, "oid")?).or_default().push(readable);
    }
    Ok(columns)
}

async fn keys(client: &Client) -> Result<HashMap<u32, Vec<Key>>> {
    let statement = include_str!("queries/source_keys.sql");
    let mut keys: HashMap<u32, Vec<Key>> = HashMap::new();
    for row in query(client, Side::Source, "list the keys", statement, &[]).await? {
        keys.entry(get(&row, "oid")?).or_default().push(Key {
            is_primary: get(&row, "is_primary")?,
            is_identity: get(&row, "is_identity")?,
            immediate: get(&row, "immediate")?,
            attnums: get(&row, "attnums")?,
        });
    }
    Ok(keys)
}

async fn published(
    client: &Client,
    version: i32,
    publications: &[String],
) -> Result<HashMap<TableName, Sent>> {
    let statement = if version < 15_00_00 {
        include_str!("queries/published_10.sql")
    } else {
        include_str!("queries/published_15.sql")
    };
    let doing = "list the tables of the publications";
    let mut published = HashMap::new();
    for row in query(client, Side::Source, doing, statement, &[&publications]).await? {
        let sent = Sent {
            columns: get(&row, "columns")?,
            columns_differ: get(&row, "columns_differ")?,
            // before, they are listed and not sent
            computed: version >= 18_00_00,
            row_filter: get(&row, "row_filter")?,
        };
        published.insert(table_name(&row)?, sent);
    }
    Ok(published)
}

fn table_name(row: &Row) -> Result<TableName> {
    Ok(TableName {
        schema: get(row, "schema")?,
        name: get(row, "name")?,
    })
}

fn table(
    row: &Row,
    readable: Vec<Readable>,
    keys: &[Key],
    published: &HashMap<TableName, Sent>,
) -> Result<SourceTable> {
    let name = table_name(row)?;
    let sent = published.get(&name);
    let identity = match get_char(row, "identity")? {
        Some('n') => ReplicaIdentity::Nothing,
        Some('f') => ReplicaIdentity::Full,
        Some('i') => ReplicaIdentity::Index,
        _ => ReplicaIdentity::Default,
    };
    let (columns, selectable): (Vec<Column>, Vec<bool>) = readable.into_iter().unzip();
    let find = |wanted: &dyn Fn(&Key) -> bool| {
        keys.iter()
            .find(|key| key.immediate && wanted(key))
            .map(|key| positions(&columns, &key.attnums))
            .unwrap_or_default()
    };
    let primary_key = find(&|key| key.is_primary);
    let identity_key = match identity {
        ReplicaIdentity::Default => primary_key.clone(),
        ReplicaIdentity::Index => find(&|key| key.is_identity),
        ReplicaIdentity::Full | ReplicaIdentity::Nothing => Vec::new(),
    };
    let is_sent = |column: &Column| match sent.and_then(|sent| Some((sent, sent.columns.as_ref()?)))
    {
        Some((sent, list)) => {
            (sent.computed || column.generated.is_none()) && list.contains(&column.name)
        }
        None => column.generated.is_none(),
    };
    let published_columns: Vec<usize> = (0..columns.len())
        .filter(|&at| is_sent(&columns[at]))
        .collect();
    let usable: bool = get(row, "schema_usable")?;
    let unreadable: Vec<i16> = published_columns
        .iter()
        .filter(|&&at| usable && !selectable[at])
        .map(|&at| columns[at].attnum)
        .collect();
    Ok(SourceTable {
        oid: get(row, "oid")?,
        identity,
        primary_key,
        identity_key,
        selectable: usable && unreadable.is_empty(),
        unreadable,
        ancestors: Vec::new(),
        computed_from: HashMap::new(),
        protection: Protection::default(),
        published_columns,
        columns_differ: sent.is_some_and(|sent| sent.columns_differ),
        row_filter: sent.and_then(|sent| sent.row_filter.clone()),
        published: sent.is_some(),
        rows_estimate: get::<Option<i64>>(row, "rows_estimate")?
            .and_then(|rows| u64::try_from(rows).ok()),
        bytes: get_unsigned(row, "bytes")?,
        partitioned: get(row, "partitioned")?,
        is_partition: get::<u32>(row, "parent")? != 0,
        deferrable_key: keys.iter().any(|key| key.is_primary && !key.immediate),
        row_security: get(row, "row_security")?,
        owned: get(row, "owned")?,
        columns,
        name,
    })
}

/// Drops what would make the same rows appear twice: partitions below a root that is sent itself,
/// and roots of which leaves are sent.
fn without_duplicates(tables: Vec<SourceTable>, parents: &HashMap<u32, u32>) -> Vec<SourceTable> {
    let ancestors = |oid: u32| {
        std::iter::successors(parents.get(&oid).copied(), |at| parents.get(at).copied())
            .take_while(|&at| at != 0)
    };
    let sent: Vec<u32> = tables
        .iter()
        .filter(|t| t.published)
        .map(|t| t.oid)
        .collect();
    let sent_roots: HashSet<u32> = tables
        .iter()
        .filter(|table| table.published && table.partitioned)
        .map(|table| table.oid)
        .collect();
    let roots_of_sent: HashSet<u32> = sent
        .iter()
        .filter(|&&oid| !ancestors(oid).any(|at| sent_roots.contains(&at)))
        .flat_map(|&oid| ancestors(oid))
        .collect();
    tables
        .into_iter()
        .filter(|table| !ancestors(table.oid).any(|at| sent_roots.contains(&at)))
        .filter(|table| table.published || !roots_of_sent.contains(&table.oid))
        .collect()
}
