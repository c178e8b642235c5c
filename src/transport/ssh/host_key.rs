//! Whether the server is the one that was meant. Nothing is ever trusted because it is new.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey, PublicKeyOrCertificate};

use super::hop::{Hop, HostKey, Pin};
use super::known_hosts::{KnownHosts, Shown, Verdict, name};
use crate::error::{Error, Kind, Result};
use crate::limits::KNOWN_HOSTS_BYTES_MAX;

/// What one server's key is held against, as it stands now.
#[derive(Debug)]
pub(super) struct Trust {
    host: String,
    port: u16,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Pinned(Pin),
    /// The files, and what they say.
    Known(Vec<PathBuf>, KnownHosts),
}

impl Trust {
    /// Reads the files. Fails with [`Kind::Io`] when one that is configured cannot be read, and
    /// with [`Kind::HostKey`] when there is none at all.
    pub(super) async fn of(hop: &Hop) -> Result<Trust> {
        let rule = match &hop.host_key {
            HostKey::Pinned(pin) => Rule::Pinned(pin.clone()),
            HostKey::Files(files) => known(files.clone()).await?,
            HostKey::UsualFiles => {
                let mut files = usual_files();
                files.retain(|file| file.exists());
                if files.is_empty() {
                    return Err(nothing_known(hop));
                }
                known(files).await?
            }
        };
        Ok(Trust {
            host: hop.host.clone(),
            port: hop.port,
            rule,
        })
    }

    /// The algorithms to ask for, those of known keys first, and the same for certificates, which
    /// are only asked for when an authority is known.
    pub(super) fn algorithms(&self) -> (Vec<Algorithm>, Vec<Algorithm>) {
        let (first, certified) = match &self.rule {
            Rule::Pinned(Pin::Key(key)) => (vec![key.algorithm()], false),
            Rule::Pinned(Pin::Fingerprint(_)) => (Vec::new(), false),
            Rule::Known(_, known) => known.algorithms(&self.host, self.port),
        };
        let mut algorithms = all_algorithms();
        algorithms.sort_by_key(|algorithm| {
            let is_first = first.iter().any(|known| match known {
                // one key, two ways to sign with it
                Algorithm::Rsa { .. } => matches!(algorithm, Algorithm::Rsa { .. }),
                known => known == algorithm,
            });
            !is_first
        });
        let certificates = if certified {
            all_algorithms()
        } else {
            Vec::new()
        };
        (algorithms, certificates)
    }

