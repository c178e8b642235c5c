//! Which columns of loaded tables are not what the source has: a later start can tell a column that
//! was renamed from one that may be copied, and a copy that was made under other patterns.

use std::collections::HashMap;

use serde_json::json;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::record::{Value, array};
use super::{Loader, Record, Writer};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::protect::{Protection, Recorded};
use crate::sql::ask;
use crate::sql::{checkpoint as sql, probe};

const DOING: &str = "use the bookkeeping tables";

impl Writer {
    /// The protected columns of all loaded tables, by the source's oid.
    pub async fn protected(&self) -> Result<HashMap<u32, Vec<Recorded>>> {
        recorded_protection(&self.client, &self.state_schema, &self.pipeline).await
    }
}

/// The protected columns of a pipeline's loaded tables, by the source's oid; none where no walferry
/// of this version has kept books yet.
pub async fn recorded_protection(
    client: &Client,
    state_schema: &str,
    pipeline: &str,
) -> Result<HashMap<u32, Vec<Recorded>>> {
    let failed = |error| from_client(Side::Destination, DOING, &error);
    let known = probe::protection_is_recorded(state_schema);
    let known = ask::query_one(client, &known, &[]).await.map_err(failed)?;
    if !known.get::<_, bool>(0) {
        return Ok(HashMap::new());
    }
    let statement = sql::select_protected(state_schema);
    let rows = ask::query(client, &statement, &[&pipeline]).await;
    let rows = rows.map_err(failed)?;
    let mut recorded: HashMap<u32, Vec<Recorded>> = HashMap::new();
    for row in rows {
        recorded.entry(row.get(0)).or_default().push(Recorded {
            attnum: row.get(1),
            matched: [row.get(2), row.get(3), row.get(4)],
            treatment: row.get(5),
        });
    }
    Ok(recorded)
}

impl Loader {
    /// What writes down the protected columns of tables, by the source's oid, in place of those of
    /// before.
    pub fn protections(&self, tables: &[(u32, &Protection)]) -> Result<[Record; 2]> {
        let oids: Vec<u32> = tables.iter().map(|(oid, _)| *oid).collect();
        let columns = tables.iter().flat_map(|(oid, protection)| {
            protection.columns().map(move |(attnum, column)| {
                let [schema, table, name] = &column.matched;
                json!({
                    "source_oid": oid,
                    "attnum": attnum,
                    "source_schema": schema,
                    "source_table": table,
                    "source_column": name,
                    "treatment": column.recorded(),
                })
            })
        });
        let columns = array(columns);
        let pipeline: Value = (&self.pipeline, Type::TEXT);
        let [forget, insert] = &self.record_protection;
        Ok([
            Record::new(forget, &[pipeline.clone(), (&oids, Type::OID_ARRAY)])?,
            Record::new(insert, &[pipeline, (&columns, Type::TEXT)])?,
        ])
    }
}
