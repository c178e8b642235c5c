//! `walferry resync`: has tables loaded again while the others are followed.

use std::time::Duration;

use tokio_postgres::Client;

use super::Outcome;
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::STATUS_INTERVAL;
use crate::printable::OneLine;
use crate::sql::{checkpoint, probe};
use crate::transport::connect;

/// Options of `walferry resync`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Tables to load again, by their names on the source: `schema.table`; one that holds a dot
    /// stands in double quotes, as in patterns
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
    let tables = options.tables.iter();
    let (schemas, names): (Vec<String>, Vec<String>) = tables.map(|table| parse(table)).unzip();
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
        let table = format!("{schema}.{name}");
        println!("{} will be loaded again.", OneLine(table));
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

/// Schema and name of a table as somebody wrote it.
fn parse(text: &str) -> (String, String) {
    let whole = |text: &str| {
        let (schema, name) = text.split_once('.').unwrap_or(("public", text));
        (schema.to_owned(), name.to_owned())
    };
    parse_parts(text).unwrap_or_else(|| whole(text))
}

/// `None` for a text that does not go by the rules of quoting: it is a name as it is, then.
fn parse_parts(text: &str) -> Option<(String, String)> {
    let (first, rest) = parse_part(text)?;
    if rest.is_empty() {
        return Some(("public".to_owned(), first));
    }
    let (second, rest) = parse_part(rest.strip_prefix('.')?)?;
    rest.is_empty().then_some((first, second))
}

/// Takes a name off the beginning; within quotes, a quote is written twice.
fn parse_part(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (name, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
        return Some((name.to_owned(), rest));
    };
    let mut name = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        let Some(after) = after.strip_prefix('"') else {
            return Some((name, after));
        };
        name.push('"');
        rest = after;
    }
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
    Error::new(Kind::Config, what).on(Side::Destination).remedy(
        "Give names as they are on the source; `walferry discover` lists them. One that holds \
             a dot stands in double quotes: '\"my.schema\".t'",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_dots_are_written_in_quotes() {
        let parsed = |text: &str, schema: &str, name: &str| {
            assert_eq!(parse(text), (schema.to_owned(), name.to_owned()), "{text}");
        };
        parsed("t", "public", "t");
        parsed("s.T", "s", "T");
        parsed("s.a.b", "s", "a.b");
        parsed("\"a.b\".\"c.d\"", "a.b", "c.d");
        parsed("\"a.b\".c", "a.b", "c");
        parsed("\"a.b\"", "public", "a.b");
        parsed("s.\"say \"\"hi\"\"\"", "s", "say \"hi\"");
        // not by the rules: names as they are
        parsed("\"a.b", "\"a", "b");
        parsed("s.\"a\"b", "s", "\"a\"b");
    }
}
