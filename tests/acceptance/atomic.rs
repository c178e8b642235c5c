//! pgbench at full speed, while a reader of the copy adds up its four tables all the time.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_postgres::Client;

use crate::support::{
    Daemon, Figures, Metrics, Pair, Pgbench, client_tool, edited_config, majors, walferry,
};

/// Every transaction of pgbench adds one number to each of these.
const SUMS: &str = "
    SELECT (SELECT pg_catalog.sum(abalance) FROM {schema}.pgbench_accounts)::bigint,
           (SELECT pg_catalog.sum(tbalance) FROM {schema}.pgbench_tellers)::bigint,
           (SELECT pg_catalog.sum(bbalance) FROM {schema}.pgbench_branches)::bigint,
           (SELECT COALESCE(pg_catalog.sum(delta), 0) FROM {schema}.pgbench_history)::bigint";

/// The metrics of design.md section 9 that a healthy run has.
const METRICS: [&str; 15] = [
    "lag_bytes",
    "lag_seconds",
    "pipeline_state",
    "table_state",
    "changes_total",
    "table_changes_total",
    "transactions_total",
    "batch_seconds",
    "batch_changes",
    "snapshot_bytes",
    "snapshot_bytes_expected",
    "slot_retained_bytes",
    "slot_safe_bytes",
    "reconnects_total",
    "build_info",
];

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
    let started = Instant::now();
    let reads = tokio::select! {
        reads = read(&destination, &figures) => reads,
        () = watch_pages(config, &daemon) => unreachable!("it goes on for ever"),
    };
    let took = started.elapsed();
    load.stop(pair).await;
    let (transactions, late) = Pgbench::arrived(pair).await;
    assert_eq!(
        sums(&destination, "app_public").await,
        sums(&pair.on_source().await, "public").await
    );
    check_pages_at_rest(&daemon).await;
    daemon.assert_running();
    assert_eq!(daemon.sigterm().await, Some(0));
    eprintln!(
        "PostgreSQL {major}, {rights}: {count} reads, {distinct} different states, 0 torn, in \
         {took:.1?}; {transactions} transactions; the last was there {late:.1?} after the end",
        major = pair.source.binaries().version(),
        count = reads.count,
        distinct = reads.distinct,
    );
}

struct Reads {
    count: u64,
    distinct: u64,
}

/// Reads as fast as it can, until both the time and the number of reads are reached.
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
    while started.elapsed() < figures.run || reads.count < figures.reads {
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

/// Looks at every page twice a second, for ever.
async fn watch_pages(config: &Path, daemon: &Daemon) {
    let mut before = 0.0;
    loop {
        for page in ["/healthz", "/readyz", "/"] {
            let answer = daemon.get(page).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{page}: {answer}");
        }
        let metrics = Metrics::of(daemon).await;
        let lag = |stage| {
            let lag = metrics.value("walferry_lag_bytes", &[("stage", stage)]);
            lag.unwrap()
        };
        let stages = [0.0, lag("received"), lag("applied"), lag("confirmed")];
        assert!(stages.is_sorted(), "{stages:?}");
        let streaming = [("state", "streaming")];
        let streaming = metrics.value("walferry_pipeline_state", &streaming);
        assert_eq!(streaming, Some(1.0));
        if let Some(seconds) = metrics.value("walferry_lag_seconds", &[]) {
            assert!((0.0..600.0).contains(&seconds), "{seconds}");
        }
        let transactions = metrics.value("walferry_transactions_total", &[]).unwrap();
        assert!(transactions >= before);
        before = transactions;
        check_status(config).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn check_status(config: &Path) {
    let answer = walferry(config, &["status", "--json"]).await;
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let status: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(status["pipeline"], "app");
    assert_eq!(status["state"], "streaming");
    assert_eq!(status["tables"].as_array().unwrap().len(), 4, "{status}");
    let answer = walferry(config, &["status"]).await;
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    for word in ["streaming", "pgbench_accounts", "pgbench_history"] {
        assert!(answer.out.contains(word), "{word}:\n{}", answer.out);
    }
}

/// Everything has arrived: no lag is left, and no metric is missing.
async fn check_pages_at_rest(daemon: &Daemon) {
    let asked = Instant::now();
    let metrics = loop {
        let metrics = Metrics::of(daemon).await;
        if metrics.value("walferry_lag_seconds", &[]) == Some(0.0) {
            break metrics;
        }
        assert!(asked.elapsed() < Duration::from_secs(10), "lag_seconds");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    for name in METRICS {
        assert!(metrics.has(&format!("walferry_{name}")), "no {name}");
    }
    assert!(
        !metrics.has("walferry_errors_total"),
        "an error was counted"
    );
    for endpoint in ["source", "destination"] {
        assert!(metrics.reconnects(endpoint) == 0.0, "{endpoint}");
    }
    let history = [
        ("schema", "public"),
        ("table", "pgbench_history"),
        ("op", "insert"),
    ];
    let inserted = metrics.value("walferry_table_changes_total", &history);
    assert!(inserted > Some(0.0));
}
