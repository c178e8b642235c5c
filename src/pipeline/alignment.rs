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
    let shapes: Vec<Vec<&ShapeColumn>> = shapes.iter().map(|shape| sent(shape, unsent)).collect();
    let exact = shapes.iter().filter_map(|shape| read_as(relation, shape));
    let steps = shapes.windows(2);
    let steps = steps.filter_map(|pair| between(relation, &pair[0], &pair[1]));
    let mut readings = exact.chain(steps);
    let first = readings.next()?;
    readings.all(|other| other == first).then_some(first)
}

fn sent<'s>(shape: &'s [ShapeColumn], unsent: &HashSet<i16>) -> Vec<&'s ShapeColumn> {
    let sent = shape.iter();
    sent.filter(|column| !unsent.contains(&column.attnum))
        .collect()
}

/// The message describes this shape.
fn read_as(relation: &Relation, shape: &[&ShapeColumn]) -> Option<Vec<i16>> {
    let columns = relation.columns.iter().zip(shape);
    let same = shape.len() == relation.columns.len()
        && columns.into_iter().all(|(column, known)| is(column, known));
    same.then(|| shape.iter().map(|known| known.attnum).collect())
}

/// The message comes from between two shapes that were written down one after the other. What both
/// have was there all the time, and columns come in the order of their numbers: so their number
/// says which of the later shape were there, if none was dropped. Each has one of the names that it
/// is known to have had then.
fn between(
    relation: &Relation,
    before: &[&ShapeColumn],
    after: &[&ShapeColumn],
) -> Option<Vec<i16>> {
    let in_before = |attnum: i16| before.iter().find(|column| column.attnum == attnum);
    let stays = after.iter().filter(|c| in_before(c.attnum).is_some());
    let new = relation.columns.len().checked_sub(stays.count())?;
    let mut left = new;
    let mut there: Vec<&ShapeColumn> = Vec::with_capacity(relation.columns.len());
    for column in after {
        if in_before(column.attnum).is_none() {
            if left == 0 {
                continue;
            }
            left -= 1;
        }
        there.push(column);
    }
    let known = |column: &crate::decode::Column, later: &ShapeColumn| {
        is(column, later) || in_before(later.attnum).is_some_and(|earlier| is(column, earlier))
    };
    let mut columns = relation.columns.iter().zip(&there);
    let same = left == 0 && columns.all(|(column, later)| known(column, later));
    same.then(|| there.iter().map(|column| column.attnum).collect())
}

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
            expression: None,
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
    fn columns_that_stayed_all_the_time_are_in_every_message_from_between() {
        // 1 may have been called b for a while, and 2 was called c before 3 was there
        let shapes = [shape(&[(1, "a")]), shape(&[(1, "a"), (2, "b"), (3, "c")])];
        assert_eq!(
            align(&relation(&["b", "c"]), &shapes, &HashSet::new()),
            None
        );
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
