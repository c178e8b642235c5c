//! The secondary indexes of tables that walferry makes (`[snapshot] indexes = "all"`).
//!
//! **Why this is right.** No change is found by them, so a copy is as right without one as with it.
//! Their definitions are the source's own, which may speak of what the destination lacks: a
//! function, an operator class of an extension, a type that has another name there, or is text.
//! Each is made behind a savepoint, so that one which cannot be made takes nothing else along.
//!
//! Their names are those of the source, but for tables that are loaded out of sight: all of these
//! share the state schema, where two schemas' tables may not both have an index of one name. There
//! they are numbered, and get their names with their places.

use tokio_postgres::Client;

use super::prepare::Plan;
use crate::catalog::TableName;
use crate::error::{Error, Kind, Result};
use crate::sql::load as sql;

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

/// What an index of a table that was loaded out of sight is to be called in its place.
pub(super) fn name_in_place(plan: &Plan, place: &TableName, index: &str) -> Option<String> {
    let rest = index.strip_prefix(&plan.destination.name)?;
    let number = rest.strip_prefix(NUMBERED).map(str::parse::<usize>);
    match number {
        Some(Ok(nth)) => plan.indexes.get(nth).map(|index| index.name.clone()),
        _ => Some(format!("{}{rest}", place.name)),
    }
}
