//! Tables are loaded again and added while others are written to and read all the time.

use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::altered::{Longest, Stage};
use crate::support::{
    Daemon, Figures, Pair, Pgbench, do_on, drain, equal_soon, majors, until, walferry,
};

pub(super) const TABLES: u32 = 20;
pub(super) const ROWS: u32 = 5_000;

/// How often a reader looks.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// The longest that the other tables may stand still on a machine that does nothing else.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(2);

#[tokio::test]
async fn tables_are_loaded_again_and_added_while_readers_always_see_whole_ones() {
    for major in majors().await {
        let figures = Figures::asked_for();
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        do_on(&source, &make_tables()).await;
        let (load, daemon) = under_load(&pair).await;
        let destination = pair.on_destination().await;

        let enough = CancellationToken::new();
        let reader = read(
            pair.on_destination().await,
            enough.clone(),
            Stage::default(),
        );
        let reader = tokio::spawn(reader);
        let beats = tokio::spawn(beat(pair.on_source().await, enough.clone()));
        tokio::time::sleep(figures.run / 4).await;
        walferry(
            &pair.config(),
            &["resync", "public.t1", "public.t2", "--wait"],
        )
        .await
        .ended(0, &["public.t1 will be loaded again", "Done."]);
        do_on(
            &source,
            "CREATE TABLE added AS SELECT i AS id, 0 AS n FROM generate_series(1, 1000) AS i;
             ALTER TABLE added ADD PRIMARY KEY (id)",
        )
        .await;
        until(
            &destination,
            "SELECT to_regclass('app_public.added') IS NOT NULL",
        )
        .await;
        do_on(&source, "UPDATE added SET n = n + 1 WHERE id < 10").await;
        tokio::time::sleep(figures.run / 4).await;

        enough.cancel();
        let (looks, pause) = reader.await.unwrap();
        beats.await.unwrap();
        load.stop(&pair).await;
        equal_soon(&pair).await;
        if figures.alone {
            assert!(pause.time < PAUSE_MAX, "the others stood still for {pause}");
        }
        walferry(&pair.config(), &["resync", "public.t1", "t_of_nobody"])
            .await
            .ended(2, &["public.t_of_nobody"]);
        drain(&pair, daemon).await;
        eprintln!(
            "PostgreSQL {version}: two of {TABLES} tables loaded again, one added; {looks} looks, \
             none at an empty or half table; the longest pause of the others was {pause}",
            version = pair.source.binaries().version(),
        );
    }
}

/// Writes to the tables, and a daemon that follows them into copies with a view on one.
pub(super) async fn under_load(pair: &Pair) -> (Pgbench, Daemon) {
    let script = pair.directory().join("write.sql");
    std::fs::write(&script, writes()).unwrap();
    let load = Pgbench::start_with(pair, &["-R", "250", "-f", script.to_str().unwrap()]);
    let mut daemon = Daemon::start(pair);
    daemon.wait_ready().await;
    let view = "CREATE VIEW seen AS SELECT * FROM app_public.t1";
    do_on(&pair.on_destination().await, view).await;
    (load, daemon)
}

pub(super) fn make_tables() -> String {
    let mut script = String::from("CREATE TABLE beat (n bigint); INSERT INTO beat VALUES (0);");
    script.push_str("ALTER TABLE beat REPLICA IDENTITY FULL;");
    script.extend((1..=TABLES).map(|table| {
        format!(
            "CREATE TABLE t{table} (id int PRIMARY KEY, n int, v text);
             INSERT INTO t{table} SELECT i, 0, repeat('x', 100) FROM generate_series(1, {ROWS}) AS i;"
        )
    }));
    script
}

/// Rows change and never come or go, so every look must see all of them.
fn writes() -> String {
    let mut script = format!("\\set id random(1, {ROWS})\nBEGIN;\n");
    script.extend((1..=TABLES).map(|table| {
        format!("UPDATE t{table} SET n = n + 1 WHERE id = (:id + {table}) % {ROWS} + 1;\n")
    }));
    script + "COMMIT;\n"
}

/// The source's clock, as fast as a reader looks at it.
pub(super) async fn beat(source: Client, enough: CancellationToken) {
    while !enough.is_cancelled() {
        do_on(&source, "UPDATE beat SET n = n + 1").await;
        tokio::time::sleep(LOOK_INTERVAL / 2).await;
    }
}

/// Looks, and the longest time that the copy of the clock stood still.
pub(super) async fn read(
    destination: Client,
    enough: CancellationToken,
    stage: Stage,
) -> (u64, Longest) {
    let statement = "
        SELECT (SELECT n FROM app_public.beat),
               (SELECT count(*) FROM app_public.t1), (SELECT count(*) FROM app_public.t2),
               (SELECT count(*) FROM seen), (SELECT sum(n) FROM app_public.t3),
               (SELECT sum(n) FROM app_public.t4)";
    let statement = destination.prepare(statement).await.unwrap();
    let mut pause = tokio::time::interval(LOOK_INTERVAL);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut looks, mut longest) = (0, Longest::default());
    let (mut last, mut moved) = (0, Instant::now());
    while !enough.is_cancelled() {
        pause.tick().await;
        let row = destination.query_one(&statement, &[]).await.unwrap();
        for counted in 1..=3 {
            assert_eq!(row.get::<_, i64>(counted), i64::from(ROWS), "{counted}");
        }
        assert_eq!(
            row.get::<_, i64>(4),
            row.get::<_, i64>(5),
            "a torn transaction"
        );
        looks += 1;
        let now: i64 = row.get(0);
        if now != last {
            longest.note(moved.elapsed(), &stage);
            (last, moved) = (now, Instant::now());
        }
    }
    (looks, longest)
}
