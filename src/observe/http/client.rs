//! The other end: asks the daemon of a configuration for its status, with its token and its
//! certificate.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{access, tls};
use crate::config::Observability;
use crate::error::{Error, Kind, Result};
use crate::limits;

/// The body of the daemon's `/status`.
///
/// # Errors
/// [`Kind::Unreachable`] when no daemon answers, [`Kind::Authentication`] when it takes another
/// token, [`Kind::Protocol`] when something else answers.
pub async fn status(config: &Observability, listen: SocketAddr) -> Result<Vec<u8>> {
    let address = reachable(listen);
    let token = match &config.token {
        Some(secret) => Some(access::token(secret).await?),
        None => None,
    };
    let mut request = Request::get("/status")
        .header(HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|error| not_walferry(address, &error.to_string()))?;
    if let Some(token) = token {
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut header = HeaderValue::try_from(bearer)
            .map_err(|_| Error::new(Kind::Config, "The token does not fit into a header"))?;
        header.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, header);
    }
    let connector = match &config.tls {
        Some((certificate, _)) => Some(tls::connector(certificate).await?),
        None => None,
    };
    let stream = within(address, TcpStream::connect(address))
        .await?
        .map_err(|error| unreachable(address, &error.to_string()))?;
    let Some(connector) = connector else {
        return within(address, get(address, stream, request)).await?;
    };
    let name = ServerName::from(address.ip());
    let stream = within(address, connector.connect(name, stream))
        .await?
        .map_err(|error| not_walferry(address, &format!("TLS failed: {error}")))?;
    within(address, get(address, stream, request)).await?
}

/// A daemon that listens everywhere is reached on this machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(address, listen.port())
}

async fn within<F: Future>(address: SocketAddr, work: F) -> Result<F::Output> {
    tokio::time::timeout(limits::HTTP_REQUEST_MAX, work)
        .await
        .map_err(|_| unreachable(address, "no answer in time"))
}

async fn get<S>(address: SocketAddr, stream: S, request: Request<Empty<Bytes>>) -> Result<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let foreign = move |error: &dyn std::error::Error| not_walferry(address, &error.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| foreign(&error))?;
    // owns the sender: the connection ends once nobody can ask any more
    let ask = async move {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| foreign(&error))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(not_admitted(address)),
            other => return Err(not_walferry(address, &format!("HTTP {other}"))),
        }
        let body = Limited::new(response.into_body(), limits::STATUS_BYTES_MAX);
        let collected = body.collect().await;
        let collected = collected.map_err(|error| not_walferry(address, &error.to_string()))?;
        Ok(collected.to_bytes().to_vec())
    };
    // the connection moves the bytes; whatever befalls it, the request reports too
    let (answer, _) = tokio::join!(ask, connection);
    answer
}

fn unreachable(address: SocketAddr, why: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("No daemon answers on {address}: {why}"),
    )
    .remedy(
        "Is `walferry run` running, and is [observability] listen the same in its configuration?",
    )
}

fn not_admitted(address: SocketAddr) -> Error {
    Error::new(
        Kind::Authentication,
        format!("The daemon on {address} takes another token"),
    )
    .remedy("Give this configuration the [observability] token of `walferry run`.")
}

/// What answered is no daemon of this version.
pub fn not_walferry(listen: SocketAddr, why: &str) -> Error {
    let address = reachable(listen);
    Error::new(
        Kind::Protocol,
        format!("What listens on {address} does not answer like this version of walferry: {why}"),
    )
    .remedy(
        "Is [observability] the same as that of `walferry run`: listen, tls_cert; and both the \
         same version?",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_listens_everywhere_is_asked_on_this_machine() {
        let ask = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(ask("0.0.0.0:9780"), "127.0.0.1:9780");
        assert_eq!(ask("[::]:9780"), "[::1]:9780");
        assert_eq!(ask("10.0.0.1:9780"), "10.0.0.1:9780");
    }
}
