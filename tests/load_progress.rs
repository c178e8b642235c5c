//! What is told of an initial load while it goes on, by one that takes its time.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_postgres::Client;

use crate::support::PATIENCE;
use crate::support::{Daemon, Metrics, Pair, do_on, drain, equal_soon, majors, walferry};

/// The place of the table is there already, and looks at each row for long while the brake is on.
const SLOW_PLACE: &str = "
    CREATE SCHEMA brake;
    CREATE TABLE brake.pulled AS SELECT 1 AS one;
    CREATE FUNCTION brake.pass(id int) RETURNS bool LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM brake.pulled) THEN
            PERFORM pg_catalog.pg_sleep(0.004);
        END IF;
        RETURN true;
    END $$;
    CREATE SCHEMA app_public;
    CREATE TABLE app_public.wide (id int PRIMARY KEY, v text, CHECK (brake.pass(id)))";

/// A load of 80 MiB under way, of which some 1 MiB goes through a second; and who holds the brake.
async fn slow_load(pair: &Pair) -> (Daemon, Client) {
    let source = pair.on_source().await;
    do_on(
        &source,
        "CREATE TABLE wide (id int PRIMARY KEY, v text);
         ALTER TABLE wide ALTER v SET STORAGE PLAIN;
         INSERT INTO wide SELECT i, repeat('x', 3500) FROM generate_series(1, 24000) AS i",
    )
    .await;
    let brake = pair.as_walferry(&pair.destination, "warehouse").await;
    do_on(&brake, SLOW_PLACE).await;
    (Daemon::start(pair), brake)
}

/// The first line about the load in the log that has this part, once it is there.
async fn told(daemon: &mut Daemon, part: &str) -> String {
    let started = Instant::now();
    loop {
        let log = daemon.log();
        let is = |line: &&str| line.contains("initial load") && line.contains(part);
        if let Some(line) = log.lines().find(is) {
            return line.to_owned();
        }
        daemon.assert_running();
        assert!(started.elapsed() < PATIENCE, "{log}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A field of a line of the log.
fn field(line: &str, name: &str) -> Option<u64> {
    let mut fields = line.split(' ');
    let value = fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    value.map(|value| value.parse().unwrap())
}

async fn status(pair: &Pair) -> Value {
    let answer = walferry(&pair.config(), &["status", "--json"]).await;
    serde_json::from_str(&answer.ended(0, &[]).out).unwrap()
}

/// What `/status` says once it knows how fast the load is.
async fn status_with_rate(pair: &Pair, daemon: &Daemon) -> Value {
    let started = Instant::now();
    while !daemon.get("/healthz").await.starts_with("HTTP/1.1 200") {
        assert!(started.elapsed() < PATIENCE, "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    loop {
        let status = status(pair).await;
        let known = |of: &Value| of["remaining_seconds"].as_u64() > Some(0);
        if known(&status["load"]) && known(&status["tables"][0]) {
            return status;
        }
        assert!(started.elapsed() < PATIENCE, "{status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_load_tells_rows_bytes_rate_and_remaining_time_in_the_log_the_status_and_the_metrics() {
    let pair = Pair::start(*majors().await.last().unwrap()).await;
    let (mut daemon, brake) = slow_load(&pair).await;
    let under_way = status_with_rate(&pair, &daemon).await;
    for of in [&under_way["load"], &under_way["tables"][0]] {
        let figure = |name: &str| of[name].as_u64().unwrap();
        assert!(figure("rows") > 0 && figure("bytes") > 0, "{of}");
        assert!(figure("bytes") < figure("bytes_expected"), "{of}");
        assert!(figure("bytes_per_second") > 0, "{of}");
        assert!(figure("percent") < 100, "{of}");
    }
    let drawn = walferry(&pair.config(), &["status"]).await;
    let drawn = drawn.ended(0, &["0 of 1 tables", "RATE", "LEFT"]);
    let narrow = |line: &str| line.trim_end().chars().count() <= 80;
    assert!(drawn.out.lines().all(narrow), "{}", drawn.out);

    let table = [("schema", "public"), ("table", "wide")];
    let metrics = Metrics::of(&daemon).await;
    let figure = |metrics: &Metrics, name: &str| {
        let value = metrics.value(&format!("walferry_snapshot_{name}"), &table);
        value.unwrap()
    };
    assert!(figure(&metrics, "rows") > 0.0);
    assert!((1.0..figure(&metrics, "bytes_expected")).contains(&figure(&metrics, "bytes")));

    let line = told(&mut daemon, "remaining_seconds=").await;
    let of = |name: &str| field(&line, name).unwrap_or_else(|| panic!("no {name} in {line}"));
    assert!(of("rows") > 0 && of("bytes") > 0, "{line}");
    assert!(of("bytes") < of("bytes_expected"), "{line}");
    assert!(
        of("bytes_per_second") > 0 && of("remaining_seconds") > 0,
        "{line}"
    );
    assert_eq!((of("tables"), of("tables_loaded")), (1, 0));

    do_on(&brake, "DELETE FROM brake.pulled").await;
    daemon.wait_ready().await;
    equal_soon(&pair).await;
    check_over(&pair, &mut daemon, figure).await;
    drain(&pair, daemon).await;
}

/// It has ended at 100 %, and nothing of it is left.
async fn check_over(pair: &Pair, daemon: &mut Daemon, figure: impl Fn(&Metrics, &str) -> f64) {
    let over = status(pair).await;
    assert_eq!(over["load"], Value::Null);
    let table = &over["tables"][0];
    assert_eq!(
        (&table["percent"], &table["rows"]),
        (&100.into(), &24_000.into())
    );
    assert_eq!(table["bytes"], table["bytes_expected"]);
    assert_eq!(table["remaining_seconds"], Value::Null);
    let metrics = Metrics::of(daemon).await;
    let left = figure(&metrics, "bytes_expected") - figure(&metrics, "bytes");
    assert!(left.abs() < 0.5, "{left}");
    let line = &told(daemon, "percent=100 ").await;
    assert_eq!(
        field(line, "bytes"),
        field(line, "bytes_expected"),
        "{line}"
    );
    assert_eq!(field(line, "remaining_seconds").unwrap_or(0), 0, "{line}");
    let drawn = walferry(&pair.config(), &["status"]).await;
    assert!(
        !drawn.out.contains("\n load") && drawn.out.contains("CHANGES"),
        "{}",
        drawn.out
    );
}
