//! Tables that the source emptied with TRUNCATE, and by which transaction each.
//!
//! A table that is published as one is made of many files. Its TRUNCATE is sent, that of a single
//! partition is not, and either gives partitions new files. But the catalog's row of a partition
//! tells which transaction has given it its file.
//!
//! **Why this is right.** When all partitions have theirs from the transaction whose TRUNCATE of
//! the whole table was sent, and nothing else of the table came in it after that, then both sides
//! were empty at its commit, whatever became of partitions before; a later change of one would have
//! left another transaction in its row. Rows that do come in it are a reason to doubt: a partition
//! that is truncated again in the same transaction keeps its file, and nothing tells of it.
//!
//! **What can go wrong.** A start does not know of a TRUNCATE that it has not received: it loads
//! the table again, as for any change of its partitions.

use std::collections::HashMap;

use crate::decode::Message;

/// What the stream has told, since the process began.
#[derive(Debug, Default)]
pub(super) struct Emptied {
    /// The last transaction that emptied a table and left it so, by the table's oid.
    by: HashMap<u32, u32>,
    transaction: u32,
    /// This transaction has emptied some.
    here: bool,
}

impl Emptied {
    /// A transaction begins.
    pub(super) fn begin(&mut self, xid: u32) {
        (self.transaction, self.here) = (xid, false);
    }

    /// The transaction that began last.
    pub(super) fn transaction(&self) -> u32 {
        self.transaction
    }

    /// A change of it.
    pub(super) fn note(&mut self, change: &Message<'_>) {
        match change {
            Message::Truncate { relations, .. } => {
                self.here = true;
                let emptied = relations.iter().map(|oid| (*oid, self.transaction));
                self.by.extend(emptied);
            }
            Message::Insert { relation, .. }
            | Message::Update { relation, .. }
            | Message::Delete { relation, .. }
                if self.here && self.by.get(relation) == Some(&self.transaction) =>
            {
                self.by.remove(relation);
            }
            _ => {}
        }
    }

    /// The transaction was not taken in after all: it will begin again.
    pub(super) fn take_back(&mut self) {
        let transaction = self.transaction;
        self.by.retain(|_, by| *by != transaction);
    }

    /// The last transaction that emptied the table and left it so.
    pub(super) fn by(&self, oid: u32) -> Option<u32> {
        self.by.get(&oid).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn truncate(oid: u32) -> Message<'static> {
        Message::Truncate {
            relations: vec![oid],
            restart_identity: false,
        }
    }

    const INTO_1: &[u8] = b"I\0\0\0\x01N\0\0";
    const INTO_2: &[u8] = b"I\0\0\0\x02N\0\0";

    #[test]
    fn a_table_that_is_filled_by_the_transaction_that_empties_it_is_not_left_empty() {
        let mut emptied = Emptied::default();
        emptied.begin(7);
        emptied.note(&Message::parse(INTO_1).unwrap());
        emptied.note(&truncate(1));
        emptied.note(&truncate(2));
        emptied.note(&Message::parse(INTO_2).unwrap());
        emptied.begin(8);
        emptied.note(&Message::parse(INTO_1).unwrap());
        assert_eq!((emptied.by(1), emptied.by(2)), (Some(7), None));
        emptied.begin(9);
        emptied.note(&truncate(1));
        assert_eq!(emptied.by(1), Some(9));
        emptied.take_back();
        assert_eq!(emptied.by(1), None);
    }
}
