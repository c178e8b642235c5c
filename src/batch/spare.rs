//! The memory of a batch that was applied, for a later one.
//!
//! A batch holds megabytes. To get them anew for each, page by page, and to find a new place for
//! every key each time that an index grows, took up to a quarter of walferry's own CPU.
//!
//! **Why it stays little.** A table's memory is kept for one batch: what that did not use is gone
//! when it is applied. What was hardly used is not kept at all, nor what comes above a bound, as
//! after a row that is larger than a batch is to be.

use hashbrown::HashTable;
use hashbrown::hash_map::{Entry, HashMap};

use super::target::{RowIdentity, Target};
use super::{Rows, Start, TableBatch};
use crate::limits::SPARE_SHARE_MAX;

/// What held the rows of tables, by their oids. Nothing is in it any more.
#[derive(Debug, Default)]
pub(super) struct Spare {
    rows: HashMap<u32, Rows, foldhash::fast::FixedState>,
}

impl Spare {
    /// Of what was applied, at most so many bytes.
    pub(super) fn of(tables: Vec<TableBatch>, bytes_max: usize) -> Self {
        let mut rows = HashMap::default();
        let mut bytes = 0;
        for table in tables {
            let emptied = table.rows.emptied();
            let more = emptied.capacity();
            // one whose shape changed comes twice
            if bytes + more <= bytes_max
                && let Entry::Vacant(place) = rows.entry(table.target.oid)
            {
                bytes += more;
                place.insert(emptied);
            }
        }
        Spare { rows }
    }

    /// For rows of this table, of which nothing is known.
    pub(super) fn take(&mut self, target: &Target) -> Rows {
        match (self.rows.remove(&target.oid), &target.identity) {
            (Some(rows @ Rows::Keyed(_)), RowIdentity::Key(_))
            | (Some(rows @ Rows::Whole(_)), RowIdentity::WholeRow)
            | (Some(rows @ Rows::Append(_)), RowIdentity::None) => rows,
            _ => Rows::new(&target.identity, Start::Unknown),
        }
    }
}

/// Without what it held; and without its memory if hardly any of that was used: it is from when
/// there was more to do.
pub(super) fn emptied<T>(mut held: Vec<T>) -> Vec<T> {
    if held.capacity() / SPARE_SHARE_MAX > held.len() {
        return Vec::new();
    }
    held.clear();
    held
}

/// The same of an index.
pub(super) fn emptied_index(mut index: HashTable<u32>) -> HashTable<u32> {
    if index.capacity() / SPARE_SHARE_MAX > index.len() {
        return HashTable::new();
    }
    index.clear();
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_kept_while_it_is_used() {
        let kept = emptied(vec![7; 1000]);
        assert!(kept.is_empty() && kept.capacity() >= 1000);
        let mut hardly = Vec::with_capacity(1000);
        hardly.push(7);
        assert_eq!(emptied(hardly).capacity(), 0);
        let mut index = HashTable::with_capacity(1000);
        index.insert_unique(1, 1, |_| 1);
        assert_eq!(emptied_index(index).capacity(), 0);
    }
}
