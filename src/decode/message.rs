//! The messages of pgoutput and the two frames that carry them.

use super::cursor::Cursor;
use super::{DecodeError, Tuple};
use crate::limits::RELATION_COLUMNS_MAX;
use crate::lsn::Lsn;

/// What a `CopyData` frame of a replication stream holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replication<'a> {
    /// `w`: a piece of the stream.
    XLogData {
        /// Current end of WAL on the server.
        server_end: Lsn,
        /// The server's clock, microseconds since 2000-01-01 UTC.
        sent_at: i64,
        /// One pgoutput message, see [`Message::parse`].
        message: &'a [u8],
    },
    /// `k`: the server is alive and has sent everything up to `server_end`.
    Keepalive {
        /// Everything before it was sent, or is of no interest to us.
        server_end: Lsn,
        /// The server's clock, microseconds since 2000-01-01 UTC.
        sent_at: i64,
        /// The server wants an answer now.
        reply_requested: bool,
    },
}

impl<'a> Replication<'a> {
    /// The tag of the pgoutput message in the body of a `CopyData` frame, if it holds one.
    pub fn tag(body: &[u8]) -> Option<u8> {
        // w, three fields of 8 bytes, then the message
        body.get(25).copied().filter(|_| body[0] == b'w')
    }

    /// Takes the body of a `CopyData` frame apart.
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(body);
        match cursor.u8("a replication frame")? {
            b'w' => {
                cursor.u64("XLogData")?;
                Ok(Replication::XLogData {
                    server_end: Lsn(cursor.u64("XLogData")?),
                    sent_at: cursor.i64("XLogData")?,
                    message: cursor.rest(),
                })
            }
            b'k' => {
                let keepalive = Replication::Keepalive {
                    server_end: Lsn(cursor.u64("Keepalive")?),
                    sent_at: cursor.i64("Keepalive")?,
                    reply_requested: cursor.u8("Keepalive")? != 0,
                };
                cursor.finish()?;
                Ok(keepalive)
            }
            tag => Err(DecodeError::UnknownTag {
                what: "replication frame",
                tag,
            }),
        }
    }
}

/// One pgoutput message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A transaction starts.
    Begin {
        /// The transaction.
        xid: u32,
        /// LSN of its commit record (start of it).
        final_lsn: Lsn,
        /// Its commit time, microseconds since 2000-01-01 UTC.
        committed_at: i64,
    },
    /// A transaction is complete.
    Commit {
        /// End of its commit record: the position to compare and to resume at.
        end_lsn: Lsn,
        /// Its commit time, microseconds since 2000-01-01 UTC.
        committed_at: i64,
    },
    /// The transaction came to the source from another server.
    Origin,
    /// The shape of a table, sent before its first row and after each change of it.
    Relation(Relation),
    /// The name of a user-defined type.
    Type,
    /// A new row.
    Insert {
        /// Which table.
        relation: u32,
        /// The row.
        new: Tuple<'a>,
    },
    /// A changed row.
    Update {
        /// Which table.
        relation: u32,
        /// The old key (only when it changed) or the whole old row (REPLICA IDENTITY FULL).
        old: Option<Tuple<'a>>,
        /// The new row.
        new: Tuple<'a>,
    },
    /// A row that is gone.
    Delete {
        /// Which table.
        relation: u32,
        /// Its key or the whole row; columns outside the key are NULL in a key.
        old: Tuple<'a>,
    },
    /// Emptied tables, all those of one statement.
    Truncate {
        /// Which tables.
        relations: Vec<u32>,
        /// RESTART IDENTITY.
        restart_identity: bool,
    },
    /// Something `pg_logical_emit_message` wrote; ours is the heartbeat.
    Logical {
        /// Part of a transaction.
        transactional: bool,
    },
}

/// The shape of a table at the position of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// `pg_class.oid`
    pub oid: u32,
    /// `nspname`
    pub schema: String,
    /// `relname`
    pub name: String,
    /// How old rows are identified.
    pub identity: ReplicaIdentity,
    /// The published columns, in order.
    pub columns: Vec<Column>,
}

pub use crate::catalog::ReplicaIdentity;

/// A published column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// `attname`
    pub name: String,
    /// Part of the replica identity (under FULL all are).
    pub in_identity: bool,
    /// `atttypid`
    pub type_oid: u32,
    /// `atttypmod`
    pub type_modifier: i32,
}

