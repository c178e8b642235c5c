//! Findings about types that are not built in.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::report::Report;
use crate::catalog::TypeName;
use crate::catalog::destination;
use crate::catalog::source::SourceTable;
use crate::catalog::types::{Types, definitions};
use crate::checkpoint::{RecordedType, recorded_types};
use crate::config::{Config, MissingTypes};
use crate::error::{Kind, Result, Side};
use crate::pipeline::types::{MISSING_TYPE_REMEDY, read};

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
        for values in &VALUES {
            values.inspect(source_version, &types, table, report);
        }
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

/// Values that came to a type with a version: older destinations do not take them.
struct Values {
    since: i32,
    /// The type, its arrays, and what `pg_catalog` builds of it.
    types: &'static [u32],
    /// Types with a modifier, such as a precision, have no such values.
    unlimited: bool,
    what: &'static str,
    then: &'static str,
}

const VALUES: [Values; 2] = [
    Values {
        since: 14_00_00,
        types: &[1700, 1231, 3906, 3907],
        unlimited: true,
        what: "Infinity and -Infinity of numeric",
        then: "stops the pipeline (definite)",
    },
    Values {
        since: 15_00_00,
        types: &[18, 1002],
        unlimited: false,
        what: "a \"char\" above 127 that travels as text",
        then: "becomes another one",
    },
];

impl Values {
    fn inspect(&self, source: i32, types: &Types, table: &SourceTable, report: &mut Report) {
        if source < self.since || types.version() >= self.since {
            return;
        }
        let is_one = |oid: u32, modifier: i32| {
            self.types.contains(&oid) && !(self.unlimited && modifier >= 0)
        };
        let published = table.published_columns.iter().map(|&at| &table.columns[at]);
        let columns: Vec<&str> = published
            .filter(|column| types.becomes_text(column.type_oid).is_none())
            .filter(|column| types.holds(column.type_oid, column.type_modifier, &is_one))
            .map(|column| column.name.as_str())
            .collect();
        if columns.is_empty() {
            return;
        }
        let (what, then, major) = (self.what, self.then, self.since / 10_000);
        report.warning(
            Side::Source,
            format!("table {}", table.name),
            format!(
                "Servers before {major} do not know {what}: such a value {then}. Columns that may \
                 hold some: {}",
                columns.join(", ")
            ),
            format!(
                "Keep such values out of them, leave the table out, or upgrade the destination to \
                 {major} or later."
            ),
        );
    }
}
