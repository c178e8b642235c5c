//! A source and a destination with the roles of the documentation.

use std::path::{Path, PathBuf};

use tokio_postgres::{Client, NoTls};
use walferry::demo::binaries::Binaries;
use walferry::demo::cluster::{Auth, Cluster};
use walferry::demo::port::Port;
use walferry::demo::scratch::Scratch;
use walferry::sql::setup;

use super::stopped::do_on;
use super::verb::{psql, write_private};

/// Of the role `walferry` on both sides; every sign in it has broken somebody's parser.
const PASSWORD: &str = "p@[ss]/? #\"\\+&:';% größe";

/// The part of it that no escape changes: what is looked for in all that walferry says.
pub(super) const PASSWORD_SIGNS: &str = "p@[ss]/? #";

/// Two clusters, mostly of one version, with the databases `app` and `warehouse`, and with the role
/// `walferry` and the publication `walferry_app` of all tables as `setup-sql` makes them.
pub struct Pair {
    pub source: Cluster,
    pub destination: Cluster,
    scratch: Scratch,
    http_port: Port,
}

impl Pair {
    pub async fn start(major: u32) -> Pair {
        Pair::with_settings(major, &[], &[]).await
    }

    /// With more settings of the two servers, which win over those of `Cluster::create`.
    pub async fn with_settings(
        major: u32,
        source: &[(&str, &str)],
        destination: &[(&str, &str)],
    ) -> Pair {
        Pair::between((major, source), (major, destination)).await
    }

    /// Of two versions, each with more settings.
    pub async fn between(
        source: (u32, &[(&str, &str)]),
        destination: (u32, &[(&str, &str)]),
    ) -> Pair {
        let create = async |(major, settings): (u32, &[(&str, &str)])| {
            let binaries = Binaries::find(Some(major)).await.unwrap();
            let cluster = Cluster::create(&binaries, Auth::Scram, settings).await;
            cluster.unwrap()
        };
        let pair = Pair {
            source: create(source).await,
            destination: create(destination).await,
            scratch: Scratch::create("pair", None).unwrap(),
            http_port: Port::claim().unwrap(),
        };
        pair.make_roles().await;
        pair.write("password", PASSWORD);
        pair.write_config("walferry.toml", "");
        pair
    }

    /// Runs what `setup-sql` prints, before there is any table. What the superuser makes later is
    /// readable, too, as for the owners of tables that were there; and partitions are published
    /// one by one, which is the harder case.
    async fn make_roles(&self) {
        let every = [String::new(), String::new()];
        let source = setup::source(&setup::Source {
            database: "app",
            role: "walferry",
            port: Some(self.source.port()),
            publications: &["walferry_app".to_owned()],
            include: vec![(&every, &every)],
            exclude: Vec::new(),
        });
        let destination = setup::destination(&setup::Destination {
            database: "warehouse",
            role: "walferry",
            port: Some(self.destination.port()),
            state_schema: "walferry",
            schemas: None,
            readers: &[],
        });
        for (cluster, database, side, script) in [
            (&self.source, "app", "source", source),
            (&self.destination, "warehouse", "destination", destination),
        ] {
            let administrator = cluster.superuser("postgres").await.unwrap();
            do_on(&administrator, &format!("CREATE DATABASE {database}")).await;
            let administrator = cluster.superuser(database).await.unwrap();
            let revoke = format!(
                "REVOKE ALL ON DATABASE {database} FROM PUBLIC;
                 REVOKE ALL ON SCHEMA public FROM PUBLIC"
            );
            do_on(&administrator, &revoke).await;
            psql(cluster, &script, &format!("{side}_password={PASSWORD}")).await;
        }
        let later = "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO walferry;
                     ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO walferry";
        let administrator = self.on_source().await;
        do_on(&administrator, later).await;
        if self.source.binaries().major() >= 13 {
            let one_by_one = "ALTER PUBLICATION walferry_app
                              SET (publish_via_partition_root = false)";
            do_on(&administrator, one_by_one).await;
        }
    }

    /// The superuser in `app`.
    pub async fn on_source(&self) -> Client {
        self.source.superuser("app").await.unwrap()
    }

    /// The superuser in `warehouse`.
    pub async fn on_destination(&self) -> Client {
        self.destination.superuser("warehouse").await.unwrap()
    }

    /// The role `walferry` with its password through TCP.
    pub async fn as_walferry(&self, cluster: &Cluster, database: &str) -> Client {
        let (client, connection) = tokio_postgres::Config::new()
            .host("127.0.0.1")
            .port(cluster.port())
            .user("walferry")
            .password(PASSWORD)
            .dbname(database)
            .connect(NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    /// Of the daemon's pages.
    pub fn http_port(&self) -> u16 {
        self.http_port.number()
    }

    /// Where the configuration and the logs are.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// The configuration as `Pair::start` wrote it.
    pub fn config(&self) -> PathBuf {
        self.directory().join("walferry.toml")
    }

    /// Another configuration, with `more` sections at its end: `[apply]`, `[tables]`, `[snapshot]`.
    pub fn write_config(&self, name: &str, more: &str) -> PathBuf {
        self.write_config_between("app", "warehouse", name, more)
    }

    /// The same between two other databases of the two clusters.
    pub fn write_config_between(
        &self,
        source: &str,
        destination: &str,
        name: &str,
        more: &str,
    ) -> PathBuf {
        let password = self.directory().join("password");
        let password = password.display();
        let config = format!(
            "[pipeline]\nname = \"app\"\n\
             [source]\nhost = \"127.0.0.1\"\nport = {source_port}\ndatabase = \"{source}\"\n\
             user = \"walferry\"\npassword_file = \"{password}\"\nsslmode = \"disable\"\n\
             [destination]\nhost = \"127.0.0.1\"\nport = {destination_port}\n\
             database = \"{destination}\"\n\
             user = \"walferry\"\npassword_file = \"{password}\"\nsslmode = \"disable\"\n\
             schema_prefix = \"app\"\n\
             [observability]\nlisten = \"127.0.0.1:{http}\"\n{more}",
            source_port = self.source.port(),
            destination_port = self.destination.port(),
            http = self.http_port(),
        );
        self.write(name, &config)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        write_private(self.directory().join(name), content)
    }
}

impl Drop for Pair {
    /// Shows the log of a test that fails, before it is gone.
    fn drop(&mut self) {
        let log = self.directory().join("walferry.log");
        if std::thread::panicking()
            && let Ok(log) = std::fs::read_to_string(log)
        {
            eprintln!("the daemons said:\n{log}");
        }
    }
}
