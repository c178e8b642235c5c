//! Partitions that send rows before a look at the catalogs has found them.
//!
//! A table that is sent as one is compared with the partitions that were written down for it. One
//! that is made, filled, and dropped or detached between two looks is in neither: its rows came
//! under the name of the whole table, and that they went sends no message. But the source describes
//! each partition before its first row, right after the whole table that it sends that row as.
//!
//! **Why this is right.** So whatever is described right after such a table, in the same
//! transaction and with no row between, is taken for a partition of it. One that the last look has
//! not found is written down in the transaction that has its rows, so that no fault forgets it. The
//! next start looks whether it is there, and made as a partition: then it is one as any other, and
//! written down as such; else the whole table is loaded again. Both come before it is forgotten. A
//! partition that is loaded with its table needs none of this and does no harm: the look was before
//! the load, and what the table's copy lacks or has too much of since then was described to the
//! stream. A partition that is there again is described again.
//!
//! **What can go wrong.** A source sends a transaction a moment before others see it, or long
//! before where it waits for a standby: its partitions are not looked for earlier. Should a start
//! look then for another reason, the table is loaded once more than it had to be. So it is when
//! TRUNCATE empties it together with a table that nobody knows yet, which then looks like a
//! partition.

use std::collections::HashSet;

use tokio_postgres::Client;

use crate::catalog::source::{Look, SourceTable};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::lsn::Lsn;
use crate::sql::watch as sql;

/// Where in the stream something is described: the transaction, and how many changes came before.
type Place = (Option<Lsn>, u64);

/// The tables that are sent as one, and their partitions.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    wholes: HashSet<u32>,
    found: HashSet<u32>,
    /// The table of `wholes` that was described last, if nothing has been since, and where.
    last: Option<(u32, Place)>,
    /// Transactions that had rows of partitions that were not found.
    sent_by: Vec<u32>,
}

impl Partitions {
    /// As a look has found them.
    pub(super) fn of(look: &Look) -> Self {
        let is_one = |table: &&SourceTable| table.partitioned && table.published;
        let wholes = look.tables.iter().filter(is_one).map(|table| table.oid);
        let wholes: HashSet<u32> = wholes.collect();
        let members = look.shapes.iter().filter(|(oid, _)| wholes.contains(oid));
        let members = members.flat_map(|(_, shape)| &shape.sending.members);
        Partitions {
            found: members.map(|member| member.oid).collect(),
            wholes,
            last: None,
            sent_by: Vec::new(),
        }
    }

    /// Those that were found.
    pub(super) fn found(&self) -> impl Iterator<Item = u32> {
        self.found.iter().copied()
    }

    /// A relation is described; the table that it is a part of, if it is one that was not found.
    pub(super) fn described(&mut self, oid: u32, at: Place, xid: u32) -> Option<u32> {
        let last = self.last.take();
        if self.wholes.contains(&oid) {
            self.last = Some((oid, at));
            return None;
        }
        let (whole, before) = last?;
        if before != at || self.found.contains(&oid) {
            return None;
        }
        if self.sent_by.last() != Some(&xid) {
            self.sent_by.push(xid);
        }
        Some(whole)
    }

    /// The table that was described last, at the end of what was read.
    pub(super) fn last(&self) -> Option<u32> {
        self.last.map(|(whole, _)| whole)
    }

    /// Goes on where another has stopped, right after it had described this table.
    pub(super) fn go_on_after(&mut self, whole: u32, transaction: Lsn) {
        if self.wholes.contains(&whole) {
            self.last = Some((whole, (Some(transaction), 0)));
        }
    }

    /// Whether a look at the catalogs would tell what became of partitions that were not found.
    pub(super) async fn can_be_told(&self, catalog: &Client) -> Result<bool> {
        if self.sent_by.is_empty() {
            return Ok(false);
        }
        let xids: Vec<i64> = self.sent_by.iter().map(|xid| i64::from(*xid)).collect();
        let row = catalog.query_one(sql::ARE_VISIBLE, &[&xids]).await;
        let row = row.map_err(|error| from_client(Side::Source, "ask for transactions", &error))?;
        Ok(row.get(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Place = (Some(Lsn(5)), 7);

    fn partitions() -> Partitions {
        Partitions {
            wholes: HashSet::from([1, 2]),
            found: HashSet::from([10]),
            ..Partitions::default()
        }
    }

    #[test]
    fn what_is_described_right_after_a_whole_table_is_a_partition_of_it() {
        let mut partitions = partitions();
        assert_eq!(partitions.described(1, AT, 9), None);
        assert_eq!(partitions.described(11, AT, 9), Some(1));
        assert_eq!(partitions.described(12, AT, 9), None, "right after another");
        assert_eq!(partitions.described(2, AT, 9), None);
        assert_eq!(partitions.described(10, AT, 9), None, "found");
        assert_eq!(partitions.sent_by, [9]);
    }

    #[test]
    fn what_comes_after_rows_or_in_another_transaction_is_no_partition() {
        let mut partitions = partitions();
        partitions.described(1, AT, 9);
        assert_eq!(partitions.described(11, (Some(Lsn(5)), 8), 9), None);
        partitions.described(1, AT, 9);
        assert_eq!(partitions.described(11, (Some(Lsn(6)), 7), 9), None);
        assert!(partitions.sent_by.is_empty());
    }

    #[test]
    fn a_partition_is_known_where_the_stream_stopped_at_the_whole_table() {
        let mut before = partitions();
        before.described(1, AT, 9);
        let mut partitions = partitions();
        partitions.go_on_after(before.last().unwrap(), Lsn(5));
        assert_eq!(partitions.described(11, (Some(Lsn(5)), 0), 9), Some(1));
    }
}
