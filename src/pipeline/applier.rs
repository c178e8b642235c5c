//! The applier as a task of its own, so that the reader never waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::apply::{Applier, Steps};
use crate::batch::{Batch, CommitPoint};
use crate::checkpoint::DurableLsn;
use crate::error::{Error, Kind, Result};
use crate::limits::GOODBYE_MAX;
use crate::lsn::{AppliedLsn, Lsn};
use crate::snapshot::Adoption;

/// What the applier is to do.
enum Work {
    /// Apply; the transaction goes on with the next part. It may be one that goes ahead.
    Part(Batch, bool),
    /// Apply and commit.
    Last(Batch, CommitPoint),
    /// Only move the position.
    Idle(Lsn),
    /// Only look whether what was committed is durable.
    LookAtFlush,
    /// Open the transaction in which tables take their places, and fill those.
    Fill(Arc<Adoption>),
    /// Put the tables into their places, complete up to there, unless readers are in the way for so
    /// long.
    Take(Arc<Adoption>, Lsn, Duration),
    /// Roll back the parts whose commit has not come.
    GiveUp,
}

/// What the applier did.
pub(super) struct Done {
    /// What was committed last.
    pub(super) applied: AppliedLsn,
    /// What is durable of it.
    pub(super) durable: DurableLsn,
    /// The batch that was applied, for the figures and for its memory.
    pub(super) batch: Option<Batch>,
    /// What became of tables that are to take their places.
    pub(super) adoption: Option<Step>,
    /// Somebody asked for a table to be loaded again since the session began.
    pub(super) reload_asked: bool,
    /// Time its steps took.
    pub(super) steps: Steps,
    /// Time all of it took.
    pub(super) took: Duration,
}

/// What became of tables that are to take their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The places are filled.
    Filled,
    /// They are there.
    Taken,
    /// A reader is in the way.
    Locked,
}

/// The reader's end of the hand-over: at most one piece of work is under way.
pub(super) struct HandOver {
    work: mpsc::Sender<Work>,
    done: mpsc::Receiver<Result<Done>>,
    task: JoinHandle<Applier>,
    busy: bool,
    parts: Parts,
    /// What is under way, or open, is of a transaction that went ahead.
    ahead: bool,
}

/// What was handed over of a transaction whose commit was not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Parts {
    /// Nothing.
    None,
    /// Some.
    Open,
    /// Some, and its commit will not come.
    GivenUp,
}

impl HandOver {
    /// Starts the task.
    pub(super) fn new(applier: Applier) -> Self {
        let (work, todo) = mpsc::channel(1);
        let (report, done) = mpsc::channel(1);
        let task = tokio::spawn(apply_all(applier, todo, report));
        HandOver {
            work,
            done,
            task,
            busy: false,
            parts: Parts::None,
            ahead: false,
        }
    }

