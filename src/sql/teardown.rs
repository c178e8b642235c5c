//! The statements of `walferry teardown`. Nothing here says CASCADE: what others built on the
//! copies makes the statement fail instead of going with them.

use super::types::spelled;
use super::{Ident, Name};
use crate::catalog::{TableName, TypeName};

/// Drops the slot $1 if it exists.
pub const DROP_SLOT: &str = "SELECT pg_catalog.pg_drop_replication_slot(slot_name) \
    FROM pg_catalog.pg_replication_slots WHERE slot_name = $1::pg_catalog.text";

/// The pipeline $1: `slot`, `publication`, `made_slot`, `made_publication`.
pub fn pipeline(state_schema: &str) -> String {
    format!(
        "SELECT slot, publication, made_slot, made_publication FROM {}.walferry_pipelines \
         WHERE name = $1",
        Ident(state_schema)
    )
}

/// The tables that walferry made for the pipeline $1: `schema`, `name`.
pub fn made_tables(state_schema: &str) -> String {
    format!(
        "SELECT destination_schema AS schema, destination_table AS name FROM {}.walferry_tables \
         WHERE pipeline = $1 AND made_table ORDER BY 1, 2",
        Ident(state_schema)
    )
}

/// The schemas that walferry made for the pipeline $1: `name`.
pub fn made_schemas(state_schema: &str) -> String {
    format!(
        "SELECT name FROM {}.walferry_schemas WHERE pipeline = $1 ORDER BY 1",
        Ident(state_schema)
    )
}

/// Whether any pipeline is left; one boolean `in_use`.
pub fn bookkeeping_in_use(state_schema: &str) -> String {
    format!(
        "SELECT EXISTS (SELECT FROM {}.walferry_pipelines) AS in_use",
        Ident(state_schema)
    )
}

/// Drops the bookkeeping tables; the schema stays.
pub fn drop_bookkeeping(state_schema: &str) -> String {
    let schema = Ident(state_schema);
    format!(
        "DROP TABLE IF EXISTS {schema}.walferry_types, {schema}.walferry_protected_columns, \
         {schema}.walferry_quarantined, {schema}.walferry_new_partitions; \
         DROP TABLE {schema}.walferry_schemas, {schema}.walferry_tables, \
         {schema}.walferry_columns, {schema}.walferry_pipelines; \
         DROP TABLE IF EXISTS {schema}.walferry_migrations"
    )
}

/// Drops a publication if it exists.
pub fn drop_publication(publication: &str) -> String {
    format!("DROP PUBLICATION IF EXISTS {}", Ident(publication))
}

/// Drops a table if it exists.
pub fn drop_table(table: &TableName) -> String {
    format!("DROP TABLE IF EXISTS {}", Name(table))
}

/// Drops types and domains, which may depend on each other; at least one.
pub fn drop_types(types: &[TypeName]) -> String {
    let names: Vec<String> = types.iter().map(|name| spelled(name, "")).collect();
    format!("DROP TYPE IF EXISTS {}", names.join(", "))
}

/// Drops a schema if it exists.
pub fn drop_schema(schema: &str) -> String {
    format!("DROP SCHEMA IF EXISTS {}", Ident(schema))
}

/// Whether anything is in the schema $1, as far as tables, views, types, functions and sequences
/// go; one boolean `is_empty`.
pub const SCHEMA_IS_EMPTY: &str = include_str!("../catalog/queries/schema_is_empty.sql");
