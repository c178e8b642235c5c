//! What the loop tells the board.

use std::collections::HashMap;

use super::applier::Done;
use crate::batch::{Batch, Counts};
use crate::catalog::TableName;
use crate::observe::{BatchReport, Board};

/// Seconds since a commit, by the source's clock against ours; never negative.
pub(super) fn seconds_since(committed_at: i64) -> f64 {
    let committed = jiff::Timestamp::from_microsecond(committed_at + EPOCH_OFFSET_MICROSECONDS);
    let since = committed.map(|committed| jiff::Timestamp::now().duration_since(committed));
    since.map_or(0.0, |since| since.as_secs_f64().max(0.0))
}

/// Microseconds from 1970-01-01, Unix's epoch, to 2000-01-01, PostgreSQL's.
const EPOCH_OFFSET_MICROSECONDS: i64 = 946_684_800_000_000;

/// What was applied in parts and is not committed.
#[derive(Default)]
pub(super) struct Uncommitted {
    transactions: u64,
    tables: HashMap<TableName, Counts>,
}

impl Uncommitted {
    /// Tells the board of a batch that was applied, and of its changes once that is `committed`.
    pub(super) fn report(&mut self, board: &Board, batch: &Batch, done: &Done, committed: bool) {
        for table in batch.tables() {
            let name = table.target.source.clone();
            self.tables.entry(name).or_default().add(&table.counts);
        }
        self.transactions += batch.transactions();
        let mut steps = done.steps.named().to_vec();
        steps.push(("total", done.took));
        let now = if committed {
            std::mem::take(self)
        } else {
            Uncommitted::default()
        };
        let sum = |of: fn(&Counts) -> u64| now.tables.values().map(of).sum();
        let (inserts, updates) = (sum(|counts| counts.inserts), sum(|counts| counts.updates));
        let (deletes, truncates) = (sum(|counts| counts.deletes), sum(|counts| counts.truncates));
        let tables: Vec<_> = now
            .tables
            .iter()
            .map(|(name, of)| (name.clone(), of.inserts, of.updates, of.deletes))
            .collect();
        board.batch_applied(&BatchReport {
            transactions: now.transactions,
            inserts,
            updates,
            deletes,
            truncates,
            changes: inserts + updates + deletes + truncates,
            steps: &steps,
            tables: &tables,
        });
    }
}
