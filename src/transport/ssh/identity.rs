//! Who we are: keys, agents, certificates, and the login with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::ssh_encoding::Encode;
use russh::keys::{
    Algorithm, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey,
    decode_secret_key, signature,
};
use russh::{MethodKind, SendError, Signer};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::client::Client;
use super::hop::{Hop, Key};
use crate::error::{Error, Kind, Result};
use crate::limits::{SECRET_BYTES_MAX, SSH_AGENT_KEYS_MAX};

/// What is there to log in with.
pub(super) enum Prepared {
    Key(Arc<PrivateKey>, Option<Certificate>),
    Agent(AgentClient<UnixStream>, Option<Certificate>),
}

/// Reads the files, and asks the agent whether it is there and answers within `limit`.
pub(super) async fn prepare(hop: &Hop, limit: Duration) -> Result<Prepared> {
    let certificate = match &hop.identity.certificate {
        Some(file) => Some(certificate(file).await?),
        None => None,
    };
    match &hop.identity.key {
        Key::Agent(socket) => {
            let agent = agent(socket.clone(), limit).await?;
            Ok(Prepared::Agent(agent, certificate))
        }
        Key::File(file, passphrase) => {
            let passphrase = match passphrase {
                Some(secret) => Some(secret.read("passphrase").await?),
                None => None,
            };
            let key = private_key(file, passphrase).await?;
            if let Some(certificate) = &certificate
                && certificate.public_key() != key.public_key().key_data()
            {
                return Err(Error::new(
                    Kind::Config,
                    format!("certificate_file is not of the key in {}", file.display()),
                )
                .remedy("Name the certificate that was signed for this very key."));
            }
            Ok(Prepared::Key(Arc::new(key), certificate))
        }
    }
}

async fn certificate(file: &Path) -> Result<Certificate> {
    let text = super::read_text(file, SECRET_BYTES_MAX).await?;
    Certificate::from_openssh(text.trim()).map_err(|_| {
        Error::new(
            Kind::Config,
            format!("{} is no OpenSSH certificate", file.display()),
        )
        .remedy("certificate_file is what ssh-keygen -s makes: id_ed25519-cert.pub.")
    })
}

async fn agent(socket: Option<PathBuf>, limit: Duration) -> Result<AgentClient<UnixStream>> {
    let from_environment = || std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty());
    let Some(path) = socket.or_else(|| from_environment().map(PathBuf::from)) else {
        return Err(Error::new(
            Kind::Config,
            "There is no key for the bastion: neither private_key_file nor agent_socket is set, \
             and SSH_AUTH_SOCK names no agent",
        )
        .remedy("Set private_key_file of the section, or agent_socket."));
    };
    let failed = |why: String| {
        Error::new(
            Kind::Io,
            format!("The SSH agent at {} {why}", path.display()),
        )
        .remedy("Start the agent and add the key with ssh-add, or set private_key_file.")
    };
    let connected = UnixStream::connect(&path).await;
    let connected = connected.map_err(|error| failed(format!("cannot be reached: {error}")))?;
    let mut agent = AgentClient::connect(connected);
    // Asked here too, where its silence cannot be taken for that of the server.
    match timeout(limit, agent.request_identities()).await {
        Ok(Ok(_)) => Ok(agent),
        Ok(Err(error)) => Err(failed(format!("cannot be asked for its keys: {error}"))),
        Err(_) => {
            let limit = humantime_serde::re::humantime::format_duration(limit);
            let why = format!("did not answer within the connect_timeout of {limit}");
            Err(failed(why))
        }
    }
}

async fn private_key(file: &Path, passphrase: Option<SecretString>) -> Result<PrivateKey> {
    let text = SecretString::from(super::read_text(file, SECRET_BYTES_MAX).await?);
    let shown = file.display().to_string();
    // a passphrase is made into a key slowly, on purpose
    let decoded = tokio::task::spawn_blocking(move || decode(&shown, &text, passphrase.as_ref()));
    decoded
        .await
        .map_err(|error| Error::new(Kind::Unknown, format!("Could not read a key: {error}")))?
}

