//! Transactions → one plan of work. Pure: no I/O and not async.
//!
//! A [`Batch`] holds whole source transactions, folded per table to one net effect per key: last
//! write wins, columns that an UPDATE did not touch are carried forward, a key change is a delete
//! of the old key and a put under the new one, TRUNCATE forgets what came before it. Rows are kept
//! as the bytes that came over the wire, in one arena a table.
//!
//! **Why this is right.** Applying a batch means, per table: truncate → read what a moved row
//! carries along → deletes → updates → inserts. Let *start* be the destination's state when the
//! batch begins. Each entry says whether a row with its key was there at the start (`existed`) and
//! what must be there at the end (`put`); the transitions in `fold.rs` keep both true for each
//! operation, so the end state is the source's state at the last commit. Keys are told apart by
//! their bytes. The source reports a key change whenever the bytes change, so a row is followed
//! correctly even where equal is not identical (numeric `1.0` and `1.00`, citext): it becomes a
//! delete of the old bytes and an insert of the new ones, and deletes always run first.
//!
//! Where the destination keeps more apart than keys (a second unique index, an exclusion
//! constraint), rows that traded such values cannot be changed one after the other, and only the
//! destination knows what they were before. Of such a table at most one row is changed in place:
//! with a second one, both become a delete and an insert. Then whatever runs, runs on a subset of
//! the rows that are right at the end, and those do not collide.
//!
//! **What can go wrong.** A second insert of a key that is there, an update of a key that was
//! deleted, a row with another number of columns than its relation: no source sends that, so it
//! is a [`FoldError`] and halts the pipeline rather than being guessed at.
//!
//! When the batch is full in the middle of a transaction, or the applier is idle and much of it has
//! come, the batch is handed over as a *part*: it is applied in the same destination transaction as
//! the parts that follow, and only the last one commits. Folding starts afresh for each part, whose
//! *start* is what the parts before it left.

mod arena;
mod fold;
mod spare;
mod target;
mod whole_row;

use std::sync::Arc;

use hashbrown::HashMap;

pub use arena::{Arena, Span};
pub use fold::{Entry, Keyed, Put};
use spare::Spare;
pub use target::{RowIdentity, Target, TargetColumn};
pub use whole_row::Multiset;

use crate::decode::Tuple;
use crate::lsn::Lsn;

/// A change that contradicts the changes before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// The tuple has another number of columns than its relation.
    #[error("A row has {found} columns, but its relation has {expected}")]
    Width {
        /// In the tuple.
        found: usize,
        /// In the relation.
        expected: usize,
    },
    /// The key is there already.
    #[error("A row is inserted under a key that is taken")]
    KeyTaken,
    /// The key was deleted earlier in the batch.
    #[error("A row is changed that was deleted before")]
    RowGone,
    /// An update or delete of a table whose rows cannot be identified.
    #[error("A row is changed in a table without a replica identity")]
    NoIdentity,
    /// An inserted row, or a key, lacks a value.
    #[error("A new row or a key came without one of its values")]
    Incomplete,
}

/// What became of one table.
#[derive(Debug)]
pub struct TableBatch {
    /// The table.
    pub target: Arc<Target>,
    /// Emptied before everything else; `restart_identity` when `Some(true)`.
    pub truncated: Option<bool>,
    /// The net changes.
    pub rows: Rows,
    /// Operations on the source, before folding.
    pub counts: Counts,
}

/// Net changes, kept the way the table's rows are identified.
#[derive(Debug)]
pub enum Rows {
    /// One entry per key.
    Keyed(Keyed),
    /// Copies of whole rows to add and to remove.
    Whole(Multiset),
    /// Rows to add; nothing else can happen.
    Append(Appended),
}

/// Rows of a table that only ever grows.
#[derive(Debug, Default)]
pub struct Appended {
    /// The bytes.
    pub arena: Arena,
    /// One a row.
    pub rows: Vec<Span>,
}

/// Operations on the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Inserted rows.
    pub inserts: u64,
    /// Updated rows.
    pub updates: u64,
    /// Deleted rows.
    pub deletes: u64,
    /// TRUNCATEs.
    pub truncates: u64,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: &Counts) {
        self.inserts += other.inserts;
        self.updates += other.updates;
        self.deletes += other.deletes;
        self.truncates += other.truncates;
    }
}

