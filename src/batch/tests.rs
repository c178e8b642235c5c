//! Random histories, folded and then applied to a map in the order `apply` uses, against the map
//! that the same history makes one change at a time.

mod model;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::catalog::TableName;
use crate::decode::{Cell, Cells, Message};

type Row = Vec<Option<Vec<u8>>>;
type Table = BTreeMap<Vec<u8>, Row>;

fn target(identity: RowIdentity) -> Arc<Target> {
    let column = |name: &str| TargetColumn {
        name: name.to_owned(),
        type_oid: 23,
        equality: None,
        plain: Some(23),
    };
    Arc::new(Target {
        oid: 1,
        source: TableName::new("public", "t"),
        destination: TableName::new("app_public", "t"),
        columns: vec![column("id"), column("a"), column("big")],
        treatments: Vec::new(),
        identity,
        guarded: false,
        replaceable: true,
        wide: false,
        binary: false,
        snapshot_lsn: Lsn::ZERO,
    })
}

/// One change of a history, over the keys 0 to 4.
#[derive(Clone, Debug)]
enum Change {
    Insert(u8, u8, u8),
    Update {
        key: u8,
        to: u8,
        a: u8,
        big: Option<u8>,
    },
    Delete(u8),
    Truncate,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (0..5_u8, any::<u8>(), any::<u8>()).prop_map(|(k, a, b)| Change::Insert(k, a, b)),
        8 => (0..5_u8, 0..5_u8, any::<u8>(), any::<Option<u8>>(), any::<bool>()).prop_map(
            |(key, to, a, big, stay)| {
                let to = if stay { key } else { to };
                Change::Update { key, to, a, big }
            }
        ),
        4 => (0..5_u8).prop_map(Change::Delete),
        1 => Just(Change::Truncate),
    ]
}

fn text(value: u8) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn wire(cells: &[Option<Vec<u8>>], unchanged: Option<usize>) -> Vec<u8> {
    let mut bytes = vec![b'I', 0, 0, 0, 1, b'N'];
    bytes.extend_from_slice(&u16::try_from(cells.len()).unwrap().to_be_bytes());
    for (at, cell) in cells.iter().enumerate() {
        match cell {
            _ if unchanged == Some(at) => Cell::Unchanged.encode(&mut bytes),
            Some(value) => Cell::Text(value).encode(&mut bytes),
            None => Cell::Null.encode(&mut bytes),
        }
    }
    bytes
}

fn tuple(bytes: &[u8]) -> Tuple<'_> {
    let Ok(Message::Insert { new, .. }) = Message::parse(bytes) else {
        panic!("not a row")
    };
    new
}

/// Does a change to the model and, if it is legal there, to the batch.
fn step(model: &mut Table, batch: &mut Batch, target: &Arc<Target>, change: &Change) {
    match change {
        Change::Insert(key, a, big) => {
            let row = vec![Some(text(*key)), Some(text(*a)), Some(text(*big))];
            if model.contains_key(&text(*key)) {
                return;
            }
            batch.insert(target, tuple(&wire(&row, None))).unwrap();
            model.insert(text(*key), row);
        }
        Change::Update { key, to, a, big } => {
            let taken = key != to && model.contains_key(&text(*to));
            let Some(before) = model.get(&text(*key)).filter(|_| !taken).cloned() else {
                return;
            };
            let after = vec![
                Some(text(*to)),
                Some(text(*a)),
                big.map(text).or_else(|| before[2].clone()),
            ];
            let old = wire(&[Some(text(*key)), None, None], None);
            let old = (key != to).then(|| tuple(&old));
            let unchanged = big.is_none().then_some(2);
            batch
                .update(target, old, tuple(&wire(&after, unchanged)))
                .unwrap();
            model.remove(&text(*key));
            model.insert(text(*to), after);
        }
        Change::Delete(key) => {
            if model.remove(&text(*key)).is_some() {
                let old = wire(&[Some(text(*key)), None, None], None);
                batch.delete(target, tuple(&old)).unwrap();
            }
        }
        Change::Truncate => {
            model.clear();
            batch.truncate(target, false);
        }
    }
}

fn over(before: &Row, cells: Cells<'_>) -> Row {
    let mut row = before.clone();
    for (place, cell) in row.iter_mut().zip(cells) {
        match cell {
            Cell::Unchanged => {}
            Cell::Null => *place = None,
            Cell::Text(value) | Cell::Binary(value) => *place = Some(value.to_vec()),
        }
    }
    row
}

