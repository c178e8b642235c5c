//! Which certificates are trusted: libpq's rules on top of webpki's.
//!
//! webpki verifies the chain, the lists of revoked certificates and the alternative names. Three
//! sorts of certificates that OpenSSL makes by default, and libpq takes, are none of its business:
//! an authority's own certificate in the hands of a server, one of version 1, and one without
//! alternative names. The first is trusted when it is in `sslrootcert` byte for byte, the second
//! when an authority of `sslrootcert` itself signed it, the third goes by its common name. All of
//! them are refused where there is a `sslcrl`, which could not be asked about them.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RawPublicKeyEntity,
    RevocationOptionsBuilder,
};

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

/// The roots, for webpki and byte for byte, and what they have revoked.
#[derive(Debug)]
pub(super) struct Authorities {
    pub(super) store: RootCertStore,
    pub(super) exact: Vec<CertificateDer<'static>>,
    pub(super) revoked: Vec<CertRevocationList<'static>>,
}

/// What webpki has no word for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Of version 1, and no authority of `sslrootcert` itself signed it.
    Version1,
    /// Of version 1 or a root, and there is a `sslcrl`.
    RevocationUnknowable,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unfit::Version1 => "a certificate of version 1 that no root signed itself",
            Unfit::RevocationUnknowable => "a certificate that sslcrl cannot be asked about",
        })
    }
}

impl std::error::Error for Unfit {}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}

fn unverified(error: webpki::Error) -> Error {
    use webpki::Error as Fault;
    let fault = match error {
        Fault::CertExpired { .. } => CertificateError::Expired,
        Fault::CertNotValidYet { .. } => CertificateError::NotValidYet,
        Fault::UnknownIssuer => CertificateError::UnknownIssuer,
        Fault::CertRevoked => CertificateError::Revoked,
        Fault::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus,
        Fault::CrlExpired { .. } => CertificateError::ExpiredRevocationList,
        error => return other(error),
    };
    fault.into()
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
        let itself = authorities.exact.iter().any(|root| root == leaf);
        let end_entity = match EndEntityCert::try_from(leaf) {
            // it needs no other to vouch for it
            _ if itself => return verify_alone(authorities, leaf, now),
            Ok(end_entity) => end_entity,
            Err(webpki::Error::UnsupportedCertVersion) => {
                verify_alone(authorities, leaf, now)?;
                return self.verify_version_1(authorities, leaf, now);
            }
            Err(error) => return Err(unverified(error)),
        };
        let lists: Vec<&CertRevocationList<'_>> = authorities.revoked.iter().collect();
        // as OpenSSL with CRL_CHECK_ALL: each certificate needs a list that is not too old
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        end_entity
            .verify_for_usage(
                self.provider.signature_verification_algorithms.all,
                &authorities.store.roots,
                intermediates,
                now,
                KeyUsage::server_auth(),
                revocation,
                None,
            )
            .map(|_| ())
            .map_err(unverified)
    }

    /// One step of a chain, for a leaf that webpki cannot read.
    fn verify_version_1(
        &self,
        authorities: &Authorities,
        leaf: &CertificateDer<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let signed = certificate::parse(leaf).and_then(|leaf| certificate::signature(&leaf));
        let Some(signed) = signed else {
            return Err(CertificateError::BadEncoding.into());
        };
        let issued = |root: &CertificateDer<'_>| {
            let key = certificate::key_of_issuer(root, &signed.issuer, now);
            key.is_some_and(|key| {
                let all = self.provider.signature_verification_algorithms.all;
                let mut fit = all
                    .iter()
                    .filter(|algorithm| algorithm.signature_alg_id().as_ref() == signed.algorithm);
                let key = RawPublicKeyEntity::try_from(&key);
                key.is_ok_and(|key| {
                    fit.any(|algorithm| {
                        key.verify_signature(*algorithm, &signed.message, &signed.bits)
                            .is_ok()
                    })
                })
            })
        };
        if authorities.exact.iter().any(issued) {
            Ok(())
        } else {
            Err(other(Unfit::Version1))
        }
    }

    /// Whether `key` made the signature of a TLS 1.2 handshake; for certificates of version 1.
    fn verify_tls12_with_key(
        &self,
        key: &SubjectPublicKeyInfoDer<'_>,
        message: &[u8],
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let supported = &self.provider.signature_verification_algorithms;
        let fit = supported
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == dss.scheme);
        let key = RawPublicKeyEntity::try_from(key);
        let key = key.map_err(|_| CertificateError::BadEncoding)?;
        let verified = fit.is_some_and(|(_, algorithms)| {
            algorithms.iter().any(|algorithm| {
                key.verify_signature(*algorithm, message, dss.signature())
                    .is_ok()
            })
        });
        if verified {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }
}

/// What there is to see without a chain.
fn verify_alone(
    authorities: &Authorities,
    leaf: &CertificateDer<'_>,
    now: UnixTime,
) -> Result<(), Error> {
    if !authorities.revoked.is_empty() {
        return Err(other(Unfit::RevocationUnknowable));
    }
    match certificate::parse(leaf) {
        Some(parsed) => certificate::validity_at(&parsed, now).map_err(Error::from),
        None => Err(CertificateError::BadEncoding.into()),
    }
}

/// Alternative names, else the common name.
fn verify_name(leaf: &CertificateDer<'_>, name: &ServerName<'_>, host: &str) -> Result<(), Error> {
    let by_alternative_name = match ParsedCertificate::try_from(leaf) {
        Ok(parsed) => verify_server_name(&parsed, name),
        // of version 1, which has no alternative names
        Err(_) => Err(CertificateError::NotValidForName.into()),
    };
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
        match (EndEntityCert::try_from(cert), certificate::public_key(cert)) {
            (Err(webpki::Error::UnsupportedCertVersion), Some(key)) => {
                self.verify_tls12_with_key(&key, message, dss)
            }
            _ => verify_tls12_signature(message, cert, dss, algorithms),
        }
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
