//! Where tables and columns come from: what holds for one may hold for those that stem from it.

use std::collections::HashMap;

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
    let mut lineage = Lineage {
        ancestors: HashMap::new(),
        computed_from: HashMap::new(),
    };
    let statement = include_str!("../queries/source_ancestors.sql");
    let doing = "look up partitions and children";
    for row in query(client, Side::Source, doing, statement, &[]).await? {
        let name = TableName::new(get::<String>(&row, "schema")?, get::<String>(&row, "name")?);
        lineage
            .ancestors
            .entry(get(&row, "oid")?)
            .or_default()
            .push(name);
    }
    if version < 12_00_00 {
        return Ok(lineage);
    }
    let statement = include_str!("../queries/source_computed.sql");
    let doing = "look up generated columns";
    for row in query(client, Side::Source, doing, statement, &[]).await? {
        let table = lineage.computed_from.entry(get(&row, "oid")?).or_default();
        let sources = table.entry(get(&row, "attnum")?).or_default();
        sources.push(get(&row, "source")?);
    }
    Ok(lineage)
}
