//! Workers that take jobs from a queue, and finishers that end what they filled.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{join, join_all};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio_postgres::Client;

use super::finish::finish;
use super::job::{Job, Large, jobs};
use super::prepare::Plan;
use super::worker::{Done, Failed, Worker};
use crate::catalog::{TableName, destination};
use crate::checkpoint::{Books, LoadedTable, Loader};
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{JOB_ATTEMPTS_MAX, JOB_RETRY_PAUSE, LOAD_LOCK_ATTEMPTS_MAX, LOAD_LOCK_PAUSE};
use crate::lsn::Lsn;
use crate::observe::{Board, TableState};
use crate::source::Connection;
use crate::source::slot::ExportedSnapshot;
use crate::sql::load as sql;
use crate::sql::reshape;
use crate::transport;

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

    /// Gives tables their keys, lets readers read them, and records them, in the open transaction.
    ///
    /// Statements that need no answer of the one before are sent together: with small tables the
    /// way to the server and back is most of the time. The first error is the one that matters.
    pub(super) async fn publish(&self, client: &Client, tables: &[Filled]) -> Result<()> {
        let readers = &self.config.destination.readers;
        let steps = tables.iter().flat_map(|Filled { plan, .. }| {
            let steps = plan.last_steps(readers).into_iter();
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

    /// Says that a job came to nothing.
    fn not_loaded(&self, job: &Job) {
        if let Job::Pack(plans) = job {
            for plan in plans {
                self.board
                    .table_state(&plan.table.name, TableState::Pending);
            }
        }
    }

    /// Says that a table was rewritten, so that nothing of it counts.
    pub(super) fn rewritten(&self, table: &TableName) {
        self.board.table_state(table, TableState::Pending);
        tracing::info!(%table, "the table was rewritten between two ranges, it is loaded later");
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
}

/// Loads the tables from the snapshot; returns what was loaded and the session that had exported
/// the snapshot, unless that was lost. `control` is a session that nobody else uses meanwhile.
///
/// The snapshot is given up as soon as all rows are read: keys are built without it.
pub async fn load(
    load: Load,
    exported: ExportedSnapshot,
    plans: Vec<Plan>,
    control: &Client,
) -> Result<(Vec<LoadedTable>, Option<Connection>)> {
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
    prepare_hidden_tables(control, state_schema, &prefix, &jobs).await?;

    let workers = settings.workers.min(jobs.len());
    let untried: VecDeque<(Job, Tries)> = jobs
        .into_iter()
        .map(|job| (job, Tries::default()))
        .collect();
    let queue = Arc::new(Mutex::new(untried));
    let (filled, to_finish) = mpsc::unbounded_channel();
    let to_finish = Arc::new(AsyncMutex::new(to_finish));
    let mut copying = JoinSet::new();
    for _ in 0..workers {
        copying.spawn(work(Arc::clone(&load), Arc::clone(&queue), filled.clone()));
    }
    drop(filled);
    let mut finishing = JoinSet::new();
    for _ in 0..settings.index_workers {
        finishing.spawn(end(Arc::clone(&load), Arc::clone(&to_finish)));
    }
    // The first failure ends the load: dropping the sets stops the other workers.
    let mut tables = Vec::new();
    while !copying.is_empty() {
        tokio::select! {
            Some(done) = copying.join_next() => tables.extend(ended(done)?),
            Some(done) = finishing.join_next() => tables.extend(ended(done)?),
        }
    }
    let session = exported.release().await.ok();
    while let Some(done) = finishing.join_next().await {
        tables.extend(ended(done)?);
    }
    Ok((tables, session))
}

fn ended(done: Result<Result<Vec<LoadedTable>>, JoinError>) -> Result<Vec<LoadedTable>> {
    done.map_err(|error| {
        Error::new(
            Kind::Unknown,
            format!("A worker of the initial load failed: {error}"),
        )
    })?
}

/// How the names of a pipeline's hidden tables begin. Pipelines may share a state schema, and their
/// names may be as long as a table's.
pub fn hidden_prefix(pipeline: &str) -> String {
    let hash = foldhash::fast::FixedState::default().hash_one(pipeline);
    format!("walferry_load_{hash:016x}_")
}

/// Drops what loads that did not end have left in the state schema.
pub async fn drop_hidden_tables(client: &Client, state_schema: &str, prefix: &str) -> Result<()> {
    for table in destination::hidden_tables(client, state_schema, prefix).await? {
        let dropped = client.batch_execute(&reshape::drop_table(&table)).await;
        dropped.map_err(|error| {
            let doing = "drop what an unfinished load has left";
            from_client(Side::Destination, doing, &error).table(&table)
        })?;
    }
    Ok(())
}

/// Drops what loads of these prefixes have left, unless somebody still works on it.
pub async fn try_to_tidy(client: &Client, state_schema: &str, prefixes: &[String]) -> Result<()> {
    let set = async |statement| {
        let done = client.batch_execute(statement).await;
        done.map_err(|error| from_client(Side::Destination, "set lock_timeout", &error))
    };
    set(sql::WAIT_BRIEFLY_FOR_LOCKS).await?;
    let mut tidied = Ok(());
    for prefix in prefixes {
        let dropped = drop_hidden_tables(client, state_schema, prefix).await;
        tidied = tidied.and(dropped);
    }
    tidied.and(set(sql::WAIT_FOR_LOCKS).await)
}

/// Drops what a load that did not end has left, and makes the tables for this one.
async fn prepare_hidden_tables(
    control: &Client,
    state_schema: &str,
    prefix: &str,
    jobs: &[Job],
) -> Result<()> {
    drop_hidden_tables(control, state_schema, prefix).await?;
    let mut made = std::collections::HashSet::new();
    for job in jobs {
        if let Job::Range(large, _) = job
            && made.insert(large.plan.table.oid)
        {
            large.plan.create(control, &large.hidden).await?;
        }
    }
    Ok(())
}

/// How often a job was tried in vain.
#[derive(Clone, Copy, Default)]
struct Tries {
    /// Since one of several locks was not to be had.
    unlocked: u32,
    /// For another reason.
    failed: u32,
}

/// Jobs that are to be done.
type Queue = Mutex<VecDeque<(Job, Tries)>>;

async fn work(
    load: Arc<Load>,
    queue: Arc<Queue>,
    filled: mpsc::UnboundedSender<Arc<Large>>,
) -> Result<Vec<LoadedTable>> {
    let mut worker = Worker::new(Arc::clone(&load));
    let mut tables = Vec::new();
    loop {
        let next = lock(&queue).pop_front();
        let Some((job, tries)) = next else {
            return Ok(tables);
        };
        match worker.run(&job).await {
            Ok(Done::Tables(done)) => tables.extend(done),
            Ok(Done::Piece) => {}
            Ok(Done::LastPiece(large)) => {
                // Bounded by the number of large tables; the finishers outlive us.
                let _ = filled.send(large);
            }
            Err(failed) => {
                load.not_loaded(&job);
                // what somebody has locked gives way to all the others
                let locked = failed.error.kind() == Kind::Contention;
                let tries = if locked && job.locks_several() {
                    failed.wait_for_lock(tries).await?
                } else {
                    failed.wait_to_try_again(&load, tries).await?
                };
                let mut queue = lock(&queue);
                if locked {
                    queue.extend(job.apart().into_iter().map(|job| (job, tries)));
                } else {
                    queue.push_front((job, tries));
                }
            }
        }
    }
}

fn lock(queue: &Queue) -> std::sync::MutexGuard<'_, VecDeque<(Job, Tries)>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Failed {
    /// Pauses before the next try; the error when there is to be none.
    async fn wait_to_try_again(self, load: &Load, tries: Tries) -> Result<Tries> {
        let may_heal = matches!(
            self.error.kind(),
            Kind::ConnectionLost | Kind::Unreachable | Kind::ServerBusy | Kind::Contention
        );
        if !self.undone || !may_heal || tries.failed >= JOB_ATTEMPTS_MAX {
            return Err(self.error);
        }
        tracing::warn!(error = %self.error, "a worker of the initial load starts again");
        if let Some(side) = self.error.side() {
            load.board.reconnect(side);
        }
        tokio::time::sleep(JOB_RETRY_PAUSE).await;
        let failed = tries.failed + 1;
        Ok(Tries { failed, ..tries })
    }

    /// The same where a lock was not waited for, since others were held.
    async fn wait_for_lock(self, tries: Tries) -> Result<Tries> {
        if !self.undone || tries.unlocked >= LOAD_LOCK_ATTEMPTS_MAX {
            return Err(self.error);
        }
        tracing::debug!(error = %self.error, "a table of the source is locked, others go first");
        tokio::time::sleep(LOAD_LOCK_PAUSE).await;
        let unlocked = tries.unlocked + 1;
        Ok(Tries { unlocked, ..tries })
    }
}

/// Ends large tables as they are filled, until no more come.
async fn end(
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
                Err(failed) => tries = failed.wait_to_try_again(&load, tries).await?,
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
        None => finisher(load).await?,
    };
    let table = finish(load, &client, large).await?;
    *session = Some(client);
    Ok(table)
}

/// A session with room for building indexes.
async fn finisher(load: &Load) -> Result<Client> {
    let endpoint = &load.config.destination.endpoint;
    let client = transport::connect(endpoint, "index worker").await?;
    let memory = sql::set_maintenance_work_mem(load.config.snapshot.index_memory_bytes);
    let set = client.batch_execute(&memory).await;
    set.map_err(|error| from_client(Side::Destination, "set maintenance_work_mem", &error))?;
    Ok(client)
}
