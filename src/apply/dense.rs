//! Keys that lie close together.
//!
//! To reach neighbours one by one, the index is descended for each of them; to read their part of
//! it once costs about half. But a merge reads all that lies between the first and the last key.
//!
//! **Why that is little.** Only keys of one column of whole numbers are looked at. Between two of
//! those there cannot be more rows than numbers, however large the table is, and there may be at
//! most [`DENSE_KEYS_MAX`] numbers for each row of the batch.

use crate::batch::Target;
use crate::decode::Cell;
use crate::limits::{DENSE_KEYS_MAX, DENSE_ROWS_MIN, REPLACED_ROWS_MIN};

/// `int8`, `int2` and `int4`.
const WHOLE_NUMBERS: [u32; 3] = [20, 21, 23];

/// The first and the last of keys that lie close together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dense<'r> {
    pub(super) first: Cell<'r>,
    pub(super) last: Cell<'r>,
    /// There are as many keys as numbers, so no other row is between them.
    pub(super) without_gaps: bool,
    /// How many there are.
    pub(super) count: u64,
}

impl<'r> Dense<'r> {
    /// Of keys that are all different; `None` when they are few, far apart, or no whole numbers.
    pub(super) fn of<R>(target: &Target, keys: impl Iterator<Item = R>) -> Option<Self>
    where
        R: Iterator<Item = Cell<'r>>,
    {
        let [column] = target.key() else {
            return None;
        };
        let plain = target.columns[*column].plain?;
        if !WHOLE_NUMBERS.contains(&plain) {
            return None;
        }
        let mut count: u64 = 0;
        let mut bounds: Option<((i64, Cell<'r>), (i64, Cell<'r>))> = None;
        for mut key in keys {
            let cell = key.next()?;
            let number = whole_number(cell)?;
            count += 1;
            let (first, last) = bounds.get_or_insert(((number, cell), (number, cell)));
            if number < first.0 {
                *first = (number, cell);
            }
            if number > last.0 {
                *last = (number, cell);
            }
        }
        let (first, last) = bounds?;
        let numbers = last.0.abs_diff(first.0).checked_add(1)?;
        let dense = count >= DENSE_ROWS_MIN && numbers / count < DENSE_KEYS_MAX;
        dense.then_some(Dense {
            first: first.1,
            last: last.1,
            without_gaps: numbers == count,
            count,
        })
    }

    /// The rows that have these keys are deleted and put there again, instead of being changed.
    pub(super) fn is_replaced_in(&self, target: &Target) -> bool {
        self.without_gaps && self.count >= REPLACED_ROWS_MIN && target.replaceable
    }

    /// The values of `BETWEEN $1 AND $2`.
    pub(super) fn bounds(self) -> impl Iterator<Item = Cell<'r>> + Clone {
        [self.first, self.last].into_iter()
    }
}

fn whole_number(cell: Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        Cell::Binary(bytes) => match bytes.len() {
            2 => Some(i16::from_be_bytes(bytes.try_into().ok()?).into()),
            4 => Some(i32::from_be_bytes(bytes.try_into().ok()?).into()),
            8 => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
            _ => None,
        },
        Cell::Null | Cell::Unchanged => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{RowIdentity, TargetColumn};
    use crate::catalog::TableName;
    use crate::lsn::Lsn;

    fn target(plain: Option<u32>) -> Target {
        Target {
            oid: 1,
            source: TableName::new("public", "t"),
            destination: TableName::new("app_public", "t"),
            columns: vec![TargetColumn {
                name: "id".to_owned(),
                type_oid: 20,
                equality: None,
                plain,
            }],
            treatments: Vec::new(),
            identity: RowIdentity::Key(vec![0]),
            guarded: false,
            replaceable: true,
            wide: false,
            binary: true,
            snapshot_lsn: Lsn::default(),
        }
    }

    /// First, last, and whether there is no gap.
    fn of(plain: Option<u32>, keys: impl Iterator<Item = i64>) -> Option<(i64, i64, bool)> {
        let keys: Vec<[u8; 8]> = keys.map(i64::to_be_bytes).collect();
        let cells = keys.iter().map(|key| std::iter::once(Cell::Binary(key)));
        let dense = Dense::of(&target(plain), cells)?;
        let number = |cell| whole_number(cell).unwrap();
        let (first, last) = (number(dense.first), number(dense.last));
        Some((first, last, dense.without_gaps))
    }

    #[test]
    fn neighbours_in_any_order_are_dense_and_gaps_are_seen() {
        let some = 2 * i64::try_from(DENSE_ROWS_MIN).unwrap();
        assert_eq!(of(Some(20), (-5..some).rev()), Some((-5, some - 1, true)));
        let every_other = (0..some).map(|n| 2 * n);
        assert_eq!(of(Some(20), every_other), Some((0, 2 * some - 2, false)));
    }

    #[test]
    fn few_keys_keys_far_apart_and_other_types_are_not_dense() {
        let few = i64::try_from(DENSE_ROWS_MIN).unwrap() - 1;
        assert_eq!(of(Some(20), 0..few), None);
        assert_eq!(of(Some(20), (0..10 * few).map(|n| 10 * n)), None);
        let ends = (0..10 * few).chain([i64::MIN, i64::MAX]);
        assert_eq!(of(Some(20), ends), None);
        assert_eq!(of(Some(1_184), 0..10 * few), None);
        assert_eq!(of(None, 0..10 * few), None);
    }

    #[test]
    fn text_is_read_as_the_number_it_is() {
        assert_eq!(whole_number(Cell::Text(b"-12")), Some(-12));
        assert_eq!(whole_number(Cell::Text(b"twelve")), None);
        assert_eq!(whole_number(Cell::Binary(&[0xff, 0xfe])), Some(-2));
        assert_eq!(whole_number(Cell::Null), None);
    }
}
