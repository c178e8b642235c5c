//! From an endpoint to a logged-in connection, by the attempts that its `sslmode` asks for.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::dial::dial;
use super::stream::Socket;
use super::{ChannelBinding, Endpoint, Host, SslMode, SslNegotiation, Transport, tls, unbound};
use crate::error::{Error, Kind, Result};
use crate::limits::UNTRUSTED_BYTES_MAX;

/// One way to try it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Plain,
    TlsIfOffered,
    Tls,
}

impl Attempt {
    /// What libpq does for each mode; a unix socket has no use for TLS.
    fn all(endpoint: &Endpoint) -> (Attempt, Option<Attempt>) {
        if matches!(endpoint.host, Host::Unix(_)) {
            return (Attempt::Plain, None);
        }
        match endpoint.tls.mode {
            SslMode::Disable => (Attempt::Plain, None),
            SslMode::Allow => (Attempt::Plain, Some(Attempt::Tls)),
            SslMode::Prefer => (Attempt::TlsIfOffered, Some(Attempt::Plain)),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Attempt::Tls, None),
        }
    }
}

/// How far an attempt came before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The server was not reached, or did not say whether it has TLS.
    Reach,
    /// The server agreed to TLS.
    Handshake,
    /// The login was on its way, over TLS or not.
    Login { encrypted: bool },
}

/// An attempt that failed.
struct Failed {
    stage: Stage,
    error: Error,
}

impl Failed {
    fn at(stage: Stage) -> impl FnOnce(Error) -> Failed {
        move |error| Failed { stage, error }
    }
}

/// Reaches the server, negotiates TLS and runs `login` on the result, all of it within
/// `connect_timeout`; where there are hops on the way, what comes after them. With `allow` and
/// `prefer`, `login` may be run a second time on another transport, when libpq would do so too.
///
/// Fails with [`Kind::Unreachable`] for what could not be reached in time, [`Kind::Tls`] for what
/// could not be trusted, and with whatever `login` fails with.
// Not `AsyncFn`: the future of one that borrows cannot be proven `Send` by its caller yet.
pub async fn establish<T, F>(endpoint: &Endpoint, login: impl Fn(Transport) -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let (first, second) = Attempt::all(endpoint);
    let mut begun = Instant::now();
    let failed = match try_once(endpoint, &mut begun, first, &login).await {
        Ok(done) => return Ok(done),
        Err(failed) => failed,
    };
    match second {
        Some(second) if calls_for_another(first, &failed) => {
            let error = failed.error;
            tracing::debug!(side = %endpoint.side, ?second, %error, "trying the other way");
            try_once(endpoint, &mut begun, second, &login)
                .await
                .map_err(|later| both(error, &later.error))
        }
        _ => Err(failed.error),
    }
}

/// What takes no time of the server's is added to `begun`.
async fn try_once<T, F>(
    endpoint: &Endpoint,
    begun: &mut Instant,
    attempt: Attempt,
    login: &impl Fn(Transport) -> F,
) -> Result<T, Failed>
where
    F: Future<Output = Result<T>>,
{
    let mut deadline = *begun + endpoint.connect_timeout;
    let within = |deadline, name| Step {
        endpoint,
        deadline,
        name,
    };
    let socket = if endpoint.hops.is_empty() {
        within(deadline, "answer").within(dial(endpoint)).await
    } else {
        // each hop has a limit of its own
        let tunnel = dial(endpoint).await;
        deadline = Instant::now() + endpoint.connect_timeout;
        tunnel
    };
    let mut socket = socket.map_err(Failed::at(Stage::Reach))?;
    let offered = match attempt {
        Attempt::Plain => false,
        Attempt::Tls if endpoint.tls.negotiation == SslNegotiation::Direct => true,
        Attempt::Tls | Attempt::TlsIfOffered => {
            let optional = attempt == Attempt::TlsIfOffered;
            within(deadline, "negotiate TLS")
                .within(ask(endpoint, &mut socket, optional))
                .await
                .map_err(Failed::at(Stage::Reach))?
        }
    };
    let transport = if offered {
        // a program that makes it has a limit of its own
        let asked = Instant::now();
        let key_password = tls::key_password(endpoint)
            .await
            .map_err(Failed::at(Stage::Handshake))?;
        deadline += asked.elapsed();
        *begun += asked.elapsed();
        within(deadline, "finish the TLS handshake")
            .within(tls::handshake(endpoint, key_password, socket))
            .await
            .map_err(Failed::at(Stage::Handshake))?
    } else {
        Transport::plain(socket)
    };
    let encrypted = transport.is_encrypted();
    let failed = Failed::at(Stage::Login { encrypted });
    if endpoint.channel_binding == ChannelBinding::Require
        && transport.tls_server_end_point().is_none()
    {
        return Err(failed(unbound(endpoint)));
    }
    within(deadline, "finish the login")
        .within(login(transport))
        .await
        .map_err(failed)
}

/// One of the things that share the time limit.
struct Step<'a> {
    endpoint: &'a Endpoint,
    deadline: Instant,
    name: &'static str,
}

