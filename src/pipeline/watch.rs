//! Watches over the source beside the stream: heartbeat, end of WAL, what the slot retains, what
//! the publications send.
//!
//! Its failures never stop the stream: it reconnects by itself, and what it reports grows old.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_postgres::Client;
use tokio_postgres::types::PgLsn;

use super::locked;
use crate::catalog::{TableName, source};
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::limits::{
    HEARTBEAT_INTERVAL, PUBLICATION_WATCH_INTERVAL, SHAPE_WATCH_INTERVAL, SLOT_WARNING_INTERVAL,
    SLOT_WATCH_INTERVAL,
};
use crate::lsn::Lsn;
use crate::observe::Board;
use crate::source::slot::load_prefix;
use crate::sql::ask;
use crate::sql::watch as sql;
use crate::transport;

/// `server_version_num` from which on a source tells how much more it keeps for a slot.
const SLOT_LIMITS: i32 = 130_000;

/// The running watch; ends when dropped.
pub(super) struct Watch {
    view: Arc<View>,
    task: JoinHandle<()>,
}

/// What the watch has seen and the stream wants to know.
#[derive(Default)]
struct View {
    server_end: AtomicU64,
    published: Mutex<Option<Published>>,
    /// See [`source::fingerprint`].
    fingerprint: Mutex<Option<String>>,
}

/// What the publications send.
#[derive(Debug)]
pub(super) struct Published {
    /// Each publication by its name, with its oid if there is one.
    publications: Vec<(String, Option<u32>)>,
    /// Their tables, by oid.
    pub(super) tables: Vec<(u32, TableName)>,
}

impl Published {
    /// A publication that is not there.
    pub(super) fn missing(&self) -> Option<&str> {
        let mut missing = self.publications.iter().filter(|(_, oid)| oid.is_none());
        missing.next().map(|(name, _)| name.as_str())
    }

    /// A publication that is there, and is not one of these; of none, if these are none.
    pub(super) fn lacks(&self, oids: &[u32]) -> Option<&str> {
        let another = |oid: Option<u32>| oid.is_some_and(|oid| !oids.contains(&oid));
        let mut others = self.publications.iter().filter(|(_, oid)| another(*oid));
        let other = others.next().filter(|_| !oids.is_empty());
        other.map(|(name, _)| name.as_str())
    }
}

