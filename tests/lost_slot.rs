//! `on_lost_slot = "resync"`: the pipeline goes on when changes are gone with the slot, and readers
//! keep whole tables all the time.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_util::sync::CancellationToken;

use crate::support::PATIENCE;
use crate::support::{
    Daemon, Pair, do_on, drain, equal_soon, log_length, lose_slot, majors, stopped_pair, until,
    walferry,
};

/// Rows that every look at the table `t` must find, at least.
const ROWS_MIN: i64 = 90;

/// What nobody can send any more, once the slot is gone: rows that came and went, and a new table.
const MEANWHILE: &str = "
    DELETE FROM t WHERE id <= 5; UPDATE t SET v = 'new' WHERE id = 6; INSERT INTO t VALUES (1001);
    CREATE TABLE late (id int PRIMARY KEY); INSERT INTO late VALUES (1)";

const SEEN: &str = "CREATE VIEW seen AS SELECT * FROM app_public.t";

fn resyncs(pair: &Pair) -> PathBuf {
    let more = "[source.replication]\non_lost_slot = \"resync\"\n";
    pair.write_config("resync.toml", more)
}

/// A reader who looks at the copy and at a view on it until told to end.
fn read(destination: Client, enough: CancellationToken) -> JoinHandle<u64> {
    tokio::spawn(async move {
        let mut looks = 0;
        let look = "SELECT (SELECT count(*) FROM app_public.t), (SELECT count(*) FROM seen)";
        let look = destination.prepare(look).await.unwrap();
        while !enough.is_cancelled() {
            let row = destination.query_one(&look, &[]).await.unwrap();
            let (table, view): (i64, i64) = (row.get(0), row.get(1));
            assert!(
                table >= ROWS_MIN && table == view,
                "{table} and {view} rows"
            );
            looks += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        looks
    })
}

/// Ends with both sides equal and one slot that is in use, and no table was ever empty.
async fn goes_on(pair: &Pair, source: &Client, mut daemon: Daemon, kind: &str) {
    daemon.wait_ready().await;
    let change = "INSERT INTO t SELECT max(id) + 1 FROM t; DELETE FROM t WHERE id = 7";
    do_on(source, change).await;
    equal_soon(pair).await;
    let log = daemon.log();
    assert!(log.contains("changes are lost"), "{log}");
    assert!(log.contains(&format!("kind=\"{kind}\"")), "{log}");
    let slots = "SELECT count(*) = 1 AND bool_and(active AND wal_status <> 'lost')
                 FROM pg_replication_slots WHERE NOT temporary";
    until(source, slots).await;
    let loaded = "SELECT NOT bool_or(reload) FROM walferry.walferry_tables";
    until(&pair.on_destination().await, loaded).await;
    drain(pair, daemon).await;
}

#[tokio::test]
async fn a_lost_slot_is_made_again_and_readers_keep_whole_tables_until_new_ones_are_there() {
    for major in majors().await {
        let settings = [("max_slot_wal_keep_size", "1MB"), ("max_wal_size", "32MB")];
        let (pair, source) = stopped_pair(major, &settings).await;
        do_on(&pair.on_destination().await, SEEN).await;
        do_on(&source, MEANWHILE).await;
        lose_slot(&source).await;
        let resync = resyncs(&pair);
        let check = walferry(&resync, &["check"]).await;
        check.ended(0, &["a new one and loads all tables again"]);
        walferry(&pair.config(), &["check"])
            .await
            .ended(3, &["on_lost_slot"]);

        let enough = CancellationToken::new();
        let reader = read(pair.on_destination().await, enough.clone());
        goes_on(
            &pair,
            &source,
            Daemon::start_on(&pair, &resync),
            "slot_lost",
        )
        .await;
        enough.cancel();
        assert!(reader.await.unwrap() > 0);
        // and without a new load once more
        let said = log_length(&pair);
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        do_on(&source, "INSERT INTO late VALUES (2)").await;
        equal_soon(&pair).await;
        assert!(
            !daemon.log()[said..].contains("loading tables"),
            "{}",
            daemon.log()
        );
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_slot_that_is_dropped_under_a_running_daemon_is_made_again_and_all_is_loaded() {
    for major in majors().await {
        let (pair, source) = stopped_pair(major, &[]).await;
        do_on(&pair.on_destination().await, SEEN).await;
        let mut daemon = Daemon::start_on(&pair, &resyncs(&pair));
        daemon.wait_ready().await;
        let enough = CancellationToken::new();
        let reader = read(pair.on_destination().await, enough.clone());
        let gone = "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots;
                    SELECT pg_drop_replication_slot('walferry_app')";
        // the daemon may have it again before it is dropped
        let begun = Instant::now();
        while let Err(error) = source.batch_execute(gone).await {
            let in_use = error.code() == Some(&SqlState::OBJECT_IN_USE);
            assert!(in_use && begun.elapsed() < PATIENCE, "{error:?}");
        }
        do_on(&source, MEANWHILE).await;
        goes_on(&pair, &source, daemon, "slot_missing").await;
        enough.cancel();
        assert!(reader.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn however_often_the_daemon_is_killed_meanwhile_all_tables_are_loaded_again() {
    let (pair, source) = stopped_pair(majors().await[0], &[]).await;
    do_on(&pair.on_destination().await, SEEN).await;
    let resync = resyncs(&pair);
    let enough = CancellationToken::new();
    let reader = read(pair.on_destination().await, enough.clone());
    do_on(&source, "SELECT pg_drop_replication_slot('walferry_app')").await;
    do_on(&source, MEANWHILE).await;
    for milliseconds in [0, 10, 40, 120] {
        let length = log_length(&pair);
        let mut daemon = Daemon::start_on(&pair, &resync);
        let begun = |log: &str| log.contains("changes are lost") || log.contains("streaming");
        let started = Instant::now();
        while !begun(&daemon.log()[length..]) {
            daemon.assert_running();
            assert!(started.elapsed() < PATIENCE, "{}", daemon.log());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        daemon.kill9().await;
    }
    goes_on(
        &pair,
        &source,
        Daemon::start_on(&pair, &resync),
        "slot_missing",
    )
    .await;

    // nor does it matter who made the next slot
    let anew = "SELECT pg_drop_replication_slot('walferry_app');
                DELETE FROM t WHERE id = 8; INSERT INTO late VALUES (3);
                SELECT pg_create_logical_replication_slot('walferry_app', 'pgoutput')";
    // the session of a daemon that has ended may take a moment to end
    until(
        &source,
        "SELECT bool_and(NOT active) FROM pg_replication_slots WHERE NOT temporary",
    )
    .await;
    for statement in anew.split(';') {
        do_on(&source, statement).await;
    }
    goes_on(
        &pair,
        &source,
        Daemon::start_on(&pair, &resync),
        "slot_ahead",
    )
    .await;
    enough.cancel();
    assert!(reader.await.unwrap() > 0);
}
