//! `walferry resync`: has tables loaded again while the others are followed.

use std::time::Duration;

use tokio_postgres::Client;

use super::Outcome;
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::STATUS_INTERVAL;
use crate::sql::{checkpoint, probe};
use crate::transport::connect;

/// Options of `walferry resync`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Tables to load again, by their names on the source: `schema.table`
    #[arg(required = true, value_name = "TABLE")]
    tables: Vec<String>,
    /// Return once they are loaded; a daemon must be running
    #[arg(long)]
    wait: bool,
}

/// Asks for it in the bookkeeping, where a running daemon sees it with its next checkpoint and
/// another one when it starts. Readers keep the old rows until the new ones are complete.
///
/// # Errors
/// [`Kind::Config`] for names that are not those of loaded tables; then nothing is asked for.
pub(super) async fn run(config: &Config, options: &Options) -> Result<Outcome> {
    let mut client = connect(&config.destination.endpoint, "resync").await?;
    let failed = |error| from_client(Side::Destination, "ask for a new load", &error);
    let state_schema = &config.destination.state_schema;
    let known = probe::bookkeeping_exists(state_schema);
    if !ask(&client, &known, &[]).await? {
        return Err(unknown(&options.tables));
    }
    let (schemas, names): (Vec<&str>, Vec<&str>) = options
        .tables
        .iter()
        .map(|table| table.split_once('.').unwrap_or(("public", table)))
        .unzip();
    let transaction = client.transaction().await.map_err(failed)?;
    let announce = checkpoint::announce_reload(state_schema);
    transaction
        .execute(&announce, &[&config.pipeline])
        .await
        .map_err(failed)?;
    let statement = checkpoint::ask_for_reload(state_schema);
    let found = transaction
        .query(&statement, &[&config.pipeline, &schemas, &names])
        .await
        .map_err(failed)?;
    let found: Vec<(String, String)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
    let wanted = schemas.iter().zip(&names);
    let missing: Vec<String> = wanted
        .filter(|(schema, name)| !found.iter().any(|(s, n)| s == *schema && n == *name))
        .map(|(schema, name)| format!("{schema}.{name}"))
        .collect();
    if !missing.is_empty() {
        return Err(unknown(&missing));
    }
    transaction.commit().await.map_err(failed)?;
    for (schema, name) in &found {
        println!("{schema}.{name} will be loaded again.");
    }
    if options.wait {
        let waiting = checkpoint::reload_is_asked(state_schema);
        while ask(&client, &waiting, &[&config.pipeline, &schemas, &names]).await? {
            tokio::time::sleep(STATUS_INTERVAL.min(Duration::from_secs(1))).await;
        }
        println!("Done.");
    } else {
        println!("A running daemon begins within seconds; `walferry status --watch` shows it.");
    }
    Ok(Outcome::Done)
}

async fn ask(
    client: &Client,
    statement: &str,
    parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Result<bool> {
    let row = client.query_one(statement, parameters).await;
    row.map(|row| row.get(0))
        .map_err(|error| from_client(Side::Destination, "read the bookkeeping", &error))
}

fn unknown(tables: &[String]) -> Error {
    let what = format!("Not loaded by this pipeline: {}", tables.join(", "));
    Error::new(Kind::Config, what)
        .on(Side::Destination)
        .remedy("Give names as they are on the source; `walferry discover` lists them.")
}
