//! Where passwords come from, how they are sent, and how they are changed.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use walferry::source::{Connection, Mode};
use walferry::sql::Literal;

use super::identities::Identities;
use super::{PASSWORD, PASSWORD_RULE, Place};
use crate::support::PATIENCE;
use crate::support::{Running, quoted, walferry, walferry_with, write_private};

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
    // the time that it takes is not the server's
    let command = "connect_timeout = \"3s\"\n\
                   password_command = [\"sh\", \"-c\", \"sleep 3.5; cat password\"]";
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

/// Both sides as one line, with everything encoded that may be but letters and digits, by which
/// the password would be found.
fn by_url(place: &Place) -> PathBuf {
    let password: Vec<String> = PASSWORD
        .bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
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

#[tokio::test]
async fn an_md5_hash_leaves_the_machine_in_the_clear_only_where_that_is_allowed() {
    let Some(outside) = outside_address() else {
        eprintln!("SKIPPED: this machine has no address but those of itself");
        return;
    };
    let place = Place::new().await;
    let identities = Identities::put(&place);
    place.serve(None, "host all all all md5").await;
    let outside = outside.to_string();
    let check = async |keys: &str| {
        let keys = format!("user = \"of_md5\"\npassword_file = \"password\"\n{keys}");
        let config = place.config("hash", &outside, &keys);
        walferry(&config, &["check"]).await
    };
    let plain = "sslmode = \"disable\"";
    let ran = check(plain).await;
    ran.ended(
        3,
        &["an md5 hash of the password in the clear", "md5_in_clear"],
    );
    let allowed = format!("{plain}\nmd5_in_clear = true");
    check(&allowed).await.ended(0, &["failures 0"]);
    place
        .serve(Some(&identities.good), "host all all all md5")
        .await;
    check("sslmode = \"require\"")
        .await
        .ended(0, &["failures 0"]);

    // the replication connection logs in by itself
    let keys = "user = \"of_md5\"\npassword_file = \"password\"\nsslmode = \"disable\"";
    let config = place.config("hash", &outside, keys);
    let endpoint = walferry::config::load(Some(&config))
        .unwrap()
        .source
        .endpoint;
    let opened = Connection::open(&endpoint, "hash", Mode::Replication).await;
    let error = opened.err().unwrap();
    assert!(error.to_string().contains("an md5 hash"), "{error}");
}

#[tokio::test]
async fn a_password_file_of_libpq_is_used_like_libpq_does() {
    let place = Place::new().await;
    let escaped = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
    let port = place.cluster.port();
    let lines = format!(
        "# of the tests\nelsewhere:*:*:*:wrong\n127.0.0.1:{port}:app:walferry:{escaped}\n\
         *:*:warehouse:*:{escaped}\n*:*:*:*:wrong\n"
    );
    let file = write_private(place.home.path().join("pgpass"), &lines);
    let plain = "sslmode = \"disable\"\n";
    let config = place.config(
        "named",
        "127.0.0.1",
        &format!("{plain}passfile = \"pgpass\""),
    );
    place.run(&config, &[], "NOT s.ssl").await;

    // where libpq finds it by itself
    let config = place.config("found", "127.0.0.1", plain);
    let named = [("PGPASSFILE", file.to_str().unwrap())];
    let ran = walferry_with(&config, &["check"], &named).await;
    ran.ended(0, &["failures 0"]);
    let home = tempfile::tempdir().unwrap();
    let path = write_private(home.path().join(".pgpass"), &lines);
    let variables = [("HOME", home.path().to_str().unwrap()), ("PGPASSFILE", "")];
    let ran = walferry_with(&config, &["check"], &variables).await;
    ran.ended(0, &["failures 0"]);
    let others = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(&path, others).unwrap();
    let ran = walferry_with(&config, &["check"], &variables).await;
    ran.ended(3, &["is not used, since others can get at it (mode 0640)"]);
    // what libpq takes from elsewhere is not taken
    let none = [
        ("HOME", "/nowhere"),
        ("PGPASSFILE", ""),
        ("PGPASSWORD", PASSWORD),
    ];
    let ran = walferry_with(&config, &["check"], &none).await;
    ran.ended(3, &["passfile"]);
}

#[tokio::test]
async fn a_password_may_be_a_systemd_credential() {
    let place = Place::new().await;
    place.serve(None, PASSWORD_RULE).await;
    // as `LoadCredential` leaves them: in a folder of the service, whose files seem open to others
    let credentials = place.home.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    let folder = credentials.to_str().unwrap();
    for side in ["source", "destination"] {
        let path = write_private(credentials.join(side), PASSWORD);
        let others = std::fs::Permissions::from_mode(0o444);
        std::fs::set_permissions(&path, others).unwrap();
    }
    let [source, destination] =
        ["source", "destination"].map(|side| format!("password_file = \"credentials/{side}\""));
    let config = config_of_both(&place, "credential", &source, &destination);
    let check = async |folder: &str| {
        let service = [("CREDENTIALS_DIRECTORY", folder)];
        walferry_with(&config, &["check"], &service).await
    };
    check(folder).await.ended(0, &["failures 0"]);
    let service = [("CREDENTIALS_DIRECTORY", folder)];
    place.run(&config, &service, "NOT s.ssl").await;
    // outside of the service they are files like any other
    let ran = check("").await;
    ran.ended(2, &["source.password_file names", "mode 0444"]);

    std::fs::remove_file(credentials.join("destination")).unwrap();
    let ran = check(folder).await.ended(
        2,
        &[
            "destination.password_file names",
            "credentials/destination, which cannot be read: No such file",
            "LoadCredential=destination:",
        ],
    );
    let of_source = ran.err.contains("source.password_file");
    assert!(!of_source, "{}", ran.err);
}

/// In the clear to this machine, with a way to the password for each side.
fn config_of_both(place: &Place, name: &str, source: &str, destination: &str) -> PathBuf {
    let config = place.config(name, "127.0.0.1", "sslmode = \"disable\"\nWAY");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replacen("WAY", source, 1);
    write_private(config, &text.replacen("WAY", destination, 1))
}

#[tokio::test]
async fn a_password_is_changed_under_way_without_a_restart() {
    let place = Place::new().await;
    place.serve(None, PASSWORD_RULE).await;
    let home = place.home.path().to_str().unwrap();
    let variables = [("HOME", home), ("PGPASSFILE", "")];
    put_password(&place, PASSWORD);
    let command = "password_command = [\"cat\", \"password\"]";
    for (name, of_source, of_destination) in [
        (
            "read",
            "password_file = \"password\"",
            "passfile = \".pgpass\"",
        ),
        // the latter where libpq looks by itself
        ("found", command, ""),
    ] {
        let config = config_of_both(&place, name, of_source, of_destination);
        let running = Running::start(&config, &variables);
        changes_its_password(&place, &running).await;
        running.drain().await;
    }
}

/// In every file that has it.
fn put_password(place: &Place, password: &str) {
    let home = place.home.path();
    write_private(home.join("password"), password);
    let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
    write_private(home.join(".pgpass"), &format!("*:*:*:*:{escaped}\n"));
}

/// To another one and back, each time with all sessions ended.
async fn changes_its_password(place: &Place, running: &Running) {
    let source = place.cluster.superuser("app").await.unwrap();
    let destination = place.cluster.superuser("warehouse").await.unwrap();
    let started = Instant::now();
    // until then it still opens sessions, with the password as it was read for each
    while !running.log().contains(" streaming ") {
        assert!(started.elapsed() < PATIENCE, "{}", running.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for password in [format!("another {PASSWORD}"), PASSWORD.to_owned()] {
        put_password(place, &password);
        let change = format!("ALTER ROLE walferry PASSWORD {}", Literal(&password));
        source.batch_execute(&change).await.unwrap();
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE usename = 'walferry'";
        source.execute(end, &[]).await.unwrap();
        let insert = "INSERT INTO t SELECT max(id) + 1, 'x' FROM t RETURNING id::bigint";
        let rows: i64 = source.query_one(insert, &[]).await.unwrap().get(0);
        let count = "SELECT count(*) FROM app_public.t";
        let changed = Instant::now();
        let copied = async || {
            let row = destination.query_one(count, &[]).await.unwrap();
            row.get::<_, i64>(0)
        };
        while copied().await < rows {
            assert!(changed.elapsed() < PATIENCE, "{}", running.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// An address of this machine that is not its own loopback.
fn outside_address() -> Option<IpAddr> {
    // sends nothing: it only asks which address would be used
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}
