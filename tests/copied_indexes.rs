//! `[snapshot] indexes`: what the copies of tables get besides their rows.

use tokio_postgres::Client;

use crate::support::{Daemon, Pair, compare, do_on, drain, equal_soon, majors, until};

/// The indexes of a schema of the destination.
async fn indexes(destination: &Client, schema: &str) -> Vec<String> {
    let question = "SELECT indexname::text FROM pg_indexes WHERE schemaname = $1 ORDER BY 1";
    let rows = destination.query(question, &[&schema]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// All of their indexes have got their names in one transaction.
async fn named_at_once(destination: &Client) -> bool {
    let question = "SELECT count(DISTINCT i.xmin::text) = 1 FROM pg_index AS x
         JOIN pg_class AS i ON i.oid = x.indexrelid
         WHERE i.relnamespace IN ('app_one'::regnamespace, 'app_two'::regnamespace)";
    destination.query_one(question, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn an_index_that_the_destination_cannot_make_is_left_out_and_named() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        do_on(
            &source,
            "CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
             CREATE TABLE t (id int PRIMARY KEY, a int, m mood);
             INSERT INTO t SELECT i, i, 'sad' FROM generate_series(1, 100) AS i;
             CREATE INDEX t_a ON t (a);
             CREATE INDEX t_happy ON t (a) WHERE m = 'happy';
             CREATE INDEX t_twice ON t (twice(a));
             CREATE UNIQUE INDEX t_z ON t (a, id)",
        )
        .await;
        let all = pair.write_config("all.toml", "[snapshot]\nindexes = \"all\"\n");
        let mut daemon = Daemon::start_on(&pair, &all);
        daemon.wait_ready().await;
        compare(&pair).await;
        let destination = pair.on_destination().await;
        let made = indexes(&destination, "app_public").await;
        assert_eq!(made, ["t_a", "t_pkey", "t_z"]);
        let log = daemon.log();
        for left in ["t_happy", "t_twice"] {
            let named = |line: &str| line.contains("without an index") && line.contains(left);
            assert!(log.lines().any(named), "{log}");
        }
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn indexes_of_one_name_in_two_schemas_are_made_beside_the_stream_and_keep_it() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        do_on(&source, "CREATE TABLE first (id int PRIMARY KEY)").await;
        let all = pair.write_config("all.toml", "[snapshot]\nindexes = \"all\"\n");
        let mut daemon = Daemon::start_on(&pair, &all);
        daemon.wait_ready().await;
        let schema = |name: &str| {
            format!(
                "CREATE SCHEMA {name}; GRANT USAGE ON SCHEMA {name} TO walferry;
                 CREATE TABLE {name}.t (id int PRIMARY KEY, a int, b int, organization_id int,
                                        external_id int NOT NULL DEFAULT 0);
                 CREATE INDEX t_created_idx ON {name}.t (a);
                 CREATE INDEX t_taken ON {name}.t (b);
                 INSERT INTO {name}.t SELECT i, i, i, i FROM generate_series(1, 100) AS i;
                 ALTER TABLE {name}.t ALTER organization_id SET NOT NULL;
                 CREATE UNIQUE INDEX ON {name}.t (organization_id, external_id);
                 ALTER TABLE {name}.t REPLICA IDENTITY USING INDEX t_organization_id_external_id_idx;
                 CREATE TABLE {name}.t_organization_id (id int PRIMARY KEY, external_id int NOT NULL);
                 CREATE UNIQUE INDEX theirs ON {name}.t_organization_id (external_id);
                 ALTER TABLE {name}.t_organization_id REPLICA IDENTITY USING INDEX theirs;"
            )
        };
        do_on(
            &source,
            &format!("BEGIN; {} {} COMMIT", schema("one"), schema("two")),
        )
        .await;
        equal_soon(&pair).await;
        let destination = pair.on_destination().await;
        let names = [
            "t_created_idx",
            "t_organization_id_external_id_idx",
            "t_organization_id_external_id_idx1",
            "t_organization_id_pkey",
            "t_pkey",
            "t_taken",
        ];
        for schema in ["app_one", "app_two"] {
            assert_eq!(indexes(&destination, schema).await, names);
        }
        assert!(named_at_once(&destination).await);
        // another copy takes the place of one that has an index of each of these names, but one
        let taken = "DROP INDEX app_one.t_taken; CREATE SEQUENCE app_one.t_taken";
        do_on(&destination, taken).await;
        let retyped = "ALTER TABLE one.t ALTER a TYPE text; UPDATE one.t SET a = a || '!'";
        do_on(&source, retyped).await;
        equal_soon(&pair).await;
        until(
            &destination,
            "SELECT count(*) = 1 FROM pg_indexes
             WHERE schemaname = 'app_one' AND indexname LIKE 'walferry\\_load\\_%'",
        )
        .await;
        let made = indexes(&destination, "app_one").await;
        assert_eq!(made[..5], names[..5]);
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn rows_are_loaded_frozen_with_room_beside_them_and_without_any_index_where_asked() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        do_on(
            &source,
            "CREATE TABLE t (id int PRIMARY KEY, a int);
             CREATE INDEX ON t (a);
             INSERT INTO t SELECT i, i FROM generate_series(1, 100) AS i",
        )
        .await;
        let bare = "[snapshot]\nindexes = \"none\"\nfillfactor = 50\n";
        let bare = pair.write_config("bare.toml", bare);
        let mut daemon = Daemon::start_on(&pair, &bare);
        daemon.wait_ready().await;
        let destination = pair.on_destination().await;
        assert!(indexes(&destination, "app_public").await.is_empty());
        // COPY FREEZE notes that its pages need no VACUUM, and nobody else has looked at them
        let facts = "SELECT reloptions::text, pg_relation_size(oid, 'vm') > 0
             FROM pg_class WHERE oid = 'app_public.t'::regclass";
        let facts = destination.query_one(facts, &[]).await.unwrap();
        assert_eq!(facts.get::<_, String>(0), "{fillfactor=50}");
        assert!(facts.get::<_, bool>(1));
        do_on(
            &source,
            "UPDATE t SET a = -a WHERE id < 50; DELETE FROM t WHERE id = 7",
        )
        .await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}
