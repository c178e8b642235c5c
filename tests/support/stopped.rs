//! A pipeline that has been loaded and is stopped or followed, as most scenarios begin.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::PATIENCE;
use super::{CANARY, Daemon, Pair, compare};

/// A pair with two tables that were loaded and followed, and a daemon that has drained.
pub async fn stopped_pair(major: u32, source: &[(&str, &str)]) -> (Pair, Client) {
    let pair = Pair::with_settings(major, source, &[]).await;
    let client = pair.on_source().await;
    do_on(
        &client,
        &format!(
            "CREATE TABLE t (id int PRIMARY KEY, v text DEFAULT '{CANARY}');
             INSERT INTO t SELECT generate_series(1, 100);
             CREATE TABLE other (id int PRIMARY KEY, v text);
             INSERT INTO other VALUES (1, '{CANARY}')"
        ),
    )
    .await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    compare(&pair).await;
    drain(&pair, daemon).await;
    (pair, client)
}

/// The same pair with a daemon that follows it.
pub async fn followed_pair(major: u32) -> (Pair, Client, Daemon) {
    let (pair, client) = stopped_pair(major, &[]).await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    (pair, client, daemon)
}

/// Asks a daemon to end, and expects that it ends well. What read its slot is gone, too, if the
/// source is there to ask.
pub async fn drain(pair: &Pair, daemon: Daemon) {
    let code = daemon.sigterm().await;
    let log = std::fs::read_to_string(pair.directory().join("walferry.log"));
    assert_eq!(code, Some(0), "{}", log.unwrap());
    if let Ok(source) = pair.source.superuser("app").await {
        let free = "SELECT NOT EXISTS (SELECT FROM pg_replication_slots
                    WHERE active AND slot_name = 'walferry_app')";
        until(&source, free).await;
    }
}

/// Runs a script in a session.
pub async fn do_on(client: &Client, script: &str) {
    if let Err(error) = client.batch_execute(script).await {
        panic!("{script}: {:?}", error.as_db_error());
    }
}

/// Waits until the question is answered with true; NULL is no such answer.
pub async fn until(client: &Client, question: &str) {
    let started = Instant::now();
    while !client
        .query_one(question, &[])
        .await
        .unwrap()
        .get::<_, Option<bool>>(0)
        .unwrap_or(false)
    {
        assert!(started.elapsed() < PATIENCE, "never: {question}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
