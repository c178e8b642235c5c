//! The bastion of both sides is killed with all of its sessions, at random moments.

use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::Value;

use crate::support::PATIENCE;
use crate::support::bookkeeping::slots_made;
use crate::support::sshd::{BEHIND, Sshd, through};
use crate::support::{Daemon, Figures, Metrics, Pair, Pgbench, do_on, majors, up_to};

/// Of pgbench.
const TABLES: i64 = 4;

#[tokio::test]
async fn a_bastion_killed_while_it_carries_the_load_and_the_stream_costs_nothing_but_time() {
    let figures = Figures::asked_for();
    eprintln!("WALFERRY_SEED={}", figures.seed);
    let mut random = Rng::with_seed(figures.seed);
    let major = *majors().await.last().unwrap();
    let log = [("log_replication_commands", "on")];
    let pair = Pair::with_settings(major, &log, &[]).await;
    Pgbench::init(&pair, figures.scale).await;
    let mut bastion = Sshd::start().await;
    let keys = bastion.keys(pair.directory(), "");
    let config = through(&pair, BEHIND, "bastion.toml", &keys);
    let load = Pgbench::start(&pair);
    let mut daemon = Daemon::start_on(&pair, &config);
    let (mut loading, mut streaming) = (0, 0);
    for kill in 0..figures.kills {
        // the first half while it starts and loads, the other half while it follows
        let late = kill >= figures.kills / 2;
        if late {
            until_loaded(&pair, &mut daemon).await;
        }
        let holder = pair.on_destination().await;
        if kill == 0 {
            // whatever the moments of the others: this one is in the load, which cannot record
            until_it_copies(&mut daemon).await;
            let lock = "BEGIN; LOCK TABLE walferry.walferry_tables IN SHARE MODE";
            do_on(&holder, lock).await;
        } else {
            tokio::time::sleep(up_to(&mut random, 1_500)).await;
        }
        if late {
            daemon.wait_ready().await;
        }
        let follows = daemon.get("/readyz").await.starts_with("HTTP/1.1 200");
        bastion.down();
        do_on(&holder, "ROLLBACK").await;
        // the destination cannot be reached now: what is not there was not loaded yet
        let is_loaded = loaded(&pair).await == TABLES;
        loading += u64::from(!is_loaded);
        streaming += u64::from(is_loaded && follows);
        tokio::time::sleep(up_to(&mut random, 1_000)).await;
        daemon.assert_running();
        bastion.up();
    }
    until_loaded(&pair, &mut daemon).await;
    daemon.wait_ready().await;
    load.stop(&pair).await;
    let (transactions, late) = Pgbench::arrived(&pair).await;
    daemon.assert_running();
    assert!(loading > 0, "no kill fell into the load");
    assert!(streaming > 0, "no kill fell into the stream");
    let metrics = Metrics::of(&daemon).await;
    assert!(metrics.reconnects("source") + metrics.reconnects("destination") > 0.0);
    assert!(slots_made(&pair) >= 1);
    assert_eq!(daemon.sigterm().await, Some(0));
    eprintln!(
        "PostgreSQL {version}: bastion killed {loading} times during the load and {streaming} times \
         while the stream was followed, {transactions} transactions, equal {late:.1?} after the end",
        version = pair.source.binaries().version(),
    );
}

/// Waits until `/status` says that rows of a table are being copied.
async fn until_it_copies(daemon: &mut Daemon) {
    let started = Instant::now();
    let copies = |status: &Value| {
        let tables = status["tables"].as_array().unwrap();
        status["state"] == "snapshot" && tables.iter().any(|table| table["state"] == "copying")
    };
    loop {
        let answer = daemon.get("/status").await;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        let status = body.and_then(|body| serde_json::from_str(body).ok());
        if status.as_ref().is_some_and(copies) {
            return;
        }
        daemon.assert_running();
        assert!(started.elapsed() < PATIENCE, "no load:\n{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until all tables are loaded, be it beside the stream.
async fn until_loaded(pair: &Pair, daemon: &mut Daemon) {
    let started = Instant::now();
    while loaded(pair).await < TABLES {
        daemon.assert_running();
        let waited = started.elapsed();
        assert!(waited < PATIENCE, "not loaded:\n{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How many tables are loaded and followed.
async fn loaded(pair: &Pair) -> i64 {
    let count = "SELECT count(*) FROM walferry.walferry_tables WHERE pipeline = 'app'";
    let row = pair.on_destination().await.query_one(count, &[]).await;
    row.unwrap().get(0)
}
