//! Where the stream comes in, and where it stands: what one flow leaves to the next.
//!
//! **Why this is right.** A flow leaves it between two transactions, when everything before them is
//! applied: all that differs from a stream that has just been opened there is that the source has
//! described the tables already. So those descriptions come along.

use std::collections::HashMap;

use tokio::time::{Duration, Instant};

use super::super::feed::Feed;
use super::super::routes::Routes;
use crate::config::Config;
use crate::decode::Relation;
use crate::error::{Kind, Result};
use crate::limits::{
    PREDECESSOR_POLL, PREDECESSOR_WAIT_MAX, RELATIONS_GONE_MAX, WAL_SENDER_TIMEOUT,
};
use crate::lsn::{AppliedLsn, Lsn, ReceivedLsn};
use crate::source::{Connection, Mode, Stream};
use crate::sql::replication::Format;

/// A stream, open and between two transactions.
pub(in crate::pipeline) struct Inlet {
    pub(super) feed: Feed,
    /// What the source was asked to send.
    pub(super) format: Format,
    /// How the source has described its tables, by oid.
    pub(super) relations: HashMap<u32, Relation>,
    pub(super) received: ReceivedLsn,
    pub(super) quiet_at: Lsn,
    /// Start of the commit record of a transaction of which only the beginning was read.
    pub(super) begun: Option<Lsn>,
    /// The table that is sent as one, if nothing was read after its description.
    pub(super) whole: Option<u32>,
    pub(super) clocks: Clocks,
}

/// When things were done last that are due by the clock.
#[derive(Clone, Copy)]
pub(super) struct Clocks {
    /// For how long the source had been silent.
    pub(super) silence: Duration,
    pub(super) feedback_at: Instant,
    pub(super) idle_checkpoint_at: Instant,
}

impl Clocks {
    fn new(now: Instant) -> Self {
        Clocks {
            silence: Duration::ZERO,
            feedback_at: now,
            idle_checkpoint_at: now,
        }
    }
}

impl Inlet {
    /// Where the stream comes in: as before, if it `goes_on`, or from a new one.
    pub(in crate::pipeline) async fn open(
        config: &Config,
        from: AppliedLsn,
        open: Option<Inlet>,
        goes_on: bool,
        format: Format,
    ) -> Result<Self> {
        match open {
            Some(inlet) if goes_on => return Ok(inlet),
            Some(inlet) => inlet.close().await,
            None => {}
        }
        let stream = open_stream(config, from.0, format).await?;
        Ok(Inlet::new(stream, config, format, from))
    }

    /// Of a stream that starts after `applied`.
    pub(in crate::pipeline) fn new(
        stream: Stream,
        config: &Config,
        format: Format,
        applied: AppliedLsn,
    ) -> Self {
        Inlet {
            feed: Feed::new(stream, config),
            format,
            relations: HashMap::new(),
            received: ReceivedLsn(applied.0),
            quiet_at: applied.0,
            begun: None,
            whole: None,
            clocks: Clocks::new(Instant::now()),
        }
    }

    /// It can go on as it is: it sends what is `wanted`, or has sent a part of a transaction that
    /// it would send otherwise now; the source does not give it up just now; and not too many of
    /// the relations that it has described are gone.
    pub(in crate::pipeline) fn suits(&self, wanted: Format, routes: &Routes) -> bool {
        let same = self.format.binary == wanted.binary;
        let in_progress = self.format.in_progress == wanted.in_progress || self.feed.spooled() > 0;
        let awake = self.clocks.feedback_at.elapsed() < WAL_SENDER_TIMEOUT / 2;
        let gone = self.relations.keys().filter(|oid| !routes.has(**oid));
        same && in_progress && awake && gone.count() <= RELATIONS_GONE_MAX
    }

    /// Ends the stream, so that another can be opened; what was received and is not applied will
    /// come again.
    pub(in crate::pipeline) async fn close(self) {
        self.feed.close().await;
    }
}

/// Streams from the checkpoint on, `from`. The walsender of our own last round may take a moment to
/// end.
async fn open_stream(config: &Config, from: Lsn, format: Format) -> Result<Stream> {
    let deadline = Instant::now() + PREDECESSOR_WAIT_MAX;
    loop {
        let (endpoint, publications) = (&config.source.endpoint, &config.source.publications);
        let session = Connection::open(endpoint, "stream", Mode::Replication).await?;
        let slot = &config.source.slot;
        let started = session.start_replication(slot, from, publications, format);
        match started.await {
            Err(error) if error.kind() == Kind::SlotInUse && Instant::now() < deadline => {
                tokio::time::sleep(PREDECESSOR_POLL).await;
            }
            started => return started,
        }
    }
}
