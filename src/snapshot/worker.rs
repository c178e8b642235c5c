//! A pair of sessions that does one job after the other.

use std::sync::Arc;

use futures_util::future::join;
use tokio::try_join;
use tokio_postgres::Client;

use super::copy::{Place, copy, end_reading, end_reading_piece};
use super::job::{Job, Large, Piece, whole};
use super::ledger::or_gone;
use super::load::Load;
use super::prepare::Plan;
use super::queue::Queue;
use super::session;
use crate::checkpoint::LoadedTable;
use crate::error::{Error, Kind, Result};
use crate::limits::LOAD_LOCK_WAIT;
use crate::observe::TableState;
use crate::source::{Connection, Mode};
use crate::sql;

/// The sessions are opened when first needed, and again after one was lost.
pub(super) struct Worker {
    load: Arc<Load>,
    queue: Arc<Queue>,
    sessions: Option<(Connection, Client)>,
}

/// Why a job was not done.
pub(super) struct Failed {
    pub(super) error: Error,
    /// Nothing of the job is in the destination: it can be done again.
    pub(super) undone: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed {
            error,
            undone: true,
        }
    }
}

impl Worker {
    pub(super) fn new(load: Arc<Load>, queue: Arc<Queue>) -> Self {
        Worker {
            load,
            queue,
            sessions: None,
        }
    }

    /// Does a job; tables that are complete by it, and a large one whose last piece it was.
    pub(super) async fn run(&mut self, job: &Job) -> Result<Done, Failed> {
        if let Job::Range(large, _) = job
            && large.is_spoiled()
        {
            return Ok(Done::Piece);
        }
        let mut sessions = match self.sessions.take() {
            Some(sessions) => sessions,
            None => self.connect().await?,
        };
        let (source, destination) = &mut sessions;
        join_snapshot(source, &self.load.snapshot, job).await?;
        let done = match job {
            Job::Pack(plans) => pack(&self.load, source, destination, plans).await?,
            Job::Range(large, piece) => self.range(source, destination, large, piece).await?,
        };
        // After a failure they are in an unknown state and dropped instead.
        self.sessions = Some(sessions);
        Ok(done)
    }

    async fn connect(&self) -> Result<(Connection, Client)> {
        let config = &self.load.config;
        let source =
            Connection::open(&config.source.endpoint, "snapshot worker", Mode::Sql).await?;
        let destination = session::open(&self.load, "snapshot worker").await?;
        Ok((source, destination))
    }

    /// A part of a large table, into its hidden table.
    async fn range(
        &self,
        source: &mut Connection,
        client: &Client,
        large: &Arc<Large>,
        piece: &Piece,
    ) -> Result<Done, Failed> {
        let (plan, board) = (&large.plan, &self.load.board);
        plan.run(client, "begin the load", sql::apply::BEGIN)
            .await?;
        let place = Place {
            table: &large.hidden,
            fresh: false,
        };
        let copied = copy(source, client, plan, piece, place, board).await;
        let (rows, bytes) = copied.map_err(or_gone)?;
        let kept = async {
            end_reading_piece(source, plan, piece).await?;
            self.queue.ledger.commit(client, large, piece).await
        };
        if let Err(failed) = kept.await {
            // it is read again, and counted then
            board.table_not_copied(&plan.table.name, bytes, rows);
            return Err(failed);
        }
        if large.piece_done(rows, bytes) {
            board.table_state(&plan.table.name, TableState::Indexing);
            return Ok(Done::LastPiece(Arc::clone(large)));
        }
        Ok(Done::Piece)
    }
}

/// Begins to read. Who holds locks does not wait for others, see the module.
async fn join_snapshot(source: &mut Connection, snapshot: &str, job: &Job) -> Result<()> {
    let wait = job.locks_several().then_some(LOAD_LOCK_WAIT);
    let begin = sql::replication::begin_with_snapshot(snapshot, wait);
    let joined = source.query("join the exported snapshot", &begin).await;
    // It ends with the session that exported it: a new load begins with a new one.
    let joined = joined.map_err(|error| error.as_kind(Kind::ConnectionLost));
    joined.map(|_| ())
}

/// What a job brought about.
pub(super) enum Done {
    /// These tables are loaded and recorded.
    Tables(Vec<LoadedTable>),
    /// A piece was copied, or is of no use any more.
    Piece,
    /// The last piece of this table was copied.
    LastPiece(Arc<Large>),
}

/// Small tables: all of it in one transaction.
async fn pack(
    load: &Load,
    source: &mut Connection,
    client: &Client,
    plans: &[Arc<Plan>],
) -> Result<Done, Failed> {
    let Some(first) = plans.first() else {
        return Ok(Done::Tables(Vec::new()));
    };
    first
        .run(client, "begin the load", sql::apply::BEGIN)
        .await?;
    let mut filled = Vec::with_capacity(plans.len());
    for plan in plans {
        load.board
            .table_state(&plan.table.name, TableState::Copying);
        let copied = fill(load, source, client, plan).await?;
        filled.push(load.filled(plan, copied));
        load.board
            .table_state(&plan.table.name, TableState::Indexing);
    }
    try_join!(end_reading(source, plans), load.publish(client, &filled))?;
    commit(client, first).await?;
    let tables: Vec<LoadedTable> = filled.into_iter().map(|filled| filled.table).collect();
    for table in &tables {
        load.loaded(table);
    }
    Ok(Done::Tables(tables))
}

/// Makes a table, if it is not there, and fills it; rows and bytes. The first error is the one that
/// matters, since both is sent together.
async fn fill(
    load: &Load,
    source: &mut Connection,
    client: &Client,
    plan: &Plan,
) -> Result<(u64, u64)> {
    let fresh = plan.existing.is_none();
    let make = async {
        if fresh {
            plan.create(client, &plan.destination).await?;
        }
        Ok::<_, Error>(())
    };
    let fill = async {
        let (mut rows, mut bytes) = (0, 0);
        for piece in whole(plan) {
            let place = Place {
                table: &plan.destination,
                fresh,
            };
            let copied = copy(source, client, plan, &piece, place, &load.board).await?;
            rows += copied.0;
            bytes += copied.1;
        }
        Ok::<_, Error>((rows, bytes))
    };
    let (done, filled) = join(make, fill).await;
    done?;
    filled
}

/// Whether a COMMIT that got no answer took place is for the next start to find out.
pub(super) async fn commit(client: &Client, plan: &Plan) -> Result<(), Failed> {
    let committed = plan
        .run(client, "commit the load", sql::apply::COMMIT)
        .await;
    committed.map_err(|error| Failed {
        error,
        undone: false,
    })
}
