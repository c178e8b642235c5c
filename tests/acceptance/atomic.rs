//! pgbench at full speed, while a reader of the copy adds up its four tables all the time.

use std::cell::Cell;
use std::path::Path;
use std::time::Instant;

use tokio_postgres::Client;

use super::pages;
use crate::support::PATIENCE;
use crate::support::{
    Daemon, Figures, Pair, Pgbench, client_tool, edited_config, majors, walferry,
};

/// Every transaction of pgbench adds one number to each of these.
const SUMS: &str = "
    SELECT (SELECT pg_catalog.sum(abalance) FROM {schema}.pgbench_accounts)::bigint,
           (SELECT pg_catalog.sum(tbalance) FROM {schema}.pgbench_tellers)::bigint,
           (SELECT pg_catalog.sum(bbalance) FROM {schema}.pgbench_branches)::bigint,
           (SELECT COALESCE(pg_catalog.sum(delta), 0) FROM {schema}.pgbench_history)::bigint";

#[tokio::test]
async fn a_reader_only_sees_states_of_the_source_and_the_pages_tell_the_run() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let config = pair.config();
        follow_pgbench(&pair, &config, "CREATE on the database").await;
    }
}

#[tokio::test]
async fn the_same_holds_for_a_role_that_may_only_use_schemas_made_for_it() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let edits = [
            (
                "schema_prefix = \"app\"\n",
                "schema_prefix = \"app\"\nstate_schema = \"kept_for_walferry\"\n",
            ),
            (
                "[observability]",
                "[tables]\ninclude = [\"public.*\"]\n[observability]",
            ),
        ];
        let config = edited_config(&pair, "permitted.toml", &edits);
        let administrator = pair.on_destination().await;
        let revoke = "REVOKE ALL ON DATABASE warehouse FROM walferry";
        administrator.batch_execute(revoke).await.unwrap();
        let refused = walferry(&config, &["check"]).await;
        assert_eq!(refused.code, Some(3), "{}", refused.out);

        run_setup_sql(&pair, &config).await;
        let create = "SELECT pg_catalog.has_database_privilege('walferry', 'warehouse', 'CREATE')";
        let may_create: bool = administrator.query_one(create, &[]).await.unwrap().get(0);
        assert!(!may_create);
        follow_pgbench(&pair, &config, "pre-created schemas").await;
    }
}

/// As the administrator of the destination would: prints the script and feeds it to psql.
async fn run_setup_sql(pair: &Pair, config: &Path) {
    let arguments = [
        "setup-sql",
        "--side",
        "destination",
        "--pre-created-schemas",
    ];
    let script = walferry(config, &arguments).await;
    assert_eq!(script.code, Some(0), "{}", script.err);
    let path = pair.directory().join("destination.sql");
    std::fs::write(&path, script.out).unwrap();
    let password = std::fs::read_to_string(pair.directory().join("password")).unwrap();
    let destination = &pair.destination;
    let ran = tokio::process::Command::new(client_tool(destination, "psql"))
        .args(["-X", "-q", "-U", "postgres", "-d", "warehouse", "-h"])
        .arg(destination.socket_directory())
        .args(["-p", &destination.port().to_string()])
        .args(["-v", &format!("destination_password={password}")])
        .arg("-f")
        .arg(&path)
        .output()
        .await
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

async fn follow_pgbench(pair: &Pair, config: &Path, rights: &str) {
    let figures = Figures::asked_for();
    Pgbench::init(pair, figures.scale).await;
    // the load comes first, so that the snapshot is joined to a busy stream
    let load = Pgbench::start(pair);
    let mut daemon = Daemon::start_on(pair, config);
    daemon.wait_ready().await;

    let destination = pair.on_destination().await;
    let (started, looks) = (Instant::now(), Cell::new(0));
    let reads = tokio::select! {
        reads = read(&destination, &figures) => reads,
        () = pages::watch(config, &daemon, &looks) => unreachable!("it goes on for ever"),
    };
    let took = started.elapsed();
    load.stop(pair).await;
    let (transactions, late) = Pgbench::arrived(pair).await;
    assert_eq!(
        sums(&destination, "app_public").await,
        sums(&pair.on_source().await, "public").await
    );
    pages::check_at_rest(&daemon).await;
    daemon.assert_running();
    assert_eq!(daemon.sigterm().await, Some(0));
    eprintln!(
        "PostgreSQL {major}, {rights}: {count} reads, {distinct} different states, 0 torn, in \
         {took:.1?}; {transactions} transactions; the last was there {late:.1?} after the end; \
         {looks} looks at /metrics and status",
        major = pair.source.binaries().version(),
        count = reads.count,
        distinct = reads.distinct,
        looks = looks.get(),
    );
}

struct Reads {
    count: u64,
    distinct: u64,
}

/// Reads as fast as it can, until the time and the number of reads are reached and the copy has moved.
async fn read(destination: &Client, figures: &Figures) -> Reads {
    let statement = SUMS.replace("{schema}", "app_public");
    let statement = destination.prepare(&statement).await.unwrap();
    let started = Instant::now();
    let (mut reads, mut last) = (
        Reads {
            count: 0,
            distinct: 0,
        },
        None,
    );
    let moved = |reads: &Reads| reads.distinct > 2 || started.elapsed() > PATIENCE;
    while started.elapsed() < figures.run || reads.count < figures.reads || !moved(&reads) {
        let row = destination.query_one(&statement, &[]).await.unwrap();
        let sums: [i64; 4] = std::array::from_fn(|at| row.get(at));
        assert!(
            sums.iter().all(|sum| *sum == sums[0]),
            "read {} saw a state that the source never had: {sums:?}",
            reads.count
        );
        reads.count += 1;
        reads.distinct += u64::from(last.replace(sums) != Some(sums));
    }
    assert!(
        reads.distinct > 2,
        "the copy did not move while it was read"
    );
    reads
}

async fn sums(client: &Client, schema: &str) -> [i64; 4] {
    let statement = SUMS.replace("{schema}", schema);
    let row = client.query_one(&statement, &[]).await.unwrap();
    std::array::from_fn(|at| row.get(at))
}
