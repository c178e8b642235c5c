//! What follows when a job of the load fails: another try after a pause, or none.

use tokio::time::{Duration, Instant};

use super::load::Load;
use super::worker::Failed;
use crate::error::{Kind, Side};
use crate::limits::{
    BACKOFF_MAX, JOB_ATTEMPTS_MAX, JOB_OUTAGE_MAX, JOB_RETRY_PAUSE, LOAD_LOCK_ATTEMPTS_MAX,
    LOAD_LOCK_PAUSE,
};

/// How often a job was tried in vain.
#[derive(Clone, Copy, Default)]
pub(super) struct Tries {
    /// Since one of several locks was not to be had.
    unlocked: u32,
    /// For another reason.
    failed: u32,
    /// How long the destination was away, without the time that it worked in between.
    away: Duration,
    /// When this try began, if there was one before.
    began: Option<Instant>,
}

impl Failed {
    /// It is about what the job reads, and about nothing that the other jobs read or write: their
    /// tables can go on without those of this one.
    pub(super) fn is_of_its_tables(&self) -> bool {
        let of_a_table = matches!(self.error.kind(), Kind::Contention | Kind::TableAdded);
        self.undone && of_a_table && self.error.side() == Some(Side::Source)
    }

    /// Pauses before the next try; gives the failure back when there is to be none.
    pub(super) async fn wait_to_try_again(self, load: &Load, tries: Tries) -> Result<Tries, Self> {
        let Some((pause, tries)) = self.next_try(tries) else {
            return Err(self);
        };
        tracing::warn!(error = %self.error, "a worker of the initial load starts again");
        if let Some(side) = self.error.side() {
            load.board.reconnect(side);
        }
        tokio::time::sleep(pause).await;
        Ok(tries)
    }

    /// A destination that is away is waited for by the clock: what it has got of the load is worth
    /// that. What is read of the source ends with the session that holds its snapshot, so that more
    /// than a few tries would not help.
    fn next_try(&self, mut tries: Tries) -> Option<(Duration, Tries)> {
        let (kind, side) = (self.error.kind(), self.error.side());
        let away = matches!(
            kind,
            Kind::ConnectionLost | Kind::Unreachable | Kind::ServerBusy
        );
        if !self.undone || !away && kind != Kind::Contention {
            return None;
        }
        if away && side == Some(Side::Destination) {
            if kind != Kind::ConnectionLost {
                tries.away += tries.began.map_or(Duration::ZERO, |began| began.elapsed());
            }
            let waited = tries.away;
            let pause = waited.clamp(JOB_RETRY_PAUSE, BACKOFF_MAX);
            tries.away += pause;
            tries.began = Some(Instant::now() + pause);
            return (waited < JOB_OUTAGE_MAX).then_some((pause, tries));
        }
        tries.failed += 1;
        (tries.failed <= JOB_ATTEMPTS_MAX).then_some((JOB_RETRY_PAUSE, tries))
    }

    /// The same where a lock was not waited for, since others were held.
    pub(super) async fn wait_for_lock(self, tries: Tries) -> Result<Tries, Self> {
        if !self.undone || tries.unlocked >= LOAD_LOCK_ATTEMPTS_MAX {
            return Err(self);
        }
        tracing::debug!(error = %self.error, "a table of the source is locked, others go first");
        tokio::time::sleep(LOAD_LOCK_PAUSE).await;
        let unlocked = tries.unlocked + 1;
        Ok(Tries { unlocked, ..tries })
    }
}
