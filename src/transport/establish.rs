//! From an endpoint to a logged-in connection, by the attempts that its `sslmode` asks for.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::dial::dial;
use super::stream::Socket;
use super::{Endpoint, Host, SslMode, Transport, tls};
use crate::error::{Error, Kind, Result};

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

/// Reaches the server, negotiates TLS and runs `login` on the result, all of it within
/// `connect_timeout`; where there are hops on the way, what comes after them. With `allow` and
/// `prefer`, `login` may be run a second time on another transport: after
/// [`Kind::Authentication`] that is not about the password itself.
///
/// Fails with [`Kind::Unreachable`] for what could not be reached in time, [`Kind::Tls`] for what
/// could not be trusted, and with whatever `login` fails with.
// Not `AsyncFn`: the future of one that borrows cannot be proven `Send` by its caller yet.
pub async fn establish<T, F>(endpoint: &Endpoint, login: impl Fn(Transport) -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let (first, second) = Attempt::all(endpoint);
    let begun = Instant::now();
    let error = match try_once(endpoint, begun, first, &login).await {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    match second {
        Some(second) if calls_for_another(first, &error) => {
            tracing::debug!(side = %endpoint.side, ?second, %error, "trying the other way");
            try_once(endpoint, begun, second, &login)
                .await
                .map_err(|later| both(error, &later))
        }
        _ => Err(error),
    }
}

async fn try_once<T, F>(
    endpoint: &Endpoint,
    begun: Instant,
    attempt: Attempt,
    login: &impl Fn(Transport) -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut deadline = begun + endpoint.connect_timeout;
    let socket = if endpoint.hops.is_empty() {
        let step = Step {
            endpoint,
            deadline,
            name: "be reached",
        };
        step.within(dial(endpoint)).await?
    } else {
        // each hop has a limit of its own
        let tunnel = dial(endpoint).await?;
        deadline = Instant::now() + endpoint.connect_timeout;
        tunnel
    };
    let step = |name: &'static str| Step {
        endpoint,
        deadline,
        name,
    };
    let transport = match attempt {
        Attempt::Plain => Transport::plain(socket),
        Attempt::Tls | Attempt::TlsIfOffered => {
            let optional = attempt == Attempt::TlsIfOffered;
            step("negotiate TLS")
                .within(encrypt(endpoint, socket, optional))
                .await?
        }
    };
    step("finish the login").within(login(transport)).await
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

/// Sends an `SSLRequest` and does what the answer asks for.
async fn encrypt(endpoint: &Endpoint, mut stream: Socket, optional: bool) -> Result<Transport> {
    let mut request = bytes::BytesMut::new();
    postgres_protocol::message::frontend::ssl_request(&mut request);
    let lost = |error: &std::io::Error| tls::lost(endpoint, "ask for TLS", error);
    stream.write_all(&request).await.map_err(|e| lost(&e))?;
    // Exactly one byte: more, sent before the handshake, would be somebody else's words in the
    // server's mouth (CVE-2021-23222).
    match stream.read_u8().await.map_err(|e| lost(&e))? {
        b'S' => tls::handshake(endpoint, stream).await,
        b'N' if optional => Ok(Transport::plain(stream)),
        b'N' => Err(
            Error::new(Kind::Tls, format!("{} has no TLS", endpoint.address()))
                .on(endpoint.side)
                .remedy(
                    "Turn `ssl` on in the server's configuration, or write sslmode = \"disable\" \
                     if the network between is trusted.",
                ),
        ),
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

/// Whether the other way could end better.
fn calls_for_another(attempt: Attempt, error: &Error) -> bool {
    match error.kind() {
        // a wrong password stays wrong, and asking twice may lock the role
        Kind::Authentication => error.sqlstate() != Some("28P01"),
        Kind::Tls | Kind::ConnectionLost => attempt == Attempt::TlsIfOffered,
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
    use std::cell::Cell;
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
    async fn silence_ends_at_the_limit_and_names_the_step() {
        let port = server(b"").await;
        let mut endpoint = endpoint(port, SslMode::Require);
        endpoint.connect_timeout = Duration::from_millis(50);
        let error = establish(&endpoint, async |_| Ok(())).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unreachable);
        assert!(error.to_string().contains("negotiate TLS"), "{error}");
        endpoint.tls.mode = SslMode::Disable;
        let error = establish(&endpoint, async |_| {
            std::future::pending::<Result<()>>().await
        })
        .await
        .unwrap_err();
        assert!(error.to_string().contains("finish the login"), "{error}");
    }

    #[tokio::test]
    async fn prefer_tries_again_in_the_clear_but_not_with_a_wrong_password() {
        let port = server(b"N").await;
        for (sqlstate, logins) in [("28000", 2), ("28P01", 1)] {
            let count = Cell::new(0);
            let outcome = establish(&endpoint(port, SslMode::Prefer), async |_| {
                count.set(count.get() + 1);
                Err::<(), _>(refusal(sqlstate))
            })
            .await;
            assert_eq!(outcome.unwrap_err().kind(), Kind::Authentication);
            assert_eq!(count.get(), logins, "{sqlstate}");
        }
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
