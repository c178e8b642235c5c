//! From two databases to an open stream: lock, slot, checkpoint, missing tables, routes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use tokio_postgres::Client;

use super::routes::{Known, Routes};
use super::take_over::{PUBLICATION_MAY_BE_MISSING, take_over};
use crate::apply::Applier;
use crate::catalog::TableName;
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::source::{self, Facts, SourceTable};
use crate::checkpoint::{self, LoadedTable, Writer};
use crate::config::{Config, Indexes};
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::lsn::Lsn;
use crate::observe::{Board, State, TableState};
use crate::snapshot::{self, Load, Plan};
use crate::source::slot::{self, ExportedSnapshot};
use crate::source::{Connection, Mode, PUBLICATION_GONE, Stream};
use crate::sql;
use crate::transport;

/// Everything the stream needs.
pub(super) struct Started {
    /// Holds the writer lock.
    pub(super) applier: Applier,
    /// Starts after the checkpoint.
    pub(super) stream: Stream,
    /// Where rows go.
    pub(super) routes: Routes,
    /// The one publication that may be read through, by oid, where the source does not see to that.
    pub(super) publication: Option<u32>,
    /// A session for questions to the source's catalog.
    pub(super) catalog: Client,
}

/// Takes the pipeline over, loads what is missing, opens the stream.
pub(super) async fn start(config: &Arc<Config>, board: &Board) -> Result<Started> {
    board.state(State::Starting);
    let mut control = transport::connect(&config.destination.endpoint, "apply").await?;
    let made_state_schema =
        checkpoint::migrate(&mut control, &config.destination.state_schema).await?;
    let mut writer =
        Writer::lock(control, &config.destination.state_schema, &config.pipeline).await?;

    let catalog = transport::connect(&config.source.endpoint, "catalog").await?;
    let replication = &config.source;
    let mut facts = source::facts(&catalog, &replication.slot, &replication.publication).await?;
    let made_publication = ensure_publication(config, &catalog, &facts, &writer).await?;
    if made_publication {
        facts = source::facts(&catalog, &replication.slot, &replication.publication).await?;
    }
    let exported = take_over(config, &mut writer, &facts, made_publication).await?;
    if made_state_schema {
        writer
            .record_schema(&config.destination.state_schema)
            .await?;
    }

    let server_version = u32::try_from(facts.version_num).unwrap_or(0);
    let tables = source::tables(&catalog, &replication.publication).await?;
    let mut loaded = writer.loaded_tables().await?;
    let missing: Vec<SourceTable> = tables
        .iter()
        .filter(|table| is_wanted(config, table) && !loaded.contains_key(&table.oid))
        .cloned()
        .collect();
    check_still_published(config, &tables, &loaded)?;
    for table in loaded.values() {
        board.table_done(&table.source, table.rows, table.bytes);
    }
    if !missing.is_empty() {
        let new = load(
            config,
            board,
            &writer,
            &catalog,
            missing,
            exported,
            server_version,
        )
        .await?;
        // A new table has taken the place of a dropped one of the same name.
        loaded.retain(|_, old| new.iter().all(|new| new.destination != old.destination));
        loaded.extend(new.into_iter().map(|table| (table.source_oid, table)));
    }

    let routes = routes(&writer, &tables, loaded, server_version).await?;
    let stream = open_stream(config, &writer, server_version, routes.binary()).await?;
    let applier = Applier::new(writer).await?;
    Ok(Started {
        applier,
        stream,
        routes,
        publication: facts
            .publication
            .filter(|_| facts.version_num >= PUBLICATION_MAY_BE_MISSING)
            .map(|found| found.oid),
        catalog,
    })
}

/// Streams from the checkpoint on.
async fn open_stream(
    config: &Config,
    writer: &Writer,
    server_version: u32,
    binary: bool,
) -> Result<Stream> {
    Connection::open(&config.source.endpoint, "stream", Mode::Replication)
        .await?
        .start_replication(
            &config.source.slot,
            writer.applied().lsn(),
            &config.source.publication,
            server_version,
            binary,
        )
        .await
}

fn is_wanted(config: &Config, table: &SourceTable) -> bool {
    table.published && config.tables.selects(&table.name.schema, &table.name.name)
}

