//! Loads in which one table fails: what was read of the others counts.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::support::PATIENCE;
use crate::support::{
    Daemon, Pair, do_on, drain, equal_soon, hold_loads, let_loads_go_on, majors, until, until_held,
};

/// Read in ranges.
const WIDE: &str = "CREATE TABLE wide (id int PRIMARY KEY, v text);
     ALTER TABLE wide ALTER v SET STORAGE PLAIN;
     INSERT INTO wide SELECT i, repeat('x', 3500) FROM generate_series(1, 24000) AS i;";

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
        assert!(started.elapsed() < PATIENCE, "{what}");
        source.query(doing, &[]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A daemon whose only worker is about to write the first of its tables, which waits for the session
/// that is returned; it has the catalogs' word about the others.
async fn begun(pair: &Pair, source: &Client) -> (Daemon, Client) {
    let first = "CREATE TABLE first (id int, v text);
         INSERT INTO first SELECT i, repeat('x', 100) FROM generate_series(1, 1000) AS i";
    do_on(source, first).await;
    let blocker = pair.as_walferry(&pair.destination, "warehouse").await;
    let place = "CREATE SCHEMA app_public; CREATE TABLE app_public.first (id int, v text)";
    do_on(&blocker, place).await;
    let lock = "BEGIN; LOCK TABLE app_public.first IN EXCLUSIVE MODE";
    do_on(&blocker, lock).await;
    let one = pair.write_config("one.toml", "[snapshot]\nworkers = 1\n");
    let daemon = Daemon::start_on(pair, &one);
    let waits = "SELECT EXISTS (SELECT FROM pg_locks
         WHERE relation = 'app_public.first'::regclass AND NOT granted)";
    until(&pair.on_destination().await, waits).await;
    (daemon, blocker)
}

#[tokio::test]
async fn a_table_that_nobody_can_read_is_left_for_later_and_the_others_are_loaded() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, holder) = (pair.on_source().await, pair.on_source().await);
        let tables = "CREATE TABLE t AS SELECT 1 AS id;
             CREATE TABLE held AS SELECT i AS id FROM generate_series(1, 200) AS i";
        do_on(&source, tables).await;
        let (mut daemon, blocker) = begun(&pair, &source).await;
        do_on(&holder, "BEGIN; LOCK TABLE held").await;
        do_on(&blocker, "COMMIT").await;
        // as if each try had waited for as long as it may
        let give_up = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
             WHERE query LIKE 'COPY%held%' AND wait_event_type = 'Lock'";
        until_said(&daemon, "left for a later load", &source, give_up).await;
        until_said(&daemon, "streaming", &source, "SELECT").await;
        for table in ["public.first", "public.t"] {
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
        let tables = "CREATE TABLE t AS SELECT 1 AS id;
             CREATE TABLE shrinks AS SELECT 1 AS id, 2 AS other, 3 AS third;
             CREATE TABLE moves AS SELECT 1 AS id;
             CREATE TABLE goes AS SELECT 1 AS id";
        do_on(&source, tables).await;
        let (mut daemon, blocker) = begun(&pair, &source).await;
        do_on(
            &source,
            "ALTER TABLE shrinks DROP COLUMN other; INSERT INTO shrinks VALUES (2, 4);
             ALTER TABLE moves RENAME TO moved; DROP TABLE goes",
        )
        .await;
        do_on(&blocker, "COMMIT").await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        for table in ["public.first", "public.t"] {
            assert_loaded_at_once(&daemon, table);
        }
        let rows = "INSERT INTO shrinks VALUES (3, 5); INSERT INTO moved VALUES (2)";
        do_on(&source, rows).await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

/// A daemon with two workers that stand still between ranges of the wide table, for the session
/// that is returned.
async fn begun_wide(pair: &Pair, destination: &Client) -> (Daemon, Client) {
    let brake = pair.on_destination().await;
    hold_loads(&brake).await;
    let two = pair.write_config("two.toml", "[snapshot]\nworkers = 2\n");
    let daemon = Daemon::start_on(pair, &two);
    until_held(destination).await;
    (daemon, brake)
}

/// Lets them go on until the table is filled, and its keys wait for the session that is returned.
async fn keys_wait(pair: &Pair, destination: &Client, brake: &Client) -> Client {
    let hidden = "SELECT relname::text FROM pg_class
         WHERE relnamespace = to_regnamespace('walferry')
           AND relname ~ '^walferry_load_.*_[0-9]+$' AND relkind = 'r'";
    let hidden: String = destination.query_one(hidden, &[]).await.unwrap().get(0);
    let reader = pair.on_destination().await;
    do_on(&reader, &format!("BEGIN; TABLE walferry.{hidden} LIMIT 1")).await;
    let_loads_go_on(brake).await;
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
         WHERE application_name = 'walferry index worker' AND wait_event_type = 'Lock')";
    until(destination, waits).await;
    reader
}

#[tokio::test]
async fn what_a_killed_daemon_was_building_is_given_up_and_its_table_loaded_again() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        do_on(&source, WIDE).await;
        let destination = pair.on_destination().await;
        let (daemon, brake) = begun_wide(&pair, &destination).await;
        let reader = keys_wait(&pair, &destination, &brake).await;
        daemon.kill9().await;
        let gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity
             WHERE application_name LIKE 'walferry%')";
        until(&destination, gone).await;
        // somebody else holds up the next load, which says so
        let mut daemon = Daemon::start(&pair);
        let says = "drop what an unfinished load has left";
        until_said(&daemon, says, &source, "SELECT").await;
        do_on(&reader, "COMMIT").await;
        daemon.wait_ready().await;
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
        let destination = pair.on_destination().await;
        let (mut daemon, brake) = begun_wide(&pair, &destination).await;
        do_on(&holder, "BEGIN; LOCK TABLE held").await;
        let reader = keys_wait(&pair, &destination, &brake).await;
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

#[tokio::test]
async fn very_many_tables_of_a_load_that_was_cut_short_are_loaded_together() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        let many = "DO $$ BEGIN FOR i IN 1..300 LOOP
                EXECUTE format('CREATE TABLE t%s AS SELECT %s AS id', i, i);
            END LOOP; END $$";
        do_on(&source, many).await;
        let (daemon, blocker) = begun(&pair, &source).await;
        daemon.kill9().await;
        do_on(&blocker, "COMMIT").await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        let log = daemon.log();
        // others of that beginning tell how far it is
        let groups = log.matches("loading tables beside the stream tables=");
        let groups = groups.count();
        assert!(log.contains("tables=301") && groups == 1, "{log}");
        drain(&pair, daemon).await;
    }
}
