//! What `known_hosts` files say about a server: a pure reading of OpenSSH's format.
//!
//! Hashed names, `*` and `?`, negation, `[host]:port`, `@revoked` and `@cert-authority`. A name
//! with a port is only matched by an entry with that port.

use std::path::Path;

use aws_lc_rs::hmac;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};

/// The port that needs no mention.
const PORT: u16 = 22;

/// All lines of all files, in order.
#[derive(Debug, Default)]
pub(super) struct KnownHosts(Vec<Line>);

#[derive(Debug)]
struct Line {
    entry: Entry,
    /// `file line n`
    origin: String,
}

/// What a server showed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown<'a> {
    Key(&'a PublicKey),
    Certificate(&'a Certificate),
}

/// What follows from it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stands there.
    Known { origin: String },
    /// An authority that stands there has signed it.
    Vouched { origin: String },
    /// Nothing is known about the host, or only keys of these other types.
    Unknown { other_types: Vec<String> },
    /// Another key of the same type stands there.
    Changed { origin: String, known: String },
    /// It stands there as stolen.
    Revoked { origin: String },
    /// A trusted authority has signed it, but not for this.
    CertificateUnfit { why: String },
}

impl KnownHosts {
    /// Adds the lines of a file. What is no entry is passed over, as OpenSSH does; a revocation
    /// that cannot be read is an error with its origin.
    pub(super) fn add(&mut self, file: &Path, text: &str) -> Result<(), String> {
        for (index, line) in text.lines().enumerate() {
            let origin = format!("{} line {}", file.display(), index + 1);
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            if words.first().is_none_or(|word| word.starts_with('#')) {
                continue;
            }
            let marked = usize::from(words[0].starts_with('@'));
            // the marker, the names, the type and the key; a comment may follow
            let entry = words.get(..marked + 3).map(|words| words.join(" "));
            match entry.and_then(|entry| entry.parse::<Entry>().ok()) {
                Some(entry) => self.0.push(Line { entry, origin }),
                None if words[0] == "@revoked" => return Err(origin),
                None => {}
            }
        }
        Ok(())
    }

    /// The algorithms of the keys that stand there for the host, and whether an authority does.
    pub(super) fn algorithms(&self, host: &str, port: u16) -> (Vec<Algorithm>, bool) {
        let plain = self.of(host, port, None);
        let algorithms = plain.map(|line| line.entry.public_key().algorithm());
        let algorithms = algorithms.collect();
        let mut authorities = self.of(host, port, Some(Marker::CertAuthority));
        (algorithms, authorities.next().is_some())
    }

    /// Judges what `host` showed at the Unix time `now`.
    pub(super) fn judge(&self, host: &str, port: u16, shown: Shown<'_>, now: u64) -> Verdict {
        let key = match shown {
            Shown::Key(key) => key.key_data(),
            Shown::Certificate(certificate) => certificate.public_key(),
        };
        let signer = match shown {
            Shown::Key(_) => None,
            Shown::Certificate(certificate) => Some(certificate.signature_key()),
        };
        let revoked = self.of(host, port, Some(Marker::Revoked)).find(|line| {
            let stolen = line.entry.public_key().key_data();
            stolen == key || Some(stolen) == signer
        });
        if let Some(line) = revoked {
            let origin = line.origin.clone();
            return Verdict::Revoked { origin };
        }
        if let Shown::Certificate(certificate) = shown {
            let authority = self
                .of(host, port, Some(Marker::CertAuthority))
                .find(|line| Some(line.entry.public_key().key_data()) == signer);
            if let Some(line) = authority {
                let origin = line.origin.clone();
                return match fault_of(certificate, line.entry.public_key(), host, now) {
                    None => Verdict::Vouched { origin },
                    Some(why) => Verdict::CertificateUnfit { why },
                };
            }
        }
        self.judge_key(host, port, key)
    }

    fn judge_key(&self, host: &str, port: u16, key: &KeyData) -> Verdict {
        let mut changed = None;
        let mut other_types = Vec::new();
        for line in self.of(host, port, None) {
            let known = line.entry.public_key();
            if known.key_data() == key {
                let origin = line.origin.clone();
                return Verdict::Known { origin };
            }
            if known.algorithm() == key.algorithm() {
                changed.get_or_insert_with(|| Verdict::Changed {
                    origin: line.origin.clone(),
                    known: known.fingerprint(HashAlg::Sha256).to_string(),
                });
            } else {
                other_types.push(known.algorithm().to_string());
            }
        }
        changed.unwrap_or(Verdict::Unknown { other_types })
    }

    fn of(&self, host: &str, port: u16, marker: Option<Marker>) -> impl Iterator<Item = &Line> {
        let name = name(host, port);
        self.0.iter().filter(move |line| {
            line.entry.marker().copied() == marker && matches(line.entry.host_patterns(), &name)
        })
    }
}

/// How the host is called in the files.
pub(super) fn name(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == PORT {
        host
    } else {
        format!("[{host}]:{port}")
    }
}

fn matches(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, name.as_bytes(), hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let mut found = false;
            for pattern in patterns {
                match pattern.strip_prefix('!') {
                    Some(pattern) if is_like(pattern, name) => return false,
                    Some(_) => {}
                    None => found |= is_like(pattern, name),
                }
            }
            found
        }
    }
}

/// `*` stands for any run of characters, `?` for one; upper and lower case do not differ.
fn is_like(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let (mut at, mut of) = (0, 0);
    // where the last star was, and up to where it has been stretched
    let mut star = None;
    while of < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(&sign) if sign == '?' || sign == name[of] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((star_at, stretched)) = star else {
                    return false;
                };
                star = Some((star_at, stretched + 1));
                at = star_at + 1;
                of = stretched + 1;
            }
        }
    }
    pattern[at..].iter().all(|&sign| sign == '*')
}

/// Why a certificate that `authority` has signed does not prove that this is `host`.
fn fault_of(
    certificate: &Certificate,
    authority: &PublicKey,
    host: &str,
    now: u64,
) -> Option<String> {
    if certificate.cert_type() != CertType::Host {
        return Some("is one of a user, not of a host".to_owned());
    }
    if let Algorithm::Rsa { hash: None } = certificate.signature().algorithm() {
        return Some("is signed with SHA-1".to_owned());
    }
    let names = certificate.valid_principals();
    if !names.iter().any(|name| is_like(name, host)) {
        let names = names.join(", ");
        return Some(format!("names other hosts: {names:?}"));
    }
    if now < certificate.valid_after() {
        return Some("is not valid yet".to_owned());
    }
    if now >= certificate.valid_before() {
        return Some("has expired".to_owned());
    }
    if !certificate.critical_options().is_empty() {
        return Some("has critical options, which host certificates have none of".to_owned());
    }
    let authority = authority.fingerprint(HashAlg::Sha256);
    match certificate.validate_at(now, [&authority]) {
        Ok(()) => None,
        Err(_) => Some("has a wrong signature".to_owned()),
    }
}

#[cfg(test)]
mod tests;
