//! What became of a table's columns between two looks.

use crate::catalog::source::{Shape, ShapeColumn};
use crate::protect::{Protection, Treatment};

/// How a table's columns differ from those that the destination follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference<'s> {
    pub(super) renamed: Vec<(&'s str, &'s str)>,
    pub(super) added: Vec<&'s ShapeColumn>,
    pub(super) retyped: Vec<&'s ShapeColumn>,
    pub(super) dropped: bool,
    /// Rows may hold other values than those that were copied.
    pub(super) rewritten: bool,
    /// Rows may have been sent in a shape that nobody has seen, and been taken for another one's.
    pub(super) doubtful: bool,
}

impl Difference<'_> {
    pub(super) fn is_none(&self) -> bool {
        *self == Difference::default()
    }

    /// Forgets what became of columns that the destination does not have; `old` are those that it
    /// follows.
    pub(super) fn leave_out(&mut self, protection: &Protection, old: Option<&Vec<ShapeColumn>>) {
        let left_out = |attnum: i16| is_left_out(protection, attnum);
        self.added.retain(|column| !left_out(column.attnum));
        self.retyped.retain(|column| !left_out(column.attnum));
        let attnum = |name: &str| {
            let mut old = old.into_iter().flatten();
            old.find(|column| column.name == name)
                .map(|column| column.attnum)
        };
        self.renamed
            .retain(|(from, _)| !attnum(from).is_some_and(left_out));
    }
}

fn is_left_out(protection: &Protection, attnum: i16) -> bool {
    *protection.of(attnum) == Treatment::LeaveOut
}

/// What changed from the shape that is followed to the one that there is now. New columns that are
/// left out give nobody new values.
pub(super) fn difference<'s>(
    known: &'s [Vec<ShapeColumn>],
    filenode: u32,
    now: &'s Shape,
    protection: &Protection,
) -> Difference<'s> {
    let is_left_out = |column: &ShapeColumn| is_left_out(protection, column.attnum);
    let mut difference = Difference::default();
    let old = known.last().map_or(&[][..], Vec::as_slice);
    let (mut touched, mut computed) = (false, false);
    for column in &now.columns {
        let Some(before) = old.iter().find(|before| before.attnum == column.attnum) else {
            difference.added.push(column);
            touched |= column.missing.is_none() && !is_left_out(column);
            continue;
        };
        if before.name != column.name {
            difference.renamed.push((&before.name, &column.name));
        }
        let retyped =
            before.type_oid != column.type_oid || before.type_modifier != column.type_modifier;
        if retyped {
            difference.retyped.push(column);
        }
        touched |= before.row_version != column.row_version;
        // one that is no longer computed keeps its values
        let expressions = before.expression.zip(column.expression);
        computed |= expressions.is_some_and(|(before, now)| before != now);
    }
    difference.dropped = old
        .iter()
        .any(|before| now.columns.iter().all(|c| c.attnum != before.attnum));
    let partitioned = now.filenode == 0;
    let mut grown = difference.added.iter().chain(&difference.retyped);
    let grown = grown.any(|column| !is_left_out(column));
    let rewritten = filenode != now.filenode && touched;
    difference.rewritten = rewritten || computed || (partitioned && grown);
    difference.doubtful = has_gap(known, now) || has_successor(old, now, is_left_out);
    difference
}

/// A column went and another came between two looks: rows that were sent meanwhile may have had the
/// new one in the place and under the name of the old one. Types of different sizes rule that out:
/// without a rewrite, none becomes the other. Whether a column that is left out was rewritten is
/// not looked at.
fn has_successor(
    old: &[ShapeColumn],
    now: &Shape,
    is_left_out: impl Fn(&ShapeColumn) -> bool,
) -> bool {
    let is_in = |columns: &[ShapeColumn], attnum| columns.iter().any(|c| c.attnum == attnum);
    let gone = old.iter().filter(|c| !is_in(&now.columns, c.attnum));
    let new = now.columns.iter().filter(|c| !is_in(old, c.attnum));
    let size_of_new = |new: &ShapeColumn| (!is_left_out(new)).then(|| size(new.type_oid)).flatten();
    let new: Vec<_> = new.map(size_of_new).collect();
    gone.map(|gone| size(gone.type_oid)).any(|gone| {
        new.iter()
            .any(|new| gone.is_none() || new.is_none() || gone == *new)
    })
}

/// Bytes of a built-in type's values (`pg_type.typlen`), -1 where they vary; `None` of a type that
/// is not known here. Their oids never change.
fn size(type_oid: u32) -> Option<i16> {
    Some(match type_oid {
        // bool, int2
        16 => 1,
        21 => 2,
        // int4, oid, float4, date
        23 | 26 | 700 | 1082 => 4,
        // int8, float8, money, time, timestamp, timestamptz
        20 | 701 | 790 | 1083 | 1114 | 1184 => 8,
        // timetz, then interval and uuid
        1266 => 12,
        1186 | 2950 => 16,
        // bytea, text, json, bpchar, varchar, numeric, jsonb
        17 | 25 | 114 | 1042 | 1043 | 1700 | 3802 => -1,
        _ => return None,
    })
}

