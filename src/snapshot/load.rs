//! One load: workers that read, and finishers that end what is filled.

use std::sync::Arc;

use futures_util::future::{join, join_all};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio_postgres::Client;

use super::finish::end;
use super::hidden::{hidden_prefix, prepare_hidden_tables};
use super::indexes::add_indexes;
use super::job::jobs;
use super::ledger::Ledger;
use super::prepare::Plan;
use super::queue::{Queue, work};
use crate::catalog::TableName;
use crate::checkpoint::{Books, LoadedTable, Loader};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::lsn::Lsn;
use crate::observe::{Board, TableState};
use crate::source::Connection;
use crate::source::slot::ExportedSnapshot;

/// What all workers of one load share.
pub struct Load {
    /// The configuration.
    pub config: Arc<Config>,
    /// The exported snapshot's name.
    pub snapshot: String,
    /// The position that the snapshot shows.
    pub snapshot_lsn: Lsn,
    /// Records tables that are complete.
    pub loader: Loader,
    /// Progress.
    pub board: Board,
    /// `server_version_num` of the source.
    pub source_version: u32,
    /// Readers do not see the tables yet when their rows are all there.
    pub out_of_sight: bool,
}

/// A table whose rows are all there.
pub(super) struct Filled {
    pub(super) plan: Arc<Plan>,
    pub(super) table: LoadedTable,
}

impl Load {
    /// All rows of a table are there: so many, in so many bytes.
    pub(super) fn filled(&self, plan: &Arc<Plan>, (rows, bytes): (u64, u64)) -> Filled {
        let table = LoadedTable {
            source_oid: plan.table.oid,
            source: plan.table.name.clone(),
            destination: plan.destination.clone(),
            snapshot_lsn: self.snapshot_lsn,
            made_table: plan.existing.is_none(),
            rows,
            bytes,
            reload: false,
        };
        let plan = Arc::clone(plan);
        Filled { plan, table }
    }

    /// Gives tables their indexes, lets readers read them, and records them, in the open
    /// transaction.
    ///
    /// Statements that need no answer of the one before are sent together: with small tables the
    /// way to the server and back is most of the time. The first error is the one that matters.
    pub(super) async fn publish(&self, client: &Client, tables: &[Filled]) -> Result<()> {
        // nothing is asked where there are none, and their names come before those of keys
        for Filled { plan, .. } in tables {
            add_indexes(plan, client, self.out_of_sight).await?;
        }
        let readers = &self.config.destination.readers;
        let steps = tables.iter().flat_map(|Filled { plan, .. }| {
            let steps = plan.last_steps(readers, self.out_of_sight).into_iter();
            steps.map(move |(doing, step)| async move { plan.run_one(client, &doing, &step).await })
        });
        let books = tables.iter().map(|Filled { plan, table }| Books {
            table,
            shape: &plan.shape,
            protection: &plan.table.protection,
        });
        let books: Vec<Books<'_>> = books.collect();
        let (done, recorded) = join(join_all(steps), self.loader.record(client, &books)).await;
        done.into_iter().collect::<Result<()>>()?;
        recorded
    }

    /// Says that what was read of a table came to nothing.
    pub(super) fn not_loaded(&self, plan: &Plan) {
        self.board
            .table_state(&plan.table.name, TableState::Pending);
    }

    /// The same of several.
    pub(super) fn none_loaded(&self, plans: &[Arc<Plan>]) {
        for plan in plans {
            self.not_loaded(plan);
        }
    }

    /// Says that a table is complete.
    pub(super) fn loaded(&self, table: &LoadedTable) {
        let (rows, bytes) = (table.rows, table.bytes);
        if self.out_of_sight {
            tracing::info!(table = %table.source, rows, bytes, "table copied out of sight");
            return;
        }
        self.board.table_done(&table.source, rows, bytes);
        let lsn = table.snapshot_lsn;
        tracing::info!(table = %table.source, rows, bytes, %lsn, "table loaded");
    }

    /// What is filled counts although the load has failed with this. Out of sight nothing counts
    /// before all is there, and who was fenced off may not record anything, nor be in the way.
    fn may_finish_after(&self, error: &Error) -> bool {
        !self.out_of_sight && error.kind() != Kind::Fenced
    }
}

