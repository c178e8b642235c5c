//! Whether two tables hold the same rows.

use tokio_postgres::Client;

use crate::catalog::TableName;
use crate::error::{self, Error, Result, Side};
use crate::sql::Name;

/// What a table holds, so that equal fingerprints mean equal rows, duplicates counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// How many rows.
    pub rows: i64,
    /// A hash over all rows as text in the order of their own hashes; `None` of an empty table.
    pub hash: Option<String>,
}

/// Reads the whole table. Both sides must print values alike: same time zone, same settings.
///
/// # Errors
/// When the role may not read it, or a session breaks.
pub async fn fingerprint(
    client: &Client,
    side: Side,
    table: &TableName,
) -> Result<Option<Fingerprint>> {
    let statement = on_table(include_str!("fingerprint.sql"), table);
    let row = client.query_one(&statement, &[]).await;
    unless_missing(
        side,
        table,
        row.map(|row| Fingerprint {
            rows: row.get(0),
            hash: row.get(1),
        }),
    )
}

/// Counts the rows; `None` when there is no such table yet.
///
/// # Errors
/// When the role may not read it, or a session breaks.
pub async fn count_rows(client: &Client, side: Side, table: &TableName) -> Result<Option<i64>> {
    let statement = on_table(include_str!("count_rows.sql"), table);
    let row = client.query_one(&statement, &[]).await;
    unless_missing(side, table, row.map(|row| row.get(0)))
}

fn on_table(statement: &str, table: &TableName) -> String {
    statement.replace("{table}", &Name(table).to_string())
}

fn unless_missing<T>(
    side: Side,
    table: &TableName,
    result: std::result::Result<T, tokio_postgres::Error>,
) -> Result<Option<T>> {
    use tokio_postgres::error::SqlState;
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(None),
        Err(error) if error.code() == Some(&SqlState::INVALID_SCHEMA_NAME) => Ok(None),
        Err(error) => {
            let failed: Error = error::postgres::from_client(side, "read a table", &error);
            Err(failed.table(table))
        }
    }
}
