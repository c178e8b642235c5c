//! Servers that fall silent at one point or another: each wait has an end, and says at what.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use walferry::demo::cluster::{Cluster, send};
use walferry::error::Kind;
use walferry::limits::{FEEDBACK_INTERVAL, STREAM_SILENCE_MIN};
use walferry::source::{Connection, Mode};
use walferry::transport::connect;

use crate::canary::children;
use crate::support::sshd::succeeds;
use crate::support::{
    Daemon, Relay, do_on, drain, edited_config, equal_soon, majors, stopped_pair, write_private,
};

/// Of all connects here.
const LIMIT: Duration = Duration::from_secs(3);

/// A busy machine is slow, and a wait that has no end is longer than this.
const LATE: Duration = Duration::from_mins(1);

/// `silence_timeout` of both sides, where it matters.
const SILENCE: Duration = Duration::from_secs(3);

/// Writes it.
const IMPATIENT: (&str, &str) = (
    "sslmode = \"disable\"",
    "sslmode = \"disable\"\nsilence_timeout = \"3s\"\nconnect_timeout = \"5s\"",
);

/// What a server says, each after it has heard something, before it falls silent.
async fn silent(says: &'static [&'static [u8]]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(speak(stream, says));
        }
    });
    port
}

async fn speak(mut stream: TcpStream, says: &'static [&'static [u8]]) {
    let mut heard = [0; 4096];
    for words in says {
        if !matches!(stream.read(&mut heard).await, Ok(1..)) {
            return;
        }
        let _ = stream.write_all(words).await;
    }
    // until the other one hangs up
    while matches!(stream.read(&mut heard).await, Ok(1..)) {}
}

fn config(folder: &tempfile::TempDir, port: u16, keys: &str) -> PathBuf {
    let side = format!(
        "host = \"127.0.0.1\"\nport = {port}\nuser = \"walferry\"\npassword = \"x\"\n\
         connect_timeout = \"3s\"\n"
    );
    let text = format!(
        "[pipeline]\nname = \"app\"\n\
         [destination]\n{side}database = \"b\"\nschema_prefix = \"app\"\n\
         [source]\n{side}database = \"a\"\n{keys}\n"
    );
    write_private(folder.path().join(format!("{port}.toml")), &text)
}

#[tokio::test]
async fn a_server_that_falls_silent_while_we_connect_is_given_up_in_time() {
    const SCRAM: &[u8] = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";
    const READY: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    const ACCEPTED: &[u8] = b"R\0\0\0\x08\0\0\0\0";
    let folder = tempfile::tempdir().unwrap();
    let plain = "sslmode = \"disable\"";
    let cases: [(&str, &'static [&'static [u8]], &str); 7] = [
        ("", &[], "did not negotiate TLS"),
        ("", &[b"S"], "did not finish the TLS handshake"),
        (plain, &[], "did not finish the login"),
        (plain, &[SCRAM], "did not finish the login"),
        (plain, &[ACCEPTED], "did not finish the login"),
        (plain, &[READY], "did not finish the login"),
        (plain, &[b"R\0"], "did not finish the login"),
    ];
    for (keys, says, expected) in cases {
        let path = config(&folder, silent(says).await, keys);
        let endpoint = walferry::config::load(Some(&path)).unwrap().source.endpoint;
        let started = Instant::now();
        let (sql, replication) = tokio::join!(
            connect(&endpoint, "silence"),
            Connection::open(&endpoint, "silence", Mode::Replication)
        );
        let waited = started.elapsed();
        for error in [sql.err().unwrap(), replication.err().unwrap()] {
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.kind(), Kind::Unreachable);
        }
        assert!((LIMIT..LATE).contains(&waited), "{expected}: {waited:?}");
    }
}

