//! Which tables were loaded, and the position at which each was.

use std::collections::HashMap;

use serde_json::json;
use tokio_postgres::Client;
use tokio_postgres::types::{PgLsn, Type};

use super::record::array;
use super::{Record, Writer};
use crate::catalog::TableName;
use crate::catalog::source::Shape;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::lsn::Lsn;
use crate::protect::Protection;
use crate::sql::ask::{self, Typed};
use crate::sql::checkpoint as sql;

/// A table whose initial load is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedTable {
    /// `pg_class.oid` on the source.
    pub source_oid: u32,
    /// Its name on the source when it was loaded.
    pub source: TableName,
    /// Where its rows are.
    pub destination: TableName,
    /// The source's position that the load shows.
    pub snapshot_lsn: Lsn,
    /// walferry made the destination table.
    pub made_table: bool,
    /// Rows that were loaded.
    pub rows: u64,
    /// Bytes of COPY data that were loaded.
    pub bytes: u64,
    /// It is to be loaded again.
    pub reload: bool,
}

/// What is written down of such a table.
#[derive(Clone, Copy, Debug)]
pub struct Books<'b> {
    /// Its row.
    pub table: &'b LoadedTable,
    /// The columns that it was loaded by.
    pub shape: &'b Shape,
    /// What became of their values.
    pub protection: &'b Protection,
}

const DOING: &str = "use the bookkeeping tables";

impl Writer {
    /// The tables that are loaded, by source oid.
    pub async fn loaded_tables(&self) -> Result<HashMap<u32, LoadedTable>> {
        let statement = sql::select_tables(&self.state_schema);
        let rows = ask::query(&self.client, &statement, &[&self.pipeline]).await;
        let rows = rows.map_err(|error| from_client(Side::Destination, DOING, &error))?;
        let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
        let tables = rows.iter().map(|row| {
            let table = LoadedTable {
                source_oid: row.get(0),
                source: TableName::new(row.get::<_, String>(1), row.get::<_, String>(2)),
                destination: TableName::new(row.get::<_, String>(3), row.get::<_, String>(4)),
                snapshot_lsn: Lsn(row.get::<_, PgLsn>(5).into()),
                made_table: row.get(6),
                rows: unsigned(row.get(7)),
                bytes: unsigned(row.get(8)),
                reload: row.get(9),
            };
            (table.source_oid, table)
        });
        Ok(tables.collect())
    }

    /// Notes the names of a table, in the open transaction if there is one.
    pub async fn rename(
        &self,
        source_oid: u32,
        source: &TableName,
        destination: &TableName,
    ) -> Result<()> {
        let statement = sql::rename_table(&self.state_schema);
        let values: [&dyn Typed; 6] = [
            &self.pipeline,
            &source_oid,
            &source.schema,
            &source.name,
            &destination.schema,
            &destination.name,
        ];
        ask::execute(&self.client, &statement, &values)
            .await
            .map(|_| ())
            .map_err(|error| from_client(Side::Destination, DOING, &error))
    }

    /// Forgets a table, by its oid on the source, in the open transaction if there is one.
    pub async fn forget_table(&self, source_oid: u32) -> Result<()> {
        for statement in sql::forget_table(&self.state_schema) {
            ask::execute(&self.client, &statement, &[&self.pipeline, &source_oid])
                .await
                .map_err(|error| from_client(Side::Destination, DOING, &error))?;
        }
        Ok(())
    }

    /// Asks for a new load of a table, by its oid on the source.
    pub async fn mark_for_reload(&self, source_oid: u32) -> Result<()> {
        let statement = sql::mark_for_reload(&self.state_schema);
        ask::execute(&self.client, &statement, &[&self.pipeline, &source_oid])
            .await
            .map(|_| ())
            .map_err(|error| from_client(Side::Destination, DOING, &error))
    }

