//! Whether a connection pooler stands between us and a server.
//!
//! Two sessions that are open at the same time have two backends, unless something hands one
//! backend to both; and a session keeps its backend, unless something swaps it. A pooler that
//! keeps one backend a session does neither, but it drops the settings that sessions start with.

use super::Sessions;
use super::report::Report;
use crate::catalog::{Backend, backend};
use crate::error::{Kind, Result, Side};

pub(super) async fn inspect(sessions: &Sessions, side: Side, report: &mut Report) {
    let what = match ask(sessions, side).await {
        Ok(answers) if is_swapped(answers.map(|backend| backend.pid)) => {
            "A pooler in transaction mode stands between walferry and the server: sessions do not \
             keep their backend, so that settings, temporary tables and locks get lost"
        }
        Ok(answers) if !answers.iter().all(|backend| backend.pinned) => {
            "A pooler stands between walferry and the server: it dropped the settings with which \
             the session was opened"
        }
        Ok(_) => return,
        Err(error) => return report.error(side, "connection", &error),
    };
    report.failure(
        Kind::Unsupported,
        side,
        "connection",
        what,
        "Give host and port of the server itself; poolers do not carry replication connections \
         either.",
    );
}

/// One session is asked first and last, another one in between.
async fn ask(sessions: &Sessions, side: Side) -> Result<[Backend; 3]> {
    Ok([
        backend(&sessions.main, side).await?,
        backend(&sessions.other, side).await?,
        backend(&sessions.main, side).await?,
    ])
}

fn is_swapped([first, other, again]: [i32; 3]) -> bool {
    first == other || first != again
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_is_handed_around_gives_a_pooler_away() {
        assert!(
            is_swapped([7, 7, 7]),
            "an idle pooler hands out the same one"
        );
        assert!(is_swapped([7, 8, 8]), "a busy one another each time");
        assert!(!is_swapped([7, 8, 7]));
    }
}
