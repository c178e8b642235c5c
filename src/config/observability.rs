//! `[observability]`: where walferry is seen, and who may look.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::section::Section;
use super::{LogFormat, Observability, endpoint, secret_file};

const LISTEN: &str = "127.0.0.1:9780";

pub(super) fn read(mut section: Section<'_>) -> Observability {
    let listen = section.parsed(
        "listen",
        "an IP address with a port, or \"off\"",
        LISTEN,
        |text| match text {
            "" | "off" => Some(None),
            _ => text.parse::<SocketAddr>().ok().map(Some),
        },
    );
    let token = endpoint::secret(&mut section, "token");
    let tls = certificate(&mut section);
    let log_format =
        section.parsed(
            "log_format",
            "text, json or journald",
            "text",
            |text| match text {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                "journald" => Some(LogFormat::Journald),
                _ => None,
            },
        );
    let log_level = section.parsed(
        "log_level",
        "off, error, warn, info, debug or trace, or targets with levels",
        "info,walferry::apply=debug",
        |text| is_filter(text).then(|| text.to_owned()),
    );
    section.finish();
    Observability {
        listen: listen.unwrap_or_else(|| LISTEN.parse().ok()),
        token,
        tls,
        log_format: log_format.unwrap_or(LogFormat::Text),
        log_level: log_level.unwrap_or_else(|| "info".to_owned()),
    }
}

/// The endpoint's certificate and its key.
fn certificate(section: &mut Section<'_>) -> Option<(PathBuf, PathBuf)> {
    let certificate = section.path("tls_cert");
    let key = section.path("tls_key");
    if let Some((what, remedy)) = certificate.as_deref().and_then(secret_file::unreadable) {
        section.fault("tls_cert", what, remedy);
    }
    if let Some((what, remedy)) = key.as_deref().and_then(secret_file::unfit) {
        section.fault("tls_key", what, remedy);
    }
    for (missing, given, remedy) in [
        ("tls_key", "tls_cert", "Name the certificate's key"),
        ("tls_cert", "tls_key", "Name the key's certificate"),
    ] {
        if section.has(given) && !section.has(missing) {
            let what = format!("is missing, while {given} is given");
            section.fault(missing, what, remedy);
        }
    }
    certificate.zip(key)
}

/// A bare word that is no level would be taken for a target, with everything of it logged.
fn is_filter(text: &str) -> bool {
    let level = |word: &str| {
        word.parse::<tracing_subscriber::filter::LevelFilter>()
            .is_ok()
    };
    let bare_words_are_levels = text
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.contains(['=', '[']))
        .all(level);
    bare_words_are_levels && tracing_subscriber::EnvFilter::try_new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    const REST: &str = "
        [pipeline]\nname = 'a'\n
        [source]\nhost = 'a'\ndatabase = 'a'\nuser = 'a'\n
        [destination]\nhost = 'b'\ndatabase = 'b'\nuser = 'b'\nschema_prefix = 'b'\n
        [observability]\n";

    #[test]
    fn the_keys_of_the_endpoint_are_checked_together_and_the_token_is_never_quoted() {
        for (line, says) in [
            (
                "tls_cert = '/etc/hosts'",
                "observability.tls_key is missing",
            ),
            ("tls_key = '/nowhere'", "observability.tls_cert is missing"),
            ("token_file = '/nowhere'", "observability.token_file names"),
            ("token = 'canary'\ntoken_command = 'a b'", "given in 2 ways"),
            ("token = 4711", "observability.token must be text"),
        ] {
            let text = parse(&format!("{REST}{line}\n")).unwrap_err().to_string();
            assert!(text.contains(says), "{says:?} is not in\n{text}");
            assert!(!text.contains("canary") && !text.contains("4711"), "{text}");
        }
        let config = parse(&format!("{REST}token = '0123456789abcdef'\n")).unwrap();
        let shown = format!("{:?}", config.observability);
        assert!(!shown.contains("0123456789abcdef"), "{shown}");
    }
}
