//! Statements that findings recommend. walferry prints them and never runs them.

use super::{Ident, Literal, Name};
use crate::catalog::TableName;

/// Turns logical decoding on; the server has to be restarted afterwards.
pub fn set_wal_level() -> String {
    "ALTER SYSTEM SET wal_level = 'logical';".to_owned()
}

/// Sets a number; the server has to be restarted afterwards for those that findings name.
pub fn set_number(setting: &str, value: u64) -> String {
    format!("ALTER SYSTEM SET {} = {value};", Ident(setting))
}

/// Lets `role` open replication connections.
pub fn allow_replication(role: &str) -> String {
    let role = Ident(role);
    format!("ALTER ROLE {role} REPLICATION; -- on Amazon RDS: GRANT rds_replication TO {role};")
}

/// Lets `role` see the rows that policies hide.
pub fn bypass_row_security(role: &str) -> String {
    format!("ALTER ROLE {} BYPASSRLS;", Ident(role))
}

/// Turns the policies of a table off, for everybody.
pub fn disable_row_security(table: &TableName) -> String {
    format!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY;", Name(table))
}

/// Drops a slot that nobody needs.
pub fn drop_slot(slot: &str) -> String {
    format!(
        "SELECT pg_catalog.pg_drop_replication_slot({});",
        Literal(slot)
    )
}

/// Ends a session of somebody.
pub fn end_session(pid: i32) -> String {
    format!("SELECT pg_catalog.pg_terminate_backend({pid});")
}

/// Lets `role` read `table`.
pub fn grant_select(table: &TableName, role: &str) -> String {
    format!(
        "GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON TABLE {table} TO {role};",
        schema = Ident(&table.schema),
        role = Ident(role),
        table = Name(table),
    )
}

/// Grants `right` (CREATE or TEMPORARY) on `database`.
pub fn grant_on_database(right: &str, database: &str, role: &str) -> String {
    format!(
        "GRANT {right} ON DATABASE {} TO {};",
        Ident(database),
        Ident(role)
    )
}

/// Lets `role` make tables in an existing schema.
pub fn grant_on_schema(schema: &str, role: &str) -> String {
    format!(
        "GRANT CREATE, USAGE ON SCHEMA {} TO {};",
        Ident(schema),
        Ident(role)
    )
}

/// Lets a reader look into a schema.
pub fn grant_usage(schema: &str, reader: &str) -> String {
    super::load::grant_usage(schema, reader) + ";"
}

/// Makes a schema that `role` may fill.
pub fn create_schema(schema: &str, role: &str) -> String {
    format!(
        "CREATE SCHEMA {}; {}",
        Ident(schema),
        grant_on_schema(schema, role)
    )
}

/// Makes a group role for readers.
pub fn create_role(role: &str) -> String {
    format!("CREATE ROLE {};", Ident(role))
}

/// Adds tables to a publication.
pub fn publish<'a>(publication: &str, tables: impl IntoIterator<Item = &'a TableName>) -> String {
    format!(
        "ALTER PUBLICATION {} ADD TABLE {};",
        Ident(publication),
        names(tables)
    )
}

/// Makes a publication of exactly these tables; `via_root` is for 13 and later.
pub fn create_publication<'a>(
    publication: &str,
    tables: impl IntoIterator<Item = &'a TableName>,
    via_root: bool,
) -> String {
    let options = if via_root {
        " WITH (publish_via_partition_root = true)"
    } else {
        ""
    };
    format!(
        "CREATE PUBLICATION {} FOR TABLE {}{options};",
        Ident(publication),
        names(tables)
    )
}

/// Makes a publication send every operation; TRUNCATE exists from 11 on.
pub fn publish_operations(publication: &str, truncate: bool) -> String {
    let operations = if truncate {
        "insert, update, delete, truncate"
    } else {
        "insert, update, delete"
    };
    format!(
        "ALTER PUBLICATION {} SET (publish = '{operations}');",
        Ident(publication)
    )
}

/// Sends the whole old row with updates and deletes.
pub fn identity_full(table: &TableName) -> String {
    format!("ALTER TABLE {} REPLICA IDENTITY FULL;", Name(table))
}

/// Goes back to the primary key as replica identity.
pub fn identity_default(table: &TableName) -> String {
    format!("ALTER TABLE {} REPLICA IDENTITY DEFAULT;", Name(table))
}

/// Makes a table write WAL.
pub fn set_logged(table: &TableName) -> String {
    format!("ALTER TABLE {} SET LOGGED;", Name(table))
}

fn names<'a>(tables: impl IntoIterator<Item = &'a TableName>) -> String {
    let names: Vec<String> = tables.into_iter().map(|t| Name(t).to_string()).collect();
    names.join(", ")
}
