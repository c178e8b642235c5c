//! What the flow does not let in, and how it stops there.
//!
//! A row that fits no known shape of its table means that the catalogs have to be looked at, and
//! that is done between two transactions. So its transaction is not let in, and where a part of it
//! was already, the whole batch is given up and taken in once more from the buffer of the wire, up
//! to that transaction. Only where that buffer does not hold all of it any more does the source
//! have to send it again, in a new session.
//!
//! **Why this is right.** Nothing of the batch has left this process before it is handed over, and
//! the mark is where it begins. What reading it has changed besides is put back: the positions,
//! how relations were described, and which tables were emptied. A part that went to the spool or
//! came from there would be there twice, so it ends the mark, and so does leaving: of a transaction
//! that the last flow has stopped at, this one has no mark, and a row that does not fit even now is
//! an error.

use tokio::time::Instant;

use super::Flow;
use super::inlet::{Clocks, Inlet};
use crate::batch::Batch;
use crate::checkpoint::Writer;
use crate::error::{Error, Result};
use crate::limits::GOODBYE_MAX;
use crate::lsn::Lsn;

/// Up to where transactions are let in: those whose commit record begins before it.
pub(super) struct Gate {
    pub(super) until: Lsn,
    /// Start of the commit record of the transaction that stands before it.
    pub(super) waiting: Option<Lsn>,
}

impl Flow<'_> {
    /// Lets in no other transaction than the one that is being received. Returns up to where that
    /// is: transactions whose commit record begins before it.
    pub(in crate::pipeline) fn hold(&mut self) -> Lsn {
        self.fall_back();
        let until = self.transaction.map_or(self.received.0, |at| Lsn(at.0 + 1));
        self.gate.until = until;
        until
    }

    /// Lets in the transactions whose commit record begins before `until`.
    pub(in crate::pipeline) fn let_in(&mut self, until: Lsn) {
        self.gate.until = until;
        if self.gate.waiting.is_some_and(|at| at < until) {
            self.transaction = self.gate.waiting.take();
        }
    }

    /// Everything that the gate lets in is applied.
    pub(in crate::pipeline) fn has_reached_gate(&self) -> bool {
        let seen = self.gate.waiting.is_some() || self.received.0 >= self.gate.until;
        seen && self.is_quiet()
    }

    /// Lets nothing further in, so that it can leave.
    pub(in crate::pipeline) fn stop_before_next(&mut self) {
        if self.gate.until == Lsn::MAX {
            self.hold();
        }
    }

    /// Everything that was let in is applied, and nobody wants it drained.
    pub(in crate::pipeline) fn may_leave(&self) -> bool {
        !self.is_draining() && self.has_reached_gate()
    }

    /// From here on, everything can be taken in once more.
    pub(super) fn mark(&mut self) {
        self.batch_begins_at = (self.received, self.quiet_at);
        self.routes.mark();
        self.feed.mark();
    }

    /// A table that was just described does not fit its copy: its transaction has to wait. If some
    /// of that was taken in already, the whole batch is, once more, up to that transaction. `None`
    /// when that does not go, or the table fits.
    pub(super) fn misfit(&mut self, oid: u32) -> Option<Error> {
        if !self.stops_for_shapes || self.applier.is_open() || self.feed.is_ahead() {
            return None;
        }
        let why = self.routes.target(oid).err()?;
        let at = self.transaction?;
        if self.taken_in() == self.before {
            self.gate.waiting = Some(at);
        } else if self.feed.rewind() {
            self.routes.rewind();
            self.batch = Batch::default();
            (self.received, self.quiet_at) = self.batch_begins_at;
        } else {
            return None;
        }
        self.emptied.take_back();
        self.transaction = None;
        self.gate.until = at;
        Some(why.at(at))
    }

    /// Leaves the stream to the next flow, and the bookkeeping to its start; only where everything
    /// that the gate lets in is applied.
    pub(in crate::pipeline) async fn leave(mut self) -> Result<(Inlet, Writer)> {
        // what came before is applied; the next flow marks where its own batches begin
        self.feed.forget_mark();
        // the source hears nothing of us for a while
        self.feedback();
        let told = tokio::time::timeout(GOODBYE_MAX, self.feed.flush()).await;
        told.unwrap_or(Ok(()))?;
        let clocks = Clocks {
            silence: self.heard_at.elapsed(),
            feedback_at: Instant::now(),
            idle_checkpoint_at: self.idle_checkpoint_at,
        };
        let inlet = Inlet {
            feed: self.feed,
            format: self.format,
            whole: self.routes.partitions.last(),
            relations: self.routes.into_relations(),
            received: self.received,
            quiet_at: self.quiet_at,
            begun: self.gate.waiting,
            clocks,
        };
        Ok((inlet, self.applier.give_back().await?.into_writer()))
    }
}
