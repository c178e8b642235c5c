//! The figures of a load: what is done, what is expected, how fast it goes, how long that takes.
//!
//! Bars, log lines, `/status`, `walferry status`, the status page and systemd all tell these.
//!
//! A table's size on disk stands for its work. COPY data can be larger or smaller than that, so
//! copied bytes alone would end at 70 % or at 140 %: a table is done when it is live, and what it
//! took is then what was expected of it.

use serde::{Deserialize, Serialize};

use super::rate::Rate;
use super::status::{State, Table, TableState};

/// A load under way, over all of its tables. Those that are quarantined are no part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Work done, in percent: 100 once all tables are live, and not before.
    pub percent: u64,
    /// Tables that it has.
    pub tables: u64,
    /// Tables that are live.
    pub tables_loaded: u64,
    /// Rows copied so far.
    pub rows: u64,
    /// Bytes of COPY data copied so far.
    pub bytes: u64,
    /// Bytes in the end, by the sizes of the tables on the source: an estimate for those that are
    /// not live yet.
    pub bytes_expected: u64,
    /// Bytes copied a second, over the last seconds; `null` until that is known.
    pub bytes_per_second: Option<u64>,
    /// How long the rows still take at this rate; `null` while nothing moves, and once only indexes
    /// are left.
    pub remaining_seconds: Option<u64>,
    #[serde(skip)]
    pub(super) work: Work,
}

impl Load {
    /// Of these tables, without a rate.
    pub(super) fn of<'t>(tables: impl Iterator<Item = &'t Table>) -> Load {
        let mut load = Load::default();
        for table in tables.filter(|table| table.state != TableState::Quarantined) {
            load.tables += 1;
            load.tables_loaded += u64::from(table.state == TableState::Live);
            load.rows += table.rows;
            load.bytes += table.bytes;
            load.bytes_expected += table.bytes_expected.max(table.bytes);
            load.work.add(Work::of_table(table));
        }
        load.percent = load.work.percent();
        load
    }

    /// What is under way: all tables during the initial load; those that join or are loaded again
    /// beside the stream; else nothing.
    pub(super) fn under_way(state: State, tables: &[Table], rate: &Rate) -> Option<Load> {
        let of_load = |table: &&Table| table.in_load || is_loading(table.state);
        let load = match state {
            State::Snapshot => Load::of(tables.iter()),
            State::Streaming if tables.iter().any(|table| is_loading(table.state)) => {
                Load::of(tables.iter().filter(of_load))
            }
            _ => return None,
        };
        // nothing tells how long indexes take
        let has_rows = |state| matches!(state, TableState::Pending | TableState::Copying);
        let left = tables.iter().filter(|table| has_rows(table.state));
        let left: u64 = left.map(|table| Work::of_table(table).left()).sum();
        Some(Load {
            bytes_per_second: rate.bytes_per_second(),
            remaining_seconds: rate.seconds_for(left).filter(|_| left > 0),
            ..load
        })
    }
}

/// Waits for its rows, gets them, or gets its keys.
pub(super) fn is_loading(state: TableState) -> bool {
    !matches!(state, TableState::Live | TableState::Quarantined)
}

/// Work done and work in all, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) done: u64,
    pub(super) all: u64,
}

impl Work {
    /// Of one table. It has one page at least, so that empty tables count too.
    pub(super) fn of(state: TableState, bytes: u64, bytes_expected: u64) -> Work {
        let all = bytes_expected.max(8192);
        let most = all - all / 100;
        let done = match state {
            TableState::Live => all,
            TableState::Pending => 0,
            TableState::Copying | TableState::Quarantined => bytes.min(most),
            TableState::Indexing => most,
        };
        Work { done, all }
    }

    pub(super) fn of_table(table: &Table) -> Work {
        Work::of(table.state, table.bytes, table.bytes_expected)
    }

    pub(super) fn add(&mut self, other: Work) {
        self.done += other.done;
        self.all += other.all;
    }

    pub(super) fn left(self) -> u64 {
        self.all - self.done
    }

    /// Rounded down.
    pub(super) fn percent(self) -> u64 {
        let percent = u128::from(self.done) * 100 / u128::from(self.all.max(1));
        u64::try_from(percent).unwrap_or(100)
    }
}