impl Step<'_> {
    async fn within<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        timeout_at(self.deadline, work).await.unwrap_or_else(|_| {
            let what = format!(
                "{} did not {} within the connect_timeout of {}",
                self.endpoint.address(),
                self.name,
                humantime_serde::re::humantime::format_duration(self.endpoint.connect_timeout)
            );
            Err(Error::new(Kind::Unreachable, what)
                .on(self.endpoint.side)
                .remedy(
                    "Check that a PostgreSQL server listens there and that no firewall swallows \
                     the packets; raise connect_timeout if the server is only slow.",
                ))
        })
    }
}

/// Sends an `SSLRequest`; whether the server agrees. What it says else is nothing but a rumour.
async fn ask(endpoint: &Endpoint, stream: &mut Socket, optional: bool) -> Result<bool> {
    let mut request = bytes::BytesMut::new();
    postgres_protocol::message::frontend::ssl_request(&mut request);
    let lost = |error: &std::io::Error| tls::lost(endpoint, "ask for TLS", error);
    stream.write_all(&request).await.map_err(|e| lost(&e))?;
    // Exactly one byte: more, sent before the handshake, would be somebody else's words in the
    // server's mouth (CVE-2021-23222). TLS reads them as its own and fails.
    match stream.read_u8().await.map_err(|e| lost(&e))? {
        b'S' => Ok(true),
        b'N' if optional => Ok(false),
        b'N' => Err(
            Error::new(Kind::Tls, format!("{} has no TLS", endpoint.address()))
                .on(endpoint.side)
                .remedy(
                    "Turn `ssl` on in the server's configuration, or write sslmode = \"disable\" \
                     if the network between is trusted.",
                ),
        ),
        b'E' => Err(rumour(endpoint, stream).await),
        _ => Err(Error::new(
            Kind::Protocol,
            format!(
                "{} does not answer as a PostgreSQL server does",
                endpoint.address()
            ),
        )
        .on(endpoint.side)
        .remedy("Check `host` and `port` of this side in the configuration.")),
    }
}

/// An error in place of an answer: the server could not even start a process for us, or somebody
/// between makes it up (CVE-2024-10977). So it decides nothing but another attempt.
async fn rumour(endpoint: &Endpoint, stream: &mut Socket) -> Error {
    let mut said = Vec::new();
    let limit = UNTRUSTED_BYTES_MAX as u64;
    // what cannot be read is not needed
    let _ = stream.take(limit).read_to_end(&mut said).await;
    let text = String::from_utf8_lossy(&said);
    // of version 3 or, when the server has no memory left, of version 2: the text is what counts
    let words = text.split(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER);
    let words: Vec<&str> = words.filter(|word| word.len() > 5).collect();
    let what = format!(
        "{} did not answer whether it has TLS; what came in its place, unencrypted and from nobody \
         knows whom, says: {:?}",
        endpoint.address(),
        words.join(" ")
    );
    Error::new(Kind::ServerBusy, what)
        .on(endpoint.side)
        .remedy("See the server's log. Do nothing on the word of this message alone.")
}

/// Whether libpq would try the other way: with `prefer` when the handshake fails, or the server
/// refuses the login over TLS; with `allow` when it refuses the login without. A login that we
/// refuse, because others could listen, is one more reason for the latter.
fn calls_for_another(attempt: Attempt, failed: &Failed) -> bool {
    let refused = failed.error.kind() == Kind::Authentication;
    match (attempt, failed.stage) {
        (Attempt::TlsIfOffered, Stage::Handshake) => {
            matches!(failed.error.kind(), Kind::Tls | Kind::ConnectionLost)
        }
        (Attempt::TlsIfOffered, Stage::Login { encrypted: true }) => {
            refused && failed.error.sqlstate().is_some()
        }
        (Attempt::Plain, Stage::Login { .. }) => refused,
        _ => false,
    }
}

