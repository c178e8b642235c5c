//! Where transactions wait that the source sends while they are in progress.
//!
//! ```text
//! changes ─▶ pieces in memory ─▶ a file without a name ─▶ at the commit: replayed, in order
//!                  └─────────────────────────────────────────▲
//! ```
//!
//! Each open transaction keeps its changes as they came, each with the subtransaction that made it.
//! All together they may take so much memory; past half of it the largest goes to its file, in the
//! background, and past all of it nothing more is read until it has. An abort only notes the
//! subtransaction; its changes are left out when the transaction is replayed.
//!
//! **Why this is right.** The source names each subtransaction that is rolled back, children before
//! parents, before it sends the commit; where it does not, `pipeline/rollbacks.rs` finds that.
//! Nothing of an open transaction is acknowledged: its commit comes after every position that is,
//! so after a fault the source sends all of it again, and what is here may be lost at any time.
//! Relation messages are replayed where they came; which of them counts afterwards is told in
//! `descriptions.rs`.
//!
//! **What can go wrong.** The disk is full, the limit is reached, the directory cannot be written
//! ([`Kind::Spool`]): the round ends, and the next one has the source keep transactions until they
//! commit, which needs nothing of us. The file is unlinked from its first moment: nobody else can
//! open it, and it is gone when the process is.

mod descriptions;
mod file;
mod piece;
mod replay;
#[cfg(test)]
mod tests;
mod transaction;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::config::Apply;
use crate::decode::{DecodeError, Streamed};
use crate::error::{Error, Kind, Result};
use crate::limits::{SPOOL_FILES_MAX, SPOOL_PIECE_BYTES_MAX, SPOOL_SUBTRANSACTIONS_MAX};
use descriptions::Descriptions;
use file::{SpoolFile, bytes_on_disk};
use piece::Piece;
use replay::{Next, Replay};
use transaction::Transaction;

/// All transactions in progress, and the one that is replayed.
pub struct Spool {
    directory: PathBuf,
    memory_max: usize,
    piece_max: usize,
    disk_max: u64,
    open: HashMap<u32, Transaction>,
    replay: Option<Replay>,
    /// Descriptions that are newer than those of the replayed transaction: they come last.
    newer: Option<Vec<Box<[u8]>>>,
    writing: Option<Writing>,
    /// Of the open transactions, and what is being written.
    memory: usize,
    /// Of all.
    disk: u64,
    /// Of all, those with changes.
    subtransactions: usize,
    descriptions: Descriptions,
}

struct Writing {
    /// `None`: it is rolled back by now.
    xid: Option<u32>,
    memory: usize,
    task: JoinHandle<io::Result<SpoolFile>>,
}

/// What comes next of a transaction that is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A change: [`Spool::change`].
    Change,
    /// More has to be read first: [`Spool::fill`].
    Wait,
    /// That was all.
    End,
}

impl Spool {
    /// An empty one; it takes an eighth of the memory, and as much as a quarter more of that while
    /// it is read.
    pub fn new(config: &Apply) -> Self {
        let memory_max = config.memory_bytes_max / 8;
        Spool {
            directory: config.spool_directory.clone(),
            memory_max,
            piece_max: (memory_max / 8).min(SPOOL_PIECE_BYTES_MAX),
            disk_max: config.spool_bytes_max,
            open: HashMap::new(),
            replay: None,
            newer: None,
            writing: None,
            memory: 0,
            disk: 0,
            subtransactions: 0,
            descriptions: Descriptions::default(),
        }
    }

    /// A block of this transaction begins. True when it is its first and no other one is open.
    pub fn open(&mut self, xid: u32) -> bool {
        let alone = self.open.is_empty();
        self.open.entry(xid).or_default();
        alone
    }

