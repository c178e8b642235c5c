//! What the board tells after it was told something.

use super::*;
use crate::error::Kind;

fn board() -> Board {
    Board::new(Identity {
        pipeline: "app".to_owned(),
        ..Identity::default()
    })
}

fn busy_board() -> Board {
    let board = board();
    let users = TableName::new("public", "users");
    board.state(State::Streaming);
    board.positions(Lsn(90), Lsn(60), Lsn(50), Lsn(100));
    board.lag_seconds(0.25);
    board.slot(4096, None, "reserved");
    board.table_expected(&users, 1000);
    board.table_copied(&users, 400, 7);
    board.batch_applied(&BatchReport {
        transactions: 2,
        inserts: 3,
        updates: 4,
        deletes: 5,
        truncates: 1,
        changes: 13,
        steps: &[
            ("stage", Duration::from_millis(3)),
            ("commit", Duration::from_millis(20)),
        ],
        tables: &[(users, 3, 4, 5)],
    });
    board.reconnect(Side::Source);
    board.error(&Error::new(Kind::Contention, "Deadlock").remedy("Wait."));
    board
}

fn scrape(board: &Board) -> prometheus_parse::Scrape {
    let text = board.render_metrics();
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    prometheus_parse::Scrape::parse(lines).unwrap()
}

fn value(scrape: &prometheus_parse::Scrape, name: &str, labels: &[(&str, &str)]) -> f64 {
    let sample = scrape
        .samples
        .iter()
        .find(|s| s.metric == name && labels.iter().all(|(k, v)| s.labels.get(k) == Some(v)))
        .unwrap_or_else(|| panic!("no {name} with {labels:?}"));
    match &sample.value {
        prometheus_parse::Value::Counter(v)
        | prometheus_parse::Value::Gauge(v)
        | prometheus_parse::Value::Untyped(v) => *v,
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "small integers are exact")]
fn prometheus_understands_every_metric() {
    let board = busy_board();
    let scrape = scrape(&board);
    for (name, labels, expected) in [
        ("walferry_lag_bytes", &[("stage", "received")][..], 10.0),
        ("walferry_lag_bytes", &[("stage", "applied")], 40.0),
        ("walferry_lag_bytes", &[("stage", "confirmed")], 50.0),
        ("walferry_lag_seconds", &[], 0.25),
        ("walferry_pipeline_state", &[("state", "streaming")], 1.0),
        ("walferry_pipeline_state", &[("state", "halted")], 0.0),
        ("walferry_table_state", &[("state", "copying")], 1.0),
        ("walferry_table_state", &[("state", "pending")], 0.0),
        ("walferry_changes_total", &[("op", "truncate")], 1.0),
        ("walferry_table_changes_total", &[("op", "update")], 4.0),
        ("walferry_transactions_total", &[], 2.0),
        ("walferry_snapshot_rows", &[("table", "users")], 7.0),
        ("walferry_snapshot_bytes", &[("schema", "public")], 400.0),
        ("walferry_snapshot_bytes_expected", &[], 1000.0),
        ("walferry_slot_retained_bytes", &[], 4096.0),
        ("walferry_slot_safe_bytes", &[], f64::INFINITY),
        ("walferry_reconnects_total", &[("endpoint", "source")], 1.0),
        (
            "walferry_reconnects_total",
            &[("endpoint", "destination")],
            0.0,
        ),
        ("walferry_errors_total", &[("kind", "contention")], 1.0),
        (
            "walferry_build_info",
            &[("version", env!("CARGO_PKG_VERSION"))],
            1.0,
        ),
    ] {
        assert_eq!(value(&scrape, name, labels), expected, "{name} {labels:?}");
    }
    assert!(value(&scrape, "process_start_time_seconds", &[]) > 1.7e9);
}

#[test]
fn tables_with_strange_names_stay_apart() {
    let board = board();
    for name in ["a\\\\b", "a\\b", "say \"hi\"", "\\\"", "\"", "two\nlines"] {
        board.table_state(&TableName::new("public", name), TableState::Live);
    }
    let text = board.render_metrics();
    for escaped in [
        r"a\\\\b",
        r"a\\b",
        r#"say \"hi\""#,
        r#"\\\""#,
        r#"\""#,
        r"two\nlines",
    ] {
        let series = format!("table=\"{escaped}\",state=\"live\"}} 1\n");
        assert_eq!(text.matches(&series).count(), 1, "{escaped}: {text}");
    }
}

#[test]
fn batches_are_histograms_with_buckets() {
    let scrape = scrape(&busy_board());
    for (name, label) in [
        ("walferry_batch_seconds", Some("commit")),
        ("walferry_batch_changes", None),
    ] {
        let found = scrape.samples.iter().any(|sample| {
            let buckets = matches!(
                &sample.value,
                prometheus_parse::Value::Histogram(buckets) if buckets.len() > 10
            );
            sample.metric == name && buckets && sample.labels.get("step") == label
        });
        assert!(found, "{name}");
    }
}

#[test]
fn every_metric_has_help_and_type_and_is_documented() {
    let text = busy_board().render_metrics();
    let documented = include_str!("../../../docs/metrics.md");
    let typed: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    for name in &typed {
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        assert!(documented.contains(&format!("`{name}")), "{name}");
    }
    assert_eq!(typed.len(), crate::observe::metrics::CATALOGUE.len());
}

