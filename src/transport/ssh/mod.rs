//! Reaching a server through SSH servers, inside this process: no program, no listening port.
//!
//! ```text
//! tcp ─▶ hop 1: Wire ─ russh ─ channel ─▶ hop 2: Wire ─ russh ─ channel ─▶ Tunnel ─▶ TLS, login
//!              host key, login                 host key, login        the name is looked up there
//! ```
//!
//! Each connection has SSH sessions of its own, since one slow reader stops a whole session.

use std::path::Path;

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};

use super::{Endpoint, Host, dial};
use crate::error::{Error, Kind, Result};
use crate::limits::{SSH_STARTUP_ATTEMPTS_MAX, SSH_STARTUP_PAUSE};

use client::{Failure, Session};
pub use hop::{Hop, HostKey, Identity, Key, Pin};
pub(super) use tunnel::Tunnel;

mod client;
mod hop;
mod host_key;
mod identity;
mod known_hosts;
mod tunnel;
mod turn;
mod watch;

/// A hop that let us through.
#[derive(Clone, Debug)]
pub struct Passed {
    /// `host:port`
    pub address: String,
    /// The type and fingerprint of its host key, and the rule by which it was accepted.
    pub rule: String,
}

/// Goes the way to the endpoint's server, without connecting to the server itself: one answer a
/// hop. Fails as connecting does.
pub async fn walk(endpoint: &Endpoint) -> Result<Vec<Passed>> {
    let (_, passed) = last_hop(endpoint).await?;
    Ok(passed)
}

/// A connection to the endpoint's server through all of its hops, each of them within
/// `connect_timeout`.
pub(super) async fn tunnel(endpoint: &Endpoint) -> Result<Tunnel> {
    let (session, _) = last_hop(endpoint).await?;
    let Some(session) = session else {
        let what = "There is no SSH server on the way";
        return Err(Error::new(Kind::Config, what));
    };
    let deadline = Instant::now() + endpoint.connect_timeout;
    let opening = async {
        match &endpoint.host {
            Host::Tcp(host) => session.to_port(host, endpoint.port).await,
            Host::Unix(directory) => {
                let socket = directory.join(format!(".s.PGSQL.{}", endpoint.port));
                session.to_socket(&socket.to_string_lossy()).await
            }
        }
    };
    let step = Step(endpoint, "was not reached from there");
    let opened = step.within(deadline, &endpoint.address(), opening).await;
    opened.map_err(|error| error.on(endpoint.side))
}

async fn last_hop(endpoint: &Endpoint) -> Result<(Option<Session>, Vec<Passed>)> {
    let mut last = None;
    let mut passed = Vec::new();
    for hop in &endpoint.hops {
        let session = reach(endpoint, hop, last.as_ref())
            .await
            .map_err(|error| error.on(endpoint.side))?;
        passed.push(Passed {
            address: hop.address(),
            rule: session.rule(),
        });
        last = Some(session);
    }
    Ok((last, passed))
}

/// Knocks until it is let in; a server that has too many at the door hangs up without a word.
async fn reach(endpoint: &Endpoint, hop: &Hop, from: Option<&Session>) -> Result<Session> {
    let mut pause = SSH_STARTUP_PAUSE;
    for _ in 1..SSH_STARTUP_ATTEMPTS_MAX {
        match Box::pin(attempt(endpoint, hop, from)).await {
            Ok(session) => return Ok(session),
            Err(Failure::Other(error)) => return Err(error),
            Err(Failure::TurnedAway(error)) => {
                tracing::debug!(side = %endpoint.side, %error, "turned away, trying again");
            }
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    match Box::pin(attempt(endpoint, hop, from)).await {
        Ok(session) => Ok(session),
        Err(Failure::Other(error) | Failure::TurnedAway(error)) => Err(error),
    }
}

async fn attempt(
    endpoint: &Endpoint,
    hop: &Hop,
    from: Option<&Session>,
) -> Result<Session, Failure> {
    let ready = client::prepare(hop, endpoint.connect_timeout)
        .await
        .map_err(Failure::Other)?;
    let address = hop.address();
    let _turn = turn::turn(&address).await.map_err(Failure::Other)?;
    let asked = Instant::now();
    let deadline = asked + endpoint.connect_timeout;
    let silence_max = endpoint.silence_timeout;
    let step = |name| Step(endpoint, name);
    let begun = match from {
        None => {
            let dialed = dial::tcp(endpoint, &hop.host, hop.port);
            let stream = step("was not reached")
                .within(deadline, &address, dialed)
                .await;
            let stream = stream.map_err(Failure::Other)?;
            let shake = client::begin(hop, ready, stream, asked.elapsed(), silence_max);
            step("did not exchange keys")
                .within(deadline, &address, shake)
                .await
        }
        Some(from) => {
            let opened = from.to_port(&hop.host, hop.port);
            let stream = step("was not reached")
                .within(deadline, &address, opened)
                .await;
            let stream = stream.map_err(Failure::Other)?;
            let shake = client::begin(hop, ready, stream, asked.elapsed(), silence_max);
            step("did not exchange keys")
                .within(deadline, &address, shake)
                .await
        }
    };
    let login = begun?.log_in(hop);
    let session = step("did not finish the login").within(deadline, &address, login);
    session.await.map_err(Failure::Other)
}

/// One of the things that share the time limit of a hop, and what its server then failed to do.
struct Step<'a>(&'a Endpoint, &'static str);

impl Step<'_> {
    async fn within<T, E: From<Error>>(
        self,
        deadline: Instant,
        address: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        timeout_at(deadline, work).await.unwrap_or_else(|_| {
            let limit = self.0.connect_timeout;
            let limit = humantime_serde::re::humantime::format_duration(limit);
            let what = format!("{address} {} within the connect_timeout of {limit}", self.1);
            Err(E::from(Error::new(Kind::Unreachable, what).remedy(
                "Check that a server listens there and that no firewall swallows the packets; \
                 raise connect_timeout if it is only slow.",
            )))
        })
    }
}

/// The whole of a small text file.
async fn read_text(path: &Path, bytes_max: usize) -> Result<String> {
    let unfit = |kind, why: &str| {
        Error::new(kind, format!("The file {} {why}", path.display()))
            .remedy("Check the path, and that the user walferry runs as can read it.")
    };
    let read = async {
        let mut text = Vec::new();
        let file = tokio::fs::File::open(path).await?;
        file.take(bytes_max as u64 + 1)
            .read_to_end(&mut text)
            .await?;
        Ok::<_, std::io::Error>(text)
    };
    let bytes = read
        .await
        .map_err(|error| unfit(Kind::Io, &format!("cannot be read: {error}")))?;
    if bytes.len() > bytes_max {
        return Err(unfit(Kind::Config, "is too long"));
    }
    // a comment in another encoding must not hide the lines around it
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
