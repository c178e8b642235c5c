//! Scenarios of PostgreSQL's own subscription tests that no case folder can tell, by the numbers of
//! docs/testing.md.

use crate::support::{Daemon, Pair, do_on, drain, majors, stopped_pair, until};

/// 005
#[tokio::test]
async fn a_source_of_another_encoding_is_copied_as_the_same_characters() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let administrator = pair.source.superuser("postgres").await.unwrap();
        for statement in [
            "CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C'",
            "GRANT CONNECT ON DATABASE latin TO walferry",
        ] {
            do_on(&administrator, statement).await;
        }
        let source = pair.source.superuser("latin").await.unwrap();
        do_on(
            &source,
            "CREATE TABLE t (k text PRIMARY KEY, v text);
             INSERT INTO t VALUES ('größe', 'ÿ'), ('b', 'æøå');
             GRANT SELECT ON t TO walferry;
             CREATE PUBLICATION walferry_app FOR TABLE t",
        )
        .await;
        let config = pair.write_config_between("latin", "warehouse", "latin.toml", "");
        let mut daemon = Daemon::start_on(&pair, &config);
        daemon.wait_ready().await;
        do_on(
            &source,
            "UPDATE t SET v = 'Ça' WHERE k = 'größe'; UPDATE t SET k = 'straße' WHERE k = 'b';
             INSERT INTO t VALUES ('last', '½')",
        )
        .await;
        let destination = pair.on_destination().await;
        until(
            &destination,
            "SELECT string_agg(k || '=' || v, ' ' ORDER BY k COLLATE \"C\")
                  = 'größe=Ça last=½ straße=æøå' FROM app_public.t",
        )
        .await;
        drain(&pair, daemon).await;
    }
}

/// 021c, 008b
#[tokio::test]
async fn what_was_prepared_outlives_a_crash_and_what_the_destination_adds_outlives_updates() {
    for major in majors().await {
        let settings = [("max_prepared_transactions", "5")];
        let (mut pair, source) = stopped_pair(major, &settings).await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        let destination = pair.on_destination().await;
        // 008b
        do_on(
            &destination,
            "ALTER TABLE app_public.t ADD own int DEFAULT 5;
             UPDATE app_public.t SET own = 6 WHERE id = 1",
        )
        .await;
        do_on(
            &source,
            "UPDATE t SET v = 'changed' WHERE id < 3; INSERT INTO t VALUES (200, 'new')",
        )
        .await;
        until(
            &destination,
            "SELECT count(*) FILTER (WHERE v = 'changed' AND own = CASE id WHEN 1 THEN 6 ELSE 5 END)
                  + count(*) FILTER (WHERE id = 200 AND own = 5) = 3 FROM app_public.t",
        )
        .await;
        // 021c
        do_on(
            &source,
            "BEGIN; UPDATE t SET v = 'kept' WHERE id = 5; PREPARE TRANSACTION 'kept'",
        )
        .await;
        do_on(
            &source,
            "BEGIN; UPDATE t SET v = 'undone' WHERE id = 6; PREPARE TRANSACTION 'undone'",
        )
        .await;
        pair.source.kill9().await.unwrap();
        pair.source.start().await.unwrap();
        let source = pair.on_source().await;
        do_on(&source, "COMMIT PREPARED 'kept'").await;
        do_on(&source, "ROLLBACK PREPARED 'undone'").await;
        do_on(&source, "INSERT INTO t VALUES (201, 'after the crash')").await;
        until(
            &destination,
            "SELECT count(*) FILTER (WHERE v = 'kept') = 1
                AND count(*) FILTER (WHERE v = 'undone') = 0
                AND count(*) FILTER (WHERE id = 201) = 1 FROM app_public.t",
        )
        .await;
        drain(&pair, daemon).await;
    }
}

/// 024
#[tokio::test]
async fn a_publication_that_joins_the_configuration_or_leaves_it_brings_its_rows_or_takes_them() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        do_on(
            &source,
            "CREATE TABLE shared (id int PRIMARY KEY, v text);
             INSERT INTO shared SELECT i, 'old' FROM generate_series(1, 9) AS i;
             CREATE TABLE late (id int PRIMARY KEY);
             INSERT INTO late VALUES (1);
             CREATE PUBLICATION one FOR TABLE shared WHERE (id < 4);
             CREATE PUBLICATION two FOR TABLE shared WHERE (id > 7), late",
        )
        .await;
        let follow = async |publications: &str, shared: &str| {
            let list = format!("[source.replication]\npublication = [{publications}]\n");
            let config = pair.write_config("several.toml", &list);
            let mut daemon = Daemon::start_on(&pair, &config);
            daemon.wait_ready().await;
            let copy = format!(
                "SELECT string_agg(id || v, ' ' ORDER BY id) = '{shared}' FROM app_public.shared"
            );
            until(&destination, &copy).await;
            assert_eq!(daemon.sigterm().await, Some(0));
        };
        follow("'one'", "1old 2old 3old").await;
        do_on(&source, "UPDATE shared SET v = 'new' WHERE id IN (1, 9)").await;
        follow("'one', 'two'", "1new 2old 3old 8old 9new").await;
        let late = destination.query_one("SELECT FROM app_public.late", &[]);
        late.await.unwrap();
        do_on(&source, "UPDATE shared SET v = 'last' WHERE id IN (2, 8)").await;
        follow("'two'", "8last 9new").await;
    }
}
