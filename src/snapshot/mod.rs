//! The initial load: from an exported snapshot, several tables at a time.
//!
//! ```text
//! queue of tables, largest first ─▶ worker ─ COPY TO STDOUT ─▶ chunks ─▶ COPY FROM STDIN
//!                                  (one transaction on each side a table)
//! ```
//!
//! **Why this is right.** All workers import one snapshot, whose LSN is exact because a slot's
//! creation exported it. A table is made, filled, given its keys and recorded with that LSN in
//! *one* destination transaction: readers see all of it or nothing, a crash leaves nothing of an
//! unfinished table, and a recorded table is never copied again. The stream then skips, for that
//! table alone, the transactions that end at or before its LSN. A table that is added later gets a
//! snapshot of its own from a temporary slot, with a later LSN, by the same code.
//!
//! **What can go wrong.** A lost connection, on either side, ends the load; the next start loads
//! the tables that are missing from a new snapshot. A table that is already in the destination
//! without being recorded is used when it is empty and has the columns, else it is refused.

mod copy;
mod prepare;
mod queue;

pub use prepare::{Plan, PlannedColumn};
pub use queue::load;
