//! From two databases to an open stream: lock, slot, checkpoint, missing tables, routes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio_postgres::Client;

use super::routes::{Known, Routes};
use super::tablesync::Joining;
use super::take_over::{PUBLICATION_MAY_BE_MISSING, take_over};
use super::types::{self, Followed, Mending};
use crate::apply::Applier;
use crate::catalog::TableName;
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::source::{self, Facts, SourceTable};
use crate::catalog::types::Types;
use crate::checkpoint::{self, LoadedTable, Loader, Writer, tablesync_name};
use crate::config::{Config, Indexes};
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::lsn::Lsn;
use crate::observe::{Board, State, TableState};
use crate::snapshot::{self, Load, Plan};
use crate::source::slot::ExportedSnapshot;
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
    /// Tables that are to be loaded while the others are followed.
    pub(super) joining: Vec<Joining>,
    /// Records them.
    pub(super) loader: Loader,
    /// The one publication that may be read through, by oid, where the source does not see to that.
    pub(super) publication: Option<u32>,
    /// A session for questions to the source's catalog.
    pub(super) catalog: Client,
    /// What becomes of types.
    pub(super) types: Arc<Types>,
    /// Those that may change while it runs.
    pub(super) followed: Followed,
    /// The end of the source's WAL when the types were read.
    pub(super) position: Lsn,
}

/// Takes the pipeline over, loads what is missing, opens the stream.
pub(super) async fn start(
    config: &Arc<Config>,
    board: &Board,
    mending: &mut Mending,
) -> Result<Started> {
    board.state(State::Starting);
    let mut control = transport::connect(&config.destination.endpoint, "apply").await?;
    let state_schema = &config.destination.state_schema;
    let made_state_schema = checkpoint::migrate(&mut control, state_schema).await?;
    let mut writer = Writer::lock(control, state_schema, &config.pipeline).await?;

    let catalog = transport::connect(&config.source.endpoint, "catalog").await?;
    let replication = &config.source;
    let mut facts = source::facts(&catalog, &replication.slot, &replication.publication).await?;
    let made_publication = ensure_publication(config, &catalog, &facts, &writer).await?;
    if made_publication {
        facts = source::facts(&catalog, &replication.slot, &replication.publication).await?;
    }
    let exported = take_over(config, &mut writer, &facts, made_publication).await?;
    if made_state_schema {
        writer.record_schema(state_schema).await?;
    }

    let server_version = u32::try_from(facts.version_num).unwrap_or(0);
    let tables = source::tables(&catalog, &replication.publication).await?;
    let mut loaded = writer.loaded_tables().await?;
    check_still_published(config, &tables, &loaded)?;
    let (kept, new) = kept_and_new(config, &tables, &loaded);
    let prepared = types::prepare(config, &writer, &catalog, &new, &kept, mending).await?;
    for table in loaded.values() {
        board.table_done(&table.source, table.rows, table.bytes);
    }
    writer.forget(&tablesync_name(&config.pipeline)).await?;
    let mut joining = Vec::new();
    let types = &prepared.types;
    if let Some(exported) = exported {
        let missing = wanted(config, &tables, &loaded);
        if !missing.is_empty() {
            let load = load(config, board, &writer, &catalog, missing, types, exported);
            loaded.extend(load.await?.into_iter().map(|t| (t.source_oid, t)));
        }
    } else {
        joining = self::joining(config, &writer, &tables, &loaded, types).await?;
        for joining in &joining {
            board.table_state(&joining.table.name, TableState::Pending);
        }
    }
    loaded.retain(|oid, _| joining.iter().all(|joining| joining.table.oid != *oid));

    let types = Arc::new(prepared.types);
    let mut routes = routes(&writer, &tables, loaded, Arc::clone(&types), server_version).await?;
    for joining in &joining {
        routes.skip(joining.table.oid);
    }
    let stream = open_stream(config, &writer, server_version, routes.binary()).await?;
    let records = writer.loader();
    let applier = Applier::new(writer).await?;
    Ok(Started {
        applier,
        stream,
        routes,
        joining,
        loader: records,
        publication: only_publication(&facts),
        catalog,
        types,
        followed: prepared.followed,
        position: prepared.position,
    })
}

/// The publication by oid, where a source decodes without it.
fn only_publication(facts: &Facts) -> Option<u32> {
    let found = facts.publication.as_ref();
    let found = found.filter(|_| facts.version_num >= PUBLICATION_MAY_BE_MISSING);
    found.map(|found| found.oid)
}

