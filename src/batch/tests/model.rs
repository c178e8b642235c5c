//! Random histories of several tables, as the bytes that a source sends, against the same
//! histories done one change at a time.
//!
//! Each change is parsed, folded, and applied to tables in memory in the order that `apply` uses.
//! The model leaves nothing to luck that a destination would not: its keys are equal or not by
//! their class, as those of a nondeterministic collation are, so that two keys which differ only in
//! their bytes collide.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::*;
use crate::catalog::TableName;
use crate::decode::{Cell, Cells, Message};

/// Two key columns, a short value, one that may be kept out of line.
const WIDTH: usize = 4;
const BIG: usize = 3;

type Row = [Option<&'static str>; WIDTH];

/// Equal in the destination when they differ only in case.
const VALUES: [&str; 6] = ["a", "A", "b", "B", "", "c"];

/// One for each way to identify rows; the first changes its way.
const TABLES: u32 = 5;
const SWITCHING: u32 = 0;

/// What a step of a history is made from.
type Dice = [u8; 4];

/// Both sides of a pipeline, and what is between them.
struct World {
    source: Vec<Vec<Row>>,
    destination: Vec<Vec<Row>>,
    targets: Vec<Arc<Target>>,
    batch: Batch,
    /// The one before, as long as it is being applied.
    applied: Option<Batch>,
}

/// The key columns by which the source tells a row, and whether it sends the whole row instead.
struct Sent {
    key: Vec<usize>,
    whole: bool,
}

impl World {
    fn new() -> World {
        let empty = || vec![Vec::new(); TABLES as usize];
        let targets = (0..TABLES).map(|oid| Arc::new(target(oid, first_identity(oid))));
        World {
            source: empty(),
            destination: empty(),
            targets: targets.collect(),
            batch: Batch::default(),
            applied: None,
        }
    }

    /// Takes one step; one that the source would refuse is none.
    fn step(&mut self, [what, place, one, other]: Dice) {
        let oid = u32::from(place) % TABLES;
        let row = usize::from(place / 5);
        match what % 16 {
            0..=4 => self.insert(oid, one, other),
            5..=10 => self.update(oid, row, what, one, other),
            13 if one < 64 => self.truncate(one),
            11..=13 => self.delete(oid, row),
            14 => self.apply(),
            _ => self.switch(one),
        }
    }

    fn insert(&mut self, oid: u32, one: u8, other: u8) {
        let row = row(one, other);
        if self.is_taken(oid, &row, None) {
            return;
        }
        self.source[oid as usize].push(row);
        let mut message = message(b'I', oid);
        tuple(&mut message, b'N', &row.map(cell));
        self.hear(&message);
    }

    fn update(&mut self, oid: u32, at: usize, what: u8, one: u8, other: u8) {
        let Some((at, sent)) = self.find(oid, at) else {
            return;
        };
        let old = self.source[oid as usize][at];
        let mut new = row(one, other);
        if what.is_multiple_of(2) {
            (new[0], new[1]) = (old[0], old[1]);
        }
        // every other update leaves the large value as it is
        let unchanged = other >= 128 && old[BIG].is_some();
        if unchanged {
            new[BIG] = old[BIG];
        }
        if self.is_taken(oid, &new, Some(at)) {
            return;
        }
        self.source[oid as usize][at] = new;
        let mut message = message(b'U', oid);
        let moved = sent.key.iter().any(|&at| old[at] != new[at]);
        // the source also sends the key of a row that did not move when it is out of line
        let large_key = one >= 192;
        if sent.whole {
            tuple(&mut message, b'O', &old.map(cell));
        } else if moved || large_key {
            tuple(&mut message, b'K', &key_of(&old, &sent.key));
        }
        let mut cells = new.map(cell);
        if unchanged {
            cells[BIG] = Cell::Unchanged;
        }
        let first = sent.key.first().copied().unwrap_or(0);
        if large_key && old[first] == new[first] && !sent.key.is_empty() {
            cells[first] = Cell::Unchanged;
        }
        tuple(&mut message, b'N', &cells);
        self.hear(&message);
    }

    fn delete(&mut self, oid: u32, at: usize) {
        let Some((at, sent)) = self.find(oid, at) else {
            return;
        };
        let old = self.source[oid as usize].swap_remove(at);
        let mut message = message(b'D', oid);
        if sent.whole {
            tuple(&mut message, b'O', &old.map(cell));
        } else {
            tuple(&mut message, b'K', &key_of(&old, &sent.key));
        }
        self.hear(&message);
    }

    /// One table, or several with one statement.
    fn truncate(&mut self, which: u8) {
        let oids: Vec<u32> = (0..TABLES).filter(|oid| which & (1 << oid) != 0).collect();
        let mut message = vec![b'T'];
        message.extend_from_slice(&u32::try_from(oids.len()).unwrap().to_be_bytes());
        message.push(which & 2);
        for oid in oids {
            message.extend_from_slice(&oid.to_be_bytes());
            self.source[oid as usize].clear();
        }
        self.hear(&message);
    }

    /// Another replica identity.
    fn switch(&mut self, which: u8) {
        let identity = match which % 3 {
            0 => RowIdentity::Key(vec![0]),
            1 => RowIdentity::Key(vec![0, 1]),
            _ => RowIdentity::WholeRow,
        };
        self.targets[SWITCHING as usize] = Arc::new(target(SWITCHING, identity));
    }

    /// A row, and how the source tells of it; `None` when it would refuse to change it.
    fn find(&self, oid: u32, at: usize) -> Option<(usize, Sent)> {
        let rows = self.source[oid as usize].len();
        let at = at.checked_rem(rows)?;
        let (key, whole) = match &self.targets[oid as usize].identity {
            RowIdentity::None => return None,
            RowIdentity::WholeRow => (Vec::new(), true),
            // found by the primary key, sent under FULL
            RowIdentity::Key(key) => (key.clone(), oid == 2),
        };
        Some((at, Sent { key, whole }))
    }

    /// Whether another row of the source has the key of this one.
    fn is_taken(&self, oid: u32, row: &Row, but: Option<usize>) -> bool {
        let rows = self.source[oid as usize].iter().enumerate();
        let mut others = rows.filter(|(at, _)| Some(*at) != but);
        others.any(|(_, other)| collide(oid, row, other))
    }

    /// What the pipeline does with a message.
    fn hear(&mut self, message: &[u8]) {
        let target = |oid: u32| &self.targets[oid as usize];
        let folded = match Message::parse(message).unwrap() {
            Message::Insert { relation, new } => self.batch.insert(target(relation), new),
            Message::Update { relation, old, new } => self.batch.update(target(relation), old, new),
            Message::Delete { relation, old } => self.batch.delete(target(relation), old),
            Message::Truncate {
                relations,
                restart_identity,
            } => {
                for oid in relations {
                    self.batch.truncate(target(oid), restart_identity);
                }
                Ok(())
            }
            other => panic!("nobody sent {other:?}"),
        };
        folded.unwrap();
        // some of the tables have begun by then
        if self.batch.changes() == 3 {
            self.reuse();
        }
    }

    fn reuse(&mut self) {
        if let Some(applied) = self.applied.take() {
            self.batch.reuse(applied, 1 << 20);
        }
    }

    /// The batch is full, or a part of a transaction is.
    fn apply(&mut self) {
        let batch = self.batch.hand_over();
        for table in batch.tables().iter().filter(|t| t.truncated.is_some()) {
            self.destination[table.target.oid as usize].clear();
        }
        for table in batch.tables() {
            let (oid, rows) = (table.target.oid, &table.rows);
            let there = &mut self.destination[oid as usize];
            match rows {
                Rows::Keyed(keyed) => apply_keyed(there, &table.target, keyed),
                Rows::Whole(multiset) => apply_whole(there, multiset),
                Rows::Append(appended) => {
                    let images = appended.rows.iter();
                    let images = images.map(|span| Cells::new(appended.arena.get(*span)));
                    there.extend(images.map(|cells| over(None, cells)));
                }
            }
        }
        for (source, destination) in self.source.iter_mut().zip(&mut self.destination) {
            source.sort_unstable();
            destination.sort_unstable();
            assert_eq!(destination, source);
        }
        self.reuse();
        self.applied = Some(batch);
    }
}

fn first_identity(oid: u32) -> RowIdentity {
    match oid {
        // in the order of the destination's key
        1 => RowIdentity::Key(vec![1, 0]),
        3 => RowIdentity::WholeRow,
        4 => RowIdentity::None,
        _ => RowIdentity::Key(vec![0]),
    }
}

fn target(oid: u32, identity: RowIdentity) -> Target {
    let column = |name: &str| TargetColumn {
        name: name.to_owned(),
        type_oid: 23,
        equality: None,
        plain: Some(23),
    };
    let name = TableName::new("public", "t");
    Target {
        oid,
        source: name.clone(),
        destination: name,
        columns: ["k", "l", "v", "big"].map(column).to_vec(),
        treatments: Vec::new(),
        identity,
        binary: false,
        guarded: false,
        replaceable: true,
        wide: false,
        snapshot_lsn: Lsn::ZERO,
    }
}

/// Two rows that a table with this primary key cannot hold.
fn collide(oid: u32, one: &Row, other: &Row) -> bool {
    let key: &[usize] = match oid {
        1 => &[0, 1],
        3 | 4 => return false,
        _ => &[0],
    };
    key.iter().all(|&at| same(one[at], other[at]))
}

fn same(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other)
        .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
}

