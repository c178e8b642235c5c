//! What the destination has.

use std::collections::{HashMap, HashSet};

use tokio::try_join;
use tokio_postgres::{Client, Row};

use super::rows::{get, get_char, query, query_one};
use super::{Column, Equality, TableName, TypeName, positions};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::limits::TABLE_COLUMNS_MAX;
use crate::sql;

/// The destination server as the connected role sees it now.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent answer of the catalog"
)]
pub struct Facts {
    /// `server_version_num`, for example 150018.
    pub version_num: i32,
    /// `server_version`, for people.
    pub version: String,
    /// The server is a standby.
    pub in_recovery: bool,
    /// `default_transaction_read_only`
    pub read_only: bool,
    /// `pg_control_system()`; `None` where the role may not call it.
    pub instance: Option<String>,
    /// `pg_database.oid` of the connected database.
    pub database_oid: u32,
    /// Its name.
    pub database: String,
    /// The encoding of the database.
    pub server_encoding: String,
    /// The connected role.
    pub role: String,
    /// CREATE on the database: schemas can be made.
    pub can_create: bool,
    /// TEMPORARY on the database: batches can be staged.
    pub can_temporary: bool,
}

/// An existing schema, with the rights of the connected role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// CREATE: tables can be made in it.
    pub can_create: bool,
    /// USAGE: its tables can be named.
    pub can_use: bool,
    /// The role owns it, or is a member of the owner.
    pub owned: bool,
}

/// An existing relation of the destination.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent answer of the catalog"
)]
pub struct DestinationTable {
    /// `pg_class.oid`
    pub oid: u32,
    /// `relkind`: `r` table, `p` partitioned, `v` view, `m` materialized view, `f` foreign table.
    pub relkind: char,
    /// In `attnum` order, without dropped columns.
    pub columns: Vec<Column>,
    /// How many bytes a value of each column takes in its row at most, once all that can be is out
    /// of line.
    pub inline_bytes: Vec<usize>,
    /// Size of a page, in bytes.
    pub page_bytes: usize,
    /// Positions in `columns` of the primary key, in key order; empty without an immediate one.
    pub primary_key: Vec<usize>,
    /// The other unique indexes, as positions in `columns`: whole, plain and immediate ones.
    pub unique_keys: Vec<Vec<usize>>,
    /// What keeps rows apart, the primary key included: for each unique index of any kind the
    /// columns in it, and no column for an exclusion constraint.
    pub guards: Vec<Vec<usize>>,
    /// Foreign keys of other tables, or its own, point to it.
    pub is_referenced: bool,
    /// The connected role owns it, or is a member of the owner.
    pub owner_is_us: bool,
    /// A row-level security policy applies to the connected role.
    pub row_security: bool,
    /// It has triggers of users, not counting disabled ones.
    pub has_triggers: bool,
    /// Nothing in the database could tell a row that is changed from one that is deleted and put
    /// there again: no trigger, foreign key, rule, child or publication; we may do both, and its
    /// pages have no room for changed rows.
    pub rows_replaceable: bool,
    /// Its file has no page: certainly empty. Otherwise [`is_empty`] knows.
    pub is_empty_hint: bool,
}

/// What a page holds besides one row, and the row besides its values: headers, and what aligns it.
const OVERHEAD_BYTES: usize = 32 + 24 + 8;

/// What a staging table has beside columns of the table: one number.
const NUMBER_BYTES: usize = 16;

impl DestinationTable {
    /// A staging table of these columns and a number would have more columns than a table can, or
    /// some row of it might not fit a page.
    pub fn outgrows_stage<'c>(&self, columns: impl Iterator<Item = &'c str>) -> bool {
        let names = self.columns.iter().map(|column| column.name.as_str());
        let sizes: HashMap<&str, usize> = names.zip(self.inline_bytes.iter().copied()).collect();
        let (mut count, mut bytes) = (1, NUMBER_BYTES + OVERHEAD_BYTES);
        for column in columns {
            count += 1;
            bytes += sizes.get(column).copied().unwrap_or(self.page_bytes);
        }
        let bits_for_nulls = count / 8 + 1;
        count > TABLE_COLUMNS_MAX || bytes + bits_for_nulls > self.page_bytes
    }
}

/// Asks the server.
pub async fn facts(client: &Client) -> Result<Facts> {
    let statement = include_str!("queries/destination_facts.sql");
    let doing = "read the server's settings";
    let row = query_one(client, Side::Destination, doing, statement);
    let (row, instance) = try_join!(row, super::instance(client, Side::Destination))?;
    Ok(Facts {
        version_num: get(&row, "version_num")?,
        version: get(&row, "version")?,
        in_recovery: get(&row, "in_recovery")?,
        read_only: get(&row, "read_only")?,
        instance,
        database_oid: get(&row, "database_oid")?,
        database: get(&row, "database")?,
        server_encoding: get(&row, "encoding")?,
        role: get(&row, "role")?,
        can_create: get(&row, "can_create")?,
        can_temporary: get(&row, "can_temporary")?,
    })
}

