//! From two databases to an open stream: lock, slot, checkpoint, missing tables, routes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;
use tokio::try_join;
use tokio_postgres::Client;

use super::aside::{left_or_dropped, no_longer_published, set_aside};
use super::flow::Inlet;
use super::groups::next_group;
use super::joiners::Joiners;
use super::known::Known;
use super::loading::{self, Knowledge};
use super::partitions::Partitions;
use super::publications::ensure_publications;
use super::reading::{Seen, decide, read_source};
use super::reshape::Reshape;
use super::routes::Routes;
use super::stream::Kept;
use super::tablesync::Joining;
use super::take_over::{PUBLICATION_MAY_BE_MISSING, check_same_publication, take_over};
use super::types::{self, Followed};
use super::{Progress, quarantine};
use crate::apply::Applier;
use crate::catalog::TableName;
use crate::catalog::destination;
use crate::catalog::source::{self, Facts, Look, SourceTable};
use crate::catalog::types::Types;
use crate::checkpoint::{self, LoadedTable, Loader, Shapes, Writer, tablesync_name};
use crate::config::Config;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::RESHAPE_AGAIN_PAUSE;
use crate::lsn::Lsn;
use crate::observe::{Board, State, TableState};
use crate::protect::Protection;
use crate::snapshot;
use crate::source::slot::ExportedSnapshot;
use crate::source::{Connection, Mode};
use crate::sql::replication::Format;
use crate::transport;

/// Everything the stream needs.
pub(super) struct Started {
    /// Holds the writer lock.
    pub(super) applier: Applier,
    /// Of a stream that starts after the checkpoint, or has come there.
    pub(super) inlet: Inlet,
    /// Where rows go.
    pub(super) routes: Routes,
    /// Tables that are to be loaded now, while the others are followed.
    pub(super) joining: Vec<Joining>,
    /// Or that are being loaded since an earlier round.
    pub(super) under_way: Option<Joiners>,
    /// Records them.
    pub(super) loader: Loader,
    /// What becomes of types.
    pub(super) types: Arc<Types>,
    /// What will have to be looked at.
    pub(super) outlook: Outlook,
    /// The end of the source's WAL when the types were read.
    pub(super) position: Lsn,
}

/// What the source looked like, and what is due later.
pub(super) struct Outlook {
    /// A session for questions to its catalog.
    pub(super) catalog: Arc<Client>,
    /// What its tables looked like.
    pub(super) fingerprint: String,
    /// The types that may change.
    pub(super) followed: Followed,
    /// The publications that may be read through, by oid, where the source does not see to that.
    pub(super) publications: Vec<u32>,
    /// Once everything before it is applied, keys can follow.
    pub(super) keys_due: Option<Lsn>,
    /// When copies are to get the names that they could not have.
    pub(super) names_due: Option<Instant>,
}

/// Takes the pipeline over, loads what is missing, opens the stream; or goes on with what the last
/// round has kept. What earlier rounds have found out about tables is written down first.
pub(super) async fn start(
    config: &Arc<Config>,
    board: &Board,
    progress: &mut Progress,
) -> Result<Started> {
    let opened = go_on_or_open(config, board, progress).await?;
    let (writer, inlet, under_way) = (opened.writer, opened.inlet, opened.joiners);
    let (catalog, facts, mut seen) = (opened.catalog, opened.facts, opened.seen);
    let server_version = u32::try_from(facts.version_num).unwrap_or(0);
    let was_loaded = what_is_loaded(config, board, &writer, &catalog, &mut seen.look, progress);
    let (mut loaded, quarantined, known) = was_loaded.await?;
    report_loaded(board, &loaded, under_way.as_ref());
    let (look, protector, protected) = (seen.look, seen.protector, seen.protected);
    let partitions = Partitions::of(&look);
    let (tables, shapes, fingerprint) = (look.tables, look.shapes, look.fingerprint);
    let (kept, new) = loading::kept_and_new(config, &tables, &loaded);
    let mending = &mut progress.mending;
    let prepared = types::prepare(config, &writer, &catalog, &new, &kept, mending).await?;
    let (types, position) = (Arc::new(prepared.types), prepared.position);
    let knowledge = Knowledge::new(&tables, &shapes, &types, &protected);
    let reshape = Reshape::new(config, &writer, &knowledge, position, &progress.emptied);
    let (misfit, keys) = (progress.misfit.as_deref(), &mut progress.keys);
    let occupied = reshape.follow(&mut loaded, known, misfit, keys).await?;
    if let Some(exported) = opened.exported {
        let load = loading::load(config, board, &writer, &catalog, &knowledge, exported);
        loaded.extend(load.await?.into_iter().map(|t| (t.source_oid, t)));
    }
    let mut joining = loading::joining(config, &writer, &knowledge, &loaded).await?;
    let left = take_postponed(&mut joining, &occupied, quarantined);
    progress.forget_lacking(&joining);
    let waiting = take_waiting(&mut loaded, &joining);
    let follows_some = !loaded.is_empty();
    let gone = |oid| Some(protector.of_gone(protected.get(&oid)?));
    let (types_too, binary) = (Arc::clone(&types), can_be_binary(server_version));
    let mut routes = routes(&writer, &tables, gone, loaded, types_too, binary).await?;
    routes.know_partitions(partitions);
    routes.skip_all(waiting);
    routes.leave(left);
    let (records, from) = (writer.loader(), writer.applied());
    let format = format(config, &routes, server_version, progress);
    let goes_on = matches!(&inlet, Some(inlet) if inlet.suits(format, &routes));
    let under_way = under_way.filter(|_| goes_on && !progress.mending.changed);
    let turn = whose_turn(config, board, &writer, joining, under_way, follows_some);
    let (joining, under_way) = turn.await?;
    let (inlet, applier) = try_join!(
        Inlet::open(config, from, inlet, goes_on, format),
        Applier::new(config, writer),
    )?;
    progress.catalog = Some(Arc::clone(&catalog));
    let outlook = Outlook {
        fingerprint,
        followed: prepared.followed,
        publications: only_publications(&facts),
        keys_due: progress.keys.due(),
        names_due: names_due(&occupied),
        catalog,
    };
    Ok(Started {
        applier,
        inlet,
        routes,
        joining,
        under_way,
        loader: records,
        types,
        outlook,
        position,
    })
}

