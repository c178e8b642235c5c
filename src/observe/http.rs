//! The HTTP endpoints: `/` `/metrics` `/healthz` `/readyz` `/status`. They read, and nothing else.
//!
//! One request a connection, in bounded time and space: a client that dawdles holds one of
//! [`limits::HTTP_CONNECTIONS_MAX`] places for [`limits::HTTP_REQUEST_MAX`], or until another
//! client needs the place.

use std::collections::VecDeque;
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
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::board::Board;
use super::status::State;
use crate::error::{Error, Kind, Result};
use crate::limits;

const PAGE: &str = include_str!("page.html");

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
/// [`Kind::Config`] when the address is taken, not ours, or not permitted.
pub async fn serve(
    listen: SocketAddr,
    board: Board,
    shutdown: CancellationToken,
) -> Result<Server<impl Future<Output = ()> + Send + 'static>> {
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| cannot_listen(listen, &error))?;
    let address = listener.local_addr()?;
    let task = async move {
        shutdown.run_until_cancelled(accept(listener, board)).await;
    };
    Ok(Server { address, task })
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
async fn accept(listener: TcpListener, board: Board) {
    let routes = routes(board);
    let mut open = VecDeque::with_capacity(limits::HTTP_CONNECTIONS_MAX);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.retain(|connection: &AbortOnDropHandle<()>| !connection.is_finished());
                if open.len() >= limits::HTTP_CONNECTIONS_MAX {
                    open.pop_front();
                }
                let answer = answer(stream, routes.clone(), limits::HTTP_REQUEST_MAX);
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
async fn answer(stream: TcpStream, routes: Router, limit: Duration) {
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(limits::HTTP_HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    match tokio::time::timeout(limit, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an HTTP connection ended early"),
        Err(_) => tracing::debug!("an HTTP client was too slow and was cut off"),
    }
}

fn routes(board: Board) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .layer(middleware::from_fn(guard))
        .with_state(board)
}

/// Headers for every answer; the page brings its own, wider policy.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::observe::identity::Identity;
    use crate::observe::status::Status;

    async fn started() -> (SocketAddr, Board, CancellationToken) {
        let board = Board::new(Identity::default());
        let shutdown = CancellationToken::new();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = serve(anywhere, board.clone(), shutdown.clone())
            .await
            .unwrap();
        tokio::spawn(server.task);
        (server.address, board, shutdown)
    }

    async fn send(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn ask(address: SocketAddr, path: &str) -> String {
        send(address, &format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await
    }

    #[tokio::test]
    async fn readiness_follows_the_state_and_health_does_not() {
        let (address, board, _shutdown) = started().await;
        board.state(State::Snapshot);
        assert!(ask(address, "/readyz").await.starts_with("HTTP/1.1 503"));
        assert!(ask(address, "/healthz").await.starts_with("HTTP/1.1 200"));
        board.state(State::Streaming);
        assert!(ask(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        board.state(State::Halted);
        let answer = ask(address, "/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("operator"), "{answer}");
    }

    #[tokio::test]
    async fn the_status_and_the_metrics_are_served() {
        let (address, _board, _shutdown) = started().await;
        let answer = ask(address, "/status").await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: application/json"), "{head}");
        serde_json::from_str::<Status>(body).unwrap();
        let answer = ask(address, "/metrics").await;
        assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
        assert!(answer.contains("walferry_build_info{version="), "{answer}");
    }

    #[tokio::test]
    async fn every_answer_carries_the_security_headers_and_the_page_a_fresh_nonce() {
        let (address, _board, _shutdown) = started().await;
        for path in ["/", "/metrics", "/healthz", "/status", "/nowhere"] {
            let answer = ask(address, path).await;
            for header in [
                "content-security-policy: default-src 'none'",
                "x-content-type-options: nosniff",
            ] {
                assert!(answer.contains(header), "{path}: {answer}");
            }
        }
        let nonce = |answer: &str| {
            let (_, rest) = answer.split_once("'nonce-").unwrap();
            rest[..16].to_owned()
        };
        let (one, other) = (ask(address, "/").await, ask(address, "/").await);
        assert_ne!(nonce(&one), nonce(&other));
        assert!(one.contains(&format!("<script nonce=\"{}\"", nonce(&one))));
        assert!(!one.contains("{{nonce}}"));
    }

    #[tokio::test]
    async fn only_reading_is_allowed() {
        let (address, _board, _shutdown) = started().await;
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let request =
                format!("{method} /status HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\n\r\n");
            let answer = send(address, &request).await;
            assert!(answer.starts_with("HTTP/1.1 405"), "{method}: {answer}");
        }
        let answer = send(address, "HEAD /status HTTP/1.1\r\nhost: t\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }

    #[tokio::test]
    async fn an_oversized_head_is_refused() {
        let (address, _board, _shutdown) = started().await;
        let long = "x".repeat(limits::HTTP_HEAD_BYTES_MAX);
        let answer = ask(address, &format!("/status?{long}")).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_is_cut_off() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let routes = routes(Board::new(Identity::default()));
            answer(stream, routes, Duration::from_millis(50)).await;
        });
        assert!(send(address, "GET /status HT").await.is_empty());
    }

    #[tokio::test]
    async fn idle_sockets_do_not_keep_a_probe_waiting() {
        let (address, _board, _shutdown) = started().await;
        let mut idle = Vec::new();
        for _ in 0..limits::HTTP_CONNECTIONS_MAX * 2 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let answer = tokio::time::timeout(Duration::from_secs(5), ask(address, "/healthz")).await;
        assert!(answer.unwrap().starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn a_port_in_use_is_a_fault_of_the_configuration_with_a_way_out() {
        let (address, board, shutdown) = started().await;
        let error = serve(address, board, shutdown).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        assert!(error.hint().unwrap().contains("[observability] listen"));
    }
}
