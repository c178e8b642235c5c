//! A large table whose rows are all there: keys, indexes, and into its place.

use std::sync::Arc;

use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio_postgres::Client;

use super::job::Large;
use super::load::{Filled, Load};
use super::retry::Tries;
use super::session;
use super::worker::{Failed, commit};
use crate::checkpoint::LoadedTable;
use crate::error::Result;
use crate::sql;

/// Gives the table its place and its keys and records it, all in one transaction.
async fn finish(load: &Load, client: &Client, large: &Arc<Large>) -> Result<LoadedTable, Failed> {
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

/// Ends large tables as they are filled, until no more come.
pub(super) async fn end(
    load: Arc<Load>,
    to_finish: Arc<AsyncMutex<mpsc::UnboundedReceiver<Arc<Large>>>>,
) -> Result<Vec<LoadedTable>> {
    let mut session: Option<Client> = None;
    let mut tables = Vec::new();
    loop {
        let next = to_finish.lock().await.recv().await;
        let Some(large) = next else {
            return Ok(tables);
        };
        let mut tries = Tries::default();
        loop {
            match end_one(&load, &mut session, &large).await {
                Ok(table) => break tables.push(table),
                // its rows are all there: only what was begun here is to be done again
                Err(failed) => {
                    let tried = failed.wait_to_try_again(&load, tries).await;
                    tries = tried.map_err(|failed| failed.error)?;
                }
            }
        }
    }
}

async fn end_one(
    load: &Load,
    session: &mut Option<Client>,
    large: &Arc<Large>,
) -> Result<LoadedTable, Failed> {
    // after a failure it is in an unknown state and dropped instead
    let client = match session.take() {
        Some(client) => client,
        None => session::open(load, "index worker").await?,
    };
    let table = finish(load, &client, large).await?;
    *session = Some(client);
    Ok(table)
}
