//! Statements by which a destination table gets its name and its shape, and follows those of its
//! source.

use super::{Ident, Literal, Name, ident_list};
use crate::catalog::{Column, TableName};

/// Drops a table that nobody needs any more.
pub fn drop_table(table: &TableName) -> String {
    format!("DROP TABLE IF EXISTS {}", Name(table))
}

/// Moves a table to its schema and name.
pub fn move_table(from: &TableName, to: &TableName) -> String {
    steps_to(from, to).join("; ")
}

/// The same, statement by statement.
pub fn steps_to(from: &TableName, to: &TableName) -> Vec<String> {
    let rename = |from: &TableName| {
        let (from, name) = (Name(from), Ident(&to.name));
        format!("ALTER TABLE {from} RENAME TO {name}")
    };
    if from.schema == to.schema {
        return vec![rename(from)];
    }
    let moved = TableName::new(to.schema.clone(), from.name.clone());
    let (old, schema) = (Name(from), Ident(&to.schema));
    vec![
        format!("ALTER TABLE {old} SET SCHEMA {schema}"),
        rename(&moved),
    ]
}

/// Gives an index, and the constraint that it belongs to, another name.
pub fn rename_index(index: &TableName, name: &str) -> String {
    format!("ALTER INDEX {} RENAME TO {}", Name(index), Ident(name))
}

/// Waits so long for others' locks in this transaction, in milliseconds.
pub fn limit_lock_wait(milliseconds: u128) -> String {
    format!("SET LOCAL lock_timeout = {milliseconds}")
}

/// Lets a generated column keep the values that it has, as an ordinary one (13+).
pub fn drop_expression(table: &TableName, name: &str) -> String {
    format!(
        "ALTER TABLE {} ALTER COLUMN {} DROP EXPRESSION",
        Name(table),
        Ident(name)
    )
}

/// Adds a column; `missing` is its value in the rows that are there and in those that are added
/// without it: changes from before it are still to come.
pub fn add_column(table: &TableName, name: &str, type_sql: &str, missing: Option<&str>) -> String {
    let default = missing.map(|value| format!(" DEFAULT {}::{type_sql}", Literal(value)));
    format!(
        "ALTER TABLE {} ADD COLUMN {} {type_sql}{}",
        Name(table),
        Ident(name),
        default.unwrap_or_default()
    )
}

/// Adds a generated column.
pub fn add_generated_column(
    table: &TableName,
    name: &str,
    type_sql: &str,
    expression: &str,
) -> String {
    format!(
        "ALTER TABLE {} ADD COLUMN {} {type_sql} GENERATED ALWAYS AS ({expression}) STORED",
        Name(table),
        Ident(name)
    )
}

/// Drops a column that something else has taken the name of.
pub fn drop_column(table: &TableName, name: &str) -> String {
    format!("ALTER TABLE {} DROP COLUMN {}", Name(table), Ident(name))
}

/// Gives a column another name.
pub fn rename_column(table: &TableName, from: &str, to: &str) -> String {
    format!(
        "ALTER TABLE {} RENAME COLUMN {} TO {}",
        Name(table),
        Ident(from),
        Ident(to)
    )
}

/// Changes a column's type to one that holds the same values.
pub fn alter_type(table: &TableName, name: &str, type_sql: &str) -> String {
    format!(
        "ALTER TABLE {} ALTER COLUMN {} TYPE {type_sql}",
        Name(table),
        Ident(name)
    )
}

/// Adds the primary key.
pub fn add_primary_key(table: &TableName, columns: &[&Column]) -> String {
    let names = ident_list(columns.iter().map(|column| column.name.as_str()));
    format!("ALTER TABLE {} ADD PRIMARY KEY ({names})", Name(table))
}

/// Drops the primary key, whatever its name.
pub fn drop_primary_key(table: &TableName, constraint: &str) -> String {
    format!(
        "ALTER TABLE {} DROP CONSTRAINT {}",
        Name(table),
        Ident(constraint)
    )
}

/// Lets a column be NULL.
pub fn drop_not_null(table: &TableName, column: &str) -> String {
    format!(
        "ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL",
        Name(table),
        Ident(column)
    )
}

/// Whether views or others stand on a table, so that it cannot be dropped: $1 schema, $2 table.
pub const IS_STOOD_ON: &str = "SELECT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
      JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'n'
       AND n.nspname = $1::pg_catalog.text::pg_catalog.name
       AND c.relname = $2::pg_catalog.text::pg_catalog.name)";

/// The name of a table's primary key: $1 schema, $2 table.
pub const PRIMARY_KEY_NAME: &str = "SELECT k.conname::pg_catalog.text
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   WHERE k.contype = 'p' AND n.nspname = $1::pg_catalog.text::pg_catalog.name
     AND c.relname = $2::pg_catalog.text::pg_catalog.name";
