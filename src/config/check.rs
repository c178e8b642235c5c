//! The tree, read section by section into what may be relied on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::raw::Written;
use super::section::{Context, Section};
use super::{
    Apply, Config, Destination, Indexes, LostSlot, MissingTypes, Naming, Protect, SchemaChanges,
    Selection, Snapshot, Source, TableErrors, endpoint, naming, observability,
};
use crate::error::{Result, Side};
use crate::limits::IDENTIFIER_BYTES_MAX;
use crate::transport::Endpoint;
use crate::transport::ssh::Hop;

const BATCH_ROWS: u64 = 100_000;
const BATCH_ROWS_MAX: u64 = 10_000_000;
const MEMORY: bytesize::ByteSize = bytesize::ByteSize::mib(64);
const MEMORY_MIN: bytesize::ByteSize = bytesize::ByteSize::mib(1);
const SPOOL: bytesize::ByteSize = bytesize::ByteSize::gib(64);
const SPOOL_MAX: bytesize::ByteSize = bytesize::ByteSize::tib(16);
const WORKERS: u64 = 4;
const WORKERS_MAX: u64 = 64;
const INDEX_WORKERS: u64 = 2;
const INDEX_MEMORY: bytesize::ByteSize = bytesize::ByteSize::mib(256);
const INDEX_MEMORY_MAX: bytesize::ByteSize = bytesize::ByteSize::tib(1);
const FILLFACTOR: u64 = 90;
const MEMORY_MAX: bytesize::ByteSize = bytesize::ByteSize::gib(2);
const TIME_LIMIT_MIN: Duration = Duration::from_millis(100);
const TIME_LIMIT_MAX: Duration = Duration::from_hours(24);

/// The configuration, or one error with all faults.
pub(super) fn check(written: &Written) -> Result<Config> {
    let context = Context {
        faults: super::faults::Faults::default(),
        folder: written
            .file
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new("")),
        exposed: written.exposed.as_deref(),
    };
    let config = read(&context, written);
    let place = written.file.as_deref().map_or_else(
        || "the configuration".to_owned(),
        |f| f.display().to_string(),
    );
    let remedy =
        format!("Mend {place}; `walferry init` prints every key with its unit and default.");
    match context.faults.into_error(&remedy) {
        Some(error) => Err(error),
        None => Ok(config),
    }
}

pub(super) fn read<'a>(context: &'a Context<'a>, written: &Written) -> Config {
    let mut root = Section::root(context, written.tree.clone());
    let pipeline = pipeline(root.section("pipeline"));
    let tables = tables(root.section("tables"));
    let (tables, protect, schema_changes, missing_types, table_errors) = tables;
    let config = Config {
        file: written.file.clone(),
        source: source(root.section("source"), &pipeline),
        pipeline,
        destination: destination(root.section("destination")),
        tables,
        protect,
        schema_changes,
        missing_types,
        table_errors,
        apply: apply(root.section("apply")),
        snapshot: snapshot(root.section("snapshot")),
        observability: observability::read(root.section("observability")),
    };
    root.finish();
    let (source, destination) = (&config.source.endpoint, &config.destination.endpoint);
    if !source.database.is_empty()
        && source.host == destination.host
        && source.port == destination.port
        && way(source) == way(destination)
        && source.database == destination.database
    {
        context.faults.add(
            "destination",
            "is the same database as the source",
            "Name another database: a copy of a database in itself would be copied again",
        );
    }
    config
}

/// The same name is another server behind another hop.
fn way(endpoint: &Endpoint) -> Option<String> {
    endpoint.hops.last().map(Hop::address)
}

fn pipeline(mut section: Section<'_>) -> String {
    let name = section.required("name", "\"app\"").unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.chars().all(fits) || name.len() > IDENTIFIER_BYTES_MAX {
        section.fault(
            "name",
            "may hold only letters, digits, _ and -, and at most 63 of them",
            "Choose another name",
        );
    }
    section.finish();
    name
}

