//! What goes to the applier, and when.
//!
//! An idle applier gets all that is complete. While it is busy the batch grows, and what is full
//! goes next. A large transaction goes in parts: an idle applier does not wait for its end.

use super::super::figures::Uncommitted;
use super::Flow;
use crate::batch::Batch;
use crate::error::Result;
use crate::limits::{BATCH_TABLES_MAX, PART_CHANGES_MIN};

impl Flow<'_> {
    /// The batch takes no more.
    pub(super) fn is_full(&self) -> bool {
        let alone = self.transaction.is_none()
            && self.batch.last_commit().is_some()
            && (self.one_by_one_until).is_some_and(|until| self.applied.0 < until);
        alone
            || self.batch.bytes() >= self.batch_bytes_max
            || self.batch.changes() >= self.batch_changes_max
            || self.batch.tables().len() >= BATCH_TABLES_MAX
    }

    /// An idle applier need not wait for more of the transaction. Small ones end soon, and those
    /// before them are to be committed then.
    pub(super) fn is_worth_a_part(&self) -> bool {
        self.batch.changes().saturating_sub(self.before.0) >= PART_CHANGES_MIN
    }

    /// Gives the applier what there is, if it is idle.
    pub(in crate::pipeline) fn hand_over(&mut self) -> Result<()> {
        if !self.applier.is_idle() {
            return Ok(());
        }
        if self.applier.gives_up() {
            self.uncommitted = Uncommitted::default();
            self.under_way_since = None;
            return self.applier.roll_back();
        }
        if self.transaction.is_some() {
            self.overdue = true;
            if self.is_full() || self.is_worth_a_part() {
                // no part of it can be taken in once more
                self.routes.mark();
                let batch = self.take_batch();
                self.applier.part(batch, self.feed.is_ahead())?;
            }
            return Ok(());
        }
        self.overdue = false;
        match self.batch.last_commit() {
            Some(point) if !self.batch.is_empty() || self.applier.is_open() => {
                let batch = self.take_batch();
                self.applier.last(batch, point)
            }
            _ => Ok(()),
        }
    }

    fn take_batch(&mut self) -> Batch {
        self.before = (0, 0);
        let batch = self.batch.hand_over();
        self.under_way_since = self.under_way_since.or(batch.oldest_commit_at());
        batch
    }
}
