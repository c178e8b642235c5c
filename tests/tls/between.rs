//! Whoever stands between: what is said to them, and what becomes of what they say.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use walferry::error::{Error, Kind, Result};
use walferry::source::{Connection, Mode};
use walferry::transport::{Endpoint, connect};

use super::identities::{Identities, Identity};
use super::{PASSWORD_RULE, Place};
use crate::support::{CANARY, PATIENCE, majors};

/// What was heard of a client.
type Heard = Arc<Mutex<Vec<u8>>>;

/// Both connections that walferry has: SQL, and its own.
async fn both(endpoint: &Endpoint) -> [Result<()>; 2] {
    [
        connect(endpoint, "between").await.map(drop),
        Connection::open(endpoint, "between", Mode::Replication)
            .await
            .map(drop),
    ]
}

fn refused(outcomes: [Result<()>; 2], kind: Kind, says: &str) {
    for outcome in outcomes {
        let error: Error = outcome.unwrap_err();
        let text = error.to_string();
        assert!(error.kind() == kind && text.contains(says), "{error:?}");
        assert!(error.hint().is_some() && !text.contains(CANARY), "{text}");
    }
}

fn endpoint(place: &Place, port: u16, keys: &str) -> Endpoint {
    let root = place.file("ca.pem");
    let keys = format!("sslrootcert = {root}\npassword_file = \"password\"\n{keys}");
    let config = place.config("between", "localhost", &keys);
    let mut endpoint = walferry::config::load(Some(&config))
        .unwrap()
        .source
        .endpoint;
    endpoint.port = port;
    endpoint
}

/// Answers the first eight bytes of each connection, and notes what comes then.
async fn man(answer: &'static [u8]) -> Man {
    let (listener, port) = listener().await;
    let (notes, heard) = watch::channel(Vec::new());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let notes = notes.clone();
            tokio::spawn(async move {
                stream.read_exact(&mut [0; 8]).await.unwrap();
                stream.write_all(answer).await.unwrap();
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                notes.send_modify(|heard| heard.push(rest));
            });
        }
    });
    Man { port, heard }
}

struct Man {
    port: u16,
    /// What each client said after it had asked for TLS, until it was gone.
    heard: watch::Receiver<Vec<Vec<u8>>>,
}

impl Man {
    /// Of the two clients, once both are gone.
    async fn heard(mut self) -> Vec<Vec<u8>> {
        let both = self.heard.wait_for(|heard| heard.len() >= 2);
        let both = tokio::time::timeout(PATIENCE, both).await;
        both.unwrap().unwrap().clone()
    }
}

/// On both addresses that localhost may have.
async fn listener() -> (TcpListener, u16) {
    let any: SocketAddr = "[::]:0".parse().unwrap();
    let listener = match TcpListener::bind(any).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind("127.0.0.1:0").await.unwrap(),
    };
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn has(heard: &[u8], part: &[u8]) -> bool {
    heard.windows(part.len()).any(|bytes| bytes == part)
}

#[tokio::test]
async fn who_says_that_there_is_no_tls_or_speaks_before_it_learns_nothing() {
    let place = Place::new().await;
    Identities::put(&place);
    let injected = b"SE\0\0\0\x20SFATAL\0C28000\0Mbelieve me\0\0";
    for mode in ["require", "verify-ca", "verify-full"] {
        let man_without = man(b"N").await;
        let keys = format!("sslmode = \"{mode}\"");
        refused(
            both(&endpoint(&place, man_without.port, &keys)).await,
            Kind::Tls,
            "has no TLS",
        );
        assert_eq!(man_without.heard().await.concat().len(), 0, "{mode}");

        let man_before = man(injected).await;
        refused(
            both(&endpoint(&place, man_before.port, &keys)).await,
            Kind::Tls,
            "is not TLS",
        );
        // a ClientHello, which names the host and nobody else
        for heard in man_before.heard().await {
            assert_eq!(heard.first(), Some(&0x16), "{mode}");
            assert!(!has(&heard, b"walferry") && !has(&heard, CANARY.as_bytes()));
        }
    }
    // where TLS is a wish, it is none when the login has to be bound to it
    let man = man(b"N").await;
    let keys = "sslmode = \"prefer\"\nchannel_binding = \"require\"";
    refused(
        both(&endpoint(&place, man.port, keys)).await,
        Kind::Authentication,
        "does not bind",
    );
    assert_eq!(man.heard().await.concat().len(), 0);
}

/// Ends TLS itself, with a certificate of its own, and speaks to the server as its client.
struct Terminator {
    port: u16,
    heard: Heard,
}

impl Terminator {
    /// `direct`: TLS begins with the first byte. To the server it goes on in TLS or in clear.
    async fn start(
        place: &Place,
        identity: &Identity,
        direct: bool,
        encrypted: bool,
    ) -> Terminator {
        let (listener, port) = listener().await;
        let heard = Heard::default();
        let notes = Arc::clone(&heard);
        let acceptor = acceptor(identity);
        let server = place.cluster.port();
        let roots = encrypted.then(|| place.files.path().join("ca.pem"));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, notes, roots) =
                    (acceptor.clone(), Arc::clone(&notes), roots.clone());
                tokio::spawn(async move {
                    // a client that goes away, or a server that does, ends it
                    let _ = pass(stream, acceptor, direct, server, roots, notes).await;
                });
            }
        });
        Terminator { port, heard }
    }
}

