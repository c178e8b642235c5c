//! `walferry teardown`

use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal, Write as _};

use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Transaction};

use super::Outcome;
use crate::catalog::destination::hidden_tables;
use crate::catalog::{TableName, TypeName};
use crate::checkpoint::{recorded_types, tablesync_name, take_writer_lock};
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{PREDECESSOR_POLL, PREDECESSOR_WAIT_MAX};
use crate::printable::{Lines, OneLine};
use crate::snapshot::hidden_prefix;
use crate::sql::{checkpoint, probe, teardown};
use crate::transport::connect;

/// Options of `walferry teardown`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Also drop the tables and schemas that walferry made in the destination
    #[arg(long)]
    drop_data: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// What walferry made for one pipeline, as its bookkeeping says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Made {
    slot: Option<String>,
    publication: Option<String>,
    tables: Vec<TableName>,
    /// Tables of a load that did not end: nobody can use them.
    unfinished: Vec<TableName>,
    types: Vec<TypeName>,
    schemas: Vec<String>,
}

/// Drops what walferry made: slot, publication, bookkeeping, with `--drop-data` also the copies.
///
/// Refuses while a daemon writes the pipeline, and without `--yes` asks first. May be repeated
/// after a failure half-way.
pub(super) async fn run(config: &Config, options: &Options) -> Result<Outcome> {
    let mut destination = connect(&config.destination.endpoint, "teardown").await?;
    lock(config, &destination).await?;
    let Some(made) = made(config, &destination).await? else {
        println!(
            "Nothing to drop: the schema {} knows no pipeline {}.",
            config.destination.state_schema, config.pipeline
        );
        return Ok(Outcome::Done);
    };
    print!("{}", Lines(plan(config, &made, options.drop_data)));
    if !options.yes && !confirmed()? {
        println!("Nothing was dropped.");
        return Ok(Outcome::Done);
    }
    // the slot first: it is what keeps WAL on the source
    if made.slot.is_some() || made.publication.is_some() {
        let source = connect(&config.source.endpoint, "teardown").await?;
        drop_on_source(&source, &made).await?;
    }
    drop_on_destination(config, &mut destination, &made, options.drop_data).await?;
    println!("Done.");
    Ok(Outcome::Done)
}

/// Keeps daemons out until the session ends.
async fn lock(config: &Config, client: &Client) -> Result<()> {
    let state_schema = &config.destination.state_schema;
    if take_writer_lock(client, state_schema, &config.pipeline).await? {
        // of a daemon that was killed while it made the bookkeeping, a session may still be at it
        let migrations = checkpoint::lock_migrations(state_schema);
        let locked = client.batch_execute(&migrations).await;
        let doing = "wait for migrations";
        return locked.map_err(|error| from_client(Side::Destination, doing, &error));
    }
    Err(Error::new(
        Kind::AlreadyRunning,
        format!("A daemon writes the pipeline {} now", config.pipeline),
    )
    .on(Side::Destination)
    .remedy("Stop it first: `systemctl stop walferry`, or SIGTERM to its process."))
}

/// A question that is answered with one boolean.
async fn ask(
    client: &Client,
    doing: &str,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<bool> {
    client
        .query_one(statement, parameters)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| from_client(Side::Destination, doing, &error))
}

