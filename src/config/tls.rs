//! The keys that say how a connection is encrypted, and whom it trusts.

use std::path::Path;

use super::section::Section;
use super::{endpoint, secret_file};
use crate::transport::{ClientCertificate, Host, SslMode, SslNegotiation, Tls, TlsVersion};

/// Reads them; the default of `sslmode` depends on where the server is.
pub(super) fn read(section: &mut Section<'_>, host: &Host) -> Tls {
    let root = section.path("sslrootcert");
    let word = section.context().folder.join("system");
    let system = root
        .as_deref()
        .is_some_and(|path| path == Path::new("system") || path == word);
    let written = mode(section);
    if system && written.is_some_and(|mode| mode != SslMode::VerifyFull) {
        section.fault(
            "sslmode",
            "must be verify-full when sslrootcert is \"system\": anybody can get a certificate \
             from a public authority, only the name tells servers apart",
            "Write sslmode = \"verify-full\"",
        );
    }
    if root.is_none() && written == Some(SslMode::VerifyCa) {
        section.fault(
            "sslmode",
            "is verify-ca, and nothing says which authority: from a public one anybody can get a \
             certificate",
            "Name the authority in sslrootcert, or write sslmode = \"verify-full\"",
        );
    }
    let mode = written.unwrap_or(match host {
        Host::Tcp(_) => SslMode::VerifyFull,
        Host::Unix(_) => SslMode::Disable,
    });
    let root = root.filter(|_| !system);
    if let Some((what, remedy)) = root.as_deref().and_then(secret_file::unreadable) {
        section.fault("sslrootcert", what, remedy);
    }
    let revoked = section.path("sslcrl");
    if let Some((what, remedy)) = revoked.as_deref().and_then(secret_file::unreadable) {
        section.fault("sslcrl", what, remedy);
    }
    let verified = root.is_some() || matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull);
    if revoked.is_some() && !verified {
        section.fault(
            "sslcrl",
            "is given, while no certificate is verified",
            "Name the authorities in sslrootcert, or write sslmode = \"verify-full\"",
        );
    }
    Tls {
        mode,
        root,
        revoked,
        client: client_certificate(section),
        negotiation: negotiation(section, mode),
        version_min: version_min(section),
    }
}

fn mode(section: &mut Section<'_>) -> Option<SslMode> {
    section.parsed(
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
    )
}

fn negotiation(section: &mut Section<'_>, mode: SslMode) -> SslNegotiation {
    let negotiation =
        section.parsed(
            "sslnegotiation",
            "postgres or direct",
            "postgres",
            |text| match text {
                "postgres" => Some(SslNegotiation::Postgres),
                "direct" => Some(SslNegotiation::Direct),
                _ => None,
            },
        );
    let weak = matches!(mode, SslMode::Disable | SslMode::Allow | SslMode::Prefer);
    if negotiation == Some(SslNegotiation::Direct) && weak {
        section.fault(
            "sslnegotiation",
            "cannot be direct unless sslmode is require or better: there is nothing to go back to",
            "Write sslmode = \"verify-full\", or leave sslnegotiation out",
        );
    }
    negotiation.unwrap_or(SslNegotiation::Postgres)
}

fn version_min(section: &mut Section<'_>) -> TlsVersion {
    let version = section.parsed(
        "ssl_min_protocol_version",
        "TLSv1.2 or TLSv1.3 (walferry has no older ones)",
        "TLSv1.2",
        |text| match text.to_ascii_lowercase().as_str() {
            "tlsv1.2" => Some(TlsVersion::V1_2),
            "tlsv1.3" => Some(TlsVersion::V1_3),
            _ => None,
        },
    );
    version.unwrap_or(TlsVersion::V1_2)
}

fn client_certificate(section: &mut Section<'_>) -> Option<ClientCertificate> {
    let certificate = section.path("sslcert");
    let key = section.path("sslkey");
    let password = endpoint::secret(section, "sslpassword");
    if let Some((what, remedy)) = certificate.as_deref().and_then(secret_file::unreadable) {
        section.fault("sslcert", what, remedy);
    }
    if let Some((what, remedy)) = key.as_deref().and_then(secret_file::unfit) {
        section.fault("sslkey", what, remedy);
    }
    if password.is_some() && !section.has("sslkey") {
        section.fault(
            "sslpassword",
            "is given without sslkey",
            "Name the file with the key that it opens",
        );
    }
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(ClientCertificate {
            certificate,
            key,
            password,
        }),
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

#[cfg(test)]
mod tests {
    use crate::config::parse;
    use crate::transport::{ChannelBinding, SslNegotiation, TlsVersion};

    fn text(lines: &str) -> String {
        format!(
            "[pipeline]\nname = \"app\"\n[source]\nhost = \"a\"\ndatabase = \"app\"\n\
             user = \"u\"\n{lines}\n[destination]\nhost = \"/run/b\"\ndatabase = \"app\"\n\
             user = \"u\"\nschema_prefix = \"app\"\n"
        )
    }

    #[test]
    fn every_key_is_read() {
        let lines = "sslnegotiation = \"direct\"\nchannel_binding = \"require\"\n\
                     ssl_min_protocol_version = \"TLSv1.3\"\nmd5_in_clear = true";
        let endpoint = parse(&text(lines)).unwrap().source.endpoint;
        assert_eq!(endpoint.tls.negotiation, SslNegotiation::Direct);
        assert_eq!(endpoint.tls.version_min, TlsVersion::V1_3);
        assert_eq!(endpoint.channel_binding, ChannelBinding::Require);
        assert!(endpoint.md5_in_clear);
        let endpoint = parse(&text("")).unwrap().source.endpoint;
        assert_eq!(endpoint.tls.negotiation, SslNegotiation::Postgres);
        assert_eq!(endpoint.tls.version_min, TlsVersion::V1_2);
        assert_eq!(endpoint.channel_binding, ChannelBinding::Prefer);
        assert!(!endpoint.md5_in_clear && endpoint.passfile.is_none());
    }

    #[test]
    fn what_would_protect_nothing_is_refused() {
        for (lines, says) in [
            (
                "sslmode = \"prefer\"\nsslnegotiation = \"direct\"",
                "cannot be direct unless",
            ),
            (
                "sslmode = \"require\"\nsslcrl = \"/etc/hosts\"",
                "no certificate is verified",
            ),
            ("sslcrl = \"/nowhere\"", "source.sslcrl names /nowhere"),
            ("sslpassword = \"canary\"", "is given without sslkey"),
            ("ssl_min_protocol_version = \"TLSv1\"", "TLSv1.2 or TLSv1.3"),
            (
                "sslmode = \"disable\"\nchannel_binding = \"require\"",
                "binds a login to TLS",
            ),
            ("passfile = \"/etc/hosts\"", "which others can get at"),
            (
                "passfile = \"/etc/hosts\"\npassword = \"canary\"",
                "given together with a password",
            ),
            ("md5_in_clear = \"yes\"", "must be true or false"),
        ] {
            let error = parse(&text(lines)).unwrap_err().to_string();
            assert!(error.contains(says), "{says:?} is not in {error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
