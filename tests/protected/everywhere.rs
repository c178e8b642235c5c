//! The load and the stream come to the same.

use crate::support::{CANARY, Daemon, Pair, assert_discreet, do_on, drain, majors};

use super::{assert_nowhere, config, make_formula, rows, same_soon};

const KEYS: &str = "exclude_columns = ['public.users.ssn', '*.*.internal_*']\n\
     mask_columns = ['public.*.phone', 'public.users.name = hid\tden\\', '*.masked.* = x']\n\
     hash_columns = ['public.users.email', 'public.by_email.*l', 'public.whole.email',\n\
     'public.parts.email', 'public.users.feeling', 'public.users.worth', '*.dated.*']";

/// Every table has the canary in each column that must not be seen.
fn tables() -> String {
    format!(
        "CREATE TYPE mood AS ENUM ('sad {CANARY}', 'ok');
         CREATE TABLE users (
             id int PRIMARY KEY, email text, ssn text DEFAULT '{CANARY}', phone varchar(30),
             name text NOT NULL, note text, feeling mood, worth numeric(10, 2), internal_a mood,
             domain text GENERATED ALWAYS AS (split_part(email, '@', 2)) STORED,
             shout text GENERATED ALWAYS AS (upper(note)) STORED);
         ALTER TABLE users ALTER COLUMN email SET STORAGE EXTERNAL;
         CREATE INDEX ON users (lower(email)) WHERE ssn <> '{CANARY}';
         CREATE INDEX ON users (note);
         CREATE TABLE by_email (email text PRIMARY KEY, n int);
         CREATE TABLE whole (email text, internal_b text, phone text, n int);
         ALTER TABLE whole REPLICA IDENTITY FULL;
         CREATE TABLE parts (id int, email text, PRIMARY KEY (id, email)) PARTITION BY RANGE (id);
         CREATE TABLE parts_one PARTITION OF parts FOR VALUES FROM (0) TO (100);
         CREATE TABLE parts_two (email text NOT NULL, id int NOT NULL);
         ALTER TABLE parts ATTACH PARTITION parts_two FOR VALUES FROM (100) TO (200);
         CREATE TABLE masked (a text, b int);
         CREATE TABLE dated (at timestamptz PRIMARY KEY, f float8, j jsonb, a int[], b bytea);
         CREATE TABLE plain (id int PRIMARY KEY, v text);"
    )
}

/// Rows that are there before, with values that COPY writes in a way of its own.
fn before() -> String {
    format!(
        "INSERT INTO users (id, email, phone, name, note, feeling, worth, internal_a) VALUES
             (1, 'a@{CANARY}', '+1 {CANARY}', '{CANARY}', 'n', 'ok', 1.5, 'ok'),
             (2, NULL, NULL, 'b', NULL, NULL, NULL, NULL),
             (3, '', '', '', '', 'sad {CANARY}', -0.01, 'sad {CANARY}'),
             (4, E'tab\\tback\\\\slash\\nline\\r\\b\\f\\v\\\\N{CANARY}', 'x', 'y',
              E'\\\\N', 'ok', 0, 'ok'),
             (5, '\\N', 'x', 'y', 'é', 'ok', 12345678.90, 'ok'),
             (6, repeat('lärge {CANARY} ', 20000), 'x', 'y', 'z', 'ok', 7, 'ok');
         INSERT INTO by_email VALUES
             ('one {CANARY}', 1), ('two {CANARY}', 2), ('three {CANARY}', 3);
         INSERT INTO whole VALUES ('e {CANARY}', 'one {CANARY}', 'p {CANARY}', 1),
             ('e {CANARY}', 'two {CANARY}', 'q {CANARY}', 1), (NULL, '{CANARY}', NULL, 2),
             ('f', NULL, NULL, 3);
         INSERT INTO parts VALUES
             (1, 'p1 {CANARY}'), (101, 'p2 {CANARY}'), (102, 'p3 {CANARY}');
         INSERT INTO masked VALUES ('{CANARY}', 1), (NULL, NULL);
         INSERT INTO dated VALUES
             ('2024-02-29 12:00:00.123456+00', 0.1, '{{\"a\": [1, 2.50]}}', '{{1,NULL}}', '\\x00ff'),
             ('infinity', 'NaN', 'null', '{{}}', ''),
             ('0044-03-15 12:00:00 BC', 1e300, NULL, NULL, NULL);
         INSERT INTO plain VALUES (1, 'a');"
    )
}

