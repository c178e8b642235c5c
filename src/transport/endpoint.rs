//! Where a server is and how to prove who we are.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::ssh::Hop;
use crate::error::Side;

/// One server as the configuration describes it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Which section of the configuration it came from.
    pub side: Side,
    /// Its address.
    pub host: Host,
    /// Also the number in the name of a unix socket.
    pub port: u16,
    /// The database to connect to.
    pub database: String,
    /// The role to log in as.
    pub user: String,
    /// Where the password comes from; read anew at each connect, so that rotation needs no restart.
    pub password: Option<Secret>,
    /// `passfile`: where the password is looked up when `password` is not given; `None` means
    /// where libpq looks.
    pub passfile: Option<PathBuf>,
    /// TLS policy; ignored for unix sockets, as libpq does.
    pub tls: Tls,
    /// Whether the login has to prove that nobody stands between.
    pub channel_binding: ChannelBinding,
    /// `md5_in_clear`: an md5 hash of the password may go where others can listen.
    pub md5_in_clear: bool,
    /// The SSH servers on the way, the nearest first; empty when the server is reached directly.
    pub hops: Vec<Hop>,
    /// Limit for reaching the server, TLS and authentication together, and before that for each
    /// hop.
    pub connect_timeout: Duration,
    /// How long a server may owe an answer before it is asked whether it still works on it, and how
    /// long the replication stream and SSH servers, which give signs of life, may be silent.
    pub silence_timeout: Duration,
}

impl Endpoint {
    /// The address for messages: `host:port` or the path of the socket, and the last hop.
    pub fn address(&self) -> String {
        let server = self.server();
        match self.hops.last() {
            Some(hop) => format!("{server} (through {})", hop.address()),
            None => server,
        }
    }

    /// The same without the hop: the address as the last hop sees it.
    pub fn server(&self) -> String {
        match &self.host {
            Host::Tcp(host) => place(host, self.port),
            Host::Unix(directory) => {
                let socket = directory.join(format!(".s.PGSQL.{}", self.port));
                socket.display().to_string()
            }
        }
    }

    /// What somebody between could do, as a sentence without full stop that begins with the key;
    /// `None` when the server has to prove who it is, or is on this machine (or on that of the
    /// last hop), as far as the name tells.
    pub fn weakness(&self) -> Option<&'static str> {
        match &self.host {
            Host::Tcp(host) if !is_local_name(host) => {}
            Host::Tcp(_) | Host::Unix(_) => return None,
        }
        match self.tls.mode {
            SslMode::Disable => Some("sslmode = \"disable\": whoever is on the way reads all rows"),
            SslMode::Allow | SslMode::Prefer => Some(
                "this sslmode goes on without TLS when it is told to: whoever is on the way can \
                 read and change all rows",
            ),
            SslMode::Require if self.tls.root.is_none() => Some(
                "sslmode = \"require\" encrypts but trusts anybody: whoever is on the way can pose \
                 as the server, and read and change all rows",
            ),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => None,
        }
    }
}

