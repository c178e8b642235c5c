//! An initial load with live writes, while somebody kills whatever takes part in it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio_postgres::Client;
use walferry::demo::cluster::{Cluster, Stop};

use crate::support::PATIENCE;
use crate::support::{
    Daemon, Figures, Pair, Pgbench, do_on, equal_soon, hold_loads, let_loads_go_on, majors, until,
    until_held, up_to,
};

/// Small tables beside the large and the partitioned one.
const SMALL: u32 = 150;

/// A table as the bookkeeping has it.
const FINISHED: &str = "
    SELECT source_table, (snapshot_lsn, loaded_at, rows, bytes)::text
    FROM walferry.walferry_tables WHERE pipeline = 'app'";

#[tokio::test]
async fn an_initial_load_gets_over_every_death_and_copies_no_finished_table_again() {
    for major in majors().await {
        let figures = Figures::asked_for();
        eprintln!("WALFERRY_SEED={}", figures.seed);
        let mut random = Rng::with_seed(figures.seed);
        let mut pair = Pair::start(major).await;
        // long enough to die in, short enough to be done between two deaths
        let scale = figures.scale.min(2);
        do_on(&pair.on_source().await, &make_tables(scale)).await;
        let script = pair.directory().join("write.sql");
        std::fs::write(&script, writes(scale)).unwrap();
        let script = script.to_str().unwrap().to_owned();
        let start_writes =
            |pair: &Pair| Pgbench::start_with(pair, &["-R", "300", "-f", script.as_str()]);

        let mut load = start_writes(&pair);
        die_between_ranges(&pair, scale).await;
        let mut daemon = Daemon::start(&pair);
        let mut finished = BTreeMap::new();
        let (mut tables, mut during_load) = (SMALL as usize + 2, 0);
        let mut deaths: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..figures.kills {
            tokio::time::sleep(up_to(&mut random, 1_500)).await;
            daemon.assert_running();
            look(&pair, &mut finished).await;
            if finished.len() == tables {
                // so that somebody dies during a load and not after it
                tables += more_tables(&pair, scale).await;
                tokio::time::sleep(up_to(&mut random, 1_500)).await;
                look(&pair, &mut finished).await;
            }
            during_load += u64::from(finished.len() < tables);
            let mut death = DEATHS[random.usize(..DEATHS.len())].to_owned();
            match death.as_str() {
                "daemon" => {
                    daemon.kill9().await;
                    daemon = Daemon::start(&pair);
                }
                "source" => {
                    // pgbench does not outlive it
                    drop(load);
                    pair.source.restart(Stop::Immediate).await.unwrap();
                    load = start_writes(&pair);
                }
                "destination" => pair.destination.restart(Stop::Immediate).await.unwrap(),
                session => death = end_one_session(&pair, session, &mut random).await,
            }
            *deaths.entry(death).or_default() += 1;
        }
        let quiet = Instant::now();
        while finished.len() < tables {
            assert!(quiet.elapsed() < PATIENCE, "not loaded:\n{}", daemon.log());
            daemon.assert_running();
            look(&pair, &mut finished).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let took = quiet.elapsed();
        daemon.wait_ready().await;
        load.stop(&pair).await;
        equal_soon(&pair).await;
        look(&pair, &mut finished).await;
        // a few may all come after it
        let enough = during_load > 0 || figures.kills < 20;
        assert!(enough, "no death while tables were loaded");
        nothing_is_left_over(&pair.on_destination().await).await;
        assert_eq!(daemon.sigterm().await, Some(0));
        eprintln!(
            "PostgreSQL {version}: 3 deaths between the ranges of the initial load, then {kills} \
             ({during_load} while tables were loaded) {deaths:?}; \
             {tables} tables, loaded {took:.1?} after the last of them, none twice, equal",
            version = pair.source.binaries().version(),
            kills = figures.kills,
        );
    }
}

/// Logged when a session of a worker of the initial load died.
const AGAIN: &str = "a worker of the initial load starts again";

/// What dies: a process, or one session by the name it has on its server.
const DEATHS: [&str; 12] = [
    "daemon",
    "daemon",
    "source",
    "destination",
    "destination: apply",
    "destination: tablesync",
    "destination: index worker",
    "source: snapshot worker",
    "destination: snapshot worker",
    "source: slot",
    "source: snapshot",
    "source: stream",
];

/// Adds tables, which are loaded beside the stream; how many.
async fn more_tables(pair: &Pair, scale: u32) -> usize {
    let source = pair.on_source().await;
    let taken = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_class WHERE relkind = 'r'";
    let taken: i64 = source.query_one(taken, &[]).await.unwrap().get(0);
    let rows = 30_000 * scale;
    let make = |(table, rows)| {
        let name = format!("later_{taken}_{table}");
        format!(
            "CREATE TABLE {name} (id int PRIMARY KEY, v text);
             ALTER TABLE {name} ALTER v SET STORAGE PLAIN;
             INSERT INTO {name} SELECT i, repeat('x', 1500) FROM generate_series(1, {rows}) AS i;"
        )
    };
    let script: String = [(1, rows), (2, rows), (3, 100), (4, 1)].map(make).concat();
    do_on(&source, &script).await;
    // a row tells of a new table at once
    do_on(&source, &format!("UPDATE later_{taken}_4 SET v = 'now'")).await;
    4
}

/// One of several ranges, a page for each row, one of partitions, and many small ones.
fn make_tables(scale: u32) -> String {
    let large = 40_000 * scale;
    let mut script = format!(
        "CREATE TABLE large (id int PRIMARY KEY, n int, v text) WITH (fillfactor = 25);
         ALTER TABLE large ALTER v SET STORAGE PLAIN;
         INSERT INTO large SELECT i, 0, repeat('x', 2000) FROM generate_series(1, {large}) AS i;
         ALTER PUBLICATION walferry_app SET (publish_via_partition_root = true);
         CREATE TABLE parted (id int, n int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
         CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (MINVALUE) TO (3000);
         CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (3000) TO (MAXVALUE);
         INSERT INTO parted SELECT i, 0, repeat('y', 200) FROM generate_series(1, 10000) AS i;"
    );
    script.extend((1..=SMALL).map(|table| {
        format!(
            "CREATE TABLE t{table} (id int PRIMARY KEY, n int, v text);
             INSERT INTO t{table} SELECT i, 0, repeat('z', 50) FROM generate_series(1, 200) AS i;"
        )
    }));
    script
}

fn writes(scale: u32) -> String {
    let large = 40_000 * scale;
    let mut script = format!(
        "\\set id random(1, 200)\n\\set big random(1, {large})\nBEGIN;\n\
         UPDATE large SET n = n + 1 WHERE id = :big;\n\
         UPDATE parted SET n = n + 1 WHERE id = :id * 40;\n\
         DELETE FROM t1 WHERE id = :id;\nINSERT INTO t1 VALUES (:id, 0, 'again');\n"
    );
    script.extend((2..=10).map(|table| format!("UPDATE t{table} SET n = n + 1 WHERE id = :id;\n")));
    script + "COMMIT;\n"
}

/// Adds what is finished by now; what was finished before is there as it was.
async fn look(pair: &Pair, finished: &mut BTreeMap<String, String>) {
    let destination = pair.on_destination().await;
    let Ok(rows) = destination.query(FINISHED, &[]).await else {
        assert!(finished.is_empty(), "the bookkeeping is gone");
        return;
    };
    let now: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for (table, then) in &*finished {
        assert_eq!(now.get(table), Some(then), "{table} was loaded again");
    }
    *finished = now;
    // a commit that nobody waited for is seen before a crash can no longer take it back
    do_on(&destination, "SELECT pg_logical_emit_message(true, '', '')").await;
}

/// Ends one of walferry's sessions of that name; if there is none now, another one. Says which.
async fn end_one_session(pair: &Pair, session: &str, random: &mut Rng) -> String {
    let started = Instant::now();
    while !end_session(pair, session).await {
        let mut there = Vec::new();
        for side in ["source", "destination"] {
            there.extend(sessions(pair, side).await);
        }
        if !there.is_empty() {
            let other = &there[random.usize(..there.len())];
            if end_session(pair, other).await {
                return other.clone();
            }
        }
        assert!(started.elapsed() < PATIENCE, "there is no session to end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    session.to_owned()
}

/// Walferry's sessions by side and name.
async fn sessions(pair: &Pair, side: &str) -> Vec<String> {
    let client = on(pair, side).superuser("postgres").await.unwrap();
    let statement = "SELECT application_name FROM pg_catalog.pg_stat_activity
         WHERE application_name LIKE 'walferry %'";
    let rows = client.query(statement, &[]).await.unwrap();
    let name = |row: &tokio_postgres::Row| row.get::<_, String>(0).replacen("walferry", "", 1);
    rows.iter()
        .map(|row| format!("{side}:{}", name(row)))
        .collect()
}

/// Whether there was one.
async fn end_session(pair: &Pair, session: &str) -> bool {
    let (side, name) = session.split_once(": ").unwrap();
    let client = on(pair, side).superuser("postgres").await.unwrap();
    let statement = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
         WHERE application_name = $1 LIMIT 1";
    let name = format!("walferry {name}");
    let ended = client.query_opt(statement, &[&name]).await.unwrap();
    ended.is_some_and(|row| row.get(0))
}

fn on<'p>(pair: &'p Pair, side: &str) -> &'p Cluster {
    match side {
        "source" => &pair.source,
        _ => &pair.destination,
    }
}

/// The initial load begins, and stands still with some ranges of the large table done. Then its
/// sessions die, which it gets over, and so does all of it.
async fn die_between_ranges(pair: &Pair, scale: u32) {
    let config = pair.write_config("two_workers.toml", "[snapshot]\nworkers = 2\n");
    let destination = pair.destination.superuser("warehouse").await.unwrap();
    hold_loads(&destination).await;
    let mut daemon = Daemon::start_on(pair, &config);
    let observer = pair.destination.superuser("warehouse").await.unwrap();
    until_held(&observer).await;
    let name = "SELECT 'walferry.' || relname FROM pg_class
         WHERE relname ~ '^walferry_load_[0-9a-f]{16}_[0-9]+$' AND relkind = 'r'";
    let name: String = observer.query_one(name, &[]).await.unwrap().get(0);
    let rows = async || -> i64 {
        let count = format!("SELECT count(*) FROM {name}");
        observer.query_one(&count, &[]).await.unwrap().get(0)
    };
    let done = rows().await;
    assert!((1..i64::from(40_000 * scale)).contains(&done), "{done}");
    let end = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 300000)) = 2
         FROM pg_stat_activity WHERE application_name = 'walferry snapshot worker'";
    let both: bool = observer.query_one(end, &[]).await.unwrap().get(0);
    assert!(both, "no two workers to end");
    daemon.until_logged(AGAIN, 2).await;
    until_held(&observer).await;
    daemon.assert_running();
    let log = daemon.log();
    assert!(
        !log.contains("streaming") && !log.contains("beside the stream"),
        "{log}"
    );
    assert_eq!(rows().await, done, "ranges that were done");
    daemon.kill9().await;
    let_loads_go_on(&destination).await;
}

/// Hidden tables and bookkeeping of a load beside the stream end with it.
async fn nothing_is_left_over(destination: &Client) {
    let questions = [
        "SELECT count(*) = 0 FROM pg_catalog.pg_class WHERE relname LIKE 'walferry_load_%'",
        "SELECT count(*) = 0 FROM walferry.walferry_pipelines WHERE name <> 'app'",
    ];
    for question in questions {
        until(destination, question).await;
    }
}
