//! What only the initial load asks for: heaps with their sizes, and secondary indexes.

use std::collections::HashMap;

use tokio_postgres::Client;

use crate::catalog::TableName;
use crate::catalog::rows::{get, get_unsigned, query};
use crate::error::{Result, Side};

/// A heap that holds rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its `pg_class.oid`.
    pub oid: u32,
    /// The table itself, or a leaf partition of it.
    pub name: TableName,
    /// Its size in blocks of the server's `block_size`.
    pub pages: u64,
}

/// A secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name on the source.
    pub name: String,
    /// Its definition after `CREATE INDEX … ON table `: method, columns, predicate.
    pub tail: String,
    /// The `attnum`s of all columns that the definition names.
    pub columns: Vec<i16>,
}

/// The heaps of these tables (`pg_class.oid`), largest first.
pub async fn segments(client: &Client, tables: &[u32]) -> Result<HashMap<u32, Vec<Segment>>> {
    let statement = include_str!("../queries/source_segments.sql");
    let mut segments: HashMap<u32, Vec<Segment>> = HashMap::new();
    for row in query(
        client,
        Side::Source,
        "measure the tables",
        statement,
        &[&tables],
    )
    .await?
    {
        let name = TableName {
            schema: get(&row, "schema")?,
            name: get(&row, "name")?,
        };
        let pages = get_unsigned(&row, "pages")?;
        let root = segments.entry(get(&row, "root")?).or_default();
        let oid = get(&row, "member")?;
        root.push(Segment { oid, name, pages });
    }
    Ok(segments)
}

/// The secondary indexes of these tables (`pg_class.oid`); constraints by exclusion are left out.
pub async fn indexes(client: &Client, tables: &[u32]) -> Result<HashMap<u32, Vec<Index>>> {
    let statement = include_str!("../queries/source_indexes.sql");
    let mut indexes: HashMap<u32, Vec<Index>> = HashMap::new();
    for row in query(
        client,
        Side::Source,
        "list the indexes",
        statement,
        &[&tables],
    )
    .await?
    {
        let index = Index {
            name: get(&row, "name")?,
            tail: get(&row, "tail")?,
            columns: get(&row, "columns")?,
        };
        indexes.entry(get(&row, "oid")?).or_default().push(index);
    }
    Ok(indexes)
}
