//! 5. Where a position becomes durable.
//!
//! One row per pipeline in the destination says how far the tables have come. It is written in the
//! same transaction as the data, so both are there or neither is, and after any fault the row *is*
//! the truth: a start reads it and streams from there.
//!
//! **Why this is right.**
//! * *Nothing lost.* The source is told to forget only what a [`DurableLsn`] says, and only this
//!   module makes one. Batches may commit without waiting for their flush (`synchronous_commit =
//!   off`), so that readers see them early: such a position is durable once the destination says
//!   that its log is flushed to where it ended right after the commit. The writer's session waits
//!   for the flush of its own: those that move the position of an idle pipeline, and the one that
//!   raised the fence, which came after the position that is read back at a start. Commits are
//!   compared by the end LSN of their record, and the stream resumes at that LSN, not after it.
//! * *Nothing twice.* The stream resumes exactly after the last commit that is in the tables, and a
//!   batch that ends before it is refused. If
//!   the connection is lost at COMMIT, nobody guesses: the next start reads the row.
//! * *One writer.* A session-level advisory lock keeps a second daemon out. Should that lock be
//!   lost without us noticing (a failed-over destination), each take-over raises `fence`, and every
//!   checkpoint is a compare-and-set on the fence and on the position it starts from: the older
//!   daemon's transaction updates no row and is rolled back as a whole.
//!
//! **What can go wrong.** A destination that crashes may lose commits that it had not flushed:
//! their rows and their checkpoint together, and the source still has them all. With
//! `synchronous_standby_names`, as the round finds it, batches wait for their flush, and so for the
//! standby. A destination
//! that fails over to a standby that lacks our last commits comes back with an older row than the
//! slot was acknowledged for. The start notices (the slot's `confirmed_flush_lsn` is ahead of the
//! row) and refuses ([`crate::Kind::SlotAhead`]), since the changes in between cannot be had again.

mod migrate;
mod partitions;
mod pipeline;
mod protection;
mod quarantine;
mod record;
mod shape;
mod table;
mod types;

pub use migrate::migrate;
pub use pipeline::{Checkpoint, NewPipeline, Pipeline, Writer, take_writer_lock};
pub use protection::recorded_protection;
pub use quarantine::Quarantined;
pub use record::Record;
pub use shape::Shapes;
pub use table::{Books, LoadedTable, Loader};
pub use types::{RecordedType, recorded_types};

use crate::lsn::Lsn;

/// The name of the bookkeeping row of the tables that are loaded beside this pipeline's stream.
/// Names in a configuration hold no slash, so it is nobody else's.
pub fn tablesync_name(pipeline: &str) -> String {
    format!("{pipeline}/tablesync")
}

/// A position that the destination has committed **and** flushed; made in this module alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DurableLsn(Lsn);

impl DurableLsn {
    /// The position.
    pub fn lsn(self) -> Lsn {
        self.0
    }
}