/// Those of `names` that exist.
pub async fn schemas(client: &Client, names: &[String]) -> Result<HashMap<String, Schema>> {
    let statement = include_str!("queries/destination_schemas.sql");
    let doing = "look up the schemas";
    let mut schemas = HashMap::new();
    for row in query(client, Side::Destination, doing, statement, &[&names]).await? {
        let schema = Schema {
            can_create: get(&row, "can_create")?,
            can_use: get(&row, "can_use")?,
            owned: get(&row, "owned")?,
        };
        schemas.insert(get(&row, "name")?, schema);
    }
    Ok(schemas)
}

/// The tables of a schema whose names begin with `prefix`.
pub async fn hidden_tables(client: &Client, schema: &str, prefix: &str) -> Result<Vec<TableName>> {
    let statement = include_str!("queries/destination_hidden_tables.sql");
    let doing = "look for unfinished loads";
    query(
        client,
        Side::Destination,
        doing,
        statement,
        &[&schema, &prefix],
    )
    .await?
    .iter()
    .map(|row| {
        Ok(TableName::new(
            get::<String>(row, "schema")?,
            get::<String>(row, "name")?,
        ))
    })
    .collect()
}

/// The indexes of `tables`, each with its table; they are in one schema.
pub async fn indexes(client: &Client, tables: &[TableName]) -> Result<Vec<(TableName, String)>> {
    let statement = include_str!("queries/destination_indexes.sql");
    let (schemas, names) = schemas_and_names(tables);
    let doing = "list the indexes";
    let rows = query(
        client,
        Side::Destination,
        doing,
        statement,
        &[&schemas, &names],
    )
    .await?;
    let rows = rows.iter().map(|row| {
        let table: String = get(row, "table_name")?;
        let table = TableName::new(get::<String>(row, "schema")?, table);
        Ok((table, get(row, "name")?))
    });
    rows.collect()
}

/// As two arrays of the same length.
fn schemas_and_names(tables: &[TableName]) -> (Vec<&str>, Vec<&str>) {
    let both = tables.iter().map(|t| (t.schema.as_str(), t.name.as_str()));
    both.unzip()
}

/// Those of the types `names` that exist: `pg_type.oid`, and that of their arrays.
pub async fn types(client: &Client, names: &[TypeName]) -> Result<HashMap<TypeName, (u32, u32)>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = include_str!("queries/destination_types.sql");
    let doing = "look up the types";
    let (schemas, types): (Vec<&str>, Vec<&str>) = names
        .iter()
        .map(|name| (name.schema.as_str(), name.name.as_str()))
        .unzip();
    query(
        client,
        Side::Destination,
        doing,
        statement,
        &[&schemas, &types],
    )
    .await?
    .iter()
    .map(|row| {
        let name = TypeName::new(get::<String>(row, "schema")?, get::<String>(row, "name")?);
        Ok((name, (get(row, "oid")?, get(row, "array_oid")?)))
    })
    .collect()
}

/// The schemas in which extensions have put types that the role may use, by the names of both.
pub async fn extension_types(
    client: &Client,
    wanted: &[(String, String)],
) -> Result<HashMap<(String, String), String>> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = include_str!("queries/destination_extension_types.sql");
    let doing = "look up the types of extensions";
    let (extensions, types): (Vec<&str>, Vec<&str>) = wanted
        .iter()
        .map(|(extension, name)| (extension.as_str(), name.as_str()))
        .unzip();
    query(
        client,
        Side::Destination,
        doing,
        statement,
        &[&extensions, &types],
    )
    .await?
    .iter()
    .map(|row| {
        let key = (get(row, "extension")?, get(row, "name")?);
        Ok((key, get(row, "schema")?))
    })
    .collect()
}

/// Which of these types of `pg_catalog`, whose oids are the same everywhere, there are.
pub async fn known_types(client: &Client, oids: &[u32]) -> Result<HashSet<u32>> {
    let statement = include_str!("queries/destination_known_types.sql");
    let doing = "look up the types of pg_catalog";
    let rows = query(client, Side::Destination, doing, statement, &[&oids]).await?;
    rows.iter().map(|row| get(row, "oid")).collect()
}

/// How values of these types (`pg_type.oid`) are compared, where not as they are by `pg_catalog`.
pub async fn equality(client: &Client, types: &[u32]) -> Result<HashMap<u32, Equality>> {
    if types.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = include_str!("queries/equality.sql");
    let doing = "look up the operators of the types";
    query(client, Side::Destination, doing, statement, &[&types])
        .await?
        .iter()
        .map(|row| {
            let schema: Option<String> = get(row, "base_schema")?;
            let name: String = get(row, "base_name")?;
            let operator: Option<String> = get(row, "operator_schema")?;
            let equality = Equality {
                base: schema.map(|schema| TypeName { schema, name }),
                operator: operator.zip(get(row, "operator_name")?),
            };
            Ok((get(row, "oid")?, equality))
        })
        .collect()
}

