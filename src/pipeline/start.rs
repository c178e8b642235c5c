//! From two databases to an open stream: lock, slot, checkpoint, missing tables, routes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio_postgres::Client;

use super::loading::{self, Knowledge};
use super::reshape::Reshape;
use super::routes::{Known, Routes};
use super::tablesync::{Joining, next_group};
use super::take_over::{PUBLICATION_MAY_BE_MISSING, take_over};
use super::types::{self, Followed};
use super::{Progress, quarantine};
use crate::apply::Applier;
use crate::catalog::TableName;
use crate::catalog::destination::{self, DestinationTable};
use crate::catalog::source::{self, Facts, Look, Sending, SourceTable};
use crate::catalog::types::Types;
use crate::checkpoint::{self, LoadedTable, Loader, Writer, tablesync_name};
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::lsn::Lsn;
use crate::observe::{Board, State, TableState};
use crate::protect::{Protection, Protector, Recorded};
use crate::snapshot;
use crate::source::{Connection, Mode, PUBLICATION_GONE, Stream};
use crate::sql;
use crate::sql::replication::Format;
use crate::transport;

/// Everything the stream needs.
pub(super) struct Started {
    /// Holds the writer lock.
    pub(super) applier: Applier,
    /// Starts after the checkpoint.
    pub(super) stream: Stream,
    /// Where rows go.
    pub(super) routes: Routes,
    /// Tables that are to be loaded now, while the others are followed.
    pub(super) joining: Vec<Joining>,
    /// Records them.
    pub(super) loader: Loader,
    /// What the source's tables looked like.
    pub(super) fingerprint: String,
    /// Once everything before it is applied, keys can follow.
    pub(super) keys_due: Option<Lsn>,
    /// The publications that may be read through, by oid, where the source does not see to that.
    pub(super) publications: Vec<u32>,
    /// A session for questions to the source's catalog.
    pub(super) catalog: Client,
    /// What becomes of types.
    pub(super) types: Arc<Types>,
    /// Those that may change while it runs.
    pub(super) followed: Followed,
    /// The end of the source's WAL when the types were read.
    pub(super) position: Lsn,
}

/// Takes the pipeline over, loads what is missing, opens the stream. What earlier rounds have found
/// out about tables is written down first.
pub(super) async fn start(
    config: &Arc<Config>,
    board: &Board,
    progress: &mut Progress,
) -> Result<Started> {
    board.state(State::Starting);
    let (mut writer, made_state_schema) = lock(config).await?;
    let catalog = transport::connect(&config.source.endpoint, "catalog").await?;
    let (facts, made_publication) = facts(config, &catalog, &writer).await?;
    // Before there is a snapshot, so that whatever happens to a table after this is noticed.
    let mut seen = look(config, &catalog, &writer).await?;
    let exported = take_over(config, &mut writer, &facts, made_publication).await?;
    record_schema(config, &writer, made_state_schema).await?;
    let server_version = u32::try_from(facts.version_num).unwrap_or(0);
    let was_loaded = what_is_loaded(config, board, &writer, &catalog, &mut seen.look, progress);
    let (mut loaded, quarantined) = was_loaded.await?;
    let (look, protector, protected) = (seen.look, seen.protector, seen.protected);
    let (tables, shapes, fingerprint) = (look.tables, look.shapes, look.fingerprint);
    let (kept, new) = loading::kept_and_new(config, &tables, &loaded);
    let mending = &mut progress.mending;
    let prepared = types::prepare(config, &writer, &catalog, &new, &kept, mending).await?;
    let types = Arc::new(prepared.types);
    report_loaded(board, &loaded);
    writer.forget(&tablesync_name(&config.pipeline)).await?;
    let knowledge = Knowledge {
        tables: &tables,
        shapes: &shapes,
        types: &types,
        protected: &protected,
    };
    let reshape = Reshape::new(config, &writer, &knowledge, prepared.position, progress);
    let keys_wait = reshape.follow(&mut loaded).await?;
    let mut joining = Vec::new();
    if let Some(exported) = exported {
        let load = loading::load(config, board, &writer, &catalog, &knowledge, exported);
        loaded.extend(load.await?.into_iter().map(|t| (t.source_oid, t)));
    } else {
        joining = loading::joining(config, &writer, &knowledge, &loaded).await?;
        if joining.is_empty() {
            tidy(config, &writer).await;
        }
        for joining in &joining {
            board.table_state(&joining.table.name, TableState::Pending);
        }
    }
    let waiting = take_waiting(&mut loaded, &joining);
    let gone = |recorded: &[Recorded]| protector.of_gone(recorded);
    let types_too = Arc::clone(&types);
    let mut routes = routes(&writer, &tables, gone, loaded, types_too, server_version).await?;
    routes.skip_all(waiting);
    routes.leave(quarantined);
    let stream = open_stream(config, &writer, &routes, server_version, progress).await?;
    let records = writer.loader();
    let applier = Applier::new(config, writer).await?;
    Ok(Started {
        applier,
        stream,
        routes,
        joining: next_group(joining),
        loader: records,
        fingerprint,
        keys_due: keys_wait.then_some(prepared.position),
        publications: only_publications(&facts),
        catalog,
        types,
        followed: prepared.followed,
        position: prepared.position,
    })
}

