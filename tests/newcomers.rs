//! Tables that come while the others are followed.

use tokio_postgres::Client;

use crate::support::PATIENCE;
use crate::support::{
    CANARY, Daemon, Pair, assert_discreet, commits_go_on, commits_wait, do_on, drain, equal_soon,
    followed_pair, majors, until, walferry,
};

#[tokio::test]
async fn a_table_that_joins_the_publication_is_loaded_while_the_others_are_followed() {
    for major in majors().await {
        let (pair, source, daemon) = followed_pair(major).await;
        // new, and written to
        do_on(
            &source,
            &format!(
                "CREATE TABLE young (id int PRIMARY KEY, v text);
                 INSERT INTO young VALUES (1, '{CANARY}'); INSERT INTO t VALUES (1000)"
            ),
        )
        .await;
        equal_soon(&pair).await;
        // new, and nobody writes to it
        do_on(&source, "CREATE TABLE quiet (id int PRIMARY KEY)").await;
        equal_soon(&pair).await;
        do_on(
            &source,
            "INSERT INTO t VALUES (1001); UPDATE young SET v = 'x'",
        )
        .await;
        equal_soon(&pair).await;
        assert_discreet(&pair, &daemon).await;
        drain(&pair, daemon).await;
    }
}

/// Decoding begins anew in a new session, and so does all that the source had decoded.
#[tokio::test]
async fn the_source_goes_on_in_its_session_while_other_tables_and_shapes_are_followed() {
    for major in majors().await {
        let (pair, source, daemon) = followed_pair(major).await;
        let destination = pair.on_destination().await;
        let walsender = async || -> Option<i32> {
            let question = "SELECT active_pid FROM pg_replication_slots WHERE NOT temporary";
            source.query_one(question, &[]).await.unwrap().get(0)
        };
        let before = walsender().await;
        assert!(before.is_some());
        alter(&source, &destination).await;
        // a new one, in a transaction that goes on after it
        do_on(
            &source,
            "BEGIN; UPDATE t SET more = 8 WHERE id = 2000;
             CREATE TABLE young AS SELECT i AS id FROM generate_series(1, 100) AS i;
             ALTER TABLE young ADD PRIMARY KEY (id);
             UPDATE t SET more = 9 WHERE id = 2000; COMMIT",
        )
        .await;
        let loaded = "SELECT to_regclass('app_public.young') IS NOT NULL";
        until(&destination, loaded).await;
        do_on(&source, "ALTER TABLE young RENAME TO grown").await;
        let renamed = "SELECT to_regclass('app_public.grown') IS NOT NULL";
        until(&destination, renamed).await;
        do_on(
            &source,
            "UPDATE grown SET id = -id; DELETE FROM t WHERE id < 10",
        )
        .await;
        equal_soon(&pair).await;
        walferry(&pair.config(), &["resync", "public.other", "--wait"])
            .await
            .ended(0, &["Done."]);
        equal_soon(&pair).await;
        assert_eq!(walsender().await, before, "{}", daemon.log());

        // one whose values have to be text
        do_on(
            &source,
            "CREATE TYPE both_of AS (a int, b text);
             CREATE TABLE pairs (id int PRIMARY KEY, v both_of);
             INSERT INTO pairs VALUES (1, '(1,x)')",
        )
        .await;
        equal_soon(&pair).await;
        do_on(
            &source,
            "UPDATE t SET more = more + 1; UPDATE pairs SET v.b = 'y'",
        )
        .await;
        equal_soon(&pair).await;
        if major >= 14 {
            assert_ne!(walsender().await, before, "{}", daemon.log());
        }
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_change_that_is_received_before_others_see_it_is_waited_for() {
    for major in majors().await {
        let (pair, source, daemon) = followed_pair(major).await;
        // a commit is not seen before a standby has it, and sent all the same
        commits_wait(&source, &pair.on_source().await).await;
        let writer = pair.on_source().await;
        let changed = do_on(
            &writer,
            "ALTER TABLE t ADD more int DEFAULT 7; INSERT INTO t VALUES (2000, 'x', 1)",
        );
        let seen = async {
            let waiting = "FROM pg_stat_activity
                 WHERE wait_event = 'SyncRep' AND query LIKE 'ALTER TABLE%'";
            until(&source, &format!("SELECT count(*) = 1 {waiting}")).await;
            let sent = "SELECT bool_and(sent_lsn >= pg_current_wal_flush_lsn())
                 FROM pg_stat_replication";
            until(&source, sent).await;
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            do_on(&source, &format!("SELECT pg_cancel_backend(pid) {waiting}")).await;
        };
        tokio::join!(changed, seen);
        commits_go_on(&source).await;
        equal_soon(&pair).await;
        let log = daemon.log();
        assert!(
            log.contains("looking at the catalogs again reason=The columns"),
            "{log}"
        );
        assert!(!log.contains("starting again"), "{log}");
        drain(&pair, daemon).await;
    }
}

/// In ways that are noticed sooner and later.
async fn alter(source: &Client, destination: &Client) {
    // noticed without a row of it
    do_on(source, "ALTER TABLE t ADD more int DEFAULT 7").await;
    let added = "SELECT count(*) = 1 FROM information_schema.columns
         WHERE table_schema = 'app_public' AND table_name = 't' AND column_name = 'more'";
    until(destination, added).await;
    do_on(source, "INSERT INTO t VALUES (2000, 1)").await;
    // noticed because of a row, before anything else of its transaction
    do_on(source, "ALTER TABLE t ADD at_once int DEFAULT 1").await;
    do_on(source, "UPDATE t SET at_once = 2 WHERE id = 2000").await;
    let arrived = "SELECT count(*) = 1 FROM app_public.t WHERE to_jsonb(t)->>'at_once' = '2'";
    until(destination, arrived).await;
    // and after rows of that, which come once more
    do_on(
        source,
        "BEGIN; UPDATE t SET at_once = 3 WHERE id = 2000; INSERT INTO other VALUES (2, 'x');
         ALTER TABLE t ADD between_rows int DEFAULT 3; UPDATE t SET more = 5 WHERE id = 2000;
         ALTER TABLE other RENAME v TO words; INSERT INTO other VALUES (3, 'y'); COMMIT",
    )
    .await;
    let arrived = "SELECT count(*) = 1 FROM app_public.other
         WHERE id = 3 AND to_jsonb(other)->>'words' = 'y'";
    until(destination, arrived).await;
}

/// Nothing but its rows tells that it was there, and those come once.
#[tokio::test]
async fn a_partition_that_came_and_went_unseen_is_remembered_by_a_daemon_that_is_killed() {
    const AGAIN: &str = "the table is loaded again";
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        do_on(
            &source,
            "CREATE TABLE root (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
             CREATE TABLE low PARTITION OF root FOR VALUES FROM (MINVALUE) TO (100);
             INSERT INTO root SELECT i FROM generate_series(90, 99) AS i;
             DROP PUBLICATION walferry_app; CREATE PUBLICATION walferry_app FOR TABLE root
                 WITH (publish_via_partition_root = true)",
        )
        .await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        do_on(
            &source,
            "BEGIN; CREATE TABLE stays PARTITION OF root FOR VALUES FROM (100) TO (200);
             INSERT INTO root VALUES (100); COMMIT; INSERT INTO root VALUES (101)",
        )
        .await;
        equal_soon(&pair).await;
        let settled = "SELECT cardinality(member_oids) = 2
             AND NOT EXISTS (SELECT FROM walferry.walferry_new_partitions)
             FROM walferry.walferry_tables";
        until(&destination, settled).await;
        assert!(!daemon.log().contains(AGAIN), "{}", daemon.log());
        drain(&pair, daemon).await;

        do_on(
            &source,
            "CREATE TABLE goes PARTITION OF root FOR VALUES FROM (200) TO (300)",
        )
        .await;
        do_on(&source, "INSERT INTO root VALUES (200)").await;
        do_on(&source, "DROP TABLE goes").await;
        let loaded = "SELECT snapshot_lsn::text FROM walferry.walferry_tables";
        let loaded: String = destination.query_one(loaded, &[]).await.unwrap().get(0);
        let daemon = Daemon::start(&pair);
        let arrived = format!(
            "SELECT reload OR snapshot_lsn <> '{loaded}'
                 OR EXISTS (SELECT FROM app_public.root WHERE k = 200)
             FROM walferry.walferry_tables"
        );
        until(&destination, &arrived).await;
        daemon.kill9().await;

        let daemon = Daemon::start(&pair);
        equal_soon(&pair).await;
        assert!(daemon.log().contains(AGAIN), "{}", daemon.log());
        drain(&pair, daemon).await;
    }
}

/// The transaction has nothing that goes into the destination before the row that does not fit.
#[tokio::test]
async fn a_new_partition_of_an_excluded_table_keeps_no_altered_table_of_its_transaction_waiting() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        do_on(
            &source,
            "CREATE TABLE t (id int PRIMARY KEY);
             CREATE TABLE root (k int PRIMARY KEY) PARTITION BY RANGE (k);
             CREATE TABLE low PARTITION OF root FOR VALUES FROM (MINVALUE) TO (100);
             ALTER PUBLICATION walferry_app SET (publish_via_partition_root = true)",
        )
        .await;
        let config = pair.write_config("some.toml", "[tables]\nexclude = [\"public.root\"]\n");
        let mut daemon = Daemon::start_on(&pair, &config);
        daemon.wait_ready().await;
        do_on(
            &source,
            "BEGIN; CREATE TABLE high PARTITION OF root FOR VALUES FROM (100) TO (MAXVALUE);
             ALTER TABLE t ADD COLUMN more int;
             INSERT INTO root VALUES (100); INSERT INTO t VALUES (1, 2); COMMIT",
        )
        .await;
        until(&destination, "SELECT count(*) = 1 FROM app_public.t").await;
        let more = "SELECT more FROM app_public.t";
        assert_eq!(
            destination
                .query_one(more, &[])
                .await
                .unwrap()
                .get::<_, i32>(0),
            2
        );
        assert_eq!(daemon.sigterm().await, Some(0));
    }
}

