//! The statements of the initial load.

use std::fmt::Write as _;

use super::{Ident, Name, ident_list};
use crate::catalog::{Column, TableName};
use crate::limits::IDENTIFIER_BYTES_MAX;

/// A column of a destination table that is to be made.
pub struct NewColumn<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type as SQL, from `format_type`, or `text`.
    pub type_sql: &'a str,
    /// The expression of a generated column, as SQL.
    pub generated: Option<&'a str>,
    /// Part of the primary key that comes after the copy: no value is NULL.
    pub key: bool,
}

/// Makes a destination table; keys come after the copy. `fillfactor` (percent) leaves room on
/// each page for later versions of its rows.
///
/// Columns of the key are NOT NULL from the beginning, so that `ADD PRIMARY KEY` need not read the
/// whole table to see that they are. What says so is named after `place`, where the table will be
/// (18; servers before ignore the name).
pub fn create_table(
    table: &TableName,
    place: &TableName,
    columns: &[NewColumn<'_>],
    fillfactor: Option<u8>,
) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| {
            let mut sql = format!("{} {}", Ident(column.name), column.type_sql);
            if let Some(expression) = column.generated {
                let _ = write!(sql, " GENERATED ALWAYS AS ({expression}) STORED");
            }
            if column.key {
                let name = format!("{}_{}_not_null", place.name, column.name);
                if name.len() <= IDENTIFIER_BYTES_MAX {
                    let _ = write!(sql, " CONSTRAINT {}", Ident(&name));
                }
                sql.push_str(" NOT NULL");
            }
            sql
        })
        .collect();
    let options = fillfactor.map(|percent| format!(" WITH (fillfactor = {percent})"));
    format!(
        "CREATE TABLE {} ({}){}",
        Name(table),
        columns.join(", "),
        options.unwrap_or_default()
    )
}

/// From here on a statement fails that others keep waiting.
pub const WAIT_BRIEFLY_FOR_LOCKS: &str = "SET lock_timeout = '100ms'";

/// From here on it waits again.
pub const WAIT_FOR_LOCKS: &str = "SET lock_timeout = 0";

/// Waits so long for others' locks from here on, in milliseconds.
pub fn limit_lock_wait(milliseconds: u128) -> String {
    format!("SET lock_timeout = {milliseconds}")
}

/// Before a statement that may fail without harm.
pub const SAVEPOINT: &str = "SAVEPOINT walferry";

/// After it has failed.
pub const ROLLBACK_TO_SAVEPOINT: &str = "ROLLBACK TO SAVEPOINT walferry";

/// Afterwards, so that savepoints do not pile up.
pub const RELEASE_SAVEPOINT: &str = "RELEASE SAVEPOINT walferry";

/// Removes all rows; readers see them until the transaction commits.
pub fn delete_all(table: &TableName) -> String {
    format!("DELETE FROM {}", Name(table))
}

/// Adds all rows of another table that has these columns too.
pub fn insert_from(table: &TableName, columns: &[&str], from: &TableName) -> String {
    let names = ident_list(columns.iter().copied());
    let list = if columns.is_empty() {
        String::new()
    } else {
        format!(" ({names})")
    };
    format!(
        "INSERT INTO {}{list} OVERRIDING SYSTEM VALUE SELECT {names} FROM {}",
        Name(table),
        Name(from)
    )
}

/// Makes the ledger in which each range of a large table is noted by the transaction that loads it.
pub fn create_ledger(ledger: &TableName) -> String {
    format!(
        "CREATE TABLE {} (source_oid oid, range bigint, PRIMARY KEY (source_oid, range))",
        Name(ledger)
    )
}

/// Notes a range and commits it; SQLSTATE 23505 when it was committed before. Who is about to do
/// that is waited for.
pub fn commit_range(ledger: &TableName, source_oid: u32, range: usize) -> String {
    format!(
        "INSERT INTO {} VALUES ({source_oid}, {range}); COMMIT",
        Name(ledger)
    )
}

/// How many ranges of a table are noted: $1 its oid on the source.
pub fn count_ranges(ledger: &TableName) -> String {
    format!(
        "SELECT pg_catalog.count(*) FROM {} WHERE source_oid = $1",
        Name(ledger)
    )
}

