//! Which tables are to be loaded, and how.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::Client;

use super::start::version;
use super::tablesync::Joining;
use crate::catalog::source::{self, Shape, SourceTable};
use crate::catalog::{TableName, destination};
use crate::checkpoint::{LoadedTable, Writer};
use crate::config::{Config, Indexes};
use crate::error::{Error, Kind, Result, Side};
use crate::observe::{Board, State, TableState};
use crate::snapshot::{self, Load, Plan};
use crate::source::slot::ExportedSnapshot;
use crate::sql;

/// Tables that are selected, published, and not loaded.
pub(super) fn wanted(
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
    tables: &[SourceTable],
    loaded: &HashMap<u32, LoadedTable>,
    shapes: &HashMap<u32, Shape>,
) -> Result<Vec<Joining>> {
    let shape = |oid: u32| shapes.get(&oid).cloned().unwrap_or_default();
    let naming = &config.destination.naming;
    let place = |table: &SourceTable| {
        let schema = naming.destination_schema(&table.name.schema);
        TableName::new(schema, table.name.name.clone())
    };
    let ours = |place: &TableName| loaded.values().any(|table| table.destination == *place);
    let again = tables.iter().filter_map(|table| {
        let loaded = loaded.get(&table.oid).filter(|loaded| loaded.reload)?;
        Some(Joining {
            shape: shape(table.oid),
            table: table.clone(),
            place: loaded.destination.clone(),
            replaces_ours: true,
        })
    });
    let new = wanted(config, tables, loaded).into_iter().map(|table| {
        let place = place(&table);
        Joining {
            replaces_ours: ours(&place),
            shape: shape(table.oid),
            place,
            table,
        }
    });
    let joining: Vec<Joining> = again.chain(new).collect();
    let strange = joining.iter().filter(|joining| !joining.replaces_ours);
    let plans = strange.map(|joining| (joining.table.clone(), joining.place.clone()));
    plan(config, writer, plans.collect(), shapes).await?;
    let schemas = joining.iter().map(|joining| joining.place.schema.clone());
    ensure_schemas(config, writer, schemas.collect()).await?;
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

/// Loads the tables from the snapshot that came with the slot.
pub(super) async fn load(
    config: &Arc<Config>,
    board: &Board,
    writer: &Writer,
    catalog: &Client,
    shapes: &HashMap<u32, Shape>,
    missing: Vec<SourceTable>,
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
    let mut plans = plan(config, writer, places.collect(), shapes).await?;
    complete(config, catalog, &mut plans).await?;
    ensure_schemas(config, writer, schemas(&plans)).await?;
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
    let (tables, _) = snapshot::load(load, exported, plans, writer.client()).await?;
    Ok(tables)
}

/// Plans tables for places that nobody else may have taken.
async fn plan(
    config: &Config,
    writer: &Writer,
    tables: Vec<(SourceTable, TableName)>,
    shapes: &HashMap<u32, Shape>,
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
        let shape = shapes.get(&table.oid).cloned().unwrap_or_default();
        plans.push(Plan::new(&config.snapshot, table, place, there, shape)?);
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

fn schemas(plans: &[Plan]) -> Vec<String> {
    plans.iter().map(|p| p.destination.schema.clone()).collect()
}

/// Makes the schemas that are missing.
pub(super) async fn ensure_schemas(
    config: &Config,
    writer: &Writer,
    mut names: Vec<String>,
) -> Result<()> {
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
