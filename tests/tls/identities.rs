//! Certificates of every sort, with their keys.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevokedCertParams, SerialNumber,
    SigningKey, date_time_ymd,
};
use x509_cert::der::{Decode, Encode};

use super::Place;

/// A certificate with its key, as PEM, and the name of its files.
pub(super) struct Identity {
    pub(super) name: &'static str,
    pub(super) certificate: String,
    pub(super) key: String,
}

fn parameters(alternative: &[&str], common: &str) -> CertificateParams {
    let names: Vec<String> = alternative.iter().map(|&name| name.to_owned()).collect();
    let mut parameters = CertificateParams::new(names).unwrap();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common);
    parameters
}

/// A certification authority.
pub(super) struct Authority {
    pub(super) certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new(common: &str) -> Authority {
        let mut parameters = parameters(&[], common);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        Authority {
            certificate: certificate.pem(),
            issuer: Issuer::new(parameters, key),
        }
    }

    pub(super) fn sign(
        &self,
        name: &'static str,
        key: &KeyPair,
        parameters: &CertificateParams,
    ) -> Identity {
        let certificate = parameters.signed_by(key, &self.issuer).unwrap();
        Identity {
            name,
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    pub(super) fn signed(
        &self,
        name: &'static str,
        alternative: &[&str],
        common: &str,
    ) -> Identity {
        let key = KeyPair::generate().unwrap();
        self.sign(name, &key, &parameters(alternative, common))
    }

    /// The same without extensions, as certificates were before 1996, and as OpenSSL 3.0 still
    /// makes them when nobody says otherwise.
    fn signed_in_version_1(&self, name: &'static str, common: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let modern = parameters(&[], common)
            .signed_by(&key, &self.issuer)
            .unwrap();
        let modern = x509_cert::Certificate::from_der(modern.der()).unwrap();
        let fields = modern.tbs_certificate();
        let body = sequence(&[
            fields.serial_number().to_der().unwrap(),
            fields.signature().to_der().unwrap(),
            fields.issuer().to_der().unwrap(),
            fields.validity().to_der().unwrap(),
            fields.subject().to_der().unwrap(),
            key.subject_public_key_info(),
        ]);
        let mut signature = vec![0];
        signature.extend(self.issuer.key().sign(&body).unwrap());
        let whole = sequence(&[
            body,
            fields.signature().to_der().unwrap(),
            tagged(0x03, &signature),
        ]);
        let certificate = x509_cert::Certificate::from_der(&whole).unwrap();
        assert_eq!(
            certificate.tbs_certificate().version(),
            x509_cert::certificate::Version::V1
        );
        let pem = x509_cert::der::EncodePem::to_pem(&certificate, pkcs8::LineEnding::LF);
        Identity {
            name,
            certificate: pem.unwrap(),
            key: key.serialize_pem(),
        }
    }

    /// What it has revoked, as PEM.
    fn revoke(&self, serials: &[u64], until: i32) -> String {
        let now = date_time_ymd(2024, 1, 1);
        let revoked = serials.iter().map(|&serial| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: now,
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag], &shortest(content.len())[..], content].concat()
}

/// The shortest form of a length, which alone is DER.
fn shortest(length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(length @ 0..=127) => vec![length],
        Ok(length) => vec![0x81, length],
        Err(_) => [&[0x82], &u16::try_from(length).unwrap().to_be_bytes()[..]].concat(),
    }
}

/// What servers and clients show in these tests.
pub(super) struct Identities {
    pub(super) ca: Authority,
    pub(super) good: Identity,
    /// As good, of another key: for who stands between.
    pub(super) between: Identity,
    pub(super) elsewhere: Identity,
    pub(super) alone: Identity,
    pub(super) other: Identity,
    pub(super) expired: Identity,
    pub(super) version_1: Identity,
    pub(super) commonly: Identity,
    pub(super) ed25519: Identity,
    pub(super) client: Identity,
    pub(super) stranger: Identity,
}

impl Identities {
    /// Makes them and puts them where the server finds them, with both authorities and their lists
    /// of what is revoked: `none.crl`, `good.crl` (the good one is on it), `old.crl`, `other.crl`.
    pub(super) fn put(place: &Place) -> Identities {
        let ca = Authority::new("the authority");
        let others = Authority::new("another authority");
        place.put("ca.pem", &ca.certificate);
        place.put("other.pem", &others.certificate);
        place.put("none.crl", &ca.revoke(&[], 2100));
        place.put("good.crl", &ca.revoke(&[7], 2100));
        place.put("old.crl", &ca.revoke(&[], 2025));
        place.put("other.crl", &others.revoke(&[], 2100));
        let identities = Identities {
            good: {
                let mut good = parameters(&["localhost"], "x");
                good.serial_number = Some(SerialNumber::from(7));
                ca.sign("good", &KeyPair::generate().unwrap(), &good)
            },
            between: ca.signed("between", &["localhost"], "x"),
            elsewhere: ca.signed("elsewhere", &["db.example.com"], "localhost"),
            alone: alone(),
            other: others.signed("others", &["localhost"], "x"),
            expired: {
                let mut expired = parameters(&["localhost"], "x");
                expired.not_after = date_time_ymd(2020, 1, 1);
                ca.sign("expired", &KeyPair::generate().unwrap(), &expired)
            },
            version_1: ca.signed_in_version_1("version_1", "localhost"),
            commonly: ca.signed("commonly", &[], "localhost"),
            ed25519: {
                let mut parameters = parameters(&["localhost"], "alone");
                parameters.is_ca = IsCa::NoCa;
                let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
                let certificate = parameters.self_signed(&key).unwrap();
                Identity {
                    name: "ed25519",
                    certificate: certificate.pem(),
                    key: without_public_key(&key.serialize_der()),
                }
            },
            client: ca.signed("client", &[], "walferry"),
            stranger: others.signed("stranger", &[], "walferry"),
            ca,
        };
        for identity in [
            &identities.good,
            &identities.between,
            &identities.elsewhere,
            &identities.alone,
            &identities.other,
            &identities.expired,
            &identities.version_1,
            &identities.commonly,
            &identities.ed25519,
            &identities.client,
            &identities.stranger,
        ] {
            place.put(&format!("{}.pem", identity.name), &identity.certificate);
            place.put(&format!("{}.key", identity.name), &identity.key);
        }
        identities
    }
}

/// An Ed25519 key as PKCS #8 of version 1, the only one that OpenSSL reads.
fn without_public_key(version_2: &[u8]) -> String {
    let seed = &version_2[16..48];
    let mut body = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    assert_eq!(version_2[5..16], body[5..16]);
    body.extend_from_slice(seed);
    let line_ending = pkcs8::LineEnding::LF;
    pkcs8::der::pem::encode_string("PRIVATE KEY", line_ending, &body).unwrap()
}

/// What `openssl req -x509` makes: self-signed, and an authority.
fn alone() -> Identity {
    let mut parameters = parameters(&["localhost"], "alone");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    Identity {
        name: "alone",
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    }
}