fn row(one: u8, other: u8) -> Row {
    let value = |dice: u8| VALUES[usize::from(dice) % VALUES.len()];
    let nullable = |dice: u8| (dice % 7 != 6).then(|| value(dice));
    [
        Some(value(one)),
        Some(value(one / 8)),
        nullable(other),
        nullable(other / 8),
    ]
}

fn cell(value: Option<&'static str>) -> Cell<'static> {
    value.map_or(Cell::Null, |value| Cell::Text(value.as_bytes()))
}

/// The row as it comes when only its key does.
fn key_of(row: &Row, key: &[usize]) -> [Cell<'static>; WIDTH] {
    let mut cells = [Cell::Null; WIDTH];
    for &at in key {
        cells[at] = cell(row[at]);
    }
    cells
}

fn message(tag: u8, oid: u32) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend_from_slice(&oid.to_be_bytes());
    bytes
}

fn tuple(message: &mut Vec<u8>, tag: u8, cells: &[Cell<'_>; WIDTH]) {
    message.push(tag);
    message.extend_from_slice(&u16::try_from(WIDTH).unwrap().to_be_bytes());
    for cell in cells {
        cell.encode(message);
    }
}

/// The row that the cells make of one that was there.
fn over(before: Option<&Row>, cells: Cells<'_>) -> Row {
    let known = |bytes: &[u8]| *VALUES.iter().find(|v| v.as_bytes() == bytes).unwrap();
    let mut row = before.copied().unwrap_or_default();
    let mut count = 0;
    for (place, cell) in row.iter_mut().zip(cells) {
        count += 1;
        match cell {
            Cell::Unchanged => assert!(before.is_some(), "a value that nobody sent"),
            Cell::Null => *place = None,
            Cell::Text(value) | Cell::Binary(value) => *place = Some(known(value)),
        }
    }
    assert_eq!(count, WIDTH);
    row
}

/// Carry, DELETE, UPDATE, INSERT.
fn apply_keyed(there: &mut Vec<Row>, target: &Target, keyed: &Keyed) {
    let key = target.key();
    let find = |rows: &[Row], span| {
        let wanted: Vec<Cell<'_>> = keyed.key(span).collect();
        assert_eq!(wanted.len(), key.len());
        let is = |row: &Row| {
            let mut pairs = key.iter().zip(&wanted);
            pairs.all(|(&at, cell)| match cell {
                Cell::Text(bytes) => same(row[at], std::str::from_utf8(bytes).ok()),
                other => panic!("a key of {other:?}"),
            })
        };
        let found = rows.iter().position(is);
        found.expect("a change of a row that is not there")
    };
    let mut added = Vec::new();
    for entry in keyed.entries() {
        match entry.put {
            Put::Carry { row, from } => {
                let lacks = keyed.row(row).any(|cell| cell == Cell::Unchanged);
                assert!(lacks, "a row that is whole carries nothing along");
                let from = there[find(there, from)];
                added.push(over(Some(&from), keyed.row(row)));
            }
            Put::Row(row) => added.push(over(None, keyed.row(row))),
            Put::Nothing | Put::Patch(_) => {}
            Put::Kept => panic!("nothing happened to it"),
        }
    }
    for entry in keyed.entries() {
        if entry.existed && !matches!(entry.put, Put::Patch(_)) {
            there.swap_remove(find(there, entry.key));
        }
    }
    for entry in keyed.entries() {
        if let Put::Patch(row) = entry.put {
            let at = find(there, entry.key);
            there[at] = over(Some(&there[at]), keyed.row(row));
        }
    }
    for row in added {
        let taken = there.iter().any(|other| collide(target.oid, &row, other));
        assert!(!taken, "a row is inserted over another");
        there.push(row);
    }
}

fn apply_whole(there: &mut Vec<Row>, multiset: &Multiset) {
    let rows = || {
        multiset
            .rows()
            .map(|(cells, copies)| (over(None, cells), copies))
    };
    for (row, copies) in rows().filter(|(_, copies)| *copies < 0) {
        for _ in copies..0 {
            let at = there.iter().position(|other| *other == row);
            there.swap_remove(at.expect("a copy that is not there is removed"));
        }
    }
    for (row, copies) in rows().filter(|(_, copies)| *copies > 0) {
        there.extend((0..copies).map(|_| row));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(100_000)
    })]

    #[test]
    fn a_hundred_thousand_histories_end_where_they_would_one_change_at_a_time(
        history in proptest::collection::vec(any::<Dice>(), 0..48),
    ) {
        let mut world = World::new();
        for dice in history {
            world.step(dice);
        }
        world.apply();
    }
}
