//! The initial load: from an exported snapshot, several pieces at a time.
//!
//! ```text
//! queue of jobs, largest first ─▶ worker ─ COPY TO STDOUT ─▶ chunks ─▶ COPY FROM STDIN
//!   pack of small tables: made, filled, keyed and recorded in one transaction
//!   range of a large one: into a hidden table ─▶ finisher: keys, indexes, move into place
//! ```
//!
//! A table is large by its size alone, also where it is read in one piece (one segment of a source
//! before 14): its keys then are built while others are read, and without the snapshot.
//!
//! **Why this is right.** All workers import one snapshot, whose LSN is exact because a slot's
//! creation exported it. Bytes go from one server to the other untouched. The small tables of a
//! pack are made, filled, given their keys and recorded with that LSN in *one* destination
//! transaction, and before it commits their columns are seen to be those that were planned. A large
//! table is filled range by range (`ctid`, the last range open-ended) in a table of the state
//! schema that readers do not look at; keys, indexes, the move to its place and the record are one
//! transaction again. So readers see all of a table or nothing, a crash leaves nothing that counts,
//! and a recorded table is never copied again. The stream then skips, for that table alone, the
//! transactions whose commit record lies before its LSN. A table that is added or loaded again
//! later gets a snapshot of its own from a temporary slot, with a later LSN, by the same code, into
//! a table that readers do not see; `pipeline/tablesync.rs` brings it up to the others' position,
//! and an [`Adoption`] puts it in its place.
//!
//! **Fast, and still right.** Ranges of a table are of one size and as many for each worker, so
//! that none is left with a large one at the end. Key columns are NOT NULL when the table is made:
//! the source has no NULL in a primary key either, and `ADD PRIMARY KEY` then need not read the
//! table once more to see it; a key that goes later takes that along (`pipeline/reshape/keys.rs`).
//! Each range commits with `synchronous_commit = on`, although only the last commit of a table is
//! recorded: a range that was counted here and lost by a destination that crashed would have to be
//! read again, since the workers go on with the other ranges once it is up again. What it has after
//! all is looked up before the table counts (`ledger.rs`).
//!
//! **Locks on the source.** What a job reads stays locked until all of it is read; then the worker
//! ends its transaction, and joins the snapshot again for the next job: it sees the same rows,
//! since the session that exported it keeps it alive. So nobody waits for longer than one job. Two
//! things follow. VACUUM FULL, TRUNCATE and the like may come between two ranges of a table, and
//! move rows from what is still to be read to what was: each range says which file it was in, and
//! a table of which one was in another is left for a later load, whose snapshot sees what was
//! written. And a job that holds locks already does not wait for another: whoever holds it may wait
//! for one of ours, and the server would end that transaction for the deadlock. The job fails, and
//! its tables are read one by one.
//!
//! **What can go wrong.** A worker that loses a connection before its COMMIT has copied nothing:
//! its job goes back to the queue while the snapshot lives, and a destination that is away is
//! waited for, by the initial load alone: one beside the stream ends when the stream does. A
//! connection that is lost *at* the COMMIT of a range leaves open whether that is there: it is read
//! again, and counts once (`ledger.rs`). One that is lost at the COMMIT of a pack or of a whole
//! table ends the load, and the next start looks at what was recorded. When the exporting session
//! dies, the tables that are missing are loaded from a new snapshot; those whose rows are all there
//! get their keys first. A table that is already in the destination without being recorded is used
//! when it is empty and has the columns, else it is refused.
//!
//! **One table's fault is not the others'.** A table of the source that stays locked, or was
//! altered or dropped before its turn, is left for a later load, too. Nothing of it counts: no row
//! of a job that failed was committed, and of a large table, whose other ranges may have been, no
//! further one is read, so that its last piece never comes and nobody moves or records it. What is
//! not recorded is missing at the end of the load ([`Loaded::left`] says why), as if it had come
//! after the slot: the start has it loaded beside the stream, from a later snapshot and with the
//! columns that it has by then, and its rows in the stream are skipped until it is there.

mod adopt;
mod analyze;
mod copy;
mod finish;
mod hidden;
mod indexes;
mod job;
mod ledger;
mod load;
mod prepare;
mod queue;
mod retry;
mod session;
mod worker;

pub use adopt::{Adopted, Adoption};
pub use analyze::analyze;
pub use hidden::{drop_hidden_tables, hidden_prefix, try_to_tidy};
pub use load::{Load, Loaded, load};
pub use prepare::{KEY_REMEDY, Plan, PlannedColumn};
