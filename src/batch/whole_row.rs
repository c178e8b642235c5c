//! Folds the changes of a table whose rows are only known by all their values.
//!
//! Such a table is a multiset: what counts is how many copies of a row there are. Each distinct
//! row image gets one net count; adding and removing cancel out in any order, so the plan is
//! "remove so many copies, then add so many".

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::arena::{Arena, Span};
use super::{FoldError, Start, spare};
use crate::decode::{Cell, Cells, Tuple};

/// Net copies of rows.
#[derive(Debug)]
pub struct Multiset {
    arena: Arena,
    rows: Vec<(Span, i64)>,
    index: HashTable<u32>,
    hasher: foldhash::fast::FixedState,
    start: Start,
}

/// Bytes a distinct row costs besides its image.
const ROW_BYTES: usize = size_of::<(Span, i64)>() + 8;

impl Multiset {
    pub(super) fn new(start: Start) -> Self {
        Multiset {
            arena: Arena::default(),
            rows: Vec::new(),
            index: HashTable::new(),
            hasher: foldhash::fast::FixedState::default(),
            start,
        }
    }

    /// Bytes of memory, used or not.
    pub(super) fn capacity(&self) -> usize {
        let rows = self.rows.capacity().max(self.index.capacity());
        self.arena.capacity() + rows * ROW_BYTES
    }

    /// Without rows, in the memory that they had.
    pub(super) fn emptied(self) -> Self {
        Multiset {
            arena: self.arena.emptied(),
            rows: spare::emptied(self.rows),
            index: spare::emptied_index(self.index),
            ..Multiset::new(Start::Unknown)
        }
    }

    /// Each distinct row with the copies to add (positive) or to remove (negative).
    pub fn rows(&self) -> impl Iterator<Item = (Cells<'_>, i64)> {
        self.rows
            .iter()
            .map(|(span, copies)| (Cells::new(self.arena.get(*span)), *copies))
    }

    pub(super) fn bytes(&self) -> usize {
        self.arena.len() + self.rows.len() * ROW_BYTES
    }

    /// One copy more; values that did not come are those of `old`.
    pub(super) fn add(&mut self, new: Tuple<'_>, old: Option<Tuple<'_>>) -> Result<(), FoldError> {
        match old {
            _ if !new.has_unchanged() => {
                self.change(|bytes| bytes.extend_from_slice(new.encoded()), 1)
            }
            None => Err(FoldError::Incomplete),
            Some(old) if old.has_unchanged() => Err(FoldError::Incomplete),
            Some(old) => self.change(
                |bytes| {
                    for (before, after) in old.cells().zip(new.cells()) {
                        let cell = if after == Cell::Unchanged {
                            before
                        } else {
                            after
                        };
                        cell.encode(bytes);
                    }
                },
                1,
            ),
        }
    }

    /// One copy less.
    pub(super) fn remove(&mut self, old: Tuple<'_>) -> Result<(), FoldError> {
        if old.has_unchanged() {
            return Err(FoldError::Incomplete);
        }
        self.change(|bytes| bytes.extend_from_slice(old.encoded()), -1)
    }

    fn change(&mut self, write: impl FnOnce(&mut Vec<u8>), by: i64) -> Result<(), FoldError> {
        let length = self.arena.len();
        let span = self.arena.write(write);
        let hash = self.hasher.hash_one(self.arena.tail(length));
        let (arena, rows) = (&self.arena, &mut self.rows);
        let same = |at: &u32| arena.get(rows[*at as usize].0) == arena.tail(length);
        let at = if let Some(at) = self.index.find(hash, same) {
            self.arena.truncate(length);
            *at as usize
        } else {
            let at = rows.len();
            rows.push((span, 0));
            let rehash = |at: &u32| self.hasher.hash_one(arena.get(rows[*at as usize].0));
            self.index
                .insert_unique(hash, u32::try_from(at).unwrap_or(u32::MAX), rehash);
            at
        };
        let copies = &mut self.rows[at].1;
        *copies += by;
        if *copies < 0 && self.start == Start::Empty {
            return Err(FoldError::RowGone);
        }
        Ok(())
    }
}
