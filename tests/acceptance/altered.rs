//! A table is altered in every way that is followed while others are written to and read all the
//! time: one way after the other, and with rows before and after it in its transaction.

mod ways;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_util::sync::CancellationToken;

use super::resync::{LOOK_INTERVAL, PAUSE_MAX, ROWS, TABLES, beat, make_tables, read, under_load};
use crate::support::PATIENCE;
use crate::support::{Figures, Pair, do_on, drain, equal_soon, majors, until};
use ways::{PLACES, Way, make_table, ways};

/// A change that no row tells of is noticed within this time. Each way gets it for itself where a
/// pause is to be blamed on the right one.
const NOTICED_AFTER: Duration = Duration::from_secs(8);

/// How long a reader holds the lock of the copy.
const LOCK_HELD: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_table_is_altered_in_every_way_while_the_others_go_on() {
    for major in majors().await {
        altered(major).await;
    }
}

async fn altered(major: u32) {
    let figures = Figures::asked_for();
    let pair = Pair::start(major).await;
    let source = pair.on_source().await;
    let tables = make_tables() + &make_table(PLACES[0]) + "CREATE SCHEMA elsewhere";
    do_on(&source, &tables).await;
    let (load, daemon) = under_load(&pair).await;

    let (enough, stage) = (CancellationToken::new(), Stage::default());
    let others = read(pair.on_destination().await, enough.clone(), stage.clone());
    let others = tokio::spawn(others);
    let reader = look(pair.on_destination().await, enough.clone(), stage.clone());
    let reader = tokio::spawn(reader);
    let beats = tokio::spawn(beat(pair.on_source().await, enough.clone()));
    let writer = tokio::spawn(write(pair.on_source().await, enough.clone()));
    let passes = if figures.alone { 2 } else { 1 };
    let mut count = 0;
    for pass in 0..passes {
        for way in ways(pass) {
            count += 1;
            stage.begin(&way, pass);
            let between_rows = pass + 1 == passes;
            follow(&pair, &source, &way, between_rows, 1_000 * count).await;
            if figures.alone {
                tokio::time::sleep(NOTICED_AFTER).await;
            }
        }
    }
    enough.cancel();
    let (looks, pause) = others.await.unwrap();
    let (own_looks, wait) = reader.await.unwrap();
    let written = writer.await.unwrap();
    beats.await.unwrap();
    load.stop(&pair).await;
    equal_soon(&pair).await;
    eprintln!(
        "PostgreSQL {version}: one table altered in {count} ways beside {TABLES} others; {looks} \
         looks at these, the longest pause was {pause}; {own_looks} looks at the altered one, never \
         empty or half, the longest wait was {wait}; {written} rows written to it",
        version = pair.source.binaries().version(),
    );
    if figures.alone {
        assert!(pause.time < PAUSE_MAX, "the others stood still for {pause}");
    }
    drain(&pair, daemon).await;
}

/// Alters the table, and waits until its copy shows what came after it.
async fn follow(pair: &Pair, source: &Client, way: &Way, between_rows: bool, number: usize) {
    let started = Instant::now();
    let destination = pair.on_destination().await;
    let somebody = pair.on_destination().await;
    if way.locked {
        let lock = format!("BEGIN; SELECT FROM app_{} LIMIT 1", way.from);
        do_on(&somebody, &lock).await;
    }
    if between_rows {
        do_on(source, &way.between_rows(number)).await;
    } else {
        for statement in way.plainly(number).split_inclusive(';') {
            do_on(source, statement).await;
        }
    }
    if way.locked {
        tokio::time::sleep(LOCK_HELD).await;
        do_on(&somebody, "COMMIT").await;
    }
    let number = i64::try_from(number).unwrap();
    let question = format!("SELECT n::bigint FROM app_{} WHERE id = 1", way.to);
    while ask(&destination, &question).await != Some(number) {
        let late = started.elapsed() > PATIENCE;
        assert!(!late, "{} does not arrive", way.name);
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    if let Some(followed) = &way.followed {
        until(&destination, followed).await;
    }
    eprintln!("{}: {:.1?}", way.name, started.elapsed());
}

/// What goes on; where the table is.
#[derive(Clone, Default)]
pub(super) struct Stage(Arc<Mutex<String>>);

impl Stage {
    fn begin(&self, way: &Way, pass: usize) {
        let locked = if way.locked { ", its copy locked" } else { "" };
        let label = format!("{}{locked} (pass {})", way.name, pass + 1);
        *self.0.lock().unwrap() = label;
    }

    pub(super) fn label(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

/// The longest time that something took, and what went on then.
#[derive(Clone, Default)]
pub(super) struct Longest {
    pub(super) time: Duration,
    during: String,
}

impl Longest {
    pub(super) fn note(&mut self, time: Duration, stage: &Stage) {
        if time > PAUSE_MAX / 2 {
            eprintln!("stood still for {time:.2?} ({})", stage.label());
        }
        if time > self.time {
            (self.time, self.during) = (time, stage.label());
        }
    }
}

impl fmt::Display for Longest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2?}", self.time)?;
        match self.during.as_str() {
            "" => Ok(()),
            during => write!(f, " ({during})"),
        }
    }
}

/// Changes rows of the table wherever it is, one after the other; how many.
async fn write(source: Client, enough: CancellationToken) -> u64 {
    let (mut written, mut id) = (0, 1);
    while !enough.is_cancelled() {
        // the first row tells how far the copy is
        id = id % (ROWS - 1) + 1;
        for place in PLACES {
            let update = format!("UPDATE {place} SET n = n + 1 WHERE id = {id} + 1");
            match source.batch_execute(&update).await {
                Ok(()) => written += 1,
                Err(error) if is_elsewhere(&error) => {}
                Err(error) => panic!("{update}: {error:?}"),
            }
        }
        tokio::time::sleep(LOOK_INTERVAL / 2).await;
    }
    written
}

/// Looks at the copy, wherever it is: every look must see all of it. Also, how long a look took.
async fn look(destination: Client, enough: CancellationToken, stage: Stage) -> (u64, Longest) {
    let mut pause = interval(LOOK_INTERVAL);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut looks, mut longest, mut missed) = (0, Longest::default(), 0);
    while !enough.is_cancelled() {
        pause.tick().await;
        let began = Instant::now();
        let mut found = 0;
        for place in PLACES {
            let question = format!("SELECT count(*) FROM app_{place}");
            if let Some(rows) = ask(&destination, &question).await {
                assert_eq!(rows, i64::from(ROWS), "{place}, {}", stage.label());
                found += 1;
            }
        }
        // it may have moved from where we looked next to where we had looked
        missed = if found == 0 { missed + 1 } else { 0 };
        assert!(missed < 3, "the copy is nowhere: {}", stage.label());
        looks += 1;
        longest.note(began.elapsed(), &stage);
    }
    (looks, longest)
}

/// A number; `None` when the table is not there.
async fn ask(client: &Client, question: &str) -> Option<i64> {
    match client.query_one(question, &[]).await {
        Ok(row) => Some(row.get(0)),
        Err(error) if is_elsewhere(&error) => None,
        Err(error) => panic!("{question}: {error:?}"),
    }
}

fn is_elsewhere(error: &tokio_postgres::Error) -> bool {
    let codes = [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME];
    error.code().is_some_and(|code| codes.contains(code))
}