/// The sessions of a start, and what the source has told.
struct Opened {
    writer: Writer,
    catalog: Arc<Client>,
    facts: Facts,
    seen: Seen,
    /// Of a slot that was just made.
    exported: Option<ExportedSnapshot>,
    /// Of a stream that is open.
    inlet: Option<Inlet>,
    /// Tables that are being loaded.
    joiners: Option<Joiners>,
}

async fn go_on_or_open(config: &Config, board: &Board, progress: &mut Progress) -> Result<Opened> {
    if let Some(kept) = progress.kept.take() {
        return go_on(config, kept, progress).await;
    }
    board.state(State::Starting);
    open(config, board, progress).await
}

/// Looks at the source's catalogs again; the lock, the slot and the stream are ours.
async fn go_on(config: &Config, kept: Kept, progress: &mut Progress) -> Result<Opened> {
    let (inlet, joiners, mut writer) = (kept.inlet, kept.joiners, kept.writer);
    // before the tables are read, which tell of all of them
    writer.take_note_of_reloads();
    let read = read_source(config, progress.catalog.take()).await?;
    ensure_publications(config, &read.catalog, &read.facts, &writer).await?;
    if let Some(pipeline) = writer.read().await? {
        check_same_publication(&pipeline, &read.facts)?;
    }
    Ok(Opened {
        seen: decide(config, read.look, &writer).await?,
        writer,
        catalog: read.catalog,
        facts: read.facts,
        exported: None,
        inlet: Some(inlet),
        joiners: Some(joiners),
    })
}

