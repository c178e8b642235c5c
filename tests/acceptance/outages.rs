//! Each server is away for a while, in the middle of a pgbench run.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;
use walferry::demo::cluster::{Cluster, SUPERUSER, Stop};

use crate::support::PATIENCE;
use crate::support::bookkeeping::{applied, confirmed, loads};
use crate::support::{Daemon, Figures, Metrics, Pair, Pgbench, majors};

/// How often both positions are read.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(20);

#[tokio::test]
async fn an_outage_of_either_side_heals_by_itself_and_the_slot_never_passes_the_checkpoint() {
    for major in majors().await {
        let figures = Figures::asked_for();
        let mut pair = Pair::start(major).await;
        Pgbench::init(&pair, figures.scale).await;
        let load = Pgbench::start(&pair);
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;
        let first_loads = loads(&pair.on_destination().await, "walferry").await;
        let enough = CancellationToken::new();
        let (source, destination) = (
            address(&pair.source, "app"),
            address(&pair.destination, "warehouse"),
        );
        let (looks, mut looking) = watch::channel(());
        let samples = tokio::spawn(sample(source, destination, looks, enough.clone()));
        looking.changed().await.unwrap();
        slot_moves(&pair).await;

        pair.destination.stop(Stop::Immediate).await.unwrap();
        tokio::time::sleep(figures.outage).await;
        unready(&daemon).await;
        pair.destination.start().await.unwrap();
        let destination_back = back(&mut daemon).await;
        slot_moves(&pair).await;
        tokio::time::sleep(figures.run / 2).await;

        // pgbench does not outlive it
        pair.source.stop(Stop::Immediate).await.unwrap();
        drop(load);
        tokio::time::sleep(figures.outage).await;
        unready(&daemon).await;
        pair.source.start().await.unwrap();
        let load = Pgbench::start(&pair);
        let source_back = back(&mut daemon).await;
        slot_moves(&pair).await;
        tokio::time::sleep(figures.run / 2).await;

        load.stop(&pair).await;
        let (transactions, late) = Pgbench::arrived(&pair).await;
        enough.cancel();
        let samples = samples.await.unwrap();
        daemon.assert_running();
        let metrics = Metrics::of(&daemon).await;
        assert!(metrics.has("walferry_errors_total"));
        assert!(metrics.reconnects("source") > 0.0);
        assert!(metrics.reconnects("destination") > 0.0);
        let destination = pair.on_destination().await;
        assert_eq!(loads(&destination, "walferry").await, first_loads);
        assert_eq!(daemon.sigterm().await, Some(0));
        eprintln!(
            "PostgreSQL {version}: each side away for {away:?}; streaming again {destination_back:.1?} \
             after the destination and {source_back:.1?} after the source was back; {transactions} \
             transactions, equal {late:.1?} after the end; {samples:?}",
            version = pair.source.binaries().version(),
            away = figures.outage,
        );
    }
}

/// Waits until the source may forget more than it may now.
async fn slot_moves(pair: &Pair) {
    let source = pair.on_source().await;
    let (before, _) = confirmed(&source).await.unwrap();
    let asked = Instant::now();
    while confirmed(&source).await.unwrap().0 == before {
        assert!(asked.elapsed() < PATIENCE, "the slot stays");
        tokio::time::sleep(SAMPLE_INTERVAL).await;
    }
}

/// A server that is away is noticed.
async fn unready(daemon: &Daemon) {
    let answer = daemon.get("/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

async fn back(daemon: &mut Daemon) -> Duration {
    let started = Instant::now();
    daemon.wait_ready().await;
    started.elapsed()
}

/// What was seen of the two positions.
#[derive(Debug, Default)]
struct Samples {
    taken: u64,
    /// How often the slot had moved since the sample before.
    moves: u64,
    /// Tries that failed because a server was away.
    failed: u64,
    /// Between two samples, with both servers there.
    longest_gap: Duration,
}

fn address(cluster: &Cluster, database: &str) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config
        .host_path(cluster.socket_directory())
        .port(cluster.port())
        .user(SUPERUSER)
        .dbname(database);
    config
}

async fn connect(to: &tokio_postgres::Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = to.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Reads the slot's position, then the checkpoint, again and again. The checkpoint only grows, so
/// whatever the slot was told must be in it by the time it is read, a crash of either server in
/// between or not.
async fn sample(
    source: tokio_postgres::Config,
    destination: tokio_postgres::Config,
    looks: watch::Sender<()>,
    enough: CancellationToken,
) -> Samples {
    let mut samples = Samples::default();
    let mut highest = 0;
    let mut pause = tokio::time::interval(SAMPLE_INTERVAL);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !enough.is_cancelled() {
        pause.tick().await;
        let sessions = (connect(&source).await, connect(&destination).await);
        let (Ok(source), Ok(destination)) = sessions else {
            samples.failed += 1;
            continue;
        };
        let mut last = Instant::now();
        while !enough.is_cancelled() {
            let Ok((acknowledged, _)) = confirmed(&source).await else {
                break;
            };
            samples.moves += u64::from(highest > 0 && acknowledged > highest);
            highest = highest.max(acknowledged);
            let Ok(durable) = applied(&destination).await else {
                break;
            };
            assert!(
                highest <= durable,
                "the slot was at {highest:X}, the checkpoint at {durable:X}"
            );
            samples.taken += 1;
            looks.send_replace(());
            samples.longest_gap = samples.longest_gap.max(last.elapsed());
            last = Instant::now();
            pause.tick().await;
        }
    }
    assert!(samples.taken > 20 && samples.moves > 2, "{samples:?}");
    samples
}
