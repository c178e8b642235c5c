//! A transaction in progress: its newest changes in memory, those before them in a file.

use std::collections::{HashSet, VecDeque};

use super::file::SpoolFile;
use super::piece::Piece;

#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) pieces: VecDeque<Piece>,
    /// What the pieces take.
    pub(super) memory: usize,
    /// `None` while there is none, or while it is being written.
    pub(super) file: Option<SpoolFile>,
    pub(super) away: bool,
    /// Bytes in the file, and on their way there.
    pub(super) disk: u64,
    /// Subtransactions with changes that were not rolled back, as far as is known.
    pub(super) standing: HashSet<u32>,
    /// Subtransactions with changes that were rolled back.
    pub(super) aborted: HashSet<u32>,
    /// The last that made a change.
    pub(super) made_last: Option<u32>,
}

impl Transaction {
    /// Notes who made a change; true when that is a subtransaction that was not known.
    pub(super) fn is_made_by(&mut self, xid: u32, subxid: u32) -> bool {
        if self.made_last.replace(subxid) == Some(subxid) {
            return false;
        }
        subxid != xid && self.standing.insert(subxid)
    }

    /// Notes a rollback. A subtransaction that is not known has no changes.
    pub(super) fn abort(&mut self, subxid: u32) {
        if self.standing.remove(&subxid) {
            self.aborted.insert(subxid);
        }
    }

    /// How many subtransactions have changes.
    pub(super) fn subtransactions(&self) -> usize {
        self.standing.len() + self.aborted.len()
    }

    /// Adds a change; by how much the memory grew.
    pub(super) fn push(&mut self, change: &[u8], sequence: Option<u64>, piece_max: usize) -> usize {
        let fits = |piece: &&mut Piece| piece.bytes().len() + change.len() <= piece_max;
        let before = self.memory;
        if let Some(piece) = self.pieces.back_mut().filter(fits) {
            self.memory -= piece.memory();
            piece.push(change, sequence);
            self.memory += piece.memory();
        } else {
            let mut piece = Piece::default();
            piece.push(change, sequence);
            self.memory += piece.memory();
            self.pieces.push_back(piece);
        }
        self.memory - before
    }
}
