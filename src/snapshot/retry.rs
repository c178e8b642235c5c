//! What follows when a job of the load fails: another try after a pause, or none.

use super::load::Load;
use super::worker::Failed;
use crate::error::{Kind, Side};
use crate::limits::{JOB_ATTEMPTS_MAX, JOB_RETRY_PAUSE, LOAD_LOCK_ATTEMPTS_MAX, LOAD_LOCK_PAUSE};

/// How often a job was tried in vain.
#[derive(Clone, Copy, Default)]
pub(super) struct Tries {
    /// Since one of several locks was not to be had.
    unlocked: u32,
    /// For another reason.
    failed: u32,
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
        let may_heal = matches!(
            self.error.kind(),
            Kind::ConnectionLost | Kind::Unreachable | Kind::ServerBusy | Kind::Contention
        );
        if !self.undone || !may_heal || tries.failed >= JOB_ATTEMPTS_MAX {
            return Err(self);
        }
        tracing::warn!(error = %self.error, "a worker of the initial load starts again");
        if let Some(side) = self.error.side() {
            load.board.reconnect(side);
        }
        tokio::time::sleep(JOB_RETRY_PAUSE).await;
        let failed = tries.failed + 1;
        Ok(Tries { failed, ..tries })
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
