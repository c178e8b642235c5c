//! Loads in which one table fails: what was read of the others counts.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::support::{Daemon, Pair, do_on, drain, equal_soon, majors, until};

/// Read in ranges, which takes a moment.
const WIDE: &str = "CREATE TABLE wide (id int PRIMARY KEY, v text);
     ALTER TABLE wide ALTER v SET STORAGE PLAIN;
     INSERT INTO wide SELECT i, repeat('x', 3500) FROM generate_series(1, 24000) AS i;";

/// A worker reads that table, or waits for its lock.
const READS: &str = "application_name = 'walferry snapshot worker' AND query LIKE 'COPY%'";

/// The first load has loaded this table, and no other one has.
fn assert_loaded_at_once(daemon: &Daemon, table: &str) {
    let log = daemon.log();
    let lines = || log.lines().filter(|line| line.contains(table));
    let loaded = lines().any(|line| line.contains("table loaded"));
    let again = lines().any(|line| line.contains("out of sight"));
    assert!(loaded && !again, "{log}");
}

/// Does this on the source until the daemon has said that.
async fn until_said(daemon: &Daemon, what: &str, source: &Client, doing: &str) {
    let started = Instant::now();
    while !daemon.log().contains(what) {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        source.query(doing, &[]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_table_that_nobody_can_read_is_left_for_later_and_the_others_are_loaded() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, holder) = (pair.on_source().await, pair.on_source().await);
        let held = "CREATE TABLE t AS SELECT 1 AS id;
             CREATE TABLE held AS SELECT i AS id FROM generate_series(1, 200) AS i";
        do_on(&source, &format!("{WIDE} {held}")).await;
        let one = pair.write_config("one.toml", "[snapshot]\nworkers = 1\n");
        let mut daemon = Daemon::start_on(&pair, &one);
        let copied = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'COPY%wide%')";
        until(&source, copied).await;
        do_on(&holder, "BEGIN; LOCK TABLE held").await;
        // as if each try had waited for as long as it may
        let give_up = format!(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
             WHERE {READS} AND query LIKE '%held%' AND wait_event_type = 'Lock'"
        );
        until_said(&daemon, "left for a later load", &source, &give_up).await;
        until_said(&daemon, "streaming", &source, "SELECT").await;
        for table in ["public.wide", "public.t"] {
            assert_loaded_at_once(&daemon, table);
        }
        do_on(&source, "INSERT INTO t VALUES (2)").await;
        do_on(&holder, "INSERT INTO held VALUES (201); COMMIT").await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_table_that_changes_before_its_turn_is_left_for_later_and_the_others_are_loaded() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        let small = "CREATE TABLE t AS SELECT 1 AS id;
             CREATE TABLE shrinks AS SELECT 1 AS id, 2 AS other, 3 AS third;
             CREATE TABLE moves AS SELECT 1 AS id;
             CREATE TABLE goes AS SELECT 1 AS id";
        do_on(&source, &format!("{WIDE} {small}")).await;
        let one = pair.write_config("one.toml", "[snapshot]\nworkers = 1\n");
        let mut daemon = Daemon::start_on(&pair, &one);
        let copied = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'COPY%wide%')";
        until(&source, copied).await;
        do_on(
            &source,
            "ALTER TABLE shrinks DROP COLUMN other; INSERT INTO shrinks VALUES (2, 4);
             ALTER TABLE moves RENAME TO moved; DROP TABLE goes",
        )
        .await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        for table in ["public.wide", "public.t"] {
            assert_loaded_at_once(&daemon, table);
        }
        do_on(
            &source,
            "INSERT INTO shrinks VALUES (3, 5); INSERT INTO moved VALUES (2)",
        )
        .await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_table_that_is_filled_gets_its_keys_though_the_others_can_no_longer_be_read() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, holder) = (pair.on_source().await, pair.on_source().await);
        let held = "CREATE TABLE held AS SELECT i AS id FROM generate_series(1, 200) AS i";
        do_on(&source, &format!("{WIDE} {held}")).await;
        let two = pair.write_config("two.toml", "[snapshot]\nworkers = 2\n");
        let mut daemon = Daemon::start_on(&pair, &two);
        let copied = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'COPY%wide%')";
        until(&source, copied).await;
        do_on(&holder, "BEGIN; LOCK TABLE held").await;
        // its keys wait for somebody who looks at it
        let (destination, reader) = (pair.on_destination().await, pair.on_destination().await);
        let hidden = "FROM pg_class WHERE relnamespace = to_regnamespace('walferry')
                      AND relname ~ '^walferry_load_.*_[0-9]+$' AND relkind = 'r'";
        let name = format!("SELECT relname::text {hidden}");
        let name: String = destination.query_one(&name, &[]).await.unwrap().get(0);
        do_on(&reader, &format!("BEGIN; TABLE walferry.{name} LIMIT 1")).await;
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
             WHERE application_name = 'walferry index worker' AND wait_event_type = 'Lock')";
        until(&destination, waits).await;
        // nobody can join the snapshot any more
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name LIKE 'walferry s%' AND pid <> pg_backend_pid()";
        until_said(&daemon, "reading has failed", &source, end).await;
        do_on(&reader, "COMMIT").await;
        do_on(&holder, "COMMIT").await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        assert_loaded_at_once(&daemon, "public.wide");
        drain(&pair, daemon).await;
    }
}
