//! Tables that the pipeline goes on without.

use std::collections::HashMap;

use super::Writer;
use crate::catalog::TableName;
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::sql::ask::{self, Typed};
use crate::sql::checkpoint as sql;

/// A table whose changes are skipped until it is asked to be loaded again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Its name on the source when that happened.
    pub source: TableName,
    /// The error, as it was logged.
    pub error: String,
}

const DOING: &str = "use the bookkeeping tables";

impl Writer {
    /// All of them, by source oid.
    pub async fn quarantined(&self) -> Result<HashMap<u32, Quarantined>> {
        let statement = sql::select_quarantined(&self.state_schema);
        let rows = ask::query(&self.client, &statement, &[&self.pipeline]).await;
        let rows = rows.map_err(|error| from_client(Side::Destination, DOING, &error))?;
        let quarantined = rows.iter().map(|row| {
            let source = TableName::new(row.get::<_, String>(1), row.get::<_, String>(2));
            let error = row.get(3);
            (row.get(0), Quarantined { source, error })
        });
        Ok(quarantined.collect())
    }

    /// Goes on without a table from the position on that is durable.
    pub async fn quarantine(&self, oid: u32, table: &Quarantined) -> Result<()> {
        let values: [&dyn Typed; 6] = [
            &self.pipeline,
            &self.fence,
            &oid,
            &table.source.schema,
            &table.source.name,
            &table.error,
        ];
        self.write(&sql::insert_quarantined(&self.state_schema), &values)
            .await
    }

    /// Forgets those that are not among the tables `there`.
    pub async fn forget_quarantined(&self, there: &[u32]) -> Result<()> {
        let statement = sql::forget_quarantined(&self.state_schema);
        self.write(&statement, &[&self.pipeline, &there]).await
    }

    async fn write(&self, statement: &str, values: &[&dyn Typed]) -> Result<()> {
        let done = ask::execute(&self.client, statement, values).await;
        done.map(|_| ())
            .map_err(|error| from_client(Side::Destination, DOING, &error))
    }
}