/// What `apply` does with a table: truncate, carry, delete, update, insert.
fn apply(table: &mut Table, batch: &Batch) {
    let Some(changed) = batch.tables().first() else {
        return;
    };
    let Rows::Keyed(keyed) = &changed.rows else {
        panic!("not keyed")
    };
    if changed.truncated.is_some() {
        table.clear();
    }
    let key = |span| match keyed.key(span).next() {
        Some(Cell::Text(value)) => value.to_vec(),
        other => panic!("a key of {other:?}"),
    };
    let empty: Row = vec![None; 3];
    let carried: Vec<Row> = keyed
        .entries()
        .iter()
        .filter_map(|entry| match entry.put {
            Put::Carry { row, from } => Some(over(&table[&key(from)], keyed.row(row))),
            _ => None,
        })
        .collect();
    for entry in keyed.entries() {
        if entry.existed && !matches!(entry.put, Put::Patch(_)) {
            assert!(
                table.remove(&key(entry.key)).is_some(),
                "deleted a row that is not there"
            );
        }
    }
    for entry in keyed.entries() {
        if let Put::Patch(row) = entry.put {
            let place = table
                .get_mut(&key(entry.key))
                .expect("updated a row that is not there");
            *place = over(place, keyed.row(row));
        }
    }
    let inserted = keyed.entries().iter().filter_map(|entry| match entry.put {
        Put::Row(row) => Some(over(&empty, keyed.row(row))),
        _ => None,
    });
    for row in inserted.chain(carried) {
        let key = row[0].clone().expect("a key");
        assert!(table.insert(key, row).is_none(), "inserted over a row");
    }
}

/// Rows that are changed in place.
fn patches(batch: &Batch) -> usize {
    let keyed = batch.tables().iter().filter_map(|table| match &table.rows {
        Rows::Keyed(keyed) => Some(keyed),
        _ => None,
    });
    keyed
        .flat_map(Keyed::entries)
        .filter(|entry| matches!(entry.put, Put::Patch(_)))
        .count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_folded_history_ends_where_the_history_ends(
        before in proptest::collection::vec(change(), 0..6),
        batches in proptest::collection::vec(proptest::collection::vec(change(), 0..24), 1..4),
        guarded in any::<bool>(),
    ) {
        let mut target = target(RowIdentity::Key(vec![0]));
        Arc::make_mut(&mut target).guarded = guarded;
        let mut model = Table::new();
        for change in &before {
            step(&mut model, &mut Batch::default(), &target, change);
            // the destination starts equal; only the model's state matters here
        }
        let mut destination = model.clone();
        let mut next = Batch::default();
        for changes in &batches {
            for change in changes {
                step(&mut model, &mut next, &target, change);
            }
            let batch = next.hand_over();
            prop_assert!(!guarded || patches(&batch) <= 1);
            apply(&mut destination, &batch);
            next.reuse(batch, usize::MAX);
            prop_assert_eq!(&destination, &model);
        }
    }
}

#[test]
fn the_memory_of_a_batch_is_used_again_up_to_a_bound_and_until_it_is_released() {
    let mut target = target(RowIdentity::Key(vec![0]));
    let filled = |target: &Arc<Target>, batch: &mut Batch| {
        for key in 0..100 {
            let row = wire(&[Some(text(key)), None, None], None);
            batch.insert(target, tuple(&row)).unwrap();
        }
    };
    let capacity = |batch: &Batch| -> usize {
        let tables = batch.tables().iter();
        tables.map(|table| table.rows.capacity()).sum()
    };
    let mut batch = Batch::default();
    filled(&target, &mut batch);
    let first = batch.hand_over();
    let (grown, one) = (capacity(&first), wire(&[Some(text(1)), None, None], None));
    batch.reuse(first, grown);
    batch.insert(&target, tuple(&one)).unwrap();
    assert_eq!((capacity(&batch), batch.bytes() < 100), (grown, true));

    // not what one row has hardly used, nor more than the bound, nor what was given up
    for (rows, bound, release) in [
        (1, usize::MAX, false),
        (100, grown - 1, false),
        (100, grown, true),
    ] {
        let mut before = Batch::default();
        filled(&target, &mut before);
        if rows == 1 {
            let full = before.hand_over();
            before.reuse(full, usize::MAX);
            before.insert(&target, tuple(&one)).unwrap();
        }
        let mut batch = Batch::default();
        batch.reuse(before.hand_over(), bound);
        if release {
            batch.release();
        }
        batch.insert(&target, tuple(&one)).unwrap();
        assert!(capacity(&batch) < grown / 2, "{rows} {bound} {release}");
    }

    // one whose identity changed in between
    let mut batch = Batch::default();
    filled(&target, &mut batch);
    let before = batch.hand_over();
    batch.reuse(before, usize::MAX);
    Arc::make_mut(&mut target).identity = RowIdentity::WholeRow;
    batch.insert(&target, tuple(&one)).unwrap();
    assert!(matches!(batch.tables()[0].rows, Rows::Whole(_)));
}