fn acceptor(identity: &Identity) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

async fn pass(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    direct: bool,
    server: u16,
    roots: Option<std::path::PathBuf>,
    notes: Heard,
) -> std::io::Result<()> {
    if !direct {
        stream.read_exact(&mut [0; 8]).await?;
        stream.write_all(b"S").await?;
    }
    let client = acceptor.accept(stream).await?;
    let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
    let Some(roots) = roots else {
        return relay(client, server, notes).await;
    };
    server.write_all(&SSL_REQUEST).await?;
    assert_eq!(server.read_u8().await?, b'S');
    let mut store = rustls::RootCertStore::empty();
    let roots = std::fs::read(roots)?;
    store.add_parsable_certificates(CertificateDer::pem_slice_iter(&roots).flatten());
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let server = TlsConnector::from(Arc::new(config))
        .connect(name, server)
        .await?;
    relay(client, server, notes).await
}

async fn relay<C, S>(client: C, server: S, notes: Heard) -> std::io::Result<()>
where
    C: AsyncRead + AsyncWrite + Send + 'static,
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut piece = [0; 4096];
    loop {
        let bytes = from_client.read(&mut piece).await?;
        if bytes == 0 {
            return to_server.shutdown().await;
        }
        notes.lock().unwrap().extend_from_slice(&piece[..bytes]);
        to_server.write_all(&piece[..bytes]).await?;
        to_server.flush().await?;
    }
}

#[tokio::test]
async fn a_login_is_bound_to_the_connection_and_cannot_be_passed_on() {
    for major in majors().await {
        let place = Place::on(major).await;
        let identities = Identities::put(&place);
        place.serve(Some(&identities.good), PASSWORD_RULE).await;
        let require = "channel_binding = \"require\"";
        for outcome in both(&endpoint(&place, place.cluster.port(), require)).await {
            outcome.unwrap();
        }

        // The one between has a certificate that is as good as the server's, and passes on what the
        // server offers: the server finds out, though it is asked by the right password.
        let man = Terminator::start(&place, &identities.between, false, true).await;
        let outcomes = both(&endpoint(&place, man.port, require)).await;
        refused(
            outcomes,
            Kind::Authentication,
            "channel binding check failed",
        );
        assert!(has(&man.heard.lock().unwrap(), b"SCRAM-SHA-256-PLUS\0"));
        let log = std::fs::read_to_string(place.cluster.log_path()).unwrap();
        assert!(log.contains("SCRAM channel binding check failed"), "{log}");

        // It keeps from us that the server could: we find out, and prove nothing.
        let man = Terminator::start(&place, &identities.between, false, false).await;
        let outcomes = both(&endpoint(&place, man.port, require)).await;
        refused(outcomes, Kind::Authentication, "does not bind");
        let heard = man.heard.lock().unwrap().clone();
        assert!(has(&heard, b"walferry") && !has(&heard, b"n=,r="));
        for weaker in ["prefer", "disable"] {
            let weaker = format!("channel_binding = \"{weaker}\"");
            let [sql, replication] = both(&endpoint(&place, man.port, &weaker)).await;
            sql.and(replication).unwrap();
        }

        // no other login will do, and no certificate that has no hash to bind to
        for rule in ["trust", "password"] {
            place
                .serve(Some(&identities.good), &format!("host all all all {rule}"))
                .await;
            let outcomes = both(&endpoint(&place, place.cluster.port(), require)).await;
            refused(outcomes, Kind::Authentication, "does not bind");
        }
        place.serve(Some(&identities.ed25519), PASSWORD_RULE).await;
        let own = |keys: &str| {
            let mut endpoint = endpoint(&place, place.cluster.port(), keys);
            endpoint.tls.root = Some(place.files.path().join("ed25519.pem"));
            endpoint
        };
        refused(
            both(&own(require)).await,
            Kind::Authentication,
            "does not bind",
        );
        let [sql, replication] = both(&own("channel_binding = \"prefer\"")).await;
        sql.and(replication).unwrap();
    }
}

#[tokio::test]
async fn tls_without_a_question_goes_to_postgresql_17_and_nobody_else() {
    for major in majors().await {
        let place = Place::on(major).await;
        let identities = Identities::put(&place);
        place.serve(Some(&identities.good), PASSWORD_RULE).await;
        let direct = "sslnegotiation = \"direct\"\nssl_min_protocol_version = \"TLSv1.3\"";
        let outcomes = both(&endpoint(&place, place.cluster.port(), direct)).await;
        if major >= 17 {
            let [sql, replication] = outcomes;
            sql.and(replication).unwrap();
        } else {
            refused(outcomes, Kind::ConnectionLost, "encrypt the connection");
        }
        // another protocol that has the same certificate
        let man = Terminator::start(&place, &identities.good, true, false).await;
        let outcomes = both(&endpoint(&place, man.port, direct)).await;
        refused(outcomes, Kind::Tls, "ALPN");
        assert!(man.heard.lock().unwrap().is_empty());

        place.set("ssl_max_protocol_version", "TLSv1.2").await;
        place.serve(Some(&identities.good), PASSWORD_RULE).await;
        let newest = "ssl_min_protocol_version = \"TLSv1.3\"";
        let outcomes = both(&endpoint(&place, place.cluster.port(), newest)).await;
        refused(outcomes, Kind::Tls, "no version or cipher");
    }
}
