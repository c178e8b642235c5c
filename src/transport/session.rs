//! SQL sessions through tokio-postgres.

use std::error::Error as _;
use std::future::{Ready, poll_fn, ready};
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll, ready};

use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, SimpleQueryMessage};

use super::login_watch::{Exposed, LoginWatch, Privacy};
use super::pulse::{Process, Pulse, Watched};
use super::{ChannelBinding as Binding, Endpoint, Transport, establish, passfile, tls};
use crate::error::{Error, Kind, Result, Side, postgres};
use crate::sql;

/// Opens a session named `walferry <application>` whose settings are pinned ([`sql::session`]).
///
/// Tasks of its own drive it and watch for silence, and end when the client is dropped. Fails as
/// [`super::establish()`] does, and with [`Kind::Authentication`] or whatever else the
/// server says to the login.
pub async fn connect(endpoint: &Endpoint, application: &str) -> Result<Client> {
    let (client, watched) = Box::pin(open(endpoint, application)).await?;
    tokio::spawn(watched.watch());
    Ok(client)
}

/// The same without the watch for silence, and what there is to watch.
pub(super) async fn open(endpoint: &Endpoint, application: &str) -> Result<(Client, Watched)> {
    let application = format!("walferry {application}");
    let password = endpoint.password().await?;
    let mut config = Config::new();
    config
        .user(&endpoint.user)
        .dbname(&endpoint.database)
        .application_name(&application)
        .options(sql::session::startup_options(endpoint.side))
        .channel_binding(match endpoint.channel_binding {
            Binding::Disable => tokio_postgres::config::ChannelBinding::Disable,
            Binding::Prefer => tokio_postgres::config::ChannelBinding::Prefer,
            Binding::Require => tokio_postgres::config::ChannelBinding::Require,
        })
        // With these two tokio-postgres takes the stream for one that it encrypted itself, asks it
        // for its channel binding, and says nothing about TLS on the wire.
        .ssl_mode(tokio_postgres::config::SslMode::Require)
        .ssl_negotiation(tokio_postgres::config::SslNegotiation::Direct);
    if let Some(password) = &password {
        config.password(password.expose_secret());
    }
    let (client, process, pulse) = establish(endpoint, |transport| {
        login(endpoint, &config, password.as_ref(), transport)
    })
    .await?;
    let watched = Watched {
        endpoint: endpoint.clone(),
        application,
        process,
        pulse,
    };
    Ok((client, watched))
}

async fn login(
    endpoint: &Endpoint,
    config: &Config,
    password: Option<&SecretString>,
    transport: Transport,
) -> Result<(Client, Process, Weak<Pulse>)> {
    let pulse = transport.pulse();
    let (client, connection) = config
        .connect_raw(Wire::new(transport, endpoint.md5_in_clear), Negotiated)
        .await
        .map_err(|error| refused(endpoint, password.is_some(), &error))?;
    let begin = [sql::session::WHICH_PROCESS, sql::session::NO_NEWER_LIMITS].join("; ");
    tokio::spawn(drive(endpoint.side, connection));
    let answers = client.simple_query(&begin).await;
    let answers = answers
        .map_err(|error| postgres::from_client(endpoint.side, "set the session up", &error))?;
    let process = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => Process::parse(row.get(0)?),
        _ => None,
    });
    Ok((client, process.unwrap_or_default(), pulse))
}

/// Notices may quote rows, so only their code is logged.
async fn drive(side: Side, mut connection: Connection<Wire, Wire>) {
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => tracing::debug!(
                %side,
                severity = notice.severity(),
                sqlstate = notice.code().code(),
                "notice of the server"
            ),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let error = postgres::from_client(side, "keep the session", &error);
                tracing::debug!(%side, %error, "session lost");
                return;
            }
            None => {
                tracing::debug!(%side, "session closed");
                return;
            }
        }
    }
}

