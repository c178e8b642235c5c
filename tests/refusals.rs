//! Promise P4: refuse rather than guess. Every refusal is named, says what to do, changes nothing,
//! and doing what it says leads back to an equal copy.

use std::time::Duration;

use tokio::process::Command;
use walferry::demo::cluster::Stop;

use crate::support::{
    CANARY, Daemon, FRESH, Pair, all_things, assert_discreet, do_on, drain, equal_soon,
    followed_pair, halts, log_length, lose_slot, majors, refuses_to_start, run, start_afresh,
    stopped_pair, until, walferry,
};

/// The first that a daemon says.
const STARTS: &str = "walferry starts";

#[tokio::test]
async fn a_slot_that_is_gone_or_was_made_anew_or_was_read_by_others_is_refused() {
    for major in majors().await {
        let (pair, source) = stopped_pair(major, &[]).await;
        do_on(&source, "SELECT pg_drop_replication_slot('walferry_app')").await;
        refuses_to_start(
            &pair,
            "slot_missing",
            &["\"walferry_app\"", "is gone", FRESH],
        )
        .await;

        do_on(
            &source,
            "SELECT pg_create_logical_replication_slot('walferry_app', 'pgoutput')",
        )
        .await;
        let says = [
            "\"walferry_app\" was acknowledged up to",
            "made anew",
            FRESH,
        ];
        refuses_to_start(&pair, "slot_ahead", &says).await;
        start_afresh(&pair).await;

        do_on(&source, "INSERT INTO t VALUES (1001)").await;
        do_on(
            &source,
            "SELECT pg_replication_slot_advance('walferry_app', pg_current_wal_lsn())",
        )
        .await;
        refuses_to_start(&pair, "slot_ahead", &says).await;
        start_afresh(&pair).await;
    }
}

#[tokio::test]
async fn a_slot_whose_wal_was_removed_is_refused() {
    for major in majors().await {
        let settings = [("max_slot_wal_keep_size", "1MB"), ("max_wal_size", "32MB")];
        let (pair, source) = stopped_pair(major, &settings).await;
        lose_slot(&source).await;
        let says = ["removed WAL that the slot needs", "max_slot_wal_keep_size"];
        refuses_to_start(&pair, "slot_lost", &says).await;
        start_afresh(&pair).await;
    }
}

#[tokio::test]
async fn a_slot_that_others_made_for_something_else_is_refused_and_left_alone() {
    let pair = Pair::start(majors().await[0]).await;
    let source = pair.on_source().await;
    do_on(&source, "CREATE TABLE t (id int PRIMARY KEY)").await;
    for (make, what) in [
        (
            "SELECT pg_create_logical_replication_slot('walferry_app', 'test_decoding')",
            "test_decoding",
        ),
        (
            "SELECT pg_create_physical_replication_slot('walferry_app')",
            "physical",
        ),
    ] {
        do_on(&source, make).await;
        refuses_to_start(&pair, "slot_unfit", &[what, "Set another `slot`"]).await;
        do_on(&source, "SELECT pg_drop_replication_slot('walferry_app')").await;
    }
    let elsewhere = pair.source.superuser("postgres").await.unwrap();
    do_on(
        &elsewhere,
        "SELECT pg_create_logical_replication_slot('walferry_app', 'pgoutput')",
    )
    .await;
    let says = ["database postgres", "Set another `slot`"];
    refuses_to_start(&pair, "slot_unfit", &says).await;
}

#[tokio::test]
async fn another_database_in_the_place_of_the_source_is_refused() {
    let (mut pair, source) = stopped_pair(majors().await[0], &[]).await;
    drop(source);
    pair.source.stop(Stop::Fast).await.unwrap();
    make_anew(&pair).await;
    pair.source.start().await.unwrap();
    let password = std::fs::read_to_string(pair.directory().join("password")).unwrap();
    let postgres = pair.source.superuser("postgres").await.unwrap();
    do_on(
        &postgres,
        &format!(
            "CREATE ROLE walferry LOGIN REPLICATION PASSWORD {}",
            walferry::sql::Literal(&password)
        ),
    )
    .await;
    do_on(&postgres, "CREATE DATABASE app").await;
    do_on(
        &pair.on_source().await,
        "CREATE TABLE t (id int PRIMARY KEY, v text); GRANT SELECT ON t TO walferry;
         CREATE PUBLICATION walferry_app FOR ALL TABLES",
    )
    .await;
    let says = ["another database than the one", "system identifier", FRESH];
    refuses_to_start(&pair, "other_system", &says).await;
}

