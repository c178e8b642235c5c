//! The bastion of both sides is killed with all of its sessions, at random moments.

use fastrand::Rng;

use crate::support::bookkeeping::slots_made;
use crate::support::sshd::{BEHIND, Sshd, through};
use crate::support::{Daemon, Figures, Metrics, Pair, Pgbench, majors, up_to};

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
        if kill >= figures.kills / 2 {
            daemon.wait_ready().await;
        }
        tokio::time::sleep(up_to(&mut random, 1_500)).await;
        let ready = daemon.get("/readyz").await.starts_with("HTTP/1.1 200");
        bastion.down();
        loading += u64::from(!ready);
        streaming += u64::from(ready);
        tokio::time::sleep(up_to(&mut random, 1_000)).await;
        daemon.assert_running();
        bastion.up();
    }
    daemon.wait_ready().await;
    load.stop(&pair).await;
    let (transactions, late) = Pgbench::arrived(&pair).await;
    daemon.assert_running();
    let metrics = Metrics::of(&daemon).await;
    assert!(metrics.reconnects("source") + metrics.reconnects("destination") > 0.0);
    assert!(slots_made(&pair) >= 1);
    assert_eq!(daemon.sigterm().await, Some(0));
    eprintln!(
        "PostgreSQL {version}: bastion killed {loading} times before and {streaming} times while \
         the stream was followed, {transactions} transactions, equal {late:.1?} after the end",
        version = pair.source.binaries().version(),
    );
}
