//! The loop in the middle: everything that can wake it is an [`Event`], and there is one `match`.
//!
//! The reader fills one batch while the applier works on another. When the applier is idle,
//! whatever has committed goes at once, and of a large transaction what has come; when it is busy,
//! the batch grows until it is full, and then reading stops, while feedback goes on by the clock. A
//! quiet system therefore has the latency of one transaction and a busy one the throughput of large
//! batches.
//!
//! When other tables are to be followed, or in another shape, the catalogs have to be looked at.
//! The loop then lets nothing further in, applies what it has, and leaves the open stream to the
//! next round: the source need not decode again what it has sent.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::{Duration, Instant, MissedTickBehavior, interval};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::emptied::Emptied;
use super::flow::{Event, Flow, Inlet, Surprise};
use super::joiners::Joiners;
use super::loading::is_wanted_now;
use super::partitions::are_visible;
use super::publications::publication_gone;
use super::reaction::{Reaction, reaction};
use super::routes::{Newcomer, Routes};
use super::start::{Outlook, Started};
use super::types::change_is_due;
use super::watch::{Published, Watch, list};
use crate::checkpoint::Writer;
use crate::config::Config;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{CATALOG_ANSWER_MAX, COMMIT_SEEN_MAX, COMMIT_SEEN_PAUSE};
use crate::lsn::Lsn;
use crate::observe::{Board, State};

/// What earlier rounds have taught.
pub(super) struct Caution {
    /// A value was not understood: apply one transaction at a time up to where the types were read.
    pub(super) one_by_one: bool,
    /// Start again once everything before this position is applied.
    pub(super) due: Option<Lsn>,
    /// Transactions may be applied while they are in progress.
    pub(super) ahead: bool,
}

/// How a round ends that nothing was wrong with.
pub(super) enum Ended {
    /// Told to stop, it has drained.
    Drained,
    /// What it follows is another now, for this reason: the next round goes on from there.
    Paused(Box<Kept>, Error),
}

/// What a round leaves to the next.
pub(super) struct Kept {
    /// The open stream; everything before that position is applied.
    pub(super) inlet: Inlet,
    /// It still holds the writer lock.
    pub(super) writer: Writer,
    /// Tables that are being loaded.
    pub(super) joiners: Joiners,
}

/// Follows the source until told to stop, then drains, or until what it follows changes. Takes note
/// of tables that are emptied.
pub(super) async fn follow(
    config: &Arc<Config>,
    started: Started,
    caution: Caution,
    watch: &Watch,
    board: &Board,
    shutdown: &CancellationToken,
    emptied: &mut Emptied,
) -> Result<Ended> {
    let (inlet, routes, applier) = (started.inlet, started.routes, started.applier);
    let mut flow = Flow::new(config, inlet, routes, applier, board, emptied);
    flow.one_by_one_until = caution.one_by_one.then_some(started.position);
    flow.ahead_from = caution.ahead.then(|| flow.routes.loaded_up_to());
    board.state(State::Streaming);
    tracing::info!(lsn = %flow.durable(), "streaming");
    flow.stops_for_shapes = true;
    let (types, loader) = (started.types, started.loader);
    let mut joining = match started.under_way {
        Some(joiners) => joiners.go_on_with(types, loader),
        None => Joiners::new(config, &flow, started.joining, types, loader, board),
    };
    let mut source = Source::new(config, watch, started.outlook, caution.due);
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !flow.is_drained() {
        tokio::select! {
            biased;
            () = shutdown.cancelled(), if !flow.is_draining() => flow.drain(),
            // what is held for them cannot be left
            news = joining.news(), if source.reason.is_none() || joining.is_held() => {
                source.note(joining.note(news, &mut flow))?;
            }
            event = flow.event(&mut seconds) => match event? {
                Event::Read => flow.heard(),
                Event::Spooled => {}
                Event::Applied(mut done) => {
                    flow.applied(&mut done);
                    if done.reload_asked && joining.is_idle() {
                        source.note(Err(start_again()))?;
                    }
                }
                Event::Tick => {
                    flow.tick(watch.server_end())?;
                    source.look_around(&mut flow, &joining).await?;
                }
            },
        }
        // A full batch goes first: what was read and found no room then has some.
        flow.hand_over()?;
        source.take_in(&mut flow, &mut joining).await?;
        if source.reason.is_some() {
            flow.stop_before_next();
        }
        flow.hand_over()?;
        joining.go_on(&flow);
        let may_leave = flow.may_leave() && !joining.is_held();
        if let Some(why) = source.reason.take_if(|_| may_leave) {
            let (inlet, writer) = flow.leave().await?;
            let kept = Kept {
                inlet,
                writer,
                joiners: joining,
            };
            return Ok(Ended::Paused(Box::new(kept), why));
        }
    }
    flow.end().await.map(|()| Ended::Drained)
}

