//! Whether a connection pooler stands between us and a server.
//!
//! Two sessions that are open at the same time have two backends, unless something hands one
//! backend to both; and a session keeps its backend, unless something swaps it. Poolers that keep
//! one backend a session do neither and do no harm to SQL sessions.

use super::Sessions;
use super::report::Report;
use crate::catalog::backend_pid;
use crate::error::{Kind, Result, Side};

pub(super) async fn inspect(sessions: &Sessions, side: Side, report: &mut Report) {
    match is_shared(sessions, side).await {
        Ok(false) => {}
        Ok(true) => report.failure(
            Kind::Unsupported,
            side,
            "connection",
            "A pooler in transaction mode stands between walferry and the server: sessions do not \
             keep their backend, so settings, temporary tables and locks get lost",
            "Give host and port of the server itself; poolers do not carry replication \
             connections either.",
        ),
        Err(error) => report.error(side, "connection", &error),
    }
}

async fn is_shared(sessions: &Sessions, side: Side) -> Result<bool> {
    let first = backend_pid(&sessions.main, side).await?;
    let other = backend_pid(&sessions.other, side).await?;
    let again = backend_pid(&sessions.main, side).await?;
    Ok(swapped(first, other, again))
}

/// One session asked first and last, another one in between.
fn swapped(first: i32, other: i32, again: i32) -> bool {
    first == other || first != again
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_is_handed_around_gives_a_pooler_away() {
        assert!(swapped(7, 7, 7), "an idle pooler hands out the same one");
        assert!(swapped(7, 8, 8), "a busy one another each time");
        assert!(!swapped(7, 8, 7));
    }
}
