//! The types that users of the source made: made in the destination before the load, and kept the
//! same while the pipeline runs.
//!
//! **Why this is right.** Values of such types travel as text or, where it is the same, in binary;
//! either way the destination's type must know every label and attribute that a value has. New
//! labels hurt nobody and are added as soon as they are seen. A renamed label, or an attribute that
//! came or went, makes the values of before unreadable, and some of them may still be on their way.
//! Such a change is made when a value of after is met while transactions are applied one by one, or
//! when everything is applied that the source wrote until the change was seen.
//!
//! Where no such steps lead from the copy to the source's type, as when a type is made again with a
//! label less, the copy is set aside under another name and a new one is made; the tables that have
//! it are loaded again, with columns of the new one, and until then their rows stand still.
//!
//! **What can go wrong.** A transaction that holds values of before and of after, or one of before
//! that commits after one of after, fits neither: the pipeline halts ([`Kind::SchemaChanged`]) and
//! changes nothing. A type that walferry did not make is not set aside: one with other labels than
//! the source's is refused ([`Kind::ShapeMismatch`]). Types are never dropped: those that were set
//! aside stay until teardown.

mod work;

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::Client;
use tokio_postgres::types::PgLsn;

pub(super) use work::can_be_set_aside;
use work::{has, work};

use super::loading::ensure_schemas;
use crate::catalog::source::SourceTable;
use crate::catalog::types::{self, Definition, Recorded, Surroundings, Types, definitions};
use crate::catalog::{Column, TypeName, destination};
use crate::checkpoint::{RecordedType, Writer};
use crate::config::{Config, MissingTypes, SchemaChanges};
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::lsn::Lsn;
use crate::sql;
use crate::sql::ask;

/// What rounds tell each other about changes that values of before do not survive.
#[derive(Debug, Default)]
pub(super) struct Mending {
    /// There are such changes, and this was the end of the source's WAL when they were seen first.
    pub(super) due: Option<Lsn>,
    /// A value of after was met: make them.
    pub(super) now: bool,
    /// The last start made changes.
    pub(super) changed: bool,
}

/// What the start of a round found and did.
pub(super) struct Prepared {
    pub(super) types: Types,
    /// What was read of the types that are followed.
    pub(super) followed: Followed,
    /// The end of the source's WAL after that.
    pub(super) position: Lsn,
}

/// The types that may change while the pipeline runs, as they were.
pub(super) struct Followed(HashMap<u32, Definition>);

impl Followed {
    /// An error of [`Kind::TypeChanged`] when one is not as it was.
    pub(super) async fn check(&self, catalog: &Client) -> Result<()> {
        let oids: Vec<u32> = self.0.keys().copied().collect();
        let now = definitions(catalog, Side::Source, &oids).await?;
        let changed = self.0.iter().find(|(oid, was)| now.get(oid) != Some(was));
        // dropped ones have no values any more
        match changed.filter(|(oid, _)| now.contains_key(oid)) {
            None => Ok(()),
            Some((_, was)) => Err(changed_on_the_source(&was.name)),
        }
    }
}

/// Starts the pipeline again, which makes the same change in the destination.
fn changed_on_the_source(name: &TypeName) -> Error {
    let what = format!("The type {name} of the source has changed");
    Error::new(Kind::TypeChanged, what).on(Side::Source)
}

/// Everything is applied that the source wrote before a change was seen: it can be made.
pub(super) fn change_is_due() -> Error {
    let what = "A type of the source has changed, and all values of before are applied";
    Error::new(Kind::TypeChanged, what).on(Side::Source)
}

/// Decides on the types of these columns, from what both sides have now.
pub(super) async fn read(
    config: &Config,
    source: &Client,
    destination: &Client,
    recorded: &[RecordedType],
    columns: impl Iterator<Item = &Column>,
) -> Result<Types> {
    let columns: Vec<&Column> = columns.collect();
    let mut oids: Vec<u32> = columns.iter().map(|column| column.type_oid).collect();
    oids.sort_unstable();
    oids.dedup();
    let definitions = definitions(source, Side::Source, &oids).await?;
    let wanted: Vec<(String, String)> = definitions
        .values()
        .filter_map(|d| Some((d.extension.clone()?, d.name.name.clone())))
        .collect();
    let version = ask::query_one(destination, sql::watch::SERVER_VERSION, &[])
        .await
        .map_err(|error| from_client(Side::Destination, "ask for the version", &error))?;
    let surroundings = Surroundings {
        recorded: by_oid(recorded),
        of_extensions: destination::extension_types(destination, &wanted).await?,
        lacking: lacking(destination, &definitions, &columns).await?,
        version: version.get(0),
    };
    let naming = &config.destination.naming;
    let mut types = Types::new(definitions, &surroundings, |schema| {
        naming.destination_schema(schema)
    });
    types.found(destination::types(destination, &types.names()).await?);
    Ok(types)
}

/// Types that came with the source's version, and that the destination's does not have: newer ones,
/// and those that were given up since.
async fn lacking(
    destination: &Client,
    definitions: &HashMap<u32, Definition>,
    columns: &[&Column],
) -> Result<HashMap<u32, Definition>> {
    let of_columns = columns
        .iter()
        .map(|column| (column.type_oid, column.type_name.as_str()));
    let parts = definitions.values().flat_map(|known| &known.parts);
    let of_parts = parts.map(|part| (part.type_oid, part.format.as_str()));
    let mut built_in: HashMap<u32, &str> = of_columns.chain(of_parts).collect();
    built_in.retain(|oid, _| types::is_built_in(*oid));
    let oids: Vec<u32> = built_in.keys().copied().collect();
    let known = destination::known_types(destination, &oids).await?;
    let lacking = built_in.iter().filter(|(oid, _)| !known.contains(oid));
    let lacking = lacking.map(|(oid, format)| (*oid, Definition::built_in(*oid, format)));
    Ok(lacking.collect())
}

