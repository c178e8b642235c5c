//! Where the time of a batch goes.

use std::time::Duration;

/// What a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// TRUNCATE.
    Truncate,
    /// Removing rows, staging included.
    Delete,
    /// Changing rows, staging included.
    Update,
    /// Adding rows.
    Insert,
    /// The checkpoint row and COMMIT.
    Commit,
    /// What has no figure of its own.
    Other,
}

/// Time that the steps of a batch took, by when their answers came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steps {
    truncate: Duration,
    delete: Duration,
    update: Duration,
    insert: Duration,
    commit: Duration,
}

impl Steps {
    /// Name and time of each step, for the metric `batch_seconds{step}`.
    pub fn named(&self) -> [(&'static str, Duration); 5] {
        [
            ("truncate", self.truncate),
            ("delete", self.delete),
            ("update", self.update),
            ("insert", self.insert),
            ("commit", self.commit),
        ]
    }

    pub(super) fn add(&mut self, step: Step, time: Duration) {
        match step {
            Step::Truncate => self.truncate += time,
            Step::Delete => self.delete += time,
            Step::Update => self.update += time,
            Step::Insert => self.insert += time,
            Step::Commit => self.commit += time,
            Step::Other => {}
        }
    }

    pub(super) fn join(&mut self, other: Steps) {
        let steps = other.named().map(|(_, time)| time);
        let [truncate, delete, update, insert, commit] = steps;
        self.truncate += truncate;
        self.delete += delete;
        self.update += update;
        self.insert += insert;
        self.commit += commit;
    }
}
