//! 1. The source: a connection of our own, the slot, the publication, the stream.
//!
//! ```text
//! Transport ─▶ Wire (frames, parsed in place) ─▶ Connection (login, simple queries, COPY out)
//!                                                     └─▶ Stream (START_REPLICATION, feedback)
//! ```
//!
//! **Why our own.** Nothing published takes a stream that is already connected and encrypted, and
//! a replication connection needs three positions in its feedback, frames up to 1 GiB, and one
//! large buffer that is decoded in place. Framing details and SCRAM come from postgres-protocol.
//!
//! **Why this is right.** [`Stream::feedback`] takes a [`crate::checkpoint::DurableLsn`] as the
//! position to acknowledge, so "acknowledge before durable" does not compile. Writes go through a
//! buffer that survives a cancelled future, so a half-written message is always finished.

mod connection;
mod login;
pub mod slot;
mod stream;
pub mod timeline;
mod wire;

pub(crate) use connection::answer_error;
pub use connection::{Connection, Mode};
pub(crate) use login::{lost, unexpected};
pub use stream::{PUBLICATION_GONE, Stream};
pub use wire::Gulp;
pub(crate) use wire::Wire;
