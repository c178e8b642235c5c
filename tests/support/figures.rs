//! How long the acceptance scenarios run: short every day, in full under `./dev soak`.

use std::time::Duration;

/// What the environment asks for.
pub struct Figures {
    /// `WALFERRY_SOAK_SECONDS`: how long pgbench runs at full speed, at least.
    pub run: Duration,
    /// `WALFERRY_SOAK_READS`: how often the destination is read during that run, at least.
    pub reads: u64,
    /// `WALFERRY_SOAK_SCALE`: of pgbench.
    pub scale: u32,
    /// `WALFERRY_SOAK_KILLS`: how often the daemon is killed.
    pub kills: u64,
    /// `WALFERRY_SOAK_OUTAGE_SECONDS`: how long each server is away.
    pub outage: Duration,
    /// `WALFERRY_SOAK_LOCK_SECONDS`: how long a batch is stuck behind a lock.
    pub lock: Duration,
    /// `WALFERRY_SOAK_ROWS`: of a large transaction, 0.8 kB each.
    pub rows: u64,
    /// `WALFERRY_SOAK_TABLE`: rows of a table that grows.
    pub table: u64,
    /// `WALFERRY_SOAK_HISTORIES`: random histories on each version of the server, about.
    pub histories: usize,
    /// The machine does nothing else, as under `./dev soak`: times mean something.
    pub alone: bool,
    /// `WALFERRY_SEED`: of the random moments; each run has another one unless it is given.
    pub seed: u64,
}

impl Figures {
    pub fn asked_for() -> Figures {
        Figures {
            run: Duration::from_secs(number("SECONDS").unwrap_or(4)),
            reads: number("READS").unwrap_or(50),
            scale: u32::try_from(number("SCALE").unwrap_or(1)).unwrap(),
            kills: number("KILLS").unwrap_or(4),
            outage: Duration::from_secs(number("OUTAGE_SECONDS").unwrap_or(5)),
            // longer than a silence on the wire may be
            lock: Duration::from_secs(number("LOCK_SECONDS").unwrap_or(33)),
            rows: number("ROWS").unwrap_or(60_000),
            table: number("TABLE").unwrap_or(20_000),
            histories: usize::try_from(number("HISTORIES").unwrap_or(600)).unwrap(),
            alone: number("SECONDS").is_some(),
            seed: variable("WALFERRY_SEED").unwrap_or_else(any),
        }
    }
}

fn number(what: &str) -> Option<u64> {
    variable(&format!("WALFERRY_SOAK_{what}"))
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}

fn any() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}

/// From nothing up to, and without, so many milliseconds.
pub fn up_to(random: &mut fastrand::Rng, milliseconds: u64) -> Duration {
    Duration::from_millis(random.u64(..milliseconds))
}
