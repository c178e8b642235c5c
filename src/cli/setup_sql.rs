//! `walferry setup-sql`

use std::fmt::Write;

use super::Outcome;
use crate::config::{Config, Glob, Pattern};
use crate::error::{Result, Side};
use crate::sql::setup;
use crate::transport::ssh::Hop;
use crate::transport::{Endpoint, Host};

/// Options of `walferry setup-sql`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only the script of this side; both are printed otherwise
    #[arg(long, value_enum)]
    side: Option<WhichSide>,
    /// Make the destination's schemas here, so that the role needs no CREATE on the database
    #[arg(long)]
    pre_created_schemas: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum WhichSide {
    Source,
    Destination,
}

/// Prints the SQL that both administrators run once. Connects to nothing.
#[expect(clippy::unused_async, reason = "every verb has the same signature")]
pub(super) async fn run(config: &Config, options: &Options) -> Result<Outcome> {
    if options.side != Some(WhichSide::Destination) {
        println!("{}", script(config, options, Side::Source));
    }
    if options.side != Some(WhichSide::Source) {
        println!("{}", script(config, options, Side::Destination));
    }
    Ok(Outcome::Done)
}

fn script(config: &Config, options: &Options, side: Side) -> String {
    statements(config, options, side) + &bastions(config, side)
}

/// What the administrators of the SSH servers on the way write, as comments.
fn bastions(config: &Config, side: Side) -> String {
    let endpoint = match side {
        Side::Source => &config.source.endpoint,
        Side::Destination => &config.destination.endpoint,
    };
    let beyond = endpoint.hops.iter().skip(1).map(Hop::address);
    let last = match &endpoint.host {
        Host::Tcp(_) => Some(endpoint.server()),
        Host::Unix(_) => None,
    };
    let mut script = String::new();
    if let Some(hop) = endpoint.hops.last() {
        let _ = writeln!(
            script,
            "\n-- The server sees connections come from {}: that is the address for pg_hba.conf.",
            hop.address()
        );
    }
    for (hop, next) in endpoint.hops.iter().zip(beyond.map(Some).chain([last])) {
        let _ = writeln!(
            script,
            "\n-- SSH server {}: its user {:?} needs no shell and no password. In authorized_keys:",
            hop.address(),
            hop.user
        );
        let _ = match next {
            Some(next) => writeln!(
                script,
                "--   restrict,port-forwarding,permitopen=\"{next}\" <the public key>"
            ),
            None => writeln!(
                script,
                "--   restrict,port-forwarding,permitopen=\"none\" <the public key>\n\
                 -- In sshd_config, for the unix socket: AllowStreamLocalForwarding local"
            ),
        };
    }
    script
}

fn statements(config: &Config, options: &Options, side: Side) -> String {
    if side == Side::Source {
        return source(config);
    }
    if !options.pre_created_schemas {
        return destination(config, None);
    }
    let (schemas, complete) = known_schemas(config);
    let mut script = destination(config, Some(schemas));
    if !complete {
        let example = config.destination.naming.destination_schema("SCHEMA");
        let _ = writeln!(
            script,
            "\n-- A pattern of [tables] has a star for the schema: repeat the two or three lines \
             above\n-- for {example:?} of every source schema SCHEMA."
        );
    }
    script
}

fn source(config: &Config) -> String {
    fn halves<'a>(
        patterns: impl Iterator<Item = &'a Pattern>,
    ) -> Vec<(setup::Pieces<'a>, setup::Pieces<'a>)> {
        patterns
            .map(|pattern| (pattern.schema().pieces(), pattern.table().pieces()))
            .collect()
    }
    setup::source(&setup::Source {
        database: &config.source.endpoint.database,
        role: &config.source.endpoint.user,
        port: port(&config.source.endpoint),
        publications: &config.source.publications,
        include: halves(config.tables.include()),
        exclude: halves(config.tables.exclude()),
    })
}

fn destination(config: &Config, schemas: Option<Vec<String>>) -> String {
    setup::destination(&setup::Destination {
        database: &config.destination.endpoint.database,
        role: &config.destination.endpoint.user,
        port: port(&config.destination.endpoint),
        state_schema: &config.destination.state_schema,
        schemas,
        readers: &config.destination.readers,
    })
}

