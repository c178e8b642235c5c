//! The cases of types, keys and identities between servers of different versions: every day those at
//! hand, each into the other; under `./dev versions` all.
//!
//! `WALFERRY_SOURCES` and `WALFERRY_DESTINATIONS`, lists with commas, ask for versions. One that was
//! asked for and is missing fails.

use super::bench::Bench;
use super::folder::{self, Case};
use super::way::Way;
use crate::support::{Pair, do_on, majors, walferry};

/// Areas whose cases say what values and rows become.
const AREAS: [&str; 4] = ["types/", "keys/", "identities/", "columns/"];

/// Those that depend on the version most, for every day.
const AREAS_OF_VERSIONS: [&str; 1] = ["types/"];

#[tokio::test]
async fn types_and_keys_come_out_equal_from_every_version() {
    let mut failures = Vec::new();
    for (source, destination) in pairs().await {
        failures.extend(between(source, destination).await);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn check_names_columns_whose_values_a_destination_is_too_old_for() {
    let at_hand = majors().await;
    let source = *at_hand.last().unwrap();
    for destination in asked("DESTINATIONS").unwrap_or(at_hand) {
        let pair = Pair::between((source, &[]), (destination, &[])).await;
        do_on(
            &pair.on_source().await,
            "CREATE DOMAIN money_like AS numeric; CREATE TYPE pair_of AS (a int, b numeric);
             CREATE TABLE t (id int PRIMARY KEY, amount numeric, few numeric(10, 2), d money_like,
                             p pair_of, r numrange, mark \"char\", marks \"char\"[],
                             m int4multirange, ms nummultirange[]);
             CREATE TABLE plain (id int PRIMARY KEY, v text)",
        )
        .await;
        let check = walferry(&pair.config(), &["check"]).await.ended(0, &[]);
        for (known_from, says) in [
            (
                14,
                "Servers before 14 do not know Infinity and -Infinity of numeric",
            ),
            (14, "may hold some: amount, d, p, r\n"),
            (
                15,
                "Servers before 15 do not know a \"char\" above 127 that travels as text",
            ),
            (15, "may hold some: mark, marks\n"),
            (
                14,
                "become text, since the destination cannot have their types: m \
                  (pg_catalog.int4multirange: the destination's version has no such type), ms (",
            ),
        ] {
            let too_old = destination < known_from;
            assert_eq!(check.out.contains(says), too_old, "{says:?}\n{}", check.out);
        }
        assert!(!check.out.contains("public.plain"), "{}", check.out);
    }
}

/// Versions that were asked for.
fn asked(what: &str) -> Option<Vec<u32>> {
    let list = std::env::var(format!("WALFERRY_{what}")).ok()?;
    Some(
        list.split(',')
            .map(|number| number.parse().unwrap())
            .collect(),
    )
}

/// Nobody asked for versions.
fn is_everyday() -> bool {
    asked("SOURCES").is_none() && asked("DESTINATIONS").is_none()
}

/// Source and destination. The everyday tests of cases have one version on both sides, so these have
/// two, where there are two.
async fn pairs() -> Vec<(u32, u32)> {
    let at_hand = majors().await;
    let every = at_hand.len() == 1 || !is_everyday();
    let destinations = asked("DESTINATIONS").unwrap_or_else(|| at_hand.clone());
    let mut pairs = Vec::new();
    for source in asked("SOURCES").unwrap_or(at_hand) {
        let others = destinations
            .iter()
            .filter(|other| every || **other != source);
        pairs.extend(others.map(|destination| (source, *destination)));
    }
    pairs
}

/// For every day, one each: a load from a newer server may bring what an older one does not take.
fn ways(source: u32, destination: u32) -> Vec<Way> {
    if !is_everyday() {
        vec![Way::Snapshot, Way::Stream]
    } else if source > destination {
        vec![Way::Snapshot]
    } else {
        vec![Way::Stream]
    }
}

async fn between(source: u32, destination: u32) -> Vec<String> {
    let areas = if is_everyday() {
        &AREAS_OF_VERSIONS[..]
    } else {
        &AREAS
    };
    let cases: Vec<Case> = folder::all()
        .into_iter()
        .filter(|case| areas.iter().any(|area| case.name.starts_with(area)))
        .collect();
    let all = cases.len();
    let fitting = cases
        .into_iter()
        .filter(|case| case.fits(source, destination));
    // those alone take a daemon each: nothing for every day
    let fitting = fitting.filter(|case| !(case.alone && is_everyday()));
    let (alone, together): (Vec<Case>, Vec<Case>) = fitting.partition(|case| case.alone);
    let mut bench = Bench::of_old(source, destination).await;
    let (mut failures, mut values) = (Vec::new(), Vec::new());
    let mut types = 0;
    let count = alone.len() + together.len();
    for way in ways(source, destination) {
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
