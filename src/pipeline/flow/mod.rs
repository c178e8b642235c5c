//! What the loop holds between events: the batch that is filled, the applier, the positions.

mod clock;
mod gate;
mod inlet;
mod outlet;

use std::sync::Arc;

use tokio::time::{Duration, Instant, Interval};

use super::ahead::of_ahead;
use super::applier::{Done, HandOver};
use super::emptied::Emptied;
use super::feed::{Feed, Filled, Piece};
use super::figures::{Uncommitted, seconds_since};
use super::intake::fold;
use super::routes::{Newcomer, Routes};
use crate::apply::Applier;
use crate::batch::{Batch, CommitPoint};
use crate::checkpoint::DurableLsn;
use crate::config::Config;
use crate::decode::{Message, Relation};
use crate::error::{Error, Result};
use crate::limits::{DRAIN_MAX, GOODBYE_MAX, STREAM_SILENCE_MIN};
use crate::lsn::{AppliedLsn, Lsn, ReceivedLsn};
use crate::observe::{Board, State};
use crate::snapshot::Adoption;
use crate::sql::replication::Format;

use gate::Gate;

pub(super) use inlet::Inlet;

/// What the wire, the applier and the clock can tell.
pub(super) enum Event {
    /// The source sent something.
    Read,
    /// A piece of a transaction in progress went to disk or came back.
    Spooled,
    /// The applier finished a piece of work.
    Applied(Box<Done>),
    /// A second has passed.
    Tick,
}

/// What the source describes and nobody has foreseen.
pub(super) enum Surprise {
    /// A relation that was not there when the pipeline started.
    Newcomer(Newcomer),
    /// A table whose shape does not fit its copy; nothing of the transaction that has its rows is
    /// let in yet. Why.
    Misfit(Error),
}

/// One stream on its way into one destination session.
pub(super) struct Flow<'f> {
    feed: Feed,
    format: Format,
    pub(super) routes: Routes,
    applier: HandOver,
    board: &'f Board,
    emptied: &'f mut Emptied,
    /// What is being filled.
    batch: Batch,
    batch_bytes_max: usize,
    batch_changes_max: u64,
    uncommitted: Uncommitted,
    /// Start of the commit record of the transaction that is being received.
    transaction: Option<Lsn>,
    /// Changes and partitions that the batch held when it began; none of a batch that began with a
    /// part of it.
    before: (u64, usize),
    /// Changes that were taken in so far, whatever became of them.
    changes_seen: u64,
    /// `received` and `quiet_at` where the batch begins.
    batch_begins_at: (ReceivedLsn, Lsn),
    /// The applier became idle while a transaction was being received: hand over at its end, or
    /// once enough of it is there.
    overdue: bool,
    received: ReceivedLsn,
    /// Nothing before it is pending, once the batch is empty and the applier idle.
    quiet_at: Lsn,
    applied: AppliedLsn,
    durable: DurableLsn,
    /// Commit time of the oldest transaction that was handed over and is not applied.
    under_way_since: Option<i64>,
    heard_at: Instant,
    /// Longer silence means that nobody is there: each feedback is answered.
    silence_max: Duration,
    feedback_at: Instant,
    idle_checkpoint_at: Instant,
    drain_until: Option<Instant>,
    gate: Gate,
    /// Up to here each batch holds one transaction.
    pub(super) one_by_one_until: Option<Lsn>,
    /// It stops before a transaction that begins with a table whose shape does not fit.
    pub(super) stops_for_shapes: bool,
    /// Transactions go ahead once so much was received; `None`: never.
    pub(super) ahead_from: Option<Lsn>,
}

