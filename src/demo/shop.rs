//! The demo's two databases: a shop that is busy all day, and the warehouse that follows it.

use std::future::Future;
use std::io::Read as _;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::binaries::Binaries;
use super::cluster::{Auth, Cluster};
use super::compare::{count_rows, fingerprint};
use crate::catalog::TableName;
use crate::error::{self, Result, Side};
use crate::sql::Literal;

const TABLES: [&str; 5] = ["customers", "products", "orders", "order_items", "events"];

/// The pause between two transactions: some fifty a second, seven changes each.
const PAUSE: Duration = Duration::from_millis(20);

/// Both clusters, and a superuser's session on each for what the screen shows.
pub(super) struct Shop {
    pub(super) source: Cluster,
    pub(super) destination: Cluster,
    /// Of the role `walferry` on both sides; new in every run.
    pub(super) password: String,
    on_source: Client,
    on_destination: Client,
}

/// How many rows a table has on either side.
pub(super) struct Rows {
    pub(super) table: &'static str,
    pub(super) source: i64,
    /// `None` while the table is not there yet.
    pub(super) destination: Option<i64>,
}

impl Shop {
    /// Starts both clusters, makes the roles with the least privilege, fills the source.
    pub(super) async fn open(binaries: &Binaries) -> Result<Shop> {
        let (source, destination) = tokio::try_join!(
            Cluster::create(binaries, Auth::Scram, &[]),
            Cluster::create(binaries, Auth::Scram, &[]),
        )?;
        let password = random_password()?;
        let create = include_str!("shop/create_source.sql");
        execute(&source.superuser("postgres").await?, Side::Source, create).await?;
        let create = include_str!("shop/create_destination.sql");
        let administrator = destination.superuser("postgres").await?;
        execute(&administrator, Side::Destination, create).await?;
        let on_source = source.superuser("shop").await?;
        let on_destination = destination.superuser("warehouse").await?;
        for script in [
            include_str!("shop/tables.sql"),
            include_str!("shop/rows.sql"),
            include_str!("shop/work.sql"),
            &with_password(include_str!("shop/source.sql"), &password),
        ] {
            execute(&on_source, Side::Source, script).await?;
        }
        let script = with_password(include_str!("shop/destination.sql"), &password);
        execute(&on_destination, Side::Destination, &script).await?;
        Ok(Shop {
            source,
            destination,
            password,
            on_source,
            on_destination,
        })
    }

    /// What the shop does all day, until `quiet`; returns how many transactions it made.
    pub(super) async fn writer(
        &self,
        quiet: CancellationToken,
    ) -> Result<impl Future<Output = Result<u64>> + Send + 'static> {
        let client = self.source.superuser("shop").await?;
        Ok(async move {
            let mut timer = tokio::time::interval(PAUSE);
            let mut transactions = 0;
            for call in include_str!("shop/mix.sql").lines().cycle() {
                if quiet.run_until_cancelled(timer.tick()).await.is_none() {
                    break;
                }
                execute(&client, Side::Source, call).await?;
                transactions += 1;
            }
            Ok(transactions)
        })
    }

    /// Counts every table on both sides.
    pub(super) async fn rows(&self) -> Result<Vec<Rows>> {
        let mut rows = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            let (there, here) = (original(table), copy(table));
            let (source, destination) = tokio::try_join!(
                count_rows(&self.on_source, Side::Source, &there),
                count_rows(&self.on_destination, Side::Destination, &here),
            )?;
            rows.push(Rows {
                table,
                source: source.unwrap_or_default(),
                destination,
            });
        }
        Ok(rows)
    }

    /// The tables that do not hold the same rows on both sides.
    pub(super) async fn differences(&self) -> Result<Vec<&'static str>> {
        let mut different = Vec::new();
        for table in TABLES {
            let (there, here) = (original(table), copy(table));
            let (source, destination) = tokio::try_join!(
                fingerprint(&self.on_source, Side::Source, &there),
                fingerprint(&self.on_destination, Side::Destination, &here),
            )?;
            if source != destination {
                different.push(table);
            }
        }
        Ok(different)
    }

    /// The end of the source's log now.
    pub(super) async fn log_end(&self) -> Result<String> {
        let statement = include_str!("log_end.sql");
        let row = self.on_source.query_one(statement, &[]).await;
        let row = row.map_err(|error| failed(Side::Source, &error))?;
        Ok(row.get(0))
    }

    /// Whether the daemon has acknowledged everything up to `position`.
    pub(super) async fn slot_has_confirmed(&self, position: &str) -> Result<bool> {
        let statement = include_str!("slot_confirmed.sql");
        let row = self.on_source.query_opt(statement, &[&position]).await;
        let row = row.map_err(|error| failed(Side::Source, &error))?;
        Ok(row
            .and_then(|row| row.get::<_, Option<bool>>(0))
            .unwrap_or(false))
    }
}

fn original(table: &str) -> TableName {
    TableName::new("sales", table)
}

fn copy(table: &str) -> TableName {
    TableName::new("demo_sales", table)
}

async fn execute(client: &Client, side: Side, script: &str) -> Result<()> {
    let done = client.batch_execute(script).await;
    done.map_err(|error| failed(side, &error))
}

fn failed(side: Side, error: &tokio_postgres::Error) -> crate::Error {
    error::postgres::from_client(side, "run the demo's SQL", error)
}

fn with_password(script: &str, password: &str) -> String {
    script.replace("{password}", &Literal(password).to_string())
}

fn random_password() -> Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