/// Why a login failed.
fn refused(endpoint: &Endpoint, has_password: bool, error: &tokio_postgres::Error) -> Error {
    if let Some(exposed) = caused_by(error, |cause| cause.downcast_ref::<Exposed>().copied()) {
        return refuse(endpoint, exposed);
    }
    let tls = caused_by(error, |cause| {
        let fault = cause.downcast_ref::<rustls::Error>()?;
        Some(tls::explain(endpoint, fault))
    });
    if let Some(error) = tls {
        return error;
    }
    let doing = format!("log in to {} as {:?}", endpoint.address(), endpoint.user);
    let refused = postgres::from_client(endpoint.side, &doing, error);
    match (refused.kind(), refused.sqlstate()) {
        (_, Some("08P01")) => refused.as_kind(Kind::Unsupported).remedy(
            "Connect to the server itself: a pooler between takes no settings and keeps no \
                 session.",
        ),
        // neither the server nor the wire: the exchange of credentials
        (Kind::Unknown, None) if is_unbound(endpoint, error) => unbound(endpoint),
        (Kind::Unknown, None) if !has_password => without_password(endpoint),
        (Kind::Unknown, None) => refused.as_kind(Kind::Authentication).remedy(
            "walferry knows scram-sha-256 (up to 100000 iterations), md5, password, cert, trust \
             and peer: choose one of them in the server's pg_hba.conf.",
        ),
        _ => refused,
    }
}

/// A login that ends where it takes a password, or something else that we do not have.
pub fn without_password(endpoint: &Endpoint) -> Error {
    let what = format!(
        "{} asks for a password of role {:?}, or for what walferry does not know",
        endpoint.address(),
        endpoint.user
    );
    let mut remedy =
        "Set password_file, password_command, password or passfile of this side.".to_owned();
    if let Some(unused) = passfile::unused(endpoint) {
        remedy.push(' ');
        remedy.push_str(&unused);
        remedy.push('.');
    }
    Error::new(Kind::Authentication, what)
        .on(endpoint.side)
        .remedy(remedy)
}

/// A login that would show others what must not be seen.
pub fn refuse(endpoint: &Endpoint, exposed: Exposed) -> Error {
    let what = format!("{} {exposed}", endpoint.address());
    Error::new(Kind::Authentication, what)
        .on(endpoint.side)
        .remedy(exposed.remedy())
}

/// A login that `channel_binding = "require"` does not let pass: nothing was sent that could be
/// used elsewhere.
pub fn unbound(endpoint: &Endpoint) -> Error {
    let what = format!(
        "{} does not bind the login to this TLS connection, as channel_binding = \"require\" \
         asks: somebody may stand between",
        endpoint.address()
    );
    Error::new(Kind::Authentication, what)
        .on(endpoint.side)
        .remedy(
            "Have the server ask for scram-sha-256 over TLS (pg_hba.conf), with nothing between \
             that ends TLS itself; or write channel_binding = \"prefer\".",
        )
}

/// tokio-postgres has one sentence for it and no code.
fn is_unbound(endpoint: &Endpoint, error: &tokio_postgres::Error) -> bool {
    endpoint.channel_binding == Binding::Require
        && error
            .source()
            .is_some_and(|why| why.to_string().contains("channel binding"))
}

/// The first answer of `look` for a cause of `error`; an [`std::io::Error`] hides its own inside.
fn caused_by<T>(
    error: &tokio_postgres::Error,
    look: impl Fn(&(dyn std::error::Error + 'static)) -> Option<T>,
) -> Option<T> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        let wrapped = inner
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        let found = match wrapped {
            Some(wrapped) => look(wrapped),
            None => look(inner),
        };
        if found.is_some() {
            return found;
        }
        cause = inner.source();
    }
    None
}

/// What tokio-postgres gets to see of a [`Transport`].
struct Wire {
    transport: Transport,
    watch: LoginWatch,
}

impl Wire {
    fn new(transport: Transport, md5_in_clear: bool) -> Self {
        let privacy = if transport.is_encrypted() || transport.is_local() {
            Privacy::Private
        } else if md5_in_clear {
            Privacy::Md5InClear
        } else {
            Privacy::Open
        };
        Wire {
            transport,
            watch: LoginWatch::new(privacy),
        }
    }
}

/// The handshake that has already been.
struct Negotiated;

impl TlsConnect<Wire> for Negotiated {
    type Stream = Wire;
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Wire, Self::Error>>;

    fn connect(self, wire: Wire) -> Self::Future {
        ready(Ok(wire))
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        match self.transport.tls_server_end_point() {
            Some(hash) => ChannelBinding::tls_server_end_point(hash.to_vec()),
            None => ChannelBinding::none(),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.transport).poll_read(cx, buf))?;
        self.watch.see(&buf.filled()[before..])?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}
