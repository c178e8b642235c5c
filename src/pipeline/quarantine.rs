//! `[tables] on_table_error = "quarantine"`: going on without a table that has an error of its own.
//!
//! The batch with the error came to nothing as a whole. The next round begins at the same position
//! without the table: its rows are skipped, so that all others go on, and its copy stands still as
//! it was at that position. Nothing of it is pinned in the slot: what it needs to come back is a
//! new load, which `walferry resync` asks for.
//!
//! Only a definite error about a table, or a row of it, is taken for one of its own. One that says
//! that the destination holds other rows than it should (`diverged`) halts as ever: nobody knows
//! what else was written there.

use std::collections::{HashMap, HashSet};

use crate::catalog::TableName;
use crate::catalog::source::SourceTable;
use crate::checkpoint::{LoadedTable, Quarantined, Writer};
use crate::config::{Config, TableErrors};
use crate::error::{Error, Kind, Result, Side};
use crate::observe::Board;
use crate::snapshot::hidden_prefix;

/// The pipeline may go on without the table that the error is about.
pub(super) fn is_of_one_table(config: &Config, error: &Error) -> bool {
    let of_a_table = match error.kind() {
        Kind::Refused | Kind::Definite | Kind::Privilege | Kind::TableInTheWay => {
            error.side() == Some(Side::Destination)
        }
        Kind::ShapeMismatch | Kind::SchemaChanged => true,
        _ => false,
    };
    config.table_errors == TableErrors::Quarantine && of_a_table && error.about_table().is_some()
}

/// Takes the quarantined tables out of what is known, with the one that `faulty` is about. Returns
/// their oids.
///
/// # Errors
/// `faulty` itself, when it is about no table that there is.
pub(super) async fn take_out(
    config: &Config,
    board: &Board,
    writer: &Writer,
    faulty: &mut Option<Error>,
    tables: &mut Vec<SourceTable>,
    loaded: &mut HashMap<u32, LoadedTable>,
) -> Result<HashSet<u32>> {
    let there: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    writer.forget_quarantined(&there).await?;
    if let Some(error) = faulty.take() {
        let name = error.about_table().unwrap_or_default();
        let Some((oid, source)) = find(config, name, tables, loaded) else {
            return Err(error);
        };
        let error = error.to_string();
        writer
            .quarantine(oid, &Quarantined { source, error })
            .await?;
    }
    let quarantined = writer.quarantined().await?;
    for table in quarantined.values() {
        board.table_quarantined(&table.source, &table.error);
        tracing::warn!(
            table = %table.source,
            error = table.error,
            "going on without a table: `walferry resync` brings it back"
        );
    }
    tables.retain(|table| !quarantined.contains_key(&table.oid));
    loaded.retain(|oid, _| !quarantined.contains_key(oid));
    Ok(quarantined.into_keys().collect())
}

/// The table that an error names: as it is called on the source, in the destination, or while it is
/// loaded out of sight.
fn find(
    config: &Config,
    name: &str,
    tables: &[SourceTable],
    loaded: &HashMap<u32, LoadedTable>,
) -> Option<(u32, TableName)> {
    let is = |table: &TableName| table.to_string() == name;
    let mut copies = loaded.values();
    if let Some(table) = copies.find(|table| is(&table.destination) || is(&table.source)) {
        return Some((table.source_oid, table.source.clone()));
    }
    let naming = &config.destination.naming;
    let place = |table: &TableName| {
        TableName::new(naming.destination_schema(&table.schema), table.name.clone())
    };
    let (schema, prefix) = (
        &config.destination.state_schema,
        hidden_prefix(&config.pipeline),
    );
    let hidden = name.strip_prefix(&format!("{schema}.{prefix}"));
    let hidden: Option<u32> = hidden.and_then(|oid| oid.parse().ok());
    let mut tables = tables.iter();
    let table = tables
        .find(|table| is(&table.name) || is(&place(&table.name)) || hidden == Some(table.oid));
    table.map(|table| (table.oid, table.name.clone()))
}
