//! The main job: load, follow, stop, go on.

use crate::support::{Daemon, Pair, compare, equal_soon, majors};

#[tokio::test]
async fn a_copy_is_loaded_followed_drained_and_resumed() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        source
            .batch_execute(
                "CREATE TABLE kept (id int PRIMARY KEY, note text, price numeric(10,2));
                 CREATE TABLE keyless (v text);
                 INSERT INTO kept SELECT i, 'note ' || i, i / 7.0 FROM generate_series(1, 1000) AS i;
                 INSERT INTO keyless SELECT 'twice' FROM generate_series(1, 2)",
            )
            .await
            .unwrap();
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        compare(&pair).await;

        source
            .batch_execute(
                "BEGIN;
                 UPDATE kept SET price = price + 1 WHERE id % 3 = 0;
                 UPDATE kept SET id = id + 10000 WHERE id % 5 = 0;
                 DELETE FROM kept WHERE id % 7 = 0;
                 INSERT INTO keyless VALUES ('twice');
                 COMMIT",
            )
            .await
            .unwrap();
        equal_soon(&pair).await;
        assert_eq!(daemon.sigterm().await, Some(0), "PostgreSQL {major}");

        source
            .batch_execute("TRUNCATE keyless; DELETE FROM kept WHERE id < 100")
            .await
            .unwrap();
        let daemon = Daemon::start(&pair);
        equal_soon(&pair).await;
        daemon.kill9().await;

        source
            .batch_execute("INSERT INTO keyless VALUES ('after the crash')")
            .await
            .unwrap();
        let daemon = Daemon::start(&pair);
        equal_soon(&pair).await;
        assert_eq!(daemon.sigterm().await, Some(0), "PostgreSQL {major}");
    }
}
