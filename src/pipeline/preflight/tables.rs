//! Findings about the tables of the source.

use super::report::Report;
use crate::catalog::source::{Facts, SourceTable};
use crate::catalog::{ReplicaIdentity, TableName};
use crate::config::Config;
use crate::error::{Kind, Side};
use crate::snapshot::KEY_REMEDY;
use crate::sql::remedy;

/// Whether the patterns find what they name.
pub(super) fn inspect_selection(
    config: &Config,
    all: &[SourceTable],
    unlogged: &[TableName],
    report: &mut Report,
) {
    let selects = |name: &TableName| config.tables.selects(&name.schema, &name.name);
    let mut found = false;
    for wanted in named(config) {
        let is_root_of_sent = all.iter().any(|table| table.name == wanted);
        if !is_root_of_sent && !unlogged.contains(&wanted) {
            found = true;
            report.failure(
                Kind::Config,
                Side::Source,
                format!("table {wanted}"),
                "There is no such table, or it is a view, a temporary table, or a partitioned \
                 table that the publication sends by its partitions",
                "Correct `include` in [tables]; `walferry discover` lists the tables.",
            );
        }
    }
    for name in unlogged.iter().filter(|name| selects(name)) {
        report.warning(
            Side::Source,
            format!("table {name}"),
            "The table is unlogged: it writes no WAL and is left out",
            remedy::set_logged(name),
        );
    }
    if !found && !all.iter().any(|table| selects(&table.name)) {
        report.failure(
            Kind::Config,
            Side::Source,
            "tables",
            "No table is selected",
            "Correct `include` and `exclude` in [tables]; `walferry discover` lists the tables.",
        );
    }
}

/// Whether the selected tables can be loaded and followed.
pub(super) fn inspect(
    config: &Config,
    facts: &Facts,
    selected: &[SourceTable],
    report: &mut Report,
) {
    let published = !facts.publications.is_empty();
    if published {
        membership(config, selected, report);
    }
    let followed = selected
        .iter()
        .filter(|table| table.published || !published);
    let mut readable = 0_usize;
    for table in followed {
        readable += usize::from(rights(table, &facts.role, report));
        identity(table, report);
        limits(table, report);
    }
    if readable > 0 {
        let what = format!(
            "The role may read {readable} of {} selected tables",
            selected.len()
        );
        report.ok(Side::Source, "tables", what);
    }
}

/// The tables that include patterns name exactly.
fn named(config: &Config) -> Vec<TableName> {
    config
        .tables
        .include()
        .filter_map(|pattern| {
            Some(TableName::new(
                pattern.schema().exact()?,
                pattern.table().exact()?,
            ))
        })
        .collect()
}

fn membership(config: &Config, selected: &[SourceTable], report: &mut Report) {
    let publication = &config.source.publications[0];
    let names = config.source.publications.join(", ");
    let subject = format!("publication {names}");
    let included = named(config);
    let (exact, matched): (Vec<&TableName>, Vec<&TableName>) = selected
        .iter()
        .filter(|table| !table.published)
        .map(|table| &table.name)
        .partition(|name| included.contains(name));
    for name in &exact {
        report.failure(
            Kind::PublicationMissing,
            Side::Source,
            format!("table {name}"),
            format!("The publication {names} does not send the table"),
            remedy::publish(publication, [*name]),
        );
    }
    if !matched.is_empty() {
        let listed: Vec<String> = matched.iter().map(ToString::to_string).collect();
        let what = format!(
            "{} selected tables are not sent and will be left out: {}",
            matched.len(),
            listed.join(", ")
        );
        let remedy = remedy::publish(publication, matched);
        report.warning(Side::Source, subject, what, remedy);
    } else if exact.is_empty() && !selected.is_empty() {
        let what = format!("All {} selected tables are sent", selected.len());
        report.ok(Side::Source, subject, what);
    }
}

/// True when the initial load may read it.
fn rights(table: &SourceTable, role: &str, report: &mut Report) -> bool {
    let subject = format!("table {}", table.name);
    if !table.is_readable() {
        report.failure(
            Kind::Privilege,
            Side::Source,
            subject,
            format!("The role {role} may not SELECT every column of the table"),
            remedy::grant_select(&table.name, role),
        );
        return false;
    }
    if table.row_security {
        report.failure(
            Kind::Privilege,
            Side::Source,
            subject,
            format!("Row-level security would hide rows of the table from the role {role}"),
            remedy::bypass_row_security(role),
        );
        return false;
    }
    true
}

/// How rows are found again, and what the source refuses.
fn identity(table: &SourceTable, report: &mut Report) {
    let subject = format!("table {}", table.name);
    if let Some(column) = table.unfit_key_column() {
        let treatment = table.protection.of(column.attnum).describe();
        report.failure(
            Kind::ShapeMismatch,
            Side::Source,
            subject,
            format!(
                "The key column {} is {treatment}, so that rows cannot be told apart",
                column.name
            ),
            KEY_REMEDY,
        );
        return;
    }
    let unsent = table
        .key()
        .iter()
        .find(|at| !table.published_columns.contains(at));
    if let Some(&at) = unsent {
        report.failure(
            Kind::ShapeMismatch,
            Side::Source,
            subject,
            format!(
                "The key column {} is not sent by the publication",
                table.columns[at].name
            ),
            "Add it to the publication's column list; a generated column can be a key from 18 on \
             (publish_generated_columns = stored).",
        );
        return;
    }
    if table.has_identity() {
        return;
    }
    let full = remedy::identity_full(&table.name);
    let (why, remedy) = match table.identity {
        ReplicaIdentity::Nothing if table.primary_key.is_empty() => {
            ("The replica identity is NOTHING", full)
        }
        ReplicaIdentity::Nothing => (
            "The replica identity is NOTHING",
            remedy::identity_default(&table.name),
        ),
        _ if table.deferrable_key => (
            "The primary key is deferrable, which cannot identify rows",
            format!("Make the key NOT DEFERRABLE, or: {full}"),
        ),
        _ => (
            "The table has no primary key",
            format!("Add a primary key, or: {full}"),
        ),
    };
    let what = format!(
        "{why}: only inserts are followed, and the source itself refuses UPDATE and DELETE on it \
         while a publication sends them"
    );
    report.warning(Side::Source, subject, what, remedy);
}

/// What the publications leave out.
fn limits(table: &SourceTable, report: &mut Report) {
    let subject = || format!("table {}", table.name);
    if table.columns_differ {
        report.failure(
            Kind::Unsupported,
            Side::Source,
            subject(),
            "The publications send different columns of the table, which the source refuses",
            "Give it the same column list in each of them, or take it out of all but one.",
        );
        return;
    }
    if table.row_filter.is_some() {
        report.warning(
            Side::Source,
            subject(),
            "The publication has a row filter: only matching rows are copied",
            "Nothing to do if that is what the publication is for.",
        );
    }
    let unsent: Vec<&str> = (0..table.columns.len())
        .filter(|at| {
            let column = &table.columns[*at];
            let is_sent = table.published_columns.contains(at);
            let is_dropped = table.protection.drops(column.attnum);
            column.generated.is_none() && !is_sent && !is_dropped
        })
        .map(|at| table.columns[at].name.as_str())
        .collect();
    if !unsent.is_empty() {
        report.warning(
            Side::Source,
            subject(),
            format!(
                "The publication has a column list without {}",
                unsent.join(", ")
            ),
            "Nothing to do if that is what the publication is for.",
        );
    }
}