/// In at most nine columns.
pub fn remaining(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} m {:02} s", seconds % 60),
        (..100, _) => format!("{hours} h {:02} m", minutes % 60),
        _ => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn table(state: TableState, bytes: u64, bytes_expected: u64) -> Table {
        Table {
            schema: "public".to_owned(),
            table: "t".to_owned(),
            state,
            rows: 1,
            bytes,
            bytes_expected,
            percent: Work::of(state, bytes, bytes_expected).percent(),
            bytes_per_second: None,
            remaining_seconds: None,
            changes: 0,
            error: None,
            in_load: false,
        }
    }

    fn rate(bytes_per_second: u64) -> Rate {
        let (now, mut rate) = (Instant::now(), Rate::default());
        rate.note(now, 0, 0);
        let later = now + Duration::from_secs(1);
        rate.note(later, bytes_per_second, bytes_per_second);
        rate
    }

    #[test]
    fn the_total_reaches_100_percent_when_all_tables_are_live_and_not_before() {
        let over = table(TableState::Copying, 5_000_000, 1_000_000);
        let empty = table(TableState::Live, 0, 0);
        assert_eq!(over.percent, 99);
        let load = Load::of([&over, &empty].into_iter());
        assert_eq!((load.percent, load.tables, load.tables_loaded), (99, 2, 1));
        let done = table(TableState::Live, 5_000_000, 5_000_000);
        let set_aside = table(TableState::Quarantined, 10, 1_000_000);
        let load = Load::of([&done, &empty, &set_aside].into_iter());
        assert_eq!((load.percent, load.tables, load.tables_loaded), (100, 2, 2));
        assert_eq!(load.bytes, load.bytes_expected);
    }

    #[test]
    fn no_table_is_complete_before_it_is_live() {
        for (bytes, expected) in [(0, 0), (1000, 0), (2000, 1000), (u64::MAX, u64::MAX)] {
            for state in TableState::ALL {
                let live = state == TableState::Live;
                let percent = Work::of(state, bytes, expected).percent();
                assert_eq!(percent == 100, live, "{state} {bytes} of {expected}");
            }
        }
    }

    #[test]
    fn less_is_never_expected_than_was_copied() {
        let over = table(TableState::Copying, 3_000_000, 1_000_000);
        let waiting = table(TableState::Pending, 0, 2_000_000);
        let load = Load::of([&over, &waiting].into_iter());
        assert_eq!((load.bytes, load.bytes_expected), (3_000_000, 5_000_000));
        assert_eq!(load.percent, 33);
    }

    #[test]
    fn the_rest_takes_as_long_as_the_rate_says() {
        let copying = table(TableState::Copying, 1_000_000, 2_000_000);
        let waiting = table(TableState::Pending, 0, 3_000_000);
        let live = table(TableState::Live, 9_000_000, 9_000_000);
        let tables = [copying, waiting, live];
        let load = |state, rate| Load::under_way(state, &tables, &rate);
        let initial = load(State::Snapshot, rate(100_000)).unwrap();
        assert_eq!(initial.bytes_per_second, Some(100_000));
        assert_eq!(initial.remaining_seconds, Some(40));
        assert_eq!((initial.percent, initial.bytes), (71, 10_000_000));
        let beside = load(State::Streaming, rate(100_000)).unwrap();
        assert_eq!(beside.remaining_seconds, Some(40));
        assert_eq!((beside.percent, beside.bytes), (20, 1_000_000));
        let mut later_group = tables.clone();
        later_group[2].in_load = true;
        let beside = Load::under_way(State::Streaming, &later_group, &rate(100_000)).unwrap();
        assert_eq!((beside.percent, beside.tables_loaded), (71, 1));
        let keys = [table(TableState::Indexing, 9_000_000, 9_000_000)];
        let keys = Load::under_way(State::Snapshot, &keys, &rate(100_000)).unwrap();
        assert_eq!((keys.percent, keys.remaining_seconds), (99, None));
        let stuck = load(State::Snapshot, rate(0)).unwrap();
        assert_eq!(stuck.bytes_per_second, Some(0));
        assert_eq!(stuck.remaining_seconds, None);
    }

    #[test]
    fn there_is_no_load_once_all_is_live_nor_while_nothing_is_copied() {
        let live = [table(TableState::Live, 5, 5)];
        let waiting = [table(TableState::Pending, 0, 5)];
        assert_eq!(Load::under_way(State::Streaming, &live, &rate(1)), None);
        assert_eq!(Load::under_way(State::Retrying, &waiting, &rate(1)), None);
    }

    #[test]
    fn the_remaining_time_fits_its_column() {
        for (seconds, shown) in [
            (9, "9 s"),
            (65, "1 m 05 s"),
            (3_599, "59 m 59 s"),
            (7_260, "2 h 01 m"),
            (900_000, "10 days"),
        ] {
            assert_eq!(remaining(seconds), shown);
            assert!(shown.len() <= 9);
        }
    }
}
