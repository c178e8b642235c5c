//! Folds the changes of a table with a key to one net effect per key.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::arena::{Arena, Span};
use super::target::Target;
use super::{FoldError, Start, spare};
use crate::decode::{Cell, Cells, Tuple};

/// The net effect on one key.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The key's encoded cells.
    pub key: Span,
    /// A row with this key was there when the batch began, and is there no more once deletes ran
    /// (unless `put` is a [`Put::Patch`], which changes it in place).
    pub existed: bool,
    /// What is to be there at the end.
    pub put: Put,
}

impl Entry {
    /// The row that was there has to be deleted.
    pub fn is_gone(&self) -> bool {
        self.existed && !matches!(self.put, Put::Patch(_))
    }
}

/// What is to be there at the end of the batch.
#[derive(Clone, Copy, Debug)]
pub enum Put {
    /// No row.
    Nothing,
    /// The row that was there, as it was: where an entry starts whose row is about to change.
    Kept,
    /// This row, which has all its values.
    Row(Span),
    /// The row that was there, with the values that came changed.
    Patch(Span),
    /// This row; the values that did not come are those that the row with key `from` had when
    /// the batch began.
    Carry {
        /// The row, with [`Cell::Unchanged`] for values that did not come.
        row: Span,
        /// Encoded key cells.
        from: Span,
    },
}

/// The entries of a table, found by key.
#[derive(Debug)]
pub struct Keyed {
    rows: Arena,
    keys: Arena,
    entries: Vec<Entry>,
    index: HashTable<u32>,
    hasher: foldhash::fast::FixedState,
    start: Start,
    /// The one row that a guarded table changes in place.
    patched: Option<usize>,
    /// Every changed row came with all its values.
    whole: bool,
}

/// Bytes an entry costs besides its row and key: itself and its place in the index.
const ENTRY_BYTES: usize = size_of::<Entry>() + 8;

impl Keyed {
    pub(super) fn new(start: Start) -> Self {
        Keyed {
            rows: Arena::default(),
            keys: Arena::default(),
            entries: Vec::new(),
            index: HashTable::new(),
            hasher: foldhash::fast::FixedState::default(),
            start,
            patched: None,
            whole: true,
        }
    }

    /// Bytes of memory, used or not.
    pub(super) fn capacity(&self) -> usize {
        let entries = self.entries.capacity().max(self.index.capacity());
        self.rows.capacity() + self.keys.capacity() + entries * ENTRY_BYTES
    }

    /// Without entries, in the memory that they had.
    pub(super) fn emptied(self) -> Self {
        Keyed {
            rows: self.rows.emptied(),
            keys: self.keys.emptied(),
            entries: spare::emptied(self.entries),
            index: spare::emptied_index(self.index),
            ..Keyed::new(Start::Unknown)
        }
    }

    /// In the order in which the keys were first met.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// In the order of their keys' bytes: for most keys that is the order of the index, so that
    /// neighbours in it come one after the other.
    pub fn in_key_order(&self) -> Vec<&Entry> {
        // The head of a key decides nearly always, and costs no look into the arena.
        let mut order: Vec<(u128, u32)> = (0..)
            .zip(&self.entries)
            .map(|(at, entry)| (head(self.keys.get(entry.key)), at))
            .collect();
        let key = |at: u32| self.keys.get(self.entries[at as usize].key);
        order.sort_unstable_by(|(head, at), (other_head, other)| {
            let by_head = head.cmp(other_head);
            by_head.then_with(|| key(*at).cmp(key(*other)))
        });
        let entries = order.iter();
        entries.map(|(_, at)| &self.entries[*at as usize]).collect()
    }