/// `None`: no bookkeeping, or none of this pipeline while it is in use by others.
async fn made(config: &Config, client: &Client) -> Result<Option<Made>> {
    let failed = |error| from_client(Side::Destination, "read the bookkeeping", &error);
    let state_schema = &config.destination.state_schema;
    let exists = probe::bookkeeping_exists(state_schema);
    if !ask(client, "look for the bookkeeping", &exists, &[]).await? {
        return Ok(None);
    }
    let statement = teardown::pipeline(state_schema);
    let Some(row) = client
        .query_opt(&statement, &[&config.pipeline])
        .await
        .map_err(failed)?
    else {
        // A start that was killed before it registered the pipeline leaves bookkeeping of nobody.
        let in_use = teardown::bookkeeping_in_use(state_schema);
        if ask(client, "read the bookkeeping", &in_use, &[]).await? {
            return Ok(None);
        }
        let mut made = Made::default();
        add_own_schema(config, client, &mut made).await?;
        return Ok(Some(made));
    };
    let mut made = Made::default();
    if row.try_get("made_slot").map_err(failed)? {
        made.slot = row.try_get("slot").map_err(failed)?;
    }
    if row.try_get("made_publication").map_err(failed)? {
        made.publication = row.try_get("publication").map_err(failed)?;
    }
    let tables = client
        .query(&teardown::made_tables(state_schema), &[&config.pipeline])
        .await
        .map_err(failed)?;
    for row in &tables {
        let schema: String = row.try_get("schema").map_err(failed)?;
        let name: String = row.try_get("name").map_err(failed)?;
        made.tables.push(TableName::new(schema, name));
    }
    let schemas = client
        .query(&teardown::made_schemas(state_schema), &[&config.pipeline])
        .await
        .map_err(failed)?;
    for row in &schemas {
        made.schemas.push(row.try_get("name").map_err(failed)?);
    }
    let types = recorded_types(client, state_schema, &config.pipeline).await?;
    let types = types.into_iter().filter(|recorded| recorded.made);
    made.types = types.map(|recorded| recorded.name).collect();
    add_own_schema(config, client, &mut made).await?;
    for pipeline in [&config.pipeline, &tablesync_name(&config.pipeline)] {
        let prefix = hidden_prefix(pipeline);
        let hidden = hidden_tables(client, state_schema, &prefix).await?;
        made.unfinished.extend(hidden);
    }
    Ok(Some(made))
}

/// The bookkeeping's schema may have been made for a pipeline that shares it and is gone.
async fn add_own_schema(config: &Config, client: &Client, made: &mut Made) -> Result<()> {
    let state_schema = &config.destination.state_schema;
    let doing = "look for the bookkeeping";
    let ours = ask(client, doing, checkpoint::STATE_SCHEMA, &[state_schema]).await?;
    if ours && !made.schemas.contains(state_schema) {
        made.schemas.push(state_schema.clone());
    }
    Ok(())
}

fn plan(config: &Config, made: &Made, drop_data: bool) -> String {
    let mut text = format!("This drops, of the pipeline {}:\n", config.pipeline);
    if let Some(slot) = &made.slot {
        let _ = writeln!(text, "  source       slot {}", OneLine(slot));
    }
    if let Some(publication) = &made.publication {
        let _ = writeln!(text, "  source       publication {}", OneLine(publication));
    }
    let _ = writeln!(
        text,
        "  destination  its bookkeeping in the schema {}",
        config.destination.state_schema
    );
    if drop_data {
        for table in &made.tables {
            let _ = writeln!(
                text,
                "  destination  table {} with all its rows",
                OneLine(table)
            );
        }
        for name in &made.types {
            let _ = writeln!(text, "  destination  type {}", OneLine(name));
        }
        for schema in &made.schemas {
            let _ = writeln!(
                text,
                "  destination  schema {}, if nothing else is in it",
                OneLine(schema)
            );
        }
    } else {
        let _ = writeln!(
            text,
            "It keeps {} tables in the destination.",
            made.tables.len()
        );
    }
    text
}