fn skip(routes: &mut Routes, newcomer: &Newcomer, looked_at_soon: bool) {
    routes.skip(newcomer.oid);
    if looked_at_soon {
        return;
    }
    tracing::warn!(
        table = newcomer.name,
        oid = newcomer.oid,
        "skipping rows of a table that is not selected, is gone, or cannot be seen yet"
    );
}

pub(super) fn start_again() -> Error {
    let what = "The tables that are followed are others now";
    Error::new(Kind::TableAdded, what).on(Side::Source)
}

/// What the loop looks at on the source, beside the stream.
struct Source<'s> {
    config: &'s Config,
    watch: &'s Watch,
    outlook: Outlook,
    /// The tables are others by now: where the source's WAL ended when that was seen.
    outdated_at: Option<Lsn>,
    /// Changes of types can be made once everything before it is applied.
    due: Option<Lsn>,
    /// Why the catalogs are to be looked at.
    reason: Option<Error>,
}

impl<'s> Source<'s> {
    fn new(config: &'s Config, watch: &'s Watch, outlook: Outlook, due: Option<Lsn>) -> Self {
        Source {
            config,
            watch,
            outlook,
            outdated_at: None,
            due,
            reason: None,
        }
    }

    /// Takes note of an error that only says that the catalogs are to be looked at.
    fn note(&mut self, looked: Result<()>) -> Result<()> {
        match looked {
            Err(error) if reaction(error.kind()) == Reaction::StartAgain => {
                self.reason.get_or_insert(error);
                Ok(())
            }
            looked => looked,
        }
    }

    /// Takes in what was read. Rows of tables that nobody knows are skipped: should they be wanted,
    /// they are loaded later than these rows came.
    async fn take_in(&mut self, flow: &mut Flow<'_>, joining: &mut Joiners) -> Result<()> {
        while let Some(surprise) = flow.take_in()? {
            match surprise {
                Surprise::Newcomer(newcomer) => {
                    if joining.is_idle() && self.reason.is_none() {
                        let wanted =
                            is_wanted_now(&self.outlook.catalog, self.config, newcomer.oid);
                        self.note(in_time(wanted).await)?;
                    }
                    skip(&mut flow.routes, &newcomer, self.reason.is_some());
                }
                Surprise::Misfit(why) => {
                    joining.stopped();
                    if self.reason.is_none() {
                        until_seen(&self.outlook.catalog, flow.xid()).await;
                    }
                    self.reason.get_or_insert(why);
                }
            }
        }
        Ok(())
    }

    /// Finds out whether other tables are to be followed; not while some are being loaded.
    async fn look_around(&mut self, flow: &mut Flow<'_>, joining: &Joiners) -> Result<()> {
        if self.reason.is_none() {
            let looked = self.look(flow, joining).await;
            return self.note(looked);
        }
        Ok(())
    }

