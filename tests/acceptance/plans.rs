//! Plans of a table that grows.

use tokio_postgres::Client;

use crate::support::{Daemon, Figures, Pair, do_on, drain, equal_soon, majors, until};

/// Rows of a change, too many to go one by one.
const BATCH: u64 = 100;
/// Changes of each kind.
const BATCHES: u64 = 10;
/// Rows that are added at once.
const STEP: u64 = 1_000_000;

/// Nobody analyses the table meanwhile, which would have it planned anew. Keys of this type are
/// staged.
#[tokio::test]
async fn a_table_that_was_tiny_when_its_changes_were_planned_is_never_read_whole_once_it_is_large()
{
    for major in majors().await {
        let figures = Figures::asked_for();
        let pair = Pair::with_settings(major, &[], &[("autovacuum", "off")]).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        do_on(
            &source,
            "CREATE TABLE t (id numeric PRIMARY KEY, v int);
             CREATE TABLE marker (v bigint PRIMARY KEY);
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
        tell("INSERT INTO t SELECT -i, 0 FROM generate_series(1, 20) AS i").await;
        tell("UPDATE t SET v = 1").await;
        tell("DELETE FROM t WHERE id <= 0").await;
        for first in (1..=figures.table).step_by(usize::try_from(STEP).unwrap()) {
            let last = figures.table.min(first + STEP - 1);
            tell(&format!(
                "INSERT INTO t SELECT i, 0 FROM generate_series({first}, {last}) AS i"
            ))
            .await;
        }

        let before = Reads::of(&destination, 0).await;
        let apart = figures.table / BATCH;
        for nth in 1..=BATCHES {
            // `nth` and others as far apart as they can be
            let some = format!("(SELECT {nth} + i * {apart} FROM generate_series(0, 99) AS i)");
            tell(&format!("UPDATE t SET v = {nth} WHERE id IN {some}")).await;
            tell(&format!("DELETE FROM t WHERE id IN {some}")).await;
        }
        let rows = 2 * BATCHES * BATCH;
        let after = Reads::of(&destination, before.descents + rows).await;
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
            table = figures.table,
        );
    }
}

/// What was read of the copy.
struct Reads {
    scans: i64,
    descents: u64,
    entries: u64,
}

impl Reads {
    /// Once the server has counted so many descents of the index.
    async fn of(destination: &Client, descents: u64) -> Reads {
        let of = "FROM pg_stat_user_tables AS t JOIN pg_stat_user_indexes AS i USING (relid)
                  WHERE relid = 'app_public.t'::regclass";
        until(
            destination,
            &format!("SELECT i.idx_scan >= {descents} {of}"),
        )
        .await;
        let question = format!("SELECT t.seq_scan, i.idx_scan, i.idx_tup_read {of}");
        let row = destination.query_one(&question, &[]).await.unwrap();
        let count = |at| u64::try_from(row.get::<_, i64>(at)).unwrap();
        Reads {
            scans: row.get(0),
            descents: count(1),
            entries: count(2),
        }
    }
}
