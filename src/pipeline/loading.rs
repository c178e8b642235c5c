//! Which tables are to be loaded, and how.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio_postgres::Client;

use super::start::version;
use super::tablesync::Joining;
use crate::catalog::source::{self, Shape, SourceTable};
use crate::catalog::types::Types;
use crate::catalog::{TableName, destination};
use crate::checkpoint::{LoadedTable, Writer};
use crate::config::{Config, Indexes};
use crate::error::{Error, Kind, Result, Side};
use crate::observe::{Board, State, TableState};
use crate::protect::{Recorded, Treatment};
use crate::snapshot::{self, Load, Plan};
use crate::source::slot::ExportedSnapshot;
use crate::sql;

/// What a start has read of the source.
pub(super) struct Knowledge<'k> {
    /// Its tables.
    pub(super) tables: &'k [SourceTable],
    /// Their columns, before there was a snapshot.
    pub(super) shapes: &'k HashMap<u32, Shape>,
    /// What becomes of types.
    pub(super) types: &'k Types,
    /// Columns of loaded tables that were protected, by the source's oid.
    pub(super) protected: &'k HashMap<u32, Vec<Recorded>>,
}

impl<'k> Knowledge<'k> {
    pub(super) fn new(
        tables: &'k [SourceTable],
        shapes: &'k HashMap<u32, Shape>,
        types: &'k Types,
        protected: &'k HashMap<u32, Vec<Recorded>>,
    ) -> Self {
        Knowledge {
            tables,
            shapes,
            types,
            protected,
        }
    }

    fn shape(&self, oid: u32) -> Shape {
        self.shapes.get(&oid).cloned().unwrap_or_default()
    }
}

/// Tables whose copies stay as they are, and those that are loaded, for the first time or again.
pub(super) fn kept_and_new<'t>(
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
pub(super) async fn joining(
    config: &Config,
    writer: &Writer,
    knowledge: &Knowledge<'_>,
    loaded: &HashMap<u32, LoadedTable>,
) -> Result<Vec<Joining>> {
    let (tables, shape) = (knowledge.tables, |oid| knowledge.shape(oid));
    let naming = &config.destination.naming;
    let place = |table: &SourceTable| {
        let schema = naming.destination_schema(&table.name.schema);
        TableName::new(schema, table.name.name.clone())
    };
    let ours = loaded.values().map(|table| (&table.destination, table));
    let ours: HashMap<&TableName, &LoadedTable> = ours.collect();
    let again = tables.iter().filter_map(|table| {
        let loaded = loaded
            .get(&table.oid)
            .filter(|loaded| loaded.reload && table.published)?;
        Some(Joining {
            shape: shape(table.oid),
            table: table.clone(),
            place: loaded.destination.clone(),
            replaces_ours: true,
            may_drop: loaded.made_table,
        })
    });
    let new = wanted(config, tables, loaded).into_iter().map(|table| {
        let place = place(&table);
        Joining {
            replaces_ours: ours.contains_key(&place),
            may_drop: ours.get(&place).is_some_and(|table| table.made_table),
            shape: shape(table.oid),
            place,
            table,
        }
    });
    let joining: Vec<Joining> = again.chain(new).collect();
    let strange = joining.iter().filter(|joining| !joining.replaces_ours);
    let plans = strange.map(|joining| (joining.table.clone(), joining.place.clone()));
    plan(config, writer, plans.collect(), knowledge).await?;
    let schemas = joining.iter().map(|joining| joining.place.schema.clone());
    ensure_schemas(config, writer, &schemas.collect()).await?;
    Ok(joining)
}

fn is_wanted(config: &Config, table: &SourceTable) -> bool {
    table.published && config.tables.selects(&table.name.schema, &table.name.name)
}

