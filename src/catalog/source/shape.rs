//! What tells that a table's columns changed, and what the change did to the rows.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::super::rows::{get, query};
use super::{Sending, version_num};
use crate::error::{Result, Side};

/// A table's columns as they are now, without dropped ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// `relfilenode`: another one after every rewrite of the rows, also those of VACUUM FULL and
    /// TRUNCATE. 0 for a partitioned table, which has no rows of its own.
    pub filenode: u32,
    /// `reltoastrelid`: another one after a rewrite, but not after VACUUM FULL and TRUNCATE. 0
    /// without large values.
    pub toast: u32,
    /// `pg_constraint.oid` of the primary key: another one when that was made again, but not after
    /// REINDEX. 0 without one.
    pub key: u32,
    /// How it is sent; what [`super::look`] adds.
    pub sending: Sending,
    /// In `attnum` order.
    pub columns: Vec<ShapeColumn>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeColumn {
    /// `attnum`: survives renames, and is never used again.
    pub attnum: i16,
    /// `attname`
    pub name: String,
    /// `atttypid`
    pub type_oid: u32,
    /// `atttypmod`
    pub type_modifier: i32,
    /// `xmin` of the row of `pg_attribute`: another one after each ALTER of the column.
    pub row_version: String,
    /// `pg_attrdef.oid` of what computes it: another one after SET EXPRESSION, which touches no row
    /// of a virtual column. `None` of one that is not computed, and where nobody has looked.
    pub expression: Option<u32>,
    /// `attmissingval`, as text: the value in rows that are older than the column (11+).
    pub missing: Option<String>,
}

/// Of every permanent table outside the system schemas, by oid.
pub async fn shapes(client: &Client) -> Result<HashMap<u32, Shape>> {
    shapes_of(client, version_num(client).await?).await
}

/// The same of a server whose version is known.
pub(super) async fn shapes_of(client: &Client, version: i32) -> Result<HashMap<u32, Shape>> {
    let statement = match version {
        ..11_00_00 => include_str!("../queries/source_shapes_10.sql"),
        11_00_00..12_00_00 => include_str!("../queries/source_shapes_11.sql"),
        12_00_00.. => include_str!("../queries/source_shapes.sql"),
    };
    let doing = "look at the tables' columns";
    let mut shapes: HashMap<u32, Shape> = HashMap::new();
    for row in query(client, Side::Source, doing, statement, &[]).await? {
        let shape = shapes.entry(get(&row, "oid")?).or_default();
        shape.filenode = get(&row, "filenode")?;
        shape.toast = get(&row, "toast")?;
        shape.key = get(&row, "key")?;
        let Some(attnum) = get(&row, "attnum")? else {
            continue;
        };
        shape.columns.push(ShapeColumn {
            attnum,
            name: get(&row, "name")?,
            type_oid: get(&row, "type_oid")?,
            type_modifier: get(&row, "type_modifier")?,
            row_version: get(&row, "row_version")?,
            expression: get(&row, "expression")?,
            missing: get(&row, "missing")?,
        });
    }
    Ok(shapes)
}
