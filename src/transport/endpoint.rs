//! Where a server is and how to prove who we are.

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
    /// TLS policy; ignored for unix sockets, as libpq does.
    pub tls: Tls,
    /// The SSH servers on the way, the nearest first; empty when the server is reached directly.
    pub hops: Vec<Hop>,
    /// Limit for reaching the server, TLS and authentication together, and before that for each
    /// hop.
    pub connect_timeout: Duration,
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
    /// `sslrootcert`: a PEM file, or `system`; `None` means the system's roots.
    pub root: Option<PathBuf>,
    /// `sslcert` and `sslkey`: PEM files.
    pub client: Option<(PathBuf, PathBuf)>,
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
            hops: Vec::new(),
            tls: Tls {
                mode,
                root: None,
                client: None,
            },
            connect_timeout: Duration::from_secs(10),
        }
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
