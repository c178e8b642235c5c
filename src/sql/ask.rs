//! Statements whose answer takes one round trip.
//!
//! tokio-postgres prepares a statement first when the types of its values are left to the server: a
//! round trip more, for a statement that is used once. What a value is of is known here by its Rust
//! type. Several that are polled together (`try_join!`) go to the server together.
//!
//! **What can go wrong.** A statement takes `$1` for what the value is, so where it wants another
//! type it has to say so (`$1::pg_catalog.text::pg_catalog.name`).

use tokio_postgres::types::{PgLsn, ToSql, Type};
use tokio_postgres::{Client, Error, Row};

/// A value that knows its type.
pub trait Typed: Sync {
    /// As the server calls it.
    fn sql_type(&self) -> Type;
    /// What is sent.
    fn as_sql(&self) -> &(dyn ToSql + Sync);
}

macro_rules! value {
    ($($rust:ty: $sql:ident),* $(,)?) => {$(
        impl Typed for $rust {
            fn sql_type(&self) -> Type {
                Type::$sql
            }

            fn as_sql(&self) -> &(dyn ToSql + Sync) {
                self
            }
        }

        impl Typed for Option<$rust> {
            fn sql_type(&self) -> Type {
                Type::$sql
            }

            fn as_sql(&self) -> &(dyn ToSql + Sync) {
                self
            }
        }
    )*};
}

value! {
    bool: BOOL,
    i16: INT2,
    i32: INT4,
    i64: INT8,
    u32: OID,
    &str: TEXT,
    String: TEXT,
    PgLsn: PG_LSN,
    std::time::SystemTime: TIMESTAMPTZ,
    Vec<i16>: INT2_ARRAY,
    Vec<i64>: INT8_ARRAY,
    Vec<u32>: OID_ARRAY,
    Vec<String>: TEXT_ARRAY,
    Vec<&str>: TEXT_ARRAY,
    &[u32]: OID_ARRAY,
    &[&str]: TEXT_ARRAY,
    &[String]: TEXT_ARRAY,
}

fn typed<'v>(values: &[&'v dyn Typed]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    let values = values.iter();
    values
        .map(|value| (value.as_sql(), value.sql_type()))
        .collect()
}

/// All rows.
pub async fn query(
    client: &Client,
    statement: &str,
    values: &[&dyn Typed],
) -> Result<Vec<Row>, Error> {
    client.query_typed(statement, &typed(values)).await
}

/// The one row; another number of them is an error.
pub async fn query_one(
    client: &Client,
    statement: &str,
    values: &[&dyn Typed],
) -> Result<Row, Error> {
    client.query_typed_one(statement, &typed(values)).await
}

/// The one row, if there is one.
pub async fn query_opt(
    client: &Client,
    statement: &str,
    values: &[&dyn Typed],
) -> Result<Option<Row>, Error> {
    client.query_typed_opt(statement, &typed(values)).await
}

/// How many rows it changed.
pub async fn execute(
    client: &Client,
    statement: &str,
    values: &[&dyn Typed],
) -> Result<u64, Error> {
    client.execute_typed(statement, &typed(values)).await
}