#[tokio::test]
async fn an_ssh_server_that_falls_silent_is_given_up_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("id");
    let mut keygen = std::process::Command::new("ssh-keygen");
    succeeds(
        keygen
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key),
    );
    let greeting: &'static [&'static [u8]] = &[b"SSH-2.0-OpenSSH_9.2\r\n"];
    for says in [&[][..], greeting] {
        let port = silent(says).await;
        let ssh = format!(
            "[source.ssh]\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"tunnel\"\n\
             private_key_file = \"id\"\n\
             host_key = \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
        );
        let path = config(&folder, port, &ssh);
        let endpoint = walferry::config::load(Some(&path)).unwrap().source.endpoint;
        let started = Instant::now();
        let error = connect(&endpoint, "silence").await.err().unwrap();
        let waited = started.elapsed();
        assert_eq!(error.kind(), Kind::Unreachable, "{error}");
        assert!(error.to_string().contains("did not"), "{error}");
        assert!((LIMIT..LATE).contains(&waited), "{waited:?}");
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_taken_for_dead_and_begun_again() {
    const MARK: &str = "after this row nothing comes";
    let major = *majors().await.last().unwrap();
    let (pair, source) = stopped_pair(major, &[]).await;
    let relay = Relay::to(pair.source.port(), MARK).await;
    let (from, to) = (
        format!("port = {}", pair.source.port()),
        format!("port = {}", relay.port),
    );
    let config = edited_config(&pair, "relay.toml", &[(&from, &to), IMPATIENT]);
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    do_on(&source, &format!("INSERT INTO other VALUES (2, '{MARK}')")).await;
    relay.until_held().await;
    let held = Instant::now();
    while !daemon.log().contains("The source has been silent for") {
        daemon.assert_running();
        assert!(
            held.elapsed() < STREAM_SILENCE_MIN + LATE,
            "{}",
            daemon.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(held.elapsed() + FEEDBACK_INTERVAL > STREAM_SILENCE_MIN);
    daemon.kill9().await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn a_lock_or_a_statement_that_takes_too_long_is_tried_again_until_it_works() {
    let major = *majors().await.last().unwrap();
    let (pair, source) = stopped_pair(major, &[]).await;
    let config = pair.write_config(
        "limits.toml",
        "[apply]\nlock_timeout = \"200ms\"\nstatement_timeout = \"1500ms\"\n",
    );
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    let said = async |daemon: &mut Daemon, sqlstate: &str| {
        let started = Instant::now();
        while !daemon.log().contains(sqlstate) {
            daemon.assert_running();
            assert!(started.elapsed() < LATE, "{sqlstate}: {}", daemon.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let holder = pair.on_destination().await;
    do_on(&holder, "BEGIN; LOCK TABLE app_public.other").await;
    do_on(&source, "INSERT INTO other VALUES (3, 'x')").await;
    said(&mut daemon, "SQLSTATE 55P03").await;
    do_on(&holder, "ROLLBACK").await;
    equal_soon(&pair).await;

    let slow = "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(20); RETURN NEW; END $$;
                CREATE TRIGGER slow BEFORE INSERT ON app_public.other
                FOR EACH ROW EXECUTE FUNCTION public.slow()";
    do_on(&holder, slow).await;
    do_on(&source, "INSERT INTO other VALUES (4, 'x')").await;
    said(&mut daemon, "SQLSTATE 57014").await;
    do_on(&holder, "DROP TRIGGER slow ON app_public.other").await;
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
}

/// What the daemon says of a session that it gives up.
const GIVEN_UP: &str = "a server owes an answer, its session is given up";

async fn given_up(daemon: &mut Daemon) {
    let started = Instant::now();
    while !daemon.log().contains(GIVEN_UP) {
        daemon.assert_running();
        assert!(started.elapsed() < LATE, "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Stops all processes of a server, or lets them go on; the machine still answers for them.
async fn freeze(cluster: &Cluster, signal: &str) {
    let postmaster = std::fs::read_to_string(cluster.data_directory().join("postmaster.pid"));
    let postmaster: u32 = postmaster.unwrap().lines().next().unwrap().parse().unwrap();
    send(signal, postmaster).await.unwrap();
    for process in children(postmaster) {
        // one that has ended meanwhile is as still
        let _ = send(signal, process).await;
    }
}

#[tokio::test]
async fn a_server_that_freezes_with_our_statement_is_given_up_and_found_again() {
    let major = *majors().await.last().unwrap();
    let (pair, source) = stopped_pair(major, &[]).await;
    let config = edited_config(&pair, "impatient.toml", &[IMPATIENT]);
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    freeze(&pair.destination, "STOP").await;
    let frozen = Instant::now();
    do_on(
        &source,
        "INSERT INTO other VALUES (2, 'while it is frozen')",
    )
    .await;
    given_up(&mut daemon).await;
    assert!(frozen.elapsed() > SILENCE, "{:?}", frozen.elapsed());
    assert!(daemon.log().contains("cannot be reached either"));
    freeze(&pair.destination, "CONT").await;
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn an_answer_that_is_swallowed_on_its_way_is_not_waited_for() {
    const MARK: &str = "after this notice nothing comes";
    let major = *majors().await.last().unwrap();
    let (pair, source) = stopped_pair(major, &[]).await;
    let relay = Relay::to(pair.destination.port(), MARK).await;
    let (direct, relayed) = (
        format!("port = {}", pair.destination.port()),
        format!("port = {}", relay.port),
    );
    let config = edited_config(&pair, "relay.toml", &[(&direct, &relayed), IMPATIENT]);
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    let destination = pair.on_destination().await;
    let notice = format!(
        "CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE WARNING '{MARK}'; RETURN NEW; END $$;
         CREATE TRIGGER tell BEFORE INSERT ON app_public.other
         FOR EACH ROW EXECUTE FUNCTION public.tell()"
    );
    do_on(&destination, &notice).await;
    do_on(&source, "INSERT INTO other VALUES (2, 'swallowed')").await;
    relay.until_held().await;
    do_on(&destination, "DROP FUNCTION public.tell() CASCADE").await;
    given_up(&mut daemon).await;
    assert!(daemon.log().contains("does not work on it any more"));
    equal_soon(&pair).await;
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn work_that_takes_long_is_left_alone() {
    let major = *majors().await.last().unwrap();
    let (pair, source) = stopped_pair(major, &[]).await;
    let tell = ("[observability]", "[observability]\nlog_level = \"debug\"");
    let config = edited_config(&pair, "impatient.toml", &[IMPATIENT, tell]);
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    let holder = pair.on_destination().await;
    do_on(&holder, "BEGIN; LOCK TABLE app_public.other").await;
    do_on(&source, "INSERT INTO other VALUES (2, 'waits for a lock')").await;
    let started = Instant::now();
    while daemon.log().matches("the server still works on it").count() < 2 {
        assert!(started.elapsed() < LATE, "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    do_on(&holder, "ROLLBACK").await;
    equal_soon(&pair).await;
    assert!(!daemon.log().contains(GIVEN_UP), "{}", daemon.log());
    drain(&pair, daemon).await;
}

#[tokio::test]
async fn a_statement_on_a_frozen_server_ends() {
    let major = *majors().await.last().unwrap();
    let (pair, _) = stopped_pair(major, &[]).await;
    let config = edited_config(&pair, "impatient.toml", &[IMPATIENT]);
    let config = walferry::config::load(Some(&config)).unwrap();
    let client = connect(&config.destination.endpoint, "silence")
        .await
        .unwrap();
    let mut spoken = Connection::open(&config.source.endpoint, "silence", Mode::Sql)
        .await
        .unwrap();
    let sleep = "SELECT pg_sleep(600)";
    let both = async { tokio::join!(client.query(sleep, &[]), spoken.query("sleep", sleep)) };
    let freezing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        freeze(&pair.destination, "STOP").await;
        freeze(&pair.source, "STOP").await;
    };
    let started = Instant::now();
    let ((sql, own), ()) = tokio::join!(both, freezing);
    let waited = started.elapsed();
    freeze(&pair.destination, "CONT").await;
    freeze(&pair.source, "CONT").await;
    assert!(sql.unwrap_err().is_closed());
    let own = own.unwrap_err();
    assert_eq!(own.kind(), Kind::ConnectionLost);
    assert!(own.to_string().contains("no answer for"), "{own}");
    assert!((SILENCE..LATE * 2).contains(&waited), "{waited:?}");
}
