//! The loop in the middle: everything that can wake it is an [`Event`], and there is one `match`.
//!
//! The reader fills one batch while the applier works on another. When the applier is idle,
//! whatever has committed goes at once; when it is busy, the batch grows until it is full, and
//! then reading stops, while feedback goes on by the clock. A quiet system therefore has the
//! latency of one transaction and a busy one the throughput of large batches.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::{Duration, Instant, MissedTickBehavior, interval};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::emptied::Emptied;
use super::flow::{Event, Flow};
use super::joiners::Joiners;
use super::loading::is_wanted_now;
use super::publications::publication_gone;
use super::routes::{Newcomer, Routes};
use super::start::Started;
use super::types::{Followed, change_is_due};
use super::watch::{Published, Watch, list};
use crate::config::Config;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::CATALOG_ANSWER_MAX;
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

/// Follows the source until told to stop, then drains. Takes note of tables that are emptied.
pub(super) async fn follow(
    config: &Arc<Config>,
    started: Started,
    caution: Caution,
    watch: &Watch,
    board: &Board,
    shutdown: &CancellationToken,
    emptied: &mut Emptied,
) -> Result<()> {
    let (stream, routes, applier) = (started.stream, started.routes, started.applier);
    let mut flow = Flow::new(config, stream, routes, applier, board, emptied);
    flow.one_by_one_until = caution.one_by_one.then_some(started.position);
    flow.ahead_from = caution.ahead.then(|| flow.routes.loaded_up_to());
    board.state(State::Streaming);
    tracing::info!(lsn = %flow.durable(), "streaming");
    let mut joining = Joiners::new(
        config,
        &flow,
        started.joining,
        started.types,
        started.loader,
        board,
    );
    let mut source = Source {
        config,
        watch,
        catalog: started.catalog,
        publications: started.publications,
        fingerprint: started.fingerprint,
        outdated_at: None,
        keys_due: started.keys_due,
        names_due: started.names_due,
        followed: started.followed,
        due: caution.due,
    };
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !flow.is_drained() {
        tokio::select! {
            biased;
            () = shutdown.cancelled(), if !flow.is_draining() => flow.drain(),
            news = joining.news() => joining.note(news, &mut flow)?,
            event = flow.event(&mut seconds) => match event? {
                Event::Read => flow.heard(),
                Event::Spooled => {}
                Event::Applied(done) => {
                    flow.applied(&done);
                    if done.reload_asked && joining.is_idle() {
                        return Err(start_again());
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
        while let Some(newcomer) = flow.take_in()? {
            if joining.is_idle() {
                in_time(is_wanted_now(&source.catalog, config, newcomer.oid)).await?;
            }
            skip(&mut flow.routes, &newcomer);
        }
        flow.hand_over()?;
        joining.go_on(&flow);
    }
    flow.end().await
}

fn skip(routes: &mut Routes, newcomer: &Newcomer) {
    tracing::warn!(
        table = newcomer.name,
        oid = newcomer.oid,
        "skipping rows of a table that is not selected, is gone, or cannot be seen yet"
    );
    routes.skip(newcomer.oid);
}

pub(super) fn start_again() -> Error {
    let what = "The tables that are followed are others now";
    Error::new(Kind::TableAdded, what).on(Side::Source)
}

/// What the loop looks at on the source, beside the stream.
struct Source<'s> {
    config: &'s Config,
    watch: &'s Watch,
    catalog: Arc<Client>,
    publications: Vec<u32>,
    fingerprint: String,
    /// The tables are others by now: where the source's WAL ended when that was seen.
    outdated_at: Option<Lsn>,
    /// Keys can follow once everything before it is applied.
    keys_due: Option<Lsn>,
    /// When copies are to get the names that they could not have.
    names_due: Option<(Instant, Lsn)>,
    followed: Followed,
    /// Changes of types can be made once everything before it is applied.
    due: Option<Lsn>,
}

impl Source<'_> {
    /// Ends the round when other tables are to be followed; not while some are being loaded.
    async fn look_around(&mut self, flow: &mut Flow<'_>, joining: &Joiners<'_>) -> Result<()> {
        if joining.is_idle() && self.due.is_some_and(|due| flow.durable() >= due) {
            return Err(change_is_due());
        }
        if joining.is_idle() && self.keys_due.is_some_and(|due| flow.durable() >= due) {
            return Err(start_again());
        }
        // what is half received would have to come once more
        let may_restart = joining.is_idle() && flow.is_between_transactions();
        // what the source has to send once more has to have come, or it never would
        let names = |(due, at)| Instant::now() >= due && flow.received() >= at;
        if may_restart && !flow.holds_transactions() && self.names_due.is_some_and(names) {
            return Err(start_again());
        }
        if may_restart && self.is_outdated(flow) {
            return Err(start_again());
        }
        let Some(published) = self.watch.published() else {
            return Ok(());
        };
        if let Some(gone) = published.lacks(&self.publications) {
            return Err(publication_gone(gone));
        }
        if !joining.is_idle() {
            return Ok(());
        }
        let looked = look_for_newcomers(&flow.routes, &published, &self.catalog, self.config);
        in_time(looked).await?;
        in_time(self.followed.check(&self.catalog)).await
    }

    /// The tables are others than those that the start saw. What the log says of it comes first,
    /// since a start makes use of that, but is not waited for longer than until the next look.
    fn is_outdated(&mut self, flow: &mut Flow<'_>) -> bool {
        let looked = self.watch.fingerprint();
        if looked.is_some_and(|now| now != self.fingerprint) {
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

/// A question to the catalog waits for locks that others hold on its tables; the stream does not
/// wait for the answer for ever.
async fn in_time<T>(question: impl Future<Output = Result<T>>) -> Result<T> {
    let Ok(answer) = tokio::time::timeout(CATALOG_ANSWER_MAX, question).await else {
        let what = "The catalog of the source did not answer in time: a table is locked";
        return Err(Error::new(Kind::Contention, what).on(Side::Source));
    };
    answer
}