fn confirmed() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::new(
            Kind::Config,
            "Dropping has to be confirmed, and there is no terminal",
        )
        .remedy("Add --yes."));
    }
    print!("Go on? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

async fn drop_on_source(client: &Client, made: &Made) -> Result<()> {
    if let Some(slot) = &made.slot {
        drop_slot(client, slot).await?;
    }
    if let Some(publication) = &made.publication {
        client
            .batch_execute(&teardown::drop_publication(publication))
            .await
            .map_err(|error| from_client(Side::Source, "drop the publication", &error))?;
    }
    Ok(())
}

/// The session that read it for a daemon which has just ended may take a moment to end.
async fn drop_slot(client: &Client, slot: &str) -> Result<()> {
    let deadline = Instant::now() + PREDECESSOR_WAIT_MAX;
    loop {
        let Err(error) = client.execute(teardown::DROP_SLOT, &[&slot]).await else {
            return Ok(());
        };
        let error = from_client(Side::Source, "drop the slot", &error);
        if error.kind() != Kind::SlotInUse || Instant::now() >= deadline {
            return Err(error);
        }
        tokio::time::sleep(PREDECESSOR_POLL).await;
    }
}

/// All of it or nothing, in one transaction.
async fn drop_on_destination(
    config: &Config,
    client: &mut Client,
    made: &Made,
    drop_data: bool,
) -> Result<()> {
    let side = Side::Destination;
    let failed = |doing: &'static str| move |error| from_client(side, doing, &error);
    let state_schema = &config.destination.state_schema;
    let transaction = client
        .transaction()
        .await
        .map_err(failed("begin a transaction"))?;
    for table in &made.unfinished {
        transaction
            .batch_execute(&teardown::drop_table(table))
            .await
            .map_err(failed("drop what a load has left"))?;
    }
    if drop_data {
        drop_copies(&transaction, made).await?;
    }
    let forget = checkpoint::forget_pipeline(state_schema);
    for pipeline in [&config.pipeline, &tablesync_name(&config.pipeline)] {
        transaction
            .execute(&forget, &[pipeline])
            .await
            .map_err(failed("delete the bookkeeping"))?;
    }
    let in_use: bool = transaction
        .query_one(&teardown::bookkeeping_in_use(state_schema), &[])
        .await
        .and_then(|row| row.try_get(0))
        .map_err(failed("read the bookkeeping"))?;
    if !in_use {
        transaction
            .batch_execute(&teardown::drop_bookkeeping(state_schema))
            .await
            .map_err(failed("drop the bookkeeping"))?;
    }
    // the bookkeeping's own schema goes even without --drop-data, once nothing is in it
    let schemas = made
        .schemas
        .iter()
        .filter(|schema| drop_data || *schema == state_schema);
    for schema in schemas {
        let is_empty: bool = transaction
            .query_one(teardown::SCHEMA_IS_EMPTY, &[schema])
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed("look into the schema"))?;
        if is_empty {
            transaction
                .batch_execute(&teardown::drop_schema(schema))
                .await
                .map_err(failed("drop the schema"))?;
        }
    }
    transaction.commit().await.map_err(failed("commit"))
}

