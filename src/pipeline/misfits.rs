//! Rows that fit no shape that their table is known to have had.
//!
//! ```text
//! first there ─▶ read the catalogs once more ─▶ there again ─▶ load the table again
//! ```
//!
//! **Why this ends.** A position is met once more only if neither helped, since rows from before
//! the snapshot of a load are skipped. What has no position is tried once more, too. A table may
//! change all the time, and its rows fail to fit time and again: each time further on, which is
//! another fault and is mended as well. How often is limited, should one not be what it seems.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

use crate::limits::{MISFIT_LOADS_MAX, MISFIT_LOADS_SPAN, MISFITS_MAX};
use crate::lsn::Lsn;

/// What was tried where.
#[derive(Default)]
pub(super) struct Misfits {
    /// Where the catalogs were read once more.
    seen: HashSet<Option<Lsn>>,
    /// Where each table was when it was to be loaded again.
    loaded: HashMap<String, Option<Lsn>>,
    /// When that was, the last few times.
    loads: HashMap<String, VecDeque<Instant>>,
}

impl Misfits {
    /// Whether reading the catalogs once more may help. When many rows did not fit, one soon after
    /// the other, it is time for more.
    pub(super) fn may_read_again(&mut self, at: Option<Lsn>) -> bool {
        self.seen.len() < MISFITS_MAX && self.seen.insert(at)
    }

    /// Whether loading the table again may help: once for a position, and not without end.
    pub(super) fn may_load_again(&mut self, table: &str, at: Option<Lsn>) -> bool {
        if self.loaded.get(table).is_some_and(|before| *before >= at) {
            return false;
        }
        let loads = self.loads.entry(table.to_owned()).or_default();
        loads.retain(|when| when.elapsed() < MISFIT_LOADS_SPAN);
        if loads.len() >= MISFIT_LOADS_MAX {
            return false;
        }
        loads.push_back(Instant::now());
        self.loaded.insert(table.to_owned(), at);
        true
    }

    /// Something else has changed that rows have to fit.
    pub(super) fn begin_again(&mut self) {
        self.seen.clear();
    }

    /// A round went well for a while: only what ended it counts, and positions never do so twice.
    pub(super) fn forget_all_but(&mut self, at: Option<Lsn>) {
        self.seen.retain(|seen| *seen == at);
        self.loaded.retain(|_, loaded| loaded.is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_loaded_again_wherever_it_does_not_fit_but_once_for_a_position() {
        let mut misfits = Misfits::default();
        assert!(misfits.may_read_again(Some(Lsn(5))));
        assert!(!misfits.may_read_again(Some(Lsn(5))));
        assert!(misfits.may_load_again("public.t", Some(Lsn(5))));
        misfits.forget_all_but(None);
        assert!(!misfits.may_load_again("public.t", Some(Lsn(5))));
        assert!(misfits.may_load_again("public.u", Some(Lsn(5))));
        assert!(misfits.may_load_again("public.t", Some(Lsn(6))));
    }

    #[test]
    fn without_a_position_a_load_is_worth_another_try_after_a_while() {
        let mut misfits = Misfits::default();
        assert!(misfits.may_load_again("public.t", None));
        assert!(!misfits.may_load_again("public.t", None));
        misfits.forget_all_but(None);
        assert!(misfits.may_load_again("public.t", None));
    }

    #[test]
    fn a_table_that_never_fits_is_not_loaded_for_ever() {
        let mut misfits = Misfits::default();
        let loads = (0..).take_while(|at| misfits.may_load_again("public.t", Some(Lsn(*at))));
        assert_eq!(loads.count(), MISFIT_LOADS_MAX);
        assert!(misfits.may_load_again("public.u", Some(Lsn(1))));
    }

    #[test]
    fn many_misfits_in_a_row_are_not_answered_by_reading_again() {
        let mut misfits = Misfits::default();
        let tries = (0..).take_while(|at| misfits.may_read_again(Some(Lsn(*at))));
        assert_eq!(tries.count(), MISFITS_MAX);
    }
}
