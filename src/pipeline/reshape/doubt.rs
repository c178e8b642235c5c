//! Why a copy may hold other rows than its table, though no message said so.

use super::difference::Difference;
use crate::catalog::ReplicaIdentity;
use crate::catalog::source::{Sending, Shape, SourceTable};
use crate::checkpoint::Shapes;

/// Why rows may have changed without a message; `emptied` is the last transaction that left the
/// table empty.
pub(super) fn doubt(
    known: &Shapes,
    now: &Shape,
    difference: &Difference<'_>,
    emptied: Option<u32>,
) -> Option<&'static str> {
    let sending = known.sending.as_ref();
    if difference.rewritten {
        return Some("its rows were rewritten");
    }
    if difference.doubtful {
        return Some("columns came and went at once: rows of in between cannot be told apart");
    }
    if sending.is_some_and(|before| now.sending.words_may_lack(before)) {
        return Some("it was published otherwise, or not at all, for a while");
    }
    let may_lack = |before: &Sending| {
        let emptied = emptied.is_some_and(|xid| now.sending.is_emptied_by(before, xid));
        now.sending.members_may_lack(before) && !emptied
    };
    if sending.is_some_and(may_lack) {
        return Some("partitions came, went, or were truncated or rewritten");
    }
    let toast = known.toast.filter(|toast| *toast != 0 && now.toast != 0);
    let moved = toast.is_some_and(|toast| toast != now.toast);
    moved.then_some("it was rewritten, and may have been unlogged for a while")
}

/// Why rows may have come that the copy took for others, or kept.
pub(super) fn of_rows(
    table: &SourceTable,
    known: &Shapes,
    now: &Shape,
    new_partitions: &[u32],
) -> Option<&'static str> {
    if now.sending.lacks_one_of(new_partitions) {
        return Some("a partition came with rows and went");
    }
    // without a key they are still sent, and found by the one that the copy has
    let had = known.key.filter(|key| *key != 0);
    let another = table.identity == ReplicaIdentity::Full && had.is_some_and(|key| key != now.key);
    another.then_some("rows of one key may have been taken for one row")
}