fn by_oid(recorded: &[RecordedType]) -> HashMap<u32, Recorded> {
    let recorded = recorded.iter().map(|recorded| {
        let known = Recorded {
            name: recorded.name.clone(),
            members: recorded.members.clone(),
        };
        (recorded.source_oid, known)
    });
    recorded.collect()
}

/// Makes the types of `missing` and `loaded` tables and brings those that are there up to date.
pub(super) async fn prepare(
    config: &Config,
    writer: &Writer,
    catalog: &Client,
    missing: &[&SourceTable],
    loaded: &[&SourceTable],
    mending: &mut Mending,
) -> Result<Prepared> {
    let recorded = writer.recorded_types().await?;
    let tables = missing.iter().chain(loaded);
    let columns = tables.flat_map(|table| &table.columns);
    let mut types = read(config, catalog, writer.client(), &recorded, columns).await?;
    refuse_text(config, &types, missing)?;
    let position = ask::query_one(catalog, sql::types::POSITION, &[]).await;
    let position =
        position.map_err(|error| from_client(Side::Source, "ask for the position", &error))?;
    let position = Lsn(position.get::<_, PgLsn>(0).into());

    adopt(config, writer, &mut types, loaded).await?;
    let may_mend = mending.now || mending.due.is_some_and(|since| writer.applied().0 >= since);
    let work = work(writer, &types, &recorded, loaded, may_mend).await?;
    if let Some(of) = work.in_use {
        let users = loaded.iter().filter(|table| has(&types, table, of.oid));
        let users: Vec<&SourceTable> = users.copied().collect();
        load_again(config, writer, &users, &of.name).await?;
    }
    mending.now = false;
    mending.due = work.is_due.then(|| mending.due.unwrap_or(position));
    mending.changed = !work.statements.is_empty();
    if mending.changed || !work.records.is_empty() {
        let schemas = work.records.iter().map(|record| record.name.schema.clone());
        ensure_schemas(config, writer, &schemas.collect::<BTreeSet<_>>()).await?;
        writer.change_types(&work.statements, &work.records).await?;
        for (name, _) in &work.statements {
            tracing::info!(type = %name, "type made or changed");
        }
        types.found(destination::types(writer.client(), &types.names()).await?);
    }
    let followed = definitions(catalog, Side::Source, &types.followed()).await?;
    let as_read = types.made().into_iter().map(|(read, _)| read);
    let changed = as_read
        .into_iter()
        .find(|read| followed.get(&read.oid).is_some_and(|now| now != *read));
    match changed {
        Some(read) => Err(changed_on_the_source(&read.name)),
        None => Ok(Prepared {
            types,
            followed: Followed(followed),
            position,
        }),
    }
}

/// By the configuration's wish, a type that cannot be had stops the pipeline.
fn refuse_text(config: &Config, types: &Types, missing: &[&SourceTable]) -> Result<()> {
    if config.missing_types == MissingTypes::Text {
        return Ok(());
    }
    for table in missing {
        for column in &table.columns {
            if let Some((name, why)) = types.text_within(column.type_oid) {
                let what = format!(
                    "The column \"{}\" has the type {name}, which the destination cannot have: \
                     {why}",
                    column.name
                );
                return Err(Error::new(Kind::ShapeMismatch, what)
                    .on(Side::Source)
                    .table(&table.name)
                    .remedy(MISSING_TYPE_REMEDY));
            }
        }
    }
    Ok(())
}

/// For columns whose type the destination lacks.
pub(super) const MISSING_TYPE_REMEDY: &str = "\
    Install the extension in the destination, leave the table out with [tables] exclude, or set \
    [tables] missing_types = \"text\".";

/// A type that was dropped and made again is the copy's new model. Tables that have it are loaded
/// again first: their rows may have been rewritten without a word, or be such of the old one.
async fn adopt(
    config: &Config,
    writer: &Writer,
    types: &mut Types,
    loaded: &[&SourceTable],
) -> Result<()> {
    let Some(remade) = types.remade().cloned() else {
        return Ok(());
    };
    let has_remade = |table: &&&SourceTable| {
        let mut columns = table.columns.iter();
        columns.any(|column| types.uses_remade(column.type_oid))
    };
    let users: Vec<&SourceTable> = loaded.iter().filter(has_remade).copied().collect();
    if users.is_empty() {
        types.adopt_all();
        return Ok(());
    }
    load_again(config, writer, &users, &remade).await
}

/// Loads tables again because of a type, in the next round.
async fn load_again(
    config: &Config,
    writer: &Writer,
    tables: &[&SourceTable],
    of: &TypeName,
) -> Result<()> {
    if config.schema_changes == SchemaChanges::Halt {
        let what = format!(
            "The type {of} is another one by now, and [tables] on_schema_change is \"halt\""
        );
        let remedy = "Start once with \"follow\": the tables that have it are loaded again.";
        let error = Error::new(Kind::SchemaChanged, what);
        return Err(error.on(Side::Source).remedy(remedy));
    }
    for table in tables {
        let why = "its type is another one by now";
        tracing::info!(table = %table.name, type = %of, why, "the table is loaded again");
        writer.mark_for_reload(table.oid).await?;
    }
    Err(changed_on_the_source(of))
}
