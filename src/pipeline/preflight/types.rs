//! Findings about types that are not built in.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::report::Report;
use super::values;
use crate::catalog::TypeName;
use crate::catalog::destination;
use crate::catalog::source::SourceTable;
use crate::catalog::types::{Types, definitions};
use crate::checkpoint::{RecordedType, recorded_types};
use crate::config::{Config, MissingTypes};
use crate::error::{Kind, Result, Side};
use crate::pipeline::types::{MISSING_TYPE_REMEDY, can_be_set_aside, read};

/// The schemas that types will be made in, beside those of tables.
pub(super) async fn inspect(
    config: &Config,
    source_version: i32,
    source: &Client,
    destination: &Client,
    tables: &[SourceTable],
    report: &mut Report,
) -> BTreeSet<String> {
    let looked = async {
        let state_schema = &config.destination.state_schema;
        let names = [state_schema.clone()];
        let schema = destination::schemas(destination, &names).await?;
        let recorded = if schema.get(state_schema).is_some_and(|found| found.can_use) {
            recorded_types(destination, state_schema, &config.pipeline).await?
        } else {
            Vec::new()
        };
        let columns = tables.iter().flat_map(|table| &table.columns);
        let types = read(config, source, destination, &recorded, columns).await?;
        different(destination, &types, &recorded, report).await?;
        Ok(types)
    };
    let types = match looked.await {
        Ok(types) => types,
        Err(error) => {
            report.error(Side::Destination, "types", &error);
            return BTreeSet::new();
        }
    };
    for table in tables {
        texts(config, &types, table, report);
        values::inspect(source_version, &types, table, report);
    }
    let made: BTreeSet<&TypeName> = types
        .made()
        .into_iter()
        .map(|(_, name)| name)
        .filter(|name| types.exists(name).is_none())
        .collect();
    if !made.is_empty() {
        let names: Vec<String> = made.iter().map(ToString::to_string).collect();
        let what = format!("{} types will be made: {}", made.len(), names.join(", "));
        report.ok(Side::Destination, "types", what);
    }
    made.into_iter().map(|name| name.schema.clone()).collect()
}

/// Types that are there already, and cannot become those of the source.
async fn different(
    client: &Client,
    types: &Types,
    recorded: &[RecordedType],
    report: &mut Report,
) -> Result<()> {
    let made = types.made();
    let there: Vec<u32> = made
        .iter()
        .filter_map(|(_, name)| types.exists(name))
        .collect();
    let there = definitions(client, Side::Destination, &there).await?;
    for (source, name) in made {
        let known = recorded.iter().any(|known| known.source_oid == source.oid);
        let known = known || can_be_set_aside(recorded, source, name);
        let existing = types.exists(name).and_then(|oid| there.get(&oid));
        // what walferry knows, a start brings up to date
        let Some(existing) = existing.filter(|_| !known) else {
            continue;
        };
        if let Err(why) = types.changes(source, existing, None) {
            report.failure(
                Kind::ShapeMismatch,
                Side::Destination,
                format!("type {name}"),
                format!("The destination has another type of this name than the source: {why}"),
                "Make both the same, or drop it and let walferry make it.",
            );
        }
    }
    Ok(())
}

/// Columns that become text.
fn texts(config: &Config, types: &Types, table: &SourceTable, report: &mut Report) {
    let columns: Vec<String> = table
        .columns
        .iter()
        .filter_map(|column| {
            let (name, why) = types.text_within(column.type_oid)?;
            Some(format!("{} ({name}: {why})", column.name))
        })
        .collect();
    if columns.is_empty() {
        return;
    }
    let subject = format!("table {}", table.name);
    let what = format!(
        "Columns or parts of them become text, since the destination cannot have their types: {}",
        columns.join(", ")
    );
    match config.missing_types {
        MissingTypes::Text => report.warning(
            Side::Source,
            subject,
            what,
            "Install the extension in the destination before the first run, or cast the columns \
             in views over the copy.",
        ),
        MissingTypes::Error => report.failure(
            Kind::ShapeMismatch,
            Side::Source,
            subject,
            what,
            MISSING_TYPE_REMEDY,
        ),
    }
}