/// A column came and went between two looks: rows that were sent with it cannot be told from those
/// with a later one of its name.
fn has_gap(known: &[Vec<ShapeColumn>], now: &Shape) -> bool {
    let Some(seen) = known.iter().flatten().map(|column| column.attnum).max() else {
        return false;
    };
    let new: Vec<i16> = now.columns.iter().map(|column| column.attnum).collect();
    let new = new.into_iter().filter(|attnum| *attnum > seen);
    new.zip(seen + 1..).any(|(attnum, next)| attnum != next)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a table whose columns are all copied.
    fn difference<'s>(
        known: &'s [Vec<ShapeColumn>],
        filenode: u32,
        now: &'s Shape,
    ) -> Difference<'s> {
        super::difference(known, filenode, now, &Protection::default())
    }

    fn column(attnum: i16, name: &str, type_oid: u32, row_version: &str) -> ShapeColumn {
        ShapeColumn {
            attnum,
            name: name.to_owned(),
            type_oid,
            type_modifier: -1,
            row_version: row_version.to_owned(),
            expression: None,
            missing: None,
        }
    }

    fn shape(filenode: u32, columns: &[ShapeColumn]) -> Shape {
        Shape {
            filenode,
            columns: columns.to_vec(),
            ..Shape::default()
        }
    }

    #[test]
    fn a_new_file_or_a_new_catalog_row_alone_rewrote_nothing() {
        let old = [column(1, "a", 23, "7"), column(2, "b", 25, "7")];
        assert!(
            difference(&[old.to_vec()], 1, &shape(2, &old)).is_none(),
            "VACUUM FULL"
        );
        let now = [column(1, "a", 23, "7"), column(2, "b", 25, "8")];
        assert!(
            difference(&[old.to_vec()], 1, &shape(1, &now)).is_none(),
            "STATISTICS"
        );
        assert!(
            difference(&[old.to_vec()], 1, &shape(2, &now)).rewritten,
            "USING"
        );
    }

    #[test]
    fn a_column_is_known_by_its_number() {
        let old = [column(1, "a", 23, "7"), column(2, "b", 25, "7")];
        let now = [column(1, "b", 23, "8"), column(3, "a", 20, "8")];
        let now = shape(1, &now);
        let known = [old.to_vec()];
        let found = difference(&known, 1, &now);
        assert_eq!(found.renamed, [("a", "b")]);
        assert_eq!(found.added, [&now.columns[1]]);
        assert!(found.dropped && !found.rewritten && !found.doubtful);
    }

    #[test]
    fn a_column_that_may_have_had_the_name_of_a_dropped_one_makes_rows_doubtful() {
        let known = [vec![column(1, "a", 23, "7"), column(2, "b", 25, "7")]];
        let successor = |type_oid: u32| {
            let now = [known[0][0].clone(), column(3, "c", type_oid, "8")];
            difference(&known, 1, &shape(1, &now)).doubtful
        };
        assert!(successor(25) && successor(1043), "of its size");
        assert!(successor(99_999), "of a type of users");
        assert!(!successor(20));
    }

    #[test]
    fn a_new_column_with_one_value_is_no_rewrite_and_one_with_many_is() {
        let old = [column(1, "a", 23, "7")];
        let mut added = column(2, "b", 25, "8");
        let both = [old[0].clone(), added.clone()];
        assert!(
            !difference(&[old.to_vec()], 1, &shape(1, &both)).rewritten,
            "no default"
        );
        assert!(
            difference(&[old.to_vec()], 1, &shape(2, &both)).rewritten,
            "volatile"
        );
        added.missing = Some("x".to_owned());
        let both = [old[0].clone(), added];
        assert!(
            !difference(&[old.to_vec()], 1, &shape(1, &both)).rewritten,
            "constant"
        );
        assert!(
            difference(&[old.to_vec()], 0, &shape(0, &both)).rewritten,
            "partitioned"
        );
    }

    #[test]
    fn another_expression_gives_rows_new_values_without_another_file() {
        let computed = |expression, row_version: &str| ShapeColumn {
            expression,
            ..column(1, "a", 23, row_version)
        };
        let rewritten = |before, now| {
            let (known, now) = ([vec![computed(before, "7")]], [computed(now, "8")]);
            difference(&known, 1, &shape(1, &now)).rewritten
        };
        assert!(rewritten(Some(50), Some(51)));
        assert!(!rewritten(Some(50), Some(50)), "renamed");
        assert!(!rewritten(Some(50), None), "no longer computed");
        assert!(!rewritten(None, Some(51)), "nobody has looked before");
    }

    #[test]
    fn a_column_that_nobody_has_seen_makes_rows_doubtful() {
        let known = [vec![column(1, "a", 23, "7")]];
        let next = [known[0][0].clone(), column(2, "b", 25, "8")];
        assert!(!difference(&known, 1, &shape(1, &next)).doubtful);
        let later = [known[0][0].clone(), column(3, "b", 25, "9")];
        assert!(difference(&known, 1, &shape(1, &later)).doubtful);
    }
}