/// A commit of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitPoint {
    /// End of the commit record.
    pub end_lsn: Lsn,
    /// Microseconds since 2000-01-01 UTC, by the source's clock.
    pub committed_at: i64,
}

/// Folded transactions, ready to be applied at any commit.
#[derive(Debug, Default)]
pub struct Batch {
    tables: Vec<TableBatch>,
    by_oid: HashMap<u32, usize, foldhash::fast::FixedState>,
    last: Option<usize>,
    bytes: usize,
    changes: u64,
    transactions: u64,
    commit: Option<CommitPoint>,
    oldest_commit_at: Option<i64>,
    partitions: Vec<(u32, u32)>,
    spare: Spare,
}

impl Batch {
    /// What it holds. It begins anew, and keeps the memory that waits for other tables.
    #[must_use]
    pub fn hand_over(&mut self) -> Batch {
        let anew = Batch {
            spare: std::mem::take(&mut self.spare),
            ..Batch::default()
        };
        std::mem::replace(self, anew)
    }

    /// Uses the memory of a batch that was applied for tables that are yet to come: at most so many
    /// bytes of it.
    pub fn reuse(&mut self, applied: Batch, bytes_max: usize) {
        // the end of a transaction in parts may hold nothing
        if !applied.tables.is_empty() {
            self.spare = Spare::of(applied.tables, bytes_max);
        }
    }

    /// Gives up the memory that waits for tables.
    pub fn release(&mut self) {
        self.spare = Spare::default();
    }

    /// A new row.
    pub fn insert(&mut self, target: &Arc<Target>, new: Tuple<'_>) -> Result<(), FoldError> {
        let table = self.table(target);
        target.check_width(new)?;
        table.counts.inserts += 1;
        let before = table.bytes();
        match &mut table.rows {
            Rows::Keyed(keyed) => keyed.insert(target, new)?,
            Rows::Whole(multiset) => multiset.add(new, None)?,
            Rows::Append(appended) => {
                if new.has_unchanged() {
                    return Err(FoldError::Incomplete);
                }
                let span = appended.arena.push(new.encoded());
                appended.rows.push(span);
            }
        }
        let grown = table.bytes() - before;
        self.count(grown);
        Ok(())
    }

    /// A changed row; `old` as the wire gave it.
    pub fn update(
        &mut self,
        target: &Arc<Target>,
        old: Option<Tuple<'_>>,
        new: Tuple<'_>,
    ) -> Result<(), FoldError> {
        let table = self.table(target);
        target.check_width(new)?;
        if let Some(old) = old {
            target.check_width(old)?;
        }
        table.counts.updates += 1;
        let before = table.bytes();
        match &mut table.rows {
            Rows::Keyed(keyed) => keyed.update(target, old, new)?,
            Rows::Whole(multiset) => {
                let old = old.ok_or(FoldError::NoIdentity)?;
                multiset.remove(old)?;
                multiset.add(new, Some(old))?;
            }
            Rows::Append(_) => return Err(FoldError::NoIdentity),
        }
        let grown = table.bytes() - before;
        self.count(grown);
        Ok(())
    }

    /// A row that is gone; `old` is its key or the whole row.
    pub fn delete(&mut self, target: &Arc<Target>, old: Tuple<'_>) -> Result<(), FoldError> {
        let table = self.table(target);
        target.check_width(old)?;
        table.counts.deletes += 1;
        let before = table.bytes();
        match &mut table.rows {
            Rows::Keyed(keyed) => keyed.delete(target, old)?,
            Rows::Whole(multiset) => multiset.remove(old)?,
            Rows::Append(_) => return Err(FoldError::NoIdentity),
        }
        let grown = table.bytes() - before;
        self.count(grown);
        Ok(())
    }

    /// The table was emptied; what the batch knew of it is forgotten.
    pub fn truncate(&mut self, target: &Arc<Target>, restart_identity: bool) {
        let table = self.table(target);
        table.counts.truncates += 1;
        table.truncated = Some(restart_identity || table.truncated.unwrap_or(false));
        // Also under the shapes it had before in this batch.
        let same = self
            .tables
            .iter_mut()
            .filter(|t| t.target.oid == target.oid);
        for table in same {
            self.bytes -= table.bytes();
            table.rows = Rows::new(&table.target.identity, Start::Empty);
        }
        self.count(0);
    }

