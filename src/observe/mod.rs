//! What an operator can see: metrics, `/status`, the status page, health, logs, progress bars.
//!
//! ```text
//!  pipeline ──▶ Board ─┬─ metrics ── http `/metrics`
//!   (setters)          ├─ status ─── http `/status`, `/` · `walferry status`
//!                      ├─ health ─── http `/healthz`, `/readyz` · systemd watchdog
//!                      └─ status ─── progress (bars or log lines) · systemd STATUS
//! ```
//!
//! The pipeline reports to the [`Board`] and to nothing else; everything here reads from it.

pub mod bars;
mod board;
pub mod http;
pub mod identity;
pub mod load;
pub mod logging;
mod metrics;
pub mod progress;
mod rate;
pub mod status;
pub mod systemd;
mod tables;

use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use board::{BatchReport, Board};
pub use identity::Identity;
pub use status::{Place, State, TableState};

use crate::config::Observability;
use crate::error::Result;
use crate::limits;

/// Everything that watches the [`Board`] for the life of one daemon.
pub struct Watchers {
    /// Where the HTTP endpoints listen; `None` when they are off.
    pub address: Option<SocketAddr>,
    tasks: TaskTracker,
}

impl Watchers {
    /// Waits until all watchers have seen the shutdown and have said their last word (`STOPPING=1`,
    /// the bars' last line). Call it after cancelling the token given to [`start`].
    pub async fn stopped(self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Starts the HTTP endpoints, the progress of the initial load, the systemd notifications and the
/// upkeep of the metrics.
///
/// # Errors
/// [`crate::Kind::Config`] when the address cannot be listened on.
pub async fn start(
    config: &Observability,
    board: &Board,
    shutdown: &CancellationToken,
) -> Result<Watchers> {
    let tasks = TaskTracker::new();
    let address = match config.listen {
        Some(listen) => {
            let server = http::serve(config, listen, board.clone(), shutdown.clone()).await?;
            tasks.spawn(server.task);
            Some(server.address)
        }
        None => None,
    };
    tasks.spawn(progress::follow(
        board.clone(),
        config.log_format,
        shutdown.clone(),
    ));
    tasks.spawn(systemd::follow(board.clone(), shutdown.clone()));
    tasks.spawn(upkeep(board.clone(), shutdown.clone()));
    Ok(Watchers { address, tasks })
}

/// Histograms keep every sample until somebody drains them; a scrape does, but nobody may scrape.
async fn upkeep(board: Board, shutdown: CancellationToken) {
    let mut timer = tokio::time::interval(limits::METRICS_UPKEEP_INTERVAL);
    while shutdown.run_until_cancelled(timer.tick()).await.is_some() {
        board.drain_histograms();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::LogFormat;

    #[tokio::test]
    async fn the_watchers_start_and_end_together() {
        let config = Observability {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            token: None,
            tls: None,
            log_format: LogFormat::Json,
            log_level: "info".to_owned(),
        };
        let board = Board::new(Identity::default());
        let shutdown = CancellationToken::new();
        let watchers = start(&config, &board, &shutdown).await.unwrap();
        let address = watchers.address.unwrap();
        tokio::net::TcpStream::connect(address).await.unwrap();
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(5), watchers.stopped())
            .await
            .unwrap();
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}