    /// Every row that is changed in place has all its values.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The cells of a row.
    pub fn row(&self, span: Span) -> Cells<'_> {
        Cells::new(self.rows.get(span))
    }

    /// The cells of a key, in key order.
    pub fn key(&self, span: Span) -> Cells<'_> {
        Cells::new(self.keys.get(span))
    }

    pub(super) fn bytes(&self) -> usize {
        self.rows.len() + self.keys.len() + self.entries.len() * ENTRY_BYTES
    }

    pub(super) fn insert(&mut self, target: &Target, new: Tuple<'_>) -> Result<(), FoldError> {
        if new.has_unchanged() {
            return Err(FoldError::Incomplete);
        }
        let at = self.entry(target, new, None, Expect::Absent)?;
        let put = Put::Row(self.rows.push(new.encoded()));
        self.place(at, put)
    }

    pub(super) fn update(
        &mut self,
        target: &Target,
        old: Option<Tuple<'_>>,
        new: Tuple<'_>,
    ) -> Result<(), FoldError> {
        let Some(old) = old.filter(|old| key_differs(target, *old, new)) else {
            let at = self.entry(target, new, old, Expect::Present)?;
            self.patch(at, new)?;
            if target.guarded {
                self.replace_unless_alone(at);
            }
            return Ok(());
        };
        let from = self.entry(target, old, None, Expect::Present)?;
        let moved = self.lift(from, new)?;
        let to = self.entry(target, new, Some(old), Expect::Absent)?;
        self.place(to, moved)
    }

    pub(super) fn delete(&mut self, target: &Target, old: Tuple<'_>) -> Result<(), FoldError> {
        let at = self.entry(target, old, None, Expect::Present)?;
        let entry = &mut self.entries[at];
        if matches!(entry.put, Put::Nothing) {
            return Err(FoldError::RowGone);
        }
        entry.put = Put::Nothing;
        Ok(())
    }

    /// Changes the row of an entry whose key stays.
    fn patch(&mut self, at: usize, new: Tuple<'_>) -> Result<(), FoldError> {
        let entry = self.entries[at];
        let put = match entry.put {
            Put::Nothing => return Err(FoldError::RowGone),
            Put::Row(row) => Put::Row(self.merge(row, new)),
            Put::Kept => {
                self.whole &= !new.has_unchanged();
                Put::Patch(self.rows.push(new.encoded()))
            }
            Put::Patch(row) => Put::Patch(self.merge(row, new)),
            Put::Carry { row, from } => {
                let row = self.merge(row, new);
                self.complete(row, from)
            }
        };
        self.entries[at].put = put;
        Ok(())
    }

    /// Of a table that keeps other values apart, too, at most one row is changed in place. Any two
    /// could have traded such values, and then there is no order in which they could be changed one
    /// by one: all of them are removed, and put back as they are to be.
    fn replace_unless_alone(&mut self, at: usize) {
        if !matches!(self.entries[at].put, Put::Patch(_)) {
            return;
        }
        match self.patched {
            None => self.patched = Some(at),
            Some(first) if first == at => {}
            Some(first) => {
                self.replace(first);
                self.replace(at);
            }
        }
    }

    /// The row is not changed in place but removed, and put back with what changed.
    fn replace(&mut self, at: usize) {
        let entry = self.entries[at];
        if let Put::Patch(row) = entry.put {
            self.entries[at].put = self.complete(row, entry.key);
        }
    }

    /// The row, with the values that did not come from the one that had the key `from`.
    fn complete(&self, row: Span, from: Span) -> Put {
        if self.row(row).all(|cell| cell != Cell::Unchanged) {
            Put::Row(row)
        } else {
            Put::Carry { row, from }
        }
    }

    /// Takes the row from under its old key, with what the update changed.
    fn lift(&mut self, from: usize, new: Tuple<'_>) -> Result<Put, FoldError> {
        let entry = self.entries[from];
        let (row, origin) = match entry.put {
            Put::Nothing => return Err(FoldError::RowGone),
            Put::Row(row) | Put::Patch(row) => (self.merge(row, new), entry.key),
            Put::Kept => (self.rows.push(new.encoded()), entry.key),
            Put::Carry { row, from } => (self.merge(row, new), from),
        };
        self.entries[from].put = Put::Nothing;
        Ok(self.complete(row, origin))
    }

    /// Puts a row where there must be none.
    fn place(&mut self, at: usize, put: Put) -> Result<(), FoldError> {
        let entry = &mut self.entries[at];
        if !matches!(entry.put, Put::Nothing) {
            return Err(FoldError::KeyTaken);
        }
        entry.put = put;
        Ok(())
    }

    /// `new` over `old`: values that did not come stay what they were.
    fn merge(&mut self, old: Span, new: Tuple<'_>) -> Span {
        if !new.has_unchanged() {
            return self.rows.replace(old, new.encoded());
        }
        let mut merged = Vec::with_capacity(self.rows.get(old).len() + new.encoded().len());
        for (before, after) in self.row(old).zip(new.cells()) {
            let cell = if after == Cell::Unchanged {
                before
            } else {
                after
            };
            cell.encode(&mut merged);
        }
        self.rows.replace(old, &merged)
    }

    /// Finds or makes the entry of a tuple's key. A new entry is in the state that `expect`
    /// implies: there is a row to change, or there is none.
    fn entry(
        &mut self,
        target: &Target,
        tuple: Tuple<'_>,
        fallback: Option<Tuple<'_>>,
        expect: Expect,
    ) -> Result<usize, FoldError> {
        let length = self.keys.len();
        let mut complete = true;
        let span = self.keys.write(|bytes| {
            complete = write_key(target.key(), tuple, fallback, bytes);
        });
        if !complete {
            self.keys.truncate(length);
            return Err(FoldError::Incomplete);
        }
        let hash = self.hasher.hash_one(self.keys.tail(length));
        let (keys, entries) = (&self.keys, &self.entries);
        let same = |at: &u32| keys.get(entries[*at as usize].key) == keys.tail(length);
        if let Some(at) = self.index.find(hash, same) {
            let at = *at as usize;
            self.keys.truncate(length);
            return Ok(at);
        }
        let (existed, put) = match expect {
            Expect::Absent => (false, Put::Nothing),
            Expect::Present if self.start == Start::Empty => return Err(FoldError::RowGone),
            Expect::Present => (true, Put::Kept),
        };
        let at = self.entries.len();
        self.entries.push(Entry {
            key: span,
            existed,
            put,
        });
        let (keys, entries, hasher) = (&self.keys, &self.entries, &self.hasher);
        let rehash = |at: &u32| hasher.hash_one(keys.get(entries[*at as usize].key));
        // A batch holds far fewer entries than bytes, and those are below 4 GiB.
        self.index
            .insert_unique(hash, u32::try_from(at).unwrap_or(u32::MAX), rehash);
        Ok(at)
    }
}