#[test]
fn what_is_unknown_is_absent_and_not_zero() {
    let board = board();
    let text = board.render_metrics();
    for name in ["lag_seconds", "slot_safe_bytes", "slot_retained_bytes"] {
        assert!(!text.contains(name), "{name}");
    }
    let status = board.status();
    assert_eq!(status.lag, Lag::default());
    assert_eq!(status.slot.retained_bytes, None);
}

#[test]
fn a_lost_slot_has_no_safety_left() {
    let board = board();
    board.slot(1 << 40, None, "lost");
    let safe = value(&scrape(&board), "walferry_slot_safe_bytes", &[]);
    assert!(safe.abs() < f64::EPSILON);
}

#[test]
fn two_boards_do_not_share_their_numbers() {
    let (one, other) = (busy_board(), board());
    assert_eq!(one.status().counters.changes, 13);
    assert_eq!(other.status().counters.changes, 0);
    let changed = value(&scrape(&other), "walferry_transactions_total", &[]);
    assert!(changed.abs() < f64::EPSILON);
}

#[test]
fn the_status_survives_its_json() {
    let status = busy_board().status();
    let json = serde_json::to_string(&status).unwrap();
    let back: Status = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    assert_eq!(back.lag.bytes, Some(40));
    assert_eq!(back.state, State::Streaming);
    assert_eq!(back.last_error.unwrap().remedy.as_deref(), Some("Wait."));
    assert_eq!((back.tables[0].bytes, back.tables[0].changes), (400, 12));
}

#[test]
fn a_finished_table_keeps_its_totals_until_it_waits_again() {
    let board = board();
    let name = TableName::new("public", "users");
    board.table_copied(&name, 10, 1);
    board.table_done(&name, 2, 20);
    let table = board.status().tables.remove(0);
    assert_eq!(
        (table.state, table.bytes, table.rows),
        (TableState::Live, 20, 2)
    );
    board.table_state(&name, TableState::Pending);
    let table = board.status().tables.remove(0);
    assert_eq!((table.bytes, table.rows), (0, 0));
}

#[test]
#[expect(clippy::float_cmp, reason = "small integers are exact")]
fn what_a_table_took_is_what_was_expected_once_it_is_there() {
    let (board, name) = (board(), TableName::new("public", "users"));
    board.state(State::Snapshot);
    board.table_expected(&name, 1000);
    board.table_copied(&name, 700, 7);
    let load = board.status().load.unwrap();
    assert_eq!((load.bytes, load.bytes_expected), (700, 1000));
    board.table_state(&name, TableState::Indexing);
    assert_eq!(board.status().load.unwrap().bytes_expected, 700);
    assert_eq!(board.status().tables[0].percent, 99);
    board.table_done(&name, 7, 700);
    let load = board.status().load.unwrap();
    assert_eq!(
        (load.percent, load.bytes, load.bytes_expected),
        (100, 700, 700)
    );
    let scrape = scrape(&board);
    for metric in [
        "walferry_snapshot_bytes",
        "walferry_snapshot_bytes_expected",
    ] {
        assert_eq!(value(&scrape, metric, &[]), 700.0, "{metric}");
    }
    board.state(State::Streaming);
    assert_eq!(board.status().load, None);
}

#[test]
fn only_a_table_that_is_being_copied_has_a_rate() {
    let (board, name) = (board(), TableName::new("public", "users"));
    board.state(State::Snapshot);
    board.table_expected(&name, 1_000_000);
    let pace = |board: &Board| {
        let table = board.status().tables.remove(0);
        (table.bytes_per_second, table.remaining_seconds)
    };
    for bytes in [1, 1000] {
        board.table_copied(&name, bytes, 1);
        board.note_rates();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(matches!(pace(&board), (Some(1..), Some(1..))));
    let load = board.status().load.unwrap();
    assert!(load.bytes_per_second > Some(0) && load.remaining_seconds > Some(0));
    board.table_state(&name, TableState::Indexing);
    assert_eq!(pace(&board), (None, None));
}

#[test]
fn the_time_of_a_state_is_that_of_its_first_report() {
    let board = board();
    board.state(State::Preflight);
    let since = board.status().since;
    std::thread::sleep(Duration::from_millis(5));
    board.state(State::Preflight);
    assert_eq!(board.status().since, since);
}

#[test]
fn health_needs_a_turning_loop_and_while_streaming_a_talking_source() {
    let board = board();
    let loop_limit = u64::try_from(limits::LOOP_SILENCE_MAX.as_millis()).unwrap();
    assert!(board.health().is_ok());
    let reason = board.health_at(loop_limit + 1_000).unwrap_err();
    assert!(reason.contains("loop"), "{reason}");

    board.0.loop_turned.store(loop_limit, Ordering::Relaxed);
    board.listen_to_source(Duration::from_secs(45));
    assert!(board.health_at(loop_limit + 1_000).is_ok());
    board.state(State::Streaming);
    board.0.loop_turned.store(60_000, Ordering::Relaxed);
    assert!(board.health_at(44_000).is_ok());
    let reason = board.health_at(60_000).unwrap_err();
    assert!(reason.contains("source"), "{reason}");

    board.state(State::Halted);
    assert!(board.health().unwrap_err().contains("halted"));
}
