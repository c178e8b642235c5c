//! Which of the tables that join are loaded together: a fault costs no more than these, and each
//! group ends with a start, which looks at all tables there are.
//!
//! **Why this is right.** What does not come now is as missing at that start as it is now. One
//! transaction brings the tables of a group to their places, and takes a few locks for each: the
//! server has room for so many in all, of which a group may take a part. While nothing is live, as
//! after an initial load that was cut short, nobody waits for the group, and larger ones spare
//! starts.

use super::tablesync::Joining;
use crate::checkpoint::Writer;
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::limits::{
    TABLESYNC_BYTES_MAX, TABLESYNC_FIRST_TABLES_MAX, TABLESYNC_LOCKS_SHARE, TABLESYNC_TABLES_MAX,
};
use crate::sql::ask;
use crate::sql::probe::LOCKS;

/// The tables that are loaded now, smallest first; the others come after them. Some are `live`, or
/// none are.
pub(super) async fn next_group(
    writer: &Writer,
    joining: Vec<Joining>,
    live: bool,
) -> Result<Vec<Joining>> {
    let many = joining.len() > TABLESYNC_TABLES_MAX;
    let most = if live || !many {
        TABLESYNC_TABLES_MAX
    } else {
        let row = ask::query_one(writer.client(), LOCKS, &[]).await;
        let doing = "ask for room for locks";
        let row = row.map_err(|error| from_client(Side::Destination, doing, &error))?;
        most_at_first(row.get(0))
    };
    Ok(first(joining, most))
}

/// How many a server takes at once that has room for so many locks.
fn most_at_first(locks: i64) -> usize {
    let most = usize::try_from(locks).unwrap_or(0) / TABLESYNC_LOCKS_SHARE;
    most.clamp(TABLESYNC_TABLES_MAX, TABLESYNC_FIRST_TABLES_MAX)
}

fn first(mut joining: Vec<Joining>, most: usize) -> Vec<Joining> {
    joining.sort_by_key(|joining| joining.table.bytes);
    let mut bytes = 0;
    let fits = |joining: &&Joining| {
        bytes += joining.table.bytes;
        bytes <= TABLESYNC_BYTES_MAX
    };
    let count = joining.iter().take_while(fits).count();
    joining.truncate(count.clamp(1, most));
    joining
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_as_large_as_the_server_has_room_for_its_locks() {
        assert_eq!(most_at_first(64 * 100), TABLESYNC_FIRST_TABLES_MAX);
        assert_eq!(most_at_first(64 * 50), 400);
        assert_eq!(most_at_first(64 * 10), TABLESYNC_TABLES_MAX);
    }
}