impl<'a> Message<'a> {
    /// Takes one message apart; every byte must belong to it.
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(body);
        let tag = cursor.u8("a message's tag")?;
        Message::parse_tagged(tag, cursor.rest())
    }

    /// The same without its first byte, which is its tag.
    pub(super) fn parse_tagged(tag: u8, rest: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(rest);
        let message = match tag {
            b'B' => begin(&mut cursor)?,
            b'C' => commit(&mut cursor)?,
            b'I' => insert(&mut cursor)?,
            b'U' => update(&mut cursor)?,
            b'D' => delete(&mut cursor)?,
            b'T' => truncate(&mut cursor)?,
            b'R' => Message::Relation(relation(&mut cursor)?),
            b'O' => {
                cursor.u64("Origin")?;
                cursor.name("Origin")?;
                Message::Origin
            }
            b'Y' => {
                cursor.u32("Type")?;
                cursor.name("Type")?;
                cursor.name("Type")?;
                Message::Type
            }
            b'M' => logical(&mut cursor)?,
            tag => {
                return Err(DecodeError::UnknownTag {
                    what: "message",
                    tag,
                });
            }
        };
        cursor.finish()?;
        Ok(message)
    }
}

fn begin<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    let final_lsn = Lsn(cursor.u64("Begin")?);
    let committed_at = cursor.i64("Begin")?;
    Ok(Message::Begin {
        xid: cursor.u32("Begin")?,
        final_lsn,
        committed_at,
    })
}

fn commit<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    cursor.u8("Commit")?;
    cursor.u64("Commit")?;
    let end_lsn = Lsn(cursor.u64("Commit")?);
    let committed_at = cursor.i64("Commit")?;
    Ok(Message::Commit {
        end_lsn,
        committed_at,
    })
}

fn insert<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    let relation = cursor.u32("Insert")?;
    expect(cursor, b'N', "Insert")?;
    Ok(Message::Insert {
        relation,
        new: Tuple::read(cursor)?,
    })
}

fn update<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    let relation = cursor.u32("Update")?;
    let old = match cursor.u8("Update")? {
        b'K' | b'O' => {
            let old = Tuple::read(cursor)?;
            expect(cursor, b'N', "Update")?;
            Some(old)
        }
        b'N' => None,
        tag => {
            return Err(DecodeError::UnknownTag {
                what: "part of an Update",
                tag,
            });
        }
    };
    Ok(Message::Update {
        relation,
        old,
        new: Tuple::read(cursor)?,
    })
}

fn delete<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    let relation = cursor.u32("Delete")?;
    match cursor.u8("Delete")? {
        b'K' | b'O' => Ok(Message::Delete {
            relation,
            old: Tuple::read(cursor)?,
        }),
        tag => Err(DecodeError::UnknownTag {
            what: "part of a Delete",
            tag,
        }),
    }
}

fn truncate<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    let count = cursor.length("Truncate")?;
    let options = cursor.u8("Truncate")?;
    // no more room than the message can fill
    let mut relations = Vec::with_capacity(count.min(cursor.remaining().len() / 4));
    for _ in 0..count {
        relations.push(cursor.u32("Truncate")?);
    }
    Ok(Message::Truncate {
        relations,
        restart_identity: options & 2 != 0,
    })
}

fn logical<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    let flags = cursor.u8("Message")?;
    cursor.u64("Message")?;
    cursor.name("Message")?;
    let length = cursor.length("Message")?;
    cursor.bytes(length, "Message")?;
    Ok(Message::Logical {
        transactional: flags & 1 != 0,
    })
}

fn relation(cursor: &mut Cursor<'_>) -> Result<Relation, DecodeError> {
    let oid = cursor.u32("Relation")?;
    // An empty namespace stands for pg_catalog.
    let schema = match cursor.name("Relation")? {
        "" => "pg_catalog".to_owned(),
        schema => schema.to_owned(),
    };
    let name = cursor.name("Relation")?.to_owned();
    let identity = match cursor.u8("Relation")? {
        b'd' => ReplicaIdentity::Default,
        b'n' => ReplicaIdentity::Nothing,
        b'f' => ReplicaIdentity::Full,
        b'i' => ReplicaIdentity::Index,
        tag => {
            return Err(DecodeError::UnknownTag {
                what: "replica identity",
                tag,
            });
        }
    };
    let count = usize::from(cursor.u16("Relation")?);
    if count > RELATION_COLUMNS_MAX {
        return Err(DecodeError::TooManyColumns(count));
    }
    let mut columns = Vec::with_capacity(count.min(cursor.remaining().len() / COLUMN_BYTES_MIN));
    for _ in 0..count {
        columns.push(Column {
            in_identity: cursor.u8("Relation")? & 1 != 0,
            name: cursor.name("Relation")?.to_owned(),
            type_oid: cursor.u32("Relation")?,
            type_modifier: cursor.i32("Relation")?,
        });
    }
    Ok(Relation {
        oid,
        schema,
        name,
        identity,
        columns,
    })
}

/// The shortest column of a Relation message: flags, an empty name, type and modifier.
const COLUMN_BYTES_MIN: usize = 1 + 1 + 4 + 4;

fn expect(cursor: &mut Cursor<'_>, tag: u8, what: &'static str) -> Result<(), DecodeError> {
    match cursor.u8(what)? {
        found if found == tag => Ok(()),
        tag => Err(DecodeError::UnknownTag {
            what: "part of a message",
            tag,
        }),
    }
}
