//! Which certificates are trusted: libpq's rules on top of webpki's.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::certificate;

/// Whom to trust.
#[derive(Debug)]
pub(super) enum Trust {
    /// Anybody: the wire is encrypted, the peer unknown.
    Anybody,
    /// Who has a certificate of these authorities.
    Authority(Authorities),
    /// As `Authority`, and the certificate names the host.
    Name(Authorities, String),
}

/// The roots, for webpki and byte for byte.
#[derive(Debug)]
pub(super) struct Authorities {
    pub(super) store: RootCertStore,
    pub(super) exact: Vec<CertificateDer<'static>>,
}

/// The rule as rustls asks for it.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) trust: Trust,
    pub(super) provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn verify_chain(
        &self,
        authorities: &Authorities,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if authorities.exact.iter().any(|root| root == leaf) {
            // A self-signed server certificate that was configured as root. webpki refuses it as
            // CaUsedAsEndEntity when it was made by `openssl req -x509`; OpenSSL does not.
            return match certificate::parse(leaf) {
                Some(parsed) if certificate::is_valid_at(&parsed, now) => Ok(()),
                Some(_) => Err(CertificateError::Expired.into()),
                None => Err(CertificateError::BadEncoding.into()),
            };
        }
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(leaf)?,
            &authorities.store,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )
    }
}

/// Alternative names, else the common name.
fn verify_name(leaf: &CertificateDer<'_>, name: &ServerName<'_>, host: &str) -> Result<(), Error> {
    let by_alternative_name =
        ParsedCertificate::try_from(leaf).and_then(|parsed| verify_server_name(&parsed, name));
    let Err(error) = by_alternative_name else {
        return Ok(());
    };
    match certificate::parse(leaf) {
        Some(parsed) if certificate::is_commonly_named(&parsed, host) => Ok(()),
        _ => Err(error),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trust {
            Trust::Anybody => {}
            Trust::Authority(authorities) => {
                self.verify_chain(authorities, end_entity, intermediates, now)?;
            }
            Trust::Name(authorities, host) => {
                self.verify_chain(authorities, end_entity, intermediates, now)?;
                verify_name(end_entity, server_name, host)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        // webpki cannot read a certificate of version 1, which OpenSSL 3.0 makes by default
        match certificate::public_key(cert) {
            Some(key) => verify_tls13_signature_with_raw_key(message, &key, dss, algorithms),
            None => verify_tls13_signature(message, cert, dss, algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
