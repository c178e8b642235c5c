//! Neighbours that change as a whole are deleted and put there again, where nobody can tell.

use tokio_postgres::Client;

use crate::support::{Daemon, Pair, do_on, drain, equal_soon, majors, until};

/// A table of 3,000 neighbours that is followed, with statistics of the copy that count from zero.
async fn followed() -> (Pair, Client, Client, Daemon) {
    let pair = Pair::start(*majors().await.last().unwrap()).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    do_on(
        &source,
        "CREATE TABLE t (id int PRIMARY KEY, v int, w text);
         INSERT INTO t SELECT i, 0, 'w' || i FROM generate_series(1, 3000) AS i",
    )
    .await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    (pair, source, destination, daemon)
}

async fn all_change(pair: &Pair, source: &Client) {
    do_on(source, "UPDATE t SET v = v + 1").await;
    equal_soon(pair).await;
}

/// How many rows of the copy were changed, and how many deleted, also by what was rolled back.
const CHANGED: &str = "(SELECT n_tup_upd FROM pg_stat_all_tables
    WHERE relid = 'app_public.t'::regclass)";
const DELETED: &str = "(SELECT n_tup_del FROM pg_stat_all_tables
    WHERE relid = 'app_public.t'::regclass)";

#[tokio::test]
async fn neighbours_that_change_as_a_whole_are_put_there_again() {
    let (pair, source, destination, daemon) = followed().await;
    all_change(&pair, &source).await;
    let counted = format!("SELECT {DELETED} = 3000 AND {CHANGED} = 0");
    until(&destination, &counted).await;
    // in one transaction with rows that go and come, and trade keys
    do_on(
        &source,
        "BEGIN; DELETE FROM t WHERE id > 2900; INSERT INTO t SELECT i, 1, 'x'
         FROM generate_series(2950, 4500) AS i; UPDATE t SET v = v + 1 WHERE id < 2500;
         UPDATE t SET id = -id WHERE id BETWEEN 100 AND 200; UPDATE t SET w = 'y'; COMMIT",
    )
    .await;
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn rows_are_changed_in_place_once_somebody_could_tell() {
    // what somebody does to the copy behind the back of a daemon that has read its catalog; and
    // what is to hold after all rows have changed
    for (done, holds) in [
        (
            "GRANT USAGE ON SCHEMA public TO walferry; CREATE TABLE public.seen (what text);
             CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO public.seen VALUES (TG_OP); RETURN NULL; END $$;
             GRANT INSERT ON public.seen TO PUBLIC;
             CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON app_public.t
             FOR EACH ROW EXECUTE FUNCTION public.note()",
            "(SELECT count(*) FILTER (WHERE what = 'UPDATE') = 3000 AND count(*) = 3000
              FROM public.seen)",
        ),
        (
            "GRANT USAGE ON SCHEMA public TO walferry;
             CREATE TABLE public.child (id int REFERENCES app_public.t ON DELETE CASCADE);
             INSERT INTO public.child SELECT generate_series(1, 100);
             GRANT ALL ON public.child TO walferry",
            "(SELECT count(*) = 100 FROM public.child)",
        ),
        (
            "ALTER TABLE app_public.t ADD COLUMN theirs text; UPDATE app_public.t SET theirs = 'x'",
            "(SELECT count(*) = 3000 FROM app_public.t WHERE theirs = 'x')",
        ),
        (
            "GRANT USAGE ON SCHEMA public TO walferry; CREATE TABLE public.child () INHERITS (app_public.t); ALTER TABLE public.child OWNER
             TO walferry",
            "true",
        ),
        ("CREATE PUBLICATION theirs FOR ALL TABLES", "true"),
        (
            "CREATE RULE a AS ON DELETE TO app_public.t DO INSTEAD NOTHING",
            "true",
        ),
    ] {
        let (pair, source, destination, daemon) = followed().await;
        do_on(&destination, done).await;
        // what that changed is counted before the rest
        do_on(&destination, "SELECT pg_stat_force_next_flush()").await;
        let before: i64 = counted(&destination).await;
        do_on(&source, "UPDATE t SET v = v + 1").await;
        until(&destination, "SELECT bool_and(v = 1) FROM app_public.t").await;
        let holds = format!("SELECT {holds} AND {CHANGED} >= {before} + 3000");
        until(&destination, &holds).await;
        drain(&pair, daemon).await;
    }
}

async fn counted(destination: &Client) -> i64 {
    let question = format!("SELECT {CHANGED}");
    destination.query_one(&question, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn what_is_published_by_the_destination_is_changed_in_place() {
    let (pair, source, destination, daemon) = followed().await;
    drain(&pair, daemon).await;
    do_on(&destination, "CREATE PUBLICATION theirs FOR ALL TABLES").await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    all_change(&pair, &source).await;
    let counted = format!("SELECT {DELETED} = 0 AND {CHANGED} = 3000");
    until(&destination, &counted).await;
    drain(&pair, daemon).await;
}