fn source(mut section: Section<'_>, pipeline: &str) -> Source {
    let endpoint = endpoint::read(&mut section, Side::Source);
    let mut replication = section.section("replication");
    let default = format!(
        "walferry_{}",
        pipeline.to_ascii_lowercase().replace('-', "_")
    );
    let slot = replication.text("slot").unwrap_or_else(|| default.clone());
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if let Some(why) = naming::unfit_identifier(&slot) {
        replication.fault("slot", why, "Choose a name of 1 to 63 characters");
    } else if !pipeline.is_empty() && !slot.chars().all(fits) {
        replication.fault(
            "slot",
            format!("may hold only lower-case letters, digits and underscores, not {slot:?}"),
            "Choose another name for the slot",
        );
    }
    let publications = replication.one_or_more("publication");
    let publications = publications.unwrap_or_else(|| vec![default]);
    check_publications(&replication, &publications);
    let lost_slot =
        replication.parsed(
            "on_lost_slot",
            "\"halt\" or \"resync\"",
            "halt",
            |text| match text {
                "halt" => Some(LostSlot::Halt),
                "resync" => Some(LostSlot::Resync),
                _ => None,
            },
        );
    replication.finish();
    section.finish();
    Source {
        endpoint,
        slot,
        publications,
        lost_slot: lost_slot.unwrap_or(LostSlot::Halt),
    }
}

fn check_publications(section: &Section<'_>, names: &[String]) {
    for (at, name) in names.iter().enumerate() {
        if let Some(why) = naming::unfit_identifier(name) {
            section.fault("publication", why, "Choose a name of 1 to 63 bytes");
        }
        if names[..at].contains(name) {
            let what = format!("names {name:?} twice");
            section.fault("publication", what, "Name each publication once");
        }
    }
    if names.is_empty() {
        section.fault(
            "publication",
            "names none",
            "Leave the key out for the default",
        );
    }
}

fn destination(mut section: Section<'_>) -> Destination {
    let endpoint = endpoint::read(&mut section, Side::Destination);
    let state_schema = section
        .text("state_schema")
        .unwrap_or_else(|| "walferry".to_owned());
    if let Some(why) = naming::unfit_schema(&state_schema) {
        section.fault("state_schema", why, "Choose another name for the schema");
    }
    let naming = Naming::read(&mut section, &state_schema);
    let readers = section.list("readers").unwrap_or_default();
    for reader in &readers {
        if let Some(why) = naming::unfit_identifier(reader) {
            let what = format!("has the role {reader:?}, whose name {why}");
            section.fault("readers", what, "Name roles that exist in the destination");
        }
    }
    section.finish();
    Destination {
        endpoint,
        naming,
        state_schema,
        readers,
    }
}

fn tables(
    mut section: Section<'_>,
) -> (Selection, Protect, SchemaChanges, MissingTypes, TableErrors) {
    let selection = Selection::read(&mut section);
    let protect = Protect::read(&mut section);
    let changes = section.parsed(
        "on_schema_change",
        "\"follow\", \"ignore\" or \"halt\"",
        "follow",
        |text| match text {
            "follow" => Some(SchemaChanges::Follow),
            "ignore" => Some(SchemaChanges::Ignore),
            "halt" => Some(SchemaChanges::Halt),
            _ => None,
        },
    );
    let missing_types =
        section.parsed(
            "missing_types",
            "\"text\" or \"error\"",
            "text",
            |text| match text {
                "text" => Some(MissingTypes::Text),
                "error" => Some(MissingTypes::Error),
                _ => None,
            },
        );
    let errors = section.parsed(
        "on_table_error",
        "\"halt\" or \"quarantine\"",
        "halt",
        |text| match text {
            "halt" => Some(TableErrors::Halt),
            "quarantine" => Some(TableErrors::Quarantine),
            _ => None,
        },
    );
    section.finish();
    (
        selection,
        protect,
        changes.unwrap_or(SchemaChanges::Follow),
        missing_types.unwrap_or(MissingTypes::Text),
        errors.unwrap_or(TableErrors::Halt),
    )
}

fn apply(mut section: Section<'_>) -> Apply {
    let rows = section.integer("batch_rows_max", 1..=BATCH_ROWS_MAX, BATCH_ROWS);
    let memory = section.parsed(
        "memory_max",
        "a size from 1 MiB to 2 GiB",
        "64 MiB",
        |text| {
            let size: bytesize::ByteSize = text.parse().ok()?;
            usize::try_from(size.as_u64())
                .ok()
                .filter(|_| (MEMORY_MIN..=MEMORY_MAX).contains(&size))
        },
    );
    let spool_directory = section.path("spool_dir");
    let spool = section.parsed("spool_max", "a size up to 16 TiB, or 0", "64 GiB", |text| {
        let size: bytesize::ByteSize = text.parse().ok()?;
        (size <= SPOOL_MAX).then_some(size)
    });
    let statement_timeout = time_limit(&mut section, "statement_timeout");
    let lock_timeout = time_limit(&mut section, "lock_timeout");
    section.finish();
    Apply {
        spool_directory: spool_directory.unwrap_or_else(spool_directory_by_default),
        spool_bytes_max: spool.unwrap_or(SPOOL).as_u64(),
        statement_timeout,
        lock_timeout,
        batch_rows_max: usize::try_from(rows).unwrap_or(usize::MAX),
        memory_bytes_max: memory
            .unwrap_or_else(|| usize::try_from(MEMORY.as_u64()).unwrap_or(usize::MAX)),
    }
}

