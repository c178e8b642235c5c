//! The source is another server than it was: a promoted standby, or one out of a backup.

use std::time::{Duration, Instant};

use tokio_postgres::Client;
use walferry::demo::cluster::Stop;

use crate::support::PATIENCE;
use crate::support::{
    Backup, Daemon, FRESH, Pair, do_on, drain, equal_soon, fail_over, halts, log_length, majors,
    promote, refuses_to_start, stopped_pair, until,
};

const SLOT_OF_STANDBY: &str = "SELECT pg_create_physical_replication_slot('standby', true)";

const RESYNC: &str = "[source.replication]\non_lost_slot = \"resync\"\n";

/// More log than any checkpoint can be ahead of a server that lacks a few rows.
const MUCH: &str =
    "CREATE TABLE much AS SELECT i, repeat('x', 100) FROM generate_series(1, 20000) AS i";

/// Has a daemon bring a change over that no backup has.
async fn go_on(pair: &Pair, source: &Client) {
    let mut daemon = Daemon::start(pair);
    daemon.wait_ready().await;
    // so much that what a refused start writes does not make up for it
    let more = "SELECT pg_logical_emit_message(false, 'test', repeat('x', 100000));
                INSERT INTO t SELECT max(id) + 1 FROM t";
    do_on(source, more).await;
    equal_soon(pair).await;
    drain(pair, daemon).await;
}

/// Waits until the standby has all that the source has written so far.
async fn until_caught_up(source: &Client, standby: &Client) {
    let end = "SELECT pg_current_wal_flush_lsn()::text";
    let end: String = source.query_one(end, &[]).await.unwrap().get(0);
    until(
        standby,
        &format!("SELECT pg_last_wal_replay_lsn() >= '{end}'"),
    )
    .await;
}

