//! The connection keys that `[source]` and `[destination]` share.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::section::Section;
use super::{secret_file, ssh, tls, url};
use crate::error::Side;
use crate::transport::{ChannelBinding, Endpoint, Host, Secret, SslMode, Tls};

const PORT: u64 = 5432;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
const SILENCE_TIMEOUT_MIN: Duration = Duration::from_secs(3);
const TIMEOUT_MAX: Duration = Duration::from_hours(1);

/// Reads them; the result is only good when no fault was found.
pub(super) fn read(section: &mut Section<'_>, side: Side) -> Endpoint {
    url::unfold(section);
    let host = host(section);
    let port = section.integer("port", 1..=65535, PORT);
    let connect_timeout = section.parsed(
        "connect_timeout",
        "a duration of at most an hour",
        "15s",
        duration_within(Duration::from_nanos(1)..=TIMEOUT_MAX),
    );
    let silence_timeout = section.parsed(
        "silence_timeout",
        "a duration from 3s to 1h",
        "30s",
        duration_within(SILENCE_TIMEOUT_MIN..=TIMEOUT_MAX),
    );
    let tls = tls::read(section, &host);
    let password = secret(section, "password");
    Endpoint {
        side,
        channel_binding: channel_binding(section, &host, &tls),
        tls,
        host,
        port: u16::try_from(port).unwrap_or(u16::MAX),
        database: section.required("database", "\"app\"").unwrap_or_default(),
        user: section.required("user", "\"walferry\"").unwrap_or_default(),
        passfile: passfile(section, password.is_some()),
        password,
        md5_in_clear: section.boolean("md5_in_clear", false),
        hops: ssh::read(section),
        connect_timeout: connect_timeout.unwrap_or(CONNECT_TIMEOUT),
        silence_timeout: silence_timeout.unwrap_or(SILENCE_TIMEOUT),
    }
}

fn duration_within(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Option<Duration> {
    move |text| {
        let duration = text.parse::<humantime_serde::re::humantime::Duration>();
        let duration = Duration::from(duration.ok()?);
        range.contains(&duration).then_some(duration)
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

fn channel_binding(section: &mut Section<'_>, host: &Host, tls: &Tls) -> ChannelBinding {
    let binding = section.parsed(
        "channel_binding",
        "disable, prefer or require",
        "prefer",
        |text| match text {
            "disable" => Some(ChannelBinding::Disable),
            "prefer" => Some(ChannelBinding::Prefer),
            "require" => Some(ChannelBinding::Require),
            _ => None,
        },
    );
    let never_tls = matches!(host, Host::Unix(_)) || tls.mode == SslMode::Disable;
    if binding == Some(ChannelBinding::Require) && never_tls {
        section.fault(
            "channel_binding",
            "binds a login to TLS, which this connection does not have",
            "Leave the key out, or use TLS: sslmode = \"verify-full\" and a host name",
        );
    }
    binding.unwrap_or(ChannelBinding::Prefer)
}

/// Excludes the other ways to give a password.
fn passfile(section: &mut Section<'_>, has_password: bool) -> Option<PathBuf> {
    let path = section.path("passfile")?;
    if has_password {
        let what = "is given together with a password";
        section.fault("passfile", what, "Keep one of them");
    }
    if let Some((what, remedy)) = secret_file::unfit(&path) {
        section.fault("passfile", what, remedy);
    }
    Some(path)
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