    /// Adds a change of the transaction; `body` is all of its message.
    pub fn push(&mut self, xid: u32, change: &Streamed<'_>, body: &[u8]) -> Result<()> {
        let transaction = self.open.entry(xid).or_default();
        if transaction.is_made_by(xid, change.subxid()) {
            self.subtransactions += 1;
        }
        if self.subtransactions > SPOOL_SUBTRANSACTIONS_MAX {
            return Err(unfit(
                "The open transactions of the source have too many subtransactions",
                FEWER,
            ));
        }
        let sequence = change.relation().map(|_| self.descriptions.next());
        self.memory += transaction.push(body, sequence, self.piece_max);
        self.spill()
    }

    /// A relation was described outside of these transactions, by the message `body`.
    pub fn describe(&mut self, body: &[u8]) {
        let Some((b'R', rest)) = body.split_first() else {
            return;
        };
        let Some(oid) = rest.first_chunk::<4>().filter(|_| !self.open.is_empty()) else {
            return;
        };
        // as a change of no transaction
        let change = [b"R\0\0\0\0", rest].concat();
        let sequence = self.descriptions.next();
        self.descriptions
            .holds(u32::from_be_bytes(*oid), sequence, &change);
    }

    /// The subtransaction, or all of the transaction, is rolled back. One that is not known has
    /// sent nothing.
    pub fn abort(&mut self, xid: u32, subxid: u32) {
        if xid == subxid {
            self.discard(xid);
        } else if let Some(transaction) = self.open.get_mut(&xid) {
            transaction.abort(subxid);
        }
    }

    /// Nobody will ask for the transaction.
    pub fn discard(&mut self, xid: u32) {
        if let Some(transaction) = self.open.remove(&xid) {
            if let Some(writing) = self.writing.as_mut().filter(|_| transaction.away) {
                writing.xid = None;
            }
            self.memory -= transaction.memory;
            self.forget(transaction.disk, transaction.subtransactions());
        }
    }

    /// The transaction is committed, and is replayed from now on: its subtransactions whose changes
    /// stand. `None` when it is not known.
    pub fn commit(&mut self, xid: u32) -> Option<Vec<u32>> {
        let mut transaction = self.open.remove(&xid)?;
        self.memory -= transaction.memory;
        self.subtransactions -= transaction.standing.len();
        let standing = transaction.standing.drain().collect();
        self.replay = Some(Replay::new(transaction));
        Some(standing)
    }

    /// A transaction is replayed; no other one can be committed meanwhile.
    pub fn is_replaying(&self) -> bool {
        self.replay.is_some()
    }

    /// Goes to the next change of the transaction that is replayed.
    pub fn step(&mut self) -> Result<Step, DecodeError> {
        let Some(replay) = &mut self.replay else {
            return Ok(Step::End);
        };
        if let Some(newer) = &mut self.newer {
            newer.pop();
        } else {
            match replay.next()? {
                Next::Change => return Ok(Step::Change),
                Next::Relation { oid, sequence } => {
                    if !self.open.is_empty() {
                        self.descriptions.holds(oid, sequence, replay.change());
                    }
                    return Ok(Step::Change);
                }
                Next::Wait => return Ok(Step::Wait),
                Next::End => {}
            }
        }
        let newer = self
            .newer
            .get_or_insert_with(|| self.descriptions.later_than(replay.used()));
        if !newer.is_empty() {
            return Ok(Step::Change);
        }
        let (disk, aborted) = (replay.disk(), replay.aborted());
        (self.replay, self.newer) = (None, None);
        self.forget(disk, aborted);
        Ok(Step::End)
    }

    /// The change that [`Spool::step`] has found.
    pub fn change(&self) -> &[u8] {
        let newer = self.newer.as_ref().and_then(|newer| newer.last());
        match (newer, &self.replay) {
            (Some(newer), _) => newer,
            (None, Some(replay)) => replay.change(),
            (None, None) => &[],
        }
    }

    /// A file is being written.
    pub fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Nothing more can be taken in until [`Spool::written`].
    pub fn is_full(&self) -> bool {
        self.memory >= self.memory_max
    }