/// Those of the roles `names` that exist.
pub async fn roles(client: &Client, names: &[String]) -> Result<HashSet<String>> {
    if names.is_empty() {
        return Ok(HashSet::new());
    }
    let statement = include_str!("queries/destination_roles.sql");
    let doing = "look up the roles";
    query(client, Side::Destination, doing, statement, &[&names])
        .await?
        .iter()
        .map(|row| get(row, "name"))
        .collect()
}

/// Which of `roles` lack USAGE on which of `schemas`: pairs of schema and role.
pub async fn shut_out(
    client: &Client,
    schemas: &[String],
    roles: &[String],
) -> Result<Vec<(String, String)>> {
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let statement = include_str!("queries/destination_shut_out.sql");
    let doing = "look up the readers' rights";
    query(
        client,
        Side::Destination,
        doing,
        statement,
        &[&schemas, &roles],
    )
    .await?
    .iter()
    .map(|row| Ok((get(row, "schema")?, get(row, "role")?)))
    .collect()
}

/// Those of `names` that exist, of whatever kind they are; three queries in all.
pub async fn tables(
    client: &Client,
    names: &[TableName],
) -> Result<HashMap<TableName, DestinationTable>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let side = Side::Destination;
    let (schemas, relations) = schemas_and_names(names);
    let statement = include_str!("queries/destination_tables.sql");
    let doing = "look up the tables";
    let found = query(client, side, doing, statement, &[&schemas, &relations]).await?;
    let oids: Vec<u32> = found
        .iter()
        .map(|row| get(row, "oid"))
        .collect::<Result<_>>()?;
    let (mut columns, mut keys) = try_join!(columns(client, &oids), keys(client, &oids))?;

    let mut tables = HashMap::with_capacity(found.len());
    for row in &found {
        let oid = get(row, "oid")?;
        let columns = columns.remove(&oid).unwrap_or_default();
        let (columns, inline_bytes): (Vec<Column>, Vec<usize>) = columns.into_iter().unzip();
        let keys = keys.remove(&oid).unwrap_or_default();
        let place = |key: &Key| positions(&columns, &key.attnums);
        let guards = keys.iter().map(place).collect();
        let (primary, others): (Vec<Key>, Vec<Key>) = keys
            .into_iter()
            .filter(|key| key.is_plain)
            .partition(|key| key.is_primary);
        let table = DestinationTable {
            oid,
            relkind: get_char(row, "relkind")?.unwrap_or_default(),
            primary_key: primary.first().map(place).unwrap_or_default(),
            unique_keys: others.iter().map(place).collect(),
            guards,
            is_referenced: get(row, "referenced")?,
            columns,
            inline_bytes,
            page_bytes: size(row, "page_bytes")?,
            owner_is_us: get(row, "owned")?,
            row_security: get(row, "row_security")?,
            has_triggers: get(row, "has_triggers")?,
            rows_replaceable: get(row, "replaceable")?,
            is_empty_hint: get(row, "no_pages")?,
        };
        let name = TableName::new(get::<String>(row, "schema")?, get::<String>(row, "name")?);
        tables.insert(name, table);
    }
    Ok(tables)
}

/// A unique index or an exclusion constraint.
struct Key {
    is_primary: bool,
    /// Holds for every row and at every moment.
    is_plain: bool,
    attnums: Vec<i16>,
}

/// With the bytes that each takes in its row at most.
async fn columns(client: &Client, oids: &[u32]) -> Result<HashMap<u32, Vec<(Column, usize)>>> {
    let statement = include_str!("queries/destination_columns.sql");
    let doing = "list the columns";
    let mut columns: HashMap<u32, Vec<(Column, usize)>> = HashMap::new();
    for row in query(client, Side::Destination, doing, statement, &[&oids]).await? {
        let column = (super::column(&row)?, size(&row, "inline_bytes")?);
        columns.entry(get(&row, "oid")?).or_default().push(column);
    }
    Ok(columns)
}

fn size(row: &Row, name: &str) -> Result<usize> {
    let size: i32 = get(row, name)?;
    Ok(usize::try_from(size).unwrap_or(0))
}

async fn keys(client: &Client, oids: &[u32]) -> Result<HashMap<u32, Vec<Key>>> {
    let statement = include_str!("queries/destination_keys.sql");
    let mut keys: HashMap<u32, Vec<Key>> = HashMap::new();
    for row in query(
        client,
        Side::Destination,
        "list the keys",
        statement,
        &[&oids],
    )
    .await?
    {
        keys.entry(get(&row, "oid")?).or_default().push(Key {
            is_primary: get(&row, "is_primary")?,
            is_plain: get(&row, "is_plain")?,
            attnums: get(&row, "attnums")?,
        });
    }
    Ok(keys)
}

/// Whether the table has no row that the connected role can see.
pub async fn is_empty(client: &Client, table: &TableName) -> Result<bool> {
    let row = sql::ask::query_one(client, &sql::probe::is_empty(table), &[])
        .await
        .map_err(|error| {
            from_client(Side::Destination, "look into the table", &error).table(table)
        })?;
    get(&row, "is_empty")
}