fn port(endpoint: &Endpoint) -> Option<u16> {
    matches!(endpoint.host, Host::Tcp(_)).then_some(endpoint.port)
}

/// The destination schemas that the patterns and overrides name, and whether those are all.
fn known_schemas(config: &Config) -> (Vec<String>, bool) {
    let exact: Vec<Option<&str>> = config
        .tables
        .include()
        .map(Pattern::schema)
        .map(Glob::exact)
        .collect();
    let overrides = config.destination.naming.overrides.keys();
    let schemas: std::collections::BTreeSet<String> = exact
        .iter()
        .copied()
        .flatten()
        .chain(overrides.map(String::as_str))
        .map(|schema| config.destination.naming.destination_schema(schema))
        .collect();
    (
        schemas.into_iter().collect(),
        exact.iter().all(Option::is_some),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::catalog::test_server::server;
    use crate::pipeline::preflight::{Level, findings};

    fn config(name: &str, more: &str) -> Config {
        let host = server().socket.display();
        crate::config::parse(&format!(
            "[pipeline]\nname = 'p'\n\
             [source]\nhost = '{host}'\ndatabase = '{name}_from'\nuser = '{name} \"reader'\n\
             [destination]\nhost = '{host}'\ndatabase = '{name}_to'\nuser = '{name} writer'\n\
             schema_prefix = 'copy'\nstate_schema = 'kept'\nreaders = ['admin']\n\
             [source.replication]\npublication = \"p's\"\n{more}"
        ))
        .unwrap()
    }

    /// Runs a script as an administrator would; it must end without an error.
    fn psql(script: &str) {
        let mut psql = Command::new("psql")
            .args(["-X", "-q", "-U", "admin", "-d", "postgres", "-h"])
            .arg(&server().socket)
            .args(["-v", "source_password=it's", "-v", "destination_password=x"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = psql.stdin.take().unwrap();
        input.write_all(script.as_bytes()).unwrap();
        drop(input);
        assert!(psql.wait().unwrap().success(), "{script}");
    }

    /// Both scripts, run twice, must leave nothing for `check` to complain about.
    async fn sets_up(name: &str, more: &str, pre_created_schemas: bool) {
        let source = server().database(&format!("{name}_from")).await;
        let destination = server().database(&format!("{name}_to")).await;
        source
            .batch_execute(
                "CREATE SCHEMA \"S_1\"; CREATE TABLE \"S_1\".\"a b\" (id int PRIMARY KEY);
                 CREATE TABLE \"S_1\".c (id int PRIMARY KEY); CREATE SCHEMA other;
                 CREATE TABLE other.left_out (id int)",
            )
            .await
            .unwrap();
        let revoke = format!("REVOKE ALL ON DATABASE {name}_to FROM PUBLIC");
        destination.batch_execute(&revoke).await.unwrap();
        let config = config(name, more);
        let options = Options {
            side: None,
            pre_created_schemas,
        };
        for _ in 0..2 {
            psql(&script(&config, &options, Side::Source));
            psql(&script(&config, &options, Side::Destination));
        }
        let mut found = findings(&config).await.unwrap();
        found.retain(|finding| finding.level != Level::Ok);
        assert!(found.is_empty(), "{found:#?}");
    }

    #[tokio::test]
    async fn the_scripts_are_all_that_named_tables_need() {
        let tables = "[tables]\ninclude = ['S_1.\"a b\"', 'S_1.c']\n";
        sets_up("exact", tables, true).await;
    }

    #[tokio::test]
    async fn the_scripts_are_all_that_patterns_need() {
        let tables = "[tables]\ninclude = ['S_*.*']\nexclude = ['other.*', 'S_1.none_*']\n";
        sets_up("pattern", tables, false).await;
    }

    #[tokio::test]
    async fn all_tables_are_published_as_such() {
        let tables = "[tables]\nexclude = []\n";
        let config = config("whole", tables);
        let script = source(&config);
        assert!(script.contains("FOR ALL TABLES"), "{script}");
        let database = server().database("whole_from").await;
        psql(&script);
        let row = database
            .query_one(
                "SELECT puballtables, pubviaroot FROM pg_catalog.pg_publication",
                &[],
            )
            .await
            .unwrap();
        assert!(row.get::<_, bool>(0) && row.get::<_, bool>(1));
    }

    #[test]
    fn of_several_publications_none_is_made() {
        for include in ["'*.*'", "'public.t'"] {
            let more = format!("[tables]\ninclude = [{include}]\n");
            let mut config = config("several", &more);
            config.source.publications = vec!["p's".to_owned(), "other".to_owned()];
            let script = source(&config);
            assert!(!script.contains("CREATE PUBLICATION"), "{script}");
            assert!(script.contains("ARRAY['p''s', 'other']"), "{script}");
        }
    }

    #[test]
    fn each_ssh_server_on_the_way_may_forward_to_the_next_and_no_further() {
        let ssh = "[source.ssh]\nhost = 'b2'\nuser = 'tunnel'\n\
                   [[source.ssh.jump]]\nhost = 'b1'\nport = 2222\n";
        let mut config = config("ssh", ssh);
        config.source.endpoint.host = Host::Tcp("db".to_owned());
        let lines = bastions(&config, Side::Source);
        assert!(lines.contains("permitopen=\"b2:22\" <"), "{lines}");
        assert!(lines.contains("permitopen=\"db:5432\" <"), "{lines}");
        assert!(
            lines
                .lines()
                .all(|line| line.is_empty() || line.starts_with("--"))
        );
        assert_eq!(bastions(&config, Side::Destination), "");
    }

    /// The lines that hold all of these words.
    fn lines_with<'a>(script: &'a str, words: &[&str]) -> Vec<&'a str> {
        let lines = script.lines();
        lines
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .collect()
    }

    #[test]
    fn both_scripts_say_who_has_to_be_let_in_and_what_managed_services_want_instead() {
        let mut config = config("managed", "");
        for endpoint in [
            &mut config.source.endpoint,
            &mut config.destination.endpoint,
        ] {
            endpoint.host = Host::Tcp("db.example.com".to_owned());
        }
        config.source.endpoint.port = 5433;
        config.destination.endpoint.port = 6544;
        let options = Options {
            side: None,
            pre_created_schemas: false,
        };
        let sides = [
            (
                Side::Source,
                "managed_from",
                "\"managed \"\"reader\"",
                "5433",
            ),
            (
                Side::Destination,
                "managed_to",
                "\"managed writer\"",
                "6544",
            ),
        ];
        for (side, database, role, port) in sides {
            let script = script(&config, &options, side);
            for words in [
                &["--   hostssl", database, role, "scram-sha-256"][..],
                &["--   nft add rule", &format!("dport {port} ")],
                &["-- ", "Amazon RDS"],
                &["-- ", "Google Cloud SQL"],
                &["-- ", "Azure"],
            ] {
                assert!(
                    !lines_with(&script, words).is_empty(),
                    "{words:?}\n{script}"
                );
            }
        }
        let source = script(&config, &options, Side::Source);
        for words in [
            &["rds.logical_replication = 1", "rds_replication"][..],
            &["cloudsql.logical_decoding = on"],
            &["wal_level = logical"],
        ] {
            assert!(
                !lines_with(&source, words).is_empty(),
                "{words:?}\n{source}"
            );
        }
        // nobody comes through a firewall to a unix socket
        config.source.endpoint.host = Host::Unix("/run/postgresql".into());
        let source = script(&config, &options, Side::Source);
        assert!(lines_with(&source, &["5433"]).is_empty(), "{source}");
        assert!(!lines_with(&source, &["--   local", "managed_from"]).is_empty());
    }

    #[tokio::test]
    async fn no_password_of_the_configuration_is_printed() {
        let mut config = config("quiet", "");
        let secret = secrecy::SecretString::from("hunter2");
        config.source.endpoint.password = Some(crate::transport::Secret::Inline(secret.clone()));
        config.destination.endpoint.password = Some(crate::transport::Secret::Inline(secret));
        let options = Options {
            side: None,
            pre_created_schemas: true,
        };
        for side in [Side::Source, Side::Destination] {
            assert!(!script(&config, &options, side).contains("hunter2"));
        }
    }
}
