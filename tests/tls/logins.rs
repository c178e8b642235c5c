//! Client certificates, and pipelines that are encrypted as a whole or not at all: by `check` and
//! by a short `run`, so that SQL sessions, COPY and the replication stream are all meant.

use super::identities::Identities;
use super::{PASSWORD_RULE, Place};
use crate::support::{quoted, walferry, walferry_with, write_private};

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

/// Runs openssl in the folder of the files.
fn openssl(place: &Place, arguments: &[&str]) {
    let mut command = std::process::Command::new("openssl");
    let ran = command
        .args(arguments)
        .current_dir(place.files.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "openssl {arguments:?}: {said}");
}

#[tokio::test]
async fn the_key_of_a_client_certificate_may_have_any_form_and_a_passphrase() {
    let place = Place::new().await;
    let identities = Identities::put(&place);
    let rules = "hostssl all all all cert";
    place.serve(Some(&identities.good), rules).await;
    let check = async |certificate: &str, key: &str, more: &str, code, says: &str| {
        let keys = format!(
            "sslrootcert = {}\nsslcert = {}\nsslkey = {}\n{more}",
            place.file("ca.pem"),
            place.file(certificate),
            place.file(key)
        );
        let config = place.config("key", "localhost", &keys);
        let ran = walferry(&config, &["check"]).await;
        ran.ended(code, &[says])
    };
    // an RSA key for PKCS #1; the others are of elliptic curves
    openssl(
        &place,
        &["genrsa", "-traditional", "-out", "rsa.pkcs1", "2048"],
    );
    openssl(&place, &["pkey", "-in", "rsa.pkcs1", "-out", "rsa.key"]);
    let text = |name: &str| std::fs::read_to_string(place.files.path().join(name)).unwrap();
    assert!(text("rsa.pkcs1").contains("BEGIN RSA PRIVATE KEY"));
    let rsa = rcgen::KeyPair::from_pem(&text("rsa.key")).unwrap();
    let mut named = rcgen::CertificateParams::new(Vec::new()).unwrap();
    named
        .distinguished_name
        .push(rcgen::DnType::CommonName, "walferry");
    let rsa = identities.ca.sign("rsa", &rsa, &named);
    place.put("rsa.pem", &rsa.certificate);
    openssl(&place, &["ec", "-in", "client.key", "-out", "client.sec1"]);
    assert!(text("client.sec1").contains("BEGIN EC PRIVATE KEY"));
    let encrypt = [
        "pkcs8",
        "-topk8",
        "-in",
        "client.key",
        "-passout",
        "file:phrase",
    ];
    write_private(place.files.path().join("phrase"), "k4n4r1env0gel ü");
    for (name, how) in [
        ("client.aes", &["-v2", "aes256"][..]),
        ("client.scrypt", &["-scrypt"]),
        ("client.des", &["-v1", "PBE-SHA1-3DES"]),
    ] {
        openssl(&place, &[&encrypt, how, &["-out", name]].concat());
    }
    for name in [
        "client.sec1",
        "client.aes",
        "client.scrypt",
        "client.des",
        "rsa.pkcs1",
    ] {
        place.put(name, &text(name));
    }

    check("rsa.pem", "rsa.pkcs1", "", 0, "failures 0").await;
    check("client.pem", "client.sec1", "", 0, "failures 0").await;
    let locked = "is encrypted with a passphrase";
    check("client.pem", "client.aes", "", 3, locked).await;
    let phrase = format!("sslpassword_file = {}", place.file("phrase"));
    for key in ["client.key", "client.aes", "client.scrypt"] {
        check("client.pem", key, &phrase, 0, "failures 0").await;
    }
    // the time that it takes is not the server's
    let command = "connect_timeout = \"3s\"\n\
                   sslpassword_command = [\"sh\", \"-c\", \"sleep 3.5; printf 'k4n4r1env0gel ü'\"]";
    check("client.pem", "client.aes", command, 0, "failures 0").await;
    let wrong = "sslpassword = \"k4n4r1env0gel\"";
    check("client.pem", "client.aes", wrong, 3, "sslpassword is wrong").await;
    let unknown = "a way that walferry does not know";
    check("client.pem", "client.des", &phrase, 3, unknown).await;

    // with all of it in one line, and by the stream too
    let port = place.cluster.port();
    let file = |name: &str| place.files.path().join(name).display().to_string();
    let url = |database: &str| {
        format!(
            "url = \"postgresql://walferry@localhost:{port}/{database}?sslmode=verify-full\
             &sslrootcert={}&sslcert={}&sslkey={}&sslpassword=k4n4r1env0gel%20%C3%BC\"",
            file("ca.pem"),
            file("client.pem"),
            file("client.aes")
        )
    };
    let text = format!(
        "[pipeline]\nname = \"app\"\n[source]\n{}\n[destination]\n{}\nschema_prefix = \"app\"\n\
         [observability]\nlisten = \"off\"\n",
        url("app"),
        url("warehouse")
    );
    let config = write_private(place.home.path().join("url.toml"), &text);
    place
        .run(&config, &[], "s.ssl AND s.client_dn = '/CN=walferry'")
        .await;
}

#[tokio::test]
async fn check_warns_of_a_server_elsewhere_that_proves_nothing() {
    let place = Place::new().await;
    // nobody is there: what is said needs no answer
    for (host, mode, warns) in [
        ("192.0.2.1", "disable", true),
        ("192.0.2.1", "prefer", true),
        ("192.0.2.1", "require", true),
        ("192.0.2.1", "verify-ca", false),
        ("localhost", "disable", false),
    ] {
        let keys = format!("sslmode = \"{mode}\"\nconnect_timeout = \"10ms\"");
        let config = place.config("weak", host, &keys);
        let ran = walferry(&config, &["check"]).await;
        let warned = ran.out.contains("whoever is on the way");
        assert_eq!(warned, warns, "{host} {mode}: {}", ran.out);
    }
}

#[tokio::test]
async fn the_roots_of_the_machine_vouch_for_a_server_where_the_configuration_says_system() {
    let place = Place::new().await;
    let identities = Identities::put(&place);
    let keys = "sslrootcert = \"system\"\npassword_file = \"password\"";
    let config = place.config("system", "localhost", keys);
    place.put("none.pem", "");
    let file = |name: &str| place.files.path().join(name).display().to_string();
    let check = async |roots: &str, code, says: &str| {
        let roots = file(roots);
        let machine = [("SSL_CERT_FILE", roots.as_str()), ("SSL_CERT_DIR", "")];
        let ran = walferry_with(&config, &["check"], &machine).await;
        ran.ended(code, &[says]);
    };
    place.serve(Some(&identities.good), PASSWORD_RULE).await;
    check("ca.pem", 0, "failures 0").await;
    check("other.pem", 3, "no trusted root has signed").await;
    check("none.pem", 3, "This machine has no trusted roots").await;
    let roots = file("ca.pem");
    let machine = [("SSL_CERT_FILE", roots.as_str()), ("SSL_CERT_DIR", "")];
    place.run(&config, &machine, "s.ssl").await;

    place.serve(Some(&identities.other), PASSWORD_RULE).await;
    check("ca.pem", 3, "no trusted root has signed").await;
    check("other.pem", 0, "failures 0").await;
    place
        .serve(Some(&identities.elsewhere), PASSWORD_RULE)
        .await;
    check("ca.pem", 3, "has another name").await;
}
