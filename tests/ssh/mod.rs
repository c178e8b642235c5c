//! Both databases behind a bastion with a real sshd: who is let through, who is refused and how
//! that is said, and that nothing goes another way.

mod host_keys;
mod silence;

use std::path::{Path, PathBuf};
use std::process::Command;

use walferry::demo::cluster::Cluster;

use crate::support::sshd::{Agent, BEHIND, Sshd, succeeds, through};
use crate::support::{
    CANARY, Daemon, Pair, Ran, assert_discreet, compare, do_on, drain, equal_soon, majors, quoted,
    until, walferry, write_private,
};

/// A pair of which walferry is only told a name that the bastion alone can look up.
struct Place {
    pair: Pair,
    sshd: Sshd,
}

impl Place {
    async fn new() -> Place {
        Place::with("").await
    }

    async fn with(rules: &str) -> Place {
        let major = *majors().await.last().unwrap();
        let settings = [("log_connections", "on")];
        let pair = Pair::with_settings(major, &settings, &settings).await;
        let source = pair.on_source().await;
        do_on(
            &source,
            &format!(
                "CREATE TABLE t (id int PRIMARY KEY, v text);
                 INSERT INTO t SELECT i, '{CANARY}' FROM generate_series(1, 2000) AS i"
            ),
        )
        .await;
        Place {
            pair,
            sshd: Sshd::with(rules).await,
        }
    }

    fn folder(&self) -> &Path {
        self.pair.directory()
    }

    /// Through the bastion with these keys of both sections, and the usual ones where they say
    /// nothing.
    fn config(&self, name: &str, more: &str) -> PathBuf {
        self.config_to(BEHIND, name, &self.sshd.keys(self.folder(), more))
    }

    fn config_to(&self, host: &str, name: &str, keys: &str) -> PathBuf {
        through(&self.pair, host, name, keys)
    }

    async fn check(&self, more: &str) -> Ran {
        walferry(&self.config("check.toml", more), &["check"]).await
    }

    /// A `known_hosts` file with this content, as a line of the section.
    fn known(&self, content: &str) -> String {
        let path = write_private(self.folder().join("other_known_hosts"), content);
        format!("known_hosts_file = {}", quoted(path.to_str().unwrap()))
    }

    /// The private key of this name, as a line of the section.
    fn key(&self, name: &str) -> String {
        let path = self.sshd.private(name, self.folder());
        format!("private_key_file = {}", quoted(path.to_str().unwrap()))
    }
}

const LET_IN: &[&str] = &["failures 0", "The SSH server let us through"];