/// Tables whose copies stay as they are, and those that are loaded, for the first time or again.
fn kept_and_new<'t>(
    config: &Config,
    tables: &'t [SourceTable],
    loaded: &HashMap<u32, LoadedTable>,
) -> (Vec<&'t SourceTable>, Vec<&'t SourceTable>) {
    let is_kept = |t: &&SourceTable| loaded.get(&t.oid).is_some_and(|loaded| !loaded.reload);
    tables
        .iter()
        .filter(|table| is_wanted(config, table) || loaded.contains_key(&table.oid))
        .partition(is_kept)
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

/// Tables that are selected, published, and not loaded.
fn wanted(
    config: &Config,
    tables: &[SourceTable],
    loaded: &HashMap<u32, LoadedTable>,
) -> Vec<SourceTable> {
    let missing = |table: &&SourceTable| !loaded.contains_key(&table.oid);
    tables
        .iter()
        .filter(|table| is_wanted(config, table))
        .filter(missing)
        .cloned()
        .collect()
}

/// Tables that came after the slot, and those that somebody wants to have loaded again.
async fn joining(
    config: &Config,
    writer: &Writer,
    tables: &[SourceTable],
    loaded: &HashMap<u32, LoadedTable>,
    types: &Types,
) -> Result<Vec<Joining>> {
    let naming = &config.destination.naming;
    let place = |table: &SourceTable| {
        let schema = naming.destination_schema(&table.name.schema);
        TableName::new(schema, table.name.name.clone())
    };
    let ours = |place: &TableName| loaded.values().any(|table| table.destination == *place);
    let again = tables.iter().filter_map(|table| {
        let loaded = loaded.get(&table.oid).filter(|loaded| loaded.reload)?;
        Some(Joining {
            table: table.clone(),
            place: loaded.destination.clone(),
            replaces_ours: true,
        })
    });
    let new = wanted(config, tables, loaded).into_iter().map(|table| {
        let place = place(&table);
        Joining {
            replaces_ours: ours(&place),
            place,
            table,
        }
    });
    let joining: Vec<Joining> = again.chain(new).collect();
    let strange = joining.iter().filter(|joining| !joining.replaces_ours);
    let plans = strange.map(|joining| (joining.table.clone(), joining.place.clone()));
    let plans = plan(config, writer, plans.collect(), types).await?;
    ensure_schemas(config, writer, &schemas_of(&plans)).await?;
    Ok(joining)
}

fn schemas_of(plans: &[Plan]) -> BTreeSet<String> {
    let schemas = plans.iter().map(|plan| plan.destination.schema.clone());
    schemas.collect()
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
    let remedy = "Add it to the publication and load it again with `walferry resync`, or leave it \
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

/// Loads the tables from the snapshot that came with the slot.
async fn load(
    config: &Arc<Config>,
    board: &Board,
    writer: &Writer,
    catalog: &Client,
    missing: Vec<SourceTable>,
    types: &Types,
    exported: ExportedSnapshot,
) -> Result<Vec<LoadedTable>> {
    board.state(State::Snapshot);
    for table in &missing {
        board.table_state(&table.name, TableState::Pending);
    }
    let naming = &config.destination.naming;
    let places = missing.into_iter().map(|table| {
        let schema = naming.destination_schema(&table.name.schema);
        let place = TableName::new(schema, table.name.name.clone());
        (table, place)
    });
    let mut plans = plan(config, writer, places.collect(), types).await?;
    complete(config, catalog, &mut plans).await?;
    ensure_schemas(config, writer, &schemas_of(&plans)).await?;
    tracing::info!(tables = plans.len(), lsn = %exported.lsn, "initial load begins");
    let load = Load {
        config: Arc::clone(config),
        snapshot: exported.name.clone(),
        snapshot_lsn: exported.lsn,
        loader: writer.loader(),
        board: board.clone(),
        source_version: version(catalog).await?,
    };
    let (tables, _) = snapshot::load(load, exported, plans, writer.client()).await?;
    Ok(tables)
}

/// Plans tables for places that nobody else may have taken.
async fn plan(
    config: &Config,
    writer: &Writer,
    tables: Vec<(SourceTable, TableName)>,
    types: &Types,
) -> Result<Vec<Plan>> {
    let places: Vec<TableName> = tables.iter().map(|(_, place)| place.clone()).collect();
    let mut existing = destination::tables(writer.client(), &places).await?;
    let mut plans = Vec::with_capacity(tables.len());
    for (table, place) in tables {
        let there = existing.remove(&place);
        if there.is_some() && !destination::is_empty(writer.client(), &place).await? {
            let what = "The destination has a table of this name already, and it holds rows that \
                        walferry did not load";
            return Err(Error::new(Kind::TableInTheWay, what)
                .on(Side::Destination)
                .table(&place)
                .remedy(
                    "Drop, rename or empty it; or leave the table out with [tables] exclude.",
                ));
        }
        plans.push(Plan::new(&config.snapshot, table, place, there, types)?);
    }
    Ok(plans)
}

/// Adds what only the source's catalog knows: where the rows are, and the indexes to make.
pub(super) async fn complete(config: &Config, catalog: &Client, plans: &mut [Plan]) -> Result<()> {
    let oids: Vec<u32> = plans.iter().map(|plan| plan.table.oid).collect();
    let mut segments = source::segments(catalog, &oids).await?;
    for plan in &mut *plans {
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
    Ok(())
}

/// `server_version_num` of the source.
pub(super) async fn version(catalog: &Client) -> Result<u32> {
    let version = source::version_num(catalog).await?;
    Ok(u32::try_from(version).unwrap_or(0))
}

/// Makes those of the schemas that are not there.
pub(super) async fn ensure_schemas(
    config: &Config,
    writer: &Writer,
    names: &BTreeSet<String>,
) -> Result<()> {
    let names: Vec<String> = names.iter().cloned().collect();
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
pub(super) async fn routes(
    writer: &Writer,
    tables: &[SourceTable],
    loaded: HashMap<u32, LoadedTable>,
    types: Arc<Types>,
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
            let remedy = "To load it again: `walferry resync`; to leave it out, add it to [tables] \
                          exclude as well.";
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
    let columns = known.values().flat_map(|known| &known.destination.columns);
    let foreign: Vec<u32> = columns
        .filter(|column| !column.type_is_builtin)
        .map(|column| column.type_oid)
        .collect();
    let equality = destination::equality(writer.client(), &foreign).await?;
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
        types,
        equality,
    ))
}