/// Memory for building an index, in bytes.
pub fn set_maintenance_work_mem(bytes: u64) -> String {
    format!(
        "SET maintenance_work_mem = '{}kB'",
        (bytes / 1024).max(1024)
    )
}

/// Adds a secondary index; `tail` is its definition after `ON table `. It is not made unique: the
/// source sees to that, and values that trade places would be in each other's way here.
pub fn add_index(table: &TableName, name: &str, tail: &str) -> String {
    format!("CREATE INDEX {} ON {} {tail}", Ident(name), Name(table))
}

/// Adds an index for a replica identity that is not the primary key. It is not made unique: the
/// source sees to that, and tells nobody when it no longer does. Without a name the server finds
/// one.
pub fn add_identity_index(table: &TableName, name: Option<&str>, columns: &[&Column]) -> String {
    let names = ident_list(columns.iter().map(|column| column.name.as_str()));
    let name = name.map_or_else(String::new, |name| format!("{} ", Ident(name)));
    format!("CREATE INDEX {name}ON {} ({names})", Name(table))
}

/// What is to be read of a table.
pub struct CopyOut<'a> {
    /// The table, or a leaf partition.
    pub heap: &'a TableName,
    /// Columns by name.
    pub columns: &'a [&'a str],
    /// The publication's row filter, as SQL.
    pub row_filter: Option<&'a str>,
    /// Blocks from, and up to but without; all without this.
    pub blocks: Option<(u64, Option<u64>)>,
    /// COPY of the table itself would refuse: columns are computed, or it is a partitioned table
    /// without a partition.
    pub by_query: bool,
    /// COPY's format.
    pub binary: bool,
}

/// Reads rows out of the source. `COPY table` is the fastest form and leaves inheritance children
/// alone; a query does for the rest.
pub fn copy_out(what: &CopyOut<'_>) -> String {
    let format = if what.binary {
        " WITH (FORMAT binary)"
    } else {
        ""
    };
    let (heap, names) = (Name(what.heap), ident_list(what.columns.iter().copied()));
    let mut conditions: Vec<String> = Vec::new();
    conditions.extend(what.row_filter.map(|filter| format!("({filter})")));
    if let Some((from, to)) = what.blocks {
        conditions.push(format!("ctid >= '({from},0)'::pg_catalog.tid"));
        conditions.extend(to.map(|to| format!("ctid < '({to},0)'::pg_catalog.tid")));
    }
    if conditions.is_empty() && !what.columns.is_empty() && !what.by_query {
        return format!("COPY {heap} ({names}) TO STDOUT{format}");
    }
    if conditions.is_empty() {
        conditions.push("true".to_owned());
    }
    let conditions = conditions.join(" AND ");
    format!("COPY (SELECT {names} FROM ONLY {heap} WHERE {conditions}) TO STDOUT{format}")
}

/// What columns are called now, even in a transaction with an older snapshot: this function looks
/// at the catalog as COPY does. By `pg_class.oid` and `attnum`, in their order: schema, table and
/// column, with an ASCII unit separator between them; with 0 for the `attnum`, of the table itself.
/// Then the files of `heaps`, in their order, and all locks are given up.
pub fn end_reading(
    columns: impl Iterator<Item = (u32, i16)>,
    heaps: impl Iterator<Item = u32>,
) -> String {
    let (oids, attnums): (Vec<String>, Vec<String>) = columns
        .map(|(oid, attnum)| (oid.to_string(), attnum.to_string()))
        .unzip();
    let heaps: Vec<String> = heaps.map(|oid| oid.to_string()).collect();
    format!(
        "SELECT pg_catalog.array_to_string((pg_catalog.pg_identify_object_as_address(
                    'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.attnum)).object_names,
                    pg_catalog.chr(31))
           FROM ROWS FROM (pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]),
                           pg_catalog.unnest('{{{}}}'::pg_catalog.int4[]))
           WITH ORDINALITY AS c (oid, attnum, nth)
          ORDER BY c.nth;
         SELECT pg_catalog.pg_relation_filenode(h.oid)
           FROM pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) WITH ORDINALITY AS h (oid, nth)
          ORDER BY h.nth;
         COMMIT",
        oids.join(","),
        attnums.join(","),
        heaps.join(",")
    )
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
