//! `on_table_error = "quarantine"`: one faulty table does not stop the others.

use std::path::Path;

use crate::support::bookkeeping::confirmed;
use crate::support::{
    CANARY, Daemon, Pair, assert_discreet, do_on, drain, equal_soon, majors, until, walferry,
};

const GONE_ON: &str = "SELECT count(*) = 3 FROM app_public.good";

#[tokio::test]
async fn a_table_that_the_destination_refuses_is_left_behind_and_comes_back_with_a_new_load() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let config = pair.write_config(
            "walferry.toml",
            "[tables]\non_table_error = \"quarantine\"\n",
        );
        let source = pair.on_source().await;
        do_on(
            &source,
            &format!(
                "CREATE TABLE bad (id int PRIMARY KEY, v text);
                 CREATE TABLE good (id int PRIMARY KEY);
                 INSERT INTO bad VALUES (1, '{CANARY}'); INSERT INTO good VALUES (1)"
            ),
        )
        .await;
        let mut daemon = Daemon::start_on(&pair, &config);
        daemon.wait_ready().await;
        let destination = pair.on_destination().await;
        let rule = "ALTER TABLE app_public.bad ADD CONSTRAINT mine CHECK (v <> 'refused')";
        do_on(&destination, rule).await;
        do_on(
            &source,
            "BEGIN; INSERT INTO bad VALUES (2, 'refused'); INSERT INTO good VALUES (2); COMMIT;
             INSERT INTO bad VALUES (3, 'fine'); INSERT INTO good VALUES (3)",
        )
        .await;
        until(&destination, GONE_ON).await;
        until(&destination, "SELECT count(*) = 1 FROM app_public.bad").await;
        let recorded = "SELECT count(*) = 1 FROM walferry.walferry_quarantined
                         WHERE source_table = 'bad' AND error LIKE '%SQLSTATE 23514%'";
        until(&destination, recorded).await;
        shows_it(&daemon, &config).await;

        // neither a restart nor what it would have to catch up with holds the others up
        drain(&pair, daemon).await;
        let before = confirmed(&source).await.unwrap().0;
        let mut daemon = Daemon::start_on(&pair, &config);
        daemon.wait_ready().await;
        do_on(
            &source,
            "UPDATE bad SET v = 'more'; DELETE FROM good WHERE id = 3",
        )
        .await;
        until(&destination, "SELECT count(*) = 2 FROM app_public.good").await;
        drain(&pair, daemon).await;
        assert!(
            confirmed(&source).await.unwrap().0 > before,
            "the slot stands still"
        );

        do_on(
            &destination,
            "ALTER TABLE app_public.bad DROP CONSTRAINT mine",
        )
        .await;
        let mut daemon = Daemon::start_on(&pair, &config);
        daemon.wait_ready().await;
        walferry(&config, &["resync", "public.bad", "--wait"])
            .await
            .ended(0, &["public.bad will be loaded again", "Done."]);
        do_on(&source, "INSERT INTO bad VALUES (4, 'refused')").await;
        equal_soon(&pair).await;
        assert_discreet(&pair, &daemon).await;
        drain(&pair, daemon).await;
    }
}

/// Everything that an operator looks at tells of the table `bad`.
async fn shows_it(daemon: &Daemon, config: &Path) {
    let status = daemon.get("/status").await;
    assert!(status.contains("\"quarantined\""), "{status}");
    let metrics = daemon.get("/metrics").await;
    for metric in [
        "walferry_table_state{schema=\"public\",table=\"bad\",state=\"quarantined\"} 1",
        "walferry_errors_total{kind=\"refused\"}",
    ] {
        assert!(metrics.contains(metric), "{metrics}");
    }
    walferry(config, &["status"])
        .await
        .ended(0, &["public.bad is quarantined"]);
}

#[tokio::test]
async fn rows_that_others_wrote_halt_whatever_the_policy() {
    let pair = Pair::start(majors().await[0]).await;
    let config = pair.write_config(
        "walferry.toml",
        "[tables]\non_table_error = \"quarantine\"\n",
    );
    let source = pair.on_source().await;
    do_on(
        &source,
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1), (2)",
    )
    .await;
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    do_on(&pair.on_destination().await, "DELETE FROM app_public.t").await;
    do_on(&source, "UPDATE t SET v = 'x'").await;
    assert_eq!(daemon.wait_exit().await, Some(4));
    let log = std::fs::read_to_string(pair.directory().join("walferry.log")).unwrap();
    assert!(log.contains("diverged"), "{log}");
}
