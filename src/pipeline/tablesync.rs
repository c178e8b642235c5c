//! Tables that join the others while these are followed: new ones, and those to be loaded again.
//!
//! ```text
//! stream     ─────────────────────────────────────────── hold at P ─────────▶ start again
//! tablesync  slot, snapshot S ─▶ COPY, out of sight ─▶ stream S … ─▶ fill ─▶ … P ─▶ take places
//! ```
//!
//! A tablesync is a small pipeline of its own: a temporary slot, hidden tables in the state schema,
//! a bookkeeping row, the same load and the same stream. Meanwhile the main stream goes on; its
//! rows of these tables are skipped, so the old copy of one that is loaded again stands still.
//!
//! **Why this is right.** The hidden tables hold the snapshot S and then every transaction from S
//! on, as any pipeline does. The stream tells how far it has received for good, and the tablesync
//! lets in only transactions whose commit record begins before that, so it is never ahead. When it
//! is near it opens the transaction in which the tables take their places (`snapshot/adopt.rs`) and
//! goes on in there. When it is near again, the stream lets nothing further in: at P all
//! transactions that begin to commit before P, and no others, are applied. The tablesync goes up to
//! the same P, says so, and with the stream's leave commits: the tables are in their places, and P
//! is recorded for them. Only then does the stream go on, and applies their rows from P on. Readers
//! see, before and after it, one state of the source across all tables. Should the daemon die at
//! that COMMIT, the next start reads what became of it, and streams from P or before.
//!
//! **How long the stream holds.** For what is near, and for the catalog's part of the places. What
//! depends on the size of a table, or on how long somebody reads it, is waited for by the tablesync
//! alone: a lock that is not to be had soon lets the stream go on, and is tried again later. What
//! depends on the number of tables, as the names of their indexes, is bounded with that.
//!
//! **What can go wrong.** What fails here and may heal is tried again after a pause, while the
//! stream goes on (`joiners.rs`): nothing of the old try was visible, and its hidden tables are
//! dropped first. Many or large tables come in groups, so that a fault costs one group and not all
//! the work so far. A table that alone cannot be read, since it is locked or changed, is left out:
//! the others take their places, and the start that follows finds it among those that are missing,
//! with the columns that it has then. Only where none is left the load has failed. A tablesync that
//! stays behind is waited for only so long. The request to load a table again stands in
//! `walferry_tables` until the table is in its place. An error of the main stream ends the load
//! with it, and it begins anew; where the stream only stops for another shape of another table, the
//! load goes on.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, interval};

use super::applier::Step;
use super::emptied::Emptied;
use super::flow::{Event, Flow, Inlet, Surprise};
use super::{loading, locked, start};
use crate::apply::Applier;
use crate::catalog::TableName;
use crate::catalog::source::{Shape, SourceTable};
use crate::catalog::types::Types;
use crate::checkpoint::{Loader, NewPipeline, Writer, tablesync_name};
use crate::config::Config;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{
    RESHAPE_AGAIN_PAUSE, RESHAPE_LOCK_MAX, RESHAPE_LOCK_MIN, TABLESYNC_ASK_INTERVAL,
    TABLESYNC_NEAR_BYTES, TABLESYNC_NEAR_BYTES_MAX, TABLESYNC_PATIENCE,
};
use crate::lsn::Lsn;
use crate::observe::{Board, Identity};
use crate::snapshot::{self, Adopted, Adoption, Load, Plan};
use crate::source::Connection;
use crate::source::slot::{self, ExportedSnapshot};
use crate::sql::replication::Format;
use crate::transport;

/// A table to load, with what is known of its place.
#[derive(Clone, Debug)]
pub(super) struct Joining {
    pub(super) table: SourceTable,
    /// Its columns before it is loaded.
    pub(super) shape: Shape,
    pub(super) place: TableName,
    /// What is in its place was loaded by walferry.
    pub(super) replaces_ours: bool,
    /// And made by it.
    pub(super) may_drop: bool,
}

impl Joining {
    /// What is loaded under the one is what the other wants.
    pub(super) fn is(&self, other: &Joining) -> bool {
        let (table, its) = (&self.table, &other.table);
        table.oid == its.oid
            && table.name == its.name
            && table.published_columns == its.published_columns
            && table.row_filter == its.row_filter
            && table.identity == its.identity
            && table.protection == its.protection
            && self.shape == other.shape
            && self.place == other.place
            && self.replaces_ours == other.replaces_ours
            && self.may_drop == other.may_drop
    }
}

