//! The statements that make and change types in the destination.

use super::{Ident, Literal};
use crate::catalog::TypeName;
use crate::catalog::types::{Change, Order, Place};

/// A type's name, with what `format_type` says behind it: a modifier, brackets of an array.
pub fn spelled(name: &TypeName, suffix: &str) -> String {
    format!("{}.{}{suffix}", Ident(&name.schema), Ident(&name.name))
}

/// Makes an enum.
pub fn create_enum<'a>(name: &TypeName, labels: impl Iterator<Item = &'a str>) -> String {
    let labels: Vec<String> = labels.map(|label| Literal(label).to_string()).collect();
    format!(
        "CREATE TYPE {} AS ENUM ({})",
        spelled(name, ""),
        labels.join(", ")
    )
}

/// Makes a domain without its constraints: the source has checked the values, by rules that may
/// need functions which only it has, and which may be younger than the rows.
pub fn create_domain(name: &TypeName, base: &str) -> String {
    format!("CREATE DOMAIN {} AS {base}", spelled(name, ""))
}

/// Makes a composite type of attributes and their types.
pub fn create_composite<'a>(
    name: &TypeName,
    attributes: impl Iterator<Item = (&'a str, String)>,
) -> String {
    let attributes: Vec<String> = attributes
        .map(|(name, type_sql)| format!("{} {type_sql}", Ident(name)))
        .collect();
    format!(
        "CREATE TYPE {} AS ({})",
        spelled(name, ""),
        attributes.join(", ")
    )
}

/// Makes a range type; `multirange` names the type that comes with it from 14 on.
pub fn create_range(
    name: &TypeName,
    subtype: &str,
    order: &Order,
    multirange: Option<&TypeName>,
) -> String {
    let class = order.operator_class.as_ref();
    let multirange = multirange.map(|multirange| spelled(multirange, ""));
    let options = [
        Some(format!("SUBTYPE = {subtype}")),
        class.map(|class| format!("SUBTYPE_OPCLASS = {class}")),
        order
            .collation
            .as_ref()
            .map(|name| format!("COLLATION = {name}")),
        multirange.map(|name| format!("MULTIRANGE_TYPE_NAME = {name}")),
    ];
    let options: Vec<String> = options.into_iter().flatten().collect();
    let name = spelled(name, "");
    format!("CREATE TYPE {name} AS RANGE ({})", options.join(", "))
}

/// Gives a type another name.
pub fn rename(name: &TypeName, to: &str) -> String {
    format!("ALTER TYPE {} RENAME TO {}", spelled(name, ""), Ident(to))
}

/// Changes a type.
pub fn change(name: &TypeName, change: &Change) -> String {
    let name = spelled(name, "");
    match change {
        Change::AddLabel { label, place } => {
            let place = match place {
                Place::Alone => String::new(),
                Place::Before(other) => format!(" BEFORE {}", Literal(other)),
                Place::After(other) => format!(" AFTER {}", Literal(other)),
            };
            format!("ALTER TYPE {name} ADD VALUE {}{place}", Literal(label))
        }
        Change::RenameLabel { from, to } => format!(
            "ALTER TYPE {name} RENAME VALUE {} TO {}",
            Literal(from),
            Literal(to)
        ),
        Change::AddAttribute {
            name: attribute,
            type_sql,
        } => format!(
            "ALTER TYPE {name} ADD ATTRIBUTE {} {type_sql}",
            Ident(attribute)
        ),
        Change::DropAttribute { name: attribute } => {
            format!("ALTER TYPE {name} DROP ATTRIBUTE {}", Ident(attribute))
        }
        Change::RenameAttribute { from, to } => format!(
            "ALTER TYPE {name} RENAME ATTRIBUTE {} TO {}",
            Ident(from),
            Ident(to)
        ),
    }
}

/// The end of the source's WAL: what was committed before lies before it. A standby tells how far
/// it has replayed.
pub const POSITION: &str = "SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
         THEN pg_catalog.pg_last_wal_replay_lsn()
         ELSE pg_catalog.pg_current_wal_insert_lsn() END AS position";
