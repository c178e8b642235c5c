//! What a certificate says beyond what webpki tells: names of old, version 1, and its hash for
//! SCRAM.

use std::net::IpAddr;

use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName};
use x509_cert::name::Name;

/// Reads it; `None` for what is no certificate.
pub(super) fn parse(der: &CertificateDer<'_>) -> Option<Certificate> {
    Certificate::from_der(der).ok()
}

/// `tls-server-end-point` of RFC 5929: the certificate's hash under its own signature's hash
/// function, SHA-256 in place of MD5 and SHA-1. Ed25519 and RSA-PSS are left out: the former has no
/// such function, of the latter too few servers tell which one they take.
pub(super) fn server_end_point(der: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let certificate = parse(der)?;
    let algorithm = certificate.signature_algorithm().oid.to_string();
    Some(match algorithm.as_str() {
        // RSA with MD5, SHA-1, SHA-256; ECDSA with SHA-1, SHA-256
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2" => Sha256::digest(der).to_vec(),
        // the same pair with SHA-224, SHA-384, SHA-512
        "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" => Sha224::digest(der).to_vec(),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Sha384::digest(der).to_vec(),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Sha512::digest(der).to_vec(),
        _ => return None,
    })
}

/// Its public key. Unlike webpki this reads certificates of version 1 too.
pub(super) fn public_key(der: &CertificateDer<'_>) -> Option<SubjectPublicKeyInfoDer<'static>> {
    let certificate = parse(der)?;
    let key = certificate.tbs_certificate().subject_public_key_info();
    key.to_der().ok().map(SubjectPublicKeyInfoDer::from)
}

/// Whether `now` lies within its validity.
pub(super) fn validity_at(
    certificate: &Certificate,
    now: UnixTime,
) -> Result<(), CertificateError> {
    let validity = certificate.tbs_certificate().validity();
    let now = now.as_secs();
    if now < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet);
    }
    if now > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired);
    }
    Ok(())
}

/// Who signed a certificate, what of it, and how.
pub(super) struct Signature {
    pub(super) issuer: Name,
    /// The content of the `AlgorithmIdentifier`, as webpki's algorithms have it.
    pub(super) algorithm: Vec<u8>,
    pub(super) message: Vec<u8>,
    pub(super) bits: Vec<u8>,
}

/// `None` when the two places that name the algorithm differ. The message is encoded anew: what was
/// not proper DER comes out otherwise, and its signature does not fit.
pub(super) fn signature(certificate: &Certificate) -> Option<Signature> {
    let signed = certificate.tbs_certificate();
    let algorithm = certificate.signature_algorithm();
    if algorithm != signed.signature() {
        return None;
    }
    // a tag and a length of one byte each stand before the content
    let encoded = algorithm.to_der().ok()?;
    let content = encoded.get(2..).filter(|_| encoded.len() < 128)?;
    Some(Signature {
        issuer: signed.issuer().clone(),
        algorithm: content.to_vec(),
        message: signed.to_der().ok()?,
        bits: certificate.signature().as_bytes()?.to_vec(),
    })
}

/// The public key of `authority`, if it has this name and may sign certificates now.
pub(super) fn key_of_issuer(
    authority: &CertificateDer<'_>,
    name: &Name,
    now: UnixTime,
) -> Option<SubjectPublicKeyInfoDer<'static>> {
    let parsed = parse(authority)?;
    let signed = parsed.tbs_certificate();
    let may_sign = if signed.version() == Version::V1 {
        // as OpenSSL has it for roots: there was no way to say so
        signed.subject() == signed.issuer()
    } else {
        let constraints = signed.get_extension::<BasicConstraints>();
        let usage = signed.get_extension::<KeyUsage>();
        matches!(
            constraints,
            Ok(Some((_, BasicConstraints { ca: true, .. })))
        ) && match usage {
            Ok(usage) => usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
            Err(_) => false,
        }
    };
    let fits = signed.subject() == name && may_sign && validity_at(&parsed, now).is_ok();
    fits.then(|| public_key(authority)).flatten()
}

/// Whether the common name is `host`, which counts only when there are no alternative names of the
/// host's sort (names, or addresses): as libpq does it, with `*.` for one label.
pub(super) fn is_commonly_named(certificate: &Certificate, host: &str) -> bool {
    let is_address = host.parse::<IpAddr>().is_ok();
    let alternatives = certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>();
    let has_alternatives = match alternatives {
        Ok(Some((_, names))) => names.0.iter().any(|name| match name {
            GeneralName::DnsName(_) => !is_address,
            GeneralName::IpAddress(_) => is_address,
            _ => false,
        }),
        Ok(None) => false,
        Err(_) => true,
    };
    if has_alternatives {
        return false;
    }
    match certificate.tbs_certificate().subject().common_name() {
        Ok(Some(name)) => is_name_of(&name.value(), host),
        _ => false,
    }
}

fn is_name_of(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        assert!(is_name_of("db.example.com", "DB.example.com"));
        assert!(is_name_of("*.example.com", "db.example.com"));
        assert!(!is_name_of("*.example.com", "a.b.example.com"));
        assert!(!is_name_of("*.example.com", "example.com"));
        assert!(!is_name_of("example.com", "example.com.evil.org"));
    }

    #[test]
    fn the_hash_for_scram_is_that_of_the_signature() {
        let key = |algorithm| rcgen::KeyPair::generate_for(algorithm).unwrap();
        let hash = |key: rcgen::KeyPair| {
            let parameters = rcgen::CertificateParams::new(vec!["db".to_owned()]).unwrap();
            let certificate = parameters.self_signed(&key).unwrap();
            server_end_point(certificate.der()).map(|hash| hash.len())
        };
        assert_eq!(hash(key(&rcgen::PKCS_ECDSA_P256_SHA256)), Some(32));
        assert_eq!(hash(key(&rcgen::PKCS_ECDSA_P384_SHA384)), Some(48));
        assert_eq!(hash(key(&rcgen::PKCS_ED25519)), None);
    }
}