/// Where the main stream is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ahead {
    /// Transactions whose commit record begins before it are let in there.
    at: Lsn,
    /// It waits there for us.
    held: bool,
    /// How often it has waited in vain.
    turn: u32,
    /// It stays there until the tables are in their places, or say that they will not be.
    stays: bool,
}

/// What the main stream must know.
pub(super) enum News {
    /// Little is missing: it is time to hold.
    Near,
    /// The tables are where the main stream held in this turn: they can take their places.
    There(u32),
    /// Somebody reads an old copy: it is to go on.
    Later,
    /// The tables are in their places.
    Done,
    /// They did not come in time: it is to go on.
    Late,
    /// After a fault: it is time to begin again.
    Again,
}

/// What a tablesync says, and in which turn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    Near(u32),
    There(u32),
    Later(u32),
}

/// A running tablesync; ends when dropped.
pub(super) struct Tablesync {
    main: watch::Sender<Ahead>,
    said: watch::Receiver<Option<Said>>,
    task: JoinHandle<Result<()>>,
}

impl Tablesync {
    /// Begins to load tables; `loader` records them in the end.
    pub(super) fn start(
        config: &Arc<Config>,
        joining: Vec<Joining>,
        types: Arc<Types>,
        loader: Loader,
        board: &Board,
        at: Lsn,
    ) -> Self {
        let (main, ahead) = watch::channel(Ahead {
            at,
            held: false,
            turn: 0,
            stays: false,
        });
        let (say, said) = watch::channel(None);
        let mut own = Config::clone(config);
        own.pipeline = tablesync_name(&config.pipeline);
        let prefix = snapshot::hidden_prefix(&config.pipeline);
        let synchronisation = Synchronisation {
            config: Arc::new(own),
            types,
            prefix,
            board: board.clone(),
            loader,
            ahead,
            say,
        };
        tracing::info!(tables = joining.len(), "loading tables beside the stream");
        Tablesync {
            main,
            said,
            task: tokio::spawn(synchronisation.run(joining)),
        }
    }

    /// Waits for what the main stream must know.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn news(&mut self) -> Result<News> {
        tokio::select! {
            done = &mut self.task => {
                let done = done.map_err(|error| {
                    let what = format!("The load of new tables failed: {error}");
                    Error::new(Kind::Unknown, what)
                })?;
                done.map(|()| News::Done)
            }
            // otherwise it is about to end
            Ok(()) = self.said.changed() => Ok(match *self.said.borrow_and_update() {
                Some(Said::There(turn)) => News::There(turn),
                Some(Said::Later(_)) => News::Later,
                Some(Said::Near(_)) | None => News::Near,
            }),
        }
    }

    /// Tells how far the main stream lets transactions in, whether it waits there, how often it did
    /// so in vain, and whether it stays there now.
    pub(super) fn main_is_at(&self, at: Lsn, held: bool, turn: u32, stays: bool) {
        self.main.send_if_modified(|ahead| {
            let now = Ahead {
                at,
                held,
                turn,
                stays,
            };
            let news = *ahead != now;
            *ahead = now;
            news
        });
    }
}

impl Drop for Tablesync {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the task works with.
struct Synchronisation {
    /// Ours but for the pipeline's name.
    config: Arc<Config>,
    types: Arc<Types>,
    /// How the names of the hidden tables begin.
    prefix: String,
    board: Board,
    /// Records the tables for the main pipeline.
    loader: Loader,
    ahead: watch::Receiver<Ahead>,
    say: watch::Sender<Option<Said>>,
}

impl Synchronisation {
    async fn run(self, joining: Vec<Joining>) -> Result<()> {
        let config = Arc::clone(&self.config);
        match self.join(joining).await {
            Ok(()) => Ok(()),
            Err(error) => Err(locked::named(&config.source.endpoint, error).await),
        }
    }

