//! When to read the wire again.
//!
//! A walsender sends every row by itself. What that costs it is up to the receiver: for one that
//! takes each row as it comes, the source's kernel makes a packet of it and wakes somebody up; the
//! rows of one that is in no hurry it puts together. So a reader that is behind pauses whenever it
//! has taken all that there was. One that is not behind reads at once: nothing is in the way of a
//! lone transaction.

use tokio::time::Instant;

use crate::error::Result;
use crate::limits::{BEHIND_BYTES_MIN, GULP_BYTES_MIN, GULP_PATIENCE, GULP_PAUSE};
use crate::source::{Gulp, Stream};

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

    /// Reads what there is, when it is time.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn read(&mut self, stream: &mut Stream) -> Result<()> {
        if let Some(read_at) = self.read_at {
            tokio::time::sleep_until(read_at).await;
        }
        let mut gulp = stream.fill().await?;
        // While it reads, rows pass one by one: it looks at them when it has all of them.
        while self.goes_on(gulp, Instant::now()) && stream.has_room() {
            let more = tokio::time::timeout(GULP_PATIENCE, stream.fill()).await;
            let Ok(more) = more else {
                self.pause(Instant::now());
                break;
            };
            gulp = more?;
        }
        Ok(())
    }

    /// This came just now; whether more of it may be on its way.
    fn goes_on(&mut self, gulp: Gulp, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) > GULP_PAUSE {
            (self.since, self.bytes) = (now, 0);
        }
        self.bytes += gulp.bytes;
        self.read_at = None;
        if self.bytes < BEHIND_BYTES_MIN {
            return false;
        }
        let drained = gulp.emptied && gulp.bytes < GULP_BYTES_MIN;
        if drained {
            self.pause(now);
        }
        !drained
    }

    fn pause(&mut self, now: Instant) {
        let read_at = now + GULP_PAUSE;
        (self.since, self.bytes, self.read_at) = (read_at, 0, Some(read_at));
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
            assert!(!pace.goes_on(emptied(1_000), now));
            assert_eq!(pace.read_at, None);
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
                assert!(pace.goes_on(full, now));
                assert!(pace.goes_on(emptied(GULP_BYTES_MIN), now));
                assert_eq!(pace.read_at, None);
            }
            assert!(!pace.goes_on(emptied(100), now));
            assert_eq!(pace.read_at, Some(now + GULP_PAUSE));
            now += GULP_PAUSE;
        }
        assert!(!pace.goes_on(emptied(100), now));
        assert_eq!(pace.read_at, None, "it has caught up");
    }

    #[test]
    fn rows_that_are_taken_one_by_one_though_there_are_many_are_noticed() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        let mut reads = 0;
        while pace.read_at.is_none() {
            now += Duration::from_micros(5);
            pace.goes_on(emptied(110), now);
            reads += 1;
        }
        assert_eq!(reads, BEHIND_BYTES_MIN.div_ceil(110));
    }
}