/// The tables, then the types that they had.
async fn drop_copies(transaction: &Transaction<'_>, made: &Made) -> Result<()> {
    let side = Side::Destination;
    for table in &made.tables {
        transaction
            .batch_execute(&teardown::drop_table(table))
            .await
            .map_err(|error| {
                from_client(side, "drop the table", &error)
                    .table(table)
                    .remedy("Drop what others built on it (views, foreign keys), then repeat.")
            })?;
    }
    if made.types.is_empty() {
        return Ok(());
    }
    transaction
        .batch_execute(&teardown::drop_types(&made.types))
        .await
        .map_err(|error| {
            from_client(side, "drop the types", &error)
                .remedy("Drop the columns that others gave these types, then repeat.")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::test_server::server;

    /// A pipeline as a run leaves it behind: slot, publication, bookkeeping, a copy with a row.
    async fn made_pipeline(name: &str) -> (Config, Client, Client) {
        let source = server().database(&format!("{name}_from")).await;
        let destination = server().database(&format!("{name}_to")).await;
        let host = server().socket.display();
        let config = crate::config::parse(&format!(
            "[pipeline]\nname = '{name}'\n\
             [source]\nhost = '{host}'\ndatabase = '{name}_from'\nuser = 'admin'\n\
             [destination]\nhost = '{host}'\ndatabase = '{name}_to'\nuser = 'admin'\n\
             schema_prefix = 'copy'\n"
        ))
        .unwrap();
        for statement in [
            format!("CREATE PUBLICATION walferry_{name} FOR ALL TABLES"),
            format!(
                "SELECT pg_catalog.pg_create_logical_replication_slot('walferry_{name}', 'pgoutput')"
            ),
        ] {
            source.batch_execute(&statement).await.unwrap();
        }
        destination
            .batch_execute(
                "CREATE SCHEMA walferry; CREATE SCHEMA copy_public; SET search_path = walferry;
                 CREATE TABLE copy_public.t (id int); INSERT INTO copy_public.t VALUES (1);
                 CREATE TABLE copy_public.theirs (id int)",
            )
            .await
            .unwrap();
        destination
            .batch_execute(include_str!("../../migrations/V1__bookkeeping.sql"))
            .await
            .unwrap();
        destination
            .batch_execute(include_str!("../../migrations/V2__columns_and_reloads.sql"))
            .await
            .unwrap();
        destination
            .batch_execute(&format!(
                "INSERT INTO walferry_pipelines VALUES
                     ('{name}', 'walferry_{name}', 'walferry_{name}', true, true,
                      '1', 1, 'd', '0/1');
                 INSERT INTO walferry_tables VALUES
                     ('{name}', 1, 'public', 't', 'copy_public', 't', '0/1', true, 1, 1),
                     ('{name}', 2, 'public', 'theirs', 'copy_public', 'theirs', '0/1', false, 0, 0);
                 INSERT INTO walferry_schemas VALUES
                     ('{name}', 'walferry'), ('{name}', 'copy_public')"
            ))
            .await
            .unwrap();
        (config, source, destination)
    }

    async fn left(client: &Client, statement: &str) -> Vec<String> {
        let rows = client.query(statement, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    const SLOTS_AND_PUBLICATIONS: &str = "
        SELECT slot_name::text FROM pg_catalog.pg_replication_slots
        WHERE database = pg_catalog.current_database()
        UNION ALL SELECT pubname::text FROM pg_catalog.pg_publication";
    const TABLES: &str = "
        SELECT c.oid::regclass::text FROM pg_catalog.pg_class AS c
        WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN ('walferry', 'copy_public')
        UNION ALL SELECT nspname::text FROM pg_catalog.pg_namespace
        WHERE nspname IN ('walferry', 'copy_public') ORDER BY 1";

    fn options(drop_data: bool) -> Options {
        Options {
            drop_data,
            yes: true,
        }
    }

    #[tokio::test]
    async fn the_copies_stay_unless_their_dropping_is_asked_for() {
        let (config, source, destination) = made_pipeline("kept").await;
        assert_eq!(run(&config, &options(false)).await.unwrap(), Outcome::Done);
        assert!(left(&source, SLOTS_AND_PUBLICATIONS).await.is_empty());
        let expected = ["copy_public", "copy_public.t", "copy_public.theirs"];
        assert_eq!(left(&destination, TABLES).await, expected);
        // there is nothing left to do, and that is no error
        assert_eq!(run(&config, &options(false)).await.unwrap(), Outcome::Done);
    }

    #[tokio::test]
    async fn only_what_walferry_made_is_dropped_with_the_data() {
        let (config, _, destination) = made_pipeline("dropped").await;
        run(&config, &options(true)).await.unwrap();
        let expected = ["copy_public", "copy_public.theirs"];
        assert_eq!(left(&destination, TABLES).await, expected);
    }

    #[tokio::test]
    async fn a_copy_that_others_built_on_is_not_dropped_and_says_so() {
        let (config, _, destination) = made_pipeline("viewed").await;
        destination
            .batch_execute("CREATE VIEW public.v AS SELECT * FROM copy_public.t")
            .await
            .unwrap();
        let error = run(&config, &options(true)).await.unwrap_err();
        assert_eq!(error.about_table(), Some("copy_public.t"));
        assert!(error.hint().unwrap().contains("views"));
        assert_eq!(left(&destination, TABLES).await.len(), 8, "all or nothing");
    }

    #[tokio::test]
    async fn a_pipeline_that_is_being_written_is_left_alone() {
        let (config, source, destination) = made_pipeline("running").await;
        destination
            .query_one(
                checkpoint::TRY_WRITER_LOCK,
                &[&checkpoint::writer_lock_name("walferry", "running")],
            )
            .await
            .unwrap();
        let error = run(&config, &options(true)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::AlreadyRunning);
        assert_eq!(left(&source, SLOTS_AND_PUBLICATIONS).await.len(), 2);
        // who ends is waited for
        let ends = async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            drop(destination);
        };
        let options = options(true);
        let (dropped, ()) = tokio::join!(run(&config, &options), ends);
        dropped.unwrap();
        assert_eq!(left(&source, SLOTS_AND_PUBLICATIONS).await.len(), 0);
    }
}
