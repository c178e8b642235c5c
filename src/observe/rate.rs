//! How fast something goes, by what was seen of it over the last few seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The rate is that of the last seconds.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// What was copied over the last few seconds: when it was looked at, bytes and work by then.
#[derive(Default)]
pub(super) struct Rate(VecDeque<(Instant, u64, u64)>);

impl Rate {
    pub(super) fn note(&mut self, now: Instant, bytes: u64, work: u64) {
        let old = |at: &Instant| now.duration_since(*at) > RATE_WINDOW;
        // something came to nothing and is done again, or nobody has looked for long: what was is
        // not how it goes on
        let apart = |(at, before, _): &(Instant, u64, u64)| bytes < *before || old(at);
        if self.0.back().is_some_and(apart) {
            self.0.clear();
        }
        self.0.push_back((now, bytes, work));
        while self.0.len() > 2 && self.0.front().is_some_and(|(at, ..)| old(at)) {
            self.0.pop_front();
        }
    }

    /// Bytes and work a second; `None` until it was looked at twice.
    fn speeds(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.0.front()?, self.0.back()?);
        let millis = u64::try_from(last.0.duration_since(first.0).as_millis()).ok()?;
        let speed = |from: u64, to: u64| {
            let more = to.saturating_sub(from);
            more.saturating_mul(1000).checked_div(millis)
        };
        Some((speed(first.1, last.1)?, speed(first.2, last.2)?))
    }

    pub(super) fn bytes_per_second(&self) -> Option<u64> {
        self.speeds().map(|(bytes, _)| bytes)
    }

    /// How many seconds this much work takes; `None` while nothing moves.
    pub(super) fn seconds_for(&self, work: u64) -> Option<u64> {
        let (_, speed) = self.speeds()?;
        (speed > 0).then(|| work.div_ceil(speed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As if it had been looked at every second.
    fn seen(work: &[u64]) -> Rate {
        let (began, mut rate) = (Instant::now(), Rate::default());
        for (second, work) in (0..).zip(work) {
            rate.note(began + Duration::from_secs(second), 2 * work, *work);
        }
        rate
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let rate = seen(&[0, 900, 1000, 1100, 1200, 1300, 1400]);
        assert_eq!(rate.bytes_per_second(), Some(200));
        assert_eq!(rate.seconds_for(250), Some(3));
        assert_eq!(rate.seconds_for(0), Some(0));
    }

    #[test]
    fn nothing_is_said_of_what_was_not_seen_to_move() {
        for work in [&[][..], &[7]] {
            assert_eq!(seen(work).bytes_per_second(), None);
            assert_eq!(seen(work).seconds_for(1), None);
        }
        let stands = seen(&[7, 7, 7]);
        assert_eq!(stands.bytes_per_second(), Some(0));
        assert_eq!(stands.seconds_for(1), None);
    }

    #[test]
    fn what_came_to_nothing_begins_anew() {
        assert_eq!(seen(&[500, 600, 10]).bytes_per_second(), None);
        let again = seen(&[500, 600, 10, 30]);
        assert_eq!(again.bytes_per_second(), Some(40));
    }

    #[test]
    fn a_load_has_not_the_rate_of_one_long_before() {
        let mut rate = seen(&[0, 100]);
        rate.note(Instant::now() + Duration::from_hours(1), 300, 150);
        assert_eq!(rate.bytes_per_second(), None);
    }
}
