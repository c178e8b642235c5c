//! Lanes of tables in three databases: the source, walferry's copy, and a native subscription's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use walferry::demo::cluster::SUPERUSER;
use walferry::sql::Literal;

use super::history::History;
use super::verdict::{Tables, lane_in, only_of};
use crate::cases::way::Way as SentAs;
use crate::support::PATIENCE;
use crate::support::{Daemon, Pair};

const TABLES: &str = include_str!("tables.sql");

/// Longer than a table may take to be loaded again beside the stream.
const JOINING_MAX: Duration = Duration::from_secs(90);

/// What a daemon is told, and what it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub name: &'static str,
    /// More of the configuration.
    pub config: &'static str,
    /// More tables, on all sides.
    pub tables: &'static str,
    /// What is different on the source.
    pub source: &'static str,
    /// Whether the source sends transactions before they commit.
    pub sent_as: SentAs,
}

/// As it comes: large batches, binary values, partitions one by one.
pub const LARGE: Way = Way {
    name: "large",
    config: "",
    tables: "",
    source: "",
    sent_as: SentAs::Stream,
};

/// Batches of three changes, text, partitioned tables as one, transactions before they commit.
pub const SMALL: Way = Way {
    name: "small",
    config: "[apply]\nbatch_rows_max = 3\nmemory_max = \"1 MiB\"\n",
    tables: "CREATE TABLE public.as_text (only_as_text int4range);",
    source: "ALTER PUBLICATION walferry_app SET (publish_via_partition_root = true);",
    sent_as: SentAs::StreamInBatchesOfOne,
};

/// What befalls the daemon while histories happen.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// Nothing.
    Flows,
    /// It cannot apply anything until all have happened, so that they are one batch.
    Held,
    /// SIGKILL, this long after they began; then it is started again.
    Killed(Duration),
}

/// What went wrong, by lane.
#[derive(Debug)]
pub enum Fault {
    /// Rows of the copy.
    Different(BTreeMap<usize, String>),
    /// Rows of the native subscription, while walferry's were right.
    NativeDiffers(BTreeMap<usize, String>),
    /// The daemon ended by itself.
    Ended(usize, String),
}

impl Fault {
    /// A lane with it, and what it is.
    pub fn first(self) -> (usize, String) {
        match self {
            Fault::Different(lanes) | Fault::NativeDiffers(lanes) => {
                lanes.into_iter().next().unwrap()
            }
            Fault::Ended(lane, what) => (lane, what),
        }
    }
}

/// How many transactions the source was asked for, and how many it refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    pub transactions: usize,
    pub refused: usize,
}

/// Three databases, and a daemon between two of them.
pub struct Rig<'p> {
    pair: &'p Pair,
    source: Client,
    destination: Client,
    holder: Client,
    native: Option<Client>,
    lanes: Vec<Client>,
    tables: Tables,
    config: PathBuf,
    daemon: Option<Daemon>,
    logged: usize,
    waves: i32,
    pub count: Count,
}

impl<'p> Rig<'p> {
    /// In databases with this number, which nobody has used.
    pub async fn start(
        pair: &'p Pair,
        way: &Way,
        number: usize,
        lanes: usize,
        native: bool,
    ) -> Self {
        let name = format!("{}_{number}", way.name);
        for (cluster, template) in [(&pair.source, "app"), (&pair.destination, "warehouse")] {
            let administrator = cluster.superuser("postgres").await.unwrap();
            for statement in [
                format!("CREATE DATABASE {name} TEMPLATE {template}"),
                format!("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {name} TO walferry"),
            ] {
                administrator.batch_execute(&statement).await.unwrap();
            }
        }
        if let Some(setting) = way.sent_as.source_setting(pair.source.binaries().major()) {
            let administrator = pair.source.superuser("postgres").await.unwrap();
            let set = format!("ALTER DATABASE {name} SET {setting}");
            administrator.batch_execute(&set).await.unwrap();
        }
        let script = tables(lanes) + way.tables;
        let source = pair.source.superuser(&name).await.unwrap();
        source.batch_execute(&script).await.unwrap();
        source.batch_execute(way.source).await.unwrap();
        let native = if native {
            Some(subscribe(pair, &name, &script).await)
        } else {
            None
        };
        let mut sessions = Vec::new();
        for lane in 0..lanes {
            let session = pair.source.superuser(&name).await.unwrap();
            let settings =
                format!("SET search_path = lane_{lane}; SET client_min_messages = error");
            session.batch_execute(&settings).await.unwrap();
            sessions.push(session);
        }
        let config = pair.write_config_between(&name, &name, "model.toml", way.config);
        let logged = log(pair).len();
        let mut daemon = Daemon::start_on(pair, &config);
        daemon.wait_ready().await;
        Rig {
            tables: Tables::of(&source).await,
            source,
            destination: pair.destination.superuser(&name).await.unwrap(),
            holder: pair.destination.superuser(&name).await.unwrap(),
            native,
            lanes: sessions,
            config,
            daemon: Some(daemon),
            logged,
            waves: 0,
            count: Count::default(),
            pair,
        }
    }

    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub fn tables(&self) -> usize {
        self.tables.len()
    }

