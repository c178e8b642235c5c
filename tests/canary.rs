//! A canary in every secret and in every row: nothing that walferry says or sends may show it.
//!
//! What is looked at: the log at `trace`, what every verb prints, the pages, the process list
//! (arguments and environment of walferry and of its children), `pg_stat_activity`, and the
//! statements in the log of servers that log all of them.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use walferry::demo::cluster::Cluster;
use walferry::sql::Literal;

use crate::support::PATIENCE;
use crate::support::{
    CANARY, Daemon, Pair, do_on, drain, majors, quoted, until, walferry, write_private,
};

/// The settings of servers that tell everything, each line with whose session it is.
const TELLING: [(&str, &str); 3] = [
    ("log_statement", "all"),
    ("log_line_prefix", "%a|"),
    ("log_min_duration_statement", "0"),
];

fn password() -> String {
    format!("{CANARY}@:/?#[]%&=+\"\\';é")
}

fn token() -> String {
    format!("{CANARY}-0123456789")
}

/// A pair whose role has the canary for a password: by URL, and by a program or in the configuration
/// itself; with a token.
struct Place {
    pair: Pair,
    config: PathBuf,
    source: Client,
    destination: Client,
}

impl Place {
    async fn new(major: u32, format: &str) -> Place {
        let pair = Pair::with_settings(major, &TELLING, &TELLING).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        for client in [&source, &destination] {
            set_password(client, &password()).await;
        }
        let file = write_private(pair.directory().join("secret"), &password());
        // the canary itself stays readable, or else nobody would find it
        let url: String = password().bytes().fold(String::new(), |mut url, byte| {
            if byte.is_ascii_alphanumeric() {
                url.push(byte.into());
            } else {
                let _ = write!(url, "%{byte:02X}");
            }
            url
        });
        let own = match format {
            "json" => format!("password = {}", quoted(&password())),
            _ => format!("password_command = [\"cat\", \"{}\"]", file.display()),
        };
        let (from, to) = (pair.source.port(), pair.destination.port());
        let text = format!(
            "[pipeline]\nname = \"app\"\n\
             [source]\nurl = \"postgresql://walferry:{url}@127.0.0.1:{from}/app?sslmode=disable\"\n\
             [destination]\nhost = \"127.0.0.1\"\nport = {to}\ndatabase = \"warehouse\"\n\
             user = \"walferry\"\n{own}\nsslmode = \"disable\"\n\
             schema_prefix = \"app\"\n\
             [observability]\nlisten = \"127.0.0.1:{http}\"\ntoken = \"{token}\"\n\
             log_format = \"{format}\"\nlog_level = \"trace\"\n",
            http = pair.http_port(),
            token = token(),
        );
        let config = write_private(pair.directory().join("canary.toml"), &text);
        Place {
            pair,
            config,
            source,
            destination,
        }
    }

    fn start(&self) -> Daemon {
        Daemon::start_on(&self.pair, &self.config)
    }

    /// The daemon ends by itself, names the kind, and keeps the rest to itself.
    async fn halts(&self, daemon: Daemon, kind: &str) {
        assert_eq!(daemon.wait_exit().await, Some(4), "not {kind}");
        let log = log_of(&self.pair);
        let tells = |line: &&str| line.contains("kind=\"") || line.contains("\"kind\":\"");
        let line = log.lines().rev().find(tells);
        let line = line.unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains(kind), "{kind} is not in {line}");
    }

    async fn verbs(&self, verbs: &[&[&str]]) {
        for verb in verbs {
            // looks for the canary itself
            walferry(&self.config, verb).await;
        }
    }
}

async fn set_password(client: &Client, password: &str) {
    let password = Literal(password);
    do_on(client, &format!("ALTER ROLE walferry PASSWORD {password}")).await;
}

fn log_of(pair: &Pair) -> String {
    std::fs::read_to_string(pair.directory().join("walferry.log")).unwrap()
}

