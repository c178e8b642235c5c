//! Small histories, each a folder of SQL that is taken through walferry in several ways.
//!
//! `tests/cases/<area>/<name>/` holds
//! * `schema.sql`: tables and rows that are there before; unqualified names go to a schema of the
//!   case's own, `<area>_<name>`,
//! * `changes.sql`: what then happens; psql runs it, statement by statement,
//! * `publication.sql`, optional: makes the publication `walferry_app`, in place of one of all
//!   tables,
//! * `destination.sql`, optional: prepares the destination as the role `walferry`.
//!
//! Every case goes three ways (see [`way::Way`]) on every server version, and each time both sides
//! must hold the same rows: the same text and, where the types are the same, the same bytes. Cases
//! share databases and a daemon unless they need their own. Comments at the top of `schema.sql`:
//! * `-- from: 18`, `-- until: 17`: the versions of the source that can do it; `-- destination from:
//!   14`: those of the destination,
//! * `-- alone: why` needs a daemon of its own,
//! * `-- binary: why` is taken twice: among all the others, where the stream is text since some have
//!   types that only go as text, and among its like, where the stream is binary,
//! * `-- batch: 1000` rows a batch on the third way, for cases that would take for ever,
//! * `-- joins: why` changes shapes or makes tables, which may be loaded beside the stream: both sides
//!   are equal some time after the changes, where all others are with the last of them,
//! * `-- in place: why` the same, and none of its tables is loaded again for that,
//! * `-- publications: a, b` follows several publications, which `publication.sql` makes,
//! * `-- keeps: why` drops columns, which stay in the destination,
//! * `-- expect: refused WORDS` or `-- expect: halted WORDS`: the daemon must not start, or must end
//!   at the changes, with these words.
//!
//! The cases of values, `types/numbers` and the like, have tables `t01`, `t02`, … of one type each, and
//! take each value through `types/each_value.sql` and `types/each_value_changes.sql`: inserted, updated
//! from and to others, as a key where it can be one, deleted by key and by whole row. Among all the
//! others each is loaded and sent as text, among its like in binary.
//!
//! `WALFERRY_CASES=keys/` runs only the cases whose path contains that.

pub mod bench;
mod equality;
pub mod folder;
mod in_place;
mod versions;
pub mod way;

use crate::support::majors;
use bench::Bench;
use equality::Compared;
use folder::Case;
use way::Way;

/// Different values that have to go through each format.
const VALUES_MIN: usize = 250;

#[tokio::test]
async fn every_case_comes_out_equal_on_postgresql_15() {
    every_case_comes_out_equal_on(15).await;
}

#[tokio::test]
async fn every_case_comes_out_equal_on_postgresql_18() {
    every_case_comes_out_equal_on(18).await;
}

/// How many values of how many types went through, and that no case of them has gone missing.
fn report_types(major: u32, way: Way, in_text: &Compared, in_binary: &Compared) {
    let all = std::env::var("WALFERRY_CASES").is_err();
    for (format, compared) in [("text", in_text), ("binary", in_binary)] {
        let (values, types) = (compared.values_of_types, compared.types);
        if values > 0 {
            eprintln!(
                "PostgreSQL {major}, {}, {format}: {values} values of {types} types, each there, \
                 inserted, changed, as a key where it can be one, and deleted: {} tables differ",
                way.as_str(),
                compared.different.len()
            );
        }
        let enough = values >= VALUES_MIN || !compared.different.is_empty() || !all;
        assert!(enough, "{values} values in {format}");
    }
}

async fn every_case_comes_out_equal_on(major: u32) {
    if !majors().await.contains(&major) {
        return;
    }
    let cases: Vec<Case> = folder::all()
        .into_iter()
        .filter(|case| case.fits(major, major))
        .collect();
    let of = |wanted: fn(&Case) -> bool| -> Vec<Case> {
        cases.iter().filter(|case| wanted(case)).cloned().collect()
    };
    let together = of(|case| !case.alone);
    let binary = of(|case| case.binary);
    let alone = of(|case| case.alone);
    let mut bench = Bench::between(major, major).await;
    let mut failures = Vec::new();
    for way in Way::ALL {
        let started = std::time::Instant::now();
        let mut all = bench.take_all(way, together.clone()).await;
        let in_binary = bench.take_all(way, binary.clone()).await;
        report_types(major, way, &all, &in_binary);
        all.add(in_binary);
        for case in &alone {
            all.add(bench.take_all(way, vec![case.clone()]).await);
        }
        let (count, name, values) = (cases.len(), way.as_str(), all.values);
        let took = started.elapsed();
        eprintln!(
            "PostgreSQL {major}: {count} cases, {name}: {values} values compared, {took:.0?}"
        );
        failures.extend(all.different);
    }
    assert!(
        failures.is_empty(),
        "PostgreSQL {major}, {} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
