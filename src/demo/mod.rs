//! The whole thing on two throw-away clusters, to be watched.
//!
//! ```text
//!  writer ─▶ cluster "shop" ─▶ daemon (`walferry run`, its own process) ─▶ cluster "warehouse"
//!                └────────────── screen: rows, rate, lag; at the end: equal? ──────┘
//! ```
//!
//! [`cluster`] and what it stands on also serve the tests.

pub mod binaries;
pub mod cluster;
pub mod compare;
mod daemon;
pub mod port;
pub mod scratch;
mod screen;
mod shop;

use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Kind, Result};
use binaries::Binaries;
use daemon::Daemon;
use screen::{Screen, View};
use shop::Shop;

/// How long the copy may take to catch up once nobody writes any more.
const CATCH_UP_MAX: Duration = Duration::from_mins(2);

/// How often the screen shows the present.
const SHOW_INTERVAL: Duration = Duration::from_secs(1);

/// How a demo goes.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long to write and show; `None` means until Ctrl-C.
    pub seconds: Option<u64>,
    /// The port of the daemon's pages on 127.0.0.1; `None` takes 9780, or any when that is in use.
    pub http_port: Option<u16>,
}

/// Runs until the time is over, Ctrl-C or SIGTERM; then stops writing, lets the copy catch up and
/// compares both sides. A second signal ends it at once. Nothing is left behind either way.
///
/// # Errors
/// When no server programs are found, the daemon ends early, or the two sides are not equal.
pub async fn run(options: Options) -> Result<()> {
    let enough = CancellationToken::new();
    let at_once = CancellationToken::new();
    tokio::spawn(listen(enough.clone(), at_once.clone()));
    let mut screen = Screen::new();
    let prepared = enough.run_until_cancelled(Box::pin(prepare(options, &mut screen)));
    let Some((shop, mut daemon)) = prepared.await.transpose()? else {
        return screen.line("stopped before it began");
    };
    let watched = Box::pin(watch(options, &shop, &mut daemon, &mut screen, &enough));
    match at_once.run_until_cancelled(watched).await {
        Some(result) => result?,
        None => return screen.line("stopped at once, nothing was compared"),
    }
    daemon.stop().await
}

async fn listen(enough: CancellationToken, at_once: CancellationToken) -> Result<()> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    for token in [enough, at_once] {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        token.cancel();
    }
    Ok(())
}

async fn prepare(options: Options, screen: &mut Screen) -> Result<(Shop, Daemon)> {
    let binaries = Binaries::find(None).await?;
    screen.line(&format!(
        "PostgreSQL {} from {}",
        binaries.version(),
        binaries.directory().display()
    ))?;
    screen.line("starting two clusters, filling the source …")?;
    let shop = Shop::open(&binaries).await?;
    let daemon = Daemon::start(&shop, options.http_port)?;
    screen.addresses(&shop, &daemon)?;
    Ok((shop, daemon))
}

/// Writes and shows until it is enough, then settles and judges.
async fn watch(
    options: Options,
    shop: &Shop,
    daemon: &mut Daemon,
    screen: &mut Screen,
    enough: &CancellationToken,
) -> Result<()> {
    let quiet = CancellationToken::new();
    let writer = tokio::spawn(shop.writer(quiet.clone()).await?);
    let time = options.seconds.map_or(Duration::MAX, Duration::from_secs);
    let started = Instant::now();
    let mut timer = tokio::time::interval(SHOW_INTERVAL);
    while started.elapsed() < time && !enough.is_cancelled() && !writer.is_finished() {
        tokio::select! {
            () = enough.cancelled() => {}
            _ = timer.tick() => {
                daemon.must_run()?;
                let view = View {
                    rows: shop.rows().await?,
                    status: daemon.status().await,
                    running: started.elapsed(),
                };
                screen.show(&view)?;
            }
        }
    }
    quiet.cancel();
    let transactions = writer
        .await
        .map_err(|error| Error::new(Kind::Unknown, format!("The writer ended: {error}")))??;
    screen.line(&format!(
        "stopped writing after {transactions} transactions, letting the copy catch up …"
    ))?;
    settle(shop, daemon).await?;
    let rows: i64 = shop.rows().await?.iter().map(|table| table.source).sum();
    screen.line(&format!("equal: every table, {rows} rows on both sides"))
}

/// Waits until both sides are equal, or until they can no longer become equal.
async fn settle(shop: &Shop, daemon: &mut Daemon) -> Result<()> {
    let end = shop.log_end().await?;
    let started = Instant::now();
    loop {
        daemon.must_run()?;
        let acknowledged = shop.slot_has_confirmed(&end).await?;
        let different = shop.differences().await?;
        if different.is_empty() {
            return Ok(());
        }
        if acknowledged || started.elapsed() > CATCH_UP_MAX {
            let tables = different.join(", ");
            return Err(Error::new(
                Kind::Unknown,
                format!("The two sides are different in {tables}"),
            )
            .remedy("Please report this, with the log of the daemon: a copy must be equal."));
        }
        tokio::time::sleep(SHOW_INTERVAL / 2).await;
    }
}
