//! TLS through rustls: roots, client certificates, the handshake, and what its failures mean.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::stream::Socket;
use super::verify::{Authorities, Trust, Verifier};
use super::{Endpoint, Host, SslMode, Tls, Transport, certificate};
use crate::error::{Error, Kind, Result};

/// Encrypts a stream whose server has agreed to it.
pub(super) async fn handshake(endpoint: &Endpoint, stream: Socket) -> Result<Transport> {
    let host = match &endpoint.host {
        Host::Tcp(host) => host.clone(),
        Host::Unix(path) => path.display().to_string(),
    };
    let policy = endpoint.tls.clone();
    let name = server_name(endpoint, &host, &stream)?;
    // reads files, some of them large
    let config = tokio::task::spawn_blocking(move || client_config(&policy, host))
        .await
        .map_err(|error| Error::new(Kind::Unknown, format!("Could not set TLS up: {error}")))?
        .map_err(|error| error.on(endpoint.side))?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| lost(endpoint, "encrypt the connection", &error))?;
    let leaf = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first);
    let server_end_point = leaf.and_then(certificate::server_end_point);
    Ok(Transport::tls(stream, server_end_point))
}

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

fn client_config(policy: &Tls, host: String) -> Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier {
        trust: trust(policy, host)?,
        provider: Arc::clone(&provider),
    };
    let failed = |error: rustls::Error| {
        Error::new(Kind::Tls, format!("Could not set TLS up: {error}"))
            .remedy("Check that sslkey is the key of the certificate in sslcert.")
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &policy.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(failed)?,
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// A configured root is always verified against, as libpq does, whatever the mode.
fn trust(policy: &Tls, host: String) -> Result<Trust> {
    let authorities = || match &policy.root {
        Some(path) if path.as_os_str() != "system" => configured(path),
        _ => system(),
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
    Ok(Authorities { store, exact })
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

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let pem = read(path)?;
    if String::from_utf8_lossy(&pem).contains("ENCRYPTED") {
        return Err(
            unfit(path, "is encrypted with a passphrase").remedy(format!(
                "Decrypt it: openssl pkcs8 -topk8 -nocrypt -in {} -out client.key; \
             chmod 600 client.key",
                path.display()
            )),
        );
    }
    PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| unfit(path, "holds no private key in PKCS #8, PKCS #1 or SEC 1"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Error::new(
            Kind::Io,
            format!("The file {} cannot be read: {error}", path.display()),
        )
    })
}

fn unfit(path: &Path, why: &str) -> Error {
    Error::new(Kind::Tls, format!("The file {} {why}", path.display()))
        .remedy("sslrootcert, sslcert and sslkey name PEM files.")
}

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

/// What rustls found, in the words of an operator.
pub(super) fn explain(endpoint: &Endpoint, fault: &rustls::Error) -> Error {
    let server = endpoint.address();
    let (what, remedy) = match fault {
        rustls::Error::InvalidCertificate(fault) => certificate_fault(fault),
        rustls::Error::AlertReceived(alert) => (
            format!("was refused by the server: {alert:?}"),
            "The server may want a client certificate (sslcert, sslkey) of an authority that it \
             trusts; its log says which.",
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

fn certificate_fault(fault: &CertificateError) -> (String, &'static str) {
    use CertificateError as Fault;
    let text = fault.to_string();
    let (what, remedy) = match fault {
        Fault::UnknownIssuer => (
            "no trusted root has signed the server's certificate".to_owned(),
            "Set sslrootcert to the PEM file of the authority that signed it, or of the \
             certificate itself if it is self-signed.",
        ),
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => (
            format!("the server's certificate has another name: {text}"),
            "Set `host` to a name that the certificate has, have a certificate made for this one, \
             or accept any name of that authority with sslmode = \"verify-ca\".",
        ),
        Fault::Expired | Fault::ExpiredContext { .. } => (
            "the server's certificate has expired".to_owned(),
            "Have the server's certificate renewed.",
        ),
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => (
            "the server's certificate is not valid yet".to_owned(),
            "Check the clocks of both machines.",
        ),
        _ if text.contains("CaUsedAsEndEntity") => (
            "the server's certificate is that of an authority (CA:TRUE)".to_owned(),
            "Put this very certificate into the file that sslrootcert names, or have one made with \
             basicConstraints=CA:FALSE.",
        ),
        _ if text.contains("UnsupportedCertVersion") => (
            "the server's certificate is of version 1, which cannot be verified".to_owned(),
            "Have it made again with extensions: openssl x509 -req … -extfile <(echo \
             subjectAltName=DNS:name).",
        ),
        _ => (
            format!("the server's certificate is not acceptable: {text}"),
            "Have the server's certificate renewed, or see its log.",
        ),
    };
    (format!("failed: {what}"), remedy)
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
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
        handshake(&endpoint, Socket::Tcp(stream)).await
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

    #[test]
    fn a_key_with_a_passphrase_says_how_to_take_it_off() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "-----BEGIN ENCRYPTED PRIVATE KEY-----").unwrap();
        let error = private_key(file.path()).unwrap_err();
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("openssl pkcs8"))
        );
    }
}
