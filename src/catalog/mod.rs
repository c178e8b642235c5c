//! Both sides' shapes, as their catalogs tell them now.
//!
//! Relation messages are the truth for a table's shape at an LSN; the catalogs look at *now* and
//! add what the messages lack: keys, sizes, type names, identity and generated columns.

pub mod destination;
pub mod source;

use std::fmt;

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
    /// `attgenerated` is set: the value is computed.
    pub generated: bool,
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