fn is_local_name(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// `host:port`, as people write it.
pub(super) fn place(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A DNS name or an IP address.
    Tcp(String),
    /// The directory that holds the socket `.s.PGSQL.<port>`.
    Unix(PathBuf),
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum Secret {
    /// Written in the configuration or the environment.
    Inline(SecretString),
    /// The content of a file, without its last line break.
    File(PathBuf),
    /// The standard output of a program (`argv`), without its last line break.
    Command(Vec<String>),
}

/// TLS policy with libpq's meanings.
#[derive(Clone, Debug)]
pub struct Tls {
    /// `sslmode`
    pub mode: SslMode,
    /// `sslrootcert`: a PEM file; `None` means the system's roots.
    pub root: Option<PathBuf>,
    /// `sslcrl`: a PEM file with the lists of all authorities.
    pub revoked: Option<PathBuf>,
    /// `sslcert` and `sslkey`.
    pub client: Option<ClientCertificate>,
    /// `sslnegotiation`
    pub negotiation: SslNegotiation,
    /// `ssl_min_protocol_version`
    pub version_min: TlsVersion,
}

impl Tls {
    /// The mode with the defaults of all else.
    pub fn new(mode: SslMode) -> Self {
        Tls {
            mode,
            root: None,
            revoked: None,
            client: None,
            negotiation: SslNegotiation::Postgres,
            version_min: TlsVersion::V1_2,
        }
    }
}

/// Who we are, in TLS.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// `sslcert`: a PEM file.
    pub certificate: PathBuf,
    /// `sslkey`: a PEM file.
    pub key: PathBuf,
    /// `sslpassword`: opens the key.
    pub password: Option<Secret>,
}

/// `sslnegotiation`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslNegotiation {
    /// The server is asked whether it has TLS.
    Postgres,
    /// TLS begins with the first byte (servers from 17 on).
    Direct,
}

/// `ssl_min_protocol_version`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// `TLSv1.2`
    V1_2,
    /// `TLSv1.3`
    V1_3,
}

/// `channel_binding`: whether SCRAM is bound to the TLS connection that it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// If the server can.
    Prefer,
    /// Always: a login without it fails, whatever the server asks for.
    Require,
}

/// `sslmode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// Plain first, TLS when the server insists.
    Allow,
    /// TLS first, plain when the server has none.
    Prefer,
    /// TLS, without looking at the certificate (with `sslrootcert`: as `verify-ca`).
    Require,
    /// TLS with a certificate that a trusted root signed.
    VerifyCa,
    /// As `verify-ca`, and the certificate names the host.
    VerifyFull,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A server on this machine, without credentials.
    pub(in crate::transport) fn endpoint(port: u16, mode: SslMode) -> Endpoint {
        Endpoint {
            side: Side::Source,
            host: Host::Tcp("127.0.0.1".to_owned()),
            port,
            database: "app".to_owned(),
            user: "walferry".to_owned(),
            password: None,
            passfile: None,
            hops: Vec::new(),
            tls: Tls::new(mode),
            channel_binding: ChannelBinding::Prefer,
            md5_in_clear: false,
            connect_timeout: Duration::from_secs(10),
            silence_timeout: Duration::from_secs(30),
        }
    }

    #[test]
    fn only_a_server_elsewhere_that_proves_nothing_is_a_weakness() {
        let mut endpoint = endpoint(5432, SslMode::Disable);
        for local in ["127.0.0.1", "::1", "localhost", "::ffff:127.0.0.1"] {
            endpoint.host = Host::Tcp(local.to_owned());
            assert!(endpoint.weakness().is_none(), "{local}");
        }
        endpoint.host = Host::Tcp("db.internal".to_owned());
        for mode in [SslMode::Disable, SslMode::Allow, SslMode::Prefer] {
            endpoint.tls = Tls::new(mode);
            // a root helps nothing while plain text will do as well
            endpoint.tls.root = Some("ca.pem".into());
            assert!(endpoint.weakness().is_some(), "{mode:?}");
        }
        endpoint.tls.mode = SslMode::Require;
        assert!(endpoint.weakness().is_none());
        endpoint.tls.root = None;
        assert!(endpoint.weakness().is_some());
        endpoint.tls.mode = SslMode::VerifyCa;
        assert!(endpoint.weakness().is_none());
    }

    #[test]
    fn an_address_is_written_as_people_write_it() {
        let mut endpoint = endpoint(5432, SslMode::Disable);
        assert_eq!(endpoint.address(), "127.0.0.1:5432");
        endpoint.host = Host::Tcp("::1".to_owned());
        assert_eq!(endpoint.address(), "[::1]:5432");
        endpoint.host = Host::Unix("/run/postgresql".into());
        assert_eq!(endpoint.address(), "/run/postgresql/.s.PGSQL.5432");
    }
}
