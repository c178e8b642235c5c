//! What is protected stays so, whatever becomes of names, tables and the configuration.

use crate::support::{CANARY, Daemon, Pair, do_on, drain, majors, until, walferry};

use super::{
    assert_nowhere, config, config_with, make_formula, make_formula_with, rows, same_soon,
};

const KEYS: &str = "exclude_columns = ['public.users.ssn', '*.*.internal_*']\n\
     hash_columns = ['public.users.email', '*.*.email_*']\nmask_columns = ['*.*.phone_* = x']";

fn users() -> String {
    format!(
        "CREATE TABLE users (id int PRIMARY KEY, email text, ssn text, note text);
         INSERT INTO users VALUES (1, 'a {CANARY}', '{CANARY}', 'b')"
    )
}

async fn same(pair: &Pair, table: &str, email: &str) {
    let original = format!("SELECT id, hashed({email}), note FROM {table}");
    let copy = format!("SELECT id, {email}, note FROM app_public.{table}");
    same_soon(pair, &original, &copy).await;
}

#[tokio::test]
async fn a_protected_column_stays_protected_when_it_or_its_table_is_renamed() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        make_formula(&source).await;
        do_on(&source, &users()).await;
        let config = config(&pair, "protected.toml", KEYS);
        let mut daemon = Daemon::start_on(&pair, &config);
        daemon.wait_ready().await;
        let insert = |id: u32, email: &str, ssn: &str, table: &str| {
            format!(
                "INSERT INTO {table} (id, {email}, {ssn}, note)
                 VALUES ({id}, '{id} {CANARY}', '{CANARY}', 'c');"
            )
        };
        // before and after, within one transaction
        let renamed = format!(
            "{} ALTER TABLE users RENAME ssn TO social; ALTER TABLE users RENAME email TO mail; {}",
            insert(2, "email", "ssn", "users"),
            insert(3, "mail", "social", "users")
        );
        do_on(&source, &renamed).await;
        do_on(&source, &insert(4, "mail", "social", "users")).await;
        same(&pair, "users", "mail").await;
        assert_nowhere(&destination).await;
        do_on(&source, "ALTER TABLE users RENAME TO people").await;
        do_on(&source, &insert(5, "mail", "social", "people")).await;
        same(&pair, "people", "mail").await;
        // by a third name, and after a new load
        do_on(&source, "ALTER TABLE people RENAME social TO number").await;
        do_on(&source, &insert(6, "mail", "number", "people")).await;
        same(&pair, "people", "mail").await;
        walferry(&config, &["resync", "public.people", "--wait"])
            .await
            .ended(0, &["Done."]);
        do_on(&source, &insert(7, "mail", "number", "people")).await;
        same(&pair, "people", "mail").await;
        assert_nowhere(&destination).await;
        drain(&pair, daemon).await;
        let says = [
            "The column number is left out because it was called public.users.ssn",
            "The column mail is hashed because it was called public.users.email",
        ];
        walferry(&config, &["check"]).await.ended(0, &says);
        // while nobody looks: the names go round
        let round = "ALTER TABLE people RENAME number TO passing;
             ALTER TABLE people RENAME note TO number; ALTER TABLE people RENAME passing TO note";
        do_on(&source, round).await;
        let mut daemon = Daemon::start_on(&pair, &config);
        daemon.wait_ready().await;
        let more = format!("INSERT INTO people VALUES (8, '{CANARY}', '{CANARY}', 'd')");
        do_on(&source, &more).await;
        let original = "SELECT id, hashed(mail), number FROM people";
        same_soon(
            &pair,
            original,
            "SELECT id, mail, number FROM app_public.people",
        )
        .await;
        assert_nowhere(&destination).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn new_columns_and_tables_are_protected_from_their_first_row_on() {
    let pair = Pair::start(majors().await[0]).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    make_formula(&source).await;
    do_on(&source, &users()).await;
    let config = config(&pair, "protected.toml", KEYS);
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    let added = format!(
        "ALTER TABLE users ADD internal_x text DEFAULT '{CANARY}',
             ADD email_2 text DEFAULT '{CANARY}', ADD phone_2 int DEFAULT 5;
         INSERT INTO users (id, email_2) VALUES (2, '2 {CANARY}');
         CREATE TABLE newer (id int PRIMARY KEY, internal_y text, email_3 text);
         INSERT INTO newer VALUES (1, '{CANARY}', '{CANARY}')"
    );
    do_on(&source, &added).await;
    let original = "SELECT id, hashed(email), hashed(email_2), 'x' FROM users";
    let copy = "SELECT id, email, email_2, phone_2 FROM app_public.users";
    same_soon(&pair, original, copy).await;
    let there = "SELECT to_regclass('app_public.newer') IS NOT NULL";
    until(&destination, there).await;
    let original = "SELECT id, hashed(email_3) FROM newer";
    same_soon(&pair, original, "SELECT id, email_3 FROM app_public.newer").await;
    // renamed away at once
    let renamed = format!(
        "ALTER TABLE users RENAME email_2 TO other; ALTER TABLE users RENAME internal_x TO open;
         INSERT INTO users (id, other, open) VALUES (3, '3 {CANARY}', '{CANARY}')"
    );
    do_on(&source, &renamed).await;
    let original = "SELECT id, hashed(email), hashed(other), 'x' FROM users";
    same_soon(
        &pair,
        original,
        "SELECT id, email, other, phone_2 FROM app_public.users",
    )
    .await;
    assert_nowhere(&destination).await;
    // what was written before the drop comes after it
    drain(&pair, daemon).await;
    let dropped = format!("INSERT INTO newer VALUES (2, '{CANARY}', '{CANARY}'); DROP TABLE newer");
    for statement in dropped.split(';') {
        do_on(&source, statement).await;
    }
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    until(&destination, "SELECT count(*) = 2 FROM app_public.newer").await;
    assert_nowhere(&destination).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn another_salt_or_other_patterns_load_the_table_again() {
    let pair = Pair::start(majors().await[0]).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    make_formula(&source).await;
    do_on(&source, &users()).await;
    let run = async |config: &std::path::Path, original: &str, copy: &str, id: u32| {
        let mut daemon = Daemon::start_on(&pair, config);
        daemon.wait_ready().await;
        same_soon(&pair, original, copy).await;
        let insert = format!("INSERT INTO users VALUES ({id}, '{id} {CANARY}', '{CANARY}', 'c')");
        do_on(&source, &insert).await;
        same_soon(&pair, original, copy).await;
        drain(&pair, daemon).await;
    };
    let (hashed, plain) = (
        "SELECT id, hashed(email), note FROM users",
        "SELECT id, email, note FROM users",
    );
    let copy = "SELECT id, email, note FROM app_public.users";
    let first = config(&pair, "first.toml", KEYS);
    run(&first, hashed, copy, 2).await;
    assert_nowhere(&destination).await;
    let salt = "another one of more than sixteen bytes";
    make_formula_with(&source, salt).await;
    let second = config_with(&pair, "second.toml", salt, KEYS);
    run(&second, hashed, copy, 3).await;
    assert_nowhere(&destination).await;
    let key = KEYS.replace("'public.users.email', ", "");
    let third = config_with(&pair, "third.toml", salt, &key);
    run(&third, plain, copy, 4).await;
    let seen = rows(&destination, copy).await;
    assert!(seen.iter().all(|row| row.contains(CANARY)), "{seen:?}");
    // from plain to protected, in a text column that fits both
    run(&second, hashed, copy, 5).await;
    assert_nowhere(&destination).await;
}
