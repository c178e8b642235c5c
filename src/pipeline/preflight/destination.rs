//! Findings about the destination: rights, schemas, readers.

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::Client;

use super::report::Report;
use super::{in_the_way, server};
use crate::catalog::destination::{self, Facts, Schema};
use crate::catalog::source::SourceTable;
use crate::config::Config;
use crate::error::{Kind, Side};
use crate::sql::remedy;

/// `tables` are the selected ones; `schemas` those that get types.
pub(super) async fn inspect(
    config: &Config,
    client: &Client,
    tables: &[SourceTable],
    schemas: BTreeSet<String>,
    report: &mut Report,
) -> Option<Facts> {
    let facts = match destination::facts(client).await {
        Ok(facts) => facts,
        Err(error) => {
            report.error(Side::Destination, "server", &error);
            return None;
        }
    };
    if !server::destination(&facts, report) {
        return Some(facts);
    }
    let state_schema = &config.destination.state_schema;
    let mut names: BTreeSet<String> = tables
        .iter()
        .map(|table| {
            config
                .destination
                .naming
                .destination_schema(&table.name.schema)
        })
        .collect();
    names.extend(schemas);
    names.insert(state_schema.clone());
    let names: Vec<String> = names.into_iter().collect();
    match destination::schemas(client, &names).await {
        Ok(existing) => {
            rights(&facts, &names, &existing, report);
            let known = existing
                .get(state_schema)
                .is_some_and(|schema| schema.can_use);
            in_the_way::inspect(config, client, tables, known, report).await;
        }
        Err(error) => report.error(Side::Destination, "schemas", &error),
    }
    let copies: Vec<String> = names.into_iter().filter(|n| n != state_schema).collect();
    readers(config, client, &copies, report).await;
    Some(facts)
}

fn rights(
    facts: &Facts,
    names: &[String],
    existing: &HashMap<String, Schema>,
    report: &mut Report,
) {
    let side = Side::Destination;
    let role = &facts.role;
    for name in names {
        let subject = format!("schema {name}");
        match existing.get(name) {
            Some(schema) if schema.can_create && schema.can_use => {
                report.ok(side, subject, "The schema exists and may be filled");
            }
            Some(_) => report.failure(
                Kind::Privilege,
                side,
                subject,
                format!("The schema exists, and the role {role} lacks CREATE or USAGE on it"),
                remedy::grant_on_schema(name, role),
            ),
            None if facts.can_create => {
                report.ok(
                    side,
                    subject,
                    "The schema does not exist yet and may be made",
                );
            }
            None => report.failure(
                Kind::Privilege,
                side,
                subject,
                format!("The schema does not exist, and the role {role} may not make it"),
                format!(
                    "{} Or: {}",
                    remedy::grant_on_database("CREATE", &facts.database, role),
                    remedy::create_schema(name, role)
                ),
            ),
        }
    }
}

/// `schemas` are those that copies come into.
async fn readers(config: &Config, client: &Client, schemas: &[String], report: &mut Report) {
    let readers = &config.destination.readers;
    let looked = async {
        let existing = destination::roles(client, readers).await?;
        let shut_out = destination::shut_out(client, schemas, readers).await?;
        Ok((existing, shut_out))
    };
    let (existing, shut_out) = match looked.await {
        Ok(looked) => looked,
        Err(error) => return report.error(Side::Destination, "readers", &error),
    };
    for (schema, reader) in shut_out {
        let subject = format!("schema {schema}");
        let what = format!("The reader {reader} lacks USAGE on it, and sees no table in it");
        let remedy = remedy::grant_usage(&schema, &reader);
        report.warning(Side::Destination, subject, what, remedy);
    }
    for reader in readers {
        let subject = format!("role {reader}");
        if existing.contains(reader) {
            let what = "The role exists and will be given USAGE and SELECT";
            report.ok(Side::Destination, subject, what);
        } else {
            report.failure(
                Kind::Config,
                Side::Destination,
                subject,
                "The role named in `readers` does not exist",
                remedy::create_role(reader),
            );
        }
    }
}