/// Once the pipeline has its row, the state schema can be one that walferry made.
async fn record_schema(config: &Config, writer: &Writer, made: bool) -> Result<()> {
    if !made {
        return Ok(());
    }
    let schema = &config.destination.state_schema;
    writer.record_schema(schema).await
}

/// The source's tables, and what becomes of their columns.
struct Seen {
    look: Look,
    protector: Protector,
    protected: HashMap<u32, Vec<Recorded>>,
}

/// Looks at the source's tables, and decides on their columns.
async fn look(config: &Config, catalog: &Client, writer: &Writer) -> Result<Seen> {
    let mut look = source::look(catalog, &config.source.publications).await?;
    let protector = Protector::new(config).await?;
    let protected = writer.protected().await?;
    for table in &mut look.tables {
        let recorded = protected.get(&table.oid).map_or(&[][..], Vec::as_slice);
        protector.protect(table, recorded);
    }
    Ok(Seen {
        look,
        protector,
        protected,
    })
}

/// The source's settings, once there is a publication; also, whether this start made it.
async fn facts(config: &Config, catalog: &Client, writer: &Writer) -> Result<(Facts, bool)> {
    let (slot, publications) = (&config.source.slot, &config.source.publications);
    let facts = source::facts(catalog, slot, publications).await?;
    if !ensure_publications(config, catalog, &facts, writer).await? {
        return Ok((facts, false));
    }
    let facts = source::facts(catalog, slot, publications).await?;
    Ok((facts, true))
}

/// Takes the writer lock; also, whether walferry made the state schema.
async fn lock(config: &Config) -> Result<(Writer, bool)> {
    let state_schema = &config.destination.state_schema;
    let mut control = transport::connect(&config.destination.endpoint, "apply").await?;
    let made = checkpoint::migrate(&mut control, state_schema).await?;
    let writer = Writer::lock(control, state_schema, &config.pipeline).await?;
    Ok((writer, made))
}

/// Takes out the tables whose rows are skipped for now: those that join, and those that were
/// dropped before their new load was complete.
fn take_waiting(loaded: &mut HashMap<u32, LoadedTable>, joining: &[Joining]) -> HashSet<u32> {
    let again = loaded.values().filter(|table| table.reload);
    let again = again.map(|table| table.source_oid);
    let joining = joining.iter().map(|joining| joining.table.oid);
    let waiting: HashSet<u32> = joining.chain(again).collect();
    loaded.retain(|oid, _| !waiting.contains(oid));
    waiting
}

fn report_loaded(board: &Board, loaded: &HashMap<u32, LoadedTable>) {
    for table in loaded.values() {
        board.table_done(&table.source, table.rows, table.bytes);
    }
}

/// The publications by oid, where a source decodes without them.
fn only_publications(facts: &Facts) -> Vec<u32> {
    let found = facts.publications.iter();
    let found = found.filter(|_| facts.version_num >= PUBLICATION_MAY_BE_MISSING);
    found.map(|found| found.oid).collect()
}

/// Drops what was loaded for tables that are not wanted any more. A session of an earlier round may
/// still work on one of them: the stream does not wait for that.
async fn tidy(config: &Config, writer: &Writer) {
    let pipelines = [config.pipeline.clone(), tablesync_name(&config.pipeline)];
    let prefixes = pipelines.map(|pipeline| snapshot::hidden_prefix(&pipeline));
    let state_schema = &config.destination.state_schema;
    let tidied = snapshot::try_to_tidy(writer.client(), state_schema, &prefixes).await;
    if let Err(error) = tidied {
        tracing::warn!(error = %error, "what an unfinished load has left stays for now");
    }
}

/// Streams from the checkpoint on; large transactions come before they commit, if they can.
async fn open_stream(
    config: &Config,
    writer: &Writer,
    routes: &Routes,
    version: u32,
    progress: &Progress,
) -> Result<Stream> {
    let in_progress = version >= 140_000 && progress.takes_transactions_in_progress(config);
    let format = Format {
        version,
        binary: routes.binary(),
        in_progress,
    };
    Connection::open(&config.source.endpoint, "stream", Mode::Replication)
        .await?
        .start_replication(
            &config.source.slot,
            writer.durable().lsn(),
            &config.source.publications,
            format,
        )
        .await
}

