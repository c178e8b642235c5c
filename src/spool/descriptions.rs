//! Which description of a relation counts once a transaction has been replayed.
//!
//! The source describes a relation anew in each transaction in progress, and once for all others.
//! So while the rows of a transaction are replayed its own descriptions hold, and after it the one
//! that came last over the wire, in whatever transaction: the source has sent none since, because
//! that is the one which is still right. Without this, a publication whose columns changed while a
//! large transaction was open would have later rows read by the columns of before.

use std::collections::HashMap;

/// Descriptions are numbered as they come; kept only while transactions are in progress.
#[derive(Debug, Default)]
pub(super) struct Descriptions {
    sequence: u64,
    latest: HashMap<u32, (u64, Box<[u8]>)>,
}

impl Descriptions {
    /// The number of a description that comes now.
    pub(super) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// The description with this number holds now, unless a later one does already.
    pub(super) fn holds(&mut self, oid: u32, sequence: u64, change: &[u8]) {
        let latest = self.latest.entry(oid).or_default();
        if latest.0 < sequence {
            *latest = (sequence, change.into());
        }
    }

    /// Those that came later than what a transaction has used for the same relations.
    pub(super) fn later_than(&self, used: &HashMap<u32, u64>) -> Vec<Box<[u8]>> {
        let later = |(oid, sequence): (&u32, &u64)| {
            let (latest, change) = self.latest.get(oid)?;
            (latest > sequence).then(|| change.clone())
        };
        used.iter().filter_map(later).collect()
    }

    /// No transaction is in progress.
    pub(super) fn forget(&mut self) {
        self.latest.clear();
    }
}