impl<'f> Flow<'f> {
    pub(super) fn new(
        config: &Config,
        inlet: Inlet,
        mut routes: Routes,
        applier: Applier,
        board: &'f Board,
        emptied: &'f mut Emptied,
    ) -> Self {
        let (now, durable) = (Instant::now(), applier.durable());
        let silence_max = config
            .source
            .endpoint
            .silence_timeout
            .max(STREAM_SILENCE_MIN);
        board.listen_to_source(silence_max);
        let committed = applier.applied();
        routes.remember(inlet.relations);
        routes.mark();
        if let (Some(whole), Some(at)) = (inlet.whole, inlet.begun) {
            routes.partitions.go_on_after(whole, at);
        }
        Flow {
            feed: inlet.feed,
            format: inlet.format,
            routes,
            applier: HandOver::new(applier),
            board,
            emptied,
            batch: Batch::default(),
            // One batch is filled while another is applied, and a table of that one is encoded;
            // memory of twice as much may be kept.
            batch_bytes_max: config.apply.memory_bytes_max / 5,
            batch_changes_max: config.apply.batch_rows_max as u64,
            uncommitted: Uncommitted::default(),
            transaction: inlet.begun,
            before: (0, 0),
            changes_seen: 0,
            batch_begins_at: (inlet.received, inlet.quiet_at),
            overdue: false,
            received: inlet.received,
            quiet_at: inlet.quiet_at,
            applied: committed,
            durable,
            under_way_since: None,
            heard_at: now.checked_sub(inlet.clocks.silence).unwrap_or(now),
            silence_max,
            feedback_at: inlet.clocks.feedback_at,
            idle_checkpoint_at: inlet.clocks.idle_checkpoint_at,
            drain_until: None,
            gate: Gate {
                until: Lsn::MAX,
                waiting: None,
            },
            one_by_one_until: None,
            stops_for_shapes: false,
            ahead_from: None,
        }
    }

