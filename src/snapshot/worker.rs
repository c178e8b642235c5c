//! A pair of sessions that does one job after the other.

use std::sync::Arc;

use futures_util::future::join;
use tokio_postgres::Client;

use super::copy::{Place, copy};
use super::job::{Job, Large, Piece, whole};
use super::prepare::Plan;
use super::queue::Load;
use crate::checkpoint::LoadedTable;
use crate::error::{Error, Kind, Result};
use crate::observe::TableState;
use crate::source::{Connection, Mode};
use crate::sql;
use crate::transport;

/// The sessions are opened when first needed, and again after one was lost.
pub(super) struct Worker {
    load: Arc<Load>,
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
    pub(super) fn new(load: Arc<Load>) -> Self {
        Worker {
            load,
            sessions: None,
        }
    }

    /// Does a job; tables that are complete by it, and a large one whose last piece it was.
    pub(super) async fn run(&mut self, job: &Job) -> Result<Done, Failed> {
        let mut sessions = match self.sessions.take() {
            Some(sessions) => sessions,
            None => self.connect().await?,
        };
        let (source, destination) = &mut sessions;
        let done = match job {
            Job::Pack(plans) => pack(&self.load, source, destination, plans).await?,
            Job::Range(large, piece) => {
                range(&self.load, source, destination, large, piece).await?
            }
        };
        // After a failure they are in an unknown state and dropped instead.
        self.sessions = Some(sessions);
        Ok(done)
    }

    async fn connect(&self) -> Result<(Connection, Client)> {
        let config = &self.load.config;
        let mut source =
            Connection::open(&config.source.endpoint, "snapshot worker", Mode::Sql).await?;
        let begin = sql::replication::begin_with_snapshot(&self.load.snapshot);
        let joined = source.query("join the exported snapshot", &begin).await;
        // It ends with the session that exported it: a new load begins with a new one.
        joined.map_err(|error| error.as_kind(Kind::ConnectionLost))?;
        let destination =
            transport::connect(&config.destination.endpoint, "snapshot worker").await?;
        Ok((source, destination))
    }
}

/// What a job brought about.
pub(super) enum Done {
    /// These tables are loaded and recorded.
    Tables(Vec<LoadedTable>),
    /// A piece was copied.
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
    let mut tables = Vec::with_capacity(plans.len());
    for plan in plans {
        load.board
            .table_state(&plan.table.name, TableState::Copying);
        tables.push(fill(load, source, client, plan).await?);
    }
    commit(client, first).await?;
    for table in &tables {
        load.loaded(table);
    }
    Ok(Done::Tables(tables))
}

/// Statements that need no answer of the one before are sent together: with tables this small the
/// way to the server and back is most of the time. The first error is the one that matters.
async fn fill(
    load: &Load,
    source: &mut Connection,
    client: &Client,
    plan: &Plan,
) -> Result<LoadedTable> {
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
    let (rows, bytes) = filled?;
    load.board
        .table_state(&plan.table.name, TableState::Indexing);
    let keys = plan.add_keys(client);
    let (keyed, recorded) = join(keys, load.publish(client, plan, rows, bytes)).await;
    keyed?;
    recorded
}

/// A part of a large table, into its hidden table.
async fn range(
    load: &Load,
    source: &mut Connection,
    client: &Client,
    large: &Arc<Large>,
    piece: &Piece,
) -> Result<Done, Failed> {
    let plan = &large.plan;
    plan.run(client, "begin the load", sql::apply::BEGIN)
        .await?;
    let place = Place {
        table: &large.hidden,
        fresh: false,
    };
    let (rows, bytes) = copy(source, client, plan, piece, place, &load.board).await?;
    commit(client, plan).await?;
    if large.piece_done(rows, bytes) {
        load.board
            .table_state(&plan.table.name, TableState::Indexing);
        return Ok(Done::LastPiece(Arc::clone(large)));
    }
    Ok(Done::Piece)
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
