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
//! ends in between leaves none behind with the name of a table that is gone.

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
/// their places; by place. An index whose name somebody has, or would be too long, keeps its own.
pub(super) async fn renames(
    client: &Client,
    moving: &[(&Plan, &TableName)],
) -> Result<HashMap<TableName, Vec<String>>> {
    let hidden: Vec<TableName> = moving.iter().map(|(p, _)| p.destination.clone()).collect();
    let mut wanted = Vec::new();
    for (table, index) in destination::indexes(client, &hidden).await? {
        let moved = moving.iter().find(|(plan, _)| plan.destination == table);
        let named =
            moved.and_then(|(plan, place)| Some((place, name_in_place(plan, place, &index)?)));
        if let Some((place, name)) = named
            && name.len() <= IDENTIFIER_BYTES_MAX
        {
            wanted.push((*place, index, TableName::new(place.schema.clone(), name)));
        }
    }
    let names: Vec<TableName> = wanted.iter().map(|(_, _, name)| name.clone()).collect();
    let holders = destination::relations(client, &names).await?;
    let mut taken: HashSet<TableName> = moving.iter().map(|&(_, place)| place.clone()).collect();
    let mut renames: HashMap<TableName, Vec<String>> = HashMap::new();
    for (place, index, name) in wanted {
        // an index of the copy that goes makes room
        let holder = holders.get(&name).map(Option::as_deref);
        if holder.is_none_or(|table| table == Some(&place.name)) && taken.insert(name.clone()) {
            let index = TableName::new(place.schema.clone(), index);
            let rename = reshape::rename_index(&index, &name.name);
            renames.entry(place.clone()).or_default().push(rename);
        }
    }
    Ok(renames)
}

/// What an index of a table that was loaded out of sight is to be called in its place.
fn name_in_place(plan: &Plan, place: &TableName, index: &str) -> Option<String> {
    let rest = index.strip_prefix(&plan.destination.name)?;
    let number = rest.strip_prefix(NUMBERED).map(str::parse::<usize>);
    match number {
        Some(Ok(nth)) => plan.indexes.get(nth).map(|index| index.name.clone()),
        _ => Some(format!("{}{rest}", place.name)),
    }
}