/// What to report of two failed attempts.
fn both(first: Error, second: &Error) -> Error {
    if second.kind() == Kind::Tls || second.what() == first.what() {
        // the first way was refused, the second does not exist: the first says more
        return first;
    }
    let what = format!("{}; before that: {}", second.what(), first.what());
    let mut error = Error::new(second.kind(), what);
    if let Some(side) = second.side() {
        error = error.on(side);
    }
    if let Some(sqlstate) = second.sqlstate() {
        error = error.with_sqlstate(sqlstate);
    }
    match second.hint().or(first.hint()) {
        Some(hint) => error.remedy(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::super::endpoint::tests::endpoint;
    use super::*;

    /// A server that answers the first eight bytes of each connection with `answer`, then stays.
    async fn server(answer: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 8];
                let _ = stream.read_exact(&mut request).await;
                let _ = stream.write_all(answer).await;
                kept.push(stream);
            }
        });
        port
    }

    fn refusal(sqlstate: &str) -> Error {
        Error::new(Kind::Authentication, "No").with_sqlstate(sqlstate)
    }

    #[tokio::test]
    async fn a_server_without_tls_is_refused_unless_plain_will_do() {
        let port = server(b"N").await;
        for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
            let error = establish(&endpoint(port, mode), async |_| Ok(())).await;
            let error = error.unwrap_err();
            assert_eq!(error.kind(), Kind::Tls);
            assert!(error.hint().is_some());
        }
        let encrypted = establish(&endpoint(port, SslMode::Prefer), async |transport| {
            Ok(transport.is_encrypted())
        })
        .await;
        assert!(!encrypted.unwrap());
    }

    #[tokio::test]
    async fn a_stranger_is_told_from_a_server() {
        let port = server(b"HTTP/1.1 400 Bad Request").await;
        let error = establish(&endpoint(port, SslMode::Require), async |_| Ok(())).await;
        assert_eq!(error.unwrap_err().kind(), Kind::Protocol);
    }

    #[tokio::test]
    async fn an_error_before_tls_is_shown_as_a_rumour_and_tried_again() {
        let answer = b"E\0\0\0\x60SFATAL\0C28P01\0Mrun \x1b[2J rm -rf\0\0";
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read_exact(&mut [0; 8]).await;
                let _ = stream.write_all(answer).await;
            }
        });
        for mode in [SslMode::Prefer, SslMode::VerifyFull] {
            let outcome = establish(&endpoint(port, mode), async |_| Ok(())).await;
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), Kind::ServerBusy);
            assert_eq!(error.sqlstate(), None);
            let text = error.to_string();
            assert!(
                text.contains("nobody knows whom") && text.contains("rm -rf"),
                "{text}"
            );
            assert!(!text.contains('\x1b'), "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_injected_before_the_handshake_ends_it() {
        let port = server(b"SE\0\0\0\x20SFATAL\0Mwhatever\0\0").await;
        for mode in [SslMode::Require, SslMode::VerifyFull] {
            let outcome = establish(&endpoint(port, mode), async |_| Ok(())).await;
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), Kind::Tls);
            assert!(!error.to_string().contains("whatever"), "{error}");
        }
    }

    #[tokio::test]
    async fn nothing_is_said_on_a_wire_that_the_login_cannot_be_bound_to() {
        let port = server(b"N").await;
        let mut endpoint = endpoint(port, SslMode::Prefer);
        endpoint.channel_binding = ChannelBinding::Require;
        let outcome = establish(&endpoint, async |_| -> Result<()> { panic!("a login") }).await;
        assert_eq!(outcome.unwrap_err().kind(), Kind::Authentication);
    }

    #[tokio::test]
    async fn silence_ends_at_the_limit_and_names_the_step() {
        let steps = [
            (&b""[..], "negotiate TLS"),
            (b"S", "finish the TLS handshake"),
            (b"N", "finish the login"),
        ];
        let ends = async |(answer, step): (&'static [u8], &str)| {
            let mode = match answer {
                b"N" => SslMode::Prefer,
                _ => SslMode::Require,
            };
            let mut endpoint = endpoint(server(answer).await, mode);
            endpoint.connect_timeout = Duration::from_secs(2);
            let silent = async |_| std::future::pending::<Result<()>>().await;
            let error = establish(&endpoint, silent).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Unreachable);
            assert!(error.to_string().contains(step), "{error}");
        };
        futures_util::future::join_all(steps.map(ends)).await;
    }

    #[test]
    fn another_attempt_follows_when_libpq_makes_one() {
        let calls = |attempt, stage, error| calls_for_another(attempt, &Failed { stage, error });
        let lost = || Error::new(Kind::ConnectionLost, "Gone");
        let tls = || Error::new(Kind::Tls, "No");
        let encrypted = Stage::Login { encrypted: true };
        let plain = Stage::Login { encrypted: false };
        let prefer = Attempt::TlsIfOffered;
        assert!(calls(prefer, Stage::Handshake, tls()));
        assert!(calls(prefer, Stage::Handshake, lost()));
        assert!(calls(prefer, encrypted, refusal("28000")));
        assert!(calls(prefer, encrypted, refusal("28P01")));
        // a client certificate is refused after the handshake of TLS 1.3
        assert!(!calls(prefer, encrypted, tls()));
        assert!(!calls(prefer, encrypted, lost()));
        assert!(!calls(prefer, plain, refusal("28000")));
        assert!(!calls(prefer, Stage::Reach, lost()));
        assert!(calls(Attempt::Plain, plain, refusal("28000")));
        assert!(!calls(Attempt::Plain, plain, lost()));
        assert!(!calls(Attempt::Plain, Stage::Reach, lost()));
    }

    #[tokio::test]
    async fn allow_reports_the_refusal_when_there_is_no_tls_either() {
        let port = server(b"N").await;
        let outcome = establish(&endpoint(port, SslMode::Allow), async |_| {
            Err::<(), _>(refusal("28000"))
        })
        .await;
        assert_eq!(outcome.unwrap_err().sqlstate(), Some("28000"));
    }
}
