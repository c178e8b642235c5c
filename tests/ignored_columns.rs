//! `[tables] on_schema_change = "ignore"`: new columns are left out, and all else is followed.

use tokio_postgres::Client;

use crate::support::{
    Daemon, do_on, drain, equal_soon, log_length, majors, stopped_pair, until, walferry,
};

/// The columns of the copy, and that it has the rows of the source.
async fn has(destination: &Client, columns: &str, rows: &str) {
    let statement = format!(
        "SELECT ARRAY(SELECT attname::text FROM pg_attribute
                      WHERE attrelid = 'app_public.t'::regclass AND attnum > 0
                        AND NOT attisdropped ORDER BY attnum) = '{{{columns}}}'
            AND ({rows})"
    );
    until(destination, &statement).await;
}

#[tokio::test]
async fn new_columns_are_left_out_until_they_are_to_be_followed() {
    for major in majors().await {
        let (pair, source) = stopped_pair(major, &[]).await;
        let destination = pair.on_destination().await;
        let ignore = "[tables]\non_schema_change = \"ignore\"\n";
        let ignore = pair.write_config("ignore.toml", ignore);
        let mut daemon = Daemon::start_on(&pair, &ignore);
        daemon.wait_ready().await;
        let length = log_length(&pair);
        // with one value for all rows, with one for each, computed, and with rows in between
        let new = "INSERT INTO t VALUES (101, 'before');
             ALTER TABLE t ADD COLUMN one text DEFAULT 'x';
             INSERT INTO t VALUES (102, 'between', 'y');
             ALTER TABLE t ADD COLUMN many float DEFAULT random();
             ALTER TABLE t ADD COLUMN computed int GENERATED ALWAYS AS (id * 2) STORED;
             INSERT INTO t VALUES (103, 'after', 'z'); UPDATE t SET v = 'new', one = 'w' WHERE id < 50;
             DELETE FROM t WHERE id = 1";
        do_on(&source, new).await;
        let rows = "SELECT count(*) FILTER (WHERE v = 'new') = 48 AND count(*) = 102
             AND count(*) FILTER (WHERE v IN ('before', 'between', 'after')) = 3
             FROM app_public.t";
        has(&destination, "id,v", rows).await;
        let log = daemon.log();
        let log = &log[length..];
        assert!(log.contains("a new column is left out"), "{log}");
        // another name and another type of what is there are followed, also by a new load
        let others = "ALTER TABLE t RENAME COLUMN v TO w; UPDATE t SET w = 'renamed' WHERE id = 2";
        do_on(&source, others).await;
        let rows = "SELECT to_jsonb(t) ->> 'w' = 'renamed' FROM app_public.t WHERE id = 2";
        has(&destination, "id,w", rows).await;
        let retyped = "ALTER TABLE t ALTER COLUMN w TYPE varchar(20) USING w || '!';
             DELETE FROM t WHERE id = 4";
        do_on(&source, retyped).await;
        let rows = "SELECT to_jsonb(t) ->> 'w' = 'renamed!' FROM app_public.t WHERE id = 2";
        has(&destination, "id,w", rows).await;
        let says = [
            "one came after the load and is left out",
            "left out: one, many, computed",
        ];
        walferry(&ignore, &["check"]).await.ended(0, &says);
        // a shape that nobody has seen, and another name of the table
        let gone = "ALTER TABLE t ADD COLUMN gone int; INSERT INTO t VALUES (104, 'gone');
             ALTER TABLE t DROP COLUMN gone; ALTER TABLE other RENAME TO another;
             INSERT INTO another VALUES (2, 'renamed')";
        do_on(&source, gone).await;
        let rows = "SELECT count(*) = 1 FROM app_public.t WHERE id = 104";
        has(&destination, "id,w", rows).await;
        until(
            &destination,
            "SELECT to_regclass('app_public.another') IS NOT NULL",
        )
        .await;
        // rows have to be found by a column of the key
        let key = "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id, one);
             UPDATE t SET one = 'key' WHERE id = 3";
        do_on(&source, key).await;
        let rows = "SELECT to_jsonb(t) ->> 'one' = 'key' FROM app_public.t WHERE id = 3";
        has(&destination, "id,w,one", rows).await;
        drain(&pair, daemon).await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}
