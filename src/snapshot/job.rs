//! Plans → jobs: ranges of large tables, packs of small ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::prepare::Plan;
use crate::catalog::TableName;
use crate::catalog::source::Segment;
use crate::limits::{
    PACK_BYTES_MAX, PACK_TABLES_MAX, RANGE_PAGES_MAX, RANGE_PAGES_MIN, RANGES_PER_SEGMENT_MAX,
    RANGES_PER_WORKER,
};

/// A block of a server as it is mostly built.
const PAGE_BYTES: u64 = 8_192;

/// What a worker takes at once.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// A part of a large table.
    Range(Arc<Large>, Piece),
    /// Whole tables, in one destination transaction.
    Pack(Vec<Arc<Plan>>),
}

impl Job {
    /// It reads one table after the other, or one with all of its partitions.
    pub(super) fn locks_several(&self) -> bool {
        match self {
            Job::Range(..) => false,
            Job::Pack(plans) => match &plans[..] {
                [plan] => plan.table.partitioned || plan.segments.len() > 1,
                _ => true,
            },
        }
    }

    /// It is about more than one table.
    pub(super) fn has_several(&self) -> bool {
        matches!(self, Job::Pack(plans) if plans.len() > 1)
    }

    /// The same with a job for each table.
    pub(super) fn apart(self) -> Vec<Job> {
        match self {
            Job::Range(..) => vec![self],
            Job::Pack(plans) => {
                let alone = plans.into_iter().map(|plan| Job::Pack(vec![plan]));
                alone.collect()
            }
        }
    }
}

/// Rows of one heap: all of them, or those of a range of blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its number among those of the table.
    pub(super) nth: usize,
    pub(super) heap: Segment,
    pub(super) blocks: Option<Blocks>,
}

/// Blocks `from..to`; open-ended without `to`, since the heap may have grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocks {
    pub(super) from: u64,
    pub(super) to: Option<u64>,
}

