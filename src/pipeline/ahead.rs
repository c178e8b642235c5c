//! A large transaction that is applied while it is still in progress.
//!
//! ```text
//! its changes ─┬─▶ the spool
//!              └─▶ parts of batches ─▶ a destination transaction ─▶ its commit: COMMIT
//!                                                               └─▶ anything else: ROLLBACK
//! ```
//!
//! As long as it is the only transaction that the source sends, its changes need not wait for its
//! commit. Once that cannot be sure any more they are rolled back in the destination, and the
//! spool, which has them too, replays them at the commit as if nothing had been.
//!
//! **Why this is right.** The destination commits nothing before the source has, and commits in the
//! source's order: another transaction that changes something, and commits before this one does,
//! has it fall back; one without changes, such as a heartbeat, only passes. So does all that would
//! make the spool replay anything but each change once, in the order in which they came: a
//! subtransaction, which may be rolled back, a rollback, and a description of a table other than
//! the one that holds. A table counts as loaded up to a commit, and the position of this one's is
//! not known yet, but it comes after everything that was received: it goes ahead only where all
//! tables were loaded before that.
//!
//! **What can go wrong.** What fails may be a change that the source rolls back a moment later.
//! Such an error ([`crate::Kind::Ahead`]) starts a new round, in which nothing goes ahead for a
//! while. The destination's transaction waits for a lock no longer than
//! [`AHEAD_LOCK_MAX`](crate::limits), but holds its own, and keeps VACUUM from what it would
//! remove, for as long as the source's does, so one that stands still falls back after
//! [`AHEAD_IDLE_MAX`]; and one that empties a table, which would keep readers out, at once. What is
//! rolled back leaves dead rows, as it does on the source.

use tokio::time::Instant;

use super::reaction::{Reaction, reaction};
use crate::decode::Streamed;
use crate::error::{Error, Kind};
use crate::limits::AHEAD_IDLE_MAX;

/// The transaction.
pub(super) struct Ahead {
    xid: u32,
    /// A change of it came since somebody looked.
    moved: bool,
    looked_at: Instant,
}

impl Ahead {
    pub(super) fn new(xid: u32) -> Self {
        Ahead {
            xid,
            moved: true,
            looked_at: Instant::now(),
        }
    }

    pub(super) fn is(&self, xid: u32) -> bool {
        self.xid == xid
    }

    /// Whether the transaction can still be applied with this change of it.
    pub(super) fn takes(&mut self, change: &Streamed<'_>) -> bool {
        self.moved = true;
        change.subxid() == self.xid && !change.is_truncate()
    }

    /// Nothing of it has come for too long.
    pub(super) fn stands_still(&mut self, now: Instant) -> bool {
        if std::mem::take(&mut self.moved) {
            self.looked_at = now;
        }
        now.saturating_duration_since(self.looked_at) > AHEAD_IDLE_MAX
    }
}

/// What went wrong with a transaction that went ahead: nobody knows yet whether the source commits
/// it, and what it waits for may be gone by then. A connection that is lost is as ever, and so is
/// another daemon's turn.
pub(super) fn of_ahead(error: Error) -> Error {
    let as_ever = matches!(
        error.kind(),
        Kind::Unreachable | Kind::ConnectionLost | Kind::Fenced | Kind::AlreadyRunning
    );
    if as_ever || reaction(error.kind()) == Reaction::StartAgain {
        return error;
    }
    let what = format!("A transaction in progress cannot be applied before it commits: {error}");
    Error::new(Kind::Ahead, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stands_still_when_nothing_came_for_long() {
        let now = Instant::now();
        let mut ahead = Ahead::new(7);
        assert!(!ahead.stands_still(now + AHEAD_IDLE_MAX * 2), "just begun");
        assert!(!ahead.stands_still(now + AHEAD_IDLE_MAX * 3));
        assert!(ahead.stands_still(now + AHEAD_IDLE_MAX * 4));
        let change = [b"I".as_slice(), &7_u32.to_be_bytes()].concat();
        let change = Streamed::parse(&change).unwrap().unwrap();
        assert!(ahead.takes(&change));
        assert!(!ahead.stands_still(now + AHEAD_IDLE_MAX * 9));
    }

    #[test]
    fn a_subtransaction_and_a_truncate_have_it_fall_back() {
        let takes = |tag: u8, subxid: u32| {
            let change = [&[tag][..], &subxid.to_be_bytes()].concat();
            let change = Streamed::parse(&change).unwrap().unwrap();
            Ahead::new(7).takes(&change)
        };
        assert!(takes(b'U', 7));
        assert!(!takes(b'U', 8));
        assert!(!takes(b'T', 7));
    }
}
