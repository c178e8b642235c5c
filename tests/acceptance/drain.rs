//! SIGTERM in the middle of a pgbench run.

use std::time::{Duration, Instant};

use tokio_postgres::Client;
use walferry::limits::DRAIN_MAX;

use crate::support::bookkeeping::{applied, confirmed, loads, slots_made};
use crate::support::{
    Daemon, Figures, Pair, Pgbench, Relay, do_on, edited_config, equal_soon, log_length, majors,
    until,
};

#[tokio::test]
async fn a_drain_under_load_leaves_a_clean_checkpoint_from_which_the_next_start_goes_on() {
    for major in majors().await {
        let figures = Figures::asked_for();
        let pair = Pair::with_settings(major, &[("log_replication_commands", "on")], &[]).await;
        let talkative = pair.write_config("talkative.toml", "log_level = \"debug\"\n");
        Pgbench::init(&pair, figures.scale).await;
        let load = Pgbench::start(&pair);
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        let mut daemon = Daemon::start_on(&pair, &talkative);
        daemon.wait_ready().await;
        let first_loads = loads(&destination, "walferry").await;
        tokio::time::sleep(figures.run / 2).await;

        let told = Instant::now();
        assert_eq!(daemon.sigterm().await, Some(0));
        let took = told.elapsed();
        // the goodbye told the source everything that is in the tables
        assert_told(&source, &destination, &log(&pair, 0)).await;

        tokio::time::sleep(figures.run / 2).await;
        let length = log_length(&pair);
        let daemon = Daemon::start_on(&pair, &talkative);
        load.stop(&pair).await;
        let (transactions, late) = Pgbench::arrived(&pair).await;
        assert_eq!(loads(&destination, "walferry").await, first_loads);
        assert_eq!(slots_made(&pair), 1);
        assert_eq!(daemon.sigterm().await, Some(0));
        // at rest, the checkpoint has moved past everything that was written
        assert_told(&source, &destination, &log(&pair, length)).await;
        eprintln!(
            "PostgreSQL {version}: drained in {took:.1?} under load; {transactions} transactions, \
             equal {late:.1?} after the end",
            version = pair.source.binaries().version(),
        );
    }
}

/// What a daemon says of an end that took too long.
const LATE: [&str; 4] = [
    "did not answer the goodbye",
    "did not note the last position in time",
    "was not complete in time",
    "did not end in time",
];

/// The source knows how far the destination is, once the slot is free; of less, if one of the two
/// took too long for the goodbye, and that is logged.
async fn assert_told(source: &Client, destination: &Client, log: &str) {
    let free = "SELECT bool_and(NOT active) FROM pg_replication_slots";
    until(source, free).await;
    let (acknowledged, _) = confirmed(source).await.unwrap();
    let applied = applied(destination).await.unwrap();
    let late = LATE.iter().any(|late| log.contains(late));
    let told = acknowledged == applied || late && acknowledged < applied;
    assert!(told, "{acknowledged:X}, {applied:X}: {log}");
}

/// What the daemons of the pair have logged from there on.
fn log(pair: &Pair, from: usize) -> String {
    let mut log = std::fs::read_to_string(pair.directory().join("walferry.log")).unwrap();
    log.split_off(from)
}

#[tokio::test]
async fn a_drain_that_runs_out_of_time_acknowledges_nothing_that_it_drops() {
    let pair = Pair::start(majors().await[0]).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    do_on(&source, "CREATE TABLE t (id int PRIMARY KEY, v text)").await;
    let relay = Relay::to(pair.source.port(), "the wire stops here").await;
    let port = |port: u16| format!("port = {port}");
    let edits = [(&*port(pair.source.port()), &*port(relay.port))];
    let mut daemon = Daemon::start_on(&pair, &edited_config(&pair, "relayed.toml", &edits));
    daemon.wait_ready().await;

    // the first waits for somebody, the second for the first, the third for the wire
    let somebody = pair.on_destination().await;
    let lock = "BEGIN; LOCK TABLE app_public.t IN ACCESS EXCLUSIVE MODE";
    do_on(&somebody, lock).await;
    do_on(&source, "INSERT INTO t VALUES (1)").await;
    // what gathers statistics may wait as well
    let blocked = "SELECT count(*) > 0 FROM pg_locks
                   WHERE NOT granted AND mode = 'RowExclusiveLock'";
    until(&destination, blocked).await;
    do_on(&source, "INSERT INTO t VALUES (2)").await;
    let third = "INSERT INTO t VALUES (3, 'the wire stops here'), (4, 'never seen')";
    do_on(&source, third).await;
    relay.until_held().await;
    // what it let through has been read by then
    tokio::time::sleep(Duration::from_secs(1)).await;
    do_on(&somebody, "COMMIT").await;
    until(&destination, "SELECT count(*) = 1 FROM app_public.t").await;

    assert_eq!(daemon.sigterm().await, Some(0));
    let (acknowledged, _) = confirmed(&source).await.unwrap();
    assert!(acknowledged <= applied(&destination).await.unwrap());
    until(&destination, "SELECT count(*) = 1 FROM app_public.t").await;
    let daemon = Daemon::start(&pair);
    equal_soon(&pair).await;
    assert_eq!(daemon.sigterm().await, Some(0));
}

#[tokio::test]
async fn a_drain_does_not_wait_for_a_checkpoint_that_only_spares_the_next_start_work() {
    let pair = Pair::start(majors().await[0]).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    do_on(&source, "CREATE TABLE t (id int PRIMARY KEY)").await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    let lock = "BEGIN; SELECT FROM walferry.walferry_pipelines FOR UPDATE";
    do_on(&destination, lock).await;
    // log that is of no interest moves the position; its end is heard of within a second
    let message = "SELECT pg_logical_emit_message(false, 'of', 'nothing')";
    do_on(&source, message).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let told = Instant::now();
    assert_eq!(daemon.sigterm().await, Some(0));
    let took = told.elapsed();
    assert!(took < DRAIN_MAX + Duration::from_secs(8), "{took:?}");
    do_on(&destination, "COMMIT").await;

    do_on(&source, "INSERT INTO t VALUES (1)").await;
    let daemon = Daemon::start(&pair);
    equal_soon(&pair).await;
    assert_eq!(daemon.sigterm().await, Some(0));
}
