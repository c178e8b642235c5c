//! Findings about the two servers as they are set up.

use super::report::Report;
use crate::catalog::destination::Facts as DestinationFacts;
use crate::catalog::source::Facts as SourceFacts;
use crate::error::{Kind, Side};
use crate::sql::remedy;

const RESTART: &str = "and restart the server (on Amazon RDS set rds.logical_replication = 1, on \
     Cloud SQL cloudsql.logical_decoding = on, on Azure wal_level = logical)";

/// Slots and walsenders a pipeline uses: its own, and one more while a later table is loaded.
const SLOTS_AND_SENDERS: u64 = 2;

/// Everything about the source server that no table takes part in.
pub(super) fn source(facts: &SourceFacts, report: &mut Report) {
    super::version::source(facts.version_num, &facts.version, report);
    standby(facts, report);
    wal_level(facts, report);
    let slots = (facts.max_replication_slots, facts.used_slots);
    room("max_replication_slots", slots, facts.slot.is_some(), report);
    let senders = (facts.max_wal_senders, facts.used_senders);
    let running = facts.slot.as_ref().is_some_and(|slot| slot.active);
    room("max_wal_senders", senders, running, report);
    role(facts, report);
    if facts.server_encoding == "SQL_ASCII" {
        report.warning(
            Side::Source,
            "encoding",
            "The database is SQL_ASCII: it may hold bytes that are no text in any encoding, and \
             rows with such bytes cannot be copied into a database that checks",
            "Make sure that all text in it is valid UTF-8.",
        );
    }
}

fn standby(facts: &SourceFacts, report: &mut Report) {
    if !facts.in_recovery {
        return;
    }
    if facts.version_num < 16_00_00 {
        report.failure(
            Kind::Unsupported,
            Side::Source,
            "server",
            "The server is a standby, and standbys can be read logically from version 16 on",
            "Give the primary's address.",
        );
    } else {
        report.warning(
            Side::Source,
            "server",
            "The server is a standby: slots are only made once the primary has logged a snapshot \
             of its transactions, and publications have to be made on the primary",
            "Set hot_standby_feedback = on here, and run SELECT pg_log_standby_snapshot() on the \
             primary if the start takes long.",
        );
    }
}

fn wal_level(facts: &SourceFacts, report: &mut Report) {
    if facts.wal_level == "logical" {
        report.ok(Side::Source, "wal_level", "wal_level is logical");
        return;
    }
    report.failure(
        Kind::Unsupported,
        Side::Source,
        "wal_level",
        format!("wal_level is {}, which cannot be decoded", facts.wal_level),
        format!("{} {RESTART}", remedy::set_wal_level()),
    );
}

/// `has_one`: one of those in use is the pipeline's own.
fn room(setting: &str, (most, used): (u64, u64), has_one: bool, report: &mut Report) {
    let free = most.saturating_sub(used);
    let needed = SLOTS_AND_SENDERS - u64::from(has_one);
    let what =
        format!("{free} of {most} {setting} are free, and walferry needs up to {needed} more");
    let remedy = format!(
        "{} and restart the server, or drop a slot that nobody reads",
        remedy::set_number(setting, most.max(used) + needed)
    );
    if free >= needed {
        report.ok(Side::Source, setting, what);
    } else if free == 0 && !has_one {
        let kind = Kind::ServerBusy;
        report.failure(kind, Side::Source, setting, what, remedy);
    } else {
        report.warning(Side::Source, setting, what, remedy);
    }
}

fn role(facts: &SourceFacts, report: &mut Report) {
    let subject = format!("role {}", facts.role);
    if facts.role_can_replicate {
        let what = "The role may open replication connections";
        report.ok(Side::Source, subject, what);
        return;
    }
    report.failure(
        Kind::Privilege,
        Side::Source,
        subject,
        "The role may not open replication connections",
        remedy::allow_replication(&facts.role),
    );
}

/// Everything about the destination server that no table takes part in.
pub(super) fn destination(facts: &DestinationFacts, report: &mut Report) -> bool {
    let side = Side::Destination;
    let known = super::version::destination(facts.version_num, &facts.version, report);
    if facts.in_recovery {
        report.failure(
            Kind::Unsupported,
            side,
            "server",
            "The server is a standby and cannot be written",
            "Give the primary's address.",
        );
    } else if facts.read_only {
        report.failure(
            Kind::Unsupported,
            side,
            "server",
            "Sessions of this role are read-only (default_transaction_read_only)",
            "Turn default_transaction_read_only off for the role, the database or the server.",
        );
    }
    let subject = format!("database {}", facts.database);
    if facts.can_temporary {
        report.ok(side, subject, "The role may make temporary tables");
    } else {
        report.failure(
            Kind::Privilege,
            side,
            subject,
            "The role may not make temporary tables, in which batches are staged",
            remedy::grant_on_database("TEMPORARY", &facts.database, &facts.role),
        );
    }
    known
}

/// What can only be said with both servers in view.
pub(super) fn compare(source: &SourceFacts, destination: &DestinationFacts, report: &mut Report) {
    let same_cluster = source.instance.is_some() && source.instance == destination.instance;
    if same_cluster && source.database_oid == destination.database_oid {
        report.failure(
            Kind::Config,
            Side::Destination,
            format!("database {}", destination.database),
            "Source and destination are the same database",
            "Give another database or server in [destination].",
        );
    }
    let (from, to) = (&source.server_encoding, &destination.server_encoding);
    if to == "UTF8" {
        report.ok(Side::Destination, "encoding", "The database is UTF8");
    } else if from == to {
        report.ok(
            Side::Destination,
            "encoding",
            format!("Both databases are {to}"),
        );
    } else {
        report.warning(
            Side::Destination,
            "encoding",
            format!(
                "The source is {from} and the destination {to}: a character that {to} lacks stops \
                 the copy"
            ),
            "Use a database with the encoding UTF8.",
        );
    }
}
