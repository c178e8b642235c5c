//! Partitions that have sent rows, and that no look at the source has found yet.

use std::collections::HashMap;

use tokio_postgres::types::Type;

use super::{Record, Writer};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::sql::ask;
use crate::sql::checkpoint as sql;

const DOING: &str = "use the bookkeeping tables";

impl Writer {
    /// What writes down tables, each with a partition of it; for the transaction with its rows.
    pub fn note_partitions(&self, partitions: &[(u32, u32)]) -> Result<Record> {
        let (wholes, partitions): (Vec<u32>, Vec<u32>) = partitions.iter().copied().unzip();
        Record::new(
            &sql::insert_new_partitions(&self.state_schema),
            &[
                (&self.pipeline, Type::TEXT),
                (&wholes, Type::OID_ARRAY),
                (&partitions, Type::OID_ARRAY),
            ],
        )
    }

    /// All that were written down, by the table that they were sent as a part of.
    pub async fn new_partitions(&self) -> Result<HashMap<u32, Vec<u32>>> {
        let statement = sql::select_new_partitions(&self.state_schema);
        let rows = ask::query(&self.client, &statement, &[&self.pipeline]).await;
        let rows = rows.map_err(|error| from_client(Side::Destination, DOING, &error))?;
        let mut partitions: HashMap<u32, Vec<u32>> = HashMap::new();
        for row in rows {
            partitions.entry(row.get(0)).or_default().push(row.get(1));
        }
        Ok(partitions)
    }

    /// Forgets them: a look has told what became of them.
    pub async fn forget_new_partitions(&self) -> Result<()> {
        let statement = sql::delete_new_partitions(&self.state_schema);
        let done = ask::execute(&self.client, &statement, &[&self.pipeline]).await;
        done.map(|_| ())
            .map_err(|error| from_client(Side::Destination, DOING, &error))
    }
}
