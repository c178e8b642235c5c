//! The secondary indexes of tables that walferry makes (`[snapshot] indexes = "all"`).
//!
//! **Why this is right.** No change is found by them, so a copy is as right without one as with it.
//! Their definitions are the source's own, which may speak of what the destination lacks: a
//! function, an operator class of an extension, a type that has another name there, or is text.
//! Each is made behind a savepoint, so that one which cannot be made takes nothing else along.
//!
//! Their names are those of the source, but for tables that are loaded out of sight: all of these
//! share the state schema, where two schemas' tables may not both have an index of one name. There
//! they are numbered, and get their names with their places, in one transaction: a session that
//! ends in between leaves none behind with the name of a table that is gone. Where one of them
//! cannot have its name they are named after it, one by one, and those that cannot keep theirs.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Client;

use super::prepare::Plan;
use crate::catalog::{TableName, destination};
use crate::error::{Error, Kind, Result};
use crate::limits::IDENTIFIER_BYTES_MAX;
use crate::sql::load as sql;
use crate::sql::reshape;

/// Between the name of a hidden table and the number of its index.
const NUMBERED: &str = "_index_";

/// Instead of the number, for the index of a replica identity.
const IDENTITY: &str = "identity";

/// What that is called where it is made.
pub(super) fn identity_index(hidden: &TableName) -> String {
    format!("{}{NUMBERED}{IDENTITY}", hidden.name)
}

/// Makes those of a filled table, in the open transaction; what cannot be made is left out.
pub(super) async fn add_indexes(plan: &Plan, client: &Client, out_of_sight: bool) -> Result<()> {
    for (nth, index) in plan.indexes.iter().enumerate() {
        let name = if out_of_sight {
            format!("{}{NUMBERED}{nth}", plan.destination.name)
        } else {
            index.name.clone()
        };
        let doing = format!("add the index \"{}\"", index.name);
        plan.run(client, &doing, sql::SAVEPOINT).await?;
        let statement = sql::add_index(&plan.destination, &name, &index.tail);
        let made = plan.run_one(client, &doing, &statement).await;
        if let Err(error) = made {
            if client.is_closed() || !is_of_the_index(&error) {
                return Err(error);
            }
            let (table, index) = (&plan.table.name, &index.name);
            tracing::warn!(%table, index, %error, "the copy of a table goes without an index");
            plan.run(client, &doing, sql::ROLLBACK_TO_SAVEPOINT).await?;
        }
        plan.run(client, &doing, sql::RELEASE_SAVEPOINT).await?;
    }
    Ok(())
}

/// The definition is at fault, or what it calls: another try would find the same.
fn is_of_the_index(error: &Error) -> bool {
    let kind = error.kind();
    let of_it = matches!(kind, Kind::Definite | Kind::Privilege | Kind::Refused);
    // class 38 and 39: what a function has raised
    of_it || kind == Kind::Unknown && error.sqlstate().is_some()
}

/// The statements that name the indexes of tables that were loaded out of sight, once these are in
/// their places.
pub(super) async fn renames(
    client: &Client,
    moving: &[(&Plan, &TableName)],
) -> Result<Vec<String>> {
    let hidden: Vec<TableName> = moving.iter().map(|(p, _)| p.destination.clone()).collect();
    let by_hidden = moving
        .iter()
        .map(|&(plan, place)| (&plan.destination, (plan, place)));
    let by_hidden: HashMap<_, _> = by_hidden.collect();
    let indexes = destination::indexes(client, &hidden).await?.into_iter();
    let mut given: HashSet<TableName> = moving.iter().map(|&(_, place)| place.clone()).collect();
    let renames = indexes.filter_map(|(table, index)| {
        let (plan, place) = by_hidden.get(&table)?;
        let name = unused(
            &mut given,
            &place.schema,
            name_in_place(plan, place, &index)?,
        );
        let index = TableName::new(place.schema.clone(), index);
        Some(reshape::rename_index(&index, &name))
    });
    Ok(renames.collect())
}

/// What an index of a table that was loaded out of sight is to be called in its place.
fn name_in_place(plan: &Plan, place: &TableName, index: &str) -> Option<String> {
    let rest = index.strip_prefix(&plan.destination.name)?;
    match rest.strip_prefix(NUMBERED) {
        Some(IDENTITY) => {
            let table = std::iter::once(place.name.as_str());
            let columns = plan.identity().map(|column| column.name.as_str());
            let parts: Vec<&str> = table.chain(columns).collect();
            Some(fitted(&parts.join("_"), "_idx"))
        }
        Some(nth) => {
            let index = plan.indexes.get(nth.parse::<usize>().ok()?)?;
            Some(index.name.clone())
        }
        None => Some(fitted(&place.name, rest)),
    }
}

/// The name, or else with the first number that makes it another than those that were given.
fn unused(given: &mut HashSet<TableName>, schema: &str, name: String) -> String {
    let numbered = (1..).map(|number: u32| fitted(&name, &number.to_string()));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    let unused = names.find(|name| given.insert(TableName::new(schema, name)));
    unused.unwrap_or(name)
}

/// A name that is cut where it would be too long for a server.
fn fitted(name: &str, end: &str) -> String {
    let room = IDENTIFIER_BYTES_MAX.saturating_sub(end.len());
    let cut = name.floor_char_boundary(room.min(name.len()));
    format!("{}{end}", &name[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_indexes_of_a_schema_never_get_one_name() {
        let mut given = HashSet::new();
        let mut give = |schema| unused(&mut given, schema, "t_a_b_idx".to_owned());
        assert_eq!(
            [give("s"), give("s"), give("s")],
            ["t_a_b_idx", "t_a_b_idx1", "t_a_b_idx2"]
        );
        assert_eq!(give("other"), "t_a_b_idx");
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_between_two_characters() {
        assert_eq!(fitted("t", "_pkey"), "t_pkey");
        let long = "\u{e9}".repeat(40);
        let name = fitted(&long, "_pkey");
        assert_eq!(name, format!("{}_pkey", "\u{e9}".repeat(29)));
        assert_eq!(name.len(), IDENTIFIER_BYTES_MAX);
    }
}