#[tokio::test]
async fn every_connection_goes_through_the_bastion() {
    let place = Place::new().await;
    let config = place.config("all.toml", "");
    let direct = place.config_to(BEHIND, "direct.toml", "");
    let direct = std::fs::read_to_string(direct).unwrap();
    let direct = direct
        .replace("[source.ssh]\n", "")
        .replace("[destination.ssh]\n", "");
    let direct = write_private(place.folder().join("direct.toml"), &direct);
    walferry(&direct, &["check"])
        .await
        .ended(3, &["Could not reach db.behind.test"]);

    walferry(&config, &["check"]).await.ended(0, LET_IN);
    walferry(&config, &["discover"]).await.ended(0, &["t"]);
    let mut daemon = Daemon::start_on(&place.pair, &config);
    daemon.wait_ready().await;
    compare(&place.pair).await;
    let source = place.pair.on_source().await;
    do_on(&source, "UPDATE t SET v = v || '!' WHERE id % 7 = 0").await;
    // a table that comes later is read through a slot and sessions of its own
    do_on(
        &source,
        "CREATE TABLE late (id int PRIMARY KEY); INSERT INTO late VALUES (1)",
    )
    .await;
    equal_soon(&place.pair).await;
    // it starts again once more to follow that table
    let settled = |log: &str| {
        let loaded = log.rsplit_once("table loaded table=public.late");
        loaded.is_some_and(|(_, after)| after.contains("streaming lsn="))
    };
    while !settled(&daemon.log()) {
        assert_eq!(daemon.ended(), None, "{}", daemon.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    walferry(&config, &["status"])
        .await
        .ended(0, &["streaming"]);
    assert_discreet(&place.pair, &daemon).await;
    drain(&place.pair, daemon).await;
    walferry(&config, &["teardown", "--drop-data", "--yes"])
        .await
        .ended(0, &["Done."]);
}

#[tokio::test]
async fn keys_of_every_sort_are_taken() {
    let place = Place::new().await;
    let sshd = &place.sshd;
    let sorts: [(&str, &[&str]); 7] = [
        ("ecdsa", &["-t", "ecdsa", "-b", "256"]),
        ("ecdsa384", &["-t", "ecdsa", "-b", "384"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("ecdsa_pkcs8", &["-t", "ecdsa", "-m", "PKCS8"]),
        ("rsa_pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
        ("rsa_pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("ed25519", &["-t", "ed25519"]),
    ];
    for (name, arguments) in sorts {
        sshd.keygen(name, arguments);
        sshd.authorize(&sshd.text(&format!("{name}.pub")));
        place.check(&place.key(name)).await.ended(0, LET_IN);
    }
    let accepted = sshd.log();
    assert!(accepted.contains("Accepted publickey"), "{accepted}");
    assert!(!accepted.contains("ssh-rsa SHA1"), "{accepted}");
}

#[tokio::test]
async fn a_passphrase_may_come_from_every_place_and_is_shown_nowhere() {
    let place = Place::new().await;
    let sshd = &place.sshd;
    let secret = format!("{CANARY} größe");
    sshd.keygen("locked", &["-t", "ed25519", "-N", &secret]);
    sshd.keygen("pkcs8", &["-t", "ecdsa", "-m", "PKCS8", "-N", &secret]);
    let file = write_private(place.folder().join("passphrase"), &format!("{secret}\n"));
    let file = quoted(file.to_str().unwrap());
    for name in ["locked", "pkcs8"] {
        sshd.authorize(&sshd.text(&format!("{name}.pub")));
        let key = place.key(name);
        let with = async |line: String| place.check(&format!("{key}\n{line}")).await;
        with(format!("passphrase_file = {file}"))
            .await
            .ended(0, LET_IN);
        let ran = with(String::new()).await;
        ran.ended(3, &["needs a passphrase", "passphrase_file"]);
        let ran = with(format!("passphrase = \"not {CANARY}\"")).await;
        ran.ended(3, &["the passphrase is wrong"]);
    }
    sshd.authorize(&sshd.text("locked.pub"));
    let key = place.key("locked");
    let inline = format!("{key}\npassphrase = {}", quoted(&secret));
    place.check(&inline).await.ended(0, LET_IN);
    let command = format!("{key}\npassphrase_command = [\"cat\", {file}]");
    place.check(&command).await.ended(0, LET_IN);
    // a key that needs none
    sshd.authorize(&sshd.text("id_ed25519.pub"));
    let ran = place.check(&format!("passphrase_file = {file}")).await;
    ran.ended(0, LET_IN);
}

#[tokio::test]
async fn an_agent_may_hold_the_key_and_a_certificate_may_vouch_for_it() {
    let place = Place::new().await;
    let sshd = &place.sshd;
    for (name, sort) in [
        ("user_ca", "ed25519"),
        ("other", "ed25519"),
        ("member", "rsa"),
    ] {
        sshd.keygen(name, &["-t", sort]);
    }
    let agent = Agent::with(
        place.folder(),
        &[sshd.file("other"), sshd.file("id_ed25519")],
    );
    let socket = quoted(agent.socket.to_str().unwrap());
    place
        .check(&format!("agent_socket = {socket}"))
        .await
        .ended(0, LET_IN);

    sshd.authorize(&format!("cert-authority {}", sshd.text("user_ca.pub")));
    for name in ["member", "id_ed25519"] {
        let key = place.key(name);
        place
            .check(&key)
            .await
            .ended(3, &["refuses the key", "publickey"]);
        let mut sign = Command::new("ssh-keygen");
        sign.arg("-q").arg("-s").arg(sshd.file("user_ca"));
        sign.args(["-I", "walferry", "-n", &sshd.user]);
        succeeds(sign.arg(sshd.file(&format!("{name}.pub"))));
        let certificate = sshd.file(&format!("{name}-cert.pub"));
        let line = format!(
            "certificate_file = {}",
            quoted(certificate.to_str().unwrap())
        );
        place
            .check(&format!("{key}\n{line}"))
            .await
            .ended(0, LET_IN);
        if name == "id_ed25519" {
            let held = format!("agent_socket = {socket}\n{line}");
            place.check(&held).await.ended(0, LET_IN);
            let ran = place
                .check(&format!("{}\n{line}", place.key("member")))
                .await;
            ran.ended(3, &["certificate_file is not of the key"]);
        }
    }
    drop(agent);
    let ran = place.check(&format!("agent_socket = {socket}")).await;
    ran.ended(3, &["The SSH agent at", "cannot be reached"]);
}

#[tokio::test]
async fn what_the_bastion_refuses_is_named_with_the_bastion_and_the_rule() {
    let mut place = Place::new().await;
    let address = format!("127.0.0.1:{}", place.sshd.port);
    let public = place.sshd.text("id_ed25519.pub");
    let usual = place.sshd.keys(place.folder(), "");
    let nobody = usual.replace(&quoted(&place.sshd.user), "\"nobody-at-all\"");
    let config = place.config_to(BEHIND, "nobody.toml", &nobody);
    let ran = walferry(&config, &["check"]).await;
    ran.ended(
        3,
        &[
            &address,
            "refuses the key of \"nobody-at-all\"",
            "publickey",
        ],
    );

    let denied = "does not let us through to db.behind.test:";
    let said = "open failed";
    place.sshd.authorize(&format!("restrict {public}"));
    place
        .check("")
        .await
        .ended(3, &[denied, said, "AllowTcpForwarding"]);
    let only = "restrict,port-forwarding,permitopen=\"elsewhere:1\"";
    place.sshd.authorize(&format!("{only} {public}"));
    place
        .check("")
        .await
        .ended(3, &[denied, said, "permitopen"]);
    let ports = [place.pair.source.port(), place.pair.destination.port()];
    let open = ports
        .map(|port| format!("permitopen=\"{BEHIND}:{port}\""))
        .join(",");
    place
        .sshd
        .authorize(&format!("restrict,port-forwarding,{open} {public}"));
    place.check("").await.ended(0, LET_IN);

    place.sshd.authorize(&public);
    let config = place.config_to("nowhere.invalid", "name.toml", &usual);
    let ran = walferry(&config, &["check"]).await;
    ran.ended(3, &[&address, "could not connect to nowhere.invalid:"]);
    place.sshd.down();
    let ran = place.check("").await;
    ran.ended(3, &["Could not reach the SSH server", &address, "refused"]);
}

#[tokio::test]
async fn several_servers_may_be_on_the_way_and_each_has_its_own_key() {
    let place = Place::new().await;
    let first = Sshd::start().await;
    let second = &place.sshd;
    let known = first.known("host_ed25519.pub") + &second.known("host_ed25519.pub");
    let known = write_private(place.folder().join("both"), &known);
    let key = place.folder().join("outer");
    std::fs::create_dir(&key).unwrap();
    let key = first.private("id_ed25519", &key);
    let files = format!("known_hosts_file = {}", quoted(known.to_str().unwrap()));
    let more = |inner: &str, outer: &str| {
        format!(
            "{}\n{inner}\n[[SIDE.ssh.jump]]\nhost = \"127.0.0.1\"\nport = {}\n\
             private_key_file = {}\n{outer}\n",
            place.key("id_ed25519"),
            first.port,
            quoted(key.to_str().unwrap()),
        )
    };
    let config = place.config("jump.toml", &more(&files, ""));
    let ran = walferry(&config, &["check"]).await;
    let ran = ran.ended(0, LET_IN);
    for port in [first.port, second.port] {
        assert!(
            ran.out.contains(&format!("127.0.0.1:{port}")),
            "{}",
            ran.out
        );
    }
    assert!(first.log().contains("Accepted") && second.log().contains("Accepted"));
    let mut daemon = Daemon::start_on(&place.pair, &config);
    daemon.wait_ready().await;
    compare(&place.pair).await;
    drain(&place.pair, daemon).await;
    let pin = "host_key = \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"";
    let ran = place.check(&more(&files, pin)).await;
    ran.ended(
        3,
        &[
            &format!("[127.0.0.1]:{}", first.port),
            "IS NOT THE PINNED ONE",
        ],
    );
}

#[tokio::test]
async fn a_unix_socket_behind_the_bastion_is_reached() {
    let place = Place::new().await;
    let keys = place.sshd.keys(place.folder(), "");
    let socket =
        |side: &walferry::demo::cluster::Cluster| quoted(side.socket_directory().to_str().unwrap());
    let config = place.config_to("SOCKET", "socket.toml", &keys);
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replacen("\"SOCKET\"", &socket(&place.pair.source), 1);
    let text = text.replacen("\"SOCKET\"", &socket(&place.pair.destination), 1);
    write_private(config.clone(), &text);
    walferry(&config, &["check"]).await.ended(0, LET_IN);
    let mut daemon = Daemon::start_on(&place.pair, &config);
    daemon.wait_ready().await;
    compare(&place.pair).await;
    drain(&place.pair, daemon).await;
}

#[tokio::test]
async fn a_bastion_that_lets_in_two_at_a_time_is_enough_for_many_workers() {
    let place = Place::with("MaxStartups 2").await;
    let source = place.pair.on_source().await;
    for number in 1..=12 {
        let table = format!(
            "CREATE TABLE t{number} (id int PRIMARY KEY);
             INSERT INTO t{number} SELECT generate_series(1, 100)"
        );
        do_on(&source, &table).await;
    }
    let config = place.config("workers.toml", "");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text += "[snapshot]\nworkers = 4\n";
    write_private(config.clone(), &text);
    let mut daemon = Daemon::start_on(&place.pair, &config);
    daemon.wait_ready().await;
    compare(&place.pair).await;
    drain(&place.pair, daemon).await;
}

/// Gives a server a certificate for `name`, and waits until it shows it; the certificate.
async fn encrypt(server: &Cluster, name: &str) -> String {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = made.cert.pem();
    for (file, content) in [
        ("server.crt", &certificate),
        ("server.key", &made.signing_key.serialize_pem()),
    ] {
        let path = write_private(server.data_directory().join(file), content);
        if let Some(user) = server.binaries().user() {
            std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).unwrap();
        }
    }
    let administrator = server.superuser("postgres").await.unwrap();
    do_on(&administrator, "ALTER SYSTEM SET ssl = on").await;
    do_on(&administrator, "SELECT pg_reload_conf()").await;
    until(&administrator, "SELECT current_setting('ssl') = 'on'").await;
    certificate
}

#[tokio::test]
async fn tls_inside_the_tunnel_verifies_the_name_behind_the_bastion() {
    let place = Place::new().await;
    let (source, destination) = (&place.pair.source, &place.pair.destination);
    let roots = encrypt(source, BEHIND).await + &encrypt(destination, BEHIND).await;
    let roots = write_private(place.folder().join("roots.pem"), &roots);
    let config = place.config("tls.toml", "");
    let text = std::fs::read_to_string(&config).unwrap();
    let verify = format!(
        "sslmode = \"verify-full\"\nsslrootcert = {}",
        quoted(roots.to_str().unwrap())
    );
    write_private(
        config.clone(),
        &text.replace("sslmode = \"disable\"", &verify),
    );
    walferry(&config, &["check"]).await.ended(0, LET_IN);
    let mut daemon = Daemon::start_on(&place.pair, &config);
    daemon.wait_ready().await;
    let administrator = source.superuser("app").await.unwrap();
    let all = "SELECT bool_and(s.ssl) FROM pg_stat_activity AS a JOIN pg_stat_ssl AS s USING (pid)
               WHERE a.application_name LIKE 'walferry%' AND a.state IS NOT NULL";
    until(&administrator, all).await;
    drain(&place.pair, daemon).await;
    // the server behind has another name than the one that was asked for
    let by_address = std::fs::read_to_string(&config)
        .unwrap()
        .replace(BEHIND, "127.0.0.1");
    let config = write_private(place.folder().join("address.toml"), &by_address);
    walferry(&config, &["check"])
        .await
        .ended(3, &["has another name"]);
}