    /// Says by which rule the server is who it should be.
    ///
    /// Fails with [`Kind::HostKey`], and says what has to be compared and where to write it.
    pub(super) fn judge(&self, shown: &PublicKeyOrCertificate) -> Result<String> {
        let key = shown.public_key();
        let print = key.fingerprint(HashAlg::Sha256);
        let sort = key.algorithm();
        match &self.rule {
            Rule::Pinned(pin) => {
                let is_it = match pin {
                    Pin::Fingerprint(pinned) => *pinned == print,
                    Pin::Key(pinned) => pinned.key_data() == key.key_data(),
                };
                if is_it {
                    return Ok(format!("{sort} {print}, pinned by host_key"));
                }
                Err(self.not_the_pinned(pin, &key))
            }
            Rule::Known(files, known) => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                // a clock before 1970 makes every certificate invalid, which is as it should be
                let now = now.map_or(0, |since| since.as_secs());
                let shown = match shown.certificate() {
                    Some(certificate) => Shown::Certificate(certificate),
                    None => Shown::Key(&key),
                };
                match known.judge(&self.host, self.port, shown, now) {
                    Verdict::Known { origin } => Ok(format!("{sort} {print}, known by {origin}")),
                    Verdict::Vouched { origin } => Ok(format!(
                        "{sort} {print}, certified by the authority of {origin}"
                    )),
                    refused => Err(self.refuse(&refused, &key, files)),
                }
            }
        }
    }

    fn refuse(&self, verdict: &Verdict, key: &PublicKey, files: &[PathBuf]) -> Error {
        let name = name(&self.host, self.port);
        let print = key.fingerprint(HashAlg::Sha256);
        let sort = key.algorithm();
        let file = files
            .first()
            .map_or_else(String::new, |file| file.display().to_string());
        match verdict {
            Verdict::Changed { origin, known } => failure(format!(
                "THE HOST KEY OF {name} HAS CHANGED: it shows {sort} {print}, while {origin} has \
                 {known}. Somebody may be in between"
            ))
            .remedy(format!(
                "Nothing was sent. Ask whoever runs {name} whether its key was replaced. Only \
                 then: ssh-keygen -R '{name}' -f {file}, and add the line: {}",
                line(&name, key)
            )),
            Verdict::Revoked { origin } => failure(format!(
                "THE HOST KEY OF {name} IS REVOKED: it shows {sort} {print}, which {origin} marks \
                 as @revoked"
            ))
            .remedy(format!(
                "Nothing was sent. Whoever has that key may not be {name}: have its key replaced."
            )),
            Verdict::CertificateUnfit { why } => failure(format!(
                "The host certificate that {name} shows {why}"
            ))
            .remedy("Have it signed again: ssh-keygen -s ca_key -h -I id -n names host_key.pub"),
            _ => {
                let others = match verdict {
                    Verdict::Unknown { other_types } if !other_types.is_empty() => {
                        format!(
                            " (known are only keys of the type {})",
                            other_types.join(", ")
                        )
                    }
                    _ => String::new(),
                };
                failure(format!(
                    "The host key of {name} is not known: {sort} {print}{others}"
                ))
                .remedy(self.how_to_know(key, &file))
            }
        }
    }

    fn not_the_pinned(&self, pin: &Pin, key: &PublicKey) -> Error {
        let name = name(&self.host, self.port);
        let print = key.fingerprint(HashAlg::Sha256);
        let pinned = match pin {
            Pin::Fingerprint(pinned) => *pinned,
            Pin::Key(pinned) => pinned.fingerprint(HashAlg::Sha256),
        };
        failure(format!(
            "THE HOST KEY OF {name} IS NOT THE PINNED ONE: it shows {} {print}, while host_key has \
             {pinned}. Somebody may be in between",
            key.algorithm()
        ))
        .remedy(format!(
            "Nothing was sent. If {name} has keys of several types, pin the whole line of the one \
             you mean: host_key = \"ssh-rsa AAAA…\". If its key was replaced, ask whoever runs it, \
             and only then write the new one."
        ))
    }

    fn how_to_know(&self, key: &PublicKey, file: &str) -> String {
        let sort = match key.algorithm() {
            Algorithm::Rsa { .. } => "rsa",
            Algorithm::Ecdsa { .. } => "ecdsa",
            _ => "ed25519",
        };
        format!(
            "On that server run: ssh-keygen -lf /etc/ssh/ssh_host_{sort}_key.pub. Only if it \
             prints this fingerprint, add to {file} the line: {} (ssh-keyscan -p {} -t {sort} {} \
             prints it too), or write host_key = \"{}\" in place of known_hosts_file.",
            line(&name(&self.host, self.port), key),
            self.port,
            self.host,
            key.fingerprint(HashAlg::Sha256),
        )
    }
}

fn failure(what: String) -> Error {
    Error::new(Kind::HostKey, what)
}

fn line(name: &str, key: &PublicKey) -> String {
    let key = PublicKey::from(key.key_data().clone());
    format!("{name} {}", key.to_openssh().unwrap_or_default())
}

fn nothing_known(hop: &Hop) -> Error {
    let places: Vec<String> = usual_files()
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    failure(format!(
        "There is nothing to tell {} by: {} cannot be found",
        hop.address(),
        places.join(" and ")
    ))
    .remedy(format!(
        "Set known_hosts_file to a file with the host's line (ssh-keyscan -p {} {} prints it; \
         compare the fingerprint with the one of the server itself), or host_key = \"SHA256:…\".",
        hop.port, hop.host
    ))
}

fn usual_files() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let own = home.map(|home| Path::new(&home).join(".ssh/known_hosts"));
    own.into_iter()
        .chain([PathBuf::from("/etc/ssh/ssh_known_hosts")])
        .collect()
}

async fn known(files: Vec<PathBuf>) -> Result<Rule> {
    let mut known = KnownHosts::default();
    for file in &files {
        let text = super::read_text(file, KNOWN_HOSTS_BYTES_MAX).await?;
        known.add(file, &text).map_err(|origin| {
            failure(format!("{origin} revokes a key that cannot be read"))
                .remedy("Mend or remove that line: a revocation must not be passed over.")
        })?;
    }
    Ok(Rule::Known(files, known))
}

/// Everything but SHA-1 and DSA.
fn all_algorithms() -> Vec<Algorithm> {
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    vec![
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        rsa(HashAlg::Sha512),
        rsa(HashAlg::Sha256),
    ]
}