/// Refuses to go on with a table that left the publication: what was written meanwhile will never
/// come, so the copy would be wrong without a word once the table is back.
fn check_still_published(
    config: &Config,
    tables: &[SourceTable],
    loaded: &HashMap<u32, LoadedTable>,
) -> Result<()> {
    let left = tables.iter().find(|table| {
        let selected = config.tables.selects(&table.name.schema, &table.name.name);
        selected && !table.published && loaded.contains_key(&table.oid)
    });
    let Some(left) = left else {
        return Ok(());
    };
    let what = "A table that was copied is no longer in the publication";
    let remedy = "Add it to the publication and reload it as docs/operations.md says, or leave it \
                  out with [tables] exclude.";
    Err(Error::new(Kind::PublicationMissing, what)
        .on(Side::Source)
        .table(&left.name)
        .remedy(remedy))
}

/// A relation is there that was not when the pipeline started. If it is still there and wanted, the
/// answer is an error of [`Kind::TableAdded`], which starts the pipeline again so that the table
/// gets its initial load. If it is gone by now, or not wanted, its rows can be skipped: at the end
/// of the stream it is not there.
pub(super) async fn is_wanted_now(catalog: &Client, config: &Config, oid: u32) -> Result<()> {
    let tables = source::tables(catalog, &config.source.publication).await?;
    let now = tables.iter().find(|table| table.oid == oid);
    match now {
        Some(table) if is_wanted(config, table) => {
            let what = "A table was added that is to be copied";
            Err(Error::new(Kind::TableAdded, what)
                .on(Side::Source)
                .table(&table.name))
        }
        _ => Ok(()),
    }
}

/// The publication was there when the pipeline started.
pub(super) fn publication_gone(name: &str) -> Error {
    let what = format!("The publication \"{name}\" was dropped");
    Error::new(Kind::PublicationMissing, what)
        .on(Side::Source)
        .remedy(PUBLICATION_GONE)
}

/// Makes the publication when it is missing and the role may; whether it did. One that a stream
/// was read through is not made again, since what was written meanwhile would be left out.
async fn ensure_publication(
    config: &Config,
    catalog: &Client,
    facts: &Facts,
    writer: &Writer,
) -> Result<bool> {
    if facts.publication.is_some() {
        return Ok(false);
    }
    let name = &config.source.publication;
    let registered = writer.read().await?;
    if registered.is_some_and(|pipeline| pipeline.applied.lsn() != Lsn::ZERO) {
        return Err(publication_gone(name));
    }
    let tables = source::tables(catalog, name).await?;
    let selected: Vec<&TableName> = tables
        .iter()
        .filter(|table| !table.is_partition)
        .map(|table| &table.name)
        .filter(|table| config.tables.selects(&table.schema, &table.name))
        .collect();
    if selected.is_empty() {
        let what = "No table of the source matches [tables] include and exclude";
        let remedy = "`walferry discover` lists the tables that there are.";
        return Err(Error::new(Kind::Config, what)
            .on(Side::Source)
            .remedy(remedy));
    }
    let via_root = facts.version_num >= 130_000;
    let statement = sql::remedy::create_publication(name, selected.iter().copied(), via_root);
    let made = catalog.batch_execute(&statement).await;
    made.map_err(|error| {
        from_client(
            Side::Source,
            &format!("make the publication \"{name}\""),
            &error,
        )
        .as_kind(Kind::PublicationMissing)
        .remedy(format!(
            "Have an administrator of the source run: {statement}"
        ))
    })?;
    tracing::info!(
        publication = name,
        tables = selected.len(),
        "publication made"
    );
    Ok(true)
}

/// Loads tables that are not in the destination yet, from the slot's own snapshot if it was just
/// made, else from one of their own.
async fn load(
    config: &Arc<Config>,
    board: &Board,
    writer: &Writer,
    catalog: &Client,
    missing: Vec<SourceTable>,
    exported: Option<ExportedSnapshot>,
    source_version: u32,
) -> Result<Vec<LoadedTable>> {
    board.state(State::Snapshot);
    for table in &missing {
        board.table_state(&table.name, TableState::Pending);
    }
    let plans = plan(config, writer, catalog, missing).await?;
    ensure_schemas(config, writer, &plans).await?;
    let exported = match exported {
        Some(exported) => exported,
        None => temporary_snapshot(config).await?,
    };
    tracing::info!(tables = plans.len(), lsn = %exported.lsn, "initial load begins");
    let load = Load {
        config: Arc::clone(config),
        snapshot: exported.name.clone(),
        snapshot_lsn: exported.lsn,
        loader: writer.loader(),
        board: board.clone(),
        source_version,
    };
    snapshot::load(load, exported, plans, writer.client()).await
}

