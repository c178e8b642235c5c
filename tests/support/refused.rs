//! Promise P4 as a test sees it: a named error, what to do, and nothing changed.

use std::time::Instant;

use tokio_postgres::Client;

use super::PATIENCE;
use super::{
    CANARY, Daemon, Pair, all_things, assert_discreet, do_on, drain, equal_soon, walferry,
};

/// What most refusals tell the operator to do.
pub const FRESH: &str = "walferry teardown --drop-data";

/// The daemon ends by itself with exit code 4, names this kind, and says all of this.
pub async fn halts(pair: &Pair, daemon: Daemon, already_said: usize, kind: &str, says: &[&str]) {
    assert_eq!(daemon.wait_exit().await, Some(4), "not {kind}");
    let log = std::fs::read_to_string(pair.directory().join("walferry.log")).unwrap();
    let said = &log[already_said..];
    let kind = format!("kind=\"{kind}\"");
    for part in says.iter().chain([&kind.as_str(), &"hint: "]) {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    assert!(!log.contains(CANARY), "a row was shown:\n{log}");
}

/// How much the daemons of this pair have said so far.
pub fn log_length(pair: &Pair) -> usize {
    let log = std::fs::metadata(pair.directory().join("walferry.log"));
    log.map_or(0, |log| usize::try_from(log.len()).unwrap())
}

/// A start is refused, leaves everything as it was, and is refused again.
pub async fn refuses_to_start(pair: &Pair, kind: &str, says: &[&str]) {
    let before = all_things(pair).await;
    for _ in 0..2 {
        let length = log_length(pair);
        halts(pair, Daemon::start(pair), length, kind, says).await;
    }
    assert_eq!(all_things(pair).await, before, "{kind}");
}

/// Does so.
pub async fn start_afresh(pair: &Pair) {
    walferry(&pair.config(), &["teardown", "--drop-data", "--yes"])
        .await
        .ended(0, &["Done."]);
    let daemon = Daemon::start(pair);
    equal_soon(pair).await;
    assert_discreet(pair, &daemon).await;
    drain(pair, daemon).await;
}

/// Writes log until the slot of a stopped daemon is lost; the source keeps little for it.
pub async fn lose_slot(source: &Client) {
    let started = Instant::now();
    let lost = "SELECT wal_status = 'lost' FROM pg_replication_slots";
    while !source.query_one(lost, &[]).await.unwrap().get::<_, bool>(0) {
        for _ in 0..3 {
            do_on(source, "INSERT INTO other SELECT max(id) + 1 FROM other").await;
            do_on(source, "SELECT pg_switch_wal()").await;
        }
        do_on(source, "CHECKPOINT").await;
        assert!(started.elapsed() < PATIENCE);
    }
}
