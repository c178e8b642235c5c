//! Jobs that are to be done, and the workers that take them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::job::{Job, Large};
use super::ledger::Ledger;
use super::load::Load;
use super::retry::Tries;
use super::worker::{Done, Failed, Worker};
use crate::checkpoint::LoadedTable;
use crate::error::{Error, Kind, Result};

/// The jobs of one load.
pub(super) struct Queue {
    jobs: Mutex<VecDeque<(Job, Tries)>>,
    /// Why the first of the tables was left that this load goes on without.
    left: Mutex<Option<Error>>,
    /// What the destination has of large tables.
    pub(super) ledger: Ledger,
}

impl Queue {
    pub(super) fn new(jobs: Vec<Job>, ledger: Ledger) -> Self {
        let untried = jobs.into_iter().map(|job| (job, Tries::default()));
        Queue {
            jobs: Mutex::new(untried.collect()),
            left: Mutex::default(),
            ledger,
        }
    }

    /// Why tables were left for a later load, if some were.
    pub(super) fn left(&self) -> Option<Error> {
        lock(&self.left).take()
    }

    fn next(&self) -> Option<(Job, Tries)> {
        lock(&self.jobs).pop_front()
    }

    /// To be done again next.
    fn put_first(&self, job: Job, tries: Tries) {
        lock(&self.jobs).push_front((job, tries));
    }

    /// To be done again after all others, table by table.
    fn put_last(&self, job: Job, tries: Tries) {
        let apart = job.apart().into_iter().map(|job| (job, tries));
        lock(&self.jobs).extend(apart);
    }

    /// Leaves the tables of a job for a later load, for this reason.
    fn leave(&self, load: &Load, job: &Job, why: Error) {
        match job {
            Job::Range(large, _) => self.leave_large(load, large, why),
            Job::Pack(plans) => {
                load.none_loaded(plans);
                self.note_left(why);
            }
        }
    }

    /// The same with a large table. No further range of it is read.
    pub(super) fn leave_large(&self, load: &Load, large: &Large, why: Error) {
        // one of its ranges may have said so before
        if large.spoil() {
            load.not_loaded(&large.plan);
            self.note_left(why);
        }
    }

    /// Nobody has recorded them, so that the next start has them loaded from another snapshot.
    fn note_left(&self, why: Error) {
        tracing::warn!(error = %why, "a table is left for a later load");
        lock(&self.left).get_or_insert(why);
    }

    /// A job came to nothing: it is done again after a pause, while that may help. Then its tables
    /// are left, if they alone stand in the way of it; else the load ends.
    async fn put_back(&self, load: &Load, job: Job, tries: Tries, failed: Failed) -> Result<()> {
        if let Job::Pack(plans) = &job {
            load.none_loaded(plans);
        }
        let locked = failed.error.kind() == Kind::Contention;
        if failed.is_of_its_tables() && !locked && job.has_several() {
            // one of them has changed, and the others are to be loaded
            self.put_last(job, tries);
            return Ok(());
        }
        let again = if locked && job.locks_several() {
            failed.wait_for_lock(tries).await
        } else {
            failed.wait_to_try_again(load, tries).await
        };
        match again {
            // what somebody has locked gives way to all the others
            Ok(tries) if locked => self.put_last(job, tries),
            Ok(tries) => self.put_first(job, tries),
            Err(failed) if failed.is_of_its_tables() => self.leave(load, &job, failed.error),
            Err(failed) => return Err(failed.error),
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does jobs until there are no more; returns the tables that are complete by it.
pub(super) async fn work(
    load: Arc<Load>,
    queue: Arc<Queue>,
    filled: mpsc::UnboundedSender<Arc<Large>>,
) -> Result<Vec<LoadedTable>> {
    let mut worker = Worker::new(Arc::clone(&load), Arc::clone(&queue));
    let mut tables = Vec::new();
    while let Some((job, tries)) = queue.next() {
        match worker.run(&job).await {
            Ok(Done::Tables(done)) => tables.extend(done),
            Ok(Done::Piece) => {}
            Ok(Done::LastPiece(large)) => {
                // Bounded by the number of large tables; the finishers outlive us.
                let _ = filled.send(large);
            }
            Err(failed) => queue.put_back(&load, job, tries, failed).await?,
        }
    }
    Ok(tables)
}