/// A relation is there that was not when the pipeline started. If it is still there and wanted, the
/// answer is an error of [`Kind::TableAdded`], which starts the pipeline again so that the table
/// gets its initial load. If it is gone by now, or not wanted, its rows can be skipped: at the end
/// of the stream it is not there.
pub(super) async fn is_wanted_now(catalog: &Client, config: &Config, oid: u32) -> Result<()> {
    let now = source::published_name(catalog, &config.source.publications, oid).await?;
    match now {
        Some(name) if config.tables.selects(&name.schema, &name.name) => {
            let what = "A table was added that is to be copied";
            Err(Error::new(Kind::TableAdded, what)
                .on(Side::Source)
                .table(&name))
        }
        _ => Ok(()),
    }
}

/// Loads the tables from the snapshot that came with the slot.
pub(super) async fn load(
    config: &Arc<Config>,
    board: &Board,
    writer: &Writer,
    catalog: &Client,
    knowledge: &Knowledge<'_>,
    exported: ExportedSnapshot,
) -> Result<Vec<LoadedTable>> {
    let missing = wanted(config, knowledge.tables, &writer.loaded_tables().await?);
    if missing.is_empty() {
        return Ok(Vec::new());
    }
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
    let mut plans = plan(config, writer, places.collect(), knowledge).await?;
    complete(config, catalog, &mut plans).await?;
    leave_changed(catalog, &mut plans).await?;
    let schemas = plans.iter().map(|plan| plan.destination.schema.clone());
    ensure_schemas(config, writer, &schemas.collect()).await?;
    tracing::info!(tables = plans.len(), lsn = %exported.lsn, "initial load begins");
    let load = Load {
        config: Arc::clone(config),
        snapshot: exported.name.clone(),
        snapshot_lsn: exported.lsn,
        loader: writer.loader(),
        board: board.clone(),
        source_version: version(catalog).await?,
        out_of_sight: false,
    };
    // what was left is missing afterwards, and joins the others
    let loaded = snapshot::load(load, exported, plans, writer.client()).await?;
    let tables = loaded.tables;
    let places = tables.iter().map(|table| table.destination.clone());
    tokio::spawn(snapshot::analyze(Arc::clone(config), places.collect()));
    Ok(tables)
}

/// Plans tables for places that nobody else may have taken.
async fn plan(
    config: &Config,
    writer: &Writer,
    tables: Vec<(SourceTable, TableName)>,
    knowledge: &Knowledge<'_>,
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
        let (shape, types) = (knowledge.shape(table.oid), knowledge.types);
        plans.push(Plan::new(
            &config.snapshot,
            table,
            shape,
            place,
            there,
            types,
        )?);
    }
    Ok(plans)
}

/// Columns that came after the catalog was read and before the snapshot was taken would be missed:
/// their rows are in the snapshot, and COPY would not ask for them.
pub(super) async fn check_shapes(catalog: &Client, plans: &[Plan]) -> Result<()> {
    let now = source::shapes(catalog).await?;
    let changed = plans.iter().find(|plan| has_changed(plan, &now));
    changed.map_or(Ok(()), |plan| Err(changed_before(&plan.table.name)))
}

/// The same where the other tables are loaded without those that changed.
async fn leave_changed(catalog: &Client, plans: &mut Vec<Plan>) -> Result<()> {
    let now = source::shapes(catalog).await?;
    for plan in plans.extract_if(.., |plan| has_changed(plan, &now)) {
        let why = changed_before(&plan.table.name);
        tracing::warn!(error = %why, "a table is left for a later load");
    }
    Ok(())
}

fn has_changed(plan: &Plan, now: &HashMap<u32, Shape>) -> bool {
    let now = now.get(&plan.table.oid);
    now.is_none_or(|now| now.columns != plan.shape.columns)
}

fn changed_before(table: &TableName) -> Error {
    let what = "A table changed before its load began";
    Error::new(Kind::TableAdded, what)
        .on(Side::Source)
        .table(table)
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
            let protection = &plan.table.protection;
            let mut indexes = indexes.remove(&plan.table.oid).unwrap_or_default();
            // they would be over other values, or name columns that are not there
            indexes.retain(|index| {
                let mut columns = index.columns.iter();
                columns.all(|attnum| *protection.of(*attnum) == Treatment::Copy)
            });
            plan.indexes = indexes;
        }
    }
    Ok(())
}

/// Makes the schemas that are missing.
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