#[tokio::test]
async fn an_old_table_that_joins_a_publication_by_name_is_loaded_without_a_restart_by_hand() {
    let pair = Pair::start(majors().await[0]).await;
    let source = pair.on_source().await;
    do_on(
        &source,
        &format!(
            "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE old (id int PRIMARY KEY, v text);
             INSERT INTO old VALUES (1, '{CANARY}'); DROP PUBLICATION walferry_app;
             CREATE PUBLICATION walferry_app FOR TABLE t"
        ),
    )
    .await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    do_on(
        &source,
        "INSERT INTO old VALUES (2); INSERT INTO t VALUES (1)",
    )
    .await;
    do_on(&source, "ALTER PUBLICATION walferry_app ADD TABLE old").await;
    equal_soon(&pair).await;
    do_on(
        &source,
        "INSERT INTO old VALUES (3); INSERT INTO t VALUES (2)",
    )
    .await;
    equal_soon(&pair).await;
    assert_discreet(&pair, &daemon).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn a_table_whose_rows_arrive_before_the_catalog_shows_it_is_loaded_once_it_does() {
    for major in majors().await {
        let (pair, source, daemon) = followed_pair(major).await;
        // a commit is sent once it is flushed, and seen once this standby has it: never
        let waiting = pair.on_source().await;
        commits_wait(&source, &waiting).await;
        let commit = tokio::spawn(async move {
            let script = "CREATE TABLE early (id int PRIMARY KEY); INSERT INTO early VALUES (1)";
            waiting.batch_execute(script).await
        });
        let started = std::time::Instant::now();
        while !daemon.log().contains("cannot be seen yet") {
            assert!(started.elapsed() < PATIENCE, "{}", daemon.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        commits_go_on(&source).await;
        commit.await.unwrap().unwrap();
        equal_soon(&pair).await;
        do_on(
            &source,
            "INSERT INTO early VALUES (2); INSERT INTO t VALUES (1000)",
        )
        .await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_dropped_table_disturbs_nobody_and_its_successor_takes_its_place() {
    for major in majors().await {
        let (pair, source, daemon) = followed_pair(major).await;
        do_on(
            &source,
            "INSERT INTO other VALUES (2); DROP TABLE other; INSERT INTO t VALUES (1000)",
        )
        .await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        let destination = pair.on_destination().await;
        let kept = "SELECT count(*) = 2 FROM app_public.other";
        until(&destination, kept).await;

        do_on(
            &source,
            "CREATE TABLE other (id bigint, w text); INSERT INTO other VALUES (7), (7)",
        )
        .await;
        equal_soon(&pair).await;
        do_on(&source, "INSERT INTO other VALUES (8)").await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_truncate_of_a_table_sent_as_one_is_applied_and_that_of_a_partition_loads_it_again() {
    const AGAIN: &str = "the table is loaded again";
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        do_on(
            &source,
            "CREATE TABLE root (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
             CREATE TABLE low PARTITION OF root FOR VALUES FROM (MINVALUE) TO (100);
             CREATE TABLE high PARTITION OF root FOR VALUES FROM (100) TO (MAXVALUE);
             INSERT INTO root SELECT i FROM generate_series(90, 110) AS i;
             DROP PUBLICATION walferry_app; CREATE PUBLICATION walferry_app FOR TABLE root
                 WITH (publish_via_partition_root = true)",
        )
        .await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        do_on(&source, "TRUNCATE root").await;
        do_on(&source, "INSERT INTO root VALUES (1), (200)").await;
        daemon.until_logged("streaming", 2).await;
        equal_soon(&pair).await;
        assert!(!daemon.log().contains(AGAIN), "{}", daemon.log());

        do_on(&source, "TRUNCATE low").await;
        daemon.until_logged(AGAIN, 1).await;
        equal_soon(&pair).await;

        // nothing tells of the second one, so rows that come after the first are a reason to doubt
        let both = "BEGIN; TRUNCATE root; INSERT INTO root VALUES (1), (200); TRUNCATE low; COMMIT";
        do_on(&source, both).await;
        daemon.until_logged(AGAIN, 2).await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn tables_that_join_get_statistics_whatever_becomes_of_one_of_them() {
    for major in majors().await {
        let pair = Pair::with_settings(major, &[], &[("autovacuum", "off")]).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        // the place of one of them has an index that cannot be looked at
        let owner = pair.as_walferry(&pair.destination, "warehouse").await;
        do_on(
            &owner,
            "CREATE SCHEMA app_public;
             CREATE FUNCTION app_public.picky(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
                 IF current_setting('application_name') = 'walferry analyze' THEN
                     RAISE 'not this one';
                 END IF;
                 RETURN $1;
             END $$;
             CREATE TABLE app_public.b (id int PRIMARY KEY, v text);
             CREATE INDEX ON app_public.b (app_public.picky(id))",
        )
        .await;
        do_on(&source, "CREATE TABLE old AS SELECT 1 AS id").await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        // together, and the one in the middle
        let table = |name: &str, rows: u32| {
            format!(
                "CREATE TABLE {name} (id int PRIMARY KEY, v text);
                 INSERT INTO {name} SELECT i, repeat('x', 100) FROM generate_series(1, {rows}) AS i;"
            )
        };
        let tables = [table("a", 1), table("b", 1_000), table("c", 5_000)].concat();
        do_on(&source, &format!("BEGIN; {tables} COMMIT")).await;
        let known = "SELECT count(DISTINCT tablename) = 3 FROM pg_stats
             WHERE schemaname = 'app_public' AND tablename IN ('old', 'a', 'c')";
        until(&destination, known).await;
        let rows = "SELECT reltuples::int FROM pg_class WHERE oid = 'app_public.c'::regclass";
        let rows: i32 = destination.query_one(rows, &[]).await.unwrap().get(0);
        assert_eq!(rows, 5_000);
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
        let log = std::fs::read_to_string(pair.directory().join("walferry.log")).unwrap();
        let failed = "statistics of a new table are missing";
        let failed: Vec<&str> = log.lines().filter(|line| line.contains(failed)).collect();
        assert!(
            failed.len() == 1 && failed[0].contains("app_public.b"),
            "{log}"
        );
    }
}
