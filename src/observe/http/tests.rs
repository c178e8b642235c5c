//! The endpoint as its clients see it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::config::LogFormat;
use crate::observe::identity::Identity;
use crate::observe::status::Status;
use crate::transport::Secret;

/// Neither token nor TLS.
pub(crate) fn open() -> Observability {
    Observability {
        listen: None,
        token: None,
        tls: None,
        log_format: LogFormat::Text,
        log_level: "off".to_owned(),
    }
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn started() -> (SocketAddr, Board, CancellationToken) {
    let (board, shutdown) = (Board::new(Identity::default()), CancellationToken::new());
    let config = open();
    let server = serve(&config, anywhere(), board.clone(), shutdown.clone());
    let server = server.await.unwrap();
    tokio::spawn(server.task);
    (server.address, board, shutdown)
}

/// Serves with what the configuration says, and looks for other files all the time.
async fn guarded(config: &Observability) -> (SocketAddr, CancellationToken) {
    let (board, shutdown) = (Board::new(Identity::default()), CancellationToken::new());
    let often = Duration::from_millis(20);
    let server = serve_renewing(config, anywhere(), board, shutdown.clone(), often);
    let server = server.await.unwrap();
    tokio::spawn(server.task);
    (server.address, shutdown)
}

fn inline(token: &str) -> Observability {
    Observability {
        token: Some(Secret::Inline(token.into())),
        ..open()
    }
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
async fn a_page_of_elsewhere_cannot_read_through_a_browser_that_runs_here() {
    let named = async |address, path: &str, host: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        send(address, &request).await[..12].to_owned()
    };
    let here = Observability {
        listen: Some(anywhere()),
        ..open()
    };
    let (address, _shutdown) = guarded(&here).await;
    for path in ["/status", "/metrics"] {
        for host in [
            "127.0.0.1:9780",
            "[::1]:9780",
            "localhost:9780",
            "LOCALHOST",
            "10.0.0.1",
        ] {
            assert_eq!(named(address, path, host).await, "HTTP/1.1 200", "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9780",
            "127.0.0.1.evil.example",
            "",
            "[x",
        ] {
            assert_eq!(named(address, path, host).await, "HTTP/1.1 421", "{host}");
        }
    }
    assert_eq!(named(address, "/healthz", "walferry").await, "HTTP/1.1 200");
    // who listens elsewhere has a name there, and who has a token is asked for that
    let everywhere = Observability {
        listen: Some(SocketAddr::from(([0, 0, 0, 0], 0))),
        ..open()
    };
    let (address, _shutdown) = guarded(&everywhere).await;
    assert_eq!(named(address, "/status", "walferry").await, "HTTP/1.1 200");
    let token = Observability {
        listen: Some(anywhere()),
        ..inline("0123456789abcdef")
    };
    let (address, _shutdown) = guarded(&token).await;
    assert_eq!(named(address, "/status", "walferry").await, "HTTP/1.1 401");
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
        let request = format!("{method} /status HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\n\r\n");
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
        let (_sender, access) = watch::channel(Access::default());
        let routes = routes(Board::new(Identity::default()), access);
        answer(stream, None, routes, Duration::from_millis(50)).await;
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
    let error = serve(&open(), address, board, shutdown)
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(error.hint().unwrap().contains("[observability] listen"));
}

const TOKEN: &str = "0123456789abcdef-k4n4r1env0gel";

async fn ask_with(address: SocketAddr, path: &str, authorization: &str) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: t\r\nAuthorization: {authorization}\r\n\r\n");
    send(address, &request).await
}

#[tokio::test]
async fn with_a_token_only_who_shows_it_sees_anything_but_health_and_the_empty_page() {
    let (address, _shutdown) = guarded(&inline(TOKEN)).await;
    for path in ["/status", "/metrics", "/nowhere"] {
        let answer = ask(address, path).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{path}: {answer}");
        assert!(answer.contains("www-authenticate: Bearer"), "{answer}");
        let wrong = [
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcdef",
            &format!("Bearer {TOKEN}x"),
            &format!("Bearer  {TOKEN}"),
            &format!("Bearer {}", TOKEN.to_uppercase()),
            &format!("Basic {TOKEN}"),
            TOKEN,
        ]
        .map(str::to_owned);
        for shown in wrong {
            let answer = ask_with(address, path, &shown).await;
            assert!(answer.starts_with("HTTP/1.1 401"), "{shown}: {answer}");
            assert!(!answer.contains(TOKEN), "{answer}");
        }
    }
    for scheme in ["Bearer", "bearer"] {
        let answer = ask_with(address, "/status", &format!("{scheme} {TOKEN}")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    for path in ["/", "/healthz", "/readyz"] {
        let answer = ask(address, path).await;
        assert!(!answer.starts_with("HTTP/1.1 401"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_token_that_anybody_could_guess_or_that_no_header_can_hold_is_refused() {
    for token in [
        "tiny-secret",
        "with a blank in it......",
        "größer-als-ascii-ist",
    ] {
        let error = examine(&inline(token)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(!error.to_string().contains(token), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("openssl")));
    }
    assert!(examine(&inline(TOKEN)).await.is_ok());
}

#[tokio::test]
async fn another_token_in_the_file_holds_without_a_restart_and_a_bad_one_never_opens_the_door() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), TOKEN).unwrap();
    let config = Observability {
        token: Some(Secret::File(file.path().to_owned())),
        ..open()
    };
    let (address, _shutdown) = guarded(&config).await;
    let admits = async |token: &str| {
        let answer = ask_with(address, "/status", &format!("Bearer {token}")).await;
        answer.starts_with("HTTP/1.1 200")
    };
    assert!(admits(TOKEN).await);
    std::fs::write(file.path(), "").unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(admits(TOKEN).await && !admits("").await);
    std::fs::write(file.path(), "another-token-of-length").unwrap();
    soon(async || admits("another-token-of-length").await).await;
    assert!(!admits(TOKEN).await);
}

/// Waits until it is so.
async fn soon(mut is_so: impl AsyncFnMut() -> bool) {
    let started = std::time::Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < Duration::from_secs(10), "never");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Writes a fresh self-signed certificate and its key into the folder.
fn certify(folder: &std::path::Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let files = (folder.join("cert.pem"), folder.join("key.pem"));
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["walferry.example.com".to_owned()];
    let parameters = rcgen::CertificateParams::new(names).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    std::fs::write(&files.0, certificate.pem()).unwrap();
    std::fs::write(&files.1, key.serialize_pem()).unwrap();
    files
}

#[tokio::test]
async fn with_a_certificate_only_tls_is_spoken_and_the_status_verb_trusts_just_that_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let config = Observability {
        tls: Some(certify(folder.path())),
        ..inline(TOKEN)
    };
    let (address, _shutdown) = guarded(&config).await;
    let body = client::status(&config, address).await.unwrap();
    serde_json::from_slice::<Status>(&body).unwrap();
    // plain HTTP gets a TLS alert at most, and nothing of ours
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.windows(4).any(|four| four == b"HTTP"), "{answer:?}");

    let other = tempfile::tempdir().unwrap();
    let foreign = Observability {
        tls: Some(certify(other.path())),
        ..config.clone()
    };
    let error = client::status(&foreign, address).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol, "{error}");
    let stranger = Observability {
        token: Some(Secret::Inline("0123456789abcdef-another".into())),
        ..config.clone()
    };
    let error = client::status(&stranger, address).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Authentication, "{error}");

    // another certificate takes its place while it is served; a broken one does not
    std::fs::write(folder.path().join("cert.pem"), "nothing").unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    certify(folder.path());
    soon(async || client::status(&config, address).await.is_ok()).await;
}

