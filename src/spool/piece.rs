//! Changes one after the other in memory, and how one is found again.

use std::ops::Range;

/// Whole records: the length of a change, the change, and for a relation message its number.
///
/// What is written to disk is a row of pieces, so that none is ever cut.
#[derive(Debug, Default)]
pub(super) struct Piece {
    bytes: Vec<u8>,
}

/// Where a change lies in its piece.
pub(super) struct Record {
    pub(super) change: Range<usize>,
    /// When it was received, if it is a relation message: see [`super::descriptions`].
    pub(super) sequence: Option<u64>,
    /// Where the next record begins.
    pub(super) next: usize,
}

impl Piece {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Piece { bytes }
    }

    pub(super) fn push(&mut self, change: &[u8], sequence: Option<u64>) {
        // A change came out of a frame, whose length is below 2 GiB.
        let length = u32::try_from(change.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(change);
        if let Some(sequence) = sequence {
            self.bytes.extend_from_slice(&sequence.to_be_bytes());
        }
    }

    /// The record that begins at `at`; `None` at the end.
    pub(super) fn record(&self, at: usize) -> Option<Record> {
        let (length, rest) = self.bytes.get(at..)?.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let start = at + 4;
        let end = start + length;
        let sequence = match rest.first() {
            Some(b'R') => Some(u64::from_be_bytes(*rest.get(length..)?.first_chunk::<8>()?)),
            _ => None,
        };
        let next = end + if sequence.is_some() { 8 } else { 0 };
        (next <= self.bytes.len()).then_some(Record {
            change: start..end,
            sequence,
            next,
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it takes in memory.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}
