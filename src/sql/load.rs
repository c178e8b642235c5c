//! The statements of the initial load.

use super::{Ident, Name, ident_list};
use crate::catalog::{Column, TableName};

/// A column of a destination table that is to be made.
pub struct NewColumn<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type as SQL, from `format_type`, or `text`.
    pub type_sql: &'a str,
    /// The expression of a generated column, as SQL.
    pub generated: Option<&'a str>,
}

/// Makes a destination table; keys come after the copy.
pub fn create_table(table: &TableName, columns: &[NewColumn<'_>]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| {
            let name = Ident(column.name);
            match column.generated {
                None => format!("{name} {}", column.type_sql),
                Some(expression) => format!(
                    "{name} {} GENERATED ALWAYS AS ({expression}) STORED",
                    column.type_sql
                ),
            }
        })
        .collect();
    format!("CREATE TABLE {} ({})", Name(table), columns.join(", "))
}

/// Adds the primary key.
pub fn add_primary_key(table: &TableName, columns: &[&Column]) -> String {
    let names = ident_list(columns.iter().map(|column| column.name.as_str()));
    format!("ALTER TABLE {} ADD PRIMARY KEY ({names})", Name(table))
}

/// Adds a unique index for a replica identity that is not the primary key.
pub fn add_unique_index(table: &TableName, columns: &[&Column]) -> String {
    let names = ident_list(columns.iter().map(|column| column.name.as_str()));
    format!("CREATE UNIQUE INDEX ON {} ({names})", Name(table))
}

/// Reads a table out of the source. `COPY table` is the fastest form and leaves inheritance
/// children alone; a query is needed for partitioned tables and row filters.
pub fn copy_out(
    table: &TableName,
    columns: &[&str],
    partitioned: bool,
    row_filter: Option<&str>,
    binary: bool,
) -> String {
    let format = if binary { " WITH (FORMAT binary)" } else { "" };
    let (table, names) = (Name(table), ident_list(columns.iter().copied()));
    if !partitioned && row_filter.is_none() && !columns.is_empty() {
        return format!("COPY {table} ({names}) TO STDOUT{format}");
    }
    let only = if partitioned { "" } else { "ONLY " };
    let filter = row_filter
        .map(|sql| format!(" WHERE {sql}"))
        .unwrap_or_default();
    format!("COPY (SELECT {names} FROM {only}{table}{filter}) TO STDOUT{format}")
}

/// Writes a table into the destination; rows of a table made in this transaction are frozen.
pub fn copy_in(table: &TableName, columns: &[&str], binary: bool, freeze: bool) -> String {
    let format = if binary { "binary" } else { "text" };
    let freeze = if freeze { ", FREEZE" } else { "" };
    let names = match columns {
        [] => String::new(),
        _ => format!(" ({})", ident_list(columns.iter().copied())),
    };
    format!(
        "COPY {}{names} FROM STDIN WITH (FORMAT {format}{freeze})",
        Name(table)
    )
}

/// Fresh statistics for the planner.
pub fn analyze(table: &TableName) -> String {
    format!("ANALYZE {}", Name(table))
}

/// Lets a role read a schema.
pub fn grant_usage(schema: &str, reader: &str) -> String {
    format!(
        "GRANT USAGE ON SCHEMA {} TO {}",
        Ident(schema),
        Ident(reader)
    )
}

/// Lets a role read a table.
pub fn grant_select(table: &TableName, reader: &str) -> String {
    format!("GRANT SELECT ON {} TO {}", Name(table), Ident(reader))
}
