//! Plans of a table that grows.

use tokio_postgres::Client;

use crate::support::{Daemon, Figures, Pair, do_on, drain, equal_soon, majors, until};

/// Rows of a change, too many to go one by one.
const BATCH: i64 = 100;
/// Changes of each kind.
const BATCHES: i64 = 10;
/// Rows that are added at once.
const STEP: i64 = 1_000_000;

/// Nobody analyses the table meanwhile, which would have it planned anew. Keys of this type are
/// staged.
#[tokio::test]
async fn a_table_that_was_tiny_when_its_changes_were_planned_is_never_read_whole_once_it_is_large()
{
    for major in majors().await {
        let table = i64::try_from(Figures::asked_for().table).unwrap();
        let pair = Pair::with_settings(major, &[], &[("autovacuum", "off")]).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        do_on(
            &source,
            "CREATE TABLE t (id numeric PRIMARY KEY, v int);
             CREATE TABLE marker (v bigint PRIMARY KEY);
             CREATE TABLE other (v bigint);
             INSERT INTO t VALUES (0, 0)",
        )
        .await;
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        let mut told = 0;
        let mut tell = async |script: &str| {
            told += 1;
            let marked = format!("BEGIN; {script}; INSERT INTO marker VALUES ({told}); COMMIT");
            do_on(&source, &marked).await;
            let came = format!("SELECT EXISTS (SELECT FROM app_public.marker WHERE v = {told})");
            until(&destination, &came).await;
        };
        tell("INSERT INTO other SELECT generate_series(1, 100000)").await;
        tell("INSERT INTO t SELECT -i, 0 FROM generate_series(1, 20) AS i").await;
        tell("UPDATE t SET v = 1").await;
        tell("DELETE FROM t WHERE id <= 0").await;
        for first in (1..=table).step_by(usize::try_from(STEP).unwrap()) {
            let last = table.min(first + STEP - 1);
            tell(&format!(
                "INSERT INTO t SELECT i, 0 FROM generate_series({first}, {last}) AS i"
            ))
            .await;
        }

        let mut changed = [21 + table, 21, 21];
        let before = Reads::after(&destination, changed).await;
        let apart = table / BATCH;
        for nth in 1..=BATCHES {
            // `nth` and others as far apart as they can be
            let some = format!("(SELECT {nth} + i * {apart} FROM generate_series(0, 99) AS i)");
            tell(&format!("UPDATE t SET v = {nth} WHERE id IN {some}")).await;
            tell(&format!("DELETE FROM t WHERE id IN {some}")).await;
            changed[1] += BATCH;
            changed[2] += BATCH;
        }
        let rows = 2 * BATCHES * BATCH;
        let after = Reads::after(&destination, changed).await;
        let read = after.entries - before.entries;
        assert_eq!(after.scans, before.scans, "PostgreSQL {major}");
        assert!(
            read < 3 * rows,
            "PostgreSQL {major}: {read} for {rows} rows"
        );
        equal_soon(&pair).await;
        drain(&pair, daemon).await;
        eprintln!(
            "PostgreSQL {version}: planned for a row; of {table} rows, {rows} changed by reading \
             {read} entries of the index",
            version = pair.source.binaries().version(),
            table = table,
        );
    }
}

/// What was read of the copy.
struct Reads {
    scans: i64,
    entries: i64,
}

impl Reads {
    /// Once the server has counted so many inserts, updates and deletes.
    async fn after(destination: &Client, [inserts, updates, deletes]: [i64; 3]) -> Reads {
        let of = "FROM pg_stat_user_tables AS t JOIN pg_stat_user_indexes AS i USING (relid)
                  WHERE relid = 'app_public.t'::regclass";
        let counted = format!(
            "SELECT n_tup_ins >= {inserts} AND n_tup_upd >= {updates} AND n_tup_del >= {deletes} {of}"
        );
        until(destination, &counted).await;
        let question = format!("SELECT t.seq_scan, i.idx_tup_read {of}");
        let row = destination.query_one(&question, &[]).await.unwrap();
        Reads {
            scans: row.get(0),
            entries: row.get(1),
        }
    }
}
