//! From a relation message to the columns that it means.
//!
//! A relation message names its columns in `attnum` order and gives no `attnum`. It may be older
//! than the last change of the table. It is read by the shapes that the table has had; what could
//! be read in two ways is not read at all.

use std::collections::HashSet;

use crate::catalog::source::ShapeColumn;
use crate::decode::Relation;

/// The `attnum` of each column of the message; `None` when it fits no shape, or more than one way.
/// `unsent` are the columns that the publication leaves out.
pub(super) fn align(
    relation: &Relation,
    shapes: &[Vec<ShapeColumn>],
    unsent: &HashSet<i16>,
) -> Option<Vec<i16>> {
    let mut readings = shapes
        .iter()
        .filter_map(|shape| read_as(relation, shape, unsent));
    match readings.next() {
        Some(first) => readings.all(|other| other == first).then_some(first),
        None => between(relation, shapes),
    }
}

/// The message describes this shape.
fn read_as(relation: &Relation, shape: &[ShapeColumn], unsent: &HashSet<i16>) -> Option<Vec<i16>> {
    let sent: Vec<&ShapeColumn> = shape
        .iter()
        .filter(|known| !unsent.contains(&known.attnum))
        .collect();
    let same = sent.len() == relation.columns.len()
        && relation
            .columns
            .iter()
            .zip(&sent)
            .all(|(column, known)| is(column, known));
    same.then(|| sent.iter().map(|known| known.attnum).collect())
}

/// The message comes from between two shapes that were written down: each column is one that the
/// table had at some time, and there is only one way to read it.
fn between(relation: &Relation, shapes: &[Vec<ShapeColumn>]) -> Option<Vec<i16>> {
    let mut known: Vec<&ShapeColumn> = shapes.iter().flatten().collect();
    known.sort_by_key(|column| column.attnum);
    let mut ways: Vec<Vec<i16>> = vec![Vec::new()];
    for column in &relation.columns {
        let mut longer: Vec<Vec<i16>> = Vec::new();
        for way in &ways {
            let last = way.last().copied().unwrap_or(0);
            let mut next: Vec<i16> = known
                .iter()
                .filter(|known| known.attnum > last && is(column, known))
                .map(|known| known.attnum)
                .collect();
            next.dedup();
            longer.extend(
                next.iter()
                    .map(|attnum| [way.as_slice(), &[*attnum]].concat()),
            );
        }
        if longer.len() > WAYS_MAX {
            return None;
        }
        ways = longer;
    }
    // A column that is gone by now may have had this name as well at some time.
    let live = |attnum: &i16| {
        let newest = shapes.last().into_iter().flatten();
        newest.clone().any(|column| column.attnum == *attnum)
    };
    match ways.as_slice() {
        [only] if only.iter().all(live) => Some(only.clone()),
        _ => None,
    }
}

/// More than one is one too many in the end; in between, some lead nowhere.
const WAYS_MAX: usize = 64;

fn is(column: &crate::decode::Column, known: &ShapeColumn) -> bool {
    column.name == known.name
        && column.type_oid == known.type_oid
        && column.type_modifier == known.type_modifier
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Column, ReplicaIdentity};

    fn relation(names: &[&str]) -> Relation {
        let column = |name: &&str| Column {
            name: (*name).to_owned(),
            type_oid: 23,
            type_modifier: -1,
            in_identity: false,
        };
        Relation {
            oid: 1,
            schema: "public".to_owned(),
            name: "t".to_owned(),
            identity: ReplicaIdentity::Default,
            columns: names.iter().map(column).collect(),
        }
    }

    fn shape(columns: &[(i16, &str)]) -> Vec<ShapeColumn> {
        let column = |(attnum, name): &(i16, &str)| ShapeColumn {
            attnum: *attnum,
            name: (*name).to_owned(),
            type_oid: 23,
            type_modifier: -1,
            row_version: "1".to_owned(),
            missing: None,
        };
        columns.iter().map(column).collect()
    }

    #[test]
    fn names_that_were_traded_are_told_apart_by_their_order() {
        let shapes = [shape(&[(1, "a"), (2, "b")]), shape(&[(1, "b"), (2, "a")])];
        assert_eq!(
            align(&relation(&["a", "b"]), &shapes, &HashSet::new()),
            Some(vec![1, 2])
        );
        assert_eq!(
            align(&relation(&["b", "a"]), &shapes, &HashSet::new()),
            Some(vec![1, 2])
        );
    }

    #[test]
    fn a_message_that_two_shapes_explain_differently_is_not_read() {
        let shapes = [shape(&[(1, "a"), (2, "b")]), shape(&[(1, "a"), (3, "b")])];
        let unsent = HashSet::new();
        assert_eq!(align(&relation(&["a", "b"]), &shapes, &unsent), None);
        let unsent = HashSet::from([2, 3]);
        assert_eq!(align(&relation(&["a"]), &shapes, &unsent), Some(vec![1]));
    }

    #[test]
    fn a_column_that_was_dropped_and_added_again_is_another_one() {
        let shapes = [shape(&[(1, "a"), (2, "b")]), shape(&[(2, "b"), (3, "a")])];
        assert_eq!(
            align(&relation(&["a", "b"]), &shapes, &HashSet::new()),
            Some(vec![1, 2])
        );
        assert_eq!(
            align(&relation(&["b", "a"]), &shapes, &HashSet::new()),
            Some(vec![2, 3])
        );
    }

    #[test]
    fn a_shape_between_two_that_are_known_is_read_if_there_is_one_way() {
        let shapes = [shape(&[(1, "a")]), shape(&[(1, "x"), (2, "b"), (3, "c")])];
        assert_eq!(
            align(&relation(&["a", "b"]), &shapes, &HashSet::new()),
            Some(vec![1, 2])
        );
        assert_eq!(
            align(&relation(&["a", "never"]), &shapes, &HashSet::new()),
            None
        );
        let twice = [shape(&[(1, "a"), (2, "b")]), shape(&[(1, "c"), (2, "a")])];
        assert_eq!(align(&relation(&["a"]), &twice, &HashSet::new()), None);
    }
}
