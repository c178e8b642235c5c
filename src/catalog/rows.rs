//! Running catalog queries and reading their rows.

use tokio_postgres::types::FromSql;
use tokio_postgres::{Client, Row};

use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::sql::ask::{self, Typed};

/// Runs one catalog query; `doing` completes "Could not …".
pub(super) async fn query(
    client: &Client,
    side: Side,
    doing: &str,
    statement: &str,
    values: &[&dyn Typed],
) -> Result<Vec<Row>> {
    ask::query(client, statement, values)
        .await
        .map_err(|error| from_client(side, doing, &error))
}

/// As [`query`], for a query that returns exactly one row.
pub(super) async fn query_one(
    client: &Client,
    side: Side,
    doing: &str,
    statement: &str,
) -> Result<Row> {
    ask::query_one(client, statement, &[])
        .await
        .map_err(|error| from_client(side, doing, &error))
}

/// Reads one column; a mismatch means that the server is not what it says it is.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &str) -> Result<T> {
    row.try_get(column).map_err(|error| {
        Error::new(
            Kind::Protocol,
            format!("A catalog query returned an unexpected column {column}: {error}"),
        )
    })
}

/// Reads a `"char"`; the empty one is `None`.
pub(super) fn get_char(row: &Row, column: &str) -> Result<Option<char>> {
    let byte: i8 = get(row, column)?;
    Ok(u8::try_from(byte)
        .ok()
        .filter(|&byte| byte != 0)
        .map(char::from))
}

/// Reads a count or a size, which is never negative.
pub(super) fn get_unsigned(row: &Row, column: &str) -> Result<u64> {
    let value: i64 = get(row, column)?;
    Ok(u64::try_from(value).unwrap_or(0))
}