    /// Lets one history happen in each lane, all at once, and compares.
    pub async fn take(&mut self, histories: &[History], fate: Fate) -> Result<(), Fault> {
        for (lane, history) in self.lanes.iter().zip(histories) {
            if let Err(error) = lane.batch_execute(&history.begin).await {
                panic!("{}: {error:?}", history.begin);
            }
        }
        if let Fate::Held = fate {
            self.hold().await?;
        }
        let (pair, config, daemon) = (self.pair, &self.config, &mut self.daemon);
        let happen = self.lanes.iter().zip(histories);
        let happen = join_all(happen.map(|(lane, history)| happen_in(lane, history)));
        let killed = async {
            if let Fate::Killed(after) = fate {
                tokio::time::sleep(after).await;
                daemon.take().unwrap().kill9().await;
                *daemon = Some(Daemon::start_on(pair, config));
            }
        };
        let (counts, ()) = tokio::join!(happen, killed);
        for count in counts {
            self.count.transactions += count.transactions;
            self.count.refused += count.refused;
        }
        if let Fate::Held = fate {
            self.holder.batch_execute("COMMIT").await.unwrap();
        }
        self.arrive().await?;
        // A partitioned table that was truncated is loaded again beside the stream, since its
        // partitions have other files: it comes a little later.
        let started = Instant::now();
        loop {
            let (source, tables) = (&self.source, &self.tables);
            let different = tables.differences(source, &self.destination, "app_").await;
            let joining = different.values().all(|what| only_of(what, ".parted"));
            if different.is_empty() {
                break;
            }
            if !joining || started.elapsed() > JOINING_MAX || self.has_ended() {
                return Err(Fault::Different(different));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let (source, tables) = (&self.source, &self.tables);
        if let Some(native) = &self.native {
            let different = tables.differences(source, native, "").await;
            if !different.is_empty() {
                return Err(Fault::NativeDiffers(different));
            }
        }
        Ok(())
    }

    /// Stops the applier in front of a locked table.
    async fn hold(&mut self) -> Result<(), Fault> {
        let lock = "BEGIN; LOCK TABLE app_public.gate IN ACCESS EXCLUSIVE MODE";
        self.holder.batch_execute(lock).await.unwrap();
        self.source
            .batch_execute("INSERT INTO public.gate VALUES (1)")
            .await
            .unwrap();
        let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted
                     AND relation = 'app_public.gate'::regclass)";
        let started = Instant::now();
        while !is_true(&self.destination, waits).await {
            self.still_there(started)?;
        }
        Ok(())
    }

    /// Until both copies are where the source is.
    async fn arrive(&mut self) -> Result<(), Fault> {
        self.waves += 1;
        let fence = format!("INSERT INTO public.fence VALUES ({})", self.waves);
        self.source.batch_execute(&fence).await.unwrap();
        let passed = |schema| {
            let wave = self.waves;
            format!("SELECT EXISTS (SELECT FROM {schema}.fence WHERE wave = {wave})")
        };
        let (here, native) = (passed("app_public"), passed("public"));
        let started = Instant::now();
        while !is_true(&self.destination, &here).await {
            self.still_there(started)?;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        if let Some(client) = &self.native {
            while !is_true(client, &native).await {
                let log = std::fs::read_to_string(self.pair.destination.log_path());
                let late = started.elapsed() > PATIENCE;
                assert!(!late, "the subscription is stuck: {}", log.unwrap());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        Ok(())
    }

    fn has_ended(&mut self) -> bool {
        self.daemon.as_mut().is_some_and(|it| it.ended().is_some())
    }

    fn still_there(&mut self, since: Instant) -> Result<(), Fault> {
        if let Some(code) = self.daemon.as_mut().and_then(Daemon::ended) {
            let log = log(self.pair).split_off(self.logged);
            let end = log.lines().rev().find(|line| line.starts_with("error:"));
            let end = end.unwrap_or_else(|| panic!("exit code {code}:\n{log}"));
            return Err(Fault::Ended(lane_in(end), end.to_owned()));
        }
        assert!(since.elapsed() < PATIENCE, "stuck: {}", log(self.pair));
        Ok(())
    }

    /// Ends the daemon, which has to end well unless it has ended already, and what else reads the
    /// source's log.
    pub async fn end(mut self) {
        let mut daemon = self.daemon.take().unwrap();
        if daemon.ended().is_none() {
            assert_eq!(daemon.sigterm().await, Some(0), "{}", log(self.pair));
        }
        if let Some(native) = &self.native {
            let drop = "DROP SUBSCRIPTION native";
            native.batch_execute(drop).await.unwrap();
        }
        let started = Instant::now();
        let drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
                    WHERE database = current_database() AND NOT temporary";
        // the walsender may outlive its client for a moment
        while let Err(error) = self.source.batch_execute(drop).await {
            let in_use = error.code() == Some(&SqlState::OBJECT_IN_USE);
            assert!(in_use && started.elapsed() < PATIENCE, "{error:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// One transaction after the other; the source may refuse one, and then it has not been.
async fn happen_in(lane: &Client, history: &History) -> Count {
    let mut count = Count::default();
    for script in history.transactions() {
        count.transactions += 1;
        let Err(error) = lane.batch_execute(&script).await else {
            continue;
        };
        let may_be = [
            SqlState::UNIQUE_VIOLATION,
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        ];
        let expected = error.code().is_some_and(|code| may_be.contains(code));
        assert!(expected, "seed {}: {script}: {error:?}", history.seed);
        count.refused += 1;
        lane.batch_execute("ROLLBACK").await.unwrap();
    }
    count
}

async fn is_true(client: &Client, question: &str) -> bool {
    client.query_one(question, &[]).await.unwrap().get(0)
}

fn log(pair: &Pair) -> String {
    std::fs::read_to_string(pair.directory().join("walferry.log")).unwrap_or_default()
}

fn tables(lanes: usize) -> String {
    let mut script = "CREATE TABLE public.fence (wave int PRIMARY KEY);\n\
                      CREATE TABLE public.gate (n int);\n"
        .to_owned();
    for lane in 0..lanes {
        let _ = writeln!(
            script,
            "CREATE SCHEMA lane_{lane};\nSET search_path = lane_{lane};\n{TABLES}"
        );
    }
    script + "RESET search_path;\n"
}

/// The third database, beside walferry's.
async fn subscribe(pair: &Pair, name: &str, tables: &str) -> Client {
    let administrator = pair.destination.superuser("postgres").await.unwrap();
    let database = format!("native_{name}");
    administrator
        .batch_execute(&format!("CREATE DATABASE {database}"))
        .await
        .unwrap();
    let client = pair.destination.superuser(&database).await.unwrap();
    client.batch_execute(tables).await.unwrap();
    let conninfo = format!(
        "host={} port={} user={SUPERUSER} dbname={name}",
        pair.source.socket_directory().display(),
        pair.source.port()
    );
    let conninfo = Literal(&conninfo);
    // the default since 18 is to stream transactions in progress, and then sources of every version
    // may fail for good: "could not map filenumber to relation OID"
    let subscribe = format!(
        "CREATE SUBSCRIPTION native CONNECTION {conninfo} PUBLICATION walferry_app
         WITH (copy_data = false, slot_name = {database}, streaming = off)"
    );
    client.batch_execute(&subscribe).await.unwrap();
    client
}
