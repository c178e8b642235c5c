//! Initial loads that somebody interrupts: what was reported as done stays done.

use std::time::{Duration, Instant};

use tokio_postgres::Client;
use walferry::demo::cluster::Stop;

use crate::support::PATIENCE;
use crate::support::{
    Daemon, Pair, commits_go_on, commits_wait, do_on, drain, equal_soon, hold_loads,
    let_loads_go_on, majors, until, until_held, walferry,
};

/// Read in ranges.
const WIDE: &str = "CREATE TABLE wide (id int PRIMARY KEY, v text);
     ALTER TABLE wide ALTER v SET STORAGE PLAIN;
     INSERT INTO wide SELECT i, repeat('x', 3500) FROM generate_series(1, 24000) AS i";

/// Where the rows of that gather, once it is there.
async fn hidden_table(destination: &Client) -> String {
    let begun = "FROM pg_class WHERE relnamespace = to_regnamespace('walferry')
                 AND relname ~ '^walferry_load_.*_[0-9]+$' AND relkind = 'r'";
    until(destination, &format!("SELECT count(*) > 0 {begun}")).await;
    let name = format!("SELECT relname::text {begun}");
    destination.query_one(&name, &[]).await.unwrap().get(0)
}

/// As [`until_held`] waits for.
fn start_with_two_workers(pair: &Pair) -> Daemon {
    let config = pair.write_config("two_workers.toml", "[snapshot]\nworkers = 2\n");
    Daemon::start_on(pair, &config)
}

/// What had been copied before was kept.
fn assert_loaded_once(daemon: &Daemon) {
    let log = daemon.log();
    let again = log.contains("loading tables beside the stream");
    assert!(log.contains("starts again") && !again, "{log}");
}

