//! Names and passwords may hold any character, from the administrators' scripts to the teardown.

use std::path::PathBuf;

use tokio_postgres::Client;
use walferry::Side;
use walferry::catalog::TableName;
use walferry::demo::compare::fingerprint;
use walferry::sql::{Ident, Literal};

use crate::support::PATIENCE;
use crate::support::{
    CANARY, Daemon, Pair, assert_discreet, majors, psql, quoted, things, walferry, write_private,
};

/// A name with every character that has broken a parser; `what` tells it from the others.
fn odd(what: &str) -> String {
    format!("{what} @[x]/?#\"\\+&:';%=$é日")
}

fn sql_odd(what: &str) -> String {
    Ident(&odd(what)).to_string()
}

/// Both databases, with a table of odd names that `setup-sql` has yet to be run for.
struct Odd {
    pair: Pair,
    config: PathBuf,
    password: String,
    source: Client,
    destination: Client,
}

impl Odd {
    /// With `[tables]` as written.
    async fn new(major: u32, tables: &str) -> Odd {
        let pair = Pair::start(major).await;
        let create = format!("CREATE DATABASE {}", sql_odd("db"));
        for cluster in [&pair.source, &pair.destination] {
            let administrator = cluster.superuser("postgres").await.unwrap();
            administrator.batch_execute(&create).await.unwrap();
        }
        let source = pair.source.superuser(&odd("db")).await.unwrap();
        let destination = pair.destination.superuser(&odd("db")).await.unwrap();
        let script = format!(
            "CREATE SCHEMA {schema};
             CREATE TABLE {schema}.{table} ({key} int PRIMARY KEY, {column} text);
             INSERT INTO {schema}.{table} SELECT i, 'v' || i FROM generate_series(1, 50) AS i;
             INSERT INTO {schema}.{table} VALUES (1000, {value})",
            schema = sql_odd("schema"),
            table = sql_odd("table"),
            key = sql_odd("key"),
            column = sql_odd("column"),
            value = Literal(&odd(CANARY)),
        );
        source.batch_execute(&script).await.unwrap();
        let password = odd(CANARY);
        write_private(pair.directory().join("odd password"), &password);
        let config = write_private(pair.directory().join("odd.toml"), &config(&pair, tables));
        Odd {
            pair,
            config,
            password,
            source,
            destination,
        }
    }

    /// Hands the printed scripts to both administrators.
    async fn set_up(&self, options: &[&str]) {
        for (side, cluster) in [
            ("source", &self.pair.source),
            ("destination", &self.pair.destination),
        ] {
            let arguments = [&["setup-sql", "--side", side], options].concat();
            let script = walferry(&self.config, &arguments).await.ended(0, &[]).out;
            let variable = format!("{side}_password={}", self.password);
            psql(cluster, &script, &variable).await;
        }
    }

    async fn change(&self) {
        let (key, column) = (sql_odd("key"), sql_odd("column"));
        let table = format!("{}.{}", sql_odd("schema"), sql_odd("table"));
        let script = format!(
            "UPDATE {table} SET {column} = {value} WHERE {key} % 3 = 0;
             UPDATE {table} SET {key} = {key} + 2000 WHERE {key} % 5 = 0;
             DELETE FROM {table} WHERE {key} % 7 = 0; INSERT INTO {table} VALUES (5000, NULL)",
            value = Literal(&odd(CANARY)),
        );
        self.source.batch_execute(&script).await.unwrap();
    }

    async fn equal_soon(&self) {
        let original = TableName::new(odd("schema"), odd("table"));
        let copy = TableName::new(format!("app_{}", odd("schema")), odd("table"));
        let started = std::time::Instant::now();
        loop {
            let there = fingerprint(&self.source, Side::Source, &original).await;
            let here = fingerprint(&self.destination, Side::Destination, &copy).await;
            if there.unwrap() == here.unwrap() {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "still different");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// The whole life of a pipeline.
    async fn live(&self) {
        let check = walferry(&self.config, &["check"]).await;
        check.ended(0, &["warnings 0, failures 0", &odd("db")]);
        let discover = walferry(&self.config, &["discover"]).await;
        discover.ended(0, &[&odd("schema"), &odd("table"), &odd("key")]);
        let mut daemon = Daemon::start_on(&self.pair, &self.config);
        daemon.wait_ready().await;
        self.equal_soon().await;
        self.change().await;
        self.equal_soon().await;
        let status = daemon.get("/status").await;
        let schema = serde_json::to_string(&odd("schema")).unwrap();
        assert!(status.contains(&schema), "{status}");
        prometheus_parse::Scrape::parse(
            daemon
                .get("/metrics")
                .await
                .split_once("\r\n\r\n")
                .unwrap()
                .1
                .lines()
                .map(|line| Ok(line.to_owned())),
        )
        .unwrap();
        assert_discreet(&self.pair, &daemon).await;
        assert_eq!(daemon.sigterm().await, Some(0));
        self.change_nothing_and_resume().await;
    }

    async fn change_nothing_and_resume(&self) {
        let mut daemon = Daemon::start_on(&self.pair, &self.config);
        daemon.wait_ready().await;
        self.equal_soon().await;
        assert_eq!(daemon.sigterm().await, Some(0));
    }

    async fn tear_down(&self) {
        let teardown = ["teardown", "--drop-data", "--yes"];
        walferry(&self.config, &teardown).await.ended(0, &["Done."]);
    }
}

fn config(pair: &Pair, tables: &str) -> String {
    let text = std::fs::read_to_string(pair.config()).unwrap();
    let odd_key = |key: &str, what: &str| format!("{key} = {}", quoted(&odd(what)));
    let password = pair.directory().join("password");
    let odd_password = pair.directory().join("odd password");
    text.replace("database = \"app\"", &odd_key("database", "db"))
        .replace("database = \"warehouse\"", &odd_key("database", "db"))
        .replace("user = \"walferry\"", &odd_key("user", "role"))
        .replace(
            &quoted(password.to_str().unwrap()),
            &quoted(odd_password.to_str().unwrap()),
        )
        .replace(
            "schema_prefix",
            &format!("{}\nschema_prefix", odd_key("state_schema", "state")),
        )
        + &format!(
            "[source.replication]\n{}\n[tables]\n{tables}\n",
            odd_key("publication", "pub")
        )
}

#[tokio::test]
async fn every_name_and_the_password_may_hold_any_character() {
    for major in majors().await {
        let odd = Odd::new(major, "include = [\"*.*\"]").await;
        odd.set_up(&[]).await;
        let before = (things(&odd.source).await, things(&odd.destination).await);
        odd.live().await;
        odd.tear_down().await;
        assert_eq!(things(&odd.source).await, before.0);
        assert_eq!(things(&odd.destination).await, before.1);
    }
}

#[tokio::test]
async fn so_may_those_of_schemas_made_beforehand_for_tables_named_exactly() {
    let half = |what: &str| format!("\"{}\"", odd(what).replace('"', "\"\""));
    let exact = quoted(&format!("{}.{}", half("schema"), half("table")));
    let odd = Odd::new(majors().await[0], &format!("include = [{exact}]")).await;
    odd.set_up(&["--pre-created-schemas"]).await;
    let before = (things(&odd.source).await, things(&odd.destination).await);
    odd.live().await;
    odd.tear_down().await;
    assert_eq!(things(&odd.source).await, before.0);
    assert_eq!(things(&odd.destination).await, before.1);
}
