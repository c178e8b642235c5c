//! One verb of the program, run to its end, and what it left behind.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};
use tokio_postgres::Client;
use walferry::demo::cluster::{Cluster, SUPERUSER, send};

use super::PATIENCE;
use super::daemon::spawn;
use super::pair::PASSWORD_SIGNS;
use super::{Daemon, Pair};

/// Part of every secret and row value that must never be seen; [`walferry`] looks for it in all
/// that is printed.
pub const CANARY: &str = "k4n4r1env0gel";

/// Panics when something that walferry has said holds the canary, or the password of every pair.
#[track_caller]
pub fn assert_keeps_secrets(said: &str) {
    for secret in [CANARY, PASSWORD_SIGNS] {
        assert!(!said.contains(secret), "a secret was shown:\n{said}");
    }
}

/// Panics when it could do more to a terminal than print lines.
#[track_caller]
pub fn assert_commands_nothing(said: &str) {
    let turns = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let commands = |c: char| c != '\n' && c.is_control() || turns(c);
    if let Some(line) = said.lines().find(|line| line.contains(commands)) {
        panic!("a terminal would obey {line:?}");
    }
}

/// How a verb ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Panics unless it ended with this code and said all of this, somewhere.
    #[track_caller]
    pub fn ended(self, code: i32, says: &[&str]) -> Ran {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for part in says {
            let said = self.out.contains(part) || self.err.contains(part);
            assert!(said, "{part:?} is not in\n{}\n{}", self.out, self.err);
        }
        self
    }
}

/// Runs `walferry --config <config> <arguments>` in the directory of the configuration.
pub async fn walferry(config: &Path, arguments: &[&str]) -> Ran {
    walferry_with(config, arguments, &[]).await
}

/// The same with variables in its environment.
pub async fn walferry_with(config: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_walferry"));
    command.arg("--config").arg(config).args(arguments);
    command.envs(variables.iter().copied());
    let ran = run(command.current_dir(config.parent().unwrap())).await;
    // SQL and JSON hold names as they are
    let for_people = arguments.first() != Some(&"setup-sql") && !arguments.contains(&"--json");
    if for_people {
        assert_commands_nothing(&format!("{}\n{}", ran.out, ran.err));
    }
    ran
}

/// Runs a command to its end; panics when it does not end or shows the canary.
#[track_caller]
pub fn run(command: &mut Command) -> impl Future<Output = Ran> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output();
    async move {
        let output = tokio::time::timeout(PATIENCE, output)
            .await
            .unwrap_or_else(|_| panic!("it does not end"));
        let output = output.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = Ran {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert_keeps_secrets(&format!("{}\n{}", ran.out, ran.err));
        ran
    }
}

/// Runs a script as the administrator who was given it.
pub async fn psql(cluster: &Cluster, script: &str, variable: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    let mut command = Command::new("psql");
    command
        .args(["-X", "-q", "-d", "postgres", "-U", SUPERUSER])
        .args(["-p", &cluster.port().to_string(), "-v", variable, "-h"])
        .arg(cluster.socket_directory())
        .arg("-f")
        .arg(file.path());
    let ran = run(&mut command).await;
    assert_eq!(ran.code, Some(0), "{script}\n{ran:?}");
}

/// `walferry run` on a configuration that belongs to no pair; killed on drop.
pub struct Running {
    process: Child,
    log: PathBuf,
}

impl Running {
    /// Its log is beside the configuration.
    pub fn start(config: &Path, variables: &[(&str, &str)]) -> Running {
        let log = config.with_extension("log");
        let file = std::fs::File::create(&log).unwrap();
        let process = spawn(config, file, variables);
        Running { process, log }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to drain; panics unless it ends well and has kept the canary for itself.
    pub async fn drain(mut self) {
        send("TERM", self.process.id().unwrap()).await.unwrap();
        let ended = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let log = self.log();
        assert!(ended.unwrap().unwrap().success(), "{log}");
        assert_keeps_secrets(&log);
    }
}

/// Panics when the log or a page of the daemon holds the canary or the pair's password.
pub async fn assert_discreet(pair: &Pair, daemon: &Daemon) {
    let password = std::fs::read_to_string(pair.directory().join("password")).unwrap();
    let mut said = vec![daemon.log()];
    for page in ["/", "/status", "/metrics", "/healthz", "/readyz"] {
        said.push(daemon.get(page).await);
    }
    for said in said {
        assert!(!said.contains(CANARY), "a secret was shown:\n{said}");
        assert!(!said.contains(&password), "the password was shown:\n{said}");
    }
}

/// Writes a file of mode 0600.
pub fn write_private(path: PathBuf, content: &str) -> PathBuf {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&path).unwrap();
    file.write_all(content.as_bytes()).unwrap();
    path
}

/// A text in the quotes that TOML has for it.
pub fn quoted(text: &str) -> String {
    // JSON's escapes are among TOML's
    serde_json::to_string(text).unwrap()
}

const THINGS: &str = "
    SELECT 'schema ' || nspname FROM pg_catalog.pg_namespace
    WHERE nspname !~ '^pg_(toast|temp)'
    UNION ALL
    SELECT 'relation ' || n.nspname || '.' || c.relname
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT 'slot ' || slot_name FROM pg_catalog.pg_replication_slots
    UNION ALL
    SELECT 'publication ' || pubname FROM pg_catalog.pg_publication
    ORDER BY 1";

/// Every schema, relation, slot and publication that the session's database has.
pub async fn things(client: &Client) -> Vec<String> {
    let rows = client.query(THINGS, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The same of both sides.
pub async fn all_things(pair: &Pair) -> (Vec<String>, Vec<String>) {
    let source = things(&pair.on_source().await).await;
    (source, things(&pair.on_destination().await).await)
}

/// The configuration of the pair under another name, with each `from` replaced by its `to`.
pub fn edited_config(pair: &Pair, name: &str, edits: &[(&str, &str)]) -> PathBuf {
    let mut config = std::fs::read_to_string(pair.config()).unwrap();
    for (from, to) in edits {
        assert!(config.contains(from), "no {from} in:\n{config}");
        config = config.replace(from, to);
    }
    write_private(pair.directory().join(name), &config)
}