#[tokio::test]
async fn ranges_that_were_loaded_before_the_destination_crashed_are_there_afterwards() {
    for major in majors().await {
        // a crash forgets commits that nobody waited for, and nobody writes them early
        let late = [("wal_writer_delay", "10s"), ("wal_buffers", "64MB")];
        let mut pair = Pair::with_settings(major, &[], &late).await;
        let source = pair.on_source().await;
        do_on(&source, WIDE).await;
        let (destination, holder) = (pair.on_destination().await, pair.on_destination().await);
        hold_loads(&holder).await;
        let mut daemon = start_with_two_workers(&pair);
        until_held(&destination).await;
        let hidden = hidden_table(&destination).await;
        let some = format!("SELECT EXISTS (SELECT FROM walferry.{hidden})");
        until(&destination, &some).await;
        drop((destination, holder));
        pair.destination.stop(Stop::Immediate).await.unwrap();
        // longer than a few tries take
        tokio::time::sleep(Duration::from_secs(4)).await;
        pair.destination.start().await.unwrap();
        equal_soon(&pair).await;
        daemon.wait_ready().await;
        do_on(&source, "UPDATE wide SET v = 'y' WHERE id % 100 = 0").await;
        equal_soon(&pair).await;
        assert_loaded_once(&daemon);
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_range_whose_commit_got_no_answer_is_there_once() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        do_on(&pair.on_source().await, WIDE).await;
        let (destination, holder) = (pair.on_destination().await, pair.on_destination().await);
        hold_loads(&holder).await;
        let mut daemon = start_with_two_workers(&pair);
        until_held(&destination).await;
        // from now on commits wait for a standby that never comes; who is told to end meanwhile has
        // committed, and does not say so
        commits_wait(&destination, &pair.on_destination().await).await;
        let_loads_go_on(&holder).await;
        let waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'
                       AND application_name = 'walferry snapshot worker'";
        until(&destination, &format!("SELECT count(*) > 0 {waiting}")).await;
        // gone before the wait is over, else it might answer after all
        let end = format!(
            "SELECT count(*) FILTER (WHERE NOT pg_terminate_backend(pid, 300000)) = 0 {waiting}"
        );
        until(&destination, &end).await;
        commits_go_on(&destination).await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        assert_loaded_once(&daemon);
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_table_of_which_the_destination_has_lost_a_range_is_loaded_again() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        do_on(&pair.on_source().await, WIDE).await;
        let (destination, holder) = (pair.on_destination().await, pair.on_destination().await);
        hold_loads(&holder).await;
        let mut daemon = start_with_two_workers(&pair);
        until_held(&destination).await;
        // it is as on a standby that lagged behind
        let hidden = hidden_table(&destination).await;
        let (load, _) = hidden.rsplit_once('_').unwrap();
        let lose = format!("DELETE FROM walferry.{hidden}; DELETE FROM walferry.{load}_ranges");
        do_on(&destination, &lose).await;
        let_loads_go_on(&holder).await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        let log = daemon.log();
        assert!(log.contains("no longer has all that it had"), "{log}");
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_load_outlasts_the_time_limits_of_an_administrator() {
    for major in majors().await {
        // walferry's own ANALYZE gives up, with a warning, where autovacuum has the table
        let pair = Pair::with_settings(major, &[], &[("autovacuum", "off")]).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        do_on(&source, WIDE).await;
        let limits = [
            ("statement_timeout", 10),
            ("idle_in_transaction_session_timeout", 10),
            ("idle_session_timeout", 14),
            ("transaction_timeout", 17),
        ];
        for (limit, _) in limits.iter().filter(|(_, from)| *from <= major) {
            let set = format!("ALTER ROLE walferry SET {limit} = '3s'");
            do_on(&source, &set).await;
            do_on(&destination, &set).await;
        }
        let holder = pair.on_destination().await;
        hold_loads(&holder).await;
        let mut daemon = start_with_two_workers(&pair);
        until_held(&destination).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let_loads_go_on(&holder).await;
        daemon.wait_ready().await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        do_on(&source, "UPDATE wide SET v = 'y' WHERE id % 100 = 0").await;
        equal_soon(&pair).await;
        let log = daemon.log();
        assert!(!log.contains("WARN"), "{log}");
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_load_warns_before_the_source_removes_what_its_slot_needs() {
    for major in majors().await {
        let kept = [("max_slot_wal_keep_size", "96MB"), ("max_wal_size", "1GB")];
        let pair = Pair::with_settings(major, &kept, &[]).await;
        let source = pair.on_source().await;
        let table = "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)";
        do_on(&source, table).await;
        // the load waits behind somebody's lock on a table that is used as it is
        let blocker = pair.as_walferry(&pair.destination, "warehouse").await;
        let place = "CREATE SCHEMA app_public; CREATE TABLE app_public.t (id int PRIMARY KEY)";
        do_on(&blocker, place).await;
        do_on(&blocker, "BEGIN; LOCK TABLE app_public.t IN EXCLUSIVE MODE").await;
        let mut daemon = Daemon::start(&pair);
        let slot =
            "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE confirmed_flush_lsn > '0/0')";
        until(&source, slot).await;
        warns_of_slot(&source, &daemon, "walferry_app").await;
        assert!(!daemon.log().contains("streaming"), "{}", daemon.log());
        do_on(&blocker, "COMMIT").await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_load_beside_the_stream_warns_before_the_source_removes_what_its_own_slot_needs() {
    for major in majors().await {
        let kept = [("max_slot_wal_keep_size", "96MB"), ("max_wal_size", "1GB")];
        let pair = Pair::with_settings(major, &kept, &[]).await;
        let source = pair.on_source().await;
        do_on(&source, WIDE).await;
        let mut daemon = start_with_two_workers(&pair);
        daemon.wait_ready().await;
        let (destination, holder) = (pair.on_destination().await, pair.on_destination().await);
        hold_loads(&holder).await;
        walferry(&pair.config(), &["resync", "public.wide"])
            .await
            .ended(0, &[]);
        until_held(&destination).await;
        warns_of_slot(&source, &daemon, "walferry_app_load_").await;
        let_loads_go_on(&holder).await;
        do_on(&source, "UPDATE wide SET v = 'y' WHERE id % 100 = 0").await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

/// Writes log until the daemon warns of the slot whose name begins so, well before it is lost.
async fn warns_of_slot(source: &Client, daemon: &Daemon, slot: &str) {
    const WARNED: &str = "the source will soon remove WAL that the slot needs";
    let warned = |line: &str| line.contains(WARNED) && line.contains(slot);
    let wal = "SELECT pg_logical_emit_message(false, 'test', repeat('x', 8000000))";
    // 84 of the 96 MiB that are kept, of which three quarters are enough: whole segments are kept,
    // up to one more
    for _ in 0..11 {
        do_on(source, wal).await;
    }
    let written = Instant::now();
    while !daemon.log().lines().any(warned) {
        assert!(written.elapsed() < PATIENCE, "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
