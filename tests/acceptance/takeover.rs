//! Two daemons, one pipeline.

use std::time::{Duration, Instant};

use crate::support::{Daemon, Figures, Metrics, Pair, Pgbench, edited_config, majors, walferry};

#[tokio::test]
async fn a_second_daemon_is_turned_away_and_the_first_one_does_not_notice() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        Pgbench::init(&pair, 1).await;
        let load = Pgbench::start(&pair);
        let mut first = Daemon::start(&pair);
        first.wait_ready().await;

        // on another machine, its pages would have an address of their own
        let listen = format!("127.0.0.1:{}", pair.http_port());
        let second = edited_config(&pair, "second.toml", &[(&listen, "off")]);
        let started = Instant::now();
        let second = walferry(&second, &["run"]).await;
        let took = started.elapsed();
        assert_eq!(second.code, Some(4), "{}", second.err);
        let at_once = took < Duration::from_secs(5);
        assert!(at_once || !Figures::asked_for().alone, "{took:?}");
        let named = "Another walferry already runs the pipeline \"app\"";
        assert!(second.err.contains(named), "{}", second.err);
        assert!(second.err.contains("hint:"), "{}", second.err);

        let answer = first.get("/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        load.stop(&pair).await;
        let (transactions, _) = Pgbench::arrived(&pair).await;
        first.assert_running();
        let metrics = Metrics::of(&first).await;
        assert!(
            !metrics.has("walferry_errors_total"),
            "an error was counted"
        );
        for endpoint in ["source", "destination"] {
            assert!(metrics.reconnects(endpoint) == 0.0, "{endpoint}");
        }
        assert_eq!(first.sigterm().await, Some(0));
        eprintln!(
            "PostgreSQL {version}: the second daemon ended after {took:.1?} with exit code 4; the \
             first applied all {transactions} transactions",
            version = pair.source.binaries().version(),
        );
    }
}
