//! Types that users and extensions made, where a case folder cannot say it: what is refused, and
//! what comes and goes with a pipeline.

use crate::support::{
    Daemon, Pair, do_on, drain, edited_config, equal_soon, majors, things, until, walferry,
};

const MOODS: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN feeling AS mood;
     CREATE TYPE pair AS (a int, m mood);
     CREATE TABLE moods (id int PRIMARY KEY, m mood, f feeling, p pair[]);
     INSERT INTO moods VALUES (1, 'sad', 'ok', '{\"(1,sad)\"}')";

const COPIES: &str = "SELECT t.typname::text FROM pg_catalog.pg_type AS t
     JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
     LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
     WHERE n.nspname = 'app_public' AND t.typcategory <> 'A' AND COALESCE(c.relkind = 'c', true)
     ORDER BY 1";

async fn copies(pair: &Pair) -> Vec<String> {
    let rows = pair.on_destination().await.query(COPIES, &[]).await;
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn types_are_made_once_used_again_and_go_with_the_data() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let before = things(&pair.on_destination().await).await;
        do_on(&pair.on_source().await, MOODS).await;
        let check = ["3 types will be made: app_public.feeling, app_public.mood, app_public.pair"];
        walferry(&pair.config(), &["check"]).await.ended(0, &check);
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        assert_eq!(copies(&pair).await, ["feeling", "mood", "pair"]);
        drain(&pair, daemon).await;
        // a copy that is gone from the books, as after a restore, is used as it is
        let forgotten = "DELETE FROM walferry.walferry_types WHERE destination_type = 'mood'";
        do_on(&pair.on_destination().await, forgotten).await;
        // one that has another name by now keeps its copy, and one that nobody uses gets none
        let renamed = "ALTER TYPE pair RENAME TO couple; CREATE TYPE unused AS ENUM ('x');
             INSERT INTO moods VALUES (2, 'ok', 'sad', '{\"(2,ok)\",NULL}')";
        do_on(&pair.on_source().await, renamed).await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        assert_eq!(copies(&pair).await, ["feeling", "mood", "pair"]);
        drain(&pair, daemon).await;
        let says = ["type app_public.pair", "Done."];
        let teardown = ["teardown", "--yes", "--drop-data"];
        // the forgotten one is not ours to drop
        walferry(&pair.config(), &teardown).await.ended(0, &says);
        assert_eq!(copies(&pair).await, ["mood"]);
        do_on(
            &pair.on_destination().await,
            "DROP SCHEMA app_public CASCADE",
        )
        .await;
        assert_eq!(things(&pair.on_destination().await).await, before);
    }
}

#[tokio::test]
async fn a_missing_type_is_text_with_a_warning_or_an_error_as_configured() {
    let pair = Pair::start(majors().await[0]).await;
    let script = "CREATE EXTENSION citext; CREATE DOMAIN mail AS citext;
         CREATE TYPE page AS (title citext, n int);
         CREATE TABLE t (id int PRIMARY KEY, c citext, m mail[], p page);
         INSERT INTO t VALUES (1, 'A', '{a@b}', '(X,1)')";
    do_on(&pair.on_source().await, script).await;
    let reason = "the destination lacks the extension citext";
    walferry(&pair.config(), &["check"])
        .await
        .ended(0, &["become text", "c (public.citext: ", reason]);
    let strict = [(
        "[observability]",
        "[tables]\nmissing_types = \"error\"\n[observability]",
    )];
    let strict = edited_config(&pair, "strict.toml", &strict);
    walferry(&strict, &["check"])
        .await
        .ended(3, &["m (public.mail: ", reason, "Install the extension"]);
    walferry(&strict, &["run"])
        .await
        .ended(4, &[reason, "missing_types"]);
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    equal_soon(&pair).await;
    let typed = "SELECT ARRAY(SELECT a.atttypid::regtype::text FROM pg_attribute AS a
         WHERE a.attrelid = 'app_public.t'::regclass AND a.attnum > 1 ORDER BY a.attnum)
         = ARRAY['text', 'text', 'app_public.page']";
    until(&pair.on_destination().await, typed).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn another_type_of_the_same_name_is_refused_and_mended_by_hand() {
    let pair = Pair::start(majors().await[0]).await;
    do_on(&pair.on_source().await, MOODS).await;
    let destination = pair.on_destination().await;
    let theirs = "CREATE SCHEMA app_public AUTHORIZATION walferry; SET ROLE walferry;
         CREATE TYPE app_public.mood AS ENUM ('ok', 'sad'); RESET ROLE";
    do_on(&destination, theirs).await;
    let says = ["type app_public.mood", "other labels, or in another order"];
    walferry(&pair.config(), &["check"]).await.ended(3, &says);
    walferry(&pair.config(), &["run"]).await.ended(4, &says);
    // one that only lacks labels is completed, and stays when the pipeline goes
    let fewer = "DROP TYPE app_public.mood; SET ROLE walferry;
         CREATE TYPE app_public.mood AS ENUM ('ok')";
    do_on(&destination, fewer).await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
    let teardown = ["teardown", "--yes", "--drop-data"];
    walferry(&pair.config(), &teardown)
        .await
        .ended(0, &["Done."]);
    assert_eq!(copies(&pair).await, ["mood"]);
}