    async fn join(mut self, joining: Vec<Joining>) -> Result<()> {
        let config = Arc::clone(&self.config);
        let state_schema = &config.destination.state_schema;
        let control = transport::connect(&config.destination.endpoint, "tablesync").await?;
        // locked first: nobody else loads into what is dropped now
        let mut writer = Writer::lock(control, state_schema, &config.pipeline).await?;
        snapshot::drop_hidden_tables(writer.client(), state_schema, &self.prefix).await?;
        writer.forget(&config.pipeline).await?;
        let exported = temporary_snapshot(&config).await?;
        let (slot, lsn) = (exported.slot.clone(), exported.lsn);
        let timeline = register(&config, &writer, &exported).await?;
        writer.take_over(timeline).await?;

        let (adopted, session) = self.load(joining, exported, &writer).await?;
        let session = session.ok_or_else(lost)?;
        let sources: Vec<SourceTable> = adopted.iter().map(|t| t.plan.table.clone()).collect();
        let (pipeline, loader) = (config.pipeline.clone(), self.loader.clone());
        let places: Vec<TableName> = adopted.iter().map(|t| t.place.clone()).collect();
        let adoption = Adoption::prepare(writer.client(), pipeline, loader, adopted).await?;
        let catalog = transport::connect(&config.source.endpoint, "tablesync").await?;
        let version = start::version(&catalog).await?;
        let (hidden, types) = (writer.loaded_tables().await?, Arc::clone(&self.types));
        // each of its tables is among the sources; what was left is the main stream's to look after
        let gone = |_| None;
        let binary = start::can_be_binary(version) && adoption.keeps_types();
        let routes = start::routes(&writer, &sources, gone, hidden, types, binary).await?;
        let publications = &config.source.publications;
        // What has committed while it was loaded is read once, and large transactions are rare.
        let format = Format {
            version,
            binary: routes.binary(),
            in_progress: false,
        };
        let stream = session.start_replication(&slot, lsn, publications, format);
        let applier = Applier::new(&config, writer).await?;
        // what this stream does is not what the pipeline's figures are about
        let unseen = Board::new(Identity::default());
        let mut emptied = Emptied::default();
        let inlet = Inlet::new(stream.await?, &config, format, applier.applied());
        let mut flow = Flow::new(&config, inlet, routes, applier, &unseen, &mut emptied);
        // Then the main stream still waits: the slot and the sessions end by themselves.
        self.catch_up(&mut flow, &Arc::new(adoption)).await?;
        tokio::spawn(snapshot::analyze(config.clone(), places));
        Ok(())
    }

    /// Loads the tables out of sight.
    async fn load(
        &self,
        joining: Vec<Joining>,
        exported: ExportedSnapshot,
        writer: &Writer,
    ) -> Result<(Vec<Adopted>, Option<Connection>)> {
        let config = &self.config;
        let catalog = transport::connect(&config.source.endpoint, "tablesync").await?;
        let version = start::version(&catalog).await?;
        let hidden = |table: &SourceTable| {
            let name = format!("{}{}", self.prefix, table.oid);
            TableName::new(config.destination.state_schema.clone(), name)
        };
        let mut plans = Vec::with_capacity(joining.len());
        for joining in &joining {
            let table = joining.table.clone();
            let name = hidden(&table);
            let shape = joining.shape.clone();
            let types = &self.types;
            plans.push(Plan::new(
                &config.snapshot,
                table,
                shape,
                name,
                None,
                types,
            )?);
        }
        loading::complete(config, &catalog, &mut plans).await?;
        loading::check_shapes(&catalog, &plans).await?;
        let load = Load {
            config: Arc::clone(config),
            snapshot: exported.name.clone(),
            snapshot_lsn: exported.lsn,
            loader: writer.loader(),
            board: self.board.clone(),
            source_version: version,
            out_of_sight: true,
        };
        let loaded = snapshot::load(load, exported, plans.clone(), writer.client()).await?;
        let adopted = plans
            .into_iter()
            .zip(joining)
            .filter_map(|(plan, joining)| {
                let mut done = loaded.tables.iter();
                let done = done.find(|done| done.source_oid == plan.table.oid)?;
                Some(Adopted {
                    place: joining.place,
                    may_drop: joining.may_drop,
                    rows: done.rows,
                    bytes: done.bytes,
                    plan,
                })
            });
        let adopted: Vec<Adopted> = adopted.collect();
        if adopted.is_empty() {
            return Err(loaded.left.unwrap_or_else(lost));
        }
        Ok((adopted, loaded.session))
    }

