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
        Err(error) => report.error(side, "connection", error),
    }
}

async fn is_shared(sessions: &Sessions, side: Side) -> Result<bool> {
    let first = backend_pid(&sessions.main, side).await?;
    let other = backend_pid(&sessions.other, side).await?;
    let again = backend_pid(&sessions.main, side).await?;
    Ok(first == other || first != again)
}
