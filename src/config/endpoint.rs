//! The connection keys that `[source]` and `[destination]` share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::section::Section;
use super::{secret_file, ssh, url};
use crate::error::Side;
use crate::transport::{Endpoint, Host, Secret, SslMode, Tls};

const PORT: u64 = 5432;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_hours(1);

/// Reads them; the result is only good when no fault was found.
pub(super) fn read(section: &mut Section<'_>, side: Side) -> Endpoint {
    url::unfold(section);
    let host = host(section);
    let port = section.integer("port", 1..=65535, PORT);
    let timeout = section.parsed(
        "connect_timeout",
        "a duration of at most an hour",
        "15s",
        |text| {
            let duration = text.parse::<humantime_serde::re::humantime::Duration>();
            let duration = Duration::from(duration.ok()?);
            (!duration.is_zero() && duration <= CONNECT_TIMEOUT_MAX).then_some(duration)
        },
    );
    Endpoint {
        side,
        tls: tls(section, &host),
        host,
        port: u16::try_from(port).unwrap_or(u16::MAX),
        database: section.required("database", "\"app\"").unwrap_or_default(),
        user: section.required("user", "\"walferry\"").unwrap_or_default(),
        password: secret(section, "password"),
        hops: ssh::read(section),
        connect_timeout: timeout.unwrap_or(CONNECT_TIMEOUT),
    }
}

fn host(section: &mut Section<'_>) -> Host {
    let host = section
        .required("host", "\"db.internal\"")
        .unwrap_or_default();
    if host.starts_with('/') {
        return Host::Unix(host.into());
    }
    if host.contains(|c: char| c.is_whitespace() || c == ',' || c == '/') {
        let what = format!("must be one host name, one address or one directory, not {host:?}");
        section.fault("host", what, "Name one server");
    }
    Host::Tcp(host)
}

fn tls(section: &mut Section<'_>, host: &Host) -> Tls {
    let root = section.path("sslrootcert");
    let word = section.context().folder.join("system");
    let system = root
        .as_deref()
        .is_some_and(|path| path == Path::new("system") || path == word);
    let mode = section.parsed(
        "sslmode",
        "disable, allow, prefer, require, verify-ca or verify-full",
        "verify-full",
        |text| {
            Some(match text {
                "disable" => SslMode::Disable,
                "allow" => SslMode::Allow,
                "prefer" => SslMode::Prefer,
                "require" => SslMode::Require,
                "verify-ca" => SslMode::VerifyCa,
                "verify-full" => SslMode::VerifyFull,
                _ => return None,
            })
        },
    );
    let default = match host {
        Host::Tcp(_) => SslMode::VerifyFull,
        Host::Unix(_) => SslMode::Disable,
    };
    if system && mode.is_some_and(|mode| mode != SslMode::VerifyFull) {
        section.fault(
            "sslmode",
            "must be verify-full when sslrootcert is \"system\": anybody can get a certificate \
             from a public authority, only the name tells servers apart",
            "Write sslmode = \"verify-full\"",
        );
    }
    let root = root.filter(|_| !system);
    if let Some((what, remedy)) = root.as_deref().and_then(secret_file::unreadable) {
        section.fault("sslrootcert", what, remedy);
    }
    Tls {
        mode: mode.unwrap_or(default),
        root,
        client: client_certificate(section),
    }
}

fn client_certificate(section: &mut Section<'_>) -> Option<(PathBuf, PathBuf)> {
    let certificate = section.path("sslcert");
    let key = section.path("sslkey");
    if let Some((what, remedy)) = certificate.as_deref().and_then(secret_file::unreadable) {
        section.fault("sslcert", what, remedy);
    }
    if let Some((what, remedy)) = key.as_deref().and_then(secret_file::unfit) {
        section.fault("sslkey", what, remedy);
    }
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (Some(_), None) if !section.has("sslkey") => {
            section.fault(
                "sslkey",
                "is missing, while sslcert is given",
                "Name the certificate's key",
            );
            None
        }
        (None, Some(_)) if !section.has("sslcert") => {
            section.fault(
                "sslcert",
                "is missing, while sslkey is given",
                "Name the key's certificate",
            );
            None
        }
        _ => None,
    }
}

/// The keys `<name>`, `<name>_file` and `<name>_command`, of which one may be given.
pub(super) fn secret(section: &mut Section<'_>, name: &str) -> Option<Secret> {
    let (file_key, command_key) = (format!("{name}_file"), format!("{name}_command"));
    let ways = [name, &file_key, &command_key];
    let given: Vec<&str> = ways.into_iter().filter(|key| section.has(key)).collect();
    if given.len() > 1 {
        let what = format!("is given in {} ways: {}", given.len(), given.join(", "));
        section.fault(name, what, "Keep one of them");
    }
    if section.is_in_file(name)
        && let Some(exposure) = section.context().exposed
    {
        section.fault(
            name,
            format!("stands in a file {exposure}"),
            format!("Run `chmod 600` on the configuration, or use {file_key}"),
        );
    }
    let inline = section.secret(name).map(Secret::Inline);
    let file = section.path(&file_key);
    if let Some((what, remedy)) = file.as_deref().and_then(secret_file::unfit) {
        section.fault(&file_key, what, remedy);
    }
    let command = command(section, &command_key);
    inline.or(file.map(Secret::File)).or(command)
}

/// A list is a program and its arguments; a text is cut at its blanks. No shell has a part in it.
fn command(section: &mut Section<'_>, key: &str) -> Option<Secret> {
    let words = section.words(key)?;
    if words.first().is_none_or(String::is_empty) {
        section.fault(
            key,
            "names no program",
            format!("Write for example {key} = [\"pass\", \"show\", \"walferry\"]"),
        );
    }
    Some(Secret::Command(words))
}