    /// The source's transaction is complete.
    pub fn commit(&mut self, point: CommitPoint) {
        self.transactions += 1;
        self.commit = Some(point);
        self.oldest_commit_at.get_or_insert(point.committed_at);
    }

    /// The tables that changed, in the order of their first change; one whose shape changed comes
    /// again. All truncations come before all rows.
    pub fn tables(&self) -> &[TableBatch] {
        &self.tables
    }

    /// A partition that nobody has seen yet sends rows as a part of a table; both by oid.
    pub fn note_partition(&mut self, whole: u32, partition: u32) {
        self.partitions.push((whole, partition));
    }

    /// What was noted: each table with the partition.
    pub fn partitions(&self) -> &[(u32, u32)] {
        &self.partitions
    }

    /// Nothing changed; there may still be a commit to record.
    pub fn is_empty(&self) -> bool {
        self.changes == 0 && self.partitions.is_empty()
    }

    /// Bytes of keys and rows that are held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Operations on the source that went in, before folding.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Source transactions that ended in it.
    pub fn transactions(&self) -> u64 {
        self.transactions
    }

    /// The last commit.
    pub fn last_commit(&self) -> Option<CommitPoint> {
        self.commit
    }

    /// When the first of its transactions was committed, by the source's clock.
    pub fn oldest_commit_at(&self) -> Option<i64> {
        self.oldest_commit_at
    }

    fn count(&mut self, grown: usize) {
        self.changes += 1;
        self.bytes += grown;
    }

    fn table(&mut self, target: &Arc<Target>) -> &mut TableBatch {
        let at = match self.last {
            Some(at) if Arc::ptr_eq(&self.tables[at].target, target) => at,
            _ => self.find(target),
        };
        self.last = Some(at);
        &mut self.tables[at]
    }

    /// A table whose shape or identity changed goes on in a place of its own: keys of another
    /// kind cannot be told apart from those before, but tables are applied one after the other.
    fn find(&mut self, target: &Arc<Target>) -> usize {
        if let Some(&at) = self.by_oid.get(&target.oid)
            && (Arc::ptr_eq(&self.tables[at].target, target) || *self.tables[at].target == **target)
        {
            return at;
        }
        let at = self.tables.len();
        self.tables.push(TableBatch {
            target: Arc::clone(target),
            truncated: None,
            rows: self.spare.take(target),
            counts: Counts::default(),
        });
        self.by_oid.insert(target.oid, at);
        at
    }
}

/// What is known of a table when folding starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Any key may be there.
    Unknown,
    /// Nothing is there: it was truncated.
    Empty,
}

impl Rows {
    fn new(identity: &RowIdentity, start: Start) -> Self {
        match identity {
            RowIdentity::Key(_) => Rows::Keyed(Keyed::new(start)),
            RowIdentity::WholeRow => Rows::Whole(Multiset::new(start)),
            RowIdentity::None => Rows::Append(Appended::default()),
        }
    }

    /// Bytes of memory that they have, used or not.
    fn capacity(&self) -> usize {
        match self {
            Rows::Keyed(keyed) => keyed.capacity(),
            Rows::Whole(multiset) => multiset.capacity(),
            Rows::Append(appended) => {
                appended.arena.capacity() + appended.rows.capacity() * SPAN_BYTES
            }
        }
    }

    /// Without any, for rows of the same kind, in the memory that they had.
    fn emptied(self) -> Self {
        match self {
            Rows::Keyed(keyed) => Rows::Keyed(keyed.emptied()),
            Rows::Whole(multiset) => Rows::Whole(multiset.emptied()),
            Rows::Append(appended) => Rows::Append(Appended {
                arena: appended.arena.emptied(),
                rows: spare::emptied(appended.rows),
            }),
        }
    }
}

impl TableBatch {
    fn bytes(&self) -> usize {
        match &self.rows {
            Rows::Keyed(keyed) => keyed.bytes(),
            Rows::Whole(multiset) => multiset.bytes(),
            Rows::Append(appended) => appended.arena.len() + appended.rows.len() * SPAN_BYTES,
        }
    }
}

const SPAN_BYTES: usize = size_of::<Span>();

#[cfg(test)]
mod tests;
