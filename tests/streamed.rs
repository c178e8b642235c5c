//! Large transactions that the source sends before they commit.
//!
//! `logical_decoding_work_mem` is as small as it may be, so a few hundred rows are a large
//! transaction, and `memory_max` too, so that they go to disk and are applied in parts.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::support::PATIENCE;
use crate::support::{
    Daemon, Figures, Metrics, Pair, do_on, drain, equal_soon, majors, stopped_pair, until,
};

const SMALL: (&str, &str) = ("logical_decoding_work_mem", "64kB");

/// About 130 bytes a row.
const PAD: &str = "repeat('p', 100)";

/// A stopped pair, and a daemon with little memory and a spool of its own.
async fn pair_with(major: u32, spool: &str) -> (Pair, Client, Daemon) {
    let (pair, source) = stopped_pair(major, &[SMALL]).await;
    let own = pair.directory().join("spool");
    std::fs::create_dir(&own).unwrap();
    let spool = format!("[apply]\nmemory_max = \"1 MiB\"\n{spool}\n");
    let config = pair.write_config("walferry.toml", &spool);
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    (pair, source, daemon)
}

/// Parts of transactions have been sent before their commit.
async fn assert_streamed(source: &Client) {
    until(
        source,
        "SELECT stream_txns > 0 FROM pg_stat_replication_slots WHERE slot_name = 'walferry_app'",
    )
    .await;
}