    /// Follows the main stream, has the places filled once it is near, and the tables put into
    /// them where the main stream holds.
    async fn catch_up(&mut self, flow: &mut Flow<'_>, adoption: &Arc<Adoption>) -> Result<()> {
        let mut seconds = interval(Duration::from_secs(1));
        let mut asks = interval(TABLESYNC_ASK_INTERVAL);
        let (mut stage, mut began) = (Stage::Following, Instant::now());
        let (mut quiet_until, mut taking, mut locked) = (began, 0, None);
        let mut patience = RESHAPE_LOCK_MIN;
        loop {
            let ahead = *self.ahead.borrow_and_update();
            if stage != Stage::Stopping {
                flow.let_in(ahead.at);
            }
            take_in(flow)?;
            // the snapshot may show more than the main stream has seen
            let near = ahead.at >= flow.durable()
                && ahead.at.bytes_since(flow.received()) < near_bytes(began.elapsed());
            match stage {
                Stage::Following if near => {
                    flow.hold();
                    stage = Stage::Stopping;
                    continue;
                }
                Stage::Stopping if flow.has_reached_gate() => {
                    flow.fill(adoption)?;
                    stage = Stage::Busy;
                    continue;
                }
                // told to go on, the main stream has not heard it yet
                Stage::Filled if locked == Some(ahead.turn) => {}
                Stage::Filled if Instant::now() < quiet_until => {}
                Stage::Filled if ahead.held && flow.has_reached_gate() => {
                    self.say(Said::There(ahead.turn));
                    if ahead.stays {
                        flow.take(adoption, ahead.at, patience)?;
                        (stage, taking) = (Stage::Busy, ahead.turn);
                    }
                }
                Stage::Filled if near => self.say(Said::Near(ahead.turn)),
                _ => {}
            }
            tokio::select! {
                event = flow.event(&mut seconds) => match event? {
                    Event::Read => flow.heard(),
                    Event::Spooled => {}
                    Event::Applied(mut done) => {
                        flow.applied(&mut done);
                        match done.adoption {
                            None => {}
                            Some(Step::Taken) => return Ok(()),
                            Some(Step::Filled) => (stage, began) = (Stage::Filled, Instant::now()),
                            Some(Step::Locked) => {
                                (stage, locked) = (Stage::Filled, Some(taking));
                                quiet_until = Instant::now() + RESHAPE_AGAIN_PAUSE;
                                patience = (patience * 2).min(RESHAPE_LOCK_MAX);
                                self.say(Said::Later(taking));
                            }
                        }
                    }
                    Event::Tick => flow.tick(Lsn::ZERO)?,
                },
                moved = self.ahead.changed() => moved.map_err(|_| lost())?,
                _ = asks.tick() => flow.ask(),
            }
        }
    }

    fn say(&self, what: Said) {
        self.say.send_if_modified(|said| {
            let news = *said != Some(what);
            *said = Some(what);
            news
        });
    }
}

/// How far a tablesync is that has copied all rows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// It applies what has come since the snapshot.
    Following,
    /// It lets nothing in until all is applied.
    Stopping,
    /// The applier works on the places.
    Busy,
    /// The places are filled, and what comes goes there.
    Filled,
}

/// How much log may be missing when the main stream begins to wait. It grows with the time that was
/// spent: where one source feeds both streams equally fast, the distance never shrinks.
fn near_bytes(spent: Duration) -> u64 {
    let doublings = spent.as_secs() / TABLESYNC_PATIENCE.as_secs();
    (TABLESYNC_NEAR_BYTES << doublings.min(16)).min(TABLESYNC_NEAR_BYTES_MAX)
}

/// Rows of tables that nobody knows here are the main stream's.
fn take_in(flow: &mut Flow<'_>) -> Result<()> {
    flow.hand_over()?;
    while let Some(Surprise::Newcomer(others)) = flow.take_in()? {
        flow.routes.skip(others.oid);
    }
    flow.hand_over()
}

fn lost() -> Error {
    let what = "The session that held the snapshot of the new tables was lost";
    Error::new(Kind::ConnectionLost, what).on(Side::Source)
}

/// A snapshot with an exact LSN for tables that come later than the slot.
async fn temporary_snapshot(config: &Config) -> Result<ExportedSnapshot> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let unique = since.map_or(0, |since| since.as_nanos());
    let name = format!("{}{unique:x}", slot::load_prefix(&config.source.slot));
    slot::create_temporary(&config.source.endpoint, &name).await
}

/// Adds the bookkeeping row that the load and the applier write to. Returns the timeline in it,
/// which nobody compares with the source's: the slot ends with its session.
async fn register(config: &Config, writer: &Writer, exported: &ExportedSnapshot) -> Result<i32> {
    let timeline = 1;
    writer
        .register(&NewPipeline {
            slot: exported.slot.clone(),
            publication: config.source.publications[0].clone(),
            publication_oid: None,
            made_slot: false,
            made_publication: false,
            system_identifier: String::new(),
            timeline,
            source_database: config.source.endpoint.database.clone(),
            start: exported.lsn,
        })
        .await?;
    Ok(timeline)
}
