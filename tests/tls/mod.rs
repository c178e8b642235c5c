//! Every `sslmode` against every sort of server, every way to prove who we are, and whoever may
//! stand between.

mod between;
mod identities;
mod logins;
mod matrix;
mod passwords;
mod silence;

use std::path::{Path, PathBuf};
use std::time::Instant;

use identities::Identity;
use tokio_postgres::Client;
use walferry::demo::binaries::Binaries;
use walferry::demo::cluster::{Auth, Cluster};
use walferry::demo::scratch::Scratch;
use walferry::sql::Literal;

use crate::support::PATIENCE;
use crate::support::{CANARY, Running, majors, quoted, walferry_with, write_private};

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
        Place::on(majors().await[0]).await
    }

    async fn on(major: u32) -> Place {
        let binaries = Binaries::find(Some(major)).await.unwrap();
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
            assert!(started.elapsed() < PATIENCE, "it does not reload");
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

    /// The file as TOML, or libpq, names it.
    fn file(&self, name: &str) -> String {
        quoted(self.files.path().join(name).to_str().unwrap())
    }

    /// A setting of the server, from the next [`Place::serve`] on.
    async fn set(&self, name: &str, value: &str) {
        let set = format!("ALTER SYSTEM SET {name} = {}", Literal(value));
        self.administrator.batch_execute(&set).await.unwrap();
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
            assert!(started.elapsed() < PATIENCE, "{}", running.log());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        running.drain().await;
        walferry_with(config, &["teardown", "--drop-data", "--yes"], environment)
            .await
            .ended(0, &["Done."]);
    }
}

const PASSWORD_RULE: &str = "host all all all scram-sha-256";