/// The first bytes of a key: length and beginning of its first value. They sort as the keys do.
fn head(key: &[u8]) -> u128 {
    let mut head = [0; 16];
    let key = key.get(1..).unwrap_or_default();
    let length = key.len().min(head.len());
    head[..length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(head)
}

/// What a key must be before an operation, where the batch has not met it yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Absent,
    Present,
}

/// Whether an update moved its row to another key. A key value that did not come with `new` was
/// not changed.
fn key_differs(target: &Target, old: Tuple<'_>, new: Tuple<'_>) -> bool {
    let key = target.key();
    let mut pairs = old.cells().zip(new.cells()).enumerate();
    pairs.any(|(at, (old, new))| key.contains(&at) && new != Cell::Unchanged && old != new)
}

/// Writes the key's cells in key order; false when one is missing or NULL.
fn write_key(
    key: &[usize],
    tuple: Tuple<'_>,
    fallback: Option<Tuple<'_>>,
    out: &mut Vec<u8>,
) -> bool {
    key.iter().all(|&at| {
        let cell = match tuple.cells().nth(at) {
            Some(Cell::Unchanged) => fallback.and_then(|old| old.cells().nth(at)),
            cell => cell,
        };
        match cell {
            None | Some(Cell::Unchanged | Cell::Null) => false,
            Some(cell) => {
                cell.encode(out);
                true
            }
        }
    })
}