/// A snapshot with an exact LSN for tables that come later than the slot.
async fn temporary_snapshot(config: &Config) -> Result<ExportedSnapshot> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let unique = since.map_or(0, |since| since.as_nanos());
    let name = format!("walferry_snapshot_{unique:x}");
    slot::create_temporary(&config.source.endpoint, &name).await
}

async fn plan(
    config: &Config,
    writer: &Writer,
    catalog: &Client,
    missing: Vec<SourceTable>,
) -> Result<Vec<Plan>> {
    let naming = &config.destination.naming;
    let destinations: Vec<TableName> = missing
        .iter()
        .map(|table| {
            let schema = naming.destination_schema(&table.name.schema);
            TableName::new(schema, table.name.name.clone())
        })
        .collect();
    let mut existing = destination::tables(writer.client(), &destinations).await?;
    let mut plans = Vec::with_capacity(missing.len());
    for (table, name) in missing.into_iter().zip(destinations) {
        let there = existing.remove(&name);
        if there.is_some() && !destination::is_empty(writer.client(), &name).await? {
            let what = "The destination has a table of this name already, and it holds rows that \
                        walferry did not load";
            return Err(Error::new(Kind::TableInTheWay, what)
                .on(Side::Destination)
                .table(&name)
                .remedy(
                    "Drop, rename or empty it; or leave the table out with [tables] exclude.",
                ));
        }
        plans.push(Plan::new(&config.snapshot, table, name, there)?);
    }
    let oids: Vec<u32> = plans.iter().map(|plan| plan.table.oid).collect();
    let mut segments = source::segments(catalog, &oids).await?;
    for plan in &mut plans {
        if let Some(segments) = segments.remove(&plan.table.oid) {
            plan.segments = segments;
        }
    }
    if config.snapshot.indexes == Indexes::All {
        let mut indexes = source::indexes(catalog, &oids).await?;
        for plan in plans.iter_mut().filter(|plan| plan.existing.is_none()) {
            plan.indexes = indexes.remove(&plan.table.oid).unwrap_or_default();
        }
    }
    Ok(plans)
}

async fn ensure_schemas(config: &Config, writer: &Writer, plans: &[Plan]) -> Result<()> {
    let mut names: Vec<String> = plans.iter().map(|p| p.destination.schema.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let existing = destination::schemas(writer.client(), &names).await?;
    for name in names.iter().filter(|name| !existing.contains_key(*name)) {
        let mut statements = sql::checkpoint::create_schema(name);
        for reader in &config.destination.readers {
            statements.push_str("; ");
            statements.push_str(&sql::load::grant_usage(name, reader));
        }
        writer.make_schema(name, &statements).await?;
    }
    Ok(())
}

/// What becomes of each relation's rows.
async fn routes(
    writer: &Writer,
    tables: &[SourceTable],
    loaded: HashMap<u32, LoadedTable>,
    server_version: u32,
) -> Result<Routes> {
    let names: Vec<TableName> = loaded
        .values()
        .map(|table| table.destination.clone())
        .collect();
    let mut shapes: HashMap<TableName, DestinationTable> =
        destination::tables(writer.client(), &names).await?;
    let mut by_oid: HashMap<u32, SourceTable> = tables
        .iter()
        .map(|table| (table.oid, table.clone()))
        .collect();
    let mut known = HashMap::new();
    for (oid, loaded) in loaded {
        let source = by_oid.remove(&oid);
        let Some(destination) = shapes.remove(&loaded.destination) else {
            if source.is_none() {
                continue;
            }
            let what = "The destination table is gone";
            let remedy = "To load it again, delete its row from walferry_tables in the state \
                          schema; to leave it out, add it to [tables] exclude as well.";
            return Err(Error::new(Kind::ShapeMismatch, what)
                .on(Side::Destination)
                .table(&loaded.destination)
                .remedy(remedy));
        };
        known.insert(
            oid,
            Known {
                loaded,
                destination,
                source,
            },
        );
    }
    // Tables that exist and are not published cannot send rows, unless that changes: then they
    // are newcomers.
    let skipped = by_oid
        .into_values()
        .filter(|table| table.published)
        .map(|table| table.oid);
    Ok(Routes::new(
        known,
        skipped.collect(),
        server_version >= 140_000,
    ))
}
