//! Whose lock is in the way.

use tokio_postgres::Client;

use super::super::rows::{get, query};
use super::table_name;
use crate::catalog::TableName;
use crate::error::{Result, Side};

/// A table that only one session may read now.
pub struct Locked {
    /// The table.
    pub table: TableName,
    /// The process of the server that holds the lock, or waits for it before everybody else;
    /// `None` for a prepared transaction.
    pub pid: Option<i32>,
}

/// The tables that cannot be read now, those that somebody holds first.
pub async fn locked(client: &Client) -> Result<Vec<Locked>> {
    let statement = include_str!("../queries/source_locked.sql");
    let doing = "ask who has locked a table";
    let rows = query(client, Side::Source, doing, statement, &[]).await?;
    let locked = rows.iter().map(|row| {
        Ok(Locked {
            table: table_name(row)?,
            pid: get(row, "pid")?,
        })
    });
    locked.collect()
}
