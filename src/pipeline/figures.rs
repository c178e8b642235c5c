//! What the loop tells the board.

use super::applier::Done;
use crate::batch::{Batch, Counts};
use crate::observe::{BatchReport, Board};

/// Seconds since a commit, by the source's clock against ours; never negative.
pub(super) fn seconds_since(committed_at: i64) -> f64 {
    let committed = jiff::Timestamp::from_microsecond(committed_at + EPOCH_OFFSET_MICROSECONDS);
    let since = committed.map(|committed| jiff::Timestamp::now().duration_since(committed));
    since.map_or(0.0, |since| since.as_secs_f64().max(0.0))
}

/// Microseconds from 1970-01-01, Unix's epoch, to 2000-01-01, PostgreSQL's.
const EPOCH_OFFSET_MICROSECONDS: i64 = 946_684_800_000_000;

/// Tells the board of a batch that was applied.
pub(super) fn report(board: &Board, batch: &Batch, done: &Done) {
    let mut steps = done.steps.named().to_vec();
    steps.push(("total", done.took));
    let tables: Vec<_> = batch
        .tables()
        .iter()
        .map(|table| {
            let counts = table.counts;
            (
                table.target.source.clone(),
                counts.inserts,
                counts.updates,
                counts.deletes,
            )
        })
        .collect();
    let sum = |of: fn(&Counts) -> u64| batch.tables().iter().map(|table| of(&table.counts)).sum();
    board.batch_applied(&BatchReport {
        transactions: batch.transactions(),
        inserts: sum(|counts| counts.inserts),
        updates: sum(|counts| counts.updates),
        deletes: sum(|counts| counts.deletes),
        truncates: sum(|counts| counts.truncates),
        changes: batch.changes(),
        steps: &steps,
        tables: &tables,
    });
}
