//! One SSH session: the key exchange, the login, and channels to what is behind.

use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, DisconnectReason, Handle, Session as Task};
use russh::keys::PublicKeyOrCertificate;
use russh::{ChannelId, ChannelOpenFailure, Preferred, SshId, cipher};
use tokio::io::{AsyncRead, AsyncWrite};

use super::hop::Hop;
use super::host_key::Trust;
use super::identity;
use super::tunnel::Tunnel;
use super::watch::{Watch, Wire};
use crate::error::{Error, Kind, Result};
use crate::limits::{
    SILENCE_QUESTIONS, SSH_PACKET_BYTES, SSH_PACKETS_WAITING_MAX, SSH_WINDOW_BYTES_MAX,
    SSH_WINDOW_BYTES_MIN, SSH_WINDOW_PER_MILLISECOND_BYTES,
};
use crate::transport::endpoint::place;

/// A session that is logged in.
pub(super) struct Session {
    handle: Handle<Client>,
    watch: Arc<Watch>,
    address: String,
}

/// How an attempt ended that did not work.
pub(super) enum Failure {
    /// The server hung up before it had said who it is, as one does that has too many at the door.
    TurnedAway(Error),
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Other(error)
    }
}

/// What goes wrong inside russh's task.
#[derive(Debug)]
pub(super) enum Fault {
    Ours(Error),
    Theirs(russh::Error),
}

impl From<russh::Error> for Fault {
    fn from(error: russh::Error) -> Self {
        Fault::Theirs(error)
    }
}

/// Our side of russh's task.
#[derive(Debug)]
pub(super) struct Client {
    trust: Trust,
    watch: Arc<Watch>,
    address: String,
}

impl client::Handler for Client {
    type Error = Fault;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Fault> {
        let rule = self.trust.judge(shown).map_err(Fault::Ours)?;
        self.watch.set_rule(rule);
        Ok(true)
    }

    async fn data(&mut self, _: ChannelId, data: &[u8], _: &mut Task) -> Result<(), Fault> {
        self.watch.came(data.len());
        Ok(())
    }

    async fn channel_open_failure(
        &mut self,
        _: ChannelId,
        _: ChannelOpenFailure,
        description: &str,
        _: &str,
        _: &mut Task,
    ) -> Result<(), Fault> {
        self.watch.set_refusal(description);
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Fault>) -> Result<(), Fault> {
        match reason {
            DisconnectReason::ReceivedDisconnect(said) => {
                let (address, said) = (&self.address, said.message);
                self.watch
                    .end(format!("{address} ended the SSH session: {said:?}"));
                Ok(())
            }
            DisconnectReason::Error(fault) => Err(fault),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.watch
            .end(format!("the SSH session to {} ended", self.address));
    }
}

/// What has to be read from files before the server is called.
pub(super) struct Ready {
    trust: Trust,
    identity: identity::Prepared,
}

/// Reads it, which may take a while: a passphrase is made into a key slowly, on purpose. An agent
/// has to answer within `limit`.
pub(super) async fn prepare(hop: &Hop, limit: Duration) -> Result<Ready> {
    Ok(Ready {
        trust: Trust::of(hop).await?,
        identity: identity::prepare(hop, limit).await?,
    })
}

/// A session whose server is who it should be, and that is not logged in.
pub(super) struct Begun {
    session: Session,
    identity: identity::Prepared,
}

/// Exchanges keys with the server at the end of the stream, which took so long to be reached and
/// may be silent for so long.
pub(super) async fn begin<S>(
    hop: &Hop,
    ready: Ready,
    stream: S,
    took: Duration,
    silence_max: Duration,
) -> Result<Begun, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let address = hop.address();
    let config = config(&ready.trust, window(took), silence_max);
    let watch = Arc::new(Watch::default());
    let client = Client {
        trust: ready.trust,
        watch: Arc::clone(&watch),
        address: address.clone(),
    };
    let wire = Wire::new(stream, Arc::clone(&watch), address.clone(), silence_max);
    match client::connect_stream(Arc::new(config), wire, client).await {
        Ok(handle) => Ok(Begun {
            session: Session {
                handle,
                watch,
                address,
            },
            identity: ready.identity,
        }),
        Err(fault) => Err(refused(hop, fault)),
    }
}

impl Begun {
    /// Fails with [`Kind::Authentication`] when the server does not take the key.
    pub(super) async fn log_in(self, hop: &Hop) -> Result<Session> {
        let mut session = self.session;
        identity::log_in(&mut session.handle, hop, self.identity).await?;
        Ok(session)
    }
}

impl Session {
    /// By which rule the server's key was accepted.
    pub(super) fn rule(&self) -> String {
        self.watch.rule().unwrap_or_default()
    }