    /// What is held in memory and on disk.
    pub fn bytes(&self) -> u64 {
        let replay = self.replay.as_ref().map_or(0, Replay::memory);
        self.disk + (self.memory + replay) as u64
    }

    /// Waits until more of the transaction that is replayed is there.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub async fn fill(&mut self) -> Result<()> {
        match &mut self.replay {
            Some(replay) if !replay.awaits_file() => {
                let read = replay.fill().await;
                read.map_err(|error| self.broken("read", &error))
            }
            _ => self.written().await,
        }
    }

    /// Waits until what is being written has been; for ever when nothing is.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub async fn written(&mut self) -> Result<()> {
        let Some(writing) = &mut self.writing else {
            return std::future::pending().await;
        };
        let written = (&mut writing.task).await;
        let (xid, memory) = (writing.xid, writing.memory);
        self.writing = None;
        self.memory -= memory;
        let file = written
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| self.broken("written", &error))?;
        let open = xid.and_then(|xid| self.open.get_mut(&xid));
        let replay = self.replay.as_mut();
        match (open, replay.filter(|replay| replay.awaits_file())) {
            (Some(transaction), _) => (transaction.file, transaction.away) = (Some(file), false),
            (None, Some(replay)) => replay.file(file),
            (None, None) => drop(file),
        }
        self.spill()
    }

    /// Begins to write the largest transaction to its file, if it is time.
    fn spill(&mut self) -> Result<()> {
        if self.memory <= self.memory_max / 2 || self.writing.is_some() {
            return Ok(());
        }
        let files = self.open.values().filter(|open| open.disk > 0).count();
        let largest = self.open.iter_mut().max_by_key(|(_, open)| open.memory);
        let Some((&xid, largest)) = largest.filter(|(_, open)| open.memory > 0) else {
            return Ok(());
        };
        let bytes: u64 = largest.pieces.iter().map(bytes_on_disk).sum();
        if self.disk + bytes > self.disk_max {
            return Err(unfit(
                "The open transactions of the source are larger than [apply] spool_max",
                ROOM,
            ));
        }
        if largest.disk == 0 && files >= SPOOL_FILES_MAX {
            return Err(unfit(
                "The source has too many large transactions open at the same time",
                FEWER,
            ));
        }
        self.disk += bytes;
        largest.disk += bytes;
        largest.away = true;
        let memory = std::mem::take(&mut largest.memory);
        let pieces: Vec<Piece> = std::mem::take(&mut largest.pieces).into();
        let (file, directory) = (largest.file.take(), self.directory.clone());
        let task = spawn_blocking(move || {
            let file = file.map_or_else(|| SpoolFile::create(&directory), Ok)?;
            file.append(&pieces)?;
            Ok(file)
        });
        self.writing = Some(Writing {
            xid: Some(xid),
            memory,
            task,
        });
        Ok(())
    }

    fn forget(&mut self, disk: u64, subtransactions: usize) {
        self.disk -= disk;
        self.subtransactions -= subtransactions;
        if self.open.is_empty() {
            self.descriptions.forget();
        }
    }

    fn broken(&self, how: &str, error: &io::Error) -> Error {
        let directory = self.directory.display();
        let what = format!("A file of the spool in {directory} cannot be {how}: {error}");
        unfit(&what, ROOM)
    }
}

/// What the file system of the directory has left, in bytes, once a file could be made and written
/// there; blocks.
pub fn room(directory: &Path) -> io::Result<u64> {
    let piece = Piece::new(vec![0]);
    SpoolFile::create(directory)?.append(&[piece])?;
    let disk = rustix::fs::statvfs(directory)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

const ROOM: &str = "Give the spool a directory that can be written and has room ([apply] \
     spool_dir, spool_max).";

const FEWER: &str = "Smaller or fewer transactions at a time, with fewer savepoints, would not \
     take that way.";

fn unfit(what: &str, remedy: &str) -> Error {
    Error::new(Kind::Spool, what).remedy(format!(
        "For a while the source keeps large transactions on its own disk until they commit. \
         {remedy}"
    ))
}
