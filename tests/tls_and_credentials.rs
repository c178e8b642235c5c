//! Every `sslmode` against every sort of server, every way to prove who we are: by `check` and by
//! a short `run`, so that SQL sessions, COPY and the replication stream are all meant.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio_postgres::Client;
use walferry::demo::binaries::Binaries;
use walferry::demo::cluster::{Auth, Cluster};
use walferry::demo::scratch::Scratch;
use walferry::sql::Literal;

use crate::support::{CANARY, Running, majors, quoted, walferry, walferry_with, write_private};

/// Of every role; the canary is looked for in all output.
const PASSWORD: &str = "k4n4r1env0gel @:/?#[]%&=+\"\\';é";

/// One cluster with both databases, whose TLS and `pg_hba.conf` each test sets as it likes.
struct Place {
    cluster: Cluster,
    administrator: Client,
    /// Of the certificates; the server's user can read it.
    files: Scratch,
    /// Of the configurations.
    home: tempfile::TempDir,
}

impl Place {
    async fn new() -> Place {
        let binaries = Binaries::find(Some(majors().await[0])).await.unwrap();
        let settings = [("listen_addresses", "*")];
        let cluster = Cluster::create(&binaries, Auth::Scram, &settings)
            .await
            .unwrap();
        let administrator = cluster.superuser("postgres").await.unwrap();
        for create in ["CREATE DATABASE app", "CREATE DATABASE warehouse"] {
            administrator.batch_execute(create).await.unwrap();
        }
        let script = format!(
            "CREATE ROLE walferry LOGIN SUPERUSER PASSWORD {password};
             SET password_encryption = 'md5';
             CREATE ROLE of_md5 LOGIN SUPERUSER PASSWORD {password}",
            password = Literal(PASSWORD),
        );
        administrator.batch_execute(&script).await.unwrap();
        let source = cluster.superuser("app").await.unwrap();
        let script = format!(
            "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, '{CANARY}');
             CREATE PUBLICATION walferry_app FOR ALL TABLES"
        );
        source.batch_execute(&script).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        write_private(home.path().join("password"), PASSWORD);
        Place {
            files: Scratch::create("tls", binaries.user()).unwrap(),
            cluster,
            administrator,
            home,
        }
    }

    /// Lets the server have this TLS and these rules, and waits until they hold.
    async fn serve(&self, identity: Option<&Identity>, rules: &str) {
        let hba = self.cluster.data_directory().join("pg_hba.conf");
        std::fs::write(&hba, format!("local all postgres trust\n{rules}\n")).unwrap();
        let path = |name: &str| Literal(self.files.path().join(name).to_str().unwrap()).to_string();
        let mut settings = vec![("ssl_ca_file", path("ca.pem"))];
        if let Some(identity) = identity {
            settings.push(("ssl_cert_file", path(&format!("{}.pem", identity.name))));
            settings.push(("ssl_key_file", path(&format!("{}.key", identity.name))));
        }
        settings.push((
            "ssl",
            if identity.is_some() { "on" } else { "off" }.to_owned(),
        ));
        for (name, value) in &settings {
            let set = format!("ALTER SYSTEM SET {name} = {value}");
            self.administrator.batch_execute(&set).await.unwrap();
        }
        let reload = "SELECT pg_reload_conf()";
        let loaded = "SELECT pg_conf_load_time()::text";
        let before = self.fresh(loaded).await;
        self.administrator.batch_execute(reload).await.unwrap();
        let started = Instant::now();
        while self.fresh(loaded).await == before {
            assert!(started.elapsed().as_secs() < 10, "it does not reload");
        }
    }

    /// Asks in a session of its own, which has what the postmaster had when it began.
    async fn fresh(&self, question: &str) -> String {
        let client = self.cluster.superuser("postgres").await.unwrap();
        client.query_one(question, &[]).await.unwrap().get(0)
    }

