//! Reaching a server: names, addresses, sockets, and the way through SSH.

use std::net::SocketAddr;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Duration, timeout};

use super::endpoint::place;
use super::stream::Socket;
use super::{Endpoint, Host, ssh};
use crate::error::{Error, Kind, Result};
use crate::limits::{TCP_KEEPALIVE_IDLE, TCP_KEEPALIVE_INTERVAL, TCP_KEEPALIVE_PROBES};

/// Connects; of the addresses that a name has, the first that answers.
pub(super) async fn dial(endpoint: &Endpoint) -> Result<Socket> {
    if !endpoint.hops.is_empty() {
        let tunnel = Box::pin(ssh::tunnel(endpoint)).await?;
        return Ok(Socket::Tunnel(Box::new(tunnel)));
    }
    match &endpoint.host {
        Host::Tcp(host) => tcp(endpoint, host, endpoint.port).await.map(Socket::Tcp),
        Host::Unix(directory) => {
            let path = directory.join(format!(".s.PGSQL.{}", endpoint.port));
            match UnixStream::connect(&path).await {
                Ok(stream) => Ok(Socket::Unix(stream)),
                Err(error) => Err(unreachable(
                    endpoint,
                    &endpoint.address(),
                    &error.to_string(),
                )),
            }
        }
    }
}

/// The same for the server itself or for the first of its hops.
pub(super) async fn tcp(endpoint: &Endpoint, host: &str, port: u16) -> Result<TcpStream> {
    let place = place(host, port);
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| {
            unreachable(endpoint, &place, &error.to_string())
                .remedy("Check `host` in the configuration, and the name service.")
        })?
        .collect();
    // An address that swallows packets must leave time for the others.
    let share = endpoint.connect_timeout / u32::try_from(addresses.len()).unwrap_or(1).max(1);
    let mut failures = Vec::new();
    for address in addresses {
        match attempt(address, share).await {
            Ok(stream) => return Ok(stream),
            Err(why) => failures.push(format!("{} {why}", address.ip())),
        }
    }
    if failures.is_empty() {
        failures.push("the name has no address".to_owned());
    }
    Err(unreachable(endpoint, &place, &failures.join(", ")))
}

async fn attempt(address: SocketAddr, limit: Duration) -> Result<TcpStream, String> {
    let stream = match timeout(limit, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(format!("says: {error}")),
        Err(_) => return Err(format!("does not answer within {} s", limit.as_secs_f32())),
    };
    tune(&stream).map_err(|error| format!("cannot be set up: {error}"))?;
    Ok(stream)
}

/// Small messages go at once, and a peer that vanished without a word is noticed. No limit for what
/// it has not acknowledged: that of Linux also ends a connection whose peer has too much to do to
/// read on.
fn tune(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(TCP_KEEPALIVE_IDLE)
            .with_interval(TCP_KEEPALIVE_INTERVAL)
            .with_retries(TCP_KEEPALIVE_PROBES),
    )?;
    Ok(())
}

fn unreachable(endpoint: &Endpoint, place: &str, why: &str) -> Error {
    let (what, remedy) = match endpoint.hops.first() {
        None => (
            format!("Could not reach {place}: {why}"),
            "Check `host` and `port` of this side in the configuration, that the server runs and \
             listens there (listen_addresses), and that no firewall stands between.",
        ),
        Some(_) => (
            format!("Could not reach the SSH server {place}: {why}"),
            "Check `host` and `port` of the ssh section, that sshd listens there, and that no \
             firewall stands between.",
        ),
    };
    Error::new(Kind::Unreachable, what)
        .on(endpoint.side)
        .remedy(remedy)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::SslMode;
    use super::super::endpoint::tests::endpoint;
    use super::*;

    /// A listener whose queue is full, with who fills it: the kernel drops whatever else calls.
    fn deaf() -> (u16, socket2::Socket, Vec<std::net::TcpStream>) {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = listener.unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut waiting = Vec::new();
        let patience = Duration::from_millis(300);
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, patience) {
            waiting.push(stream);
            assert!(waiting.len() < 100, "its queue has no end");
        }
        (address.port(), listener, waiting)
    }

    #[tokio::test]
    async fn an_address_that_swallows_packets_is_given_up_in_time() {
        let (port, _listener, _waiting) = deaf();
        let mut endpoint = endpoint(port, SslMode::Disable);
        endpoint.connect_timeout = Duration::from_millis(500);
        let started = Instant::now();
        let error = dial(&endpoint).await.err().unwrap();
        let waited = started.elapsed();
        assert_eq!(error.kind(), Kind::Unreachable);
        let said = error.to_string();
        assert!(
            said.contains("127.0.0.1 does not answer within 0.5 s"),
            "{said}"
        );
        let late = Duration::from_secs(20);
        assert!(
            (endpoint.connect_timeout..late).contains(&waited),
            "{waited:?}"
        );
    }
}
