//! 4. Plan → one destination transaction.
//!
//! ```text
//! BEGIN → TRUNCATE → per table: carry → DELETE → UPDATE → COPY/INSERT → checkpoint row → COMMIT
//! ```
//!
//! **Why this is right.** Everything of a batch, and of all parts of one that did not fit in
//! memory, is in one transaction together with the checkpoint, so readers see a state that the
//! source had at a commit, and a crash leaves either all of it or nothing. Within a table, values
//! that a moved row carries along are read first, while the old rows are still there; deletes then
//! make room for updates and inserts. Every statement must touch exactly as many rows as were
//! staged: anything else means that somebody else wrote to the table, and halts
//! ([`crate::Kind::Diverged`]) before it is committed.
//!
//! **What can go wrong.** Any error ends the session, and the next one starts from the checkpoint
//! row: there is no state to repair. Staging tables are emptied inside the transaction, so a
//! rollback leaves them as they were, empty.
//!
//! TRUNCATE is not MVCC-safe, here as on the source: a REPEATABLE READ reader that has not touched
//! the table yet sees it empty.

mod encode;
mod session;
mod table;

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use session::{Session, execute};

use crate::batch::{Batch, CommitPoint, Target};
use crate::checkpoint::{DurableLsn, Writer};
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::snapshot::Adoption;
use crate::sql::apply as sql;

/// Applies batches, one after the other, in the session that holds the writer lock.
pub struct Applier {
    writer: Writer,
    session: Session,
    /// A part was applied whose transaction is still open.
    open: bool,
}

/// Time that the steps of a batch took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steps {
    /// TRUNCATE.
    pub truncate: Duration,
    /// Removing rows, staging included.
    pub delete: Duration,
    /// Changing rows, staging included.
    pub update: Duration,
    /// Adding rows.
    pub insert: Duration,
    /// The checkpoint row and COMMIT.
    pub commit: Duration,
}

impl Steps {
    /// Name and time of each step, for the metric `batch_seconds{step}`.
    pub fn named(&self) -> [(&'static str, Duration); 5] {
        [
            ("truncate", self.truncate),
            ("delete", self.delete),
            ("update", self.update),
            ("insert", self.insert),
            ("commit", self.commit),
        ]
    }
}

impl Applier {
    /// Prepares the session: plans are pinned, a dead client is noticed.
    pub async fn new(writer: Writer) -> Result<Self> {
        let client = writer.client();
        execute(client, sql::PIN_PLANS).await?;
        let version = client.query_one(sql::SERVER_VERSION, &[]).await;
        let version: i32 = version
            .map_err(|error| from_client(Side::Destination, "ask for the version", &error))?
            .get(0);
        if version >= 140_000 {
            execute(client, sql::WATCH_CLIENT).await?;
        }
        Ok(Applier {
            writer,
            session: Session::default(),
            open: false,
        })
    }

    /// The position that is durable.
    pub fn durable(&self) -> DurableLsn {
        self.writer.applied()
    }

    /// Applies a part whose transaction goes on in the next one. Nothing is committed.
    pub async fn apply_part(&mut self, batch: &Batch) -> Result<Steps> {
        let mut steps = Steps::default();
        self.work(batch, &mut steps).await?;
        Ok(steps)
    }

    /// Applies a batch that ends with the commit `point`, and commits it with the checkpoint.
    pub async fn apply(
        &mut self,
        batch: &Batch,
        point: CommitPoint,
    ) -> Result<(DurableLsn, Steps)> {
        let mut steps = Steps::default();
        let work = self.work(batch, &mut steps).await;
        work.map_err(|error| error.at(point.end_lsn))?;
        let started = Instant::now();
        let durable = self.writer.commit(point).await?;
        steps.commit = started.elapsed();
        self.open = false;
        Ok((durable, steps))
    }

    /// Moves the position of an idle pipeline.
    pub async fn advance_idle(&mut self, to: crate::Lsn) -> Result<DurableLsn> {
        self.writer.advance_idle(to).await
    }

    /// Puts loaded tables into their places, in a transaction of its own.
    pub async fn adopt(&mut self, adoption: &Adoption) -> Result<()> {
        adoption.run(self.writer.client()).await
    }

    /// Somebody asked for a table to be loaded again since this session began.
    pub fn reload_asked(&self) -> bool {
        self.writer.reload_asked()
    }

    /// Gives up parts whose commit never came, at the end of a drain.
    pub async fn abandon(&mut self) -> Result<()> {
        if std::mem::take(&mut self.open) {
            execute(self.writer.client(), sql::ROLLBACK).await?;
        }
        Ok(())
    }

    async fn work(&mut self, batch: &Batch, steps: &mut Steps) -> Result<()> {
        let client = self.writer.client();
        if !self.open {
            self.session.make_room(client, batch.tables().len()).await?;
            execute(client, sql::BEGIN).await?;
            self.open = true;
        }
        let started = Instant::now();
        truncate(client, batch).await?;
        steps.truncate = started.elapsed();
        for table in batch.tables() {
            let done = table::apply(client, &mut self.session, table, steps).await;
            let durable = self.writer.applied().lsn();
            done.map_err(|error| explain(error, &table.target, durable))?;
        }
        Ok(())
    }
}

/// Tables that were truncated, together: the source did it in one statement if they refer to
/// each other.
async fn truncate(client: &Client, batch: &Batch) -> Result<()> {
    let truncated = |restart: bool| -> Vec<&Target> {
        let tables = batch.tables().iter();
        tables
            .filter(|t| t.truncated == Some(restart))
            .map(|t| &*t.target)
            .collect()
    };
    for restart in [false, true] {
        let targets = truncated(restart);
        if !targets.is_empty() {
            execute(client, &sql::truncate(&targets, restart)).await?;
        }
    }
    Ok(())
}

/// Adds the table, and what a refused row most likely means.
fn explain(error: Error, target: &Target, durable: crate::Lsn) -> Error {
    let error = error.table(&target.destination).or_schema_changed();
    if error.kind() == Kind::SchemaChanged {
        // where the next try begins, whatever else this batch holds
        return error.at(durable);
    }
    if error.kind() != Kind::Refused || error.hint().is_some() {
        return error;
    }
    error.remedy(
        "The destination table refuses rows that the source has. Remove the constraint, trigger \
         or locally written row that is in the way, then start walferry again: nothing of this \
         batch was committed.",
    )
}
