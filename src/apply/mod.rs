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
//! All of that but COMMIT goes to the server in one piece (`flight.rs`), and COMMIT once its
//! answers are right: two round trips a batch, however many tables it has.
//!
//! Two sessions: the [`Writer`]'s holds the lock and waits for the flush of its commits; this
//! module's writes the rows, and does not wait. `checkpoint` says why that is durable all the same.
//!
//! **What can go wrong.** Any error ends the session, but for a lock that tables wait for to take
//! their places, or a name that an index cannot have there, both behind a savepoint, and the next
//! one starts from the checkpoint row: there is no state to repair. A
//! rollback that is no error, of parts that came before their commit, takes with it the staging
//! tables that were made on the way, so none is kept after it. A session that outlives its daemon
//! cannot commit: it was not sent a COMMIT, or the row lock on the checkpoint makes the next daemon
//! wait for the end.
//!
//! TRUNCATE is not MVCC-safe, here as on the source: a REPEATABLE READ reader that has not touched
//! the table yet sees it empty.

mod dense;
mod encode;
mod flight;
mod message;
mod packed;
mod replace;
mod stages;
mod steps;
mod table;

use flight::{DOING, Failure, Landed, Sent, Session, Wanted};
use stages::Stages;
use steps::Step;
use table::Work;

pub use steps::Steps;

use crate::batch::{Batch, CommitPoint, Target};
use crate::checkpoint::{DurableLsn, Writer};
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::AHEAD_LOCK_MAX;
use crate::lsn::{AppliedLsn, Lsn};
use crate::sql::ask;
use crate::sql::{apply as sql, load, reshape, session as settings};

/// Applies batches, one after the other, for the session that holds the writer lock.
pub struct Applier {
    writer: Writer,
    session: Session,
    stages: Stages,
    /// A part was applied whose transaction is still open.
    open: bool,
    /// The open transaction is that of tables that take their places.
    replacing: bool,
    /// For locks, longer than a transaction that goes ahead may.
    waits_long: bool,
}

impl Applier {
    /// Opens the session: plans are pinned, a dead client is noticed, statements have limits.
    pub async fn new(config: &Config, writer: Writer) -> Result<Self> {
        let standbys = ask::query_one(writer.client(), sql::WAITS_FOR_STANDBYS, &[]).await;
        let failed = |error| from_client(Side::Destination, "ask for standbys", &error);
        let standbys: bool = standbys.map_err(failed)?.get(0);
        let limits = &config.apply;
        let waits_long = limits
            .lock_timeout
            .is_none_or(|limit| limit > AHEAD_LOCK_MAX);
        let limits = settings::limit(limits.statement_timeout, limits.lock_timeout);
        let mut setup = vec![sql::PIN_PLANS, &limits, settings::WATCH_CLIENT];
        if !standbys {
            setup.push(sql::COMMIT_EARLY);
        }
        Ok(Applier {
            session: Session::open(&config.destination.endpoint, &setup).await?,
            writer,
            stages: Stages::default(),
            waits_long,
            open: false,
            replacing: false,
        })
    }

    /// Ends the session that writes rows; nothing may be open in it.
    pub fn into_writer(self) -> Writer {
        self.writer
    }

    /// The position that was committed last.
    pub fn applied(&self) -> AppliedLsn {
        self.writer.applied()
    }

    /// The position that is durable.
    pub fn durable(&self) -> DurableLsn {
        self.writer.durable()
    }

    /// Applies a part whose transaction goes on in the next one. Nothing is committed. One that
    /// goes `ahead` of its commit does not wait for locks for long.
    pub async fn apply_part(&mut self, batch: &Batch, ahead: bool) -> Result<Steps> {
        if ahead && !self.open {
            self.open(batch);
            if self.waits_long {
                let limit = reshape::limit_lock_wait(AHEAD_LOCK_MAX.as_millis());
                self.session.once(&limit);
            }
        }
        let landed = match self.send(batch).await {
            Ok(()) => self.session.land().await,
            Err(failure) => Err(failure),
        };
        let landed = landed.map_err(|failure| self.explain(failure, batch))?;
        Ok(landed.steps)
    }

    /// Applies a batch that ends with the commit `point`, and commits it with the checkpoint.
    /// Where tables are about to take their places, it only goes into that transaction.
    pub async fn apply(&mut self, batch: &Batch, point: CommitPoint) -> Result<Steps> {
        if self.replacing {
            return self.apply_part(batch, false).await;
        }
        let flown = self.fly(batch, point).await;
        let landed = flown.map_err(|failure| self.explain(failure, batch).at(point.end_lsn))?;
        let reloads = landed.row.as_ref().and_then(|row| row.first());
        let reloads = reloads.and_then(|value| value.as_deref()?.parse().ok());
        self.writer.advanced(point.end_lsn, reloads)?;
        let mut steps = landed.steps;
        steps.join(self.commit(point.end_lsn).await?);
        Ok(steps)
    }

    /// Everything of a batch but its COMMIT.
    async fn fly(&mut self, batch: &Batch, point: CommitPoint) -> Result<Landed, Failure> {
        self.send(batch).await?;
        let checkpoint = self.writer.checkpoint(point)?;
        let values = checkpoint.values();
        let sent = plain(Step::Commit, Wanted::Done);
        let values = values.into_iter();
        self.session.execute(&checkpoint.statement, values, sent);
        self.session.land().await
    }