    /// A file with a certificate or a key that the server, or we, may read and nobody else.
    fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = write_private(self.files.path().join(name), content);
        if let Some(user) = self.cluster.binaries().user() {
            std::os::unix::fs::chown(&path, Some(user.uid), Some(user.gid)).unwrap();
        }
        path
    }

    fn put_identity(&self, identity: &Identity) {
        self.put(&format!("{}.pem", identity.name), &identity.certificate);
        self.put(&format!("{}.key", identity.name), &identity.key);
    }

    /// Both sides with these connection keys, besides port, database and user.
    fn config(&self, name: &str, host: &str, keys: &str) -> PathBuf {
        let mut text = "[pipeline]\nname = \"app\"\n".to_owned();
        for (side, database) in [("source", "app"), ("destination", "warehouse")] {
            let user = if keys.contains("user =") {
                ""
            } else {
                "user = \"walferry\"\n"
            };
            let (host, port) = (quoted(host), self.cluster.port());
            text += &[
                format!("[{side}]\nhost = {host}\nport = {port}\n"),
                format!("database = \"{database}\"\n{user}{keys}\n"),
            ]
            .concat();
        }
        text += "schema_prefix = \"app\"\n[observability]\nlisten = \"off\"\n";
        write_private(self.home.path().join(format!("{name}.toml")), &text)
    }

    /// Runs the pipeline until its copy is there and followed, and asks about its sessions.
    async fn run(&self, config: &Path, environment: &[(&str, &str)], sessions: &str) {
        let running = Running::start(config, environment);
        let destination = self.cluster.superuser("warehouse").await.unwrap();
        let streams = format!(
            "SELECT count(*) FILTER (WHERE a.backend_type = 'walsender') > 0
                    AND bool_and(COALESCE({sessions}, false))
             FROM pg_stat_activity AS a LEFT JOIN pg_stat_ssl AS s USING (pid)
             WHERE a.application_name LIKE 'walferry%' AND a.state IS NOT NULL"
        );
        let started = Instant::now();
        let is = async |client: &Client, question: &str| {
            let row = client.query_one(question, &[]).await;
            row.is_ok_and(|row| row.get::<_, Option<bool>>(0) == Some(true))
        };
        while !(is(&destination, "SELECT count(*) = 1 FROM app_public.t").await
            && is(&self.administrator, &streams).await)
        {
            assert!(started.elapsed().as_secs() < 60, "{}", running.log());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        running.drain().await;
        walferry_with(config, &["teardown", "--drop-data", "--yes"], environment)
            .await
            .ended(0, &["Done."]);
    }
}

/// A certificate with its key, as PEM, and the name of its files.
struct Identity {
    name: &'static str,
    certificate: String,
    key: String,
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
fn authority(common: &str) -> (String, Issuer<'static, KeyPair>) {
    let mut parameters = parameters(&[], common);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    (certificate.pem(), Issuer::new(parameters, key))
}

fn signed(
    issuer: &Issuer<'_, KeyPair>,
    name: &'static str,
    alternative: &[&str],
    common: &str,
) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = parameters(alternative, common)
        .signed_by(&key, issuer)
        .unwrap();
    Identity {
        name,
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    }
}

/// The identities that servers and clients show in these tests.
struct Identities {
    good: Identity,
    elsewhere: Identity,
    alone: Identity,
    client: Identity,
    stranger: Identity,
}

impl Identities {
    /// Makes them and puts them where the server finds them, with both authorities.
    fn put(place: &Place) -> Identities {
        let (ca, issuer) = authority("the authority");
        let (other, others) = authority("another authority");
        place.put("ca.pem", &ca);
        place.put("other.pem", &other);
        let key = KeyPair::generate().unwrap();
        let alone = parameters(&["localhost"], "alone")
            .self_signed(&key)
            .unwrap();
        let identities = Identities {
            good: signed(&issuer, "good", &["localhost"], "x"),
            elsewhere: signed(&issuer, "elsewhere", &["db.example.com"], "localhost"),
            alone: Identity {
                name: "alone",
                certificate: alone.pem(),
                key: key.serialize_pem(),
            },
            client: signed(&issuer, "client", &[], "walferry"),
            stranger: signed(&others, "stranger", &[], "walferry"),
        };
        for identity in [
            &identities.good,
            &identities.elsewhere,
            &identities.alone,
            &identities.client,
            &identities.stranger,
        ] {
            place.put_identity(identity);
        }
        identities
    }
}

