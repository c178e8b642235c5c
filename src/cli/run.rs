//! `walferry run`

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Outcome;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::observe::{self, Board, Identity};
use crate::pipeline;

/// Options of `walferry run`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {}

/// Runs until SIGTERM or SIGINT, which drain; a second signal ends the process at once.
pub(super) async fn run(config: Config, _: &Options) -> Result<Outcome> {
    observe::logging::init(&config.observability)?;
    let board = Board::new(Identity::of(&config));
    let shutdown = CancellationToken::new();
    // The watchers outlive the pipeline, so that a drain can be watched.
    let watching = CancellationToken::new();
    let watchers = observe::start(&config.observability, &board, &watching).await?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        pipeline = config.pipeline,
        listen = watchers.address.map(|address| address.to_string()),
        "walferry starts"
    );
    if let Some((what, hint)) = observe::http::exposure(&config.observability) {
        tracing::warn!(what, hint, "others can reach the HTTP endpoint");
    }
    tokio::spawn(stop_on_signal(shutdown.clone())?);
    // a task, as those that it waits for: the main thread would have to be woken for each message
    let running = tokio::spawn(pipeline::run(config, board, shutdown));
    let outcome = running.await.unwrap_or_else(|error| {
        let what = format!("The pipeline failed: {error}");
        Err(Error::new(Kind::Unknown, what))
    });
    watching.cancel();
    watchers.stopped().await;
    outcome.map(|()| Outcome::Done)
}

fn stop_on_signal(shutdown: CancellationToken) -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.is_cancelled() {
                // Asked twice: what is not committed will be sent again.
                std::process::exit(1);
            }
            shutdown.cancel();
        }
    })
}