    async fn commit(&mut self, to: Lsn) -> Result<Steps> {
        let committed = plain(Step::Commit, Wanted::Committed);
        let asked = plain(Step::Commit, Wanted::Done);
        let nothing = std::iter::empty;
        self.session.execute(sql::COMMIT, nothing(), committed);
        self.session.execute(sql::POSITIONS, nothing(), asked);
        let landed = self.session.land().await;
        let landed = landed.map_err(|failure| failure.error.at(to))?;
        self.open = false;
        let lsn =
            |at: usize| -> Option<Lsn> { landed.row.as_ref()?.get(at)?.as_ref()?.parse().ok() };
        let (Some(written), Some(flushed)) = (lsn(0), lsn(1)) else {
            let what = "The destination did not say how far its log is flushed";
            return Err(Error::new(Kind::Protocol, what).on(Side::Destination));
        };
        self.writer.committed(to, written, flushed);
        Ok(landed.steps)
    }

    /// Moves the position of an idle pipeline; everything that was committed is durable then.
    pub async fn advance_idle(&mut self, to: Lsn) -> Result<()> {
        self.writer.advance_idle(to).await
    }

    /// Looks whether what was committed has become durable.
    pub async fn look_at_flush(&mut self) -> Result<()> {
        self.writer.look_at_flush().await
    }

    /// Somebody asked for a table to be loaded again since the last start.
    pub fn reload_asked(&self) -> bool {
        self.writer.reload_asked()
    }

    /// Gives up parts whose commit does not come.
    pub async fn abandon(&mut self) -> Result<()> {
        if std::mem::take(&mut self.open) {
            self.session.once(sql::ROLLBACK);
            self.stages.drop_all(&mut self.session);
            self.session.land().await.map_err(|failure| failure.error)?;
        }
        Ok(())
    }

    /// Sends a batch into the open transaction, or a new one.
    async fn send(&mut self, batch: &Batch) -> Result<(), Failure> {
        if self.writer.client().is_closed() {
            let what = format!("Could not {DOING}: the session that holds the writer lock is lost");
            return Err(Error::new(Kind::ConnectionLost, what)
                .on(Side::Destination)
                .into());
        }
        if !self.open {
            self.open(batch);
        }
        self.truncate(batch);
        if !batch.partitions().is_empty() {
            let record = self.writer.note_partitions(batch.partitions())?;
            let sent = plain(Step::Other, Wanted::Done);
            self.session
                .execute(&record.statement, record.values(), sent);
        }
        for (at, table) in batch.tables().iter().enumerate() {
            let mut work = Work {
                session: &mut self.session,
                stages: &mut self.stages,
                target: &table.target,
                at,
            };
            work.send(table).await?;
        }
        Ok(())
    }

    fn open(&mut self, batch: &Batch) {
        self.session.make_room();
        let count = batch.tables().len();
        self.stages.make_room(&mut self.session, count);
        self.begin();
    }

    fn begin(&mut self) {
        let begin = plain(Step::Other, Wanted::Done);
        self.session.execute(sql::BEGIN, std::iter::empty(), begin);
        self.open = true;
    }

    /// Tables that were truncated, together: the source did it in one statement if they refer to
    /// each other.
    ///
    /// In the transaction in which tables take their places, which may last, readers are not kept
    /// out: rows are deleted.
    fn truncate(&mut self, batch: &Batch) {
        if self.replacing {
            let truncated = batch.tables().iter().filter(|t| t.truncated.is_some());
            for table in truncated {
                self.session
                    .once(&load::delete_all(&table.target.destination));
            }
            return;
        }
        for restart in [false, true] {
            let tables = batch.tables().iter();
            let truncated = tables.filter(|t| t.truncated == Some(restart));
            let targets: Vec<&Target> = truncated.map(|t| &*t.target).collect();
            if !targets.is_empty() {
                let statement = sql::truncate(&targets, restart);
                let sent = plain(Step::Truncate, Wanted::Done);
                self.session.execute(&statement, std::iter::empty(), sent);
            }
        }
    }

    /// Adds the table, and what a refused row most likely means.
    fn explain(&self, failure: Failure, batch: &Batch) -> Error {
        let error = failure.error;
        let Some(table) = failure.table.and_then(|at| batch.tables().get(at)) else {
            return error;
        };
        let error = error.or_schema_changed().on_copy(&table.target.destination);
        if error.kind() == Kind::SchemaChanged {
            // where the next try begins, whatever else this batch holds
            return error.at(self.writer.applied().0);
        }
        if error.kind() != Kind::Refused || error.hint().is_some() {
            return error;
        }
        error.remedy(
            "The destination table refuses rows that the source has. Remove the constraint, \
             trigger or locally written row that is in the way, then start walferry again: nothing \
             of this batch was committed.",
        )
    }
}

/// A statement that is about no single table.
fn plain(step: Step, wanted: Wanted) -> Sent {
    Sent {
        step,
        table: None,
        wanted,
    }
}
