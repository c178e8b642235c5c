//! A committed transaction on its way back out of the spool.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::ops::Range;

use tokio::task::{JoinHandle, spawn_blocking};

use super::file::{SpoolFile, bytes_on_disk};
use super::piece::Piece;
use super::transaction::Transaction;
use crate::decode::{DecodeError, Streamed};

/// First what is on disk, one piece in hand and the next one on its way, then what is in memory.
pub(super) struct Replay {
    file: Place,
    /// Bytes on disk.
    length: u64,
    /// Where the next read begins.
    read_to: u64,
    ready: Option<Piece>,
    rest: VecDeque<Piece>,
    piece: Piece,
    /// Where the next record begins in it.
    at: usize,
    change: Range<usize>,
    aborted: HashSet<u32>,
    /// The relations that it described, with the numbers of its last descriptions.
    used: HashMap<u32, u64>,
}

/// Where the file is.
enum Place {
    /// There is none, or it has been read.
    Nowhere,
    /// It is being written.
    Away,
    Here(SpoolFile),
    Reading(JoinHandle<io::Result<(SpoolFile, Piece)>>),
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A change: [`Replay::change`].
    Change,
    /// A relation message: the same.
    Relation {
        /// Which.
        oid: u32,
        /// Its number.
        sequence: u64,
    },
    /// More has to be read first: [`Replay::fill`], once [`Replay::file`] has the file.
    Wait,
    /// That was all.
    End,
}

impl Replay {
    pub(super) fn new(transaction: Transaction) -> Self {
        let mut replay = Replay {
            file: match transaction.file {
                Some(file) => Place::Here(file),
                None if transaction.away => Place::Away,
                None => Place::Nowhere,
            },
            length: transaction.disk,
            read_to: 0,
            ready: None,
            rest: transaction.pieces,
            piece: Piece::default(),
            at: 0,
            change: 0..0,
            aborted: transaction.aborted,
            used: HashMap::new(),
        };
        replay.read_ahead();
        replay
    }

    /// The next change of a subtransaction that was not rolled back.
    pub(super) fn next(&mut self) -> Result<Next, DecodeError> {
        loop {
            while let Some(record) = self.piece.record(self.at) {
                self.at = record.next;
                let bytes = &self.piece.bytes()[record.change.clone()];
                let change = Streamed::parse(bytes)?;
                if change.is_none_or(|change| self.aborted.contains(&change.subxid())) {
                    continue;
                }
                self.change = record.change;
                return Ok(match change.and_then(|change| change.relation()) {
                    Some(oid) => {
                        let sequence = record.sequence.unwrap_or(0);
                        self.used.insert(oid, sequence);
                        Next::Relation { oid, sequence }
                    }
                    None => Next::Change,
                });
            }
            if let Some(piece) = self.ready.take() {
                (self.piece, self.at) = (piece, 0);
                self.read_ahead();
            } else if self.read_to < self.length {
                return Ok(Next::Wait);
            } else if let Some(piece) = self.rest.pop_front() {
                (self.piece, self.at) = (piece, 0);
            } else {
                return Ok(Next::End);
            }
        }
    }

    /// The change that [`Replay::next`] found, as it came.
    pub(super) fn change(&self) -> &[u8] {
        &self.piece.bytes()[self.change.clone()]
    }

    /// The relations that it described, with the numbers of its last descriptions.
    pub(super) fn used(&self) -> &HashMap<u32, u64> {
        &self.used
    }

    /// The file has been written.
    pub(super) fn file(&mut self, file: SpoolFile) {
        self.file = Place::Here(file);
        self.read_ahead();
    }

    /// The file is yet to come.
    pub(super) fn awaits_file(&self) -> bool {
        matches!(self.file, Place::Away)
    }

    fn read_ahead(&mut self) {
        if self.read_to >= self.length {
            self.file = Place::Nowhere;
            return;
        }
        self.file = match std::mem::replace(&mut self.file, Place::Nowhere) {
            Place::Here(file) => {
                let at = self.read_to;
                Place::Reading(spawn_blocking(move || {
                    let piece = file.read(at)?;
                    Ok((file, piece))
                }))
            }
            elsewhere => elsewhere,
        };
    }

    /// Waits for the read that is under way, unless more is there: a batch may have been full
    /// before [`Replay::next`] had to wait.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn fill(&mut self) -> io::Result<()> {
        if self.ready.is_some() || self.read_to >= self.length {
            return Ok(());
        }
        let Place::Reading(task) = &mut self.file else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let read = task.await;
        self.file = Place::Nowhere;
        let (file, piece) = read.map_err(io::Error::other)??;
        self.read_to += bytes_on_disk(&piece);
        self.ready = Some(piece);
        self.file = Place::Here(file);
        Ok(())
    }

    /// What it takes in memory.
    pub(super) fn memory(&self) -> usize {
        let rest: usize = self.rest.iter().map(Piece::memory).sum();
        self.piece.memory() + self.ready.as_ref().map_or(0, Piece::memory) + rest
    }

    /// What it takes on disk.
    pub(super) fn disk(&self) -> u64 {
        self.length
    }

    /// How many subtransactions were rolled back.
    pub(super) fn aborted(&self) -> usize {
        self.aborted.len()
    }
}
