//! Tables of the source that somebody has locked against all readers.

use std::time::{Duration, Instant};

use crate::support::{
    Daemon, Pair, do_on, drain, equal_soon, hold_loads, let_loads_go_on, majors, until, until_held,
    walferry,
};

/// A little more than `SOURCE_LOCK_MAX`.
const BOUNDED: Duration = Duration::from_secs(40);

/// Waits until the daemons of the pair have logged all of this.
async fn says(daemon: &Daemon, parts: &[&str]) {
    let started = Instant::now();
    while !parts.iter().all(|part| daemon.log().contains(part)) {
        assert!(started.elapsed() < BOUNDED, "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_table_that_is_locked_at_the_start_is_named_and_waited_for_no_longer_than_so() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, holder) = (pair.on_source().await, pair.on_source().await);
        do_on(&source, "CREATE TABLE t (id int PRIMARY KEY)").await;
        do_on(&source, "CREATE TABLE held AS SELECT 1 AS id").await;
        do_on(&holder, "BEGIN; LOCK TABLE held").await;
        let pid: i32 = holder
            .query_one("SELECT pg_backend_pid()", &[])
            .await
            .unwrap()
            .get(0);
        let mut daemon = Daemon::start(&pair);
        let (config, whose) = (pair.config(), format!("pg_terminate_backend({pid})"));
        let said = ["table public.held", &whose, "will try again"];
        let (check, discover, ()) = tokio::join!(
            walferry(&config, &["check"]),
            walferry(&config, &["discover"]),
            says(&daemon, &said),
        );
        check.ended(3, &["table public.held", "55P03", &whose]);
        discover.ended(4, &["table public.held", "55P03", &whose]);
        daemon.assert_running();
        do_on(&holder, "COMMIT").await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_table_that_is_locked_when_its_load_comes_to_it_gives_way_to_the_others() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, holder) = (pair.on_source().await, pair.on_source().await);
        do_on(
            &source,
            "CREATE TABLE wide (id int PRIMARY KEY, v text);
             ALTER TABLE wide ALTER v SET STORAGE PLAIN;
             INSERT INTO wide SELECT i, repeat('x', 3500) FROM generate_series(1, 24000) AS i;
             CREATE TABLE t (id int PRIMARY KEY);
             CREATE TABLE held AS SELECT i AS id FROM generate_series(1, 100) AS i",
        )
        .await;
        let (destination, brake) = (pair.on_destination().await, pair.on_destination().await);
        hold_loads(&brake).await;
        let two = pair.write_config("two.toml", "[snapshot]\nworkers = 2\n");
        let mut daemon = Daemon::start_on(&pair, &two);
        until_held(&destination).await;
        do_on(&holder, "BEGIN; LOCK TABLE held").await;
        let_loads_go_on(&brake).await;
        let there = |table: &str| format!("SELECT to_regclass('app_public.{table}') IS NOT NULL");
        until(&destination, &there("t")).await;
        let held = destination.query_one(&there("held"), &[]).await.unwrap();
        assert!(!held.get::<_, bool>(0), "{}", daemon.log());
        says(&daemon, &["source, table public.held", "55P03"]).await;
        do_on(&holder, "COMMIT").await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_load_of_many_tables_keeps_few_of_them_locked() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        do_on(
            &source,
            "DO $$ BEGIN FOR i IN 1..500 LOOP
                 EXECUTE format('CREATE TABLE t%s AS SELECT %s AS id', i, i);
             END LOOP; END $$;
             CREATE TABLE the_last AS SELECT 1 AS id",
        )
        .await;
        // the one that comes last is used as it is, and waits behind somebody's lock
        let blocker = pair.as_walferry(&pair.destination, "warehouse").await;
        let place = "CREATE SCHEMA app_public; CREATE TABLE app_public.the_last (id int)";
        do_on(&blocker, place).await;
        let lock = "BEGIN; LOCK TABLE app_public.the_last IN EXCLUSIVE MODE";
        do_on(&blocker, lock).await;
        let config = pair.write_config("one.toml", "[snapshot]\nworkers = 1\n");
        let mut daemon = Daemon::start_on(&pair, &config);
        let waits = "SELECT count(*) = 1 FROM pg_locks
             WHERE relation = 'app_public.the_last'::regclass AND NOT granted";
        until(&pair.on_destination().await, waits).await;
        let locks = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
             WHERE application_name = 'walferry snapshot worker' AND locktype = 'relation'";
        let locks: i64 = source.query_one(locks, &[]).await.unwrap().get(0);
        assert!((1..130).contains(&locks), "{locks}");
        do_on(&blocker, "COMMIT").await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn who_locks_tables_in_another_order_than_a_load_reads_them_is_told_of_no_deadlock() {
    for major in majors().await {
        // a load that waited would wait for longer than this, one that tries waits for a moment
        let pair = Pair::with_settings(major, &[("deadlock_timeout", "10s")], &[]).await;
        let (source, holder) = (pair.on_source().await, pair.on_source().await);
        do_on(
            &source,
            "CREATE TABLE wide (id int PRIMARY KEY, v text);
             ALTER TABLE wide ALTER v SET STORAGE PLAIN;
             INSERT INTO wide SELECT i, repeat('x', 3500) FROM generate_series(1, 3500) AS i;
             CREATE TABLE held AS SELECT i AS id FROM generate_series(1, 100) AS i",
        )
        .await;
        // while the first of them is read, its copy waits behind somebody's lock
        let blocker = pair.as_walferry(&pair.destination, "warehouse").await;
        let place = "CREATE SCHEMA app_public; CREATE TABLE app_public.wide (id int, v text)";
        do_on(&blocker, place).await;
        let lock = "BEGIN; LOCK TABLE app_public.wide IN EXCLUSIVE MODE";
        do_on(&blocker, lock).await;
        let one = pair.write_config("one.toml", "[snapshot]\nworkers = 1\n");
        let mut daemon = Daemon::start_on(&pair, &one);
        let is_read = "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
             WHERE application_name = 'walferry snapshot worker'
               AND relation = 'wide'::regclass AND granted)";
        until(&source, is_read).await;
        do_on(&holder, "BEGIN; LOCK TABLE held").await;
        // one of the two would have to give up
        let other = async {
            let waits = "SELECT EXISTS (SELECT FROM pg_locks
                 WHERE relation = 'wide'::regclass AND NOT granted)";
            until(&source, waits).await;
            do_on(&blocker, "COMMIT").await;
        };
        let changed = do_on(&holder, "LOCK TABLE wide; TRUNCATE wide; COMMIT");
        tokio::join!(changed, other);
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_table_that_is_rewritten_between_two_of_its_ranges_is_read_once_more_as_a_whole() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        do_on(
            &source,
            "CREATE TABLE wide (id int PRIMARY KEY, v text);
             ALTER TABLE wide ALTER v SET STORAGE PLAIN;
             INSERT INTO wide SELECT i, repeat('x', 3500) FROM generate_series(1, 24000) AS i;
             DELETE FROM wide WHERE id < 12000 AND id % 2 = 0",
        )
        .await;
        let (destination, brake) = (pair.on_destination().await, pair.on_destination().await);
        hold_loads(&brake).await;
        let two = pair.write_config("two.toml", "[snapshot]\nworkers = 2\n");
        let mut daemon = Daemon::start_on(&pair, &two);
        until_held(&destination).await;
        // before the last range is read it moves rows to where those that were read have been
        do_on(&source, "VACUUM FULL wide").await;
        let_loads_go_on(&brake).await;
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        assert!(daemon.log().contains("was rewritten"), "{}", daemon.log());
        let left = "SELECT NOT EXISTS (SELECT FROM pg_class WHERE relname LIKE 'walferry_load%')";
        until(&destination, left).await;
        drain(&pair, daemon).await;
    }
}
