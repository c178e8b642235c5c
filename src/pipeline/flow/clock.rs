//! What the clock brings, once a second: feedback, a checkpoint of a quiet pipeline, the lag; and
//! what has waited for too long.

use tokio::time::Instant;

use super::super::figures::seconds_since;
use super::Flow;
use crate::batch::Batch;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{DRAIN_MAX, FEEDBACK_INTERVAL, IDLE_CHECKPOINT_INTERVAL};
use crate::lsn::Lsn;

impl Flow<'_> {
    pub(in crate::pipeline) fn tick(&mut self, server_end: Lsn) -> Result<()> {
        self.board.loop_turned();
        // a part that takes long is the destination's business
        if self.applier.is_idle() && self.feed.stands_still(Instant::now()) {
            self.fall_back();
        }
        if self
            .drain_until
            .is_some_and(|until| Instant::now() >= until)
        {
            let what = "The last transaction was not complete in time";
            tracing::warn!(
                seconds = DRAIN_MAX.as_secs(),
                "{what}: it will be sent again"
            );
            self.batch = Batch::default();
            self.transaction = None;
            // Commits that were in the batch are not applied either: nothing past the checkpoint
            // may be taken for done.
            self.quiet_at = self.applied.0;
        }
        // What we do not read we cannot hear: waiting for the applier is not the wire's fault.
        if !self.may_read() || !self.feed.reads_wire() {
            self.heard();
        }
        if self.heard_at.elapsed() > self.silence_max {
            let what = format!(
                "The source has been silent for {} s",
                self.heard_at.elapsed().as_secs()
            );
            return Err(Error::new(Kind::ConnectionLost, what).on(Side::Source));
        }
        if self.feedback_at.elapsed() >= FEEDBACK_INTERVAL {
            self.feedback();
            self.feedback_at = Instant::now();
        }
        self.checkpoint_quiet()?;
        self.board.spooled(self.feed.spooled());
        self.report_lag(server_end);
        Ok(())
    }

    /// Nothing is pending: only the positions move, now and then.
    fn checkpoint_quiet(&mut self) -> Result<()> {
        if !self.is_quiet() {
            let waits = self.feed.is_ahead() && self.applier.is_idle();
            if waits && self.durable.lsn() < self.applied.0 {
                return self.applier.look_at_flush();
            }
            return Ok(());
        }
        let due = self.idle_checkpoint_at.elapsed() >= IDLE_CHECKPOINT_INTERVAL;
        if due {
            self.batch.release();
        }
        if self.quiet_at <= self.applied.0 || !due {
            // The destination flushes what was committed within a second, by itself.
            if self.durable.lsn() < self.applied.0 {
                return self.applier.look_at_flush();
            }
            return Ok(());
        }
        self.idle_checkpoint_at = Instant::now();
        self.applier.idle(self.quiet_at)
    }

    fn report_lag(&self, server_end: Lsn) {
        let durable = self.durable.lsn();
        // A quiet pipeline has applied everything that was sent, whatever the checkpoint says.
        let applied = if self.is_quiet() {
            self.applied.0.max(self.quiet_at)
        } else if self.feed.is_ahead() && self.under_way_since.is_none() {
            // what goes ahead is not committed: nothing is behind
            self.received.0
        } else {
            self.applied.0
        };
        self.board
            .positions(self.received.0, applied, durable, server_end);
        let pending = if self.is_quiet() {
            None
        } else {
            self.batch.oldest_commit_at()
        };
        let oldest = self.under_way_since.or(pending);
        self.board.lag_seconds(oldest.map_or(0.0, seconds_since));
    }
}
