//! A batch that waits behind somebody's lock for longer than the source is patient.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use tokio_postgres::Client;

use crate::support::PATIENCE;
use crate::support::sshd::{BEHIND, Sshd, through};
use crate::support::{Daemon, Figures, Metrics, Pair, equal_soon, majors, write_private};

/// walferry tells the source every 5 s where it stands, on a clock that ticks once a second; the
/// second is for a machine that does something else, too.
const SILENCE_MAX: [Duration; 2] = [Duration::from_secs(8), Duration::from_secs(20)];

const MEMORY: &str = "[apply]\nmemory_max = \"1 MiB\"\n";

#[tokio::test]
async fn keepalives_are_answered_while_a_batch_is_stuck_behind_a_lock() {
    let majors = majors().await;
    let newest = *majors.last().unwrap();
    // they only wait, so they can wait together
    let direct = majors.into_iter().map(|major| (major, false));
    let all = direct.chain([(newest, true)]);
    join_all(all.map(|(major, tunnelled)| stuck(major, tunnelled))).await;
}

async fn stuck(major: u32, tunnelled: bool) {
    let figures = Figures::asked_for();
    // the server's patience; the stream has one of its own, which the lock outlasts in a soak
    let pair = Pair::with_settings(major, &[("wal_sender_timeout", "5s")], &[]).await;
    let source = pair.on_source().await;
    let table = "CREATE TABLE public.stuck (id int PRIMARY KEY, filler text)";
    source.batch_execute(table).await.unwrap();
    let mut small = pair.write_config("small.toml", MEMORY);
    let bastion = if tunnelled {
        let bastion = Sshd::start().await;
        let keys = bastion.keys(pair.directory(), "");
        small = through(&pair, BEHIND, "tunnelled.toml", &keys);
        let text = std::fs::read_to_string(&small).unwrap() + MEMORY;
        write_private(small.clone(), &text);
        Some(bastion)
    } else {
        None
    };
    let mut daemon = Daemon::start_on(&pair, &small);
    daemon.wait_ready().await;

    let somebody = pair.on_destination().await;
    let lock = "BEGIN; LOCK TABLE app_public.stuck IN ACCESS EXCLUSIVE MODE";
    somebody.batch_execute(lock).await.unwrap();
    let row = "INSERT INTO public.stuck VALUES (0, 'the batch that waits')";
    source.batch_execute(row).await.unwrap();
    wait_until_blocked(&pair.on_destination().await).await;
    // far more than memory and sockets hold: the walsender itself is stuck, too
    let much = "INSERT INTO public.stuck
                SELECT i, pg_catalog.repeat('x', 1000) FROM pg_catalog.generate_series(1, 30000) AS i";
    source.batch_execute(much).await.unwrap();

    let replies = watch_replies(&source, &daemon, figures.lock).await;
    somebody.batch_execute("COMMIT").await.unwrap();
    equal_soon(&pair).await;
    let metrics = Metrics::of(&daemon).await;
    for endpoint in ["source", "destination"] {
        assert!(metrics.reconnects(endpoint) == 0.0, "{endpoint}");
    }
    assert!(
        !metrics.has("walferry_errors_total"),
        "an error was counted"
    );
    assert_eq!(daemon.sigterm().await, Some(0));
    eprintln!(
        "PostgreSQL {version}{way}: stuck for {stuck:?}, {replies} \
         replies, no reconnect, equal after it",
        way = bastion.map_or("", |_| " behind a bastion"),
        version = pair.source.binaries().version(),
        stuck = figures.lock,
    );
}

async fn wait_until_blocked(destination: &Client) {
    let query = "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE NOT granted
                 AND mode <> 'ShareUpdateExclusiveLock')";
    let asked = Instant::now();
    loop {
        let blocked: bool = destination.query_one(query, &[]).await.unwrap().get(0);
        if blocked {
            return;
        }
        assert!(asked.elapsed() < PATIENCE, "nothing waits");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Counts the replies of the one walsender, and panics when there is none for too long, when
/// another walsender takes its place, or when the daemon calls itself sick.
async fn watch_replies(source: &Client, daemon: &Daemon, how_long: Duration) -> usize {
    let query = "SELECT pid, reply_time FROM pg_catalog.pg_stat_replication
                 WHERE application_name = 'walferry stream'";
    let silence_max = SILENCE_MAX[usize::from(!Figures::asked_for().alone)];
    let (mut walsenders, mut replies) = (BTreeSet::new(), BTreeSet::new());
    let (started, mut heard) = (Instant::now(), Instant::now());
    while started.elapsed() < how_long {
        for row in source.query(query, &[]).await.unwrap() {
            walsenders.insert(row.get::<_, i32>(0));
            if let Some(reply) = row.get::<_, Option<SystemTime>>(1)
                && replies.insert(reply)
            {
                heard = Instant::now();
            }
        }
        assert_eq!(walsenders.len(), 1, "{walsenders:?}");
        assert!(heard.elapsed() < silence_max, "{replies:?}");
        for page in ["/healthz", "/readyz"] {
            let answer = daemon.get(page).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{page}: {answer}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    replies.len()
}
