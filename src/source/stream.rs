//! The replication stream and the feedback on it.

use std::time::SystemTime;

use bytes::BufMut;

use super::connection::answer_error;
use super::login::{lost, unexpected};
use super::wire::{Gulp, Wire};
use crate::checkpoint::DurableLsn;
use crate::decode::Replication;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::STREAM_READ_BYTES;
use crate::lsn::{AppliedLsn, ReceivedLsn};
use crate::transport::Transport;

/// An open `START_REPLICATION`.
pub struct Stream {
    wire: Wire<Transport>,
    /// The server sends transactions before they commit.
    in_progress: bool,
}

const DOING: &str = "read the replication stream";

/// The remedy for a publication that was dropped while a slot was read through it.
pub const PUBLICATION_GONE: &str = "Tables may have been written while it was missing, and those \
     changes cannot be had again. Run `walferry teardown --drop-data`, have the publication made \
     again (`walferry setup-sql` prints CREATE PUBLICATION), and start with a new initial load.";

/// `internal_error`, by which a server says that it found what it holds impossible.
const INTERNAL_ERROR: &str = "XX000";

/// The only object that a running stream looks up by name is its publication.
///
/// What a server cannot send before it is committed it can send afterwards: of subtransactions that
/// it forgot to be rolled back (see `pipeline/rollbacks.rs`) it may also look for files that never
/// came to be.
fn explain(error: Error, in_progress: bool) -> Error {
    match error.sqlstate() {
        Some("42704") => error
            .as_kind(Kind::PublicationMissing)
            .remedy(PUBLICATION_GONE),
        Some(INTERNAL_ERROR) if in_progress => error.as_kind(Kind::Spool).remedy(
            "Nothing has to be done, and nothing is lost: for a while the source keeps large \
             transactions on its own disk until they commit, which it can send. Its own log has \
             the message.",
        ),
        Some(INTERNAL_ERROR) => error.remedy(
            "The source cannot make sense of its own write-ahead log; the server's log has the \
             message. Newer minor versions mend some such faults. Should it stay, run `walferry \
             teardown --drop-data` and start with a new initial load.",
        ),
        _ => error,
    }
}

/// Seconds from 1970-01-01, Unix's epoch, to 2000-01-01, PostgreSQL's.
const EPOCH_OFFSET_SECONDS: u64 = 946_684_800;

impl Stream {
    pub(super) fn new(mut wire: Wire<Transport>, in_progress: bool) -> Self {
        wire.read_at_once(STREAM_READ_BYTES);
        Stream { wire, in_progress }
    }

    /// Reads what the server sent and writes feedback that is queued.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub async fn fill(&mut self) -> Result<Gulp> {
        self.wire
            .fill()
            .await
            .map_err(|error| lost(Side::Source, DOING, &error))
    }

    /// There is room to read more before anything is taken.
    pub fn has_room(&self) -> bool {
        self.wire.has_room()
    }

    /// Keeps what is taken from now on, as far as that is little.
    pub fn mark(&mut self) {
        self.wire.mark();
    }

    /// Nothing has to be kept any more.
    pub fn forget_mark(&mut self) {
        self.wire.forget_mark();
    }

    /// What was taken since the mark comes once more; false when it was too much to be kept.
    pub fn rewind(&mut self) -> bool {
        self.wire.rewind()
    }

    /// Writes feedback that is queued, without reading: for times of back-pressure.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub async fn flush(&mut self) -> Result<()> {
        self.wire
            .flush()
            .await
            .map_err(|error| lost(Side::Source, DOING, &error))
    }

    /// What [`Stream::tag`] says of a frame that holds no message of pgoutput.
    pub const NO_MESSAGE: u8 = 0;

    /// The tag of the message that [`Stream::take`] would hand out.
    pub fn tag(&mut self) -> Result<Option<u8>> {
        self.skip_notices()?;
        let body = self.wire.peek_body();
        let body = body.map_err(|error| lost(Side::Source, DOING, &error))?;
        Ok(body.map(|body| Replication::tag(body).unwrap_or(Self::NO_MESSAGE)))
    }

    fn skip_notices(&mut self) -> Result<()> {
        let failed = |error| lost(Side::Source, DOING, &error);
        while let Some(b'N' | b'S') = self.wire.peek().map_err(failed)? {
            self.wire.next_frame().map_err(failed)?;
        }
        Ok(())
    }

    /// The next piece that was read, or `None` when [`Stream::fill`] is due.
    pub fn take(&mut self) -> Result<Option<Replication<'_>>> {
        self.skip_notices()?;
        let failed = |error| lost(Side::Source, DOING, &error);
        let Some(frame) = self.wire.next_frame().map_err(failed)? else {
            return Ok(None);
        };
        match frame.tag {
            b'd' => Replication::parse(frame.body).map(Some).map_err(|error| {
                Error::new(Kind::Protocol, format!("Could not {DOING}: {error}")).on(Side::Source)
            }),
            b'c' => {
                let what = "The source ended the replication stream";
                Err(Error::new(Kind::ConnectionLost, what).on(Side::Source))
            }
            b'E' => {
                let error = answer_error(Side::Source, DOING, frame.whole);
                Err(explain(error, self.in_progress))
            }
            _ => Err(unexpected(Side::Source, DOING)),
        }
    }

    /// Queues a standby status update: how far we read, and how far the source may forget.
    ///
    /// Always asks for a reply, so that a silent wire is a dead wire.
    pub fn feedback(&mut self, received: ReceivedLsn, applied: AppliedLsn, durable: DurableLsn) {
        let received = received.0.max(applied.0);
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_micros())
            .saturating_sub(u128::from(EPOCH_OFFSET_SECONDS) * 1_000_000);
        let out = self.wire.outgoing();
        // CopyData of 34 bytes: 'r', written, flushed, applied, clock, reply wanted.
        out.put_u8(b'd');
        out.put_u32(4 + 34);
        out.put_u8(b'r');
        out.put_u64(received.0);
        out.put_u64(durable.lsn().0);
        out.put_u64(applied.0.0);
        out.put_u64(u64::try_from(now).unwrap_or(0));
        out.put_u8(1);
    }

    /// Ends the stream in good order, so that the slot is free at once for the next start.
    pub async fn finish(mut self) -> Result<()> {
        postgres_protocol::message::frontend::copy_done(self.wire.outgoing());
        self.flush().await?;
        loop {
            let frame = self
                .wire
                .frame()
                .await
                .map_err(|error| lost(Side::Source, DOING, &error))?;
            match frame.tag {
                b'E' => return Err(answer_error(Side::Source, DOING, frame.whole)),
                // Only now is the slot released: the end of the COPY comes before that.
                b'Z' => break,
                _ => {}
            }
        }
        postgres_protocol::message::frontend::terminate(self.wire.outgoing());
        self.flush().await
    }
}
