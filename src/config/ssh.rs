//! `[source.ssh]` and `[destination.ssh]`: the SSH servers on the way.

use std::path::PathBuf;

use super::section::Section;
use super::{endpoint, secret_file};
use crate::limits::SSH_HOPS_MAX;
use crate::transport::ssh::{Hop, HostKey, Identity, Key, Pin};

const PORT: u64 = 22;

/// Reads the section of this side: all hops, the nearest first; none when it is not there.
///
/// What a `[[….ssh.jump]]` does not say about user, key and `known_hosts_file` is as the section
/// says.
pub(super) fn read(side: &mut Section<'_>) -> Vec<Hop> {
    if !side.has("ssh") {
        return Vec::new();
    }
    let mut section = side.section("ssh");
    let last = hop(&mut section, None);
    let mut hops = Vec::new();
    for mut jump in section.tables("jump") {
        hops.push(hop(&mut jump, Some(&last)));
        jump.finish();
    }
    if hops.len() >= SSH_HOPS_MAX {
        let what = format!(
            "has {} servers, and {SSH_HOPS_MAX} may be on the way",
            hops.len()
        );
        section.fault("jump", what, "Take a shorter way");
    }
    hops.push(last);
    section.finish();
    hops
}

fn hop(section: &mut Section<'_>, like: Option<&Hop>) -> Hop {
    let host = section
        .required("host", "\"bastion.example.com\"")
        .unwrap_or_default();
    if host.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '/' | '@')) {
        let what = format!("must be one host name or one address, not {host:?}");
        section.fault(
            "host",
            what,
            "Name one SSH server; its user has a key of its own",
        );
    }
    let port = section.integer("port", 1..=65535, PORT);
    let user = match like {
        Some(like) if !section.has("user") => like.user.clone(),
        _ => section.required("user", "\"tunnel\"").unwrap_or_default(),
    };
    Hop {
        host,
        port: u16::try_from(port).unwrap_or(u16::MAX),
        user,
        identity: identity(section, like),
        host_key: host_key(section, like),
    }
}

fn identity(section: &mut Section<'_>, like: Option<&Hop>) -> Identity {
    let certificate = section.path("certificate_file");
    if let Some((what, remedy)) = certificate.as_deref().and_then(secret_file::unreadable) {
        section.fault("certificate_file", what, remedy);
    }
    let passphrase = endpoint::secret(section, "passphrase");
    let file = section.path("private_key_file");
    if let Some((what, remedy)) = file.as_deref().and_then(secret_file::unfit) {
        section.fault("private_key_file", what, remedy);
    }
    let socket = section.path("agent_socket");
    if file.is_some() && socket.is_some() {
        let what = "is given together with private_key_file";
        section.fault("agent_socket", what, "Keep one of them");
    }
    if file.is_none() && passphrase.is_some() && !section.has("private_key_file") {
        let what = "is given without private_key_file";
        section.fault(
            "passphrase",
            what,
            "Name the file with the key that it opens",
        );
    }
    match (file, socket, like) {
        (Some(file), _, _) => Identity {
            key: Key::File(file, passphrase),
            certificate,
        },
        (None, None, Some(like)) => Identity {
            key: like.identity.key.clone(),
            certificate: certificate.or_else(|| like.identity.certificate.clone()),
        },
        (None, socket, _) => Identity {
            key: Key::Agent(socket),
            certificate,
        },
    }
}

fn host_key(section: &mut Section<'_>, like: Option<&Hop>) -> HostKey {
    let files: Vec<PathBuf> = section.paths("known_hosts_file");
    for (what, remedy) in files
        .iter()
        .filter_map(|file| secret_file::unreadable(file))
    {
        section.fault("known_hosts_file", what, remedy);
    }
    if section.has("host_key") && section.has("known_hosts_file") {
        let what = "is given together with known_hosts_file";
        section.fault("host_key", what, "Keep one of them");
    }
    let pin = section.parsed(
        "host_key",
        "a fingerprint or a public key",
        "SHA256:…",
        Pin::parse,
    );
    match (pin, like) {
        (Some(pin), _) => HostKey::Pinned(pin),
        (None, _) if !files.is_empty() => HostKey::Files(files),
        (None, Some(like)) if !matches!(like.host_key, HostKey::Pinned(_)) => like.host_key.clone(),
        (None, _) => HostKey::UsualFiles,
    }
}