    /// Waits for the next event. Reading comes last, so that it cannot starve the others.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn event(&mut self, seconds: &mut Interval) -> Result<Event> {
        let (reading, ahead) = (self.may_read(), self.applier.is_ahead());
        let feed = &mut self.feed;
        let read = async {
            if !reading {
                feed.flush().await?;
                return std::future::pending().await;
            }
            feed.fill().await
        };
        tokio::select! {
            biased;
            done = self.applier.done() => match done {
                Ok(done) => Ok(Event::Applied(Box::new(done))),
                Err(error) if ahead => Err(of_ahead(error)),
                Err(error) => Err(error),
            },
            _ = seconds.tick() => Ok(Event::Tick),
            filled = read => filled.map(|filled| match filled {
                Filled::Wire => Event::Read,
                Filled::Spool => Event::Spooled,
            }),
        }
    }

    /// A transaction goes ahead of its commit.
    pub(super) fn is_ahead(&self) -> bool {
        self.feed.is_ahead()
    }

    /// The end of what was received.
    pub(super) fn received(&self) -> Lsn {
        self.received.0
    }

    /// The same, of what will not be taken in once more.
    pub(super) fn received_for_good(&self) -> Lsn {
        self.batch_begins_at.0.0
    }

    /// The position that is durable.
    pub(super) fn durable(&self) -> Lsn {
        self.durable.lsn()
    }

    /// Tells the source where we are; it answers with where it is.
    pub(super) fn ask(&mut self) {
        self.feedback();
    }

    fn feedback(&mut self) {
        let (received, applied) = (self.received, self.applied);
        self.feed.feedback(received, applied, self.durable);
    }

    /// Has the places of loaded tables filled; everything that was let in must be applied. What
    /// comes from then on goes into those places.
    pub(super) fn fill(&mut self, adoption: &Arc<Adoption>) -> Result<()> {
        self.routes.go_to_places(adoption);
        self.applier.fill(Arc::clone(adoption))
    }

    /// Has loaded tables put into their places, complete up to `lsn`; everything before it must be
    /// applied. Readers of old copies are waited for no longer than `patience`.
    pub(super) fn take(
        &mut self,
        adoption: &Arc<Adoption>,
        lsn: Lsn,
        patience: Duration,
    ) -> Result<()> {
        self.applier.take(Arc::clone(adoption), lsn, patience)
    }

    /// A full batch waits for the applier, and a drain goes on only to the end of the
    /// transaction that is being received.
    fn may_read(&self) -> bool {
        let wanted = self.drain_until.is_none() || self.transaction.is_some();
        wanted && self.gate.waiting.is_none() && !self.is_full()
    }

    pub(super) fn heard(&mut self) {
        self.heard_at = Instant::now();
        self.board.heard_from_source();
    }

    /// A transaction that begins now may go ahead of its commit.
    fn may_go_ahead(&self) -> bool {
        self.transaction.is_none()
            && self.ahead_from.is_some_and(|from| self.received.0 >= from)
            && (self.one_by_one_until).is_none_or(|until| self.applied.0 >= until)
            && self.gate.until == Lsn::MAX
            && self.batch.is_empty()
            && !self.applier.is_open()
    }

    /// If a transaction goes ahead, gives up what was done of it.
    fn fall_back(&mut self) {
        if self.feed.fall_back() {
            tracing::debug!("a transaction in progress waits for its commit after all");
            self.batch = Batch::default();
            self.transaction = None;
            self.overdue = false;
            self.applier.give_up();
        }
    }

    /// Decodes and folds what was read, until the batch is full; stops at a surprise.
    pub(super) fn take_in(&mut self) -> Result<Option<Surprise>> {
        let taken = self.take_in_all();
        match taken {
            Err(error) if self.feed.is_ahead() => Err(of_ahead(error)),
            taken => taken,
        }
    }

    fn take_in_all(&mut self) -> Result<Option<Surprise>> {
        while self.may_read() {
            let transaction = self.transaction;
            let place = |error: Error| match transaction {
                Some(at) => error.at(at),
                None => error,
            };
            if transaction.is_none() && self.batch.is_empty() {
                self.mark();
            }
            let willing = self.may_go_ahead();
            let Some(piece) = self.feed.take(willing).map_err(place)? else {
                return Ok(None);
            };
            match piece {
                Piece::Keepalive(server_end) => {
                    // Sent in order: everything before it was received.
                    self.received = self.received.max(ReceivedLsn(server_end));
                    if self.transaction.is_none() {
                        self.quiet_at = self.quiet_at.max(server_end);
                    }
                }
                Piece::Message(Message::Commit {
                    end_lsn,
                    committed_at,
                }) => {
                    self.commit(CommitPoint {
                        end_lsn,
                        committed_at,
                    })?;
                }
                Piece::Message(Message::Begin { xid, final_lsn, .. }) => {
                    self.fall_back();
                    self.emptied.begin(xid);
                    self.begin(final_lsn);
                }
                Piece::Ahead(xid) => {
                    self.emptied.begin(xid);
                    // its commit comes after everything that was received
                    self.transaction = Some(self.received.0);
                    self.before = (0, 0);
                }
                Piece::FallBack => self.fall_back(),
                Piece::Message(Message::Relation(relation)) => {
                    if let Some(surprise) = self.described(&relation) {
                        return Ok(Some(surprise));
                    }
                }
                Piece::Message(change) => {
                    self.changes_seen += 1;
                    self.emptied.note(&change);
                    if let Some((whole, part)) = self.routes.partitions.tells(&change) {
                        self.routes.stand_still(part);
                        let xid = self.emptied.transaction();
                        self.routes.partitions.sent_in(xid);
                        self.batch.note_partition(whole, part);
                    }
                    fold(&mut self.batch, &self.routes, self.transaction, &change)?;
                    if self.is_full() || self.overdue && self.is_worth_a_part() {
                        self.hand_over()?;
                    }
                }
            }
        }
        Ok(None)
    }

    /// Takes note of how the source describes a table.
    fn described(&mut self, relation: &Relation) -> Option<Surprise> {
        if self.feed.is_ahead() && !self.routes.agrees(relation) {
            self.fall_back();
            return None;
        }
        let at = (self.transaction, self.changes_seen);
        if let Some(whole) = self.routes.partitions.described(relation.oid, at) {
            if !self.routes.is_loaded(relation.oid) {
                let xid = self.emptied.transaction();
                self.routes.partitions.sent_in(xid);
                self.batch.note_partition(whole, relation.oid);
            } else if self.feed.is_ahead() {
                // should it be rolled back, a copy that stood still would lack rows
                self.fall_back();
                return None;
            } else {
                self.routes.partitions.doubt(whole, relation.oid);
            }
        }
        if let Some(newcomer) = self.routes.learn(relation) {
            return Some(Surprise::Newcomer(newcomer));
        }
        self.misfit(relation.oid).map(Surprise::Misfit)
    }

    /// The transaction whose changes came last.
    pub(super) fn xid(&self) -> u32 {
        self.emptied.transaction()
    }

    fn begin(&mut self, final_lsn: Lsn) {
        self.before = self.taken_in();
        if final_lsn >= self.gate.until {
            self.gate.waiting = Some(final_lsn);
        } else {
            self.transaction = Some(final_lsn);
        }
    }

    /// Changes and partitions that the batch holds.
    fn taken_in(&self) -> (u64, usize) {
        (self.batch.changes(), self.batch.partitions().len())
    }

    fn commit(&mut self, point: CommitPoint) -> Result<()> {
        self.transaction = None;
        self.received = self.received.max(ReceivedLsn(point.end_lsn));
        self.quiet_at = self.quiet_at.max(point.end_lsn);
        if !self.batch.is_empty() || self.applier.is_open() && !self.applier.gives_up() {
            self.batch.commit(point);
        }
        if self.overdue || self.is_full() {
            self.hand_over()?;
        }
        Ok(())
    }

    pub(super) fn applied(&mut self, done: &mut Done) {
        let moved = done.applied > self.applied;
        (self.applied, self.durable) = (done.applied, done.durable);
        if moved && let Some(since) = self.under_way_since.take() {
            self.board.lag_seconds(seconds_since(since));
        }
        if let Some(batch) = done.batch.take() {
            self.uncommitted.report(self.board, &batch, done, moved);
            self.batch.reuse(batch, self.batch_bytes_max * 2);
        }
        let (received, applied) = (self.received.0, self.applied.0);
        let durable = self.durable.lsn();
        self.board.positions(received, applied, durable, received);
    }

    fn is_quiet(&self) -> bool {
        self.transaction.is_none()
            && self.batch.is_empty()
            && self.applier.is_idle()
            && !self.applier.is_open()
    }

    pub(super) fn drain(&mut self) {
        tracing::info!("draining");
        self.board.state(State::Draining);
        self.ahead_from = None;
        self.fall_back();
        self.drain_until = Some(Instant::now() + DRAIN_MAX);
    }

    /// Told to stop.
    pub(super) fn is_draining(&self) -> bool {
        self.drain_until.is_some()
    }

    /// Told to stop, and nothing is left to do.
    pub(super) fn is_drained(&self) -> bool {
        let Some(until) = self.drain_until else {
            return false;
        };
        let late = Instant::now() >= until;
        self.is_quiet() || (late && self.transaction.is_none())
    }

    /// Says goodbye: the source learns how far we are, so that it can forget the rest. If the
    /// destination does not take note of that in time, the next start receives some of it again.
    pub(super) async fn end(mut self) -> Result<()> {
        let to = self.quiet_at.max(self.applied.0);
        if self.is_quiet() && to > self.durable.lsn() {
            self.applier.idle(to)?;
            if let Ok(done) = tokio::time::timeout(GOODBYE_MAX, self.applier.done()).await {
                let done = done?;
                (self.applied, self.durable) = (done.applied, done.durable);
            } else {
                tracing::debug!("the destination did not note the last position in time");
            }
        }
        let (received, applied, durable) = (self.received, self.applied, self.durable);
        self.applier.finish().await;
        self.feed.feedback(received, applied, durable);
        self.feed.close().await;
        tracing::info!(lsn = %self.durable.lsn(), "drained");
        Ok(())
    }
}
