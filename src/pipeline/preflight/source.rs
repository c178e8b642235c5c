//! Findings about the source: server, slot, publication, then its tables.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::super::locked;
use super::super::publications::ONE_OF_SEVERAL;
use super::report::Report;
use super::{protect, server, tables};
use crate::catalog::TableName;
use crate::catalog::source::{self, Facts, Publication, Slot, SourceTable};
use crate::config::{Config, LostSlot};
use crate::error::{Kind, Side};
use crate::protect::{Before, Recorded};
use crate::sql::remedy;

/// What the destination's findings build on.
pub(super) struct Seen {
    pub(super) facts: Facts,
    pub(super) selected: Vec<SourceTable>,
}

/// `None`: not even the settings could be read, which is in the report then.
/// `recorded` are the columns that were protected when tables were loaded.
pub(super) async fn inspect(
    config: &Config,
    client: &Client,
    recorded: &HashMap<u32, Vec<Recorded>>,
    report: &mut Report,
) -> Option<Seen> {
    let (slot, publications) = (&config.source.slot, &config.source.publications);
    let facts = match source::facts(client, slot, publications).await {
        Ok(facts) => facts,
        Err(error) => {
            report.error(Side::Source, "server", &error);
            return None;
        }
    };
    server::source(&facts, report);
    match &facts.slot {
        Some(found) => existing_slot(found, config, &facts, report),
        None => report.ok(
            Side::Source,
            format!("slot {slot}"),
            "The slot does not exist yet; the first run makes it",
        ),
    }
    let listed = async {
        let all = source::tables(client, publications).await?;
        let unlogged: Vec<TableName> = source::unlogged(client).await?.into_values().collect();
        Ok((all, unlogged))
    };
    let (mut all, unlogged) = match listed.await {
        Ok(listed) => listed,
        Err(error) => {
            let error = locked::named(&config.source.endpoint, error).await;
            let table = error.about_table().map(|table| format!("table {table}"));
            report.error(Side::Source, table.as_deref().unwrap_or("tables"), &error);
            return None;
        }
    };
    let protector = protect::protector(config, report).await;
    for table in &mut all {
        let recorded = recorded.get(&table.oid).map_or(&[][..], Vec::as_slice);
        let before = Before {
            recorded,
            columns: None,
        };
        protector.protect(table, before);
    }
    tables::inspect_selection(config, &all, &unlogged, report);
    let selected: Vec<SourceTable> = all
        .into_iter()
        .filter(|table| config.tables.selects(&table.name.schema, &table.name.name))
        .collect();
    for publication in publications {
        match facts.publication(publication) {
            Some(found) => existing_publication(found, publication, &facts, report),
            None if publications.len() > 1 => report.failure(
                Kind::PublicationMissing,
                Side::Source,
                format!("publication {publication}"),
                "The publication does not exist",
                ONE_OF_SEVERAL,
            ),
            None => missing_publication(publication, &selected, &facts, report),
        }
    }
    tables::inspect(config, &facts, &selected, report);
    protect::inspect(&protector, &selected, report);
    Some(Seen { facts, selected })
}

fn existing_slot(slot: &Slot, config: &Config, facts: &Facts, report: &mut Report) {
    let subject = format!("slot {}", config.source.slot);
    let plugin = slot.plugin.as_deref().unwrap_or("none");
    let fits = plugin == "pgoutput" && slot.database.as_deref() == Some(facts.database.as_str());
    if !fits {
        report.failure(
            Kind::SlotUnfit,
            Side::Source,
            subject,
            format!(
                "The slot is {} with the plugin {plugin} on the database {}; walferry needs a \
                 logical one with pgoutput on {}",
                slot.slot_type,
                slot.database.as_deref().unwrap_or("-"),
                facts.database
            ),
            "Set another `slot` in [source.replication].",
        );
    } else if slot.wal_status.as_deref() == Some("lost") {
        lost_slot(subject, config, facts, report);
    } else if let Some(pid) = slot.active_pid.filter(|_| slot.active) {
        report.warning(
            Side::Source,
            subject,
            format!("Process {pid} of the server reads the slot for somebody now"),
            "Fine if that is this pipeline's daemon; otherwise set another `slot`.",
        );
    } else {
        let at = slot.confirmed_flush_lsn.unwrap_or_default();
        report.ok(Side::Source, subject, format!("The slot is at {at}"));
    }
}

fn lost_slot(subject: String, config: &Config, facts: &Facts, report: &mut Report) {
    let what = "The server has removed WAL that the slot needs";
    let limit = facts.max_slot_wal_keep_size.as_deref().unwrap_or("-1");
    let raise = format!("Raise max_slot_wal_keep_size (now {limit})");
    if config.source.lost_slot == LostSlot::Resync {
        let what = format!("{what}: the next start makes a new one and loads all tables again");
        return report.warning(Side::Source, subject, what, format!("{raise}."));
    }
    report.failure(
        Kind::SlotLost,
        Side::Source,
        subject,
        what,
        format!(
            "{raise}, run `walferry teardown --drop-data`, then `walferry run` for a new initial \
             load; or set [source.replication] on_lost_slot = \"resync\", which loads all tables \
             again while readers keep the old rows."
        ),
    );
}

fn existing_publication(found: &Publication, name: &str, facts: &Facts, report: &mut Report) {
    let subject = format!("publication {name}");
    let truncate_exists = facts.version_num >= 11_00_00;
    let missing: Vec<&str> = [
        ("INSERT", found.inserts),
        ("UPDATE", found.updates),
        ("DELETE", found.deletes),
        ("TRUNCATE", found.truncates || !truncate_exists),
    ]
    .into_iter()
    .filter(|(_, sent)| !sent)
    .map(|(operation, _)| operation)
    .collect();
    if missing.is_empty() {
        let what = "The publication exists and sends every operation";
        report.ok(Side::Source, subject, what);
        return;
    }
    report.warning(
        Side::Source,
        subject,
        format!(
            "The publication does not send {}: the copy will differ from the source",
            missing.join(", ")
        ),
        remedy::publish_operations(name, truncate_exists),
    );
}

fn missing_publication(name: &str, selected: &[SourceTable], facts: &Facts, report: &mut Report) {
    if selected.is_empty() {
        return;
    }
    let subject = format!("publication {name}");
    let permitted = facts.can_create_in_database && selected.iter().all(|table| table.owned);
    if permitted && !facts.in_recovery {
        let what = "The publication does not exist yet; the first run makes it";
        report.ok(Side::Source, subject, what);
        return;
    }
    // roots stand for their partitions
    let names: Vec<&TableName> = selected
        .iter()
        .filter(|table| !table.is_partition)
        .map(|table| &table.name)
        .collect();
    let via_root = facts.version_num >= 13_00_00;
    report.failure(
        Kind::PublicationMissing,
        Side::Source,
        subject,
        "The publication does not exist, and the role may not make it: that takes CREATE on the \
         database and the ownership of its tables",
        format!(
            "{} -- as the tables' owner or a superuser",
            remedy::create_publication(name, names, via_root)
        ),
    );
}