/// A table that is dropped while the catalogs are read is still in one and no longer in the other.
/// Read again they agree about it.
async fn left_or_dropped(config: &Config, catalog: &Client, left: &SourceTable) -> Error {
    let now = match source::tables(catalog, &config.source.publications).await {
        Ok(now) => now,
        Err(error) => return error,
    };
    if now.iter().any(|now| now.oid == left.oid && !now.published) {
        return left_the_publication(&left.name);
    }
    let what = "The catalog of the source changed while it was read";
    Error::new(Kind::TableAdded, what).on(Side::Source)
}

/// The tables that were loaded and are to be followed, and the oids of those that are quarantined,
/// which are taken out of `look` as well.
async fn what_is_loaded(
    config: &Config,
    board: &Board,
    writer: &Writer,
    catalog: &Client,
    look: &mut Look,
    progress: &mut Progress,
) -> Result<(HashMap<u32, LoadedTable>, HashSet<u32>)> {
    let mut loaded = writer.loaded_tables().await?;
    let (faulty, tables) = (&mut progress.faulty, &mut look.tables);
    let quarantined =
        quarantine::take_out(config, board, writer, faulty, tables, &mut loaded).await?;
    let aside = set_aside(writer, look, &mut loaded).await?;
    if let Some(left) = no_longer_published(config, &look.tables, &loaded, &aside) {
        return Err(left_or_dropped(config, catalog, left).await);
    }
    Ok((loaded, quarantined))
}

/// Tables that nobody is to expect anything of, though they are there: partitions that were sent as
/// such and are detached, and tables that write no WAL any more. Their copies stand still; should
/// they come back, they are loaded again.
async fn set_aside(
    writer: &Writer,
    look: &Look,
    loaded: &mut HashMap<u32, LoadedTable>,
) -> Result<HashSet<u32>> {
    let known = writer.shapes().await?;
    let was_part = |oid: u32| {
        let sending = known.get(&oid).and_then(|known| known.sending.as_ref());
        sending.is_some_and(Sending::is_only_a_part)
    };
    let detached = look.tables.iter().filter(|table| {
        let is_left = !table.published && !table.is_partition;
        is_left && loaded.contains_key(&table.oid) && was_part(table.oid)
    });
    let mut aside: HashSet<u32> = detached.map(|table| table.oid).collect();
    aside.extend(look.unlogged.iter().filter(|oid| loaded.contains_key(oid)));
    let waiting = loaded.values_mut().filter(|table| !table.reload);
    for table in waiting.filter(|table| aside.contains(&table.source_oid)) {
        tracing::warn!(
            table = %table.source,
            "the copy of a table stands still: that was detached, or writes no WAL any more"
        );
        table.reload = true;
        writer.mark_for_reload(table.source_oid).await?;
    }
    Ok(aside)
}

/// A table that is to be followed and is not published.
fn no_longer_published<'t>(
    config: &Config,
    tables: &'t [SourceTable],
    loaded: &HashMap<u32, LoadedTable>,
    aside: &HashSet<u32>,
) -> Option<&'t SourceTable> {
    tables.iter().find(|table| {
        let selected = config.tables.selects(&table.name.schema, &table.name.name);
        let expected = loaded.contains_key(&table.oid) && !aside.contains(&table.oid);
        selected && !table.published && expected
    })
}

/// What was written meanwhile will never come, so the copy would be wrong without a word.
fn left_the_publication(table: &TableName) -> Error {
    let what = "A table that was copied is no longer in the publication";
    let remedy = "Add it to the publication and load it again with `walferry resync`, or leave it \
                  out with [tables] exclude.";
    Error::new(Kind::PublicationMissing, what)
        .on(Side::Source)
        .table(table)
        .remedy(remedy)
}

/// What to do about one of several publications that is not there.
pub(super) const ONE_OF_SEVERAL: &str = "Of several publications walferry makes none: make it, or \
     take it out of [source.replication] publication.";

/// The publication was there when the pipeline started.
pub(super) fn publication_gone(name: &str) -> Error {
    let what = format!("The publication \"{name}\" was dropped");
    Error::new(Kind::PublicationMissing, what)
        .on(Side::Source)
        .remedy(PUBLICATION_GONE)
}

