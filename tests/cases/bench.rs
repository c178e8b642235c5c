//! Two clusters on which cases are taken through a daemon.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio_postgres::Client;
use walferry::demo::cluster::{Cluster, SUPERUSER};

use super::equality::{self, Compared};
use super::folder::{Case, Expect};
use super::in_place::Loads;
use super::way::Way;
use crate::support::PATIENCE;
use crate::support::{Daemon, Pair};

/// Longer than it takes to notice a table that is to be loaded, and to load it.
const JOINING_MAX: Duration = Duration::from_mins(2);

/// Its databases are used once.
pub struct Bench {
    major: u32,
    pair: Pair,
    databases: u32,
    /// Statements that a server does not know are left out.
    lenient: bool,
}

/// The databases of one daemon.
struct Databases {
    name: String,
    source: Client,
    destination: Client,
    config: PathBuf,
}

/// A daemon that ended by itself.
struct Ended {
    code: Option<i32>,
    log: String,
}

impl Bench {
    /// Between servers of these major versions.
    pub async fn between(major: u32, destination: u32) -> Bench {
        let source = [("max_prepared_transactions", "10")];
        // a copy that autovacuum has locked for longer than a moment would be loaded again
        let undisturbed = [("autovacuum", "off")];
        Bench {
            major,
            pair: Pair::between((major, &source), (destination, &undisturbed)).await,
            databases: 0,
            lenient: false,
        }
    }

    /// The same; types, values and statements that are too new for them are left out.
    pub async fn of_old(major: u32, destination: u32) -> Bench {
        Bench {
            lenient: true,
            ..Bench::between(major, destination).await
        }
    }

    /// Takes cases one way with one daemon, and says which failed. A case that ends the daemon
    /// fails, and the others are taken again without it.
    pub async fn take_all(&mut self, way: Way, mut cases: Vec<Case>) -> Compared {
        let mut all = Compared::default();
        while !cases.is_empty() {
            match self.take(way, &cases).await {
                Ok(compared) => {
                    all.add(compared);
                    break;
                }
                Err(ended) => {
                    let end = ended
                        .log
                        .lines()
                        .rev()
                        .find(|line| line.starts_with("error:"));
                    let end = end.unwrap_or(&ended.log);
                    let named = |case: &&Case| end.contains(&case.schema);
                    let culprit = cases
                        .iter()
                        .filter(named)
                        .max_by_key(|case| case.schema.len());
                    let culprit = culprit.map_or_else(|| all_of(&cases), |case| case.name.clone());
                    let code = ended.code;
                    all.different.push(format!(
                        "{culprit} [{}]: exit code {code:?}, {end}",
                        way.as_str()
                    ));
                    let before = cases.len();
                    cases.retain(|case| case.name != culprit);
                    if cases.len() == before {
                        break;
                    }
                }
            }
        }
        all
    }

    async fn take(&mut self, way: Way, cases: &[Case]) -> Result<Compared, Ended> {
        let databases = self.databases(way, cases).await;
        self.psql(&self.pair.source, &databases, &schemas(cases))
            .await;
        self.psql(&self.pair.destination, &databases, &destinations(cases))
            .await;
        publish_fence(&databases.source).await;
        if way == Way::Snapshot {
            self.psql(&self.pair.source, &databases, &changes(cases))
                .await;
        }
        let logged = self.log().len();
        let mut daemon = Daemon::start_on(&self.pair, &databases.config);
        let outcome = self.follow(&mut daemon, way, &databases, cases).await;
        let outcome = match outcome {
            Ok(before) => {
                let mut compared = self.compare(&mut daemon, way, &databases, cases).await;
                let code = daemon.sigterm().await;
                assert_eq!(
                    code,
                    Some(0),
                    "at the end: {}",
                    self.log().split_off(logged)
                );
                let now = Loads::of(cases, &databases.destination).await;
                compared.different.extend(before.again(&now, way));
                Ok(compared)
            }
            Err(code) => Err(Ended {
                code,
                log: self.log().split_off(logged),
            }),
        };
        drop_slot(&databases.source).await;
        as_expected(way, &cases[0].expect, outcome)
    }

