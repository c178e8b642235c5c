//! A large table whose rows are all there: keys, indexes, and into its place.

use std::sync::Arc;

use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio_postgres::Client;

use super::job::Large;
use super::ledger::{Ledger, lost, or_gone};
use super::load::{Filled, Load};
use super::queue::Queue;
use super::retry::Tries;
use super::session;
use super::worker::{Failed, commit};
use crate::checkpoint::LoadedTable;
use crate::error::Result;
use crate::sql;

/// Gives the table its place and its keys and records it, all in one transaction. None when the
/// destination has lost some of it.
async fn finish(
    load: &Load,
    ledger: &Ledger,
    client: &Client,
    large: &Arc<Large>,
) -> Result<Option<LoadedTable>, Failed> {
    let plan = &large.plan;
    if !ledger.is_complete(client, large).await.map_err(or_gone)? {
        return Ok(None);
    }
    plan.run(client, "begin the end of a load", sql::apply::BEGIN)
        .await?;
    // Moved first, so that keys and indexes get the names they would have had.
    let moved = sql::reshape::move_table(&large.hidden, &plan.destination);
    let moved = plan.run(client, "move the table into its place", &moved);
    moved.await.map_err(or_gone)?;
    let filled = [load.filled(plan, large.copied())];
    load.publish(client, &filled).await?;
    commit(client, plan).await?;
    let [Filled { table, .. }] = filled;
    load.loaded(&table);
    Ok(Some(table))
}

/// Ends large tables as they are filled, until no more come.
pub(super) async fn end(
    load: Arc<Load>,
    queue: Arc<Queue>,
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
            match end_one(&load, &queue.ledger, &mut session, &large).await {
                Ok(Some(table)) => break tables.push(table),
                Ok(None) => break queue.leave_large(&load, &large, lost(&large)),
                // its rows are all there: only what was begun here is to be done again
                Err(failed) => {
                    let again = failed.wait_to_try_again(&load, tries).await;
                    tries = again.map_err(|failed| failed.error)?;
                }
            }
        }
    }
}

async fn end_one(
    load: &Load,
    ledger: &Ledger,
    session: &mut Option<Client>,
    large: &Arc<Large>,
) -> Result<Option<LoadedTable>, Failed> {
    // after a failure it is in an unknown state and dropped instead
    let client = match session.take() {
        Some(client) => client,
        None => session::open(load, "index worker").await?,
    };
    let table = finish(load, ledger, &client, large).await?;
    *session = Some(client);
    Ok(table)
}
