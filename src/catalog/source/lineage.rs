//! Where tables and columns come from: what holds for one may hold for those that stem from it.

use std::collections::HashMap;

use tokio::try_join;
use tokio_postgres::Client;

use crate::catalog::TableName;
use crate::catalog::rows::{get, query};
use crate::error::{Result, Side};

/// Of all tables, by oid.
pub(super) struct Lineage {
    /// Roots of partitions and parents of children, the nearest first.
    pub(super) ancestors: HashMap<u32, Vec<TableName>>,
    /// The columns that generated ones are computed from, by `attnum`.
    pub(super) computed_from: HashMap<u32, HashMap<i16, Vec<i16>>>,
}

pub(super) async fn read(client: &Client, version: i32) -> Result<Lineage> {
    let (ancestors, computed_from) = try_join!(
        biased;
        ancestors(client),
        computed_from(client, version),
    )?;
    Ok(Lineage {
        ancestors,
        computed_from,
    })
}

async fn ancestors(client: &Client) -> Result<HashMap<u32, Vec<TableName>>> {
    let statement = include_str!("../queries/source_ancestors.sql");
    let doing = "look up partitions and children";
    let mut ancestors: HashMap<u32, Vec<TableName>> = HashMap::new();
    for row in query(client, Side::Source, doing, statement, &[]).await? {
        let name = TableName::new(get::<String>(&row, "schema")?, get::<String>(&row, "name")?);
        ancestors.entry(get(&row, "oid")?).or_default().push(name);
    }
    Ok(ancestors)
}

async fn computed_from(
    client: &Client,
    version: i32,
) -> Result<HashMap<u32, HashMap<i16, Vec<i16>>>> {
    let mut computed_from: HashMap<u32, HashMap<i16, Vec<i16>>> = HashMap::new();
    if version < 12_00_00 {
        return Ok(computed_from);
    }
    let statement = include_str!("../queries/source_computed.sql");
    let doing = "look up generated columns";
    for row in query(client, Side::Source, doing, statement, &[]).await? {
        let table = computed_from.entry(get(&row, "oid")?).or_default();
        let sources = table.entry(get(&row, "attnum")?).or_default();
        sources.push(get(&row, "source")?);
    }
    Ok(computed_from)
}
