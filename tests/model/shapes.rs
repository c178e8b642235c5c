//! Random histories in which tables change their shapes, each written out as a case folder and taken
//! through the runner of the cases: many at once, since to notice a new shape takes its time.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::history::History;
use super::shrink::shrink;
use crate::cases::bench::Bench;
use crate::cases::folder::Case;
use crate::cases::way::Way;

const TABLES: &str = include_str!("shapes.sql");

/// Histories that happen at once.
const TOGETHER_MAX: usize = 100;

/// Takes so many histories; panics with the shortest script that shows a fault.
pub async fn come_out_equal(major: u32, mut seed: u64, number: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Bench::between(major, major).await;
    let mut left = number;
    // a short run goes one way only, each time another one
    let ways = [Way::Stream, Way::StreamInBatchesOfOne];
    let mut ways = ways.iter().cycle().skip(usize::from(seed % 2 == 1));
    while left > 0 {
        let started = Instant::now();
        let together = left.min(TOGETHER_MAX);
        left -= together;
        let way = *ways.next().unwrap();
        let histories: Vec<History> = (0..together)
            .map(|_| {
                seed = seed.wrapping_add(1);
                History::of_shapes(seed)
            })
            .collect();
        let scripts: Vec<String> = histories.iter().map(History::script).collect();
        let cases = write_cases(folder.path(), &scripts);
        let failures = bench.take_all(way, cases).await.different;
        if let Some((at, what)) = first(&failures) {
            explain(
                &mut bench,
                way,
                folder.path(),
                &histories[at],
                what,
                &failures,
            )
            .await;
        }
        eprintln!(
            "PostgreSQL {major}: {together} histories of shapes, {}, 0 differences, {:.1?}",
            way.as_str(),
            started.elapsed()
        );
    }
}

/// Panics with the shortest script that shows the fault.
async fn explain(
    bench: &mut Bench,
    way: Way,
    folder: &Path,
    history: &History,
    what: &str,
    failures: &[String],
) -> ! {
    let seed = history.seed;
    eprintln!(
        "{failures:#?}, the first one of seed {seed}:\n{}\nlooking for a shorter one",
        history.script()
    );
    let mut said = what.to_owned();
    let failing = async |all: &[Vec<String>]| {
        let scripts: Vec<String> = all
            .iter()
            .map(|steps| history.with_steps(steps.clone()).script())
            .collect();
        let failures = bench
            .take_all(way, write_cases(folder, &scripts))
            .await
            .different;
        let (at, what) = first(&failures)?;
        what.clone_into(&mut said);
        Some(at)
    };
    let steps = shrink(history.steps.clone(), failing).await;
    let shortest = history.with_steps(steps);
    panic!(
        "{said}\nseed {seed}, {} steps left:\n{TABLES}\n{}",
        shortest.steps.len(),
        shortest.script()
    );
}

/// One case for each script.
fn write_cases(folder: &Path, scripts: &[String]) -> Vec<Case> {
    let write = |(at, script): (usize, &String)| {
        let folder: PathBuf = folder.join(format!("history_{at:04}"));
        std::fs::create_dir_all(&folder).unwrap();
        let notes = "-- keeps: columns that are dropped\n-- joins: anything may happen\n";
        let schema = format!("{notes}{TABLES}");
        std::fs::write(folder.join("schema.sql"), schema).unwrap();
        // the source may refuse a transaction
        let changes = format!("\\set ON_ERROR_STOP 0\n{script}\\set ON_ERROR_STOP 1\n");
        std::fs::write(folder.join("changes.sql"), changes).unwrap();
        Case::read("model", folder)
    };
    scripts.iter().enumerate().map(write).collect()
}

/// The first failure that names a history, and which it is.
fn first(failures: &[String]) -> Option<(usize, &str)> {
    let what = failures.first()?;
    let Some((_, name)) = what.split_once("model/history_") else {
        panic!("{failures:#?}");
    };
    Some((name[..4].parse().unwrap(), what))
}
