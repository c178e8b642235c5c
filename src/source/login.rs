//! Start-up and authentication.

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::{backend, frontend};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};

use super::wire::Wire;
use crate::error::postgres::ServerError;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{FRAME_BYTES_MAX, LOGIN_MESSAGE_BYTES_MAX};
use crate::transport::{ChannelBinding, Endpoint, Exposed, refuse, unbound, without_password};

/// Who logs in, and what is known of the stream.
pub(super) struct Login<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) password: Option<SecretString>,
    /// Start-up parameters besides the user.
    pub(super) parameters: Vec<(&'a str, &'a str)>,
    /// A password in clear may be sent: the stream is encrypted or does not leave the machine.
    pub(super) private: bool,
    /// Digest of the server's certificate, for channel binding.
    pub(super) tls_server_end_point: Option<Vec<u8>>,
}

/// Waits for a message other than notices and parameter reports.
///
/// An `ErrorResponse` becomes an error that says what could not be done.
pub(crate) async fn message<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    side: Side,
    doing: &str,
) -> Result<backend::Message> {
    loop {
        let frame = wire
            .frame()
            .await
            .map_err(|error| lost(side, doing, &error))?;
        let mut bytes = BytesMut::from(frame.whole);
        match backend::Message::parse(&mut bytes) {
            Ok(Some(backend::Message::ErrorResponse(body))) => {
                return Err(server_error(&body).into_error(side, doing));
            }
            Ok(Some(
                backend::Message::NoticeResponse(_) | backend::Message::ParameterStatus(_),
            )) => {}
            Ok(Some(message)) => return Ok(message),
            Ok(None) => return Err(unexpected(side, doing)),
            Err(error) => {
                let what = format!("Could not {doing}: the server sent a broken message ({error})");
                return Err(Error::new(Kind::Protocol, what).on(side));
            }
        }
    }
}

/// The server answered with something else than the protocol has here.
pub(crate) fn unexpected(side: Side, doing: &str) -> Error {
    let what = format!("Could not {doing}: the server answered with an unexpected message");
    Error::new(Kind::Protocol, what).on(side)
}

/// The connection failed.
pub(crate) fn lost(side: Side, doing: &str, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::InvalidData => Kind::Protocol,
        _ => Kind::ConnectionLost,
    };
    let what = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        _ => error.to_string(),
    };
    Error::new(kind, format!("Could not {doing}: {what}")).on(side)
}

/// The fields of an `ErrorResponse` that may be shown.
pub(crate) fn server_error(body: &backend::ErrorResponseBody) -> ServerError {
    let mut error = ServerError::default();
    let mut schema = None;
    let mut fields = body.fields();
    while let Ok(Some(field)) = fields.next() {
        let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => error.sqlstate = value,
            b'M' => error.message = value,
            b'F' => error.file = Some(value),
            b'n' => error.constraint = Some(value),
            b's' => schema = Some(value),
            b't' => error.table = Some(value),
            _ => {}
        }
    }
    if let (Some(schema), Some(table)) = (schema, &mut error.table) {
        *table = format!("{schema}.{table}");
    }
    error
}

const DOING: &str = "log in";

