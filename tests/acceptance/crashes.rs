//! kill -9 of the daemon at random moments of a pgbench run.

use fastrand::Rng;

use crate::support::bookkeeping::{loads, slots_made};
use crate::support::{Daemon, Figures, Pair, Pgbench, majors, up_to};

/// Rows of this table cannot be told from each other: one too many or too few is seen by nothing
/// but their count.
const SAME_ROWS: &str = "INSERT INTO public.keyless VALUES ('same');\n";

#[tokio::test]
async fn a_daemon_killed_at_random_moments_loses_nothing_and_repeats_nothing() {
    for major in majors().await {
        let figures = Figures::asked_for();
        eprintln!("WALFERRY_SEED={}", figures.seed);
        let mut random = Rng::with_seed(figures.seed);
        let pair = Pair::with_settings(major, &[("log_replication_commands", "on")], &[]).await;
        Pgbench::init(&pair, figures.scale).await;
        let source = pair.on_source().await;
        let table = "CREATE TABLE public.keyless (v text)";
        source.batch_execute(table).await.unwrap();
        let script = pair.directory().join("same-rows.sql");
        std::fs::write(&script, SAME_ROWS).unwrap();
        let script = format!("{}@1", script.display());
        let load = Pgbench::start_with(&pair, &["-b", "tpcb-like@3", "-f", &script]);

        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        let destination = pair.on_destination().await;
        let first_loads = loads(&destination, "walferry").await;
        assert_eq!(first_loads.len(), 5, "{first_loads:?}");
        let mut streaming = 0;
        for _ in 0..figures.kills {
            // one half while it follows, the other half also while it starts
            if random.bool() {
                daemon.wait_ready().await;
                tokio::time::sleep(up_to(&mut random, 2_000)).await;
            } else {
                tokio::time::sleep(up_to(&mut random, 1_000)).await;
            }
            daemon.assert_running();
            let ready = daemon.get("/readyz").await.starts_with("HTTP/1.1 200");
            streaming += u64::from(ready);
            daemon.kill9().await;
            daemon = Daemon::start(&pair);
        }
        daemon.wait_ready().await;
        load.stop(&pair).await;
        let (transactions, late) = Pgbench::arrived(&pair).await;

        assert_eq!(loads(&destination, "walferry").await, first_loads);
        assert_eq!(slots_made(&pair), 1);
        assert_eq!(daemon.log().matches("initial load begins").count(), 1);
        daemon.assert_running();
        assert_eq!(daemon.sigterm().await, Some(0));
        eprintln!(
            "PostgreSQL {version}: {kills} kills ({streaming} while it was streaming), \
             {transactions} transactions, equal {late:.1?} after the end, 1 slot, 1 initial load",
            version = pair.source.binaries().version(),
            kills = figures.kills,
        );
    }
}
