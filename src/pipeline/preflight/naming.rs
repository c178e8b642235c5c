//! Findings about the names that schemas get in the destination.

use std::collections::{BTreeMap, BTreeSet};

use super::report::Report;
use crate::catalog::source::SourceTable;
use crate::config::Destination;
use crate::error::{Kind, Side};
use crate::limits::IDENTIFIER_BYTES_MAX;

pub(super) fn inspect(destination: &Destination, tables: &[SourceTable], report: &mut Report) {
    let schemas: BTreeSet<&str> = tables
        .iter()
        .map(|table| table.name.schema.as_str())
        .collect();
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    for schema in schemas {
        let name = destination.naming.destination_schema(schema);
        let subject = format!("schema {name}");
        let fault = |what: String, report: &mut Report| {
            report.failure(
                Kind::Config,
                Side::Destination,
                subject.clone(),
                what,
                format!("Give the schema {schema} another name in [destination.schemas]."),
            );
        };
        if name.len() > IDENTIFIER_BYTES_MAX {
            let what = format!(
                "The name has {} bytes, and PostgreSQL keeps {IDENTIFIER_BYTES_MAX}",
                name.len()
            );
            fault(what, report);
        }
        if name.starts_with("pg_") || name == "information_schema" {
            fault(
                "The name is reserved for PostgreSQL itself".to_owned(),
                report,
            );
        }
        if name == destination.state_schema {
            fault(
                "The name is that of the bookkeeping schema".to_owned(),
                report,
            );
        }
        if let Some(other) = taken.insert(name.clone(), schema) {
            fault(
                format!("The source schemas {other} and {schema} would both become {name}"),
                report,
            );
        }
    }
}
