//! Findings about relations of the destination that already have the names of copies.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::report::Report;
use crate::catalog::TableName;
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::source::SourceTable;
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Kind, Result, Side};
use crate::sql::ask;
use crate::sql::{probe, remedy};

/// `state_schema_usable` says whether the bookkeeping can be looked at, if there is any.
pub(super) async fn inspect(
    config: &Config,
    client: &Client,
    tables: &[SourceTable],
    state_schema_usable: bool,
    report: &mut Report,
) {
    let target = |table: &SourceTable| {
        let naming = &config.destination.naming;
        TableName::new(
            naming.destination_schema(&table.name.schema),
            &table.name.name,
        )
    };
    let names: Vec<TableName> = tables.iter().map(target).collect();
    let looked = async {
        let existing = destination::tables(client, &names).await?;
        let owners = if state_schema_usable {
            recorded(client, &config.destination.state_schema).await?
        } else {
            HashMap::new()
        };
        Ok((existing, owners))
    };
    let (existing, owners) = match looked.await {
        Ok(looked) => looked,
        Err(error) => return report.error(Side::Destination, "tables", &error),
    };
    let mut clear = 0_usize;
    for (table, name) in tables.iter().zip(&names) {
        let Some(found) = existing.get(name) else {
            clear += 1;
            continue;
        };
        match owners.get(name) {
            Some(pipeline) if *pipeline == config.pipeline => {
                writable(config, name, found, report);
            }
            Some(pipeline) => report.failure(
                Kind::TableInTheWay,
                Side::Destination,
                format!("table {name}"),
                format!("The table belongs to the pipeline {pipeline}"),
                "Choose another `schema_prefix`, or exclude the table in one of the pipelines.",
            ),
            None => unknown(config, client, table, name, found, report).await,
        }
    }
    if clear > 0 {
        let what = format!("{clear} tables will be made");
        report.ok(Side::Destination, "tables", what);
    }
}

/// Which pipeline each recorded table belongs to.
async fn recorded(client: &Client, state_schema: &str) -> Result<HashMap<TableName, String>> {
    let failed = |error: tokio_postgres::Error| {
        from_client(Side::Destination, "read the bookkeeping", &error)
    };
    let exists = ask::query_one(client, &probe::bookkeeping_exists(state_schema), &[])
        .await
        .map_err(failed)?;
    if !exists.try_get::<_, bool>(0).map_err(failed)? {
        return Ok(HashMap::new());
    }
    let rows = ask::query(client, &probe::recorded_tables(state_schema), &[])
        .await
        .map_err(failed)?;
    let mut owners = HashMap::with_capacity(rows.len());
    for row in &rows {
        let schema: String = row.try_get("destination_schema").map_err(failed)?;
        let name: String = row.try_get("destination_table").map_err(failed)?;
        let pipeline = row.try_get("pipeline").map_err(failed)?;
        owners.insert(TableName::new(schema, name), pipeline);
    }
    Ok(owners)
}

/// Something that walferry did not put there: it must be an empty table of the right shape.
async fn unknown(
    config: &Config,
    client: &Client,
    table: &SourceTable,
    name: &TableName,
    found: &DestinationTable,
    report: &mut Report,
) {
    let side = Side::Destination;
    let subject = format!("table {name}");
    if found.relkind != 'r' {
        report.failure(
            Kind::TableInTheWay,
            side,
            subject,
            "Something that is not an ordinary table has the name of the copy",
            "Rename or drop it, or choose another `schema_prefix`.",
        );
        return;
    }
    match destination::is_empty(client, name).await {
        Err(error) => return report.error(side, subject, &error),
        Ok(false) => {
            report.failure(
                Kind::TableInTheWay,
                side,
                subject,
                "A table that walferry did not make is in the way, and it holds rows",
                "Rename, empty or drop it, or choose another `schema_prefix`.",
            );
            return;
        }
        Ok(true) => {}
    }
    let lacking: Vec<&str> = table
        .published_columns
        .iter()
        .map(|&at| table.columns[at].name.as_str())
        .filter(|wanted| !found.columns.iter().any(|column| column.name == *wanted))
        .collect();
    if lacking.is_empty() {
        identities(table, name, found, report);
        writable(config, name, found, report);
    } else {
        report.failure(
            Kind::ShapeMismatch,
            side,
            subject,
            format!(
                "The empty table that is there lacks the columns {}",
                lacking.join(", ")
            ),
            "Add the columns, or drop the table and let walferry make it.",
        );
    }
}

/// Columns that no UPDATE of rows can set, where rows may be updated; keys are only inserted.
fn identities(
    table: &SourceTable,
    name: &TableName,
    found: &DestinationTable,
    report: &mut Report,
) {
    if !table.has_identity() {
        return;
    }
    let is_key = |wanted: &str| {
        table
            .key()
            .iter()
            .any(|at| table.columns[*at].name == wanted)
    };
    let sent = table.published_columns.iter();
    let sent = sent.map(|at| table.columns[*at].name.as_str());
    for column in sent.filter(|column| !is_key(column)) {
        let mut places = found.columns.iter();
        let place = places.find(|place| place.name == column);
        if place.is_some_and(|place| place.identity == Some('a')) {
            report.failure(
                Kind::ShapeMismatch,
                Side::Destination,
                format!("table {name}"),
                format!(
                    "The column {column} is GENERATED ALWAYS AS IDENTITY: no UPDATE can give it \
                     the value that the source has"
                ),
                remedy::generate_by_default(name, column),
            );
        }
    }
}

/// What would make writing to a table of ours go wrong.
fn writable(config: &Config, name: &TableName, found: &DestinationTable, report: &mut Report) {
    let side = Side::Destination;
    let subject = format!("table {name}");
    if found.row_security {
        report.failure(
            Kind::Refused,
            side,
            subject.clone(),
            "Row-level security on the copy applies to the role that writes it",
            format!(
                "{} Or: {}",
                remedy::disable_row_security(name),
                remedy::bypass_row_security(&config.destination.endpoint.user)
            ),
        );
    }
    if !found.owner_is_us {
        report.warning(
            side,
            subject.clone(),
            "The table belongs to another role: walferry needs SELECT, INSERT, UPDATE, DELETE and \
             TRUNCATE on it and cannot make its key",
            "Give the table to the role, or drop it and let walferry make it.",
        );
    }
    if found.has_triggers {
        report.warning(
            side,
            subject,
            "The table has triggers, which run with the rights of walferry's role for every row \
             that it writes",
            "Drop the triggers, or keep them cheap and free of errors.",
        );
    }
}