#[test]
fn copies_of_equal_rows_are_counted_not_merged() {
    let target = target(RowIdentity::WholeRow);
    let mut batch = Batch::default();
    let row = wire(&[Some(text(1)), None, None], None);
    let other = wire(&[Some(text(2)), None, None], None);
    for _ in 0..3 {
        batch.insert(&target, tuple(&row)).unwrap();
    }
    batch.delete(&target, tuple(&row)).unwrap();
    batch
        .update(&target, Some(tuple(&row)), tuple(&other))
        .unwrap();
    batch.delete(&target, tuple(&other)).unwrap();
    batch.delete(&target, tuple(&other)).unwrap();
    let Rows::Whole(multiset) = &batch.tables()[0].rows else {
        panic!("not whole rows")
    };
    let copies: Vec<i64> = multiset.rows().map(|(_, copies)| copies).collect();
    assert_eq!(copies, [1, -1]);
}

#[test]
fn a_history_that_no_source_sends_is_refused() {
    let target = target(RowIdentity::Key(vec![0]));
    let row = wire(&[Some(text(1)), None, None], None);
    let mut batch = Batch::default();
    batch.insert(&target, tuple(&row)).unwrap();
    assert_eq!(batch.insert(&target, tuple(&row)), Err(FoldError::KeyTaken));
    batch.delete(&target, tuple(&row)).unwrap();
    assert_eq!(batch.delete(&target, tuple(&row)), Err(FoldError::RowGone));
    let narrow = wire(&[Some(text(1))], None);
    let width = FoldError::Width {
        found: 1,
        expected: 3,
    };
    assert_eq!(batch.insert(&target, tuple(&narrow)), Err(width));
    let unkeyed = wire(&[None, None, None], None);
    assert_eq!(
        batch.delete(&target, tuple(&unkeyed)),
        Err(FoldError::Incomplete)
    );
}

#[test]
fn hot_rows_do_not_grow_the_batch() {
    let target = target(RowIdentity::Key(vec![0]));
    let mut batch = Batch::default();
    let row = wire(&[Some(text(1)), Some(text(7)), None], None);
    batch.update(&target, None, tuple(&row)).unwrap();
    let bytes = batch.bytes();
    for _ in 0..10_000 {
        batch.update(&target, None, tuple(&row)).unwrap();
    }
    assert_eq!(batch.bytes(), bytes);
    assert_eq!(batch.changes(), 10_001);
}

#[test]
fn a_table_whose_identity_changes_goes_on_in_a_place_of_its_own() {
    let (by_first, by_second) = (
        target(RowIdentity::Key(vec![0])),
        target(RowIdentity::Key(vec![1])),
    );
    let mut batch = Batch::default();
    let row = wire(&[Some(text(1)), Some(text(2)), None], None);
    batch.insert(&by_first, tuple(&row)).unwrap();
    batch.update(&by_second, None, tuple(&row)).unwrap();
    let keys = batch.tables().iter().map(|table| match &table.rows {
        Rows::Keyed(keyed) => keyed.key(keyed.entries()[0].key).collect::<Vec<_>>(),
        _ => panic!("no key"),
    });
    let (one, two) = (text(1), text(2));
    let expected = [vec![Cell::Text(&one)], vec![Cell::Text(&two)]];
    assert_eq!(keys.collect::<Vec<_>>(), expected);

    batch.truncate(&by_second, false);
    for table in batch.tables() {
        assert!(matches!(&table.rows, Rows::Keyed(keyed) if keyed.entries().is_empty()));
    }
    assert_eq!(batch.bytes(), 0);
}
