//! Both sides' shapes, as their catalogs tell them now.
//!
//! Relation messages are the truth for a table's shape at an LSN; the catalogs look at *now* and
//! add what the messages lack: keys, sizes, type names, identity and generated columns.

pub mod destination;
pub mod source;
pub mod types;

mod rows;
#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;

use std::fmt;

use tokio_postgres::{Client, Row};

use crate::error::{Result, Side};

/// The full name of a table; prints as `schema.table` for people, never for SQL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// `nspname`
    pub schema: String,
    /// `relname`
    pub name: String,
}

impl TableName {
    /// Puts the two parts together.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        TableName {
            schema: schema.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// The full name of a type; prints as `schema.type` for people, never for SQL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeName {
    /// `nspname`
    pub schema: String,
    /// `typname`
    pub name: String,
}

impl TypeName {
    /// Puts the two parts together.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        TypeName {
            schema: schema.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// How values of a type are compared where the `=` of `pg_catalog` does not take them as they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Equality {
    /// The base type of a domain: `=` takes no domain over an enum.
    pub base: Option<TypeName>,
    /// Schema and name of the operator of an extension's type; the name is of signs only.
    pub operator: Option<(String, String)>,
}

/// A column of a table as `pg_attribute` and `pg_type` describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// `attnum`: survives renames.
    pub attnum: i16,
    /// `attname`
    pub name: String,
    /// `atttypid`
    pub type_oid: u32,
    /// What `format_type` prints, with modifiers: `numeric(10,2)`; schema-qualified for types
    /// outside `pg_catalog`.
    pub type_name: String,
    /// The type, and for arrays its element type, lives in `pg_catalog`.
    pub type_is_builtin: bool,
    /// `attnotnull`
    pub not_null: bool,
    /// `atttypmod`: length, precision and the like; -1 without.
    pub type_modifier: i32,
    /// The expression of a generated column, as SQL.
    pub generated: Option<String>,
    /// `attidentity`: `a` always, `d` by default.
    pub identity: Option<char>,
}

/// `relreplident`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaIdentity {
    /// `d`: the primary key, or nothing where there is none.
    Default,
    /// `n`: nothing; the source refuses updates and deletes of published rows.
    Nothing,
    /// `f`: the whole old row.
    Full,
    /// `i`: a chosen unique index.
    Index,
}

/// Which running server this is; `None` where the role may not ask.
///
/// Two connections with equal answers end in the same server, whatever names they went by.
pub async fn instance(client: &Client, side: Side) -> Result<Option<String>> {
    let statement = include_str!("queries/instance.sql");
    match rows::query_one(client, side, "ask which server this is", statement).await {
        Ok(row) => Ok(Some(rows::get(&row, "instance")?)),
        Err(error) if error.kind() == crate::Kind::Privilege => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is at the other end of a session just now; behind a pooler it may change between calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    /// `pg_backend_pid()`
    pub pid: i32,
    /// The settings that walferry opens its sessions with are in force.
    pub pinned: bool,
}

/// Asks a session what serves it.
pub async fn backend(client: &Client, side: Side) -> Result<Backend> {
    let statement = include_str!("queries/backend.sql");
    let row = rows::query_one(client, side, "ask what serves the session", statement).await?;
    Ok(Backend {
        pid: rows::get(&row, "pid")?,
        pinned: rows::get(&row, "pinned")?,
    })
}

fn column(row: &Row) -> Result<Column> {
    Ok(Column {
        attnum: rows::get(row, "attnum")?,
        name: rows::get(row, "name")?,
        type_oid: rows::get(row, "type_oid")?,
        type_name: rows::get(row, "type_name")?,
        type_is_builtin: rows::get(row, "type_is_builtin")?,
        not_null: rows::get(row, "not_null")?,
        type_modifier: rows::get(row, "type_modifier")?,
        generated: rows::get(row, "generated")?,
        identity: rows::get_char(row, "identity")?,
    })
}

/// Where the columns with these `attnum`s are in `columns`, in the order asked for.
fn positions(columns: &[Column], attnums: &[i16]) -> Vec<usize> {
    attnums
        .iter()
        .filter_map(|attnum| columns.iter().position(|column| column.attnum == *attnum))
        .collect()
}
