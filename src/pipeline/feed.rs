//! What the source sends, in the order of the commits.
//!
//! A transaction that comes before it commits goes to the spool, block by block. Its commit has it
//! replayed: from there on it looks like any other transaction, with a beginning, its changes and
//! its end, and until that end nothing more is read from the wire. If it had subtransactions, the
//! source is asked about them first: see `rollbacks.rs`. One that is alone does not wait for its
//! commit: see `ahead.rs`.

use std::sync::Arc;

use tokio::time::Instant;

use super::ahead::Ahead;
use super::intake::unreadable;
use super::pace::Pace;
use super::rollbacks::Question;
use crate::batch::CommitPoint;
use crate::checkpoint::DurableLsn;
use crate::config::Config;
use crate::decode::{InProgress, Message, Replication, Streamed};
use crate::error::{Error, Kind, Result, Side};
use crate::limits::GOODBYE_MAX;
use crate::lsn::{AppliedLsn, Lsn, ReceivedLsn};
use crate::source::Stream;
use crate::spool::{Spool, Step};
use crate::transport::Endpoint;

/// What comes next.
pub(super) enum Piece<'a> {
    /// Everything before it was sent.
    Keepalive(Lsn),
    /// Of a transaction that is committed, or goes ahead.
    Message(Message<'a>),
    /// The transaction of this xid, whose changes come next, goes ahead.
    Ahead(u32),
    /// It cannot any more: [`Feed::fall_back`].
    FallBack,
}

/// What there is more of.
pub(super) enum Filled {
    /// The source has sent something.
    Wire,
    /// The spool has written or read a piece, or a transaction can be replayed.
    Spool,
}

pub(super) struct Feed {
    stream: Stream,
    spool: Spool,
    /// The transaction whose block is being received.
    block: Option<u32>,
    /// The commit of the transaction that is replayed.
    replayed: Option<CommitPoint>,
    /// Until it is answered nothing is replayed.
    question: Option<Question>,
    /// The transaction that goes ahead.
    ahead: Option<Ahead>,
    /// Another one that has begun meanwhile, and has changed nothing yet.
    passing: Option<Message<'static>>,
    source: Arc<Endpoint>,
    pace: Pace,
}

impl Feed {
    pub(super) fn new(stream: Stream, config: &Config) -> Self {
        Feed {
            stream,
            spool: Spool::new(&config.apply),
            block: None,
            replayed: None,
            question: None,
            ahead: None,
            passing: None,
            source: Arc::new(config.source.endpoint.clone()),
            pace: Pace::new(Instant::now()),
        }
    }