const PASSWORD_RULE: &str = "host all all all scram-sha-256";
const MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// What `check` must say for each mode: nothing for success, else a part of its failure.
struct Row {
    root: &'static str,
    says: [&'static str; 6],
}

const NO_TLS: &str = "has no TLS";
const UNKNOWN: &str = "no trusted root has signed";
const OTHER_NAME: &str = "the server's certificate has another name";

/// Checks each mode at once against the server as it is. As with libpq, `prefer` goes on in plain
/// text when the certificate is not to its liking: it promises nothing.
async fn matrix(place: &Place, state: &str, rows: &[Row]) {
    for row in rows {
        let root = match row.root {
            "" => String::new(),
            name => format!(
                "sslrootcert = {}\n",
                quoted(place.files.path().join(name).to_str().unwrap())
            ),
        };
        let checks = MODES.iter().zip(row.says).map(|(mode, says)| {
            let keys = format!("{root}sslmode = \"{mode}\"\npassword_file = \"password\"");
            let config = place.config(&format!("{mode}-{}", row.root), "localhost", &keys);
            async move {
                let ran = walferry(&config, &["check"]).await;
                let (code, says) = match says {
                    "" => (0, "failures 0"),
                    says => (3, says),
                };
                let shown = format!("{state}, {mode}, {:?}: {ran:?}", row.root);
                assert!(ran.code == Some(code) && ran.out.contains(says), "{shown}");
                assert!(code == 0 || ran.out.contains(" → "), "{shown}");
            }
        });
        futures_util::future::join_all(checks).await;
    }
}

#[tokio::test]
async fn each_sslmode_does_what_libpq_does_with_each_sort_of_server() {
    let place = Place::new().await;
    let identities = Identities::put(&place);
    let row = |root, says| Row { root, says };

    place.serve(None, PASSWORD_RULE).await;
    let no_tls = ["", "", "", NO_TLS, NO_TLS, NO_TLS];
    matrix(&place, "no TLS", &[row("", no_tls), row("ca.pem", no_tls)]).await;

    place.serve(Some(&identities.good), PASSWORD_RULE).await;
    let good = [
        row("", ["", "", "", "", UNKNOWN, UNKNOWN]),
        row("ca.pem", ["", "", "", "", "", ""]),
        row("other.pem", ["", "", "", UNKNOWN, UNKNOWN, UNKNOWN]),
    ];
    matrix(&place, "good", &good).await;

    place
        .serve(Some(&identities.elsewhere), PASSWORD_RULE)
        .await;
    let elsewhere = [row("ca.pem", ["", "", "", "", "", OTHER_NAME])];
    matrix(&place, "another name", &elsewhere).await;

    place.serve(Some(&identities.alone), PASSWORD_RULE).await;
    let alone = [
        row("", ["", "", "", "", UNKNOWN, UNKNOWN]),
        row("ca.pem", ["", "", "", UNKNOWN, UNKNOWN, UNKNOWN]),
        row("alone.pem", ["", "", "", "", "", ""]),
    ];
    matrix(&place, "self-signed", &alone).await;

    // a server that takes no plain connection, and one that takes no other
    let refused = "no pg_hba.conf entry";
    place
        .serve(Some(&identities.good), "hostssl all all all scram-sha-256")
        .await;
    let only = [row("ca.pem", [refused, "", "", "", "", ""])];
    matrix(&place, "hostssl", &only).await;
    place
        .serve(
            Some(&identities.good),
            "hostnossl all all all scram-sha-256",
        )
        .await;
    let only = [row("ca.pem", ["", "", "", refused, refused, refused])];
    matrix(&place, "hostnossl", &only).await;
}

#[tokio::test]
async fn a_server_may_demand_a_certificate_of_ours() {
    let place = Place::new().await;
    let identities = Identities::put(&place);
    place
        .serve(Some(&identities.good), "hostssl all all all cert")
        .await;
    let file = |name: &str| quoted(place.files.path().join(name).to_str().unwrap());
    let with = |certificate: &str, key: &str| {
        let root = file("ca.pem");
        let (certificate, key) = (file(certificate), file(key));
        format!("sslrootcert = {root}\nsslcert = {certificate}\nsslkey = {key}")
    };
    let check = async |keys: &str, code, says: &str| {
        let config = place.config("certificate", "localhost", keys);
        walferry(&config, &["check"]).await.ended(code, &[says]);
    };
    check(&with("client.pem", "client.key"), 0, "failures 0").await;
    let bare = format!("sslrootcert = {}", file("ca.pem"));
    check(&bare, 3, "requires a valid client certificate").await;
    let stranger = with("stranger.pem", "stranger.key");
    check(&stranger, 3, "was refused by the server").await;
    check(&with("client.pem", "good.key"), 3, "sslkey is the key of").await;
    check(&with("client.pem", "ca.pem"), 3, "holds no private key").await;
    check(
        &with("nowhere.pem", "client.key"),
        2,
        "source.sslcert names",
    )
    .await;

    let config = place.config(
        "certificate",
        "localhost",
        &with("client.pem", "client.key"),
    );
    let sessions = "s.ssl AND s.client_dn = '/CN=walferry'";
    place.run(&config, &[], sessions).await;
}

#[tokio::test]
async fn a_pipeline_runs_wholly_encrypted_or_wholly_plain_as_it_was_told() {
    let place = Place::new().await;
    let identities = Identities::put(&place);
    place.serve(Some(&identities.good), PASSWORD_RULE).await;
    let root = quoted(place.files.path().join("ca.pem").to_str().unwrap());
    let keys = format!("sslrootcert = {root}\npassword_file = \"password\"");
    let config = place.config("full", "localhost", &keys);
    place.run(&config, &[], "s.ssl").await;

    let keys = "sslmode = \"disable\"\npassword_file = \"password\"";
    let config = place.config("plain", "localhost", keys);
    place.run(&config, &[], "NOT s.ssl").await;
}

#[tokio::test]
async fn a_password_may_come_from_every_place_and_by_every_method() {
    let place = Place::new().await;
    let identities = Identities::put(&place);
    let rules = "local all walferry scram-sha-256\nhost all of_md5 all md5\n\
                 host all walferry 127.0.0.1/32 password\nhost all walferry ::1/128 password\n\
                 host all walferry all scram-sha-256";
    place.serve(Some(&identities.good), rules).await;
    let plain = "sslmode = \"disable\"\n";
    let in_file = format!("{plain}password_file = \"password\"");
    let check = async |name: &str, host: &str, keys: &str| {
        let config = place.config(name, host, keys);
        walferry(&config, &["check"])
            .await
            .ended(0, &["failures 0"]);
    };
    // in the clear only because it stays on this machine
    check("clear", "127.0.0.1", &in_file).await;
    check("md5", "127.0.0.1", &format!("user = \"of_md5\"\n{in_file}")).await;
    let command = "password_command = [\"cat\", \"password\"]";
    check("command", "127.0.0.1", &format!("{plain}{command}")).await;
    let inline = format!("{plain}password = {}", quoted(PASSWORD));
    check("inline", "127.0.0.1", &inline).await;

    let socket = place
        .cluster
        .socket_directory()
        .to_str()
        .unwrap()
        .to_owned();
    let config = place.config("socket", &socket, "password_file = \"password\"");
    place
        .run(&config, &[], "NOT s.ssl AND a.client_addr IS NULL")
        .await;

    let variables = [
        ("WALFERRY__SOURCE__PASSWORD", PASSWORD),
        ("WALFERRY__DESTINATION__PASSWORD", PASSWORD),
    ];
    let config = place.config("variable", "127.0.0.1", plain);
    place.run(&config, &variables, "NOT s.ssl").await;
    place.run(&by_url(&place), &[], "NOT s.ssl").await;
}

/// Both sides as one line, with everything encoded that may be.
fn by_url(place: &Place) -> PathBuf {
    let password: Vec<String> = PASSWORD
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    let password = password.concat();
    let url = |database: &str| {
        let port = place.cluster.port();
        format!("postgresql://walferry:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
    };
    let text = format!(
        "[pipeline]\nname = \"app\"\n[source]\nurl = \"{}\"\n\
         [destination]\nurl = \"{}\"\nschema_prefix = \"app\"\n[observability]\nlisten = \"off\"\n",
        url("app"),
        url("warehouse")
    );
    write_private(place.home.path().join("url.toml"), &text)
}

#[tokio::test]
async fn a_password_never_leaves_the_machine_in_the_clear() {
    let Some(outside) = outside_address() else {
        eprintln!("SKIPPED: this machine has no address but those of itself");
        return;
    };
    let place = Place::new().await;
    let identities = Identities::put(&place);
    let outside = outside.to_string();
    let check = async |mode: &str| {
        let keys = format!("sslmode = \"{mode}\"\npassword_file = \"password\"");
        let config = place.config("outside", &outside, &keys);
        walferry(&config, &["check"]).await
    };
    let rule = "host all all all password";
    place.serve(None, rule).await;
    for mode in ["disable", "allow", "prefer"] {
        let ran = check(mode).await.ended(3, &[" → "]);
        assert!(ran.out.contains("in the clear"), "{mode}: {}", ran.out);
    }
    place.serve(Some(&identities.good), rule).await;
    check("require").await.ended(0, &["failures 0"]);
    check("prefer").await.ended(0, &["failures 0"]);
    check("disable").await.ended(3, &["in the clear"]);
    // scram proves the password without showing it
    place.serve(None, PASSWORD_RULE).await;
    check("disable").await.ended(0, &["failures 0"]);
}

/// An address of this machine that is not its own loopback.
fn outside_address() -> Option<IpAddr> {
    // sends nothing: it only asks which address would be used
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}
