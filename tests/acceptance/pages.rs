//! What the daemon tells about a pgbench run: its pages, its metrics, `walferry status`.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::PATIENCE;
use crate::support::{Daemon, Metrics, walferry};

/// The metrics of design.md section 9 that a healthy run has.
const METRICS: [&str; 16] = [
    "lag_bytes",
    "lag_seconds",
    "pipeline_state",
    "table_state",
    "changes_total",
    "table_changes_total",
    "transactions_total",
    "batch_seconds",
    "batch_changes",
    "snapshot_rows",
    "snapshot_bytes",
    "snapshot_bytes_expected",
    "slot_retained_bytes",
    "slot_safe_bytes",
    "reconnects_total",
    "build_info",
];

/// Looks at every page twice a second, for ever, and counts.
pub async fn watch(config: &Path, daemon: &Daemon, looks: &Cell<u64>) {
    let mut before = 0.0;
    loop {
        for page in ["/healthz", "/readyz", "/"] {
            let answer = daemon.get(page).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{page}: {answer}");
        }
        let metrics = Metrics::of(daemon).await;
        let lag = |stage| {
            let lag = metrics.value("walferry_lag_bytes", &[("stage", stage)]);
            lag.unwrap()
        };
        let stages = [0.0, lag("received"), lag("applied"), lag("confirmed")];
        assert!(stages.is_sorted(), "{stages:?}");
        let streaming = [("state", "streaming")];
        let streaming = metrics.value("walferry_pipeline_state", &streaming);
        assert_eq!(streaming, Some(1.0));
        if let Some(seconds) = metrics.value("walferry_lag_seconds", &[]) {
            assert!((0.0..600.0).contains(&seconds), "{seconds}");
        }
        let transactions = metrics.value("walferry_transactions_total", &[]).unwrap();
        assert!(transactions >= before);
        before = transactions;
        check_status(config).await;
        looks.set(looks.get() + 1);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn check_status(config: &Path) {
    let answer = walferry(config, &["status", "--json"]).await;
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let status: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(status["pipeline"], "app");
    assert_eq!(status["state"], "streaming");
    assert_eq!(status["tables"].as_array().unwrap().len(), 4, "{status}");
    let answer = walferry(config, &["status"]).await;
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    for word in ["streaming", "pgbench_accounts", "pgbench_history"] {
        assert!(answer.out.contains(word), "{word}:\n{}", answer.out);
    }
}

/// Everything has arrived: no lag is left, and no metric is missing.
pub async fn check_at_rest(daemon: &Daemon) {
    let asked = Instant::now();
    let metrics = loop {
        let metrics = Metrics::of(daemon).await;
        if metrics.value("walferry_lag_seconds", &[]) == Some(0.0) {
            break metrics;
        }
        assert!(asked.elapsed() < PATIENCE, "lag_seconds");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    for name in METRICS {
        assert!(metrics.has(&format!("walferry_{name}")), "no {name}");
    }
    assert!(
        !metrics.has("walferry_errors_total"),
        "an error was counted"
    );
    for endpoint in ["source", "destination"] {
        assert!(metrics.reconnects(endpoint) == 0.0, "{endpoint}");
    }
    let history = [
        ("schema", "public"),
        ("table", "pgbench_history"),
        ("op", "insert"),
    ];
    let inserted = metrics.value("walferry_table_changes_total", &history);
    assert!(inserted > Some(0.0));
}