/// A large table under way.
#[derive(Debug)]
pub(super) struct Large {
    pub(super) plan: Arc<Plan>,
    /// Where its rows gather until all are there.
    pub(super) hidden: TableName,
    /// How many pieces it has.
    pub(super) pieces: usize,
    /// Nothing of it can be used.
    spoiled: AtomicBool,
    pieces_left: AtomicUsize,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Large {
    /// Counts a copied piece; whether it was the last one.
    pub(super) fn piece_done(&self, rows: u64, bytes: u64) -> bool {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.pieces_left.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Nothing of it can be used; whether that is news.
    pub(super) fn spoil(&self) -> bool {
        !self.spoiled.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_spoiled(&self) -> bool {
        self.spoiled.load(Ordering::Acquire)
    }

    /// Rows and bytes that were copied.
    pub(super) fn copied(&self) -> (u64, u64) {
        (
            self.rows.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }
}

/// The whole table, heap by heap.
pub(super) fn whole(plan: &Plan) -> Vec<Piece> {
    let segments = plan.segments.iter().enumerate();
    let piece = segments.map(|(nth, segment)| Piece {
        nth,
        heap: segment.clone(),
        blocks: None,
    });
    piece.collect()
}

/// Jobs in the order in which they are to be taken: ranges of the largest tables first. `ranges`
/// is false for servers that would scan the whole table for each range (before 14).
pub(super) fn jobs(
    plans: Vec<Plan>,
    workers: usize,
    ranges: bool,
    hidden: impl Fn(&Plan) -> TableName,
) -> Vec<Job> {
    let mut plans: Vec<Arc<Plan>> = plans.into_iter().map(Arc::new).collect();
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.table.bytes));
    let (mut jobs, mut pack, mut pack_bytes) = (Vec::new(), Vec::new(), 0);
    for plan in plans {
        let pieces = if plan.existing.is_none() {
            pieces(&plan.segments, plan.table.bytes, workers, ranges)
        } else {
            // Filled in one transaction, in its place.
            Vec::new()
        };
        if !pieces.is_empty() {
            let large = Arc::new(Large {
                hidden: hidden(&plan),
                pieces: pieces.len(),
                plan,
                spoiled: AtomicBool::new(false),
                pieces_left: AtomicUsize::new(pieces.len()),
                rows: AtomicU64::new(0),
                bytes: AtomicU64::new(0),
            });
            let range = |piece| Job::Range(Arc::clone(&large), piece);
            jobs.extend(pieces.into_iter().map(range));
            continue;
        }
        if pack.len() >= PACK_TABLES_MAX || pack_bytes + plan.table.bytes > PACK_BYTES_MAX {
            close(&mut jobs, &mut pack);
            pack_bytes = 0;
        }
        pack_bytes += plan.table.bytes;
        pack.push(plan);
        // a large one that is filled where it is does not wait for small ones to keep it company
        if pack_bytes > PACK_BYTES_MAX {
            close(&mut jobs, &mut pack);
            pack_bytes = 0;
        }
    }
    close(&mut jobs, &mut pack);
    jobs
}

fn close(jobs: &mut Vec<Job>, pack: &mut Vec<Arc<Plan>>) {
    if !pack.is_empty() {
        jobs.push(Job::Pack(std::mem::take(pack)));
    }
}

/// The pieces of a table of so many bytes in all, with the large values that are beside its heaps;
/// none when it is small. A large one has its keys built by others than who reads, without the
/// snapshot, so that it is worth a piece of its own even where it is not cut.
fn pieces(segments: &[Segment], bytes: u64, workers: usize, ranges: bool) -> Vec<Piece> {
    let heaps: u64 = segments.iter().map(|segment| segment.pages).sum();
    let total = heaps.max(bytes / PAGE_BYTES);
    if total < 2 * RANGE_PAGES_MIN {
        return Vec::new();
    }
    // Several ranges a worker, so that all end at about the same time.
    let share = total
        .div_ceil(workers as u64 * RANGES_PER_WORKER)
        .clamp(RANGE_PAGES_MIN, RANGE_PAGES_MAX);
    let mut pieces = Vec::new();
    for segment in segments {
        // a range has at least one page
        let most = RANGES_PER_SEGMENT_MAX.min(segment.pages);
        let most = if ranges { most.max(1) } else { 1 };
        // what it holds, were the large values in it
        let pages = u128::from(total) * u128::from(segment.pages) / u128::from(heaps.max(1));
        let pages = u64::try_from(pages).unwrap_or(u64::MAX);
        let count = match pages.div_ceil(share).clamp(1, most) {
            // Alone in the queue: nobody is to wait for the one who got one more.
            count @ 2.. if segments.len() == 1 => count.next_multiple_of(workers as u64).min(most),
            count => count,
        };
        // All of one size: a larger last one would keep a worker busy when the others are done.
        let bound = |nth: u64| nth * segment.pages / count;
        for nth in 0..count {
            let last = nth + 1 == count;
            let blocks = Blocks {
                from: bound(nth),
                to: (!last).then(|| bound(nth + 1)),
            };
            let blocks = (count > 1).then_some(blocks);
            pieces.push(Piece {
                nth: pieces.len(),
                heap: segment.clone(),
                blocks,
            });
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(name: &str, pages: u64) -> Segment {
        Segment {
            oid: 1,
            name: TableName::new("public", name),
            pages,
        }
    }

    #[test]
    fn ranges_cover_every_block_once_and_the_last_one_is_open() {
        for pages in [1, RANGE_PAGES_MIN, 2 * RANGE_PAGES_MIN, 100_003, 50_000_000] {
            let pieces = pieces(&[segment("t", pages)], 0, 4, true);
            assert!(pieces.len() as u64 <= RANGES_PER_SEGMENT_MAX + 1);
            let mut next = 0;
            for (nth, piece) in pieces.iter().enumerate() {
                let Some(blocks) = piece.blocks else { continue };
                assert_eq!(blocks.from, next);
                let last = nth + 1 == pieces.len();
                assert_eq!(blocks.to.is_none(), last);
                next = blocks.to.unwrap_or(next);
            }
        }
    }

    #[test]
    fn no_range_keeps_its_worker_longer_than_the_others() {
        for pages in [2 * RANGE_PAGES_MIN, 20_000, 32_787, 100_003] {
            let pieces = pieces(&[segment("t", pages)], 0, 2, true);
            let ends = pieces.iter().map(|piece| piece.blocks.unwrap());
            let sizes: Vec<u64> = ends.map(|b| b.to.unwrap_or(pages) - b.from).collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(most - least <= 1, "{pages}: {sizes:?}");
        }
    }

    #[test]
    fn a_server_without_range_scans_reads_each_heap_once() {
        let pieces = pieces(&[segment("a", 100_000), segment("b", 7)], 0, 4, false);
        assert!(pieces.iter().all(|piece| piece.blocks.is_none()));
        assert_eq!(pieces.len(), 2);
    }

    #[test]
    fn large_values_beside_a_small_heap_count_when_it_is_cut() {
        let heap = [segment("t", 3_840)];
        assert!(pieces(&heap, 30 << 20, 4, true).is_empty());
        let cut = pieces(&heap, 500 << 30, 4, true);
        assert!(cut.len() as u64 >= (500 << 30) / PAGE_BYTES / RANGE_PAGES_MAX);
        let ends = cut.iter().map(|piece| piece.blocks.unwrap());
        assert!(ends.into_iter().all(|b| b.to.is_none_or(|to| to > b.from)));
        // fewer pages than ranges, and none at all
        assert_eq!(pieces(&[segment("t", 3)], 500 << 30, 4, true).len(), 3);
        assert_eq!(pieces(&[segment("t", 0)], 500 << 30, 4, true).len(), 1);
    }

    #[test]
    fn no_range_of_a_huge_table_is_larger_than_the_bound() {
        let pages = (1 << 40) / PAGE_BYTES;
        for piece in pieces(&[segment("t", pages)], 0, 4, true) {
            let blocks = piece.blocks.unwrap();
            assert!(blocks.to.unwrap_or(pages) - blocks.from <= RANGE_PAGES_MAX);
        }
    }

    #[test]
    fn a_large_table_has_a_piece_of_its_own_where_it_is_not_cut() {
        let large = [segment("t", 2 * RANGE_PAGES_MIN)];
        assert_eq!(pieces(&large, 0, 1, false).len(), 1);
        assert!(pieces(&large, 0, 1, true).len() > 1);
    }
}
