//! TLS through rustls: roots, client certificates and the handshake.

use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use secrecy::SecretString;
use tokio_rustls::TlsConnector;
use webpki::{CertRevocationList, OwnedCertRevocationList};

pub(super) use super::fault::{explain, lost};
use super::stream::Socket;
use super::verify::{Authorities, Trust, Verifier};
use super::{
    Endpoint, Host, SslMode, SslNegotiation, Tls, TlsVersion, Transport, certificate, client_key,
};
use crate::error::{Error, Kind, Result};

/// What PostgreSQL calls itself in TLS. It is always offered, as libpq does from 17 on, so that a
/// server of another protocol that shares the certificate takes no part.
const ALPN: &[u8] = b"postgresql";

/// What opens the key of the client's certificate, as it is now.
pub(super) async fn key_password(endpoint: &Endpoint) -> Result<Option<SecretString>> {
    let secret = endpoint.tls.client.as_ref();
    let Some(secret) = secret.and_then(|client| client.password.as_ref()) else {
        return Ok(None);
    };
    let read = secret.read("sslpassword").await;
    read.map(Some).map_err(|error| error.on(endpoint.side))
}

/// Encrypts a stream whose server has agreed to it, or is expected to.
pub(super) async fn handshake(
    endpoint: &Endpoint,
    password: Option<SecretString>,
    stream: Socket,
) -> Result<Transport> {
    let host = match &endpoint.host {
        Host::Tcp(host) => host.clone(),
        Host::Unix(path) => path.display().to_string(),
    };
    let policy = endpoint.tls.clone();
    let name = server_name(endpoint, &host, &stream)?;
    // reads files, some of them large, and opens keys slowly
    let prepare = move || client_config(&policy, host, password.as_ref());
    let config = tokio::task::spawn_blocking(prepare)
        .await
        .map_err(|error| Error::new(Kind::Unknown, format!("Could not set TLS up: {error}")))?
        .map_err(|error| error.on(endpoint.side))?;
    let direct = endpoint.tls.negotiation == SslNegotiation::Direct;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let stream = connected.await.map_err(|error| {
        let error = lost(endpoint, "encrypt the connection", &error);
        match error.kind() {
            Kind::ConnectionLost if direct => error.remedy(NOT_DIRECT),
            _ => error,
        }
    })?;
    let session = stream.get_ref().1;
    if direct && session.alpn_protocol() != Some(ALPN) {
        let what = format!(
            "{} speaks TLS, but does not say that it is a PostgreSQL server (ALPN)",
            endpoint.address()
        );
        let error = Error::new(Kind::Tls, what).on(endpoint.side);
        return Err(error.remedy(NOT_DIRECT));
    }
    let leaf = session.peer_certificates().and_then(<[_]>::first);
    let server_end_point = leaf.and_then(certificate::server_end_point);
    Ok(Transport::tls(stream, server_end_point))
}

const NOT_DIRECT: &str = "sslnegotiation = \"direct\" takes a PostgreSQL server of version 17 or \
                          newer at that very address; \"postgres\" works with all.";

/// The name for SNI and verification. A host that is no DNS name is checked by its address.
fn server_name(endpoint: &Endpoint, host: &str, stream: &Socket) -> Result<ServerName<'static>> {
    if let Ok(name) = ServerName::try_from(host.to_owned()) {
        return Ok(name);
    }
    let peer = stream.peer().ok_or_else(|| {
        Error::new(
            Kind::Tls,
            format!("{host:?} is no name that a certificate can have"),
        )
        .on(endpoint.side)
        .remedy("Set `host` to the name or the address that the server's certificate has.")
    })?;
    Ok(ServerName::from(peer))
}