/// Where systemd says, or where large files go that may outlive a boot but need not.
fn spool_directory_by_default() -> PathBuf {
    let given = std::env::var_os("CACHE_DIRECTORY");
    let first = given.and_then(|given| std::env::split_paths(&given).next());
    first.unwrap_or_else(|| PathBuf::from("/var/tmp"))
}

/// `off`, or from a tenth of a second to a day.
fn time_limit(section: &mut Section<'_>, key: &str) -> Option<Duration> {
    let limit = section.parsed(
        key,
        "\"off\", or a duration from 100ms to 1day",
        "5min",
        |text| {
            if text == "off" {
                return Some(None);
            }
            let limit = text.parse::<humantime_serde::re::humantime::Duration>();
            let limit = Duration::from(limit.ok()?);
            let fits = (TIME_LIMIT_MIN..=TIME_LIMIT_MAX).contains(&limit);
            fits.then_some(Some(limit))
        },
    );
    limit.flatten()
}

fn snapshot(mut section: Section<'_>) -> Snapshot {
    let workers = section.integer("workers", 1..=WORKERS_MAX, WORKERS);
    let index_workers = section.integer("index_workers", 1..=WORKERS_MAX, INDEX_WORKERS);
    let index_memory = section.parsed(
        "index_memory",
        "a size from 1 MiB to 1 TiB",
        "256 MiB",
        |text| {
            let size: bytesize::ByteSize = text.parse().ok()?;
            (MEMORY_MIN..=INDEX_MEMORY_MAX)
                .contains(&size)
                .then_some(size)
        },
    );
    let indexes = section.parsed(
        "indexes",
        "\"primary\", \"all\" or \"none\"",
        "primary",
        |text| match text {
            "primary" => Some(Indexes::Primary),
            "all" => Some(Indexes::All),
            "none" => Some(Indexes::None),
            _ => None,
        },
    );
    let fillfactor = section.integer("fillfactor", 10..=100, FILLFACTOR);
    section.finish();
    Snapshot {
        workers: usize::try_from(workers).unwrap_or(usize::MAX),
        index_workers: usize::try_from(index_workers).unwrap_or(usize::MAX),
        index_memory_bytes: index_memory.unwrap_or(INDEX_MEMORY).as_u64(),
        indexes: indexes.unwrap_or(Indexes::Primary),
        fillfactor: u8::try_from(fillfactor).unwrap_or(100),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, LostSlot, parse};

    fn with(publication: &str) -> crate::error::Result<Config> {
        parse(&format!(
            "[pipeline]\nname = 'p'\n[source]\nhost = '/a'\ndatabase = 'a'\nuser = 'u'\n\
             [destination]\nhost = '/b'\ndatabase = 'b'\nuser = 'u'\nschema_prefix = 'c'\n\
             [source.replication]\npublication = {publication}\n"
        ))
    }

    #[test]
    fn a_lost_slot_halts_unless_a_new_load_was_asked_for() {
        let asked = with("'a'\non_lost_slot = 'resync'").unwrap();
        assert_eq!(asked.source.lost_slot, LostSlot::Resync);
        let error = with("'a'\non_lost_slot = 'reload'").unwrap_err();
        assert!(
            error.to_string().contains("\"halt\" or \"resync\""),
            "{error}"
        );
    }

    #[test]
    fn publications_are_one_or_a_list_of_different_ones() {
        let one = with("'one, still one'").unwrap();
        assert_eq!(one.source.lost_slot, LostSlot::Halt);
        assert_eq!(one.source.publications, ["one, still one"]);
        let two = with("['a', 'b']").unwrap();
        assert_eq!(two.source.publications, ["a", "b"]);
        for publication in ["['a', 'a']", "[]"] {
            let error = with(publication).unwrap_err().to_string();
            assert!(error.contains("source.replication.publication"), "{error}");
        }
    }
}
