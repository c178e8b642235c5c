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
//! partition. One that has a copy of its own is taken for a partition only if a row of the whole
//! table comes next: its copy stands still from then on.

use std::collections::HashSet;

use tokio_postgres::Client;

use crate::catalog::source::{Look, SourceTable};
use crate::decode::Message;
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::lsn::Lsn;
use crate::sql::ask;
use crate::sql::watch as sql;

/// Where in the stream something is described: the transaction, and how many changes of the stream
/// came before.
type Place = (Option<Lsn>, u64);

/// The tables that are sent as one, and their partitions.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    wholes: HashSet<u32>,
    found: HashSet<u32>,
    /// The table of `wholes` that was described last, if nothing has been since, and where.
    last: Option<(u32, Place)>,
    /// A table of `wholes`, and one with a copy of its own that was described right after it, if
    /// nothing has come since.
    doubtful: Option<(u32, u32)>,
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
            doubtful: None,
            sent_by: Vec::new(),
        }
    }

    /// Those that were found.
    pub(super) fn found(&self) -> impl Iterator<Item = u32> {
        self.found.iter().copied()
    }

    /// A relation is described; the table that it is a part of, if it is one that was not found.
    pub(super) fn described(&mut self, oid: u32, at: Place) -> Option<u32> {
        self.doubtful = None;
        let last = self.last.take();
        if self.wholes.contains(&oid) {
            self.last = Some((oid, at));
            return None;
        }
        let (whole, before) = last?;
        if before != at || self.found.contains(&oid) {
            return None;
        }
        Some(whole)
    }

    /// A transaction has rows of a partition that was not found.
    pub(super) fn sent_in(&mut self, xid: u32) {
        if self.sent_by.last() != Some(&xid) {
            self.sent_by.push(xid);
        }
    }

    /// What was described as a part of `whole` has a copy of its own: what comes next tells.
    pub(super) fn doubt(&mut self, whole: u32, part: u32) {
        self.doubtful = Some((whole, part));
    }

    /// A change comes; the table, and that which has become a part of it, if it tells that.
    pub(super) fn tells(&mut self, change: &Message<'_>) -> Option<(u32, u32)> {
        let (whole, part) = self.doubtful.take()?;
        let row = match change {
            Message::Insert { relation, .. }
            | Message::Update { relation, .. }
            | Message::Delete { relation, .. } => Some(*relation),
            _ => None,
        };
        (row == Some(whole)).then_some((whole, part))
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
        are_visible(catalog, &self.sent_by).await
    }
}

/// Whether the catalogs tell what these transactions did. Servers before 13 cannot be asked.
pub(super) async fn are_visible(catalog: &Client, xids: &[u32]) -> Result<bool> {
    let xids: Vec<i64> = xids.iter().map(|xid| i64::from(*xid)).collect();
    let row = ask::query_one(catalog, sql::ARE_VISIBLE, &[&xids]).await;
    let row = row.map_err(|error| from_client(Side::Source, "ask for transactions", &error))?;
    Ok(row.get(0))
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
        assert_eq!(partitions.described(1, AT), None);
        assert_eq!(partitions.described(11, AT), Some(1));
        assert_eq!(partitions.described(12, AT), None, "right after another");
        assert_eq!(partitions.described(2, AT), None);
        assert_eq!(partitions.described(10, AT), None, "found");
    }

    #[test]
    fn one_with_a_copy_of_its_own_is_a_partition_if_a_row_of_the_whole_table_comes_next() {
        // of rows without columns
        let [of_1, of_11] = [1, 11].map(|oid| [b'D', 0, 0, 0, oid, b'K', 0, 0]);
        let delete = |row| Message::parse(row).unwrap();
        let truncate = Message::Truncate {
            relations: vec![1, 11],
            restart_identity: false,
        };
        let mut partitions = partitions();
        for (change, told) in [
            (delete(&of_1), Some((1, 11))),
            (delete(&of_11), None),
            (truncate, None),
        ] {
            partitions.doubt(1, 11);
            assert_eq!(partitions.tells(&change), told);
            assert_eq!(partitions.tells(&delete(&of_1)), None);
        }
        partitions.doubt(1, 11);
        partitions.described(2, AT);
        assert_eq!(partitions.tells(&delete(&of_1)), None);
    }

    #[test]
    fn what_comes_after_rows_or_in_another_transaction_is_no_partition() {
        let mut partitions = partitions();
        partitions.described(1, AT);
        assert_eq!(partitions.described(11, (Some(Lsn(5)), 8)), None);
        partitions.described(1, AT);
        assert_eq!(partitions.described(11, (Some(Lsn(6)), 7)), None);
    }

    #[test]
    fn a_partition_is_known_where_the_stream_stopped_at_the_whole_table() {
        let mut before = partitions();
        before.described(1, AT);
        let mut partitions = partitions();
        partitions.go_on_after(before.last().unwrap(), Lsn(5));
        assert_eq!(partitions.described(11, (Some(Lsn(5)), 0)), Some(1));
    }
}
