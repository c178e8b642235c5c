//! Which columns of loaded tables are not what the source has: a later start can tell a column that
//! was renamed from one that may be copied, and a copy that was made under other patterns.

use std::collections::HashMap;

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::{Loader, Record, Writer};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::protect::{Protection, Recorded};
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
    let known = client.query_one(&known, &[]).await.map_err(failed)?;
    if !known.get::<_, bool>(0) {
        return Ok(HashMap::new());
    }
    let statement = sql::select_protected(state_schema);
    let rows = client.query(&statement, &[&pipeline]).await;
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
    /// Writes down the protected columns of a table in the open transaction of `client`, in place
    /// of those of before.
    pub async fn record_protection(
        &self,
        client: &Client,
        oid: u32,
        protection: &Protection,
    ) -> Result<()> {
        for record in self.protection(oid, protection)? {
            record.run(client).await?;
        }
        Ok(())
    }

    /// What writes them down.
    pub fn protection(&self, oid: u32, protection: &Protection) -> Result<Vec<Record>> {
        let [forget, insert] = &self.record_protection;
        let table: [(&(dyn ToSql + Sync), Type); 2] =
            [(&self.pipeline, Type::TEXT), (&oid, Type::OID)];
        let mut records = vec![Record::new(forget, &table)?];
        let attnums: Vec<i16> = protection.columns().map(|(attnum, _)| attnum).collect();
        if attnums.is_empty() {
            return Ok(records);
        }
        let part = |at: usize| -> Vec<&str> {
            let columns = protection.columns();
            columns.map(|(_, c)| c.matched[at].as_str()).collect()
        };
        let treatments: Vec<String> = protection.columns().map(|(_, c)| c.recorded()).collect();
        let (schemas, tables, columns) = (part(0), part(1), part(2));
        let columns: [(&(dyn ToSql + Sync), Type); 5] = [
            (&attnums, Type::INT2_ARRAY),
            (&schemas, Type::TEXT_ARRAY),
            (&tables, Type::TEXT_ARRAY),
            (&columns, Type::TEXT_ARRAY),
            (&treatments, Type::TEXT_ARRAY),
        ];
        records.push(Record::new(insert, &[&table[..], &columns].concat())?);
        Ok(records)
    }
}
