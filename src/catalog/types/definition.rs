//! What a type is made of, as a server's catalog says.

use std::collections::HashMap;

use tokio_postgres::{Client, Row};

use crate::catalog::TypeName;
use crate::catalog::rows::{get, query};
use crate::catalog::types::is_built_in;
use crate::error::{Result, Side};

/// A type outside `pg_catalog`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// `pg_type.oid`
    pub oid: u32,
    /// Its name.
    pub name: TypeName,
    /// The name as `format_type` begins with it.
    pub quoted: String,
    /// What it is.
    pub sort: Sort,
    /// The extension that it belongs to.
    pub extension: Option<String>,
    /// The labels of an enum, in their order; `id` is `pg_enum.oid`, which a rename keeps.
    pub labels: Vec<Label>,
    /// What it is built of: attributes, or the one base, element, subtype or range type.
    pub parts: Vec<Part>,
    /// How a range compares its bounds.
    pub order: Order,
    /// The multirange type of a range (14+).
    pub multirange: Option<TypeName>,
}

/// What a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// `CREATE TYPE … AS ENUM`
    Enum,
    /// `CREATE DOMAIN`
    Domain,
    /// `CREATE TYPE … AS (…)`
    Composite,
    /// `CREATE TYPE … AS RANGE`
    Range,
    /// Comes with a range.
    Multirange,
    /// Comes with any type.
    Array,
    /// The rows of a table or view.
    Row,
    /// A base type, which only code can make.
    Other,
}

/// A label of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What stays when it is renamed.
    pub id: u32,
    /// How it reads.
    pub name: String,
}

/// A type within a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `attnum` of an attribute, else 1.
    pub id: u32,
    /// The attribute's name, else empty.
    pub name: String,
    /// `pg_type.oid`
    pub type_oid: u32,
    /// `atttypmod`
    pub type_modifier: i32,
    /// What `format_type` prints.
    pub format: String,
}

/// How a range compares its bounds, where not by the defaults of its subtype.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The operator class, quoted.
    pub operator_class: Option<String>,
    /// The collation, quoted.
    pub collation: Option<String>,
    /// Every server has both.
    pub is_portable: bool,
}

/// The types with these oids and all that they are made of, by oid, without those of `pg_catalog`.
pub async fn definitions(
    client: &Client,
    side: Side,
    oids: &[u32],
) -> Result<HashMap<u32, Definition>> {
    let mut oids = oids.to_vec();
    oids.retain(|oid| !is_built_in(*oid));
    if oids.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = include_str!("../queries/types.sql");
    let rows = query(client, side, "list the types", statement, &[&oids]).await?;
    let found = rows.iter().map(|row| {
        let definition = definition(row)?;
        Ok((definition.oid, definition))
    });
    found.collect()
}

fn definition(row: &Row) -> Result<Definition> {
    let sort = match get(row, "sort")? {
        "enum" => Sort::Enum,
        "domain" => Sort::Domain,
        "composite" => Sort::Composite,
        "range" => Sort::Range,
        "multirange" => Sort::Multirange,
        "array" => Sort::Array,
        "row" => Sort::Row,
        _ => Sort::Other,
    };
    let schema: Option<String> = get(row, "multirange_schema")?;
    let name: Option<String> = get(row, "multirange_name")?;
    let ids: Vec<u32> = get(row, "label_ids")?;
    let labels: Vec<String> = get(row, "labels")?;
    let labels = ids.into_iter().zip(labels);
    Ok(Definition {
        oid: get(row, "oid")?,
        name: TypeName {
            schema: get(row, "schema")?,
            name: get(row, "name")?,
        },
        quoted: get(row, "quoted")?,
        sort,
        extension: get(row, "extension")?,
        labels: labels.map(|(id, name)| Label { id, name }).collect(),
        parts: parts(row)?,
        order: Order {
            operator_class: get(row, "operator_class")?,
            collation: get(row, "collation")?,
            is_portable: get(row, "is_portable")?,
        },
        multirange: schema
            .zip(name)
            .map(|(schema, name)| TypeName { schema, name }),
    })
}

fn parts(row: &Row) -> Result<Vec<Part>> {
    let ids: Vec<u32> = get(row, "part_ids")?;
    let names: Vec<String> = get(row, "part_names")?;
    let types: Vec<u32> = get(row, "part_types")?;
    let modifiers: Vec<i32> = get(row, "part_modifiers")?;
    let formats: Vec<String> = get(row, "part_formats")?;
    let columns = ids.into_iter().zip(names).zip(types).zip(modifiers);
    let parts = columns
        .zip(formats)
        .map(|((((id, name), type_oid), type_modifier), format)| Part {
            id,
            name,
            type_oid,
            type_modifier,
            format,
        });
    Ok(parts.collect())
}
