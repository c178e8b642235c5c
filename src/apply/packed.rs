//! Rows of wide tables, each as one value of a composite type.
//!
//! A staging table with a column for each of theirs and what else is staged might have more columns
//! than a table can, or rows that do not fit a page. The server puts one long value out of line.

use super::encode::{Format, FormatMismatch, composite};
use super::table::format;
use crate::batch::Target;
use crate::decode::Cell;

/// A staged row.
pub(super) struct Packed<'r> {
    /// All columns of the table, as a value of the composite type.
    row: Vec<u8>,
    /// What is staged beside them.
    more: Vec<Cell<'r>>,
}

impl<'r> Packed<'r> {
    /// `cells` are those of `columns`, then what is staged beside them; other columns are NULL.
    pub(super) fn new(
        target: &Target,
        columns: &[usize],
        mut cells: impl Iterator<Item = Cell<'r>>,
    ) -> Result<Self, FormatMismatch> {
        let mut row = vec![Cell::Null; target.columns.len()];
        for (at, cell) in columns.iter().zip(cells.by_ref()) {
            row[*at] = cell;
        }
        let types = target.columns.iter().map(|column| column.type_oid);
        let mut bytes = Vec::new();
        composite(format(target), types.zip(row), &mut bytes)?;
        Ok(Packed {
            row: bytes,
            more: cells.collect(),
        })
    }

    /// What goes into the columns of the staging table.
    pub(super) fn cells(&self, target: &Target) -> impl Iterator<Item = Cell<'_>> {
        let row = match format(target) {
            Format::Text => Cell::Text(&self.row),
            Format::Binary => Cell::Binary(&self.row),
        };
        std::iter::once(row).chain(self.more.iter().copied())
    }
}
