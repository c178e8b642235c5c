//! Findings about columns that are not copied as they are.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::report::Report;
use crate::catalog::destination;
use crate::catalog::source::SourceTable;
use crate::checkpoint::recorded_protection;
use crate::config::Config;
use crate::error::Side;
use crate::protect::{Protector, Reason, Recorded, listed};

/// What was protected when tables were loaded, as far as books are kept already.
pub(super) async fn recorded(
    config: &Config,
    destination: Option<&Client>,
    report: &mut Report,
) -> HashMap<u32, Vec<Recorded>> {
    let Some(client) = destination else {
        return HashMap::new();
    };
    let looked = async {
        let state_schema = &config.destination.state_schema;
        let schema = destination::schemas(client, std::slice::from_ref(state_schema)).await?;
        if !schema.get(state_schema).is_some_and(|found| found.can_use) {
            return Ok(HashMap::new());
        }
        recorded_protection(client, state_schema, &config.pipeline).await
    };
    match looked.await {
        Ok(recorded) => recorded,
        Err(error) => {
            report.error(Side::Destination, "protected columns", &error);
            HashMap::new()
        }
    }
}

/// What decides on columns; should the salt be missing, that is a failure, and names still tell
/// what would become of them.
pub(super) async fn protector(config: &Config, report: &mut Report) -> Protector {
    match Protector::new(config).await {
        Ok(protector) => protector,
        Err(error) => {
            report.error(Side::Source, "hash_salt", &error);
            Protector::for_names(config)
        }
    }
}

/// What becomes of columns, and which patterns are about none.
pub(super) fn inspect(protector: &Protector, selected: &[SourceTable], report: &mut Report) {
    for rule in protector.idle_rules(selected) {
        report.warning(
            Side::Source,
            "protected columns",
            format!("No selected table has a column that the pattern {rule} matches"),
            "Correct it: what it was to protect may be copied as it is. `walferry discover` shows \
             the columns that are protected.",
        );
    }
    for table in selected {
        let subject = format!("table {}", table.name);
        let listed = listed(table);
        if !listed.is_empty() {
            report.ok(Side::Source, subject.clone(), listed.join("; "));
        }
        for (attnum, column) in table.protection.columns() {
            let name = table.columns.iter().find(|now| now.attnum == attnum);
            let name = name.map_or("", |now| &now.name);
            match column.reason {
                Reason::Named => {}
                Reason::Renamed => report.warning(
                    Side::Source,
                    subject.clone(),
                    format!(
                        "The column {name} is {} because it was called {}",
                        column.treatment.describe(),
                        column.matched.join(".")
                    ),
                    "Add a pattern for its new name; the old one keeps it protected meanwhile.",
                ),
                Reason::Computed => report.warning(
                    Side::Source,
                    subject.clone(),
                    format!(
                        "The generated column {name} is left out: it is computed from columns \
                         that are protected"
                    ),
                    "Nothing to do if nobody needs it.",
                ),
                Reason::Ignored => report.warning(
                    Side::Source,
                    subject.clone(),
                    format!(
                        "The column {name} came after the load and is left out, since [tables] \
                         on_schema_change is \"ignore\""
                    ),
                    "Nothing to do if nobody needs it; with \"follow\" the table is loaded again \
                     with it.",
                ),
            }
        }
    }
}
