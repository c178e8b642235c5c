//! Random histories over tables of every kind, against the source itself and against a native
//! subscription in a third database.
//!
//! Histories happen in *lanes*, schemas with the same tables, one in each at a time: a *wave*. When
//! a wave has arrived, all three databases must hold the same rows. Half of the waves find the
//! applier stopped, so that they become one batch; the others flow, some while the daemon is killed.
//! One half of all goes through batches of three changes.
//!
//! A history that fails is made shorter as long as it still fails alone, and printed as a script
//! that can become a case folder. `WALFERRY_SEED` brings all histories of a run back,
//! `WALFERRY_SOAK_HISTORIES` says how many there are.

mod history;
mod rig;
mod shapes;
mod shrink;
mod verdict;

use std::time::Instant;

use fastrand::Rng;

use crate::support::{Figures, Pair, majors, up_to};
use history::History;
use rig::{Fate, Fault, LARGE, Rig, SMALL, Way};
use shrink::shrink;

/// Histories that happen at once.
const LANES: usize = 16;

/// One history in so many changes shapes: these take longer.
const SHARE_OF_SHAPES: usize = 20;

#[tokio::test]
async fn random_histories_of_rows_come_out_as_on_the_source_and_natively_on_postgresql_15() {
    random_histories_of_rows_come_out_equal_on(15).await;
}

#[tokio::test]
async fn random_histories_of_rows_come_out_as_on_the_source_and_natively_on_postgresql_18() {
    random_histories_of_rows_come_out_equal_on(18).await;
}

#[tokio::test]
async fn random_histories_of_shapes_come_out_as_on_the_source_on_postgresql_15() {
    random_histories_of_shapes_come_out_equal_on(15).await;
}

#[tokio::test]
async fn random_histories_of_shapes_come_out_as_on_the_source_on_postgresql_18() {
    random_histories_of_shapes_come_out_equal_on(18).await;
}

async fn random_histories_of_shapes_come_out_equal_on(major: u32) {
    if !majors().await.contains(&major) {
        return;
    }
    let figures = Figures::asked_for();
    eprintln!("WALFERRY_SEED={}", figures.seed);
    let number = figures.histories / SHARE_OF_SHAPES;
    shapes::come_out_equal(major, figures.seed, number).await;
}

async fn random_histories_of_rows_come_out_equal_on(major: u32) {
    if !majors().await.contains(&major) {
        return;
    }
    let figures = Figures::asked_for();
    eprintln!("WALFERRY_SEED={}", figures.seed);
    let of_rows = figures.histories - figures.histories / SHARE_OF_SHAPES;
    let pair = Pair::start(major).await;
    let mut seed = figures.seed;
    for (number, way) in [LARGE, SMALL].iter().enumerate() {
        let started = Instant::now();
        let waves = of_rows.div_ceil(2 * LANES);
        let mut rig = Rig::start(&pair, way, number, LANES, true).await;
        let mut random = Rng::with_seed(seed);
        for wave in 0..waves {
            let histories: Vec<History> = (0..rig.lanes())
                .map(|_| {
                    seed = seed.wrapping_add(1);
                    History::of_rows(seed)
                })
                .collect();
            let fate = match (wave % 8, random.bool()) {
                (3, _) => Fate::Killed(up_to(&mut random, 150)),
                (_, true) => Fate::Held,
                (_, false) => Fate::Flows,
            };
            if let Err(fault) = rig.take(&histories, fate).await {
                rig.end().await;
                explain(&pair, way, fate, &histories, fault).await;
            }
        }
        let (tables, count) = (rig.tables(), rig.count);
        rig.end().await;
        eprintln!(
            "PostgreSQL {major}: {} histories in {} tables, {}: {} transactions, {} of them \
             refused by the source, 0 differences, {:.1?}",
            waves * LANES,
            tables,
            way.name,
            count.transactions,
            count.refused,
            started.elapsed()
        );
    }
}

/// Panics with the shortest script that shows the fault.
async fn explain(pair: &Pair, way: &Way, fate: Fate, histories: &[History], fault: Fault) -> ! {
    let native = matches!(fault, Fault::NativeDiffers(_));
    let (lane, what) = fault.first();
    let history = &histories[lane];
    let seed = history.seed;
    eprintln!(
        "the history of seed {seed} fails ({}, {fate:?}): {what}\nlooking for a shorter one",
        way.name
    );
    if native {
        let script = history.script();
        panic!("the native subscription differs from the source:\n{what}\n{script}");
    }
    let fate = match fate {
        Fate::Killed(_) => Fate::Flows,
        fate => fate,
    };
    let mut rigs = 100;
    let mut said = String::new();
    let mut failing = async |all: &[Vec<String>]| {
        for (number, some) in all.chunks(LANES).enumerate() {
            rigs += 1;
            let some: Vec<History> = some
                .iter()
                .map(|steps| history.with_steps(steps.clone()))
                .collect();
            let mut rig = Rig::start(pair, way, rigs, some.len(), false).await;
            let outcome = rig.take(&some, fate).await;
            rig.end().await;
            if let Err(fault) = outcome {
                let (lane, what) = fault.first();
                said = what;
                return Some(number * LANES + lane);
            }
        }
        None
    };
    if failing(std::slice::from_ref(&history.steps))
        .await
        .is_none()
    {
        let script = history.script();
        panic!("the history of lane {lane} does not fail alone:\n{script}");
    }
    let steps = shrink(history.steps.clone(), failing).await;
    let shortest = history.with_steps(steps);
    panic!(
        "{}, {fate:?}: {said}\nseed {seed}, {} steps left:\n{}",
        way.name,
        shortest.steps.len(),
        shortest.script()
    );
}