    /// Who may record loaded tables on other sessions.
    pub fn loader(&self) -> Loader {
        Loader {
            insert_tables: sql::insert_tables(&self.state_schema),
            forget_pipeline: sql::forget_pipeline(&self.state_schema),
            record_shapes: sql::record_shapes(&self.state_schema),
            record_protection: sql::record_protection(&self.state_schema),
            pipeline: self.pipeline.clone(),
            fence: self.fence,
        }
    }

    /// Remembers a schema that walferry made.
    pub async fn record_schema(&self, schema: &str) -> Result<()> {
        let statement = sql::insert_schema(&self.state_schema, &self.pipeline, schema);
        let done = self.client.batch_execute(&statement).await;
        done.map_err(|error| from_client(Side::Destination, DOING, &error))
    }

    /// Runs the statements that make a schema, and remembers it, in one transaction.
    pub async fn make_schema(&self, schema: &str, statements: &str) -> Result<()> {
        let record = sql::insert_schema(&self.state_schema, &self.pipeline, schema);
        // several statements in one message are one transaction
        let statements = format!("{statements}; {record}");
        let made = self.client.batch_execute(&statements).await;
        made.map_err(|error| {
            let doing = format!("make the schema \"{schema}\"");
            from_client(Side::Destination, &doing, &error)
        })
    }
}

/// Records loaded tables inside the transactions that load them.
#[derive(Clone, Debug)]
pub struct Loader {
    insert_tables: String,
    forget_pipeline: String,
    /// Forget later shapes, add these, note the files and how the tables are sent.
    pub(super) record_shapes: [String; 3],
    /// Forget what was protected, and add what is.
    pub(super) record_protection: [String; 2],
    pub(super) pipeline: String,
    fence: i64,
}

impl Loader {
    /// Forgets the pipeline that loaded tables for this one.
    pub fn forget(&self, pipeline: &str) -> Result<Record> {
        Record::new(&self.forget_pipeline, &[(&pipeline, Type::TEXT)])
    }

    /// Writes down tables in the open transaction of `client`; fails when another daemon has taken
    /// the pipeline over, so that its transaction comes to nothing.
    pub async fn record(&self, client: &Client, tables: &[Books<'_>]) -> Result<()> {
        let mut records = self.records(tables)?.into_iter();
        if let Some(rows) = records.next()
            && rows.run(client).await? != tables.len() as u64
        {
            let what = format!(
                "Another walferry took over the pipeline \"{}\"",
                self.pipeline
            );
            return Err(Error::new(Kind::Fenced, what).on(Side::Destination));
        }
        for record in records {
            record.run(client).await?;
        }
        Ok(())
    }

    /// What writes them down. The first of these has a row for each: fewer, when another daemon has
    /// taken over.
    pub fn records(&self, tables: &[Books<'_>]) -> Result<Vec<Record>> {
        let oid = |books: &Books<'_>| books.table.source_oid;
        let shapes: Vec<_> = tables.iter().map(|b| (oid(b), b.shape)).collect();
        let protections: Vec<_> = tables.iter().map(|b| (oid(b), b.protection)).collect();
        let mut records = vec![self.rows(tables)?];
        records.extend(self.shapes(&shapes, 0)?);
        records.extend(self.protections(&protections)?);
        Ok(records)
    }

    fn rows(&self, tables: &[Books<'_>]) -> Result<Record> {
        let row = |books: &Books<'_>| {
            let table = books.table;
            json!({
                "source_oid": table.source_oid,
                "source_schema": table.source.schema,
                "source_table": table.source.name,
                "destination_schema": table.destination.schema,
                "destination_table": table.destination.name,
                "snapshot_lsn": table.snapshot_lsn.to_string(),
                "made_table": table.made_table,
                "rows": table.rows,
                "bytes": table.bytes,
            })
        };
        let rows = array(tables.iter().map(row));
        Record::new(
            &self.insert_tables,
            &[
                (&self.pipeline, Type::TEXT),
                (&self.fence, Type::INT8),
                (&rows, Type::TEXT),
            ],
        )
    }
}