/// Replaces the source's data by those of a fresh initdb: the clusters of `Cluster::create` are
/// copies of one, with one system identifier.
async fn make_anew(pair: &Pair) {
    let data = pair.source.data_directory();
    let old = data.with_file_name("old");
    std::fs::rename(&data, &old).unwrap();
    let binaries = pair.source.binaries();
    let mut initdb = Command::new(binaries.directory().join("initdb"));
    initdb.arg("-D").arg(&data).current_dir("/");
    initdb.args(["-U", "postgres", "-E", "UTF8", "--locale=C"]);
    initdb.args(["--auth=trust", "--no-sync"]);
    if let Some(user) = binaries.user() {
        initdb.uid(user.uid).gid(user.gid);
    }
    run(&mut initdb).await.ended(0, &[]);
    for file in ["postgresql.conf", "pg_hba.conf"] {
        // into the file that is there, which has the right owner
        std::fs::write(data.join(file), std::fs::read(old.join(file)).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_crash_after_the_slot_was_made_is_resumed_with_that_slot_and_leaves_nothing_unknown() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let untouched = all_things(&pair).await;
        let source = pair.on_source().await;
        do_on(
            &source,
            &format!(
                "CREATE TABLE t AS SELECT i AS id, '{CANARY}' AS v FROM generate_series(1, 50000) AS i;
                 ALTER TABLE t ADD PRIMARY KEY (id)"
            ),
        )
        .await;
        for milliseconds in [0, 10, 40, 90] {
            let slots = "SELECT count(*) = 1 FROM pg_replication_slots";
            let daemon = Daemon::start(&pair);
            until(&source, slots).await;
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            let starts = daemon.log().matches(STARTS).count();
            daemon.kill9().await;
            // as the next start finds it, whatever the crash left
            let daemon = Daemon::start(&pair);
            daemon.until_logged(STARTS, starts + 1).await;
            until(&source, slots).await;
            tokio::time::sleep(Duration::from_millis(2 * milliseconds)).await;
            daemon.kill9().await;
            let mut daemon = Daemon::start(&pair);
            daemon.wait_ready().await;
            do_on(&source, "UPDATE t SET v = v || '.' WHERE id % 1000 = 0").await;
            equal_soon(&pair).await;
            until(&source, slots).await;
            assert_discreet(&pair, &daemon).await;
            drain(&pair, daemon).await;
            walferry(&pair.config(), &["teardown", "--drop-data", "--yes"])
                .await
                .ended(0, &["Done."]);
            let (mut left, destination) = all_things(&pair).await;
            left.retain(|thing| thing != "relation public.t" && thing != "relation public.t_pkey");
            assert_eq!((left, destination), untouched, "after {milliseconds} ms");
        }
    }
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_large_table_leaves_nothing_that_a_teardown_does_not_find() {
    let pair = Pair::start(majors().await[0]).await;
    let source = pair.on_source().await;
    do_on(
        &source,
        "CREATE TABLE wide (id int PRIMARY KEY, v text);
         ALTER TABLE wide ALTER v SET STORAGE PLAIN;
         INSERT INTO wide SELECT i, repeat('x', 3500) FROM generate_series(1, 24000) AS i",
    )
    .await;
    let untouched = all_things(&pair).await;
    let destination = pair.on_destination().await;
    let daemon = Daemon::start(&pair);
    let hidden = "SELECT count(*) > 0 FROM pg_class
                  WHERE relnamespace = to_regnamespace('walferry')
                    AND relname LIKE 'walferry_load_%'";
    until(&destination, hidden).await;
    daemon.kill9().await;
    walferry(&pair.config(), &["teardown", "--drop-data", "--yes"])
        .await
        .ended(0, &["Done."]);
    assert_eq!(all_things(&pair).await, untouched);
}

#[tokio::test]
async fn a_slot_whose_maker_was_killed_while_it_waited_for_old_transactions_is_used_in_the_end() {
    let pair = Pair::start(majors().await[0]).await;
    let (source, old) = (pair.on_source().await, pair.on_source().await);
    do_on(&source, "CREATE TABLE t (id int PRIMARY KEY)").await;
    do_on(&old, "BEGIN; INSERT INTO t VALUES (1)").await;
    let daemon = Daemon::start(&pair);
    until(&source, "SELECT count(*) = 1 FROM pg_replication_slots").await;
    daemon.kill9().await;
    let mut daemon = Daemon::start(&pair);
    daemon.until_logged("is still being made", 1).await;
    do_on(&old, "COMMIT").await;
    daemon.wait_ready().await;
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn a_publication_that_is_dropped_while_the_stream_is_followed_halts_it_by_name() {
    for major in majors().await {
        let (pair, source, daemon) = followed_pair(major).await;
        do_on(
            &source,
            "DROP PUBLICATION walferry_app; INSERT INTO t VALUES (1000)",
        )
        .await;
        let says = ["walferry_app", "publication", "CREATE PUBLICATION"];
        halts(&pair, daemon, 0, "publication_missing", &says).await;
    }
}

#[tokio::test]
async fn a_publication_that_was_missing_for_a_while_is_refused_since_changes_may_be() {
    for major in majors().await {
        let (pair, source) = stopped_pair(major, &[]).await;
        do_on(&source, "DROP PUBLICATION walferry_app").await;
        do_on(&source, "INSERT INTO t VALUES (1000)").await;
        do_on(&source, "CREATE PUBLICATION walferry_app FOR ALL TABLES").await;
        let says = ["walferry_app", "cannot be had again", FRESH];
        refuses_to_start(&pair, "publication_missing", &says).await;
        start_afresh(&pair).await;

        let daemon = Daemon::start(&pair);
        until(&source, "SELECT active FROM pg_replication_slots").await;
        let length = log_length(&pair);
        do_on(&source, "DROP PUBLICATION walferry_app").await;
        do_on(&source, "INSERT INTO t VALUES (1001)").await;
        do_on(&source, "CREATE PUBLICATION walferry_app FOR ALL TABLES").await;
        halts(&pair, daemon, length, "publication_missing", &says).await;
    }
}

#[tokio::test]
async fn a_loaded_table_that_left_the_publication_for_a_while_is_refused_since_changes_are_lost() {
    let pair = Pair::start(majors().await[0]).await;
    let source = pair.on_source().await;
    do_on(
        &source,
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY);
         DROP PUBLICATION walferry_app; CREATE PUBLICATION walferry_app FOR TABLE t, other",
    )
    .await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    do_on(
        &source,
        "INSERT INTO t VALUES (1); INSERT INTO other VALUES (1)",
    )
    .await;
    equal_soon(&pair).await;
    let length = log_length(&pair);
    do_on(&source, "ALTER PUBLICATION walferry_app DROP TABLE other").await;
    do_on(&source, "INSERT INTO other VALUES (2)").await;
    do_on(&source, "INSERT INTO t VALUES (2)").await;
    let says = [
        "public.other",
        "no longer in the publication",
        "walferry resync",
    ];
    halts(&pair, daemon, length, "publication_missing", &says).await;
    refuses_to_start(&pair, "publication_missing", &says).await;
}

#[tokio::test]
async fn a_new_column_halts_a_pipeline_that_is_to_halt_until_the_destination_has_it() {
    for major in majors().await {
        let (pair, source) = stopped_pair(major, &[]).await;
        let destination = pair.on_destination().await;
        let halt = pair.write_config("halt.toml", "[tables]\non_schema_change = \"halt\"\n");
        let mut daemon = Daemon::start_on(&pair, &halt);
        daemon.wait_ready().await;
        let length = log_length(&pair);
        do_on(
            &source,
            &format!(
                "INSERT INTO t VALUES (1000);
                 ALTER TABLE t ADD COLUMN \"ne w\" text DEFAULT '{CANARY}';
                 INSERT INTO t VALUES (1001, 'v', 'w'); UPDATE t SET v = 'x' WHERE id = 5"
            ),
        )
        .await;
        let says = ["public.t", "on_schema_change", "walferry resync"];
        halts(&pair, daemon, length, "schema_changed", &says).await;
        let length = log_length(&pair);
        let daemon = Daemon::start_on(&pair, &halt);
        halts(&pair, daemon, length, "schema_changed", &says).await;
        do_on(
            &destination,
            &format!("ALTER TABLE app_public.t ADD COLUMN \"ne w\" text DEFAULT '{CANARY}'"),
        )
        .await;
        // and one that takes part again finds it done
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        equal_soon(&pair).await;

        do_on(
            &destination,
            "ALTER TABLE app_public.other ADD COLUMN n int",
        )
        .await;
        do_on(&source, "INSERT INTO other VALUES (10)").await;
        do_on(&source, "ALTER TABLE other ADD COLUMN n int").await;
        do_on(
            &source,
            "INSERT INTO other VALUES (11, 'v', 3); UPDATE other SET n = id",
        )
        .await;
        equal_soon(&pair).await;
        assert_discreet(&pair, &daemon).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_view_that_stands_in_the_way_of_a_new_type_halts_by_name_and_once_gone_all_is_followed() {
    let pair = Pair::start(majors().await[0]).await;
    let source = pair.on_source().await;
    let table = "CREATE TABLE t (id int PRIMARY KEY, v varchar(5)); INSERT INTO t VALUES (1, 'a')";
    do_on(&source, table).await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    let destination = pair.on_destination().await;
    let view = "CREATE VIEW public.seen AS SELECT v FROM app_public.t";
    do_on(&destination, view).await;
    let longer = "ALTER TABLE t ALTER v TYPE varchar(50); INSERT INTO t VALUES (2, 'much longer')";
    do_on(&source, longer).await;
    let says = ["public.t", "0A000", "a view"];
    halts(&pair, daemon, 0, "schema_changed", &says).await;
    do_on(&destination, "DROP VIEW public.seen").await;
    let daemon = Daemon::start(&pair);
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn a_view_on_a_copy_that_is_to_be_replaced_halts_by_name_and_once_gone_all_is_followed() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        let tables = ["a", "t", "z"].map(|table| {
            format!("CREATE TABLE {table} (id int PRIMARY KEY, v text); INSERT INTO {table} VALUES (1, '1');")
        });
        do_on(&source, &tables.concat()).await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        let destination = pair.on_destination().await;
        let view = "CREATE VIEW public.seen AS SELECT v FROM app_public.t";
        do_on(&destination, view).await;
        let retyped = ["a", "t", "z"].map(|table| {
            format!("ALTER TABLE {table} ALTER v TYPE int USING v::int; UPDATE {table} SET v = 2;")
        });
        do_on(&source, &format!("BEGIN; {} COMMIT", retyped.concat())).await;
        let says = ["app_public.t,", "2BP01", "views or other objects stand"];
        halts(&pair, daemon, 0, "definite", &says).await;
        let kept = "SELECT v = '1' FROM app_public.a";
        let kept = destination.query_one(kept, &[]).await.unwrap();
        assert!(kept.get::<_, bool>(0), "the others stay as they were");
        do_on(&destination, "DROP VIEW public.seen").await;
        let daemon = Daemon::start(&pair);
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn a_copy_that_others_refer_to_is_not_emptied_to_be_loaded_again() {
    for major in majors().await {
        let (pair, source, daemon) = followed_pair(major).await;
        let destination = pair.on_destination().await;
        let refers =
            "CREATE TABLE public.refers (id int REFERENCES app_public.t ON DELETE CASCADE);
             INSERT INTO public.refers VALUES (1)";
        do_on(&destination, refers).await;
        drain(&pair, daemon).await;
        let resync = ["resync", "public.t"];
        walferry(&pair.config(), &resync).await.ended(0, &[]);
        let says = ["app_public.t", "foreign keys"];
        for _ in 0..2 {
            let length = log_length(&pair);
            halts(&pair, Daemon::start(&pair), length, "refused", &says).await;
        }
        let left = "SELECT count(*) = 1 FROM public.refers";
        until(&destination, left).await;
        do_on(&destination, "DROP TABLE public.refers").await;
        do_on(&source, "INSERT INTO t VALUES (1001)").await;
        let daemon = Daemon::start(&pair);
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
    }
}

#[tokio::test]
async fn row_level_security_on_a_copy_halts_with_the_statement_that_turns_it_off() {
    for major in majors().await {
        for change in [
            "INSERT INTO t VALUES (1000)",
            // many go through COPY
            "INSERT INTO t SELECT generate_series(1001, 1100)",
            "UPDATE t SET v = 'x' WHERE id = 1",
            "DELETE FROM t",
        ] {
            let (pair, source, daemon) = followed_pair(major).await;
            let destination = pair.on_destination().await;
            let policies = "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY";
            do_on(
                &destination,
                &format!("ALTER TABLE app_public.t {policies}"),
            )
            .await;
            do_on(&source, change).await;
            let remedy = "ALTER TABLE \"app_public\".\"t\" DISABLE ROW LEVEL SECURITY;";
            halts(&pair, daemon, 0, "privilege", &["42501", remedy]).await;
            let length = log_length(&pair);
            halts(&pair, Daemon::start(&pair), length, "refused", &[remedy]).await;
            do_on(&destination, remedy).await;
            let daemon = Daemon::start(&pair);
            equal_soon(&pair).await;
            drain(&pair, daemon).await;
        }
    }
}
