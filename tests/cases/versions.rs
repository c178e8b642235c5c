//! The cases of types, keys and identities between servers of other versions: `./dev versions`.

use walferry::demo::binaries::Binaries;

use super::bench::Bench;
use super::folder::{self, Case};
use super::way::Way;

/// Areas whose cases say what values and rows become.
const AREAS: [&str; 4] = ["types/", "keys/", "identities/", "columns/"];

#[tokio::test]
async fn types_and_keys_come_out_equal_from_every_version() {
    let (sources, destinations) = (wanted("SOURCES"), wanted("DESTINATIONS"));
    let mut failures = Vec::new();
    for source in &sources {
        for destination in &destinations {
            failures.extend(between(*source, *destination).await);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Versions as a list with commas; none is the everyday tests' choice, which take 15 and 18.
fn wanted(what: &str) -> Vec<u32> {
    let list = std::env::var(format!("WALFERRY_{what}")).unwrap_or_default();
    let numbers = list.split(',').filter(|number| !number.is_empty());
    numbers.map(|number| number.parse().unwrap()).collect()
}

async fn between(source: u32, destination: u32) -> Vec<String> {
    for major in [source, destination] {
        if let Err(error) = Binaries::find(Some(major)).await {
            eprintln!("SKIPPED: PostgreSQL {major}: {error}");
            return Vec::new();
        }
    }
    let cases: Vec<Case> = folder::all()
        .into_iter()
        .filter(|case| AREAS.iter().any(|area| case.name.starts_with(area)))
        .collect();
    let all = cases.len();
    let fitting = cases
        .into_iter()
        .filter(|case| case.fits(source, destination));
    let (alone, together): (Vec<Case>, Vec<Case>) = fitting.partition(|case| case.alone);
    let mut bench = Bench::of_old(source, destination).await;
    let (mut failures, mut values) = (Vec::new(), Vec::new());
    let mut types = 0;
    let count = alone.len() + together.len();
    for way in [Way::Snapshot, Way::Stream] {
        let mut compared = bench.take_all(way, together.clone()).await;
        for case in &alone {
            compared.add(bench.take_all(way, vec![case.clone()]).await);
        }
        types = compared.types;
        values.push(format!("{} {}", way.as_str(), compared.values));
        failures.extend(compared.different);
    }
    eprintln!(
        "PostgreSQL {source} to {destination}: {count} of {all} cases, {types} types, values \
         compared: {}; {} differences",
        values.join(", "),
        failures.len()
    );
    let named = |failure: String| format!("PostgreSQL {source} to {destination}: {failure}");
    let failures: Vec<String> = failures.into_iter().map(named).collect();
    // there is much to come
    for failure in &failures {
        eprintln!("{failure}");
    }
    failures
}