/// What walferry cannot use has a way to become what it can.
const FORMATS: &str = "walferry reads ed25519, ecdsa and rsa keys in the formats of OpenSSH and \
                       PKCS #8; `ssh-keygen -p -f FILE` writes any other in that of OpenSSH, and \
                       keys on a security token are used through an agent (agent_socket).";

fn decode(
    file: &str,
    text: &SecretString,
    passphrase: Option<&SecretString>,
) -> Result<PrivateKey> {
    let text = text.expose_secret();
    let failure = |what: &str| Error::new(Kind::Config, format!("The private key {file} {what}"));
    let pem_encrypted = text.contains("ENCRYPTED");
    let openssh = text.contains("OPENSSH PRIVATE KEY");
    let openssh_encrypted = openssh && is_encrypted(text);
    let encrypted = pem_encrypted || openssh_encrypted;
    if encrypted && passphrase.is_none() {
        return Err(failure("needs a passphrase").remedy(
            "Set passphrase_file, passphrase_command or passphrase of the section, or take the \
             passphrase off: ssh-keygen -p -f FILE.",
        ));
    }
    // russh takes a passphrase as a promise that the key is encrypted
    let passphrase = passphrase.filter(|_| encrypted);
    let decoded = decode_secret_key(text, passphrase.map(SecretString::expose_secret));
    let key = decoded.map_err(|_| {
        if encrypted {
            failure("cannot be decrypted: the passphrase is wrong, or the file is damaged")
                .remedy("Try it: ssh-keygen -y -f FILE prints the public key when it is right.")
        } else {
            failure("cannot be read").remedy(FORMATS)
        }
    })?;
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { .. } => Ok(key),
        other => {
            Err(failure(&format!("is of the type {other}, which cannot be used")).remedy(FORMATS))
        }
    }
}

fn is_encrypted(openssh: &str) -> bool {
    PrivateKey::from_openssh(openssh).is_ok_and(|key| key.is_encrypted())
}

/// Signs with a key in memory where russh would ask an agent: for certificates, whose RSA kind it
/// would sign with SHA-1 by itself.
struct KeySigner(Arc<PrivateKey>);

impl Signer for KeySigner {
    type Error = russh::AgentAuthError;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        _: Option<HashAlg>,
        mut to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, Self::Error> {
        // an RSA key signs with SHA-512
        let signed = signature::Signer::try_sign(self.0.as_ref(), &to_sign);
        let signature = signed.map_err(|_| SendError {})?;
        signature
            .encode_prefixed(&mut to_sign)
            .map_err(|_| SendError {})?;
        Ok(to_sign)
    }
}

/// Has an agent sign for a certificate with the key of it, which is all that the agent must have.
struct AgentSigner<'a>(&'a mut AgentClient<UnixStream>);

impl Signer for AgentSigner<'_> {
    type Error = russh::AgentAuthError;

    async fn auth_sign(
        &mut self,
        identity: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, Self::Error> {
        let key = AgentIdentity::from(identity.public_key().into_owned());
        Ok(self.0.sign_request(&key, hash, to_sign).await?)
    }
}

/// Logs in, or says what the server would take instead.
pub(super) async fn log_in(
    session: &mut Handle<Client>,
    hop: &Hop,
    prepared: Prepared,
) -> Result<()> {
    match prepared {
        Prepared::Key(key, None) => {
            let hash = rsa_hash(session, hop, &key.algorithm()).await?;
            let key = PrivateKeyWithHashAlg::new(key, hash);
            let outcome = session.authenticate_publickey(&hop.user, key).await;
            judge(hop, outcome.map_err(|error| failed(hop, &error))?)
        }
        Prepared::Key(key, Some(certificate)) => {
            let hash = rsa_hash(session, hop, &key.algorithm()).await?;
            let hash = hash.map(|_| HashAlg::Sha512);
            let outcome = session
                .authenticate_certificate_with(&hop.user, certificate, hash, &mut KeySigner(key))
                .await;
            judge(hop, outcome.map_err(|error| failed(hop, &error))?)
        }
        Prepared::Agent(mut agent, Some(certificate)) => {
            let hash = rsa_hash(session, hop, &certificate.algorithm()).await?;
            let outcome = session
                .authenticate_certificate_with(
                    &hop.user,
                    certificate,
                    hash,
                    &mut AgentSigner(&mut agent),
                )
                .await;
            judge(hop, outcome.map_err(|error| failed(hop, &error))?)
        }
        Prepared::Agent(agent, None) => by_agent(session, hop, agent).await,
    }
}

