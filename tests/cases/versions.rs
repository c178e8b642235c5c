//! The cases of types, keys and identities between servers of other versions: `./dev versions`.

use walferry::demo::binaries::Binaries;

use super::bench::Bench;
use super::folder::{self, Case};
use super::way::Way;
use crate::support::{Pair, do_on, walferry};

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

#[tokio::test]
async fn check_names_columns_whose_values_a_destination_is_too_old_for() {
    let old = wanted("DESTINATIONS")
        .into_iter()
        .filter(|major| *major < 14);
    for destination in old {
        if let Err(error) = Binaries::find(Some(destination)).await {
            eprintln!("SKIPPED: PostgreSQL {destination}: {error}");
            continue;
        }
        let pair = Pair::between((18, &[]), (destination, &[])).await;
        do_on(
            &pair.on_source().await,
            "CREATE DOMAIN money_like AS numeric; CREATE TYPE pair_of AS (a int, b numeric);
             CREATE TABLE t (id int PRIMARY KEY, amount numeric, few numeric(10, 2), d money_like,
                             p pair_of, r numrange, mark \"char\", marks \"char\"[],
                             m int4multirange, ms nummultirange[]);
             CREATE TABLE plain (id int PRIMARY KEY, v text)",
        )
        .await;
        let check = walferry(&pair.config(), &["check"]).await;
        let check = check.ended(
            0,
            &[
                "Servers before 14 do not know Infinity and -Infinity of numeric",
                "may hold some: amount, d, p, r\n",
                "Servers before 15 do not know a \"char\" above 127 that travels as text",
                "may hold some: mark, marks\n",
                "become text, since the destination cannot have their types: m \
                 (pg_catalog.int4multirange: the destination's version has no such type), ms (",
            ],
        );
        assert!(!check.out.contains("public.plain"), "{}", check.out);
    }
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