#[tokio::test]
async fn the_tables_of_a_type_that_was_dropped_and_made_again_are_loaded_again() {
    let pair = Pair::start(majors().await[0]).await;
    let source = pair.on_source().await;
    do_on(&source, MOODS).await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    let again = "CREATE TYPE better AS ENUM ('sad', 'ok', 'new');
         ALTER TABLE moods DROP COLUMN f, DROP COLUMN p;
         ALTER TABLE moods ALTER COLUMN m TYPE better USING m::text::better;
         DROP TYPE mood CASCADE; ALTER TYPE better RENAME TO mood;
         INSERT INTO moods VALUES (2, 'new')";
    do_on(&source, again).await;
    do_on(&source, "INSERT INTO moods VALUES (3, 'ok')").await;
    // what the source has dropped stays in the copy
    let there = "SELECT COALESCE(array_agg(m::text ORDER BY id) = '{sad,new,ok}', false)
         FROM app_public.moods";
    until(&pair.on_destination().await, there).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn a_type_that_was_made_again_otherwise_gets_a_new_copy() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let before = things(&pair.on_destination().await).await;
        let source = pair.on_source().await;
        let others = "CREATE TABLE others (id int PRIMARY KEY, m mood);
             INSERT INTO others VALUES (1, 'ok');
             CREATE TABLE later (id int PRIMARY KEY); INSERT INTO later VALUES (1)";
        do_on(&source, &format!("{MOODS}; {others}")).await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        // a label less, which only a new type can have; and what is made of it; all while rows come
        let fewer = "UPDATE moods SET m = 'ok', p = NULL;
             ALTER TYPE mood RENAME TO old_mood; CREATE TYPE mood AS ENUM ('ok', 'new');
             ALTER TABLE moods DROP COLUMN f, DROP COLUMN p;
             ALTER TABLE moods ALTER COLUMN m TYPE mood USING m::text::mood;
             ALTER TABLE others ALTER COLUMN m TYPE mood USING m::text::mood;
             DROP DOMAIN feeling; DROP TYPE pair; DROP TYPE old_mood;
             CREATE TYPE pair AS (m mood, a text); ALTER TABLE moods ADD COLUMN p pair[];
             INSERT INTO moods VALUES (2, 'new', '{\"(new,x)\"}'); INSERT INTO others VALUES (2, 'new');
             ALTER TABLE later ADD COLUMN m mood DEFAULT 'new'; INSERT INTO later VALUES (2, 'ok')";
        do_on(&source, fewer).await;
        do_on(&source, "INSERT INTO moods VALUES (3, 'ok', NULL)").await;
        equal_soon(&pair).await;
        // two labels that trade names, which no change of the copy follows
        let traded =
            "ALTER TYPE mood RENAME VALUE 'ok' TO 'x'; ALTER TYPE mood RENAME VALUE 'new' TO 'ok';
             ALTER TYPE mood RENAME VALUE 'x' TO 'new'; INSERT INTO moods VALUES (4, 'new', NULL)";
        do_on(&source, traded).await;
        equal_soon(&pair).await;
        let labels = "SELECT enum_range(NULL::app_public.mood)::text = '{new,ok}'";
        until(&pair.on_destination().await, labels).await;
        drain(&pair, daemon).await;
        walferry(&pair.config(), &["check"]).await.ended(0, &[]);
        let teardown = ["teardown", "--yes", "--drop-data"];
        let says = ["type app_public.mood_before_", "Done."];
        walferry(&pair.config(), &teardown).await.ended(0, &says);
        assert_eq!(things(&pair.on_destination().await).await, before);
    }
}

/// Values of before and of after look the same.
#[tokio::test]
async fn the_tables_of_a_type_whose_members_make_room_for_others_are_loaded_again() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let source = pair.on_source().await;
        do_on(&source, MOODS).await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        do_on(
            &source,
            "ALTER TYPE pair DROP ATTRIBUTE m; ALTER TYPE pair ADD ATTRIBUTE m mood;
             INSERT INTO moods VALUES (2, 'ok', 'ok', '{\"(7,ok)\"}')",
        )
        .await;
        equal_soon(&pair).await;
        do_on(&source, "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'").await;
        do_on(&source, "ALTER TYPE mood ADD VALUE 'ok' BEFORE 'fine'").await;
        do_on(&source, "INSERT INTO moods VALUES (3, 'ok', NULL, NULL)").await;
        equal_soon(&pair).await;
        let labels = "SELECT enum_range(NULL::app_public.mood)::text = '{sad,ok,fine}'";
        until(&pair.on_destination().await, labels).await;
        drain(&pair, daemon).await;
    }
}
