//! A wire that stops in the middle of something: TCP to a server through us.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::PATIENCE;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// Passes on everything both ways, on any number of connections. One on which the server has sent
/// the mark hears nothing more from the server, though it stays open.
pub struct Relay {
    pub port: u16,
    holding: Arc<AtomicBool>,
}

impl Relay {
    /// To a server on this machine.
    pub async fn to(server_port: u16, mark: &'static str) -> Relay {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let holding = Arc::new(AtomicBool::new(false));
        let held = Arc::clone(&holding);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server_port, mark, Arc::clone(&held)));
            }
        });
        Relay { port, holding }
    }

    /// Waits until the mark has come by.
    pub async fn until_held(&self) {
        let started = Instant::now();
        while !self.holding.load(Ordering::SeqCst) {
            assert!(started.elapsed() < PATIENCE, "no mark");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn pass(client: TcpStream, server_port: u16, mark: &str, holding: Arc<AtomicBool>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move {
        let _ = copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    });
    let mut seen = Vec::new();
    let mut piece = vec![0; 64 << 10];
    while let Ok(bytes @ 1..) = from_server.read(&mut piece).await {
        let before = seen.len();
        seen.extend_from_slice(&piece[..bytes]);
        let mark_at = seen
            .windows(mark.len())
            .position(|part| part == mark.as_bytes());
        let end = mark_at.map_or(seen.len(), |at| at + mark.len());
        // a mark that began in the piece before has been passed on in part
        if to_client
            .write_all(&seen[before.min(end)..end])
            .await
            .is_err()
        {
            return;
        }
        if mark_at.is_some() {
            holding.store(true, Ordering::SeqCst);
            return std::future::pending().await;
        }
        seen.drain(..seen.len().saturating_sub(mark.len()));
    }
}