    /// Nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        !self.busy
    }

    /// A destination transaction waits for its next part.
    pub(super) fn is_open(&self) -> bool {
        self.parts != Parts::None
    }

    /// Hands over a part of a transaction that is not complete, or goes `ahead` of its commit.
    pub(super) fn part(&mut self, batch: Batch, ahead: bool) -> Result<()> {
        self.parts = Parts::Open;
        self.ahead |= ahead;
        self.send(Work::Part(batch, ahead))
    }

    /// What is under way is of a transaction that went ahead of its commit.
    pub(super) fn is_ahead(&self) -> bool {
        self.ahead
    }

    /// Hands over a batch that ends with a commit.
    pub(super) fn last(&mut self, batch: Batch, point: CommitPoint) -> Result<()> {
        self.parts = Parts::None;
        self.send(Work::Last(batch, point))
    }

    /// The parts that were handed over are to be rolled back, as soon as the applier is idle.
    pub(super) fn give_up(&mut self) {
        if self.is_open() {
            self.parts = Parts::GivenUp;
        }
    }

    /// Parts are to be rolled back.
    pub(super) fn gives_up(&self) -> bool {
        self.parts == Parts::GivenUp
    }

    /// Has them rolled back; the applier must be idle.
    pub(super) fn roll_back(&mut self) -> Result<()> {
        self.parts = Parts::None;
        self.send(Work::GiveUp)
    }

    /// Moves the position of an idle pipeline.
    pub(super) fn idle(&mut self, to: Lsn) -> Result<()> {
        self.send(Work::Idle(to))
    }

    /// Asks whether what was committed is durable.
    pub(super) fn look_at_flush(&mut self) -> Result<()> {
        self.send(Work::LookAtFlush)
    }

    /// Fills the places of loaded tables; what is handed over from then on goes there.
    pub(super) fn fill(&mut self, adoption: Arc<Adoption>) -> Result<()> {
        self.send(Work::Fill(adoption))
    }

    /// Puts loaded tables into their places, complete up to `lsn`.
    pub(super) fn take(
        &mut self,
        adoption: Arc<Adoption>,
        lsn: Lsn,
        patience: Duration,
    ) -> Result<()> {
        self.send(Work::Take(adoption, lsn, patience))
    }

    /// Waits for the work that is under way; for ever when nothing is.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn done(&mut self) -> Result<Done> {
        if !self.busy {
            return std::future::pending().await;
        }
        let done = self.done.recv().await.ok_or_else(gone)??;
        self.busy = false;
        self.ahead &= self.is_open();
        Ok(done)
    }

    /// Ends the task; an open transaction is rolled back. Work that does not end in time, for
    /// example behind a lock, is given up: what is not committed comes again.
    pub(super) async fn finish(mut self) {
        let (closed, _) = mpsc::channel(1);
        self.work = closed;
        if tokio::time::timeout(GOODBYE_MAX, &mut self.task)
            .await
            .is_err()
        {
            tracing::warn!("the applier did not end in time");
        }
    }

    /// Ends the task; nothing may be under way or open.
    pub(super) async fn give_back(mut self) -> Result<Applier> {
        let (closed, _) = mpsc::channel(1);
        self.work = closed;
        (&mut self.task).await.map_err(|_| gone())
    }

    fn send(&mut self, work: Work) -> Result<()> {
        self.busy = true;
        self.work.try_send(work).map_err(|_| gone())
    }
}

/// However the reader ends, the session that holds the writer lock ends with it.
impl Drop for HandOver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn gone() -> Error {
    Error::new(Kind::Unknown, "The applier ended without a word")
}

async fn apply_all(
    mut applier: Applier,
    mut todo: mpsc::Receiver<Work>,
    report: mpsc::Sender<Result<Done>>,
) -> Applier {
    while let Some(work) = todo.recv().await {
        let started = Instant::now();
        let done = one(&mut applier, work).await.map(|mut done| {
            done.took = started.elapsed();
            done
        });
        let failed = done.is_err();
        if report.send(done).await.is_err() || failed {
            return applier;
        }
    }
    if let Err(error) = applier.abandon().await {
        tracing::debug!(error = %error, "rolling back at the end failed");
    }
    applier
}

async fn one(applier: &mut Applier, work: Work) -> Result<Done> {
    let (mut done_batch, mut adoption, mut steps) = (None, None, Steps::default());
    match work {
        Work::Part(batch, ahead) => {
            steps = applier.apply_part(&batch, ahead).await?;
            done_batch = Some(batch);
        }
        Work::Last(batch, point) => {
            steps = applier.apply(&batch, point).await?;
            done_batch = Some(batch);
        }
        Work::Idle(to) => applier.advance_idle(to).await?,
        Work::LookAtFlush => applier.look_at_flush().await?,
        Work::Fill(filling) => {
            applier.fill_places(&filling).await?;
            adoption = Some(Step::Filled);
        }
        Work::Take(taking, lsn, patience) => {
            let taken = applier.take_places(&taking, lsn, patience).await?;
            adoption = Some(if taken { Step::Taken } else { Step::Locked });
        }
        Work::GiveUp => applier.abandon().await?,
    }
    Ok(Done {
        applied: applier.applied(),
        durable: applier.durable(),
        batch: done_batch,
        adoption,
        reload_asked: applier.reload_asked(),
        steps,
        took: Duration::ZERO,
    })
}
