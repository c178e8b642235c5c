//! A fuzzer for the toolchain that everybody has: seeded mutation of samples, feedback by outcome,
//! and a count of the memory that each execution takes.
//!
//! cargo-fuzz steers by coverage, which needs a nightly compiler. Here an input that led to an
//! outcome that was not seen before (another kind of message, another error) joins the samples, so
//! that the search goes on from it. Every test runs a little of it; `./dev fuzz` as much as asked
//! for. The profile is that of the tests: overflows and broken assumptions panic.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Instant;

/// Executions of a target in the everyday suite.
const EVERY_DAY: u64 = 100_000;

/// Inputs that are kept as samples, and how long one may grow.
const SAMPLES_MAX: usize = 2_000;
const BYTES_MAX: usize = 4_096;

/// Memory for what does not grow with the input.
const FLOOR_BYTES: u64 = 64 << 10;

/// What is fuzzed.
pub(crate) struct Target<'a> {
    /// For the report.
    pub(crate) name: &'a str,
    /// One in so many of the executions asked for: what is slow gets fewer.
    pub(crate) one_in: u64,
    /// How often the input's length its memory may be, beside a floor.
    pub(crate) times: u64,
    /// Inputs that are as they should be.
    pub(crate) samples: Vec<Vec<u8>>,
}

/// Runs `target`, which says by a number what came of an input. Panics when it does, or when it
/// holds more memory at a time than it may, after showing the input.
pub(crate) fn fuzz(target: Target<'_>, run: impl Fn(&[u8]) -> u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let executions = number("WALFERRY_FUZZ_EXECUTIONS").unwrap_or(EVERY_DAY) / target.one_in;
    let seed = number("WALFERRY_SEED").unwrap_or_else(|| RandomState::new().hash_one(()));
    let mut random = Mutator(fastrand::Rng::with_seed(seed));
    let started = Instant::now();
    let mut samples = target.samples;
    let mut outcomes = HashSet::new();
    let (mut input, mut most) = (Vec::with_capacity(2 * BYTES_MAX), 0_u64);
    let given = samples.len() as u64;
    for execution in 0..executions.max(given) {
        input.clear();
        if execution < given {
            input.extend_from_slice(&samples[usize::try_from(execution).unwrap()]);
        } else {
            random.mutate(&samples, &mut input);
        }
        let shown = Shown {
            input: &input,
            seed,
        };
        let mut outcome = 0;
        let memory = allocation_counter::measure(|| outcome = run(shown.input));
        let allowed = target.times * (input.len() as u64).max(1) + FLOOR_BYTES;
        assert!(
            memory.bytes_max <= allowed,
            "it took {} bytes",
            memory.bytes_max
        );
        most = most.max(memory.bytes_max);
        if outcomes.insert(outcome) && samples.len() < SAMPLES_MAX {
            samples.push(input.clone());
        }
    }
    eprintln!(
        "fuzzed {}: {} executions, {} outcomes, at most {most} bytes, {:.1} s, seed {seed}",
        target.name,
        executions.max(given),
        outcomes.len(),
        started.elapsed().as_secs_f64()
    );
}

/// What came of an input, as a number; takes no memory.
pub(crate) fn outcome(of: impl Hash) -> u64 {
    foldhash::fast::FixedState::default().hash_one(of)
}

/// The same of a text, whose digits do not matter.
pub(crate) fn outcome_of_text(text: &str) -> u64 {
    let letters = text.bytes().filter(|byte| !byte.is_ascii_digit());
    letters.fold(0, |sum, byte| outcome((sum, byte)))
}

/// Shows the input when it goes away in a panic.
struct Shown<'a> {
    input: &'a [u8],
    seed: u64,
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let text = self.input.escape_ascii();
            eprintln!("the input was b\"{text}\", WALFERRY_SEED={}", self.seed);
        }
    }
}

/// Random changes that a seed brings back.
struct Mutator(fastrand::Rng);

impl Mutator {
    /// Below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0.usize(..limit)
    }

    fn byte(&mut self) -> u8 {
        self.0.u8(..)
    }

    /// A sample, half of the time one of the newest, with changes, in `input`: often one change,
    /// seldom many.
    fn mutate(&mut self, samples: &[Vec<u8>], input: &mut Vec<u8>) {
        let newest = samples.len() - samples.len().min(8);
        let first = if self.below(2) == 0 { newest } else { 0 };
        input.extend_from_slice(&samples[first + self.below(samples.len() - first)]);
        for _ in 0..=self.0.u64(..).trailing_zeros().min(8) {
            self.change(samples, input);
        }
        input.truncate(BYTES_MAX);
    }

    fn change(&mut self, samples: &[Vec<u8>], input: &mut Vec<u8>) {
        if input.is_empty() {
            input.push(self.byte());
            return;
        }
        let at = self.below(input.len());
        let end = at + self.below(input.len() - at + 1).min(64);
        match self.below(9) {
            0 => input[at] ^= 1 << self.below(8),
            1 => input[at] = self.byte(),
            2 => input.truncate(at),
            3 => drop(input.drain(at..end)),
            4 => {
                let copy = input[at..end].to_vec();
                input.splice(at..at, copy);
            }
            5 => input.insert(at, self.byte()),
            6 | 7 => self.number(input, at),
            _ => {
                let other = &samples[self.below(samples.len())];
                let from = self.below(other.len().max(1)).min(other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }

    /// Puts a number that lengths and counts break at in the place of 1, 2, 4 or 8 bytes.
    fn number(&mut self, input: &mut [u8], at: usize) {
        const EDGES: [u64; 12] = [
            0,
            1,
            2,
            0x7F,
            0xFF,
            0x100,
            0x7FFF,
            0xFFFF,
            0x7FFF_FFFF,
            0x8000_0000,
            0xFFFF_FFFF,
            u64::MAX,
        ];
        let bytes = EDGES[self.below(EDGES.len())].to_be_bytes();
        let width = 1 << self.below(4);
        let here = input[at..].iter_mut();
        for (place, byte) in here.zip(&bytes[8 - width..]) {
            *place = *byte;
        }
    }
}

#[test]
#[should_panic(expected = "it took")]
fn the_fuzzer_finds_an_allocation_that_trusts_an_announced_length() {
    let target = Target {
        name: "a trusting decoder",
        one_in: 1,
        times: 2,
        samples: vec![vec![0, 0, 0, 1, 7]],
    };
    fuzz(target, |input| {
        let length = input
            .first_chunk()
            .map_or(0, |four| u32::from_be_bytes(*four));
        Vec::<u8>::with_capacity(length as usize % (1 << 28)).len() as u64
    });
}

#[test]
#[should_panic(expected = "found")]
fn the_fuzzer_finds_its_way_through_outcomes() {
    let target = Target {
        name: "a gate",
        one_in: 1,
        times: 2,
        samples: vec![vec![0; 6]],
    };
    fuzz(target, |input| {
        // half of each byte is enough
        let fits = input.iter().zip(b"kopje");
        let fits = fits.take_while(|(is, want)| **is >> 4 == **want >> 4);
        let fits = fits.count() as u64;
        assert!(fits < 5, "found");
        fits
    });
}