fn after() -> String {
    format!(
        "UPDATE users SET note = 'toasted e-mail stays' WHERE id = 6;
         UPDATE users SET email = 'new {CANARY}', ssn = '{CANARY} too', phone = '{CANARY}'
         WHERE id = 1;
         UPDATE users SET id = 60, note = 'and moves' WHERE id = 6;
         UPDATE users SET worth = 99.10, feeling = 'sad {CANARY}' WHERE id = 2;
         DELETE FROM users WHERE id = 3;
         INSERT INTO users (id, email, name, feeling) VALUES (7, E'\\t{CANARY}', '{CANARY}', 'ok');
         UPDATE by_email SET n = 20 WHERE n = 2;
         UPDATE by_email SET email = 'moved {CANARY}' WHERE n = 1;
         DELETE FROM by_email WHERE n = 3;
         INSERT INTO by_email VALUES ('three {CANARY}', 4);
         DELETE FROM whole WHERE internal_b = 'one {CANARY}';
         UPDATE whole SET n = 5, phone = '{CANARY}' WHERE n = 2;
         UPDATE whole SET email = 'g {CANARY}' WHERE n = 3;
         INSERT INTO whole VALUES ('e {CANARY}', '{CANARY}', '{CANARY}', 1);
         UPDATE parts SET id = 150 WHERE id = 1;
         UPDATE parts SET email = 'p4 {CANARY}' WHERE id = 102;
         DELETE FROM parts WHERE id = 101;
         UPDATE plain SET v = 'b';
         INSERT INTO masked VALUES ('{CANARY}', 2);
         UPDATE dated SET f = 0.2, j = '1.0' WHERE at = '2024-02-29 12:00:00.123456+00';
         UPDATE dated SET at = at + interval '1 microsecond' WHERE isfinite(at);
         DELETE FROM dated WHERE at = 'infinity';
         INSERT INTO dated VALUES
             ('1999-12-31 23:59:60+00', -0.0, '\"x\"', '[0:1]={{1,2}}', '\\x');"
    )
}

async fn same(pair: &Pair) {
    let users = "SELECT id, hashed(email) AS email, NULL AS phone, E'hid\\tden\\\\' AS name, note,
         hashed(feeling::text) AS feeling, hashed(worth::text) AS worth, shout FROM users";
    let copy = "SELECT id, email, phone, name, note, feeling, worth, shout FROM app_public.users";
    same_soon(pair, users, copy).await;
    let original = "SELECT hashed(email), n FROM by_email";
    same_soon(pair, original, "SELECT email, n FROM app_public.by_email").await;
    let original = "SELECT hashed(email), NULL, n FROM whole";
    same_soon(
        pair,
        original,
        "SELECT email, phone, n FROM app_public.whole",
    )
    .await;
    let copy = "SELECT id, email FROM app_public.parts_one
         UNION ALL SELECT id, email FROM app_public.parts_two";
    same_soon(pair, "SELECT id, hashed(email) FROM parts", copy).await;
    let original = "SELECT 'x', 'x' FROM masked";
    same_soon(pair, original, "SELECT a, b FROM app_public.masked").await;
    // by the settings that walferry pins
    let original = "SELECT hashed(at::text), hashed(f::text), hashed(j::text), hashed(a::text),
         hashed(b::text) FROM dated";
    let copy = "SELECT at, f, j, a, b FROM app_public.dated";
    same_soon(pair, original, copy).await;
    same_soon(
        pair,
        "SELECT id, v FROM plain",
        "SELECT id, v FROM app_public.plain",
    )
    .await;
}

const SHAPE: &str = "SELECT attname::text || ' ' || format_type(atttypid, atttypmod) AS c
     FROM pg_attribute WHERE attrelid = 'app_public.users'::regclass AND attnum > 0";

#[tokio::test]
async fn a_load_and_a_stream_hash_mask_and_leave_out_alike() {
    for major in majors().await {
        let settings = [("log_statement", "all"), ("timezone", "UTC")];
        let pair = Pair::with_settings(major, &settings, &settings).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        do_on(&source, &tables()).await;
        // walferry may read no more than it copies
        let rights = "REVOKE SELECT ON users, whole FROM walferry;
             GRANT SELECT (id, email, note, feeling, worth) ON users TO walferry;
             GRANT SELECT (email, n) ON whole TO walferry";
        for statement in rights.split(';') {
            do_on(&source, statement).await;
        }
        do_on(&source, &before()).await;
        let more = format!("{KEYS}\n[snapshot]\nindexes = 'all'");
        let mut daemon = Daemon::start_on(&pair, &config(&pair, "protected.toml", &more));
        daemon.wait_ready().await;
        make_formula(&source).await;
        same(&pair).await;
        assert_nowhere(&destination).await;
        do_on(&source, &after()).await;
        same(&pair).await;
        assert_nowhere(&destination).await;
        assert_eq!(
            rows(&destination, SHAPE).await,
            [
                "(\"email text\")",
                "(\"feeling text\")",
                "(\"id integer\")",
                "(\"name text\")",
                "(\"note text\")",
                "(\"phone character varying(30)\")",
                "(\"shout text\")",
                "(\"worth text\")",
            ]
        );
        let indexes = "SELECT count(*) FROM pg_indexes
             WHERE schemaname = 'app_public' AND tablename = 'users'";
        assert_eq!(
            rows(&destination, indexes).await,
            ["(2)"],
            "the key, and that of note"
        );
        assert_discreet(&pair, &daemon).await;
        drain(&pair, daemon).await;
        for cluster in [&pair.source, &pair.destination] {
            let log = std::fs::read_to_string(cluster.log_path()).unwrap();
            let said: Vec<String> = entries(&log).filter(|e| e.contains("walferry@")).collect();
            assert!(said.iter().any(|entry| entry.contains("COPY")), "{log}");
            let told = said.iter().find(|entry| entry.contains(CANARY));
            assert!(told.is_none(), "a server's log tells: {told:?}");
        }
    }
}

/// The entries of a server's log; lines that go on begin with a tab.
fn entries(log: &str) -> impl Iterator<Item = String> {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match entries.last_mut() {
            Some(last) if line.starts_with('\t') => last.push_str(line),
            _ => entries.push(line.to_owned()),
        }
    }
    entries.into_iter()
}
