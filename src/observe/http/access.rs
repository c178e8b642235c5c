//! Who may ask: the token and the certificate of the endpoint, as they are now.
//!
//! Files are read again every [`limits::HTTP_FILES_INTERVAL`], a program is run again every
//! [`limits::HTTP_TOKEN_COMMAND_INTERVAL`], so that both can be replaced without a restart. What
//! cannot be read does not take the place of what could; no request ever waits for either.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::HeaderValue;
use axum::http::uri::Authority;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::tls;
use crate::config::Observability;
use crate::error::{Error, Kind, Result};
use crate::limits;
use crate::transport::Secret;

/// Who can see more of the endpoint than an operator may want, and what to do about it; `None` when
/// nobody can.
pub fn exposure(config: &Observability) -> Option<(String, &'static str)> {
    let listen = config.listen?;
    if listen.ip().to_canonical().is_loopback() {
        return None;
    }
    match (config.token.is_some(), config.tls.is_some()) {
        (false, _) => Some((
            format!(
                "Everybody who reaches {listen} can read names of tables, sizes, positions and \
                 errors"
            ),
            "Set [observability] token_file, with tls_cert and tls_key where the network is not \
             yours; or listen on 127.0.0.1 behind a proxy that asks who is there and asks us for \
             localhost (`Host`).",
        )),
        (true, false) => Some((
            format!("The token crosses the network to {listen} in clear text"),
            "Set [observability] tls_cert and tls_key.",
        )),
        (true, true) => None,
    }
}

/// What the next connection is served with.
#[derive(Clone, Default)]
pub(super) struct Access {
    /// Only this machine is served.
    local: bool,
    token: Option<Sum>,
    tls: Option<(Sum, TlsAcceptor)>,
}

/// A SHA-256: of equal length whatever it is of, and no use to who finds it.
type Sum = [u8; 32];

impl Access {
    /// Reads what the configuration names.
    pub(super) async fn read(config: &Observability) -> Result<Access> {
        let listen = config.listen;
        Ok(Access {
            local: listen.is_some_and(|listen| listen.ip().to_canonical().is_loopback()),
            token: match &config.token {
                Some(secret) => Some(token_sum(secret).await?),
                None => None,
            },
            tls: match &config.tls {
                Some(files) => Some(acceptor(files.clone()).await?),
                None => None,
            },
        })
    }

    /// How to encrypt, if at all.
    pub(super) fn tls(&self) -> Option<TlsAcceptor> {
        self.tls.as_ref().map(|(_, acceptor)| acceptor.clone())
    }

    /// Whether a request may name us so. Where nothing but being on this machine lets somebody in,
    /// a page of elsewhere must not get at us through a browser that runs here: its name may be
    /// made to lead to this address, but it stays the page's name.
    pub(super) fn knows(&self, host: Option<&HeaderValue>) -> bool {
        let (true, None, Some(host)) = (self.local, &self.token, host) else {
            return true;
        };
        let authority = host.to_str().ok().and_then(|host| host.parse().ok());
        authority.is_some_and(|authority: Authority| {
            let name = authority.host();
            let address = name.trim_start_matches('[').trim_end_matches(']');
            name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
        })
    }

    /// Whether a request with this `Authorization` may see everything. Takes the same time
    /// wherever a wrong token differs.
    pub(super) fn admits(&self, authorization: Option<&HeaderValue>) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let shown = authorization.and_then(|header| {
            let (scheme, shown) = header.as_bytes().split_at_checked("Bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then_some(shown)
        });
        shown.is_some_and(|shown| verify_slices_are_equal(&sum(&[shown]), token).is_ok())
    }
}

/// The token as it is now, checked.
pub(super) async fn token(secret: &Secret) -> Result<SecretString> {
    let token = secret.read("token").await?;
    let text = token.expose_secret();
    // what a header may hold, and what no reader cuts off
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unfit(
            "holds a blank, or a character that is not printable ASCII",
        ));
    }
    if text.len() < limits::HTTP_TOKEN_BYTES_MIN {
        let least = limits::HTTP_TOKEN_BYTES_MIN;
        return Err(unfit(&format!("is shorter than {least} characters")));
    }
    Ok(token)
}

fn unfit(why: &str) -> Error {
    Error::new(
        Kind::Config,
        format!("The token of [observability] {why}, so it cannot guard anything"),
    )
    .remedy("Make one: openssl rand -hex 32")
}

async fn token_sum(secret: &Secret) -> Result<Sum> {
    Ok(sum(&[token(secret).await?.expose_secret().as_bytes()]))
}

async fn acceptor((certificate, key): (PathBuf, PathBuf)) -> Result<(Sum, TlsAcceptor)> {
    let files = tls::Files::read(&certificate, &key).await?;
    let sum = sum(&[&files.certificate, &files.key]);
    Ok((sum, files.acceptor()?))
}

fn sum(parts: &[&[u8]]) -> Sum {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}

/// Looks for another token and another certificate, until the receivers are gone.
pub(super) async fn renew(config: Observability, access: watch::Sender<Access>, every: Duration) {
    let mut ran = Instant::now();
    let mut trouble = String::new();
    let mut timer = tokio::time::interval(every);
    timer.tick().await;
    while !access.is_closed() {
        timer.tick().await;
        let mut found = access.borrow().clone();
        let outcome = look(&config, &mut found, &mut ran).await;
        match outcome {
            Ok(()) => trouble.clear(),
            Err(error) => {
                let said = error.to_string();
                if said != trouble {
                    tracing::warn!(hint = error.hint(), "{said}; what was read before stays");
                    trouble = said;
                }
            }
        }
        access.send_if_modified(|current| replace(current, found));
    }
}

/// Takes over what is another one, and says so.
fn replace(current: &mut Access, found: Access) -> bool {
    let of = |access: &Access| access.tls.as_ref().map(|(sum, _)| *sum);
    let token = current.token != found.token;
    let certificate = of(current) != of(&found);
    if token {
        tracing::info!("the token of the HTTP endpoint was replaced");
    }
    if certificate {
        tracing::info!("the certificate of the HTTP endpoint was replaced");
    }
    *current = found;
    token || certificate
}

/// What can be read replaces what `found` has, even when the other cannot.
async fn look(config: &Observability, found: &mut Access, ran: &mut Instant) -> Result<()> {
    let token = match &config.token {
        Some(secret @ Secret::File(_)) => Some(token_sum(secret).await),
        Some(secret @ Secret::Command(_))
            if ran.elapsed() >= limits::HTTP_TOKEN_COMMAND_INTERVAL =>
        {
            *ran = Instant::now();
            Some(token_sum(secret).await)
        }
        _ => None,
    };
    let tls = match &config.tls {
        Some(files) => Some(acceptor(files.clone()).await),
        None => None,
    };
    let token = token.map(|token| token.map(|token| found.token = Some(token)));
    let tls = tls.map(|tls| tls.map(|tls| found.tls = Some(tls)));
    token.unwrap_or(Ok(())).and(tls.unwrap_or(Ok(())))
}
