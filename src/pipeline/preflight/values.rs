//! Findings about values that one server has and another one may not take.

use super::report::Report;
use crate::catalog::source::SourceTable;
use crate::catalog::types::Types;
use crate::error::Side;

/// Values that came to a type with a version: older destinations do not take them.
struct Values {
    since: i32,
    /// The type, its arrays, and what `pg_catalog` builds of it.
    types: &'static [u32],
    /// Types with a modifier, such as a precision, have no such values.
    unlimited: bool,
    what: &'static str,
    then: &'static str,
}

const VALUES: [Values; 2] = [
    Values {
        since: 14_00_00,
        types: &[1700, 1231, 3906, 3907],
        unlimited: true,
        what: "Infinity and -Infinity of numeric",
        then: "stops the pipeline (definite)",
    },
    Values {
        since: 15_00_00,
        types: &[18, 1002],
        unlimited: false,
        what: "a \"char\" above 127 that travels as text",
        then: "becomes another one",
    },
];

/// `regproc` to `regcollation`, `aclitem`, and their arrays: a value is the name of something.
const NAMES: [u32; 24] = [
    24, 2202, 2203, 2204, 2205, 2206, 4096, 4089, 3734, 3769, 4191, 1033, 1008, 2207, 2208, 2209,
    2210, 2211, 4097, 4090, 3735, 3770, 4192, 1034,
];

/// Columns that may hold values which the destination might not take, though it has their type.
pub(super) fn inspect(source: i32, types: &Types, table: &SourceTable, report: &mut Report) {
    for values in &VALUES {
        values.inspect(source, types, table, report);
    }
    let columns = holding(types, table, |oid, _| NAMES.contains(&oid));
    if !columns.is_empty() {
        report.warning(
            Side::Source,
            format!("table {}", table.name),
            format!(
                "Values of these columns are names of objects, and one that the destination has \
                 no object for stops the pipeline (definite): {}",
                columns.join(", ")
            ),
            "Nothing to do if they name what every server has; else leave them out: [tables] \
             exclude_columns.",
        );
    }
}

/// The columns that are sent and have to do with a type and a modifier that `is_one` knows.
fn holding<'t>(
    types: &Types,
    table: &'t SourceTable,
    is_one: impl Fn(u32, i32) -> bool,
) -> Vec<&'t str> {
    let published = table.published_columns.iter().map(|&at| &table.columns[at]);
    published
        .filter(|column| types.becomes_text(column.type_oid).is_none())
        .filter(|column| types.holds(column.type_oid, column.type_modifier, &is_one))
        .map(|column| column.name.as_str())
        .collect()
}

impl Values {
    fn inspect(&self, source: i32, types: &Types, table: &SourceTable, report: &mut Report) {
        if source < self.since || types.version() >= self.since {
            return;
        }
        let is_one = |oid: u32, modifier: i32| {
            self.types.contains(&oid) && !(self.unlimited && modifier >= 0)
        };
        let columns = holding(types, table, is_one);
        if columns.is_empty() {
            return;
        }
        let (what, then, major) = (self.what, self.then, self.since / 10_000);
        report.warning(
            Side::Source,
            format!("table {}", table.name),
            format!(
                "Servers before {major} do not know {what}: such a value {then}. Columns that may \
                 hold some: {}",
                columns.join(", ")
            ),
            format!(
                "Keep such values out of them, leave the table out, or upgrade the destination to \
                 {major} or later."
            ),
        );
    }
}