/// Opens them side by side, since tables may wait for the stream meanwhile, and takes over.
async fn open(config: &Config, board: &Board, progress: &mut Progress) -> Result<Opened> {
    let (locked, read, session) = try_join!(
        lock(config, progress.started),
        read_source(config, progress.catalog.take()),
        Connection::open(&config.source.endpoint, "slot", Mode::Replication),
    )?;
    let (mut writer, made_state_schema) = locked;
    let (catalog, mut facts, mut look) = (read.catalog, read.facts, read.look);
    let made_publication = ensure_publications(config, &catalog, &facts, &writer).await?;
    if made_publication {
        let (slot, publications) = (&config.source.slot, &config.source.publications);
        facts = source::facts(&catalog, slot, publications).await?;
        look = source::look(&catalog, publications).await?;
    }
    let seen = decide(config, look, &writer).await?;
    let taken = take_over(
        config,
        board,
        session,
        &mut writer,
        &facts,
        made_publication,
    );
    let exported = taken.await?;
    record_schema(config, &writer, made_state_schema).await?;
    Ok(Opened {
        writer,
        catalog,
        facts,
        seen,
        exported,
        inlet: None,
        joiners: None,
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

/// Takes the writer lock; also, whether walferry made the state schema. One that this process has
/// `migrated` already is as it should be.
async fn lock(config: &Config, migrated: bool) -> Result<(Writer, bool)> {
    let state_schema = &config.destination.state_schema;
    let mut control = transport::connect(&config.destination.endpoint, "apply").await?;
    let made = if migrated {
        false
    } else {
        checkpoint::migrate(&mut control, state_schema).await?
    };
    let writer = Writer::lock(control, state_schema, &config.pipeline).await?;
    Ok((writer, made))
}

/// When the copies of `occupied` are to get their names.
fn names_due(occupied: &HashSet<TableName>) -> Option<Instant> {
    (!occupied.is_empty()).then(|| Instant::now() + RESHAPE_AGAIN_PAUSE)
}

/// Takes out new tables whose places are those of others, which are to have other names later.
fn take_postponed(
    joining: &mut Vec<Joining>,
    occupied: &HashSet<TableName>,
    mut left: HashSet<u32>,
) -> HashSet<u32> {
    let postponed = joining.extract_if(.., |joining| occupied.contains(&joining.place));
    left.extend(postponed.map(|joining| joining.table.oid));
    left
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

/// All but those that are being loaded again.
fn report_loaded(board: &Board, loaded: &HashMap<u32, LoadedTable>, under_way: Option<&Joiners>) {
    let under_way = under_way.map_or(&[][..], Joiners::tables);
    let is_live = |oid: u32| under_way.iter().all(|joining| joining.table.oid != oid);
    for table in loaded.values().filter(|table| is_live(table.source_oid)) {
        board.table_done(&table.source, table.rows, table.bytes);
    }
}

/// The tables whose load is to begin: none while others are `under_way`, which go on if they are
/// wanted as they were.
async fn whose_turn(
    config: &Config,
    board: &Board,
    writer: &Writer,
    joining: Vec<Joining>,
    under_way: Option<Joiners>,
    follows_some: bool,
) -> Result<(Vec<Joining>, Option<Joiners>)> {
    let under_way = under_way.filter(|joiners| joiners.are_among(&joining));
    announce(config, board, writer, &joining, under_way.as_ref()).await?;
    Ok(match under_way {
        Some(_) => (Vec::new(), under_way),
        None => (next_group(writer, joining, follows_some).await?, None),
    })
}

/// Says which tables join, besides those `under_way`; where none does, what was loaded for others
/// can go.
async fn announce(
    config: &Config,
    board: &Board,
    writer: &Writer,
    joining: &[Joining],
    under_way: Option<&Joiners>,
) -> Result<()> {
    let under_way = under_way.map_or(&[][..], Joiners::tables);
    if under_way.is_empty() {
        writer.forget(&tablesync_name(&config.pipeline)).await?;
    }
    if joining.is_empty() {
        tidy(config, writer).await;
    }
    let is_loaded = |joining: &&Joining| under_way.iter().any(|table| table.is(joining));
    for joining in joining.iter().filter(|joining| !is_loaded(joining)) {
        let table = &joining.table;
        board.table_state(&table.name, TableState::Pending);
        board.table_expected(&table.name, table.bytes);
    }
    Ok(())
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

/// What the source is to send; large transactions before they commit, if it can.
fn format(config: &Config, routes: &Routes, version: u32, progress: &Progress) -> Format {
    Format {
        version,
        binary: routes.binary(),
        in_progress: version >= 140_000 && progress.takes_transactions_in_progress(config),
    }
}

/// The tables that were loaded and are to be followed, the oids of those that are quarantined,
/// which are taken out of `look` as well, and the shapes that all of them have had.
async fn what_is_loaded(
    config: &Config,
    board: &Board,
    writer: &Writer,
    catalog: &Client,
    look: &mut Look,
    progress: &mut Progress,
) -> Result<(
    HashMap<u32, LoadedTable>,
    HashSet<u32>,
    HashMap<u32, Shapes>,
)> {
    let (mut loaded, known) = try_join!(writer.loaded_tables(), writer.shapes())?;
    let (faulty, tables) = (&mut progress.faulty, &mut look.tables);
    let quarantined =
        quarantine::take_out(config, board, writer, faulty, tables, &mut loaded).await?;
    let aside = set_aside(writer, look, &known, &mut loaded).await?;
    if let Some(left) = no_longer_published(config, &look.tables, &loaded, &aside) {
        return Err(left_or_dropped(config, catalog, left).await);
    }
    Ok((loaded, quarantined, known))
}

/// `server_version_num` of the source.
pub(super) async fn version(catalog: &Client) -> Result<u32> {
    let version = source::version_num(catalog).await?;
    Ok(u32::try_from(version).unwrap_or(0))
}

/// The source sends values in binary when asked to.
pub(super) fn can_be_binary(version: u32) -> bool {
    version >= 140_000
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

/// What becomes of each relation's rows; `of_gone` says what becomes of the columns of a table that
/// is none of `tables`, if some are protected.
pub(super) async fn routes(
    writer: &Writer,
    tables: &[SourceTable],
    of_gone: impl Fn(u32) -> Option<Protection>,
    loaded: HashMap<u32, LoadedTable>,
    types: Arc<Types>,
    can_binary: bool,
) -> Result<Routes> {
    let names: Vec<TableName> = loaded
        .values()
        .map(|table| table.destination.clone())
        .collect();
    let there = destination::tables(writer.client(), &names);
    let (mut there, mut history) = try_join!(there, writer.shapes())?;
    let mut by_oid: HashMap<u32, SourceTable> = tables
        .iter()
        .map(|table| (table.oid, table.clone()))
        .collect();
    let mut known = HashMap::new();
    for (oid, loaded) in loaded {
        let source = by_oid.remove(&oid);
        let Some(destination) = there.remove(&loaded.destination) else {
            if source.is_none() {
                continue;
            }
            return Err(copy_gone(&loaded.destination));
        };
        let protection = match &source {
            Some(source) => source.protection.clone(),
            None => of_gone(oid).unwrap_or_default(),
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
        can_binary,
        types,
        equality,
    ))
}
