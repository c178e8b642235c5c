//! Databases whose other users mean harm: objects with the names of built-in ones, policies that
//! hide rows, triggers and policies on the copies.

use crate::support::{
    Daemon, Pair, compare, do_on, drain, equal_soon, majors, until, walferry, write_private,
};

/// Every built-in function and operator once more in `public`, where a call raises; and a
/// `search_path` for the role that looks there first.
const IMPOSTORS: &str = r"
    CREATE FUNCTION public.impostor() RETURNS void LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'an impostor was called'; END $$;
    DO $do$
    DECLARE f record;
    BEGIN
        FOR f IN
            SELECT p.oid, p.proname FROM pg_proc AS p
            WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
              AND p.provariadic = 0 AND p.pronargdefaults = 0 AND NOT p.proretset
              AND NOT EXISTS (
                  SELECT FROM pg_type AS t
                  WHERE t.typtype = 'p'
                    AND (t.oid = p.prorettype OR t.oid = ANY (p.proargtypes))
              )
        LOOP
            EXECUTE format(
                'CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS
                 ''BEGIN PERFORM public.impostor(); END''',
                f.proname, pg_get_function_identity_arguments(f.oid),
                pg_get_function_result(f.oid)
            );
        END LOOP;
        FOR f IN
            SELECT o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r, p.proname
            FROM pg_operator AS o JOIN pg_proc AS p ON p.oid = o.oprcode
            WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprleft <> 0
              AND to_regprocedure(format('public.%I(%s,%s)', p.proname,
                  o.oprleft::regtype, o.oprright::regtype)) IS NOT NULL
        LOOP
            EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s,
                PROCEDURE = public.%I)', f.oprname, f.l, f.r, f.proname);
        END LOOP;
    END $do$;
    GRANT USAGE ON SCHEMA public TO walferry;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO walferry;
    ALTER ROLE walferry SET search_path = public, pg_catalog;";

#[tokio::test]
async fn functions_and_operators_with_the_names_of_built_in_ones_are_never_called() {
    let pair = Pair::start(*majors().await.last().unwrap()).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    for client in [&source, &destination] {
        do_on(client, IMPOSTORS).await;
        let made = "SELECT count(*) FROM pg_operator WHERE oprnamespace = 'public'::regnamespace";
        let made: i64 = client.query_one(made, &[]).await.unwrap().get(0);
        assert!(made > 300, "only {made} operators");
    }
    // an honest session that looks there would call them
    let victim = pair.as_walferry(&pair.destination, "warehouse").await;
    let called = victim.query_one("SELECT 1 = 1", &[]).await.unwrap_err();
    let called = called.as_db_error().unwrap().message().to_owned();
    assert_eq!(called, "an impostor was called");

    do_on(
        &source,
        "CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, at timestamptz DEFAULT now());
         INSERT INTO t SELECT i, 'v' || i, i FROM generate_series(1, 3000) AS i;
         CREATE TABLE w (a text, b int); ALTER TABLE w REPLICA IDENTITY FULL;
         INSERT INTO w SELECT 'a' || i % 5, i FROM generate_series(1, 100) AS i",
    )
    .await;
    walferry(&pair.config(), &["check"])
        .await
        .ended(0, &["failures 0"]);
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    for work in [
        "INSERT INTO t VALUES (5000, 'one', 1)",
        "UPDATE t SET v = v || '.', n = n + 1 WHERE id % 2 = 0; DELETE FROM t WHERE id % 7 = 0",
        "UPDATE t SET id = id + 100000 WHERE id > 2000; DELETE FROM w WHERE b < 20",
        "UPDATE w SET b = b + 1; ALTER TABLE t ADD COLUMN more text DEFAULT 'x'",
        "INSERT INTO t VALUES (5001, 'two', 2)",
    ] {
        do_on(&source, work).await;
    }
    equal_soon(&pair).await;
    for verb in [
        &["discover"] as &[&str],
        &["status"],
        &["resync", "public.t", "--wait"],
    ] {
        walferry(&pair.config(), verb).await.ended(0, &[]);
    }
    compare(&pair).await;
    daemon.assert_running();
    drain(&pair, daemon).await;
    let teardown = ["teardown", "--drop-data", "--yes"];
    walferry(&pair.config(), &teardown).await.ended(0, &[]);
}

fn log_of(pair: &Pair) -> String {
    std::fs::read_to_string(pair.directory().join("walferry.log")).unwrap()
}

/// It ends by itself and says this; one of the kinds that bars part.
async fn halts(pair: &Pair, daemon: Daemon, kind: &str, says: &str) {
    let code = daemon.wait_exit().await;
    let log = log_of(pair);
    assert_eq!(code, Some(4), "{log}");
    let last = log.lines().rev().find(|line| line.contains("kind=\""));
    let last = last.unwrap_or_else(|| panic!("no error in {log}"));
    let kinds = kind.split('|').map(|kind| format!("kind=\"{kind}\""));
    let named = kinds.into_iter().any(|kind| last.contains(&kind));
    assert!(named && last.contains(says), "not {kind}, {says}: {last}");
}

#[tokio::test]
async fn a_policy_on_the_source_halts_a_load_instead_of_hiding_rows() {
    let pair = Pair::start(majors().await[0]).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    do_on(
        &source,
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100);
         CREATE POLICY p ON t USING (id > 50); ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    )
    .await;
    halts(&pair, Daemon::start(&pair), "privilege", "public.t").await;
    let made = "SELECT to_regclass('app_public.t') IS NULL";
    until(&destination, made).await;

    do_on(&source, "ALTER TABLE t DISABLE ROW LEVEL SECURITY").await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    compare(&pair).await;
    // behind the back of a daemon that has looked already
    do_on(&source, "ALTER TABLE t ENABLE ROW LEVEL SECURITY").await;
    walferry(&pair.config(), &["resync", "public.t"])
        .await
        .ended(0, &[]);
    halts(&pair, daemon, "privilege", "public.t").await;
    let all = "SELECT count(*) = 100 FROM app_public.t";
    until(&destination, all).await;
    do_on(&source, "ALTER TABLE t DISABLE ROW LEVEL SECURITY").await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn a_trigger_or_a_policy_that_swallows_or_refuses_rows_of_a_copy_halts() {
    let pair = Pair::start(majors().await[0]).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    do_on(
        &source,
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT generate_series(1, 9);
         ALTER TABLE t ALTER COLUMN v SET STORAGE EXTERNAL;
         INSERT INTO t VALUES (100, repeat('x', 10000))",
    )
    .await;
    do_on(
        &destination,
        "CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RETURN NULL; END $$",
    )
    .await;
    let trigger = "CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON app_public.t
                   FOR EACH ROW EXECUTE FUNCTION public.swallow()";
    // a row that moves takes its large value along
    let of_new_rows = "CREATE TRIGGER a BEFORE INSERT ON app_public.t
                       FOR EACH ROW EXECUTE FUNCTION public.swallow()";
    let drop = "DROP TRIGGER a ON app_public.t";
    let force = "ALTER TABLE app_public.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
                 CREATE POLICY p ON app_public.t USING (id < 5)";
    let lift = "DROP POLICY p ON app_public.t;
                ALTER TABLE app_public.t DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY";
    for (before, work, kind, after) in [
        (
            trigger,
            "UPDATE t SET v = 'x' WHERE id = 1",
            "diverged",
            drop,
        ),
        (trigger, "DELETE FROM t WHERE id = 2", "diverged", drop),
        (trigger, "INSERT INTO t VALUES (10)", "diverged", drop),
        (
            of_new_rows,
            "UPDATE t SET id = 101 WHERE id = 100",
            "diverged",
            drop,
        ),
        (
            force,
            "UPDATE t SET v = 'x' WHERE id = 7",
            "privilege",
            lift,
        ),
        (force, "INSERT INTO t VALUES (11)", "privilege", lift),
    ] {
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        equal_soon(&pair).await;
        do_on(&destination, before).await;
        do_on(&source, work).await;
        halts(&pair, daemon, kind, "public.t").await;
        do_on(&destination, after).await;
    }
    let daemon = Daemon::start(&pair);
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn readers_and_strangers_can_put_nothing_on_a_copy_that_runs_with_the_rights_of_walferry() {
    let pair = Pair::start(majors().await[0]).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    let text = std::fs::read_to_string(pair.config()).unwrap().replace(
        "schema_prefix = \"app\"",
        "schema_prefix = \"app\"\nreaders = [\"analyst\"]",
    );
    let config = write_private(pair.directory().join("readers.toml"), &text);
    do_on(
        &source,
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
    )
    .await;
    do_on(
        &destination,
        "CREATE ROLE analyst; CREATE ROLE stranger; CREATE SCHEMA theirs AUTHORIZATION analyst;
         GRANT USAGE, CREATE ON SCHEMA theirs TO stranger;
         CREATE FUNCTION theirs.f() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RETURN NEW; END $$",
    )
    .await;
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    for role in ["analyst", "stranger"] {
        do_on(&destination, &format!("SET ROLE {role}")).await;
        for attempt in [
            "CREATE TRIGGER a AFTER INSERT ON app_public.t EXECUTE FUNCTION theirs.f()",
            "CREATE RULE a AS ON INSERT TO app_public.t DO INSTEAD NOTHING",
            "CREATE POLICY a ON app_public.t USING (true)",
            "ALTER TABLE app_public.t ADD COLUMN x int DEFAULT 1",
            "ALTER TABLE app_public.t ALTER id SET DEFAULT 1",
            "CREATE INDEX ON app_public.t ((id + 1))",
            "CREATE TABLE app_public.mine ()",
            "CREATE TABLE walferry.mine ()",
            "SELECT * FROM walferry.walferry_pipelines",
            "INSERT INTO app_public.t VALUES (2)",
            "CREATE FUNCTION app_public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ] {
            let refused = destination.batch_execute(attempt).await.unwrap_err();
            let code = refused.code().map(|code| code.code().to_owned());
            assert_eq!(code.as_deref(), Some("42501"), "{role}: {attempt}");
        }
        do_on(&destination, "RESET ROLE").await;
    }
    do_on(
        &destination,
        "SET ROLE analyst; SELECT * FROM app_public.t; RESET ROLE",
    )
    .await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn code_on_a_table_of_somebody_else_finds_no_name_that_it_does_not_qualify() {
    let pair = Pair::start(majors().await[0]).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    do_on(&source, "CREATE TABLE t (id int PRIMARY KEY)").await;
    do_on(
        &destination,
        "CREATE ROLE stranger; CREATE SCHEMA app_public AUTHORIZATION stranger; SET ROLE stranger;
         CREATE TABLE app_public.t (id int PRIMARY KEY);
         CREATE TABLE app_public.seen (who text, path text);
         CREATE FUNCTION app_public.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO app_public.seen VALUES (current_user, current_schemas(false)::text);
             RETURN NEW; END $$;
         CREATE TRIGGER a BEFORE INSERT ON app_public.t FOR EACH ROW
         EXECUTE FUNCTION app_public.f();
         GRANT ALL ON SCHEMA app_public TO walferry;
         GRANT ALL ON ALL TABLES IN SCHEMA app_public TO walferry; RESET ROLE",
    )
    .await;
    walferry(&pair.config(), &["check"]).await.ended(
        0,
        &[
            "belongs to another role",
            "has triggers",
            "with the rights of",
        ],
    );
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    do_on(&source, "INSERT INTO t VALUES (1)").await;
    equal_soon(&pair).await;
    let seen = destination.query("SELECT who, path FROM app_public.seen", &[]);
    let seen = seen.await.unwrap();
    assert_eq!(seen[0].get::<_, &str>(0), "walferry");
    assert_eq!(seen[0].get::<_, &str>(1), "{}");
    drain(&pair, daemon).await;
}
