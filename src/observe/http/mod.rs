//! The HTTP endpoints: `/` `/metrics` `/healthz` `/readyz` `/status`. They read, and nothing else.
//!
//! One request a connection, in bounded time and space: a client that dawdles, be it in the TLS
//! handshake, holds one of [`limits::HTTP_CONNECTIONS_MAX`] places for
//! [`limits::HTTP_REQUEST_MAX`], or until another client needs the place.
//!
//! With a token, only who shows it sees `/status` and `/metrics`, or that another path is not
//! there. `/healthz` and `/readyz` stay open: those who probe them can often show none, and they
//! say a word about the process and nothing about data. So does `/`, a page that is the same for
//! all; it asks for the token before it shows anything.

mod access;
pub mod client;
#[cfg(test)]
pub(crate) mod tests;
mod tls;

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use access::Access;
pub use access::exposure;

use super::board::Board;
use super::status::State;
use crate::config::Observability;
use crate::error::{Error, Kind, Result};
use crate::limits;

const PAGE: &str = include_str!("../page.html");

/// The format that Prometheus asks for by default.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A bound listener and the work that serves it.
pub struct Server<F> {
    /// The address with the port that the kernel chose, if it was left to choose.
    pub address: SocketAddr,
    /// Runs until the shutdown; to be spawned.
    pub task: F,
}

/// Listens, and returns the task that serves until `shutdown`.
///
/// # Errors
/// [`Kind::Config`] when the address is taken, not ours, or not permitted, or when the token or the
/// certificate cannot serve as such.
pub async fn serve(
    config: &Observability,
    listen: SocketAddr,
    board: Board,
    shutdown: CancellationToken,
) -> Result<Server<impl Future<Output = ()> + Send + 'static>> {
    serve_renewing(config, listen, board, shutdown, limits::HTTP_FILES_INTERVAL).await
}

async fn serve_renewing(
    config: &Observability,
    listen: SocketAddr,
    board: Board,
    shutdown: CancellationToken,
    every: Duration,
) -> Result<Server<impl Future<Output = ()> + Send + 'static>> {
    let (sender, access) = watch::channel(Access::read(config).await?);
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| cannot_listen(listen, &error))?;
    let address = listener.local_addr()?;
    let config = config.clone();
    let task = async move {
        let renewing = access::renew(config, sender, every);
        let work = async { tokio::join!(accept(listener, board, access), renewing) };
        shutdown.run_until_cancelled(work).await;
    };
    Ok(Server { address, task })
}

/// Whether the token and the certificate of the configuration can serve as such.
///
/// # Errors
/// As [`serve`] would have them.
pub async fn examine(config: &Observability) -> Result<()> {
    Access::read(config).await.map(drop)
}

fn cannot_listen(listen: SocketAddr, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "Another process listens there, perhaps another walferry. Give [observability] listen \
             a port of its own."
        }
        io::ErrorKind::AddrNotAvailable => {
            "This machine does not have that address. Set [observability] listen to one that it \
             has, for example 127.0.0.1:9780."
        }
        io::ErrorKind::PermissionDenied => {
            "Set [observability] listen to a port above 1023, for example 127.0.0.1:9780."
        }
        _ => "Set [observability] listen to another address, for example 127.0.0.1:9780.",
    };
    Error::new(
        Kind::Config,
        format!("Could not listen on {listen}: {error}"),
    )
    .remedy(remedy)
}

/// Connections end with this future, which holds them all. When there are too many, the one that
/// has dawdled longest makes room: idle sockets must not keep a health probe waiting.
async fn accept(listener: TcpListener, board: Board, access: watch::Receiver<Access>) {
    let routes = routes(board, access.clone());
    let mut open = VecDeque::with_capacity(limits::HTTP_CONNECTIONS_MAX);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.retain(|connection: &AbortOnDropHandle<()>| !connection.is_finished());
                if open.len() >= limits::HTTP_CONNECTIONS_MAX {
                    open.pop_front();
                }
                let tls = access.borrow().tls();
                let answer = answer(stream, tls, routes.clone(), limits::HTTP_REQUEST_MAX);
                open.push_back(AbortOnDropHandle::new(tokio::spawn(answer)));
            }
            Err(error) => {
                // out of descriptors, most likely: do not spin
                tracing::warn!(%error, "could not accept an HTTP connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Answers one request, or cuts the client off when it takes longer than `limit`.
async fn answer(stream: TcpStream, tls: Option<TlsAcceptor>, routes: Router, limit: Duration) {
    let work = async {
        match tls {
            Some(acceptor) => exchange(acceptor.accept(stream).await?, routes).await,
            None => exchange(stream, routes).await,
        }
    };
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an HTTP connection ended early"),
        Err(_) => tracing::debug!("an HTTP client was too slow and was cut off"),
    }
}

async fn exchange<S>(stream: S, routes: Router) -> Result<(), Box<dyn StdError + Send + Sync>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(limits::HTTP_HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .await
        .map_err(Into::into)
}

fn routes(board: Board, access: watch::Receiver<Access>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .layer(middleware::from_fn_with_state(access, guard))
        .with_state(board)
}

/// Who may see what, and headers for every answer; the page brings its own, wider policy.
async fn guard(
    Shared(access): Shared<watch::Receiver<Access>>,
    request: Request,
    next: Next,
) -> Response {
    let is_open = matches!(request.uri().path(), "/" | "/healthz" | "/readyz");
    let shown = request.headers().get(header::AUTHORIZATION);
    let known = is_open || access.borrow().knows(request.headers().get(header::HOST));
    let admitted = is_open || access.borrow().admits(shown);
    let mut response = if !known {
        let said = "ask by the address, or for localhost: no other name is known here\n";
        (StatusCode::MISDIRECTED_REQUEST, said).into_response()
    } else if admitted {
        next.run(request).await
    } else {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        (StatusCode::UNAUTHORIZED, challenge, "a token is needed\n").into_response()
    };
    let headers = response.headers_mut();
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The page's style and script are inline, so each answer admits just those two by a fresh nonce.
async fn page() -> Response {
    let nonce = format!("{:016x}", RandomState::new().build_hasher().finish());
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let html = Html(PAGE.replace("{{nonce}}", &nonce));
    ([(header::CONTENT_SECURITY_POLICY, policy)], html).into_response()
}

async fn metrics(Shared(board): Shared<Board>) -> Response {
    ([(header::CONTENT_TYPE, EXPOSITION)], board.render_metrics()).into_response()
}

async fn healthz(Shared(board): Shared<Board>) -> Response {
    match board.health() {
        Ok(()) => (StatusCode::OK, "ok\n").into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn readyz(Shared(board): Shared<Board>) -> Response {
    let state = board.current_state();
    let code = match state {
        State::Streaming => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, format!("{state}\n")).into_response()
}

async fn status(Shared(board): Shared<Board>) -> Response {
    axum::Json(board.status()).into_response()
}