    /// A connection from that server to a port; it looks the name up.
    pub(super) async fn to_port(&self, host: &str, port: u16) -> Result<Tunnel> {
        let opened = self
            .handle
            .channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0)
            .await;
        let address = host.parse::<std::net::IpAddr>();
        let private = host.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback());
        self.tunnel(opened, &place(host, port), private).await
    }

    /// A connection from that server to a unix socket of its own.
    pub(super) async fn to_socket(&self, path: &str) -> Result<Tunnel> {
        let opened = self.handle.channel_open_direct_streamlocal(path).await;
        self.tunnel(opened, path, true).await
    }

    async fn tunnel(
        &self,
        opened: Result<russh::Channel<client::Msg>, russh::Error>,
        to: &str,
        private: bool,
    ) -> Result<Tunnel> {
        match opened {
            Ok(channel) => {
                let watch = Arc::clone(&self.watch);
                Ok(Tunnel::new(channel.into_stream(), watch, private))
            }
            Err(error) => Err(self.not_opened(to, &error).await),
        }
    }

    async fn not_opened(&self, to: &str, error: &russh::Error) -> Error {
        let address = &self.address;
        let russh::Error::ChannelOpenFailure(reason) = error else {
            let why = self.watch.ended().unwrap_or_else(|| error.to_string());
            let what = format!("Could not reach {to} through {address}: {why}");
            return Error::new(Kind::Unreachable, what);
        };
        let said = self.watch.refusal().await;
        match reason {
            ChannelOpenFailure::AdministrativelyProhibited => Error::new(
                Kind::Privilege,
                format!("{address} does not let us through to {to}: {said:?}"),
            )
            .remedy(format!(
                "Its sshd_config needs AllowTcpForwarding local for this user (for a unix socket \
                 AllowStreamLocalForwarding local), and PermitOpen, or permitopen in \
                 authorized_keys, has to name {to} as it is written here."
            )),
            ChannelOpenFailure::UnknownChannelType => Error::new(
                Kind::Unsupported,
                format!("{address} cannot forward to {to}: {said:?}"),
            )
            .remedy("Unix sockets need OpenSSH 6.7 or later there."),
            _ => Error::new(
                Kind::Unreachable,
                format!("{address} could not connect to {to}: {said:?}"),
            )
            .remedy(
                "Check that the server runs there, and `host` and `port` as that machine sees \
                 them: it looks the name up. For a unix socket also AllowStreamLocalForwarding.",
            ),
        }
    }
}

/// What a failed key exchange means.
fn refused(hop: &Hop, fault: Fault) -> Failure {
    let address = hop.address();
    let error = match fault {
        Fault::Ours(error) => return Failure::Other(error),
        Fault::Theirs(error) => error,
    };
    let new = |kind, what: String| Error::new(kind, what);
    match error {
        russh::Error::NoCommonAlgo { kind, ours, theirs } => Failure::Other(
            new(
                Kind::Unsupported,
                format!(
                    "{address} and walferry know no common algorithm for {kind:?}: it offers {}",
                    theirs.join(", ")
                ),
            )
            .remedy(format!("Let its sshd offer one of {}.", ours.join(", "))),
        ),
        russh::Error::WrongServerSig => Failure::Other(
            new(
                Kind::HostKey,
                format!("{address} cannot prove that the host key it shows is its own"),
            )
            .remedy("Somebody may be in between: ask whoever runs it."),
        ),
        russh::Error::Version => Failure::Other(
            new(Kind::Protocol, format!("{address} does not speak SSH"))
                .remedy("Check `host` and `port` of the section."),
        ),
        russh::Error::Disconnect | russh::Error::HUP | russh::Error::IO(_) => Failure::TurnedAway(
            new(
                Kind::Unreachable,
                format!("{address} hung up before the SSH session began"),
            )
            .remedy(
                "It may have too many logins at once (MaxStartups of its sshd_config), block this \
                 address (PerSourcePenalties, fail2ban), or be no SSH server.",
            ),
        ),
        other => Failure::Other(new(
            Kind::Unreachable,
            format!("The SSH key exchange with {address} failed: {other}"),
        )),
    }
}

/// How much a server may send without our leave that took so long to be reached. A larger window
/// than the way needs is dear for sshd and brings nothing.
fn window(took: Duration) -> u32 {
    u32::try_from(took.as_millis())
        .unwrap_or(u32::MAX)
        .saturating_mul(SSH_WINDOW_PER_MILLISECOND_BYTES)
        .clamp(SSH_WINDOW_BYTES_MIN, SSH_WINDOW_BYTES_MAX)
}

fn config(trust: &Trust, window: u32, silence_max: Duration) -> client::Config {
    let (keys, certificates) = trust.algorithms();
    client::Config {
        client_id: SshId::Standard(concat!("SSH-2.0-walferry_", env!("CARGO_PKG_VERSION")).into()),
        window_size: window,
        maximum_packet_size: SSH_PACKET_BYTES,
        // so many that the task never waits for the reader, see `watch`
        channel_buffer_size: SSH_PACKETS_WAITING_MAX,
        keepalive_interval: Some(silence_max / SILENCE_QUESTIONS),
        // silence is judged by `Wire`, which knows whether we listened
        keepalive_max: 0,
        nodelay: true,
        preferred: Preferred {
            key: keys.into(),
            host_key_certificates: certificates.into(),
            cipher: if has_aes() { &AES_FIRST } else { &CHACHA_FIRST }[..].into(),
            ..Preferred::DEFAULT
        },
        ..client::Config::default()
    }
}

const AES_FIRST: [cipher::Name; 5] = [
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_128_CTR,
];

const CHACHA_FIRST: [cipher::Name; 5] = [
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::AES_256_CTR,
    cipher::AES_128_CTR,
];

/// Whether this processor has instructions for AES, without which `ChaCha20` is faster.
fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    let has = std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    let has = std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let has = false;
    has
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_as_large_as_the_way_is_long() {
        let window = |milliseconds| window(Duration::from_millis(milliseconds));
        assert_eq!(window(0), SSH_WINDOW_BYTES_MIN);
        assert_eq!(window(8), SSH_WINDOW_BYTES_MIN);
        assert_eq!(window(20), 20 * SSH_WINDOW_PER_MILLISECOND_BYTES);
        assert_eq!(window(300), SSH_WINDOW_BYTES_MAX);
        assert_eq!(window(u64::MAX), SSH_WINDOW_BYTES_MAX);
    }
}
