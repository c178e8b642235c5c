//! Initial loads that somebody interrupts: what was reported as done stays done.

use walferry::demo::cluster::Stop;

use crate::support::{Daemon, Pair, do_on, drain, equal_soon, majors, until};

#[tokio::test]
async fn ranges_that_were_loaded_before_the_destination_crashed_are_there_afterwards() {
    for major in majors().await {
        // a crash forgets commits that nobody waited for, and nobody writes them early
        let late = [("wal_writer_delay", "10s"), ("wal_buffers", "64MB")];
        let mut pair = Pair::with_settings(major, &[], &late).await;
        let source = pair.on_source().await;
        do_on(
            &source,
            "CREATE TABLE wide (id int PRIMARY KEY, v text);
             ALTER TABLE wide ALTER v SET STORAGE PLAIN;
             INSERT INTO wide SELECT i, repeat('x', 3500) FROM generate_series(1, 24000) AS i",
        )
        .await;
        let mut daemon = Daemon::start(&pair);
        let destination = pair.on_destination().await;
        let begun = "FROM pg_class WHERE relnamespace = to_regnamespace('walferry')
                     AND relname LIKE 'walferry_load_%'";
        until(&destination, &format!("SELECT count(*) > 0 {begun}")).await;
        let name = format!("SELECT relname::text {begun}");
        let hidden: String = destination.query_one(&name, &[]).await.unwrap().get(0);
        let some = format!("SELECT EXISTS (SELECT FROM walferry.{hidden})");
        until(&destination, &some).await;
        drop(destination);
        pair.destination.stop(Stop::Immediate).await.unwrap();
        pair.destination.start().await.unwrap();
        equal_soon(&pair).await;
        daemon.wait_ready().await;
        do_on(&source, "UPDATE wide SET v = 'y' WHERE id % 100 = 0").await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}
