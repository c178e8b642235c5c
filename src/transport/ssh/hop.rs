//! An SSH server on the way, as the configuration describes it.

use std::path::PathBuf;

use russh::keys::ssh_key::{Fingerprint, PublicKey};

use crate::transport::Secret;
use crate::transport::endpoint::place;

/// One SSH server that connections pass through.
#[derive(Clone, Debug)]
pub struct Hop {
    /// A DNS name or an IP address; looked up by the hop before, the first one by this machine.
    pub host: String,
    /// `port`
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// How to prove who we are.
    pub identity: Identity,
    /// How the server has to prove who it is.
    pub host_key: HostKey,
}

impl Hop {
    /// The address for messages: `host:port`.
    pub fn address(&self) -> String {
        place(&self.host, self.port)
    }
}

/// Our key, and who vouches for it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The key itself.
    pub key: Key,
    /// `certificate_file`: an OpenSSH user certificate of that key.
    pub certificate: Option<PathBuf>,
}

/// Where the private key is.
#[derive(Clone, Debug)]
pub enum Key {
    /// `private_key_file`, read anew at each connect: OpenSSH or PEM, with its passphrase.
    File(PathBuf, Option<Secret>),
    /// `agent_socket`, else what `SSH_AUTH_SOCK` names.
    Agent(Option<PathBuf>),
}

/// What the server's key is compared with. There is no trust on first use.
#[derive(Clone, Debug)]
pub enum HostKey {
    /// `known_hosts_file`: all of them have to be there.
    Files(Vec<PathBuf>),
    /// OpenSSH's usual places, as far as they are there.
    UsualFiles,
    /// `host_key`: this one key.
    Pinned(Pin),
}

/// One key, by what it is or by its fingerprint.
#[derive(Clone, Debug)]
pub enum Pin {
    /// `SHA256:…`
    Fingerprint(Fingerprint),
    /// `ssh-ed25519 AAAA…`
    Key(Box<PublicKey>),
}

impl Pin {
    /// Reads `SHA256:…` or `ssh-ed25519 AAAA…`, as `ssh-keygen` and `known_hosts` write them.
    pub fn parse(text: &str) -> Option<Pin> {
        if text.starts_with("SHA256:") {
            return text.parse().ok().map(Pin::Fingerprint);
        }
        let key = PublicKey::from_openssh(text).ok()?;
        Some(Pin::Key(Box::new(key)))
    }
}