fn client_config(
    policy: &Tls,
    host: String,
    password: Option<&SecretString>,
) -> Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier {
        trust: trust(policy, host)?,
        provider: Arc::clone(&provider),
    };
    let failed = |error: rustls::Error| {
        Error::new(Kind::Tls, format!("Could not set TLS up: {error}"))
            .remedy("Check that sslkey is the key of the certificate in sslcert.")
    };
    let versions: &[_] = match policy.version_min {
        TlsVersion::V1_2 => &[&TLS13, &TLS12],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &policy.client {
        None => builder.with_no_client_auth(),
        Some(client) => builder
            .with_client_auth_cert(
                certificates(&client.certificate)?,
                client_key::load(&client.key, password)?,
            )
            .map_err(failed)?,
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// A configured root is always verified against, as libpq does, whatever the mode.
fn trust(policy: &Tls, host: String) -> Result<Trust> {
    let authorities = || {
        let mut authorities = match &policy.root {
            Some(path) => configured(path)?,
            None => system()?,
        };
        if let Some(path) = &policy.revoked {
            authorities.revoked = revoked(path)?;
        }
        Ok::<_, Error>(authorities)
    };
    Ok(match policy.mode {
        SslMode::VerifyFull => Trust::Name(authorities()?, host),
        SslMode::VerifyCa => Trust::Authority(authorities()?),
        _ if policy.root.is_some() => Trust::Authority(authorities()?),
        _ => Trust::Anybody,
    })
}

fn configured(path: &Path) -> Result<Authorities> {
    let exact = certificates(path)?;
    let mut store = RootCertStore::empty();
    // what webpki cannot use as an authority can still be the server's own certificate
    store.add_parsable_certificates(exact.iter().cloned());
    Ok(Authorities {
        store,
        exact,
        revoked: Vec::new(),
    })
}

fn system() -> Result<Authorities> {
    let found = rustls_native_certs::load_native_certs().certs;
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found);
    if store.is_empty() {
        return Err(
            Error::new(Kind::Tls, "This machine has no trusted roots").remedy(
                "Install the package ca-certificates, or set sslrootcert to the PEM file of the \
             authority that signed the server's certificate.",
            ),
        );
    }
    Ok(Authorities {
        store,
        exact: Vec::new(),
        revoked: Vec::new(),
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let pem = read(path)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unfit(path, &format!("is not PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(unfit(path, "holds no certificate"));
    }
    Ok(certificates)
}

fn revoked(path: &Path) -> Result<Vec<CertRevocationList<'static>>> {
    let pem = read(path)?;
    let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unfit(path, &format!("is not PEM: {error}")))?;
    if lists.is_empty() {
        return Err(unfit(
            path,
            "holds no list of revoked certificates (X509 CRL)",
        ));
    }
    lists
        .iter()
        .map(|list| OwnedCertRevocationList::from_der(list).map(CertRevocationList::from))
        .collect::<Result<_, _>>()
        .map_err(|error| unfit(path, &format!("has a list that cannot be used: {error}")))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Error::new(
            Kind::Io,
            format!("The file {} cannot be read: {error}", path.display()),
        )
    })
}

pub(super) fn unfit(path: &Path, why: &str) -> Error {
    Error::new(Kind::Tls, format!("The file {} {why}", path.display()))
        .remedy("sslrootcert, sslcrl, sslcert and sslkey name PEM files.")
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsAcceptor;

    use super::super::endpoint::tests::endpoint;
    use super::*;

    /// Shakes hands with a server that shows a self-signed certificate; it alone is the root.
    async fn with(parameters: CertificateParams, mode: SslMode) -> Result<Transport> {
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root.pem");
        std::fs::write(&root, certificate.pem()).unwrap();

        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
        });

        let mut endpoint = endpoint(port, mode);
        endpoint.host = Host::Tcp("localhost".to_owned());
        endpoint.tls.root = Some(root);
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        handshake(&endpoint, None, Socket::Tcp(stream)).await
    }

    fn parameters(alternative: &[&str], common: &str) -> CertificateParams {
        let names: Vec<String> = alternative.iter().map(|&name| name.to_owned()).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters
            .distinguished_name
            .push(DnType::CommonName, common);
        parameters
    }

    #[tokio::test]
    async fn a_self_signed_authority_is_accepted_as_its_own_root() {
        let mut parameters = parameters(&["localhost"], "x");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let transport = with(parameters, SslMode::VerifyFull).await.unwrap();
        assert!(transport.is_encrypted() && transport.is_local());
        assert_eq!(transport.tls_server_end_point().map(<[u8]>::len), Some(32));
    }

    #[tokio::test]
    async fn the_common_name_counts_only_without_alternative_names() {
        assert!(
            with(parameters(&[], "localhost"), SslMode::VerifyFull)
                .await
                .is_ok()
        );
        let other = parameters(&["db.example.com"], "localhost");
        let error = with(other.clone(), SslMode::VerifyFull).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Tls);
        assert!(error.to_string().contains("another name"), "{error}");
        assert!(with(other, SslMode::VerifyCa).await.is_ok());
    }

    #[tokio::test]
    async fn an_expired_certificate_is_refused_even_as_its_own_root() {
        let mut parameters = parameters(&["localhost"], "x");
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
        let error = with(parameters, SslMode::Require).await.unwrap_err();
        assert!(error.to_string().contains("has expired"), "{error}");
    }
}
