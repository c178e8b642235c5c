//! Watches over the source beside the stream: heartbeat, end of WAL, what the slot retains, and
//! whether the publication's tables changed (a new table without rows says nothing in the stream).
//!
//! Its failures never stop the stream: it reconnects by itself, and what it reports grows old.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_postgres::Client;
use tokio_postgres::types::PgLsn;

use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::limits::{
    HEARTBEAT_INTERVAL, PUBLICATION_WATCH_INTERVAL, SLOT_WARNING_INTERVAL, SLOT_WATCH_INTERVAL,
};
use crate::lsn::Lsn;
use crate::observe::Board;
use crate::sql::watch as sql;
use crate::transport;

/// The running watch; ends when dropped.
pub(super) struct Watch {
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

/// What the watch has seen.
#[derive(Default)]
struct Seen {
    /// End of the source's WAL when it was last asked.
    server_end: AtomicU64,
    /// The publication is no longer what it was at the first look.
    publication_changed: AtomicBool,
}

impl Watch {
    /// Starts watching.
    pub(super) fn start(config: &Arc<Config>, board: Board) -> Self {
        let seen = Arc::new(Seen::default());
        let (config, report) = (Arc::clone(config), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            let mut publication = None;
            let mut pause = interval(SLOT_WATCH_INTERVAL);
            pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                pause.tick().await;
                if let Err(error) = watch(&config, &board, &report, &mut publication).await {
                    tracing::warn!(error = %error, "the watch over the source was interrupted");
                }
            }
        });
        Watch { seen, task }
    }

    /// The end of the source's WAL when it was last asked; 0/0 before that.
    pub(super) fn server_end(&self) -> Lsn {
        Lsn(self.seen.server_end.load(Ordering::Relaxed))
    }

    /// The publication's tables are no longer those of the start.
    pub(super) fn publication_changed(&self) -> bool {
        self.seen.publication_changed.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the publication was at the first look: `None` before it, `Some(None)` without tables.
type Publication = Option<Option<String>>;

async fn watch(
    config: &Config,
    board: &Board,
    report: &Seen,
    publication: &mut Publication,
) -> Result<()> {
    let client = transport::connect(&config.source.endpoint, "watch").await?;
    let version = client.query_one(sql::SERVER_VERSION, &[]).await;
    let version =
        version.map_err(|error| from_client(Side::Source, "ask for the version", &error))?;
    let statement = if version.get::<_, i32>(0) >= 130_000 {
        sql::SLOT
    } else {
        sql::SLOT_BEFORE_13
    };
    let (mut warned_at, mut looked_at): (Option<Instant>, Option<Instant>) = (None, None);
    let mut pause = interval(SLOT_WATCH_INTERVAL);
    let mut beat_at: Option<Instant> = None;
    loop {
        pause.tick().await;
        let slot = look(&client, config, statement, board, &report.server_end).await?;
        if looked_at.is_none_or(|at| at.elapsed() >= PUBLICATION_WATCH_INTERVAL) {
            looked_at = Some(Instant::now());
            let now = publication_now(&client, config).await?;
            if *publication.get_or_insert_with(|| now.clone()) != now {
                report.publication_changed.store(true, Ordering::Relaxed);
            }
        }
        if slot.running_out && warned_at.is_none_or(|at| at.elapsed() >= SLOT_WARNING_INTERVAL) {
            warned_at = Some(Instant::now());
            tracing::warn!(
                slot = config.source.slot,
                "the source will soon remove WAL that the slot needs: raise max_slot_wal_keep_size"
            );
        }
        let due = beat_at.is_none_or(|at| at.elapsed() >= HEARTBEAT_INTERVAL);
        if due && !slot.in_recovery {
            beat_at = Some(Instant::now());
            let beat = client.batch_execute(sql::HEARTBEAT).await;
            beat.map_err(|error| from_client(Side::Source, "write a heartbeat", &error))?;
        }
    }
}

/// A digest of the publication's tables.
async fn publication_now(client: &Client, config: &Config) -> Result<Option<String>> {
    let row = client
        .query_one(sql::PUBLICATION, &[&config.source.publication])
        .await;
    let row = row.map_err(|error| from_client(Side::Source, "look at the publication", &error))?;
    Ok(row.get(0))
}

/// What the source answered.
struct Slot {
    in_recovery: bool,
    running_out: bool,
}

/// Asks and reports.
async fn look(
    client: &Client,
    config: &Config,
    statement: &str,
    board: &Board,
    server_end: &AtomicU64,
) -> Result<Slot> {
    let row = client.query_one(statement, &[&config.source.slot]).await;
    let row = row.map_err(|error| from_client(Side::Source, "look at the slot", &error))?;
    if let Some(end) = row.get::<_, Option<PgLsn>>(0) {
        server_end.store(end.into(), Ordering::Relaxed);
    }
    let retained: Option<i64> = row.get(2);
    let status: Option<String> = row.get(3);
    let safe: Option<i64> = row.get(4);
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
    let status = status.as_deref().unwrap_or("unknown");
    board.slot(unsigned(retained.unwrap_or(0)), safe.map(unsigned), status);
    let (retained, safe) = (retained.unwrap_or(0), safe.unwrap_or(i64::MAX));
    Ok(Slot {
        in_recovery: row.get(1),
        // Three quarters of what the source keeps for a slot are used up.
        running_out: matches!(status, "unreserved" | "lost") || safe < retained / 3,
    })
}
