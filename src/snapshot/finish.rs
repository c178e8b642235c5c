//! A large table whose rows are all there: keys, indexes, and into its place.

use std::sync::Arc;

use tokio_postgres::Client;

use super::job::Large;
use super::queue::{Filled, Load};
use super::worker::{Failed, commit};
use crate::checkpoint::LoadedTable;
use crate::sql;

/// Gives the table its place and its keys and records it, all in one transaction.
pub(super) async fn finish(
    load: &Load,
    client: &Client,
    large: &Arc<Large>,
) -> Result<LoadedTable, Failed> {
    let plan = &large.plan;
    plan.run(client, "begin the end of a load", sql::apply::BEGIN)
        .await?;
    // Moved first, so that keys and indexes get the names they would have had.
    let moved = sql::reshape::move_table(&large.hidden, &plan.destination);
    plan.run(client, "move the table into its place", &moved)
        .await?;
    let filled = [load.filled(plan, large.copied())];
    load.publish(client, &filled).await?;
    commit(client, plan).await?;
    let [Filled { table, .. }] = filled;
    load.loaded(&table);
    Ok(table)
}