    /// The next piece that is there, or `None` when [`Feed::fill`] is due. A transaction in
    /// progress that begins now may go ahead where the flow is `willing`.
    pub(super) fn take(&mut self, willing: bool) -> Result<Option<Piece<'_>>> {
        if self.question.is_some() {
            return Ok(None);
        }
        if self.replayed.is_some() {
            return self.replay();
        }
        if self.ahead.is_none()
            && let Some(begin) = self.passing.take()
        {
            return Ok(Some(Piece::Message(begin)));
        }
        loop {
            if self.spool.is_full() {
                return Ok(None);
            }
            match self.stream.tag()? {
                Some(tag) if self.may_pass(tag) => {
                    if let Some(piece) = self.pass()? {
                        return Ok(Some(piece));
                    }
                    continue;
                }
                Some(tag) if self.passing.is_some() && tag != Stream::NO_MESSAGE => {
                    return Ok(Some(Piece::FallBack));
                }
                None => return Ok(None),
                Some(b'S' | b'E' | b'c' | b'A') => {}
                Some(_) if self.ahead.is_some() => break,
                Some(tag) if self.block.is_some() && tag != Stream::NO_MESSAGE => {}
                Some(_) => break,
            }
            if let Some(piece) = self.put_away(willing)? {
                return Ok(Some(piece));
            }
        }
        let Some(piece) = self.stream.take()? else {
            return Ok(None);
        };
        match piece {
            Replication::Keepalive { server_end, .. } => Ok(Some(Piece::Keepalive(server_end))),
            Replication::XLogData { message, .. } => {
                if let Some(xid) = self.block {
                    let change = Streamed::parse(message).map_err(|error| unreadable(&error))?;
                    let Some(change) = change else {
                        return Ok(Some(Piece::Message(Message::Origin)));
                    };
                    self.spool.push(xid, &change, message)?;
                    if !self
                        .ahead
                        .as_mut()
                        .is_some_and(|ahead| ahead.takes(&change))
                    {
                        return Ok(Some(Piece::FallBack));
                    }
                    let message = change.message().map_err(|error| unreadable(&error))?;
                    return Ok(Some(Piece::Message(message)));
                }
                self.spool.describe(message);
                let message = Message::parse(message).map_err(|error| unreadable(&error))?;
                Ok(Some(Piece::Message(message)))
            }
        }
    }

    /// A transaction beside the one that goes ahead begins, ends, or does what changes nothing.
    fn may_pass(&self, tag: u8) -> bool {
        let alone = self.ahead.is_some() && self.block.is_none();
        alone && (tag == b'B' || self.passing.is_some() && matches!(tag, b'M' | b'O' | b'Y' | b'C'))
    }

    /// Takes a message of it. Once it has ended, all before its end has come.
    fn pass(&mut self) -> Result<Option<Piece<'static>>> {
        let Some(Replication::XLogData { message, .. }) = self.stream.take()? else {
            return Ok(None);
        };
        match Message::parse(message).map_err(|error| unreadable(&error))? {
            Message::Begin {
                xid,
                final_lsn,
                committed_at,
            } => {
                self.passing = Some(Message::Begin {
                    xid,
                    final_lsn,
                    committed_at,
                });
                Ok(None)
            }
            Message::Commit { end_lsn, .. } => {
                self.passing = None;
                Ok(Some(Piece::Keepalive(end_lsn)))
            }
            _ => Ok(None),
        }
    }

    /// Takes a message of a transaction in progress. Its commit becomes the beginning of the
    /// transaction, which is replayed from then on, unless it went ahead.
    fn put_away(&mut self, willing: bool) -> Result<Option<Piece<'static>>> {
        // the spool has it, and is not to have it twice
        self.stream.forget_mark();
        let Some(Replication::XLogData { message, .. }) = self.stream.take()? else {
            return Ok(None);
        };
        let special = InProgress::parse(message).map_err(|error| unreadable(&error))?;
        match (self.block, special) {
            (Some(xid), None) => {
                let change = Streamed::parse(message).map_err(|error| unreadable(&error))?;
                if let Some(change) = change {
                    self.spool.push(xid, &change, message)?;
                }
            }
            (Some(_), Some(InProgress::Stop)) => self.block = None,
            (None, Some(InProgress::Start { xid })) => {
                self.block = Some(xid);
                if self.spool.open(xid) && willing {
                    self.ahead = Some(Ahead::new(xid));
                    return Ok(Some(Piece::Ahead(xid)));
                }
                if self.ahead.as_ref().is_some_and(|ahead| !ahead.is(xid)) {
                    return Ok(Some(Piece::FallBack));
                }
            }
            (None, Some(InProgress::Abort { xid, subxid })) => {
                self.spool.abort(xid, subxid);
                if self.ahead.as_ref().is_some_and(|ahead| ahead.is(xid)) {
                    return Ok(Some(Piece::FallBack));
                }
            }
            (
                None,
                Some(InProgress::Commit {
                    xid,
                    final_lsn,
                    end_lsn,
                    committed_at,
                }),
            ) => {
                if self.ahead.take_if(|ahead| ahead.is(xid)).is_some() {
                    self.spool.discard(xid);
                    return Ok(Some(Piece::Message(Message::Commit {
                        end_lsn,
                        committed_at,
                    })));
                }
                let subxids = self.spool.commit(xid);
                let subxids = subxids.ok_or_else(|| out_of_place(Some(final_lsn)))?;
                if !subxids.is_empty() {
                    self.question = Some(Question::ask(&self.source, subxids));
                }
                self.replayed = Some(CommitPoint {
                    end_lsn,
                    committed_at,
                });
                return Ok(Some(Piece::Message(Message::Begin {
                    xid,
                    final_lsn,
                    committed_at,
                })));
            }
            (Some(_), Some(_)) | (None, Some(InProgress::Stop) | None) => {
                return Err(out_of_place(None));
            }
        }
        Ok(None)
    }

    fn replay(&mut self) -> Result<Option<Piece<'_>>> {
        let step = self.spool.step().map_err(|error| unreadable(&error))?;
        let message = match step {
            Step::Wait => return Ok(None),
            Step::Change => {
                let change = Streamed::parse(self.spool.change());
                let message = change.and_then(|change| change.map(|c| c.message()).transpose());
                message.map_err(|error| unreadable(&error))?
            }
            Step::End => self.replayed.take().map(|point| Message::Commit {
                end_lsn: point.end_lsn,
                committed_at: point.committed_at,
            }),
        };
        Ok(message.map(Piece::Message))
    }

    /// Waits until [`Feed::take`] may have more, and writes feedback that is queued.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn fill(&mut self) -> Result<Filled> {
        let reading = self.reads_wire();
        let (stream, pace) = (&mut self.stream, &mut self.pace);
        let read = async {
            if !reading {
                stream.flush().await?;
                return std::future::pending().await;
            }
            pace.read(stream).await
        };
        let (replaying, spool) = (self.replayed.is_some(), &mut self.spool);
        let question = &mut self.question;
        let spooled = async {
            if let Some(asked) = question {
                asked.answer().await?;
                *question = None;
                return Ok(());
            }
            if replaying {
                return spool.fill().await;
            }
            spool.written().await
        };
        tokio::select! {
            biased;
            done = spooled => done.map(|()| Filled::Spool),
            read = read => read.map(|()| Filled::Wire),
        }
    }

    /// Writes feedback that is queued, and nothing else.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn flush(&mut self) -> Result<()> {
        self.stream.flush().await
    }

    /// What the source sends is looked at: no transaction is replayed, and the spool has room.
    pub(super) fn reads_wire(&self) -> bool {
        self.replayed.is_none() && !self.spool.is_full()
    }

    /// Everything before what comes next is done with: what comes from there can come once more,
    /// while that is little.
    pub(super) fn mark(&mut self) {
        let plain = self.block.is_none() && self.replayed.is_none() && self.passing.is_none();
        if plain && self.ahead.is_none() {
            self.stream.mark();
        } else {
            self.stream.forget_mark();
        }
    }

    /// Nothing that came will have to come once more.
    pub(super) fn forget_mark(&mut self) {
        self.stream.forget_mark();
    }

    /// What came since the mark comes once more; false when it cannot.
    pub(super) fn rewind(&mut self) -> bool {
        self.stream.rewind()
    }

    /// A transaction goes ahead.
    pub(super) fn is_ahead(&self) -> bool {
        self.ahead.is_some()
    }

    /// The one that goes ahead has not moved for too long.
    pub(super) fn stands_still(&mut self, now: Instant) -> bool {
        let ahead = self.ahead.as_mut();
        ahead.is_some_and(|ahead| ahead.stands_still(now))
    }

    /// From now on the one that went ahead is like any other, and is replayed once it commits.
    /// False when there is none.
    pub(super) fn fall_back(&mut self) -> bool {
        self.ahead.take().is_some()
    }

    /// Bytes of transactions that are not applied yet.
    pub(super) fn spooled(&self) -> u64 {
        self.spool.bytes()
    }

    /// See [`Stream::feedback`].
    pub(super) fn feedback(
        &mut self,
        received: ReceivedLsn,
        applied: AppliedLsn,
        durable: DurableLsn,
    ) {
        self.stream.feedback(received, applied, durable);
    }

    /// Ends the stream in good order, if the source answers in time.
    pub(super) async fn close(self) {
        let goodbye = tokio::time::timeout(GOODBYE_MAX, self.stream.finish()).await;
        if !matches!(goodbye, Ok(Ok(()))) {
            tracing::debug!("the source did not answer the goodbye");
        }
    }
}

fn out_of_place(at: Option<Lsn>) -> Error {
    let what = "The source sent a part of a transaction in progress where it cannot be";
    let error = Error::new(Kind::Protocol, what).on(Side::Source);
    match at {
        Some(at) => error.at(at),
        None => error,
    }
}