impl Login<'_> {
    /// Runs the start-up until the server is ready for a query.
    pub(super) async fn run<S>(&self, wire: &mut Wire<S>) -> Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let parameters = self.parameters.iter().copied();
        let user = &self.endpoint.user;
        let parameters = std::iter::once(("user", user.as_str())).chain(parameters);
        frontend::startup_message(parameters, wire.outgoing())?;
        wire.refuse_above(LOGIN_MESSAGE_BYTES_MAX);
        let mut bound = false;
        let mut accepted = false;
        loop {
            match message(wire, self.side(), DOING).await? {
                backend::Message::AuthenticationCleartextPassword => {
                    self.may_go_on(bound)?;
                    if !self.private {
                        return Err(refuse(self.endpoint, Exposed::Password));
                    }
                    let password = self.password()?.expose_secret().as_bytes();
                    frontend::password_message(password, wire.outgoing())?;
                }
                backend::Message::AuthenticationMd5Password(body) => {
                    self.may_go_on(bound)?;
                    if !self.private && !self.endpoint.md5_in_clear {
                        return Err(refuse(self.endpoint, Exposed::Md5));
                    }
                    let password = self.password()?.expose_secret().as_bytes();
                    let hash = md5_hash(user.as_bytes(), password, body.salt());
                    frontend::password_message(hash.as_bytes(), wire.outgoing())?;
                }
                backend::Message::AuthenticationSasl(body) => {
                    bound = self.scram(wire, &body).await?;
                }
                backend::Message::AuthenticationOk => {
                    self.may_go_on(bound)?;
                    accepted = true;
                }
                backend::Message::BackendKeyData(_) => {}
                backend::Message::ReadyForQuery(_) if accepted => {
                    wire.refuse_above(FRAME_BYTES_MAX);
                    return Ok(());
                }
                _ => return Err(self.unsupported()),
            }
        }
    }

    fn password(&self) -> Result<&SecretString> {
        let password = self.password.as_ref();
        password.ok_or_else(|| without_password(self.endpoint))
    }

    fn side(&self) -> Side {
        self.endpoint.side
    }

    /// Whether a login that was bound to the TLS connection, or was not, will do.
    fn may_go_on(&self, bound: bool) -> Result<()> {
        if bound || self.endpoint.channel_binding != ChannelBinding::Require {
            return Ok(());
        }
        Err(unbound(self.endpoint))
    }

    /// Proves that we know the password, and has the server prove it too. Returns whether both
    /// proofs hold for this TLS connection only.
    async fn scram<S>(
        &self,
        wire: &mut Wire<S>,
        body: &backend::AuthenticationSaslBody,
    ) -> Result<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let offered: Vec<String> = body
            .mechanisms()
            .map(|name| Ok(name.to_owned()))
            .collect()?;
        let offers = |name: &str| offered.iter().any(|mechanism| mechanism == name);
        let digest = self
            .tls_server_end_point
            .as_ref()
            .filter(|_| self.endpoint.channel_binding != ChannelBinding::Disable);
        let (mechanism, binding) = match digest {
            Some(digest) if offers(sasl::SCRAM_SHA_256_PLUS) => (
                sasl::SCRAM_SHA_256_PLUS,
                sasl::ChannelBinding::tls_server_end_point(digest.clone()),
            ),
            // We could bind, but the server did not offer it: says so, which exposes a man in the
            // middle that removed the offer.
            Some(_) => (sasl::SCRAM_SHA_256, sasl::ChannelBinding::unrequested()),
            None => (sasl::SCRAM_SHA_256, sasl::ChannelBinding::unsupported()),
        };
        if !offers(mechanism) {
            return Err(self.unsupported());
        }
        let bound = mechanism == sasl::SCRAM_SHA_256_PLUS;
        self.may_go_on(bound)?;
        let password = self.password()?.expose_secret().as_bytes();
        let mut scram = sasl::ScramSha256::new(password, binding);
        frontend::sasl_initial_response(mechanism, scram.message(), wire.outgoing())?;
        let backend::Message::AuthenticationSaslContinue(body) =
            message(wire, self.side(), DOING).await?
        else {
            return Err(unexpected(self.side(), DOING));
        };
        scram
            .update(body.data())
            .map_err(|error| self.scram_failed(&error))?;
        frontend::sasl_response(scram.message(), wire.outgoing())?;
        let backend::Message::AuthenticationSaslFinal(body) =
            message(wire, self.side(), DOING).await?
        else {
            return Err(unexpected(self.side(), DOING));
        };
        scram
            .finish(body.data())
            .map_err(|error| self.scram_failed(&error))?;
        Ok(bound)
    }

    fn scram_failed(&self, error: &std::io::Error) -> Error {
        let what = format!("SCRAM authentication failed: {error}");
        let remedy = "Check the password. The server may also not be the one that knows it, or ask \
                      for more than 100,000 SCRAM iterations, which are refused.";
        Error::new(Kind::Authentication, what)
            .on(self.side())
            .remedy(remedy)
    }

    fn unsupported(&self) -> Error {
        let what = "The server asks for an authentication method that walferry does not have";
        let remedy = "Use scram-sha-256, md5, a client certificate, peer or trust in pg_hba.conf.";
        Error::new(Kind::Authentication, what)
            .on(self.side())
            .remedy(remedy)
    }
}