/// Has the standby keep all that a slot can need which is made on the source from now on. Without
/// it, what that needs has to come closer first, which takes half a minute.
async fn keep_for_slots(source: &Client, standby: &Client) {
    let keep = "SELECT pg_create_logical_replication_slot('keeps', 'pgoutput')";
    let wakes = async {
        loop {
            do_on(source, "SELECT pg_log_standby_snapshot()").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = do_on(standby, keep) => {}
        () = wakes => {}
    }
}

/// One start is refused.
async fn refuses(pair: &Pair, kind: &str, says: &[&str]) {
    let length = log_length(pair);
    halts(pair, Daemon::start(pair), length, kind, says).await;
}

#[tokio::test]
async fn a_standby_that_was_promoted_without_the_slot_is_refused_by_name() {
    for major in majors().await {
        let (mut pair, source) = stopped_pair(major, &[]).await;
        do_on(&source, SLOT_OF_STANDBY).await;
        let standby = Backup::take(&pair).await.standby(&pair).await;
        do_on(&source, "DELETE FROM t WHERE id = 1").await;
        until_caught_up(&source, &standby.superuser("postgres").await.unwrap()).await;
        fail_over(&mut pair, standby).await;
        promote(&pair).await;
        let says = ["\"walferry_app\"", "is gone", FRESH];
        refuses(&pair, "slot_missing", &says).await;
        // unless it is to load all of it again
        pair.write_config("walferry.toml", RESYNC);
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_standby_with_a_synchronised_slot_takes_over_and_the_daemon_goes_on() {
    if !majors().await.contains(&18) {
        return;
    }
    let mut pair = Pair::start(18).await;
    let source = pair.on_source().await;
    do_on(
        &source,
        "CREATE TABLE t (id int PRIMARY KEY, v text);
         INSERT INTO t SELECT generate_series(1, 100)",
    )
    .await;
    do_on(&source, SLOT_OF_STANDBY).await;
    let standby = Backup::take(&pair).await.standby(&pair).await;
    let waits = "ALTER SYSTEM SET synchronized_standby_slots = 'standby'";
    do_on(&source, waits).await;
    do_on(&source, "SELECT pg_reload_conf()").await;
    let on_standby = standby.superuser("app").await.unwrap();
    keep_for_slots(&source, &on_standby).await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    let synced = "SELECT count(*) = 1 FROM pg_replication_slots
                  WHERE slot_name = 'walferry_app' AND synced AND NOT temporary";
    let synchronised = async {
        loop {
            // refused while the standby has not got as far as the slot
            let _ = on_standby
                .batch_execute("SELECT pg_sync_replication_slots()")
                .await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let other = standby.superuser("app").await.unwrap();
    tokio::select! {
        () = synchronised => {}
        () = until(&other, synced) => {}
    }
    do_on(&source, "INSERT INTO t VALUES (1000)").await;
    equal_soon(&pair).await;
    daemon.kill9().await;
    do_on(&source, "UPDATE t SET v = 'unseen' WHERE id = 2").await;
    until_caught_up(&source, &on_standby).await;

    fail_over(&mut pair, standby).await;
    let mut daemon = Daemon::start(&pair);
    let started = Instant::now();
    while !daemon.log().contains("only keeps a copy of the slot") {
        daemon.assert_running();
        assert!(started.elapsed() < PATIENCE, "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    promote(&pair).await;
    let promoted = pair.on_source().await;
    let change = "INSERT INTO t VALUES (2000); DELETE FROM t WHERE id = 3";
    do_on(&promoted, change).await;
    daemon.wait_ready().await;
    equal_soon(&pair).await;
    let loads = daemon.log().matches("table loaded").count();
    assert_eq!(loads, 1, "{}", daemon.log());
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn a_standby_that_lacks_the_last_commits_is_refused_however_much_it_has_written_since() {
    for major in majors().await {
        let (mut pair, source) = stopped_pair(major, &[]).await;
        do_on(&source, SLOT_OF_STANDBY).await;
        let mut standby = Backup::take(&pair).await.standby(&pair).await;
        standby.stop(Stop::Fast).await.unwrap();
        go_on(&pair, &source).await;
        pair.source.stop(Stop::Fast).await.unwrap();
        standby.start().await.unwrap();
        fail_over(&mut pair, standby).await;
        promote(&pair).await;
        let promoted = pair.on_source().await;
        do_on(&promoted, MUCH).await;
        // nor does a slot of its own help
        let slot = "SELECT pg_create_logical_replication_slot('walferry_app', 'pgoutput')";
        do_on(&promoted, slot).await;
        // nor a policy for slots
        pair.write_config("walferry.toml", RESYNC);
        let says = ["lacks the last commits", FRESH];
        refuses(&pair, "older_timeline", &says).await;
    }
}

#[tokio::test]
async fn a_source_that_was_put_back_to_a_copy_of_its_files_is_refused() {
    let (mut pair, source) = stopped_pair(majors().await[0], &[]).await;
    pair.source.stop(Stop::Fast).await.unwrap();
    drop(source);
    let files = Backup::of_files(&pair).await;
    pair.source.start().await.unwrap();
    go_on(&pair, &pair.on_source().await).await;
    // with a slot that has acknowledged less than the checkpoint, as after any crash
    put_back(&mut pair, &files).await;
    pair.source.start().await.unwrap();
    let says = ["before the checkpoint", "restored from a backup", FRESH];
    refuses_to_start(&pair, "older_timeline", &says).await;
}

#[tokio::test]
async fn a_source_that_was_restored_from_an_older_base_backup_is_refused() {
    for major in majors().await {
        let archive = [("restore_command", "false")];
        let (mut pair, source) = stopped_pair(major, &archive).await;
        let base = Backup::take(&pair).await;
        go_on(&pair, &source).await;
        drop(source);

        // without an archive it stays on its timeline
        put_back(&mut pair, &base).await;
        pair.source.start().await.unwrap();
        do_on(&pair.on_source().await, MUCH).await;
        refuses(&pair, "slot_missing", &["is gone", FRESH]).await;

        put_back(&mut pair, &base).await;
        base.recover_from_archive(&pair.source);
        pair.source.start().await.unwrap();
        let restored = pair.on_source().await;
        until(&restored, "SELECT NOT pg_is_in_recovery()").await;
        do_on(&restored, MUCH).await;
        let says = ["left timeline 1", "restored from a backup", FRESH];
        refuses(&pair, "older_timeline", &says).await;
    }
}

async fn put_back(pair: &mut Pair, backup: &Backup) {
    pair.source.stop(Stop::Immediate).await.unwrap();
    backup.put_into(&pair.source).await;
}
