//! When to read the wire again.
//!
//! A walsender sends every row by itself. What that costs it is up to the receiver: for one that
//! takes each row as it comes, the source's kernel makes a packet of it and wakes somebody up; the
//! rows of one that is in no hurry it puts together. So a reader that is behind pauses whenever it
//! has taken all that there was. One that is not behind reads at once: nothing is in the way of a
//! lone transaction.

use tokio::time::Instant;

use crate::limits::{BEHIND_BYTES_MIN, GULP_BYTES_MIN, GULP_PAUSE};
use crate::source::Gulp;

/// How much came lately, and what follows from it.
pub(super) struct Pace {
    since: Instant,
    bytes: usize,
    read_at: Option<Instant>,
}

impl Pace {
    /// Nothing came yet.
    pub(super) fn new(now: Instant) -> Self {
        Pace {
            since: now,
            bytes: 0,
            read_at: None,
        }
    }

    /// Not before then; `None`: at once.
    pub(super) fn read_at(&self) -> Option<Instant> {
        self.read_at
    }

    /// This came just now.
    pub(super) fn note(&mut self, gulp: Gulp, now: Instant) {
        if now.saturating_duration_since(self.since) > GULP_PAUSE {
            (self.since, self.bytes) = (now, 0);
        }
        self.bytes += gulp.bytes;
        let drained = gulp.emptied && gulp.bytes < GULP_BYTES_MIN;
        let behind = self.bytes >= BEHIND_BYTES_MIN;
        self.read_at = (drained && behind).then(|| now + GULP_PAUSE);
        if let Some(read_at) = self.read_at {
            (self.since, self.bytes) = (read_at, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::READ_BYTES;
    use std::time::Duration;

    fn emptied(bytes: usize) -> Gulp {
        Gulp {
            bytes,
            emptied: true,
        }
    }

    #[test]
    fn a_lone_transaction_and_a_thousand_a_second_are_never_waited_for() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..10_000 {
            now += Duration::from_millis(1);
            pace.note(emptied(1_000), now);
            assert_eq!(pace.read_at(), None);
        }
    }

    #[test]
    fn a_reader_that_is_behind_takes_all_there_is_and_then_pauses() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..3 {
            for _ in 0..20 {
                let full = Gulp {
                    bytes: READ_BYTES,
                    emptied: false,
                };
                pace.note(full, now);
                pace.note(emptied(GULP_BYTES_MIN), now);
                assert_eq!(pace.read_at(), None, "more may be on its way");
            }
            pace.note(emptied(100), now);
            let read_at = pace.read_at().unwrap();
            assert_eq!(read_at, now + GULP_PAUSE);
            now = read_at;
        }
        pace.note(emptied(100), now);
        assert_eq!(pace.read_at(), None, "it has caught up");
    }

    #[test]
    fn rows_that_are_taken_one_by_one_though_there_are_many_are_noticed() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        let mut reads = 0;
        while pace.read_at().is_none() {
            now += Duration::from_micros(5);
            pace.note(emptied(110), now);
            reads += 1;
        }
        assert_eq!(reads, BEHIND_BYTES_MIN.div_ceil(110));
    }
}