impl Watch {
    /// Starts watching.
    pub(super) fn start(config: &Arc<Config>, board: Board) -> Self {
        let view = Arc::new(View::default());
        let (config, seen) = (Arc::clone(config), Arc::clone(&view));
        let task = tokio::spawn(async move {
            let mut pause = interval(SLOT_WATCH_INTERVAL);
            pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                pause.tick().await;
                if let Err(error) = watch(&config, &board, &seen).await {
                    let error = locked::named(&config.source.endpoint, error).await;
                    tracing::warn!(error = %error, "the watch over the source was interrupted");
                }
            }
        });
        Watch { view, task }
    }

    /// The end of the source's WAL when it was last asked; 0/0 before that.
    pub(super) fn server_end(&self) -> Lsn {
        Lsn(self.view.server_end.load(Ordering::Relaxed))
    }

    /// What the publications' tables look like, if the watch has looked since this was last asked.
    pub(super) fn fingerprint(&self) -> Option<String> {
        self.view.fingerprint.lock().ok()?.take()
    }

    /// What the publications send, if the watch has looked since this was last asked.
    pub(super) fn published(&self) -> Option<Published> {
        self.view.published.lock().ok()?.take()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(config: &Config, board: &Board, view: &View) -> Result<()> {
    let client = transport::connect(&config.source.endpoint, "watch").await?;
    let version = ask::query_one(&client, sql::SERVER_VERSION, &[]).await;
    let version =
        version.map_err(|error| from_client(Side::Source, "ask for the version", &error))?;
    let tells_of_limits = version.get::<_, i32>(0) >= SLOT_LIMITS;
    let mut warned: HashMap<String, Instant> = HashMap::new();
    let mut pause = interval(SLOT_WATCH_INTERVAL);
    let mut beat_at: Option<Instant> = None;
    let mut listed_at: Option<Instant> = None;
    let mut look_closer_at = Instant::now() + SHAPE_WATCH_INTERVAL;
    loop {
        pause.tick().await;
        if listed_at.is_none_or(|at| at.elapsed() >= PUBLICATION_WATCH_INTERVAL) {
            listed_at = Some(Instant::now());
            let listed = list(&client, &config.source.publications).await?;
            if let Ok(mut published) = view.published.lock() {
                *published = Some(listed);
            }
        }
        let mut tables = None;
        if Instant::now() >= look_closer_at {
            let asked = Instant::now();
            let looked = source::fingerprint(&client, &config.source.publications).await?;
            tables = Some(looked);
            // with very many tables it takes a while: the source has better things to do
            look_closer_at = Instant::now() + SHAPE_WATCH_INTERVAL.max(asked.elapsed() * 50);
        }
        let seen = look(&client, config, tells_of_limits, board, &view.server_end).await?;
        // after the end of the log, which has all that led to it
        if let (Some(tables), Ok(mut fingerprint)) = (tables, view.fingerprint.lock()) {
            *fingerprint = Some(tables);
        }
        warned.retain(|_, at| at.elapsed() < SLOT_WARNING_INTERVAL);
        for slot in seen.running_out {
            warned.entry(slot).or_insert_with_key(|slot| {
                tracing::warn!(
                    slot,
                    "the source will soon remove WAL that the slot needs: raise \
                     max_slot_wal_keep_size"
                );
                Instant::now()
            });
        }
        let due = beat_at.is_none_or(|at| at.elapsed() >= HEARTBEAT_INTERVAL);
        if due && !seen.in_recovery {
            beat_at = Some(Instant::now());
            let beat = client.batch_execute(sql::HEARTBEAT).await;
            beat.map_err(|error| from_client(Side::Source, "write a heartbeat", &error))?;
        }
    }
}

/// Asks for it now.
pub(super) async fn list(client: &Client, publications: &[String]) -> Result<Published> {
    let rows = ask::query(client, sql::PUBLISHED, &[&publications]).await;
    let rows = rows.map_err(|error| from_client(Side::Source, "list the publications", &error))?;
    let mut published = Published {
        publications: publications
            .iter()
            .map(|name| (name.clone(), None))
            .collect(),
        tables: Vec::new(),
    };
    for row in rows {
        let by: &str = row.get(1);
        let named = published
            .publications
            .iter_mut()
            .find(|(name, _)| name == by);
        if let Some((_, oid)) = named {
            *oid = Some(row.get(0));
        }
        // a row without a table stands for a publication of none
        if let Some(oid) = row.get(2) {
            let name = TableName::new(row.get::<_, String>(3), row.get::<_, String>(4));
            published.tables.push((oid, name));
        }
    }
    Ok(published)
}

/// What the source answered.
struct Seen {
    in_recovery: bool,
    /// Which of the slot, and those of loads beside the stream, the source keeps little more for.
    running_out: Vec<String>,
}

/// Asks and reports.
async fn look(
    client: &Client,
    config: &Config,
    tells_of_limits: bool,
    board: &Board,
    server_end: &AtomicU64,
) -> Result<Seen> {
    let failed = |error| from_client(Side::Source, "look at the slot", &error);
    let slot = &config.source.slot;
    let statement = if tells_of_limits {
        sql::SLOT
    } else {
        sql::SLOT_BEFORE_13
    };
    let row = ask::query_one(client, statement, &[slot])
        .await
        .map_err(failed)?;
    if let Some(end) = row.get::<_, Option<PgLsn>>(0) {
        server_end.store(end.into(), Ordering::Relaxed);
    }
    let retained: Option<i64> = row.get(2);
    let status: Option<String> = row.get(3);
    let safe: Option<i64> = row.get(4);
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
    let status = status.as_deref().unwrap_or("unknown");
    board.slot(unsigned(retained.unwrap_or(0)), safe.map(unsigned), status);
    let mut running_out = Vec::new();
    if is_running_out(retained, status, safe) {
        running_out.push(slot.clone());
    }
    if tells_of_limits {
        let loads = ask::query(client, sql::LOAD_SLOTS, &[&load_prefix(slot)]).await;
        for load in loads.map_err(failed)? {
            let status: Option<&str> = load.get(2);
            if is_running_out(load.get(1), status.unwrap_or_default(), load.get(3)) {
                running_out.push(load.get(0));
            }
        }
    }
    Ok(Seen {
        in_recovery: row.get(1),
        running_out,
    })
}

/// Three quarters of what the source keeps for a slot are used up.
fn is_running_out(retained: Option<i64>, status: &str, safe: Option<i64>) -> bool {
    let (retained, safe) = (retained.unwrap_or(0), safe.unwrap_or(i64::MAX));
    matches!(status, "unreserved" | "lost") || safe < retained / 3
}