    /// What is different when all changes have passed; of tables that are loaded beside the stream,
    /// once those are there, too.
    async fn compare(
        &self,
        daemon: &mut Daemon,
        way: Way,
        databases: &Databases,
        cases: &[Case],
    ) -> Compared {
        let (joining, others): (Vec<Case>, Vec<Case>) =
            cases.iter().cloned().partition(|case| case.joins);
        let (source, destination) = (&databases.source, &databases.destination);
        let mut compared = equality::compare_all(way, &others, source, destination).await;
        let started = Instant::now();
        loop {
            let late = equality::compare_all(way, &joining, source, destination).await;
            let enough = late.different.is_empty() || started.elapsed() > JOINING_MAX;
            if enough || daemon.ended().is_some() {
                compared.add(late);
                return compared;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Until the destination is where the source is: how tables were loaded before anything
    /// changed, or the exit code of a daemon that ends.
    async fn follow(
        &self,
        daemon: &mut Daemon,
        way: Way,
        databases: &Databases,
        cases: &[Case],
    ) -> Result<Loads, Option<i32>> {
        let ready = async |daemon: &Daemon| daemon.get("/readyz").await.starts_with("HTTP/1.1 200");
        self.until(daemon, ready).await?;
        if self.major >= 14 && cases.iter().all(|case| case.binary) {
            let binary = is_binary(&databases.source).await;
            assert!(binary, "{}: a text stream", all_of(cases));
        }
        let loads = Loads::of(cases, &databases.destination).await;
        if way == Way::Snapshot {
            return Ok(loads);
        }
        self.psql(&self.pair.source, databases, &changes(cases))
            .await;
        let pass = "INSERT INTO public.fence VALUES (1)";
        databases.source.batch_execute(pass).await.unwrap();
        let passed = async |_: &Daemon| {
            let rows = databases
                .destination
                .query("SELECT FROM app_public.fence", &[])
                .await;
            !rows.unwrap().is_empty()
        };
        self.until(daemon, passed).await?;
        Ok(loads)
    }

    async fn until(
        &self,
        daemon: &mut Daemon,
        reached: impl AsyncFn(&Daemon) -> bool,
    ) -> Result<(), Option<i32>> {
        let started = Instant::now();
        while !reached(daemon).await {
            if let Some(code) = daemon.ended() {
                return Err(Some(code));
            }
            assert!(started.elapsed() < PATIENCE, "stuck: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn databases(&mut self, way: Way, cases: &[Case]) -> Databases {
        self.databases += 1;
        let name = format!("{}_{}", way.as_str(), self.databases);
        let sides = [
            (&self.pair.source, "app"),
            (&self.pair.destination, "warehouse"),
        ];
        for (cluster, template) in sides {
            let administrator = cluster.superuser("postgres").await.unwrap();
            for statement in [
                format!("CREATE DATABASE {name} TEMPLATE {template}"),
                format!("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {name} TO walferry"),
            ] {
                administrator.batch_execute(&statement).await.unwrap();
            }
        }
        if let Some(setting) = way.source_setting(self.major) {
            let administrator = self.pair.source.superuser("postgres").await.unwrap();
            let set = format!("ALTER DATABASE {name} SET {setting}");
            administrator.batch_execute(&set).await.unwrap();
        }
        let more = way.config(&cases[0]);
        let source = self.pair.source.superuser(&name).await.unwrap();
        let destination = self.pair.destination.superuser(&name).await.unwrap();
        if self.lenient {
            // before 12 floats are printed in another way, but for this; their bytes are compared, too
            for client in [&source, &destination] {
                let set = "SET extra_float_digits = 0";
                client.batch_execute(set).await.unwrap();
            }
        }
        Databases {
            source,
            destination,
            config: self
                .pair
                .write_config_between(&name, &name, "cases.toml", &more),
            name,
        }
    }

    /// Runs a script as the superuser; it has to succeed.
    async fn psql(&self, cluster: &Cluster, databases: &Databases, script: &str) {
        let path = self.pair.directory().join("script.sql");
        std::fs::write(&path, script).unwrap();
        let done = Command::new(psql(cluster))
            .args(["-X", "-q", "-o", "/dev/null"])
            .args(["-v", &format!("ON_ERROR_STOP={}", i32::from(!self.lenient))])
            .arg("-h")
            .arg(cluster.socket_directory())
            .args(["-p", &cluster.port().to_string()])
            .args(["-U", SUPERUSER, "-d", &databases.name, "-f"])
            .arg(path)
            .env("PGOPTIONS", "-c client_min_messages=error")
            .env("PGCLIENTENCODING", "UTF8")
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "PostgreSQL {}: {said}", self.major);
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.pair.directory().join("walferry.log")).unwrap_or_default()
    }
}

/// Whether a case came out as it said; the failure of one that did not.
fn as_expected(
    way: Way,
    expect: &Expect,
    outcome: Result<Compared, Ended>,
) -> Result<Compared, Ended> {
    let words = match expect {
        Expect::Refused(words) => words,
        Expect::Halted(words) if way != Way::Snapshot => words,
        Expect::Equal | Expect::Halted(_) => return outcome,
    };
    match outcome {
        Err(ended) if ended.log.contains(words) => Ok(Compared::default()),
        Ok(_) => Ok(Compared::of_fault(format!(
            "[{}]: nobody said: {words}",
            way.as_str()
        ))),
        other => other,
    }
}

fn all_of(cases: &[Case]) -> String {
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.join(" or ")
}

/// The psql that came with the server, or else the one of PATH: the packages of newer servers may
/// have none.
fn psql(cluster: &Cluster) -> PathBuf {
    let debian = |major: &u32| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin/psql"));
    let own = cluster.binaries().directory().join("psql");
    // Debian's /usr/bin/psql is a slow script in front of these
    let all = std::iter::once(own).chain([18, 17, 16, 15].iter().map(debian));
    all.into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| "psql".into())
}

fn schemas(cases: &[Case]) -> String {
    let mut script = "CREATE TABLE public.fence (passed integer PRIMARY KEY);\n\
                      CREATE UNLOGGED TABLE public.case_schemas (case_name text, oid oid);\n"
        .to_owned();
    for case in cases {
        let _ = writeln!(script, "\\connect\nCREATE SCHEMA {};", case.schema);
        include(&mut script, &case.schema, &case.folder.join("schema.sql"));
        if let Some(publication) = case.file("publication.sql") {
            script += "DROP PUBLICATION walferry_app;\n";
            include(&mut script, &case.schema, &publication);
        }
        let _ = writeln!(
            script,
            "\\connect\nINSERT INTO public.case_schemas SELECT '{}', oid FROM pg_namespace AS n \
             WHERE nspname !~ '^(pg_|public$|information_schema$)' \
             AND NOT EXISTS (SELECT FROM public.case_schemas AS known WHERE known.oid = n.oid);",
            case.name
        );
    }
    if !cases.iter().all(|case| case.binary) {
        script += "\\connect\n";
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/types/only_text.sql");
        include(&mut script, "public", &all);
    }
    script
}

fn changes(cases: &[Case]) -> String {
    let mut script = String::new();
    for case in cases {
        script += "\\connect\n";
        include(&mut script, &case.schema, &case.folder.join("changes.sql"));
    }
    script
}

fn destinations(cases: &[Case]) -> String {
    let mut script = String::new();
    for case in cases {
        if let Some(destination) = case.file("destination.sql") {
            let schema = format!("app_{}", case.schema);
            let _ = writeln!(
                script,
                "\\connect\nCREATE SCHEMA {schema} AUTHORIZATION walferry;\nSET ROLE walferry;"
            );
            include(&mut script, &schema, &destination);
        }
    }
    script
}

fn include(script: &mut String, schema: &str, path: &Path) {
    let path = path.display();
    let _ = writeln!(
        script,
        "SET search_path = {schema}, public;\n\\include '{path}'"
    );
}

/// The daemon asked the source for binary values.
async fn is_binary(source: &Client) -> bool {
    let stream = "SELECT query FROM pg_stat_activity \
                  WHERE backend_type = 'walsender' \
                  AND query LIKE 'START_REPLICATION SLOT \"walferry_app\"%'";
    let query: String = source.query_one(stream, &[]).await.unwrap().get(0);
    query.contains("binary")
}

/// Drops the slot once the walsender of a daemon that ended has ended as well.
async fn drop_slot(source: &Client) {
    let started = Instant::now();
    // a load's own may outlive its daemon for a moment, and goes by itself
    let slots = "SELECT slot_name::text, active FROM pg_replication_slots
                 WHERE NOT temporary AND database = current_database()";
    while let Some(row) = source.query_opt(slots, &[]).await.unwrap() {
        assert!(started.elapsed() < PATIENCE, "the slot stays in use");
        if row.get(1) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        }
        let name: String = row.get(0);
        let drop = "SELECT pg_drop_replication_slot($1::text::name)";
        source.execute(drop, &[&name]).await.unwrap();
    }
}

/// The table whose row says that everything before it has arrived.
async fn publish_fence(source: &Client) {
    let publish = "DO $$ BEGIN
        IF NOT (SELECT puballtables FROM pg_publication WHERE pubname = 'walferry_app') THEN
            ALTER PUBLICATION walferry_app ADD TABLE public.fence;
        END IF;
    END $$";
    source.batch_execute(publish).await.unwrap();
}