const VERBS: &[&[&str]] = &[
    &["init"],
    &["setup-sql"],
    &["setup-sql", "--pre-created-schemas"],
    &["check"],
    &["check", "--json"],
    &["discover"],
    &["status"],
    &["status", "--json"],
];

/// Looks over the shoulders of everybody until it is told to stop.
struct Spy {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<String>>>,
    work: Vec<tokio::task::JoinHandle<u64>>,
}

impl Spy {
    async fn on(pair: &Pair) -> Spy {
        let mut spy = Spy {
            stop: Arc::default(),
            seen: Arc::default(),
            work: Vec::new(),
        };
        for client in [pair.on_source().await, pair.on_destination().await] {
            let (stop, seen) = (Arc::clone(&spy.stop), Arc::clone(&spy.seen));
            spy.work.push(tokio::spawn(async move {
                let mut looks = 0;
                while !stop.load(Ordering::Relaxed) {
                    let query = "SELECT query FROM pg_stat_activity
                                 WHERE application_name LIKE 'walferry%'";
                    let rows = client.query(query, &[]).await.unwrap();
                    looks += rows.len() as u64;
                    let texts = rows.iter().map(|row| row.get::<_, String>(0));
                    let shown = texts.filter(|text| text.contains(CANARY));
                    seen.lock().unwrap().extend(shown);
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                looks
            }));
        }
        let (stop, seen) = (Arc::clone(&spy.stop), Arc::clone(&spy.seen));
        let words = pair.directory().to_str().unwrap().to_owned();
        spy.work.push(tokio::task::spawn_blocking(move || {
            let mut looks = 0;
            while !stop.load(Ordering::Relaxed) {
                looks += processes(&words, &mut seen.lock().unwrap());
                std::thread::sleep(Duration::from_millis(10));
            }
            looks
        }));
        spy
    }

    async fn has_seen_nothing(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for work in std::mem::take(&mut self.work) {
            assert!(work.await.unwrap() > 0, "there was nothing to look at");
        }
        let seen = self.seen.lock().unwrap();
        assert!(seen.is_empty(), "{seen:#?}");
    }
}

impl Drop for Spy {
    /// A test that fails does not wait for the spies.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Reads arguments and environment of those of our children that were called with `words`, and of
/// theirs; says how many there were.
fn processes(words: &str, seen: &mut Vec<String>) -> u64 {
    let read = |pid: u32, file: &str| {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let mut family = children(std::process::id());
    // other tests of this process have children too
    family.retain(|pid| read(*pid, "cmdline").contains(words));
    let mut looks = 0;
    while let Some(pid) = family.pop() {
        family.extend(children(pid));
        for file in ["cmdline", "environ"] {
            let text = read(pid, file);
            if text.contains(CANARY) {
                seen.push(format!("{file}: {text}"));
            }
        }
        looks += 1;
    }
    looks
}

pub fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let lists: Vec<String> = lists.collect();
    let pids = lists.iter().flat_map(|list| list.split_whitespace());
    pids.filter_map(|pid| pid.parse().ok()).collect()
}

/// The statements that a server has logged of our sessions. What it adds by itself, parameters and
/// rows in DETAIL and CONTEXT, is its administrator's choice.
fn assert_no_literals(cluster: &Cluster) {
    let log = std::fs::read(cluster.log_path()).unwrap();
    let log = String::from_utf8_lossy(&log);
    let (mut statements, mut ours) = (0, false);
    for line in log.lines() {
        // a statement of several lines goes on behind a tab
        if let Some((whose, said)) = line.split_once('|').filter(|_| !line.starts_with('\t')) {
            let adds = ["DETAIL:", "CONTEXT:", "ERROR:", "HINT:"];
            ours = whose.starts_with("walferry") && !adds.iter().any(|add| said.starts_with(add));
            statements += u64::from(ours);
        }
        assert!(!(ours && line.contains(CANARY)), "{line}");
    }
    assert!(statements > 100, "only {statements} statements:\n{log}");
}

/// Everything that goes well.
async fn load_and_stream(place: &Place) {
    let (source, destination) = (&place.source, &place.destination);
    do_on(
        source,
        &format!(
            "CREATE TABLE t (id int PRIMARY KEY, v text);
             CREATE TABLE k (key text PRIMARY KEY, v text, n numeric);
             CREATE TABLE w (a text, b text); ALTER TABLE w REPLICA IDENTITY FULL;
             CREATE TABLE n (id int PRIMARY KEY, v text);
             INSERT INTO t SELECT i, '{CANARY}' || i FROM generate_series(1, 2000) AS i;
             INSERT INTO k SELECT '{CANARY}' || i, '{CANARY}', i FROM generate_series(1, 500) AS i;
             INSERT INTO w SELECT '{CANARY}', i FROM generate_series(1, 50) AS i"
        ),
    )
    .await;
    let mut daemon = place.start();
    daemon.wait_ready().await;
    for work in [
        format!("INSERT INTO t VALUES (3001, '{CANARY}')"),
        "UPDATE t SET v = v || '.' WHERE id = 3001".to_owned(),
        "DELETE FROM t WHERE id = 3001".to_owned(),
        format!("INSERT INTO t SELECT i, '{CANARY}' FROM generate_series(4001, 9000) AS i"),
        format!("UPDATE k SET v = '{CANARY}!'; UPDATE k SET key = key || '.' WHERE n < 100"),
        "DELETE FROM k WHERE n > 400; UPDATE t SET v = v || v WHERE id > 5000".to_owned(),
        format!("UPDATE w SET b = '{CANARY}' WHERE b < '3'; DELETE FROM w WHERE b < '5'"),
        "ALTER TABLE t ADD COLUMN more int; UPDATE t SET more = 1 WHERE id < 5".to_owned(),
        format!("TRUNCATE w; INSERT INTO w VALUES ('{CANARY}', NULL), (NULL, '{CANARY}')"),
    ] {
        do_on(source, &work).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    until(destination, "SELECT count(*) = 2 FROM app_public.w").await;
    place.verbs(VERBS).await;
    place.verbs(&[&["resync", "public.k", "--wait"]]).await;
    let bearer = format!("Authorization: Bearer {}\r\n", token());
    for (path, head) in [
        ("/", ""),
        ("/status", &*bearer),
        ("/metrics", &*bearer),
        ("/status", ""),
        ("/healthz", ""),
        ("/readyz", ""),
    ] {
        let answer = daemon.get_with(path, head).await;
        // whether it streams at this moment is of no interest here
        let shut = path == "/status" && head.is_empty();
        assert_eq!(answer.starts_with("HTTP/1.1 401"), shut, "{path}: {answer}");
        assert!(answer.starts_with("HTTP/1.1 "), "{path}: {answer}");
        assert!(!answer.contains(CANARY), "{path}: {answer}");
    }
    drain(&place.pair, daemon).await;
}

/// Something goes wrong in the destination, to a daemon that runs.
struct Fault {
    kind: &'static str,
    /// On the destination: before, and to mend it.
    before: &'static str,
    after: &'static str,
    /// On the source, `{}` is the canary.
    work: &'static str,
}

const FAULTS: [Fault; 8] = [
    Fault {
        kind: "refused",
        before: "ALTER TABLE app_public.t ADD CONSTRAINT c CHECK (v !~ 'bad') NOT VALID",
        after: "ALTER TABLE app_public.t DROP CONSTRAINT c",
        work: "INSERT INTO t VALUES (10001, '{} bad')",
    },
    Fault {
        kind: "refused",
        before: "INSERT INTO app_public.k VALUES ('k4n4r1env0gel twice')",
        after: "DELETE FROM app_public.k WHERE key = 'k4n4r1env0gel twice'",
        work: "INSERT INTO k VALUES ('{} twice')",
    },
    Fault {
        kind: "refused",
        before: "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN RAISE 'not %', NEW; END $$;
                 CREATE TRIGGER no BEFORE UPDATE ON app_public.t FOR EACH ROW
                 EXECUTE FUNCTION public.no()",
        after: "DROP FUNCTION public.no() CASCADE",
        work: "UPDATE t SET v = '{} trigger' WHERE id = 7",
    },
    Fault {
        // by the code of a fault whose message would be shown
        kind: "refused",
        before: "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN RAISE 'not %', NEW USING ERRCODE = 'check_violation'; END $$;
                 CREATE TRIGGER no BEFORE UPDATE ON app_public.t FOR EACH ROW
                 EXECUTE FUNCTION public.no()",
        after: "DROP FUNCTION public.no() CASCADE",
        work: "UPDATE t SET v = '{} code' WHERE id = 8",
    },
    Fault {
        kind: "diverged",
        before: "DELETE FROM app_public.t WHERE id = 5",
        after: "INSERT INTO app_public.t VALUES (5)",
        work: "UPDATE t SET v = '{} gone' WHERE id = 5",
    },
    Fault {
        // definite or schema_changed, as the rows travel in binary or as text
        kind: "",
        before: "ALTER TABLE app_public.n ALTER v TYPE int USING NULL",
        after: "ALTER TABLE app_public.n ALTER v TYPE text",
        work: "INSERT INTO n VALUES (1, '{}')",
    },
    Fault {
        kind: "",
        before: "ALTER TABLE app_public.k DROP COLUMN v",
        after: "ALTER TABLE app_public.k ADD COLUMN v text",
        work: "INSERT INTO k VALUES ('{} shape', '{}')",
    },
    Fault {
        kind: "fenced",
        before: "UPDATE walferry.walferry_pipelines SET fence = fence + 1",
        after: "",
        work: "INSERT INTO t VALUES (10002, '{} fenced')",
    },
];

async fn halt_in_every_way(place: &Place) {
    for fault in FAULTS {
        let mut daemon = place.start();
        daemon.wait_ready().await;
        do_on(&place.destination, fault.before).await;
        do_on(&place.source, &fault.work.replace("{}", CANARY)).await;
        place.halts(daemon, fault.kind).await;
        place.verbs(&[&["check"], &["status"]]).await;
        do_on(&place.destination, fault.after).await;
    }
    set_password(&place.source, "another").await;
    place.halts(place.start(), "authentication").await;
    place.verbs(&[&["check"], &["discover"]]).await;
    set_password(&place.source, &password()).await;
    let mut daemon = place.start();
    daemon.wait_ready().await;
    drain(&place.pair, daemon).await;
}

async fn keeps_quiet(major: u32, format: &str) {
    let place = Place::new(major, format).await;
    let spy = Spy::on(&place.pair).await;
    load_and_stream(&place).await;
    halt_in_every_way(&place).await;
    let teardown: &[&str] = &["teardown", "--drop-data", "--yes"];
    place.verbs(&[teardown]).await;
    spy.has_seen_nothing().await;
    let log = log_of(&place.pair);
    assert!(log.contains("walferry starts"), "there is no log");
    let shown = log.lines().find(|line| line.contains(CANARY));
    assert!(shown.is_none(), "{shown:?}");
    for cluster in [&place.pair.source, &place.pair.destination] {
        assert_no_literals(cluster);
    }
}

#[tokio::test]
async fn no_secret_and_no_row_is_seen_anywhere_whatever_goes_wrong() {
    let majors = majors().await;
    keeps_quiet(majors[0], "text").await;
    keeps_quiet(*majors.last().unwrap(), "json").await;
}

#[test]
fn the_canary_would_be_found() {
    let mut child = std::process::Command::new("sleep")
        .arg("60.4711")
        .env("A", CANARY)
        .spawn()
        .unwrap();
    let (mut seen, started) = (Vec::new(), Instant::now());
    while seen.is_empty() && started.elapsed() < PATIENCE {
        processes("60.4711", &mut seen);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!seen.is_empty());
}
