//! What protocol 2 adds: transactions that are sent in blocks while they are in progress.
//!
//! ```text
//! S(xid) · changes, each with the xid of its subtransaction · E   …   c(xid) or A(xid, subxid)
//! ```

use super::cursor::Cursor;
use super::{DecodeError, Message};
use crate::lsn::Lsn;

/// A message about a transaction in progress, outside of its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InProgress {
    /// `S`: what follows belongs to this transaction.
    Start {
        /// The transaction.
        xid: u32,
    },
    /// `E`: the block ends; the transaction goes on later.
    Stop,
    /// `c`: the transaction is committed.
    Commit {
        /// The transaction.
        xid: u32,
        /// LSN of its commit record (start of it).
        final_lsn: Lsn,
        /// End of its commit record.
        end_lsn: Lsn,
        /// Its commit time, microseconds since 2000-01-01 UTC.
        committed_at: i64,
    },
    /// `A`: a part of the transaction, or all of it, is rolled back.
    Abort {
        /// The transaction.
        xid: u32,
        /// The subtransaction; the same as `xid` when it is the whole transaction.
        subxid: u32,
    },
}

impl InProgress {
    /// Takes such a message apart; `None` when it is another one.
    pub fn parse(body: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut cursor = Cursor::new(body);
        let message = match cursor.u8("a message's tag")? {
            b'S' => {
                let xid = cursor.u32("StreamStart")?;
                cursor.u8("StreamStart")?;
                InProgress::Start { xid }
            }
            b'E' => InProgress::Stop,
            b'c' => {
                let xid = cursor.u32("StreamCommit")?;
                cursor.u8("StreamCommit")?;
                InProgress::Commit {
                    xid,
                    final_lsn: Lsn(cursor.u64("StreamCommit")?),
                    end_lsn: Lsn(cursor.u64("StreamCommit")?),
                    committed_at: cursor.i64("StreamCommit")?,
                }
            }
            b'A' => InProgress::Abort {
                xid: cursor.u32("StreamAbort")?,
                subxid: cursor.u32("StreamAbort")?,
            },
            _ => return Ok(None),
        };
        cursor.finish()?;
        Ok(Some(message))
    }
}

/// A change of a transaction in progress, without being taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streamed<'a> {
    tag: u8,
    subxid: u32,
    rest: &'a [u8],
}

impl<'a> Streamed<'a> {
    /// Looks at the head of a message inside of a block; `None` when it is one that belongs to no
    /// subtransaction and says nothing that is of use.
    pub fn parse(body: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let mut cursor = Cursor::new(body);
        match cursor.u8("a message's tag")? {
            b'O' => Ok(None),
            tag @ (b'I' | b'U' | b'D' | b'T' | b'R' | b'Y' | b'M') => Ok(Some(Streamed {
                tag,
                subxid: cursor.u32("a streamed change")?,
                rest: cursor.rest(),
            })),
            tag => Err(DecodeError::UnknownTag {
                what: "message of a transaction in progress",
                tag,
            }),
        }
    }

    /// The subtransaction that made the change; the transaction itself when there is none.
    pub fn subxid(&self) -> u32 {
        self.subxid
    }

    /// What it describes, when it is a relation message.
    pub fn relation(&self) -> Option<u32> {
        let oid = self.rest.first_chunk::<4>()?;
        (self.tag == b'R').then(|| u32::from_be_bytes(*oid))
    }

    /// It empties tables.
    pub fn is_truncate(&self) -> bool {
        self.tag == b'T'
    }

    /// The change, as it would be outside of a block.
    pub fn message(&self) -> Result<Message<'a>, DecodeError> {
        Message::parse_tagged(self.tag, self.rest)
    }
}