async fn until_spooled(daemon: &Daemon, bytes: f64) {
    let started = Instant::now();
    loop {
        let spooled = Metrics::of(daemon).await.value("walferry_spool_bytes", &[]);
        if spooled.unwrap() >= bytes {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "never spooled: {spooled:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn rows(from: u32, to: u32) -> String {
    format!("INSERT INTO t SELECT i, {PAD} FROM generate_series({from}, {to}) AS i;\n")
}

/// Rollbacks of every sort, between rows that stay.
fn savepoints() -> String {
    // rolled back to, used again, and released
    let first = format!(
        "BEGIN; {}
         SAVEPOINT a; {} ROLLBACK TO a; {} RELEASE a;
         SAVEPOINT b; UPDATE t SET v = 'b' WHERE id <= 1500; SAVEPOINT c; {} ROLLBACK TO b;
         DELETE FROM t WHERE id BETWEEN 1001 AND 1100; {}",
        rows(1_001, 2_000),
        rows(3_001, 4_000),
        rows(3_001, 3_500),
        rows(5_001, 6_000),
        rows(6_001, 7_000),
    );
    // one in the other, more than a session keeps in shared memory
    let nested = (0..80).map(|depth| {
        let from = 10_000 + depth * 100;
        format!("SAVEPOINT s{depth}; {}", rows(from, from + 60))
    });
    let nested: Vec<String> = nested.collect();
    // each turn is a subtransaction, and every second one is rolled back
    let last = format!(
        "ROLLBACK TO s60; {} DO $$ BEGIN FOR i IN 1..60 LOOP BEGIN
             INSERT INTO t SELECT 100000 + i * 1000 + n, {PAD} FROM generate_series(1, 100) AS n;
             IF i % 2 = 0 THEN RAISE division_by_zero; END IF;
         EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$; COMMIT;",
        rows(30_001, 30_500)
    );
    [first, nested.concat(), last].concat()
}

/// Rows, then other shapes of the same and other tables, then rows.
fn schema_changes() -> String {
    format!(
        "BEGIN; {} ALTER TABLE t ADD COLUMN more int; UPDATE t SET more = id WHERE id < 400000;
         SAVEPOINT a; ALTER TABLE t ADD COLUMN undone text DEFAULT 'x';
         UPDATE t SET undone = 'y'; ROLLBACK TO a;
         INSERT INTO t SELECT i, {PAD}, i FROM generate_series(420001, 421000) AS i;
         SELECT pg_logical_emit_message(true, 'some', 'thing');
         SELECT pg_logical_emit_message(false, 'some', 'thing'); COMMIT;",
        rows(400_001, 401_000),
    )
}

/// Large values that updates do not touch, and a table that is emptied on the way.
fn toast_and_truncate() -> String {
    "BEGIN; INSERT INTO wide SELECT i, 0, string_agg(md5(i::text || n), '')
             FROM generate_series(1, 100) AS i, generate_series(1, 200) AS n GROUP BY i;
         COMMIT;
         BEGIN; UPDATE wide SET n = n + 1; UPDATE wide SET n = n + 1 WHERE id % 2 = 0;
         UPDATE wide SET id = id + 1000 WHERE id > 50;
         INSERT INTO other SELECT i, repeat('o', 200) FROM generate_series(100, 2000) AS i;
         TRUNCATE other; SAVEPOINT a; TRUNCATE t; ROLLBACK TO a;
         INSERT INTO other SELECT i, repeat('o', 200) FROM generate_series(1, 1000) AS i; COMMIT;"
        .to_owned()
}

#[tokio::test]
async fn transactions_with_savepoints_shape_changes_and_large_values_are_equal() {
    for major in majors().await {
        let (pair, source, daemon) = pair_with(major, "spool_dir = \"spool\"").await;
        let wide = "CREATE TABLE wide (id int PRIMARY KEY, n int, v text);
             ALTER TABLE wide ALTER COLUMN v SET STORAGE EXTERNAL";
        do_on(&source, wide).await;
        for script in [savepoints(), schema_changes(), toast_and_truncate()] {
            do_on(&source, &script).await;
            equal_soon(&pair).await;
        }
        assert_streamed(&source).await;
        let files = std::fs::read_dir(pair.directory().join("spool")).unwrap();
        assert_eq!(files.count(), 0, "a file of the spool has a name");
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn transactions_that_overlap_are_applied_in_the_order_of_their_commits() {
    for major in majors().await {
        let (pair, source, daemon) = pair_with(major, "").await;
        let sessions = [pair.on_source().await, pair.on_source().await, source];
        let [one, two, three] = &sessions;
        for session in [one, two] {
            do_on(session, "BEGIN").await;
        }
        for turn in 0..8 {
            let from = 10_000 + turn * 1_000;
            do_on(one, &rows(from, from + 400)).await;
            do_on(two, &rows(from + 500, from + 900)).await;
            do_on(three, &format!("INSERT INTO other VALUES ({from}, 'x')")).await;
        }
        until_spooled(&daemon, 100_000.0).await;
        // what is open keeps nothing else from being applied and acknowledged
        let others = "SELECT count(*) > 8 FROM app_public.other";
        until(&pair.on_destination().await, others).await;
        let now: String = three
            .query_one("SELECT pg_current_wal_lsn()::text", &[])
            .await
            .unwrap()
            .get(0);
        do_on(three, "INSERT INTO other VALUES (2, 'x')").await;
        let acknowledged = format!(
            "SELECT confirmed_flush_lsn > '{now}' FROM pg_replication_slots
             WHERE slot_name = 'walferry_app'"
        );
        until(three, &acknowledged).await;
        do_on(two, "UPDATE t SET v = 'two' WHERE id < 1000; COMMIT").await;
        do_on(one, "UPDATE t SET v = 'one' WHERE id < 1000; COMMIT").await;
        equal_soon(&pair).await;
        // one of two is rolled back, when all of it has been sent
        for session in [one, two] {
            do_on(
                session,
                &format!("BEGIN; UPDATE t SET v = {PAD} WHERE id % 2 = 0"),
            )
            .await;
            do_on(
                session,
                &format!(
                    "INSERT INTO other SELECT pg_backend_pid() + n * 4194304, {PAD}
                 FROM generate_series(1, 400) AS n"
                ),
            )
            .await;
            if std::ptr::eq(session, one) {
                do_on(session, "ROLLBACK").await;
            }
        }
        do_on(two, "COMMIT").await;
        equal_soon(&pair).await;
        assert_streamed(three).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_daemon_that_is_killed_or_stopped_meanwhile_gets_all_of_it_again() {
    for major in majors().await {
        let (pair, source, daemon) = pair_with(major, "").await;
        let large = pair.on_source().await;
        do_on(&large, &format!("BEGIN; {}", rows(1_001, 20_000))).await;
        until_spooled(&daemon, 1_000_000.0).await;
        daemon.kill9().await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        do_on(
            &large,
            &format!(
                "{} SAVEPOINT a; DELETE FROM t; ROLLBACK TO a;",
                rows(20_001, 30_000)
            ),
        )
        .await;
        until_spooled(&daemon, 1_000_000.0).await;
        // it does not wait for the end of what is open
        drain(&pair, daemon).await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        do_on(&large, "COMMIT").await;
        equal_soon(&pair).await;
        assert_streamed(&source).await;
        drain(&pair, daemon).await;
    }
}

/// The daemon is stopped between the changes of a subtransaction and its rollback, which the source
/// then does not send.
#[tokio::test]
async fn a_rollback_that_the_source_forgets_is_found_before_anything_is_applied() {
    for major in majors().await {
        let (pair, source, daemon) = pair_with(major, "").await;
        let large = pair.on_source().await;
        let destination = pair.on_destination().await;
        let until_all_came = async |id: u32| {
            do_on(&source, &format!("INSERT INTO other VALUES ({id}, 'x')")).await;
            let others = format!("SELECT count(*) = {id} FROM app_public.other");
            until(&destination, &others).await;
        };
        let script = format!("BEGIN; {} SAVEPOINT a; DELETE FROM t", rows(1_001, 10_000));
        do_on(&large, &script).await;
        until_all_came(2).await;
        drain(&pair, daemon).await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        do_on(&large, &rows(20_001, 20_010)).await;
        until_all_came(3).await;
        let script = format!("ROLLBACK TO a; {} COMMIT", rows(20_001, 21_000));
        do_on(&large, &script).await;
        equal_soon(&pair).await;
        let log = daemon.log();
        assert!(log.contains("did not send that a part"), "{major}: {log}");
        assert!(log.contains("leaving large transactions to the source"));
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_spool_that_cannot_take_it_leaves_large_transactions_to_the_source() {
    let major = majors().await[0];
    for (spool, says) in [
        ("spool_max = \"1 MiB\"", "larger than [apply] spool_max"),
        ("spool_dir = \"nowhere\"", "nowhere cannot be written"),
        ("spool_max = \"0\"", ""),
    ] {
        let (pair, source, daemon) = pair_with(major, spool).await;
        do_on(&source, &format!("BEGIN; {} COMMIT", rows(1_001, 20_000))).await;
        equal_soon(&pair).await;
        assert!(daemon.log().contains(says), "{}", daemon.log());
        let left = daemon
            .log()
            .contains("leaving large transactions to the source");
        assert_eq!(left, !says.is_empty());
        until(
            &source,
            "SELECT spill_txns > 0 FROM pg_stat_replication_slots WHERE slot_name = 'walferry_app'",
        )
        .await;
        drain(&pair, daemon).await;
    }
}

/// Far more than memory could hold is received, half of it is rolled back, the daemon is killed while
/// it applies the rest, and gets all of it once more.
#[tokio::test]
async fn a_huge_transaction_takes_no_more_memory_than_it_may() {
    const MEMORY_MAX_MIB: u64 = 16;
    let major = *majors().await.last().unwrap();
    let rows = Figures::asked_for().rows;
    let (pair, source) = stopped_pair(major, &[]).await;
    let config = format!("[apply]\nmemory_max = \"{MEMORY_MAX_MIB} MiB\"\n");
    pair.write_config("walferry.toml", &config);
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    let reader = pair.on_destination().await;
    do_on(&reader, "BEGIN; LOCK TABLE app_public.t").await;
    let insert = |from: u64, to: u64| {
        format!("INSERT INTO t SELECT i, repeat('p', 800) FROM generate_series({from}, {to}) AS i;")
    };
    let (kept, undone) = (insert(1_001, rows), insert(rows + 1, 2 * rows));
    // all of it in a savepoint: nothing goes ahead, and waits behind the lock
    let script =
        format!("BEGIN; SAVEPOINT whole; {kept} SAVEPOINT a; {undone} ROLLBACK TO a; COMMIT");
    do_on(&source, &script).await;
    #[expect(clippy::cast_precision_loss, reason = "it is about megabytes")]
    until_spooled(&daemon, (rows * 800) as f64).await;
    let mut peaks = vec![daemon.memory_peak()];
    daemon.kill9().await;
    do_on(&reader, "ROLLBACK").await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    let all = format!("SELECT count(*) = {rows} - 900 FROM app_public.t");
    let (destination, started) = (pair.on_destination().await, Instant::now());
    while !destination
        .query_one(&all, &[])
        .await
        .unwrap()
        .get::<_, bool>(0)
    {
        assert!(started.elapsed() < PATIENCE * 2, "it never arrives");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    equal_soon(&pair).await;
    peaks.push(daemon.memory_peak());
    assert_streamed(&source).await;
    eprintln!("{rows} rows and as many undone: memory peaks {peaks:?} KiB");
    let bound = (MEMORY_MAX_MIB + 64) << 10;
    assert!(peaks.iter().all(|peak| *peak <= bound), "above {bound} KiB");
    drain(&pair, daemon).await;
}

/// A table that is loaded again while large transactions come and go.
#[tokio::test]
async fn a_load_beside_the_stream_joins_large_transactions_exactly() {
    let major = *majors().await.last().unwrap();
    let (pair, source, daemon) = pair_with(major, "").await;
    let writer = pair.on_source().await;
    let writing = tokio::spawn(async move {
        for turn in 0..30 {
            let from = 10_000 + turn * 1_000;
            let script = format!(
                "BEGIN; {} SELECT pg_sleep(0.1); COMMIT",
                rows(from, from + 900)
            );
            do_on(&writer, &script).await;
        }
    });
    crate::support::walferry(&pair.config(), &["resync", "public.t"])
        .await
        .ended(0, &[]);
    writing.await.unwrap();
    let loaded = "SELECT NOT bool_or(reload) FROM walferry.walferry_tables";
    until(&pair.on_destination().await, loaded).await;
    equal_soon(&pair).await;
    assert_streamed(&source).await;
    drain(&pair, daemon).await;
}

/// Whether the applier has written something that it has not committed.
async fn until_ahead(destination: &Client, ahead: bool) {
    let writes = format!(
        "SELECT {ahead} = EXISTS (SELECT FROM pg_stat_activity WHERE backend_xid IS NOT NULL
             AND application_name LIKE 'walferry%apply')"
    );
    until(destination, &writes).await;
}

/// What may happen to a transaction whose first parts are applied already, and how it ends.
fn ends() -> Vec<(&'static str, String)> {
    let more = |to: u32| rows(50_000, to);
    let altered = format!(
        "ALTER TABLE t ADD COLUMN n int; UPDATE t SET n = id WHERE id > 20000;
         INSERT INTO t SELECT i, {PAD}, i FROM generate_series(50000, 51000) AS i; COMMIT"
    );
    vec![
        ("committed", format!("{} COMMIT", more(50_100))),
        ("rolled back", "ROLLBACK".to_owned()),
        (
            "a savepoint is rolled back",
            format!("SAVEPOINT a; {} ROLLBACK TO a; COMMIT", more(52_000)),
        ),
        (
            "emptied",
            format!("TRUNCATE other; TRUNCATE t; {} COMMIT", more(52_000)),
        ),
        ("altered", altered),
    ]
}

#[tokio::test]
async fn a_large_transaction_that_is_alone_is_applied_while_it_is_in_progress() {
    for major in majors().await {
        for (end, script) in ends() {
            let (pair, source, daemon) = pair_with(major, "").await;
            let destination = pair.on_destination().await;
            do_on(&source, &rows(20_001, 21_000)).await;
            equal_soon(&pair).await;
            let begin = format!(
                "BEGIN; UPDATE t SET v = {PAD} WHERE id > 20000; {} DELETE FROM t WHERE id % 3 = 0;",
                rows(30_001, 40_000)
            );
            do_on(&source, &begin).await;
            until_ahead(&destination, true).await;
            let seen = "SELECT count(*) = 0 FROM app_public.t WHERE id > 30000";
            until(&destination, seen).await;
            do_on(&source, &script).await;
            equal_soon(&pair).await;
            until_ahead(&destination, false).await;
            // the session goes on with staging tables of its own
            do_on(
                &source,
                &format!("UPDATE t SET v = '{end}'; {}", rows(60_001, 61_000)),
            )
            .await;
            equal_soon(&pair).await;
            let log = daemon.log();
            assert!(!log.contains("will try again"), "{major}, {end}: {log}");
            drain(&pair, daemon).await;
        }
    }
}

#[tokio::test]
async fn an_idle_applier_gets_what_came_of_a_transaction_that_fills_no_batch_yet() {
    for major in majors().await {
        let (pair, source) = stopped_pair(major, &[SMALL]).await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        do_on(&source, &rows(20_001, 21_000)).await;
        equal_soon(&pair).await;
        do_on(&source, &format!("BEGIN; {}", rows(30_001, 45_000))).await;
        until_ahead(&pair.on_destination().await, true).await;
        do_on(&source, "COMMIT").await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_transaction_in_progress_waits_for_its_commit_once_it_is_not_alone_or_stands_still() {
    for major in majors().await {
        let (pair, source, daemon) = pair_with(major, "").await;
        let destination = pair.on_destination().await;
        let large = pair.on_source().await;
        do_on(&large, &format!("BEGIN; {}", rows(1_001, 10_000))).await;
        until_ahead(&destination, true).await;
        do_on(&source, "INSERT INTO other VALUES (2, 'x')").await;
        let came = "SELECT count(*) = 2 FROM app_public.other";
        until(&destination, came).await;
        until_ahead(&destination, false).await;
        do_on(&large, &format!("{} COMMIT", rows(10_001, 20_000))).await;
        equal_soon(&pair).await;

        // two that are large
        do_on(&large, &format!("BEGIN; {}", rows(20_001, 30_000))).await;
        until_ahead(&destination, true).await;
        do_on(&source, &format!("BEGIN; {}", rows(30_001, 40_000))).await;
        until_ahead(&destination, false).await;
        do_on(&large, "COMMIT").await;
        do_on(&source, "COMMIT").await;
        equal_soon(&pair).await;

        do_on(&large, &format!("BEGIN; {}", rows(40_001, 50_000))).await;
        until_ahead(&destination, true).await;
        until_ahead(&destination, false).await;
        do_on(&large, "COMMIT").await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn what_the_destination_refuses_of_a_transaction_in_progress_is_no_halt_before_its_commit() {
    let major = *majors().await.last().unwrap();
    let (pair, source, daemon) = pair_with(major, "").await;
    let destination = pair.on_destination().await;
    let check = "ALTER TABLE app_public.t ADD CONSTRAINT c CHECK (id <> 9999)";
    do_on(&destination, check).await;
    do_on(&source, &format!("BEGIN; {}", rows(1_001, 20_000))).await;
    let logged = Instant::now();
    while !daemon.log().contains("cannot be applied before it commits") {
        assert!(logged.elapsed() < PATIENCE, "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    do_on(&source, "ROLLBACK").await;
    do_on(&source, &format!("BEGIN; {} COMMIT", rows(10_000, 20_000))).await;
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
}
