//! Workers that take tables from a queue.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use super::copy::{Worker, copy_table};
use super::prepare::Plan;
use crate::checkpoint::{LoadedTable, Loader};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::observe::Board;
use crate::source::slot::ExportedSnapshot;

/// Loads the tables from the snapshot, `snapshot.workers` at a time; returns what was loaded.
///
/// The snapshot is kept until the last worker is done with it.
pub async fn load(
    config: &Arc<Config>,
    snapshot: ExportedSnapshot,
    mut plans: Vec<Plan>,
    loader: &Loader,
    board: &Board,
) -> Result<Vec<LoadedTable>> {
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.table.bytes));
    for plan in &plans {
        board.table_expected(&plan.table.name, plan.table.bytes);
    }
    let workers = config.snapshot.workers.min(plans.len());
    let queue = Arc::new(Mutex::new(VecDeque::from(plans)));
    let mut running = JoinSet::new();
    for _ in 0..workers {
        let (config, queue) = (Arc::clone(config), Arc::clone(&queue));
        let (loader, board) = (loader.clone(), board.clone());
        let (name, lsn) = (snapshot.name.clone(), snapshot.lsn);
        running.spawn(async move {
            let mut worker = Worker::start(&config, &name, lsn, loader).await?;
            let mut done = Vec::new();
            while let Some(plan) = next(&queue) {
                done.push(copy_table(&mut worker, &config, &plan, &board).await?);
            }
            Ok::<_, Error>(done)
        });
    }
    let mut tables = Vec::new();
    // The first failure ends the load: dropping the set stops the other workers.
    while let Some(done) = running.join_next().await {
        let done = done.map_err(|error| {
            Error::new(
                Kind::Unknown,
                format!("A worker of the initial load failed: {error}"),
            )
        })?;
        tables.extend(done?);
    }
    Ok(tables)
}

fn next(queue: &Mutex<VecDeque<Plan>>) -> Option<Plan> {
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()
}
