//! The load of most scenarios: pgbench at full speed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio_postgres::Client;
use walferry::demo::cluster::{Cluster, SUPERUSER};

use super::{PATIENCE, Pair, compare};

/// How long sessions of a stopped pgbench may take to end.
const END_MAX: Duration = PATIENCE;

/// How long a copy may take to catch up with all that a full-speed run has left behind.
const CATCH_UP_MAX: Duration = Duration::from_mins(5);

/// pgbench's four tables live in `public`; `pgbench_history` has no key, and one row for each
/// transaction.
const TRANSACTIONS: &str = "SELECT pg_catalog.count(*) FROM public.pgbench_history";
const TRANSACTIONS_OF_COPY: &str = "SELECT pg_catalog.count(*) FROM app_public.pgbench_history";

/// A run that goes on until it is stopped. Killed on drop.
pub struct Pgbench {
    process: Child,
    log: PathBuf,
}

impl Pgbench {
    /// Makes the tables, with 100,000 accounts for each step of `scale`.
    pub async fn init(pair: &Pair, scale: u32) {
        let log = pair.directory().join("pgbench-init.log");
        let mut command = pgbench(&pair.source, &log);
        command.args(["-i", "-q", "-s", &scale.to_string(), "app"]);
        let status = command.status().await.unwrap();
        assert!(status.success(), "pgbench -i:\n{}", read(&log));
    }

    /// Four clients, each one transaction after the other.
    pub fn start(pair: &Pair) -> Pgbench {
        Pgbench::start_with(pair, &["-b", "tpcb-like"])
    }

    /// As `start`, but with these arguments to say what a transaction is.
    pub fn start_with(pair: &Pair, transactions: &[&str]) -> Pgbench {
        let log = pair.directory().join("pgbench.log");
        let mut command = pgbench(&pair.source, &log);
        // -n: without it, pgbench begins with TRUNCATE pgbench_history
        command.args(["-n", "-M", "prepared", "-c", "4", "-T", "86400"]);
        command.args(transactions).arg("app");
        let process = command.spawn().unwrap();
        Pgbench { process, log }
    }

    /// Ends it; panics when it has ended before, which a scenario has to expect with `drop`.
    /// Returns once none of its sessions can commit any more.
    pub async fn stop(mut self, pair: &Pair) {
        if let Some(status) = self.process.try_wait().unwrap() {
            panic!("pgbench ended by itself, {status}:\n{}", read(&self.log));
        }
        self.process.kill().await.unwrap();
        let source = pair.on_source().await;
        let sessions = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity
                        WHERE application_name = 'pgbench'";
        let asked = Instant::now();
        while number(&source, sessions).await > 0 {
            assert!(asked.elapsed() < END_MAX, "pgbench's sessions do not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the copy has all transactions of a stopped run, then compares every table at
    /// once: what came last came whole. How many transactions, and how long it took.
    pub async fn arrived(pair: &Pair) -> (i64, Duration) {
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        let transactions = number(&source, TRANSACTIONS).await;
        let started = Instant::now();
        loop {
            let copied = number(&destination, TRANSACTIONS_OF_COPY).await;
            if copied == transactions {
                break;
            }
            assert!(
                started.elapsed() < CATCH_UP_MAX,
                "the copy has {copied} of {transactions} transactions"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let took = started.elapsed();
        compare(pair).await;
        (transactions, took)
    }
}

async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// With nothing of our environment that could lead it elsewhere.
fn pgbench(cluster: &Cluster, log: &Path) -> Command {
    let log = File::create(log).unwrap();
    let mut command = Command::new(client_tool(cluster, "pgbench"));
    command
        .env_clear()
        .args(["-h", cluster.socket_directory().to_str().unwrap()])
        .args(["-p", &cluster.port().to_string(), "-U", SUPERUSER])
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true);
    command
}

/// A client tool: beside the server if it is there, else the newest that Debian has, else PATH's.
/// The tools of 15 work with all servers.
pub fn client_tool(cluster: &Cluster, name: &str) -> PathBuf {
    let beside = cluster.binaries().directory().join(name);
    let packaged = (10..=99).rev();
    let packaged =
        packaged.map(|major| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin/{name}")));
    std::iter::once(beside)
        .chain(packaged)
        .find(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from(name))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
