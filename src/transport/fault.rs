//! What a failure of TLS means, in the words of an operator.

use std::io;

use rustls::CertificateError;

use super::Endpoint;
use super::verify::Unfit;
use crate::error::{Error, Kind};

/// What an interrupted exchange means: TLS when rustls says so, else a lost connection. `doing`
/// completes "Could not …".
pub(super) fn lost(endpoint: &Endpoint, doing: &str, error: &io::Error) -> Error {
    let inner = error.get_ref();
    if let Some(fault) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return explain(endpoint, fault);
    }
    Error::new(
        Kind::ConnectionLost,
        format!("Could not {doing} with {}: {error}", endpoint.address()),
    )
    .on(endpoint.side)
}

/// What rustls found.
pub(super) fn explain(endpoint: &Endpoint, fault: &rustls::Error) -> Error {
    let server = endpoint.address();
    let (what, remedy) = match fault {
        rustls::Error::InvalidCertificate(fault) => {
            let (what, remedy) = certificate(fault);
            (format!("failed: {what}"), remedy)
        }
        rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(_) => (
            format!("failed: no version or cipher is known to both sides ({fault})"),
            "walferry has TLS 1.2 and 1.3 (ssl_min_protocol_version); see ssl_max_protocol_version \
             and ssl_ciphers of the server.",
        ),
        rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol) => (
            "failed: the server knows TLS, but not PostgreSQL in it (ALPN)".to_owned(),
            "Check `host` and `port` of this side in the configuration.",
        ),
        rustls::Error::AlertReceived(alert) => (
            format!("was refused by the server: {alert:?}"),
            "The server may want a client certificate (sslcert, sslkey) of an authority that it \
             trusts; its log says which.",
        ),
        rustls::Error::InvalidMessage(_) => (
            format!("failed: what came is not TLS ({fault})"),
            "Something between answers in the server's place, or the server is none: check what \
             stands on the way.",
        ),
        other => (
            format!("failed: {other}"),
            "Check the server's TLS settings and its log.",
        ),
    };
    Error::new(Kind::Tls, format!("TLS with {server} {what}"))
        .on(endpoint.side)
        .remedy(remedy)
}

const REISSUE: &str = "Have it made again with extensions: openssl x509 -req -in server.csr -CA \
                       ca.pem -CAkey ca.key -CAcreateserial -extfile <(echo \
                       subjectAltName=DNS:name).";

fn certificate(fault: &CertificateError) -> (String, &'static str) {
    use CertificateError as Fault;
    let text = fault.to_string();
    let said = |what: &str| format!("the server's certificate {what}");
    match fault {
        Fault::UnknownIssuer => (
            "no trusted root has signed the server's certificate".to_owned(),
            "Set sslrootcert to the PEM file of the authority that signed it, or of the \
             certificate itself if it is self-signed.",
        ),
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => (
            said(&format!("has another name: {text}")),
            "Set `host` to a name that the certificate has, have a certificate made for this one, \
             or accept any name of that authority with sslmode = \"verify-ca\".",
        ),
        Fault::Expired | Fault::ExpiredContext { .. } => (
            said("has expired"),
            "Have the server's certificate renewed.",
        ),
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => (
            said("is not valid yet"),
            "Check the clocks of both machines.",
        ),
        Fault::Revoked => (
            said("has been revoked"),
            "Somebody else may have its key: have the server given another one.",
        ),
        Fault::UnknownRevocationStatus => (
            said("is of an authority that sslcrl has no list of"),
            "Put the list of every authority in the chain into the file.",
        ),
        Fault::ExpiredRevocationList | Fault::ExpiredRevocationListContext { .. } => (
            said("cannot be looked up: a list in sslcrl is out of date"),
            "Fetch the authority's current list.",
        ),
        Fault::Other(other) => peculiar(other.0.as_ref(), &text),
        _ => (
            said(&format!("is not acceptable: {text}")),
            "Have the server's certificate renewed, or see its log.",
        ),
    }
}

/// What libpq takes and walferry cannot.
fn peculiar(fault: &(dyn std::error::Error + 'static), text: &str) -> (String, &'static str) {
    let said = |what: &str| format!("the server's certificate {what}");
    match (fault.downcast_ref(), fault.downcast_ref()) {
        (Some(Unfit::Version1), _) | (_, Some(webpki::Error::UnsupportedCertVersion)) => (
            said("is of version 1, and no root in sslrootcert itself has signed it"),
            REISSUE,
        ),
        (Some(Unfit::RevocationUnknowable), _) => (
            said("is of version 1 or self-signed, which cannot be looked up in sslcrl"),
            REISSUE,
        ),
        (_, Some(webpki::Error::CaUsedAsEndEntity)) => (
            said("is that of an authority (CA:TRUE)"),
            "Put this very certificate into the file that sslrootcert names, or have one made with \
             basicConstraints=CA:FALSE.",
        ),
        _ => (
            said(&format!("is not acceptable: {text}")),
            "Have the server's certificate renewed, or see its log.",
        ),
    }
}
