//! Bytes → messages. Pure: no I/O, no async, no allocation for a row, no value ever parsed.
//!
//! ```text
//! frame 'w' ─▶ Message::parse ─▶ Begin · Relation · Insert/Update/Delete(Tuple<'_>) · Commit …
//! frame 'k' ─▶ Keepalive
//! ```
//!
//! Of transactions in progress (protocol 2) only the heads are read here as they come:
//! [`InProgress`] tells blocks, commits and aborts apart, [`Streamed`] whose a change is.
//!
//! **Why this is right.** Between two PostgreSQL servers a value's bytes are its truth: a
//! [`Tuple`] borrows the frame and hands out [`Cell`]s that are slices of it, text or binary, and
//! nobody looks inside them. The format is that of the manual's chapter "Logical Replication
//! Message Formats"; every length is checked against the frame before it is used, so a broken or
//! hostile server gets an error, never a panic or an oversized allocation.
//!
//! **What can go wrong.** A message kind we did not ask for, a cut frame, a tuple with another
//! number of columns than its relation: [`DecodeError`], which halts the pipeline. Nothing is
//! ever skipped.

mod cursor;
mod in_progress;
mod message;
mod tuple;

pub use in_progress::{InProgress, Streamed};
pub use message::{Column, Message, Relation, ReplicaIdentity, Replication};
pub use tuple::{Cell, Cells, Tuple};

/// Bytes that no PostgreSQL sends. Carries no content of the frame, only its shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame ends before the field does.
    #[error("The message ends in the middle of {0}")]
    Truncated(&'static str),
    /// Bytes are left over.
    #[error("The message is {0} bytes longer than its content")]
    TrailingBytes(usize),
    /// A tag outside the protocol, or one we did not ask for.
    #[error("Unknown {what} {tag:#04x}")]
    UnknownTag {
        /// What was being read.
        what: &'static str,
        /// The byte that was found.
        tag: u8,
    },
    /// A negative count or length.
    #[error("Negative length in {0}")]
    NegativeLength(&'static str),
    /// More columns than a table can have.
    #[error("A relation of {0} columns, which no table can have")]
    TooManyColumns(usize),
    /// A name that is not UTF-8, although the session's encoding is.
    #[error("A name in {0} is not UTF-8")]
    NotUtf8(&'static str),
}

#[cfg(test)]
mod tests;