#[tokio::test]
async fn a_certificate_that_cannot_serve_is_a_fault_of_the_configuration() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (certificate, key) = certify(folder.path());
    let (_, foreign) = certify(other.path());
    for (files, says) in [
        ((certificate.clone(), foreign), "do not fit"),
        ((key.clone(), key.clone()), "holds no certificate"),
        ((certificate.clone(), certificate), "holds no private key"),
    ] {
        let config = Observability {
            tls: Some(files),
            ..open()
        };
        let error = examine(&config).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_request_or_its_handshake_is_cut_off_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certify(folder.path());
    let files = tls::Files::read(&certificate, &key).await.unwrap();
    for acceptor in [None, Some(files.acceptor().unwrap())] {
        let listener = TcpListener::bind(anywhere()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (_sender, access) = watch::channel(Access::default());
            let routes = routes(Board::new(Identity::default()), access);
            let started = std::time::Instant::now();
            answer(stream, acceptor, routes, Duration::from_millis(200)).await;
            started.elapsed()
        });
        let mut stream = TcpStream::connect(address).await.unwrap();
        // each byte comes in time, the whole never does; 0x16 begins a TLS handshake
        let _ = stream.write_all(b"\x16\x03\x01\x40\x00").await;
        for _ in 0..100 {
            if stream.write_all(b"x").await.is_err() || server.is_finished() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(server.await.unwrap() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn thousands_of_idle_sockets_take_no_more_places_than_there_are() {
    let (address, _board, _shutdown) = started().await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(b"GET /status HTTP/1.1\r\nx: ").await;
        idle.push(stream);
    }
    assert!(ask(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    // those that came first had to go
    let mut byte = [0];
    let first = idle[0].read(&mut byte);
    let first = tokio::time::timeout(Duration::from_secs(5), first).await;
    assert!(matches!(first.unwrap(), Ok(0) | Err(_)));
}