    async fn look(&mut self, flow: &mut Flow<'_>, joining: &Joiners) -> Result<()> {
        let published = self.watch.published();
        let gone = published
            .as_ref()
            .and_then(|p| p.lacks(&self.outlook.publications));
        if let Some(gone) = gone {
            return Err(publication_gone(gone));
        }
        if !joining.is_idle() {
            return Ok(());
        }
        let is_due = |due: Option<Lsn>| due.is_some_and(|due| flow.durable() >= due);
        if is_due(self.due) {
            return Err(change_is_due());
        }
        // what goes ahead would have to be done once more
        let names = self.outlook.names_due.filter(|_| !flow.is_ahead());
        let names = names.is_some_and(|due| Instant::now() >= due);
        if names || is_due(self.outlook.keys_due) || self.is_outdated(flow) {
            return Err(start_again());
        }
        if in_time(flow.routes.partitions.can_be_told(&self.outlook.catalog)).await? {
            return Err(start_again());
        }
        let Some(published) = published else {
            return Ok(());
        };
        let looked =
            look_for_newcomers(&flow.routes, &published, &self.outlook.catalog, self.config);
        in_time(looked).await?;
        in_time(self.outlook.followed.check(&self.outlook.catalog)).await
    }

    /// The tables are others than those that the start saw. What the log says of it comes first,
    /// since a start makes use of that, but is not waited for longer than until the next look.
    fn is_outdated(&mut self, flow: &mut Flow<'_>) -> bool {
        let looked = self.watch.fingerprint();
        if looked.is_some_and(|now| now != self.outlook.fingerprint) {
            if self.outdated_at.is_some() {
                return true;
            }
            self.outdated_at = Some(self.watch.server_end());
            flow.ask();
        }
        self.outdated_at.is_some_and(|at| flow.received() >= at)
    }
}

/// A table without writes sends no message that would tell of it, and a publication that is gone
/// makes a source of version 18 leave changes out without a word.
async fn look_for_newcomers(
    routes: &Routes,
    published: &Published,
    catalog: &Client,
    config: &Config,
) -> Result<()> {
    if published.missing().is_some() {
        // The watch may have looked before the start made it.
        let now = list(catalog, &config.source.publications).await?;
        return match now.missing() {
            None => Ok(()),
            Some(gone) => Err(publication_gone(gone)),
        };
    }
    for (oid, name) in &published.tables {
        if config.tables.selects(&name.schema, &name.name) && !routes.is_loaded(*oid) {
            is_wanted_now(catalog, config, *oid).await?;
        }
    }
    // A start says what that means: the table was dropped, or its changes are missed from now on.
    let sent: HashSet<u32> = published.tables.iter().map(|(oid, _)| *oid).collect();
    let left = routes.loaded().find(|(oid, _)| !sent.contains(oid));
    match left {
        None => Ok(()),
        Some((_, name)) => {
            let what = "A table is no longer in the publication";
            Err(Error::new(Kind::TableAdded, what)
                .on(Side::Source)
                .table(name))
        }
    }
}

/// A source sends a commit a moment before others see what it did: a look at the catalogs would
/// come too early. Where nobody can tell, or it waits for a standby, looking finds that out.
async fn until_seen(catalog: &Client, xid: u32) {
    let seen = async {
        while let Ok(false) = are_visible(catalog, &[xid]).await {
            tokio::time::sleep(COMMIT_SEEN_PAUSE).await;
        }
    };
    // in vain is not wrong: the next misfit at the same place has the catalogs read once more
    let _ = tokio::time::timeout(COMMIT_SEEN_MAX, seen).await;
}

/// A question to the catalog waits for locks that others hold on its tables; the stream does not
/// wait for the answer for ever.
async fn in_time<T>(question: impl Future<Output = Result<T>>) -> Result<T> {
    let Ok(answer) = tokio::time::timeout(CATALOG_ANSWER_MAX, question).await else {
        let what = "The catalog of the source did not answer in time: a table is locked";
        return Err(Error::new(Kind::Contention, what).on(Side::Source));
    };
    answer
}