/// Makes the publication when it is missing and the role may; whether it did. One that a stream
/// was read through is not made again, since what was written meanwhile would be left out, nor is
/// one of several, since nobody knows what it is to send.
async fn ensure_publications(
    config: &Config,
    catalog: &Client,
    facts: &Facts,
    writer: &Writer,
) -> Result<bool> {
    let names = &config.source.publications;
    let Some(name) = names.iter().find(|name| facts.publication(name).is_none()) else {
        return Ok(false);
    };
    let registered = writer.read().await?;
    if registered.is_some_and(|pipeline| pipeline.applied.0 != Lsn::ZERO) {
        return Err(publication_gone(name));
    }
    if names.len() > 1 {
        let what = format!("The publication \"{name}\" does not exist");
        return Err(Error::new(Kind::PublicationMissing, what)
            .on(Side::Source)
            .remedy(ONE_OF_SEVERAL));
    }
    let tables = source::tables(catalog, names).await?;
    let selected: Vec<&TableName> = tables
        .iter()
        .filter(|table| !table.is_partition)
        .map(|table| &table.name)
        .filter(|table| config.tables.selects(&table.schema, &table.name))
        .collect();
    if selected.is_empty() {
        let what = "No table of the source matches [tables] include and exclude";
        let remedy = "`walferry discover` lists the tables that there are.";
        return Err(Error::new(Kind::Config, what)
            .on(Side::Source)
            .remedy(remedy));
    }
    let via_root = facts.version_num >= 130_000;
    let statement = sql::remedy::create_publication(name, selected.iter().copied(), via_root);
    let made = catalog.batch_execute(&statement).await;
    made.map_err(|error| {
        from_client(
            Side::Source,
            &format!("make the publication \"{name}\""),
            &error,
        )
        .as_kind(Kind::PublicationMissing)
        .remedy(format!(
            "Have an administrator of the source run: {statement}"
        ))
    })?;
    tracing::info!(
        publication = name,
        tables = selected.len(),
        "publication made"
    );
    Ok(true)
}

/// `server_version_num` of the source.
pub(super) async fn version(catalog: &Client) -> Result<u32> {
    let version = source::version_num(catalog).await?;
    Ok(u32::try_from(version).unwrap_or(0))
}

fn copy_gone(place: &TableName) -> Error {
    let what = "The destination table is gone";
    let remedy = "To load it again: `walferry resync`; to leave it out, add it to [tables] exclude \
                  as well.";
    Error::new(Kind::ShapeMismatch, what)
        .on(Side::Destination)
        .table(place)
        .remedy(remedy)
}

/// What becomes of each relation's rows; `of_gone` says what becomes of the protected columns of a
/// table that is none of `tables`.
pub(super) async fn routes(
    writer: &Writer,
    tables: &[SourceTable],
    of_gone: impl Fn(&[Recorded]) -> Protection,
    loaded: HashMap<u32, LoadedTable>,
    types: Arc<Types>,
    server_version: u32,
) -> Result<Routes> {
    let names: Vec<TableName> = loaded
        .values()
        .map(|table| table.destination.clone())
        .collect();
    let mut shapes: HashMap<TableName, DestinationTable> =
        destination::tables(writer.client(), &names).await?;
    let mut by_oid: HashMap<u32, SourceTable> = tables
        .iter()
        .map(|table| (table.oid, table.clone()))
        .collect();
    let mut history = writer.shapes().await?;
    let protected = writer.protected().await?;
    let mut known = HashMap::new();
    for (oid, loaded) in loaded {
        let source = by_oid.remove(&oid);
        let Some(destination) = shapes.remove(&loaded.destination) else {
            if source.is_none() {
                continue;
            }
            return Err(copy_gone(&loaded.destination));
        };
        let protection = match (&source, protected.get(&oid)) {
            (Some(source), _) => source.protection.clone(),
            (None, Some(recorded)) => of_gone(recorded),
            (None, None) => Protection::default(),
        };
        known.insert(
            oid,
            Known {
                loaded,
                destination,
                source,
                protection,
                shapes: history.remove(&oid).unwrap_or_default().versions,
            },
        );
    }
    let columns = known.values().flat_map(|known| &known.destination.columns);
    let foreign: Vec<u32> = columns
        .filter(|column| !column.type_is_builtin)
        .map(|column| column.type_oid)
        .collect();
    let equality = destination::equality(writer.client(), &foreign).await?;
    // Tables that exist and are not published cannot send rows, unless that changes: then they
    // are newcomers.
    let skipped = by_oid
        .into_values()
        .filter(|table| table.published)
        .map(|table| table.oid);
    Ok(Routes::new(
        known,
        skipped.collect(),
        server_version >= 140_000,
        types,
        equality,
    ))
}