/// Offers what the agent has, one after the other.
async fn by_agent(
    session: &mut Handle<Client>,
    hop: &Hop,
    mut agent: AgentClient<UnixStream>,
) -> Result<()> {
    // keys that are restricted to some servers; an agent that does not know of it goes on
    if let Some(binding) = session.agent_session_binding() {
        let _ = agent.bind_session(binding, false).await;
    }
    let identities = agent
        .request_identities()
        .await
        .map_err(|error| failed(hop, &error))?;
    let mut last = None;
    // a server ends the session after a few keys that it does not know
    for identity in identities.into_iter().take(SSH_AGENT_KEYS_MAX) {
        let key: PublicKey = identity.public_key().into_owned();
        let Ok(hash) = rsa_hash(session, hop, &key.algorithm()).await else {
            continue;
        };
        let outcome = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                session
                    .authenticate_publickey_with(&hop.user, key, hash, &mut agent)
                    .await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                session
                    .authenticate_certificate_with(&hop.user, certificate, hash, &mut agent)
                    .await
            }
        };
        let judged = match outcome {
            Ok(outcome) => judge(hop, outcome),
            Err(error) => Err(failed(hop, &error)),
        };
        match judged {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| {
        Error::new(
            Kind::Authentication,
            "The SSH agent has no key that can be used",
        )
        .remedy("Add one with ssh-add; ssh-add -l lists what it has.")
    }))
}

/// With what to sign for an RSA key: never SHA-1.
async fn rsa_hash(
    session: &Handle<Client>,
    hop: &Hop,
    algorithm: &Algorithm,
) -> Result<Option<HashAlg>> {
    if !matches!(algorithm, Algorithm::Rsa { .. }) {
        return Ok(None);
    }
    let supported = session.best_supported_rsa_hash().await;
    match supported.map_err(|error| failed(hop, &error))? {
        Some(Some(hash)) => Ok(Some(hash)),
        // a server that says nothing about it may still know it
        None => Ok(Some(HashAlg::Sha512)),
        Some(None) => Err(Error::new(
            Kind::Unsupported,
            format!(
                "{} takes RSA keys with SHA-1 signatures only",
                hop.address()
            ),
        )
        .remedy("Use an ed25519 key, or a newer SSH server (OpenSSH 7.2 or later).")),
    }
}

fn judge(hop: &Hop, outcome: AuthResult) -> Result<()> {
    let AuthResult::Failure {
        remaining_methods,
        partial_success,
    } = outcome
    else {
        return Ok(());
    };
    let methods: Vec<&str> = remaining_methods.iter().map(<&str>::from).collect();
    let (address, user) = (hop.address(), &hop.user);
    if methods.is_empty() {
        return Err(Error::new(
            Kind::Unreachable,
            format!("{address} ended the connection during the login of {user:?}"),
        )
        .remedy("The log of its sshd says why: too many logins at once, or too many wrong keys."));
    }
    let methods = methods.join(", ");
    let error = if partial_success {
        Error::new(
            Kind::Authentication,
            format!("{address} takes the key of {user:?}, and asks for more: {methods}"),
        )
        .remedy("Let AuthenticationMethods of its sshd_config be publickey for this user.")
    } else {
        let error = Error::new(
            Kind::Authentication,
            format!("{address} refuses the key of {user:?}; it offers: {methods}"),
        );
        if remaining_methods.contains(&MethodKind::PublicKey) {
            error.remedy(
                "Check `user` of the section, that the public key stands in authorized_keys there \
                 (`walferry setup-sql` prints the line), and that only that user can write the \
                 file and its folders.",
            )
        } else {
            error.remedy(
                "walferry logs in with keys only: set PubkeyAuthentication yes in its sshd_config.",
            )
        }
    };
    Err(error)
}

fn failed(hop: &Hop, error: &dyn std::error::Error) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("Could not log in to {}: {error}", hop.address()),
    )
}
