//! SIGTERM in the middle of a pgbench run.

use std::time::Instant;

use crate::support::bookkeeping::{applied, confirmed, loads, slots_made};
use crate::support::{Daemon, Figures, Pair, Pgbench, majors};

#[tokio::test]
async fn a_drain_under_load_leaves_a_clean_checkpoint_from_which_the_next_start_goes_on() {
    for major in majors().await {
        let figures = Figures::asked_for();
        let pair = Pair::with_settings(major, &[("log_replication_commands", "on")], &[]).await;
        Pgbench::init(&pair, figures.scale).await;
        let load = Pgbench::start(&pair);
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        let first_loads = loads(&destination, "walferry").await;
        tokio::time::sleep(figures.run / 2).await;

        let told = Instant::now();
        assert_eq!(daemon.sigterm().await, Some(0));
        let took = told.elapsed();
        // the goodbye told the source everything that is in the tables
        let (acknowledged, reader) = confirmed(&source).await.unwrap();
        assert_eq!(reader, None, "the slot is still in use");
        assert_eq!(acknowledged, applied(&destination).await.unwrap());

        tokio::time::sleep(figures.run / 2).await;
        let daemon = Daemon::start(&pair);
        load.stop(&pair).await;
        let (transactions, late) = Pgbench::arrived(&pair).await;
        assert_eq!(loads(&destination, "walferry").await, first_loads);
        assert_eq!(slots_made(&pair), 1);
        assert_eq!(daemon.sigterm().await, Some(0));
        // at rest, the checkpoint has moved past everything that was written
        assert_eq!(
            confirmed(&source).await.unwrap().0,
            applied(&destination).await.unwrap()
        );
        eprintln!(
            "PostgreSQL {version}: drained in {took:.1?} under load; {transactions} transactions, \
             equal {late:.1?} after the end",
            version = pair.source.binaries().version(),
        );
    }
}