/// What became of a load.
pub struct Loaded {
    /// The tables that are complete.
    pub tables: Vec<LoadedTable>,
    /// Why the first of the others was left for a later load.
    pub left: Option<Error>,
    /// The session that had exported the snapshot, unless that was lost.
    pub session: Option<Connection>,
}

/// Loads the tables from the snapshot. `control` is a session that nobody else uses meanwhile.
///
/// The snapshot is given up as soon as all rows are read: keys are built without it.
pub async fn load(
    load: Load,
    exported: ExportedSnapshot,
    plans: Vec<Plan>,
    control: &Client,
) -> Result<Loaded> {
    let load = Arc::new(load);
    for plan in &plans {
        load.board
            .table_expected(&plan.table.name, plan.table.bytes);
    }
    let settings = &load.config.snapshot;
    let ranges = load.source_version >= 140_000;
    let state_schema = &load.config.destination.state_schema;
    let prefix = hidden_prefix(&load.config.pipeline);
    let hidden =
        |plan: &Plan| TableName::new(state_schema.clone(), format!("{prefix}{}", plan.table.oid));
    let jobs = jobs(plans, settings.workers, ranges, hidden);
    let ledger = Ledger::new(state_schema, &prefix);
    prepare_hidden_tables(control, state_schema, &prefix, &ledger, &jobs).await?;

    let workers = settings.workers.min(jobs.len());
    let queue = Arc::new(Queue::new(jobs, ledger));
    let (filled, to_finish) = mpsc::unbounded_channel();
    let to_finish = Arc::new(AsyncMutex::new(to_finish));
    let mut copying = JoinSet::new();
    for _ in 0..workers {
        copying.spawn(work(Arc::clone(&load), Arc::clone(&queue), filled.clone()));
    }
    drop(filled);
    let mut finishing = JoinSet::new();
    for _ in 0..settings.index_workers {
        finishing.spawn(end(
            Arc::clone(&load),
            Arc::clone(&queue),
            Arc::clone(&to_finish),
        ));
    }
    let (tables, session) = all_done(&load, exported, copying, finishing).await?;
    let left = queue.left();
    Ok(Loaded {
        tables,
        left,
        session,
    })
}

/// Tasks that load tables.
type Tasks = JoinSet<Result<Vec<LoadedTable>>>;

/// Waits until all rows are read, gives the snapshot up, and waits until all keys are there.
///
/// The first failure ends the load: dropping the sets stops the other workers.
async fn all_done(
    load: &Load,
    exported: ExportedSnapshot,
    mut copying: Tasks,
    mut finishing: Tasks,
) -> Result<(Vec<LoadedTable>, Option<Connection>)> {
    let mut tables = Vec::new();
    while !copying.is_empty() {
        tokio::select! {
            Some(done) = copying.join_next() => match ended(done) {
                Ok(done) => tables.extend(done),
                Err(error) => {
                    drop((copying, exported));
                    if load.may_finish_after(&error) {
                        run_out(&error, finishing).await;
                    }
                    return Err(error);
                }
            },
            Some(done) = finishing.join_next() => tables.extend(ended(done)?),
        }
    }
    let session = exported.release().await.ok();
    while let Some(done) = finishing.join_next().await {
        tables.extend(ended(done)?);
    }
    Ok((tables, session))
}

/// Tables whose rows are all there are ended and recorded although others cannot be read: that
/// needs neither the snapshot nor the source.
async fn run_out(error: &Error, mut finishing: Tasks) {
    tracing::warn!(%error, "reading has failed: tables with all their rows still get their keys");
    while let Some(done) = finishing.join_next().await {
        if let Err(error) = ended(done) {
            tracing::warn!(%error, "a table with all its rows did not get its keys");
        }
    }
}

fn ended(done: Result<Result<Vec<LoadedTable>>, JoinError>) -> Result<Vec<LoadedTable>> {
    done.map_err(|error| {
        Error::new(
            Kind::Unknown,
            format!("A worker of the initial load failed: {error}"),
        )
    })?
}
