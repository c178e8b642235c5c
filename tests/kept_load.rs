//! A load beside the stream, while the stream stops to look at the catalogs.

use tokio_postgres::Client;

use crate::support::{
    Daemon, Pair, do_on, drain, equal_soon, followed_pair, majors, until, walferry,
};

/// With how many tables: what it has done since is told in other words.
const BEGINS: &str = "loading tables beside the stream tables=";

/// Alters another table twice while `other` is being loaded again, which waits for somebody's
/// transaction before it can begin. Returns how often it has begun.
async fn loads(pair: &Pair, source: &Client, daemon: &Daemon, added: [&str; 2]) -> usize {
    let before = daemon.log().matches(BEGINS).count();
    let destination = pair.on_destination().await;
    let somebody = pair.on_source().await;
    do_on(&somebody, "BEGIN; SELECT txid_current()").await;
    walferry(&pair.config(), &["resync", "public.other"])
        .await
        .ended(0, &[]);
    daemon.until_logged(BEGINS, before + 1).await;
    for column in added {
        // of a table that is loaded: the stream is told of it, and has nothing to apply
        do_on(source, "INSERT INTO other SELECT generate_series(1, 10)").await;
        let (name, _) = column.split_once(' ').unwrap();
        do_on(source, &format!("ALTER TABLE t ADD COLUMN {column}")).await;
        do_on(source, &format!("UPDATE t SET {name} = NULL WHERE id = 1")).await;
        let followed = format!(
            "SELECT to_jsonb(t) ? '{name}' AND to_jsonb(t)->'{name}' = 'null'
             FROM app_public.t AS t WHERE id = 1"
        );
        until(&destination, &followed).await;
    }
    do_on(source, "INSERT INTO other SELECT generate_series(1, 100)").await;
    do_on(&somebody, "COMMIT").await;
    let loaded = "SELECT NOT bool_or(reload) FROM walferry.walferry_tables";
    until(&destination, loaded).await;
    equal_soon(pair).await;
    daemon.log().matches(BEGINS).count() - before
}

/// `other` has no key, so that a row that comes twice is there twice.
async fn without_a_key(source: &Client) {
    let alter =
        "ALTER TABLE other DROP CONSTRAINT other_pkey; ALTER TABLE other REPLICA IDENTITY FULL";
    do_on(source, alter).await;
}

#[tokio::test]
async fn it_goes_on_while_another_table_is_altered() {
    for major in majors().await {
        let (pair, source, daemon) = followed_pair(major).await;
        without_a_key(&source).await;
        let added = ["one int DEFAULT 7", "two int DEFAULT 7"];
        let loads = loads(&pair, &source, &daemon, added).await;
        assert_eq!(loads, 1, "{}", daemon.log());
        drain(&pair, daemon).await;
    }
}

/// Ranges come as text, and with them all tables, for which the stream is opened again: from before
/// where the load was told that it is.
#[tokio::test]
async fn it_begins_anew_where_the_stream_is_another_one() {
    for major in majors().await {
        let (pair, source, daemon) = followed_pair(major).await;
        without_a_key(&source).await;
        let added = ["one int4range DEFAULT '[7,8)'", "two int DEFAULT 7"];
        let loads = loads(&pair, &source, &daemon, added).await;
        assert_eq!(loads, 2, "{}", daemon.log());
        drain(&pair, daemon).await;
    }
}
