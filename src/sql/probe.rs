//! Questions about objects whose names are only known at run time.

use super::{Ident, Literal, Name};
use crate::catalog::TableName;

/// Whether `table` has no row; one boolean `is_empty`.
pub fn is_empty(table: &TableName) -> String {
    format!(
        "SELECT NOT EXISTS (SELECT FROM {}) AS is_empty",
        Name(table)
    )
}

/// Whether the bookkeeping tables exist in `state_schema` and may be read; one boolean `known`.
pub fn bookkeeping_exists(state_schema: &str) -> String {
    is_readable(state_schema, "walferry_tables")
}

/// Whether the bookkeeping knows of types and may be read; one boolean `known`.
pub fn types_are_recorded(state_schema: &str) -> String {
    is_readable(state_schema, "walferry_types")
}

/// Whether the bookkeeping knows of protected columns and may be read; one boolean `known`.
pub fn protection_is_recorded(state_schema: &str) -> String {
    is_readable(state_schema, "walferry_protected_columns")
}

fn is_readable(state_schema: &str, table: &str) -> String {
    let name = format!("{}.{table}", Ident(state_schema));
    let name = Literal(&name);
    format!(
        "SELECT COALESCE(pg_catalog.has_table_privilege(\
         pg_catalog.to_regclass({name})::pg_catalog.oid, 'SELECT'), false) AS known"
    )
}

/// Every destination table in the bookkeeping, of all pipelines: `pipeline`, `destination_schema`,
/// `destination_table`, `made_table`.
pub fn recorded_tables(state_schema: &str) -> String {
    format!(
        "SELECT pipeline, destination_schema, destination_table, made_table \
         FROM {}.walferry_tables",
        Ident(state_schema)
    )
}

/// One number that changes with the rows of a query, as text: `fingerprint`.
pub fn hash_of_rows(query: &str) -> String {
    format!(
        "SELECT COALESCE(pg_catalog.sum(
                    pg_catalog.hashtext(r::pg_catalog.text)::pg_catalog.int8
                ), 0)::pg_catalog.text AS fingerprint
           FROM ({query}) AS r"
    )
}

/// Begins a transaction whose queries all see one moment.
pub const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Ends it, whatever became of its queries.
pub const END_SNAPSHOT: &str = "COMMIT";

/// How many locks all sessions of the server may hold together, at least.
pub const LOCKS: &str =
    "SELECT pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int8
          * pg_catalog.current_setting('max_connections')::pg_catalog.int8";
