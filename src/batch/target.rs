//! What the middle of the flow must know of a table.

use super::FoldError;
use crate::catalog::Equality;
use crate::catalog::TableName;
use crate::decode::Tuple;
use crate::lsn::Lsn;
use crate::protect::Treatment;

/// A source relation as one relation message described it, and the table it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact about the table"
)]
pub struct Target {
    /// The relation's id on the wire.
    pub oid: u32,
    /// Its name on the source.
    pub source: TableName,
    /// Where its rows go.
    pub destination: TableName,
    /// The columns, in the order of the relation message, without those that are left out.
    pub columns: Vec<TargetColumn>,
    /// What becomes of each column of the relation message; empty when all are copied as they are.
    pub treatments: Vec<Treatment>,
    /// How a row is found again.
    pub identity: RowIdentity,
    /// The destination keeps other values than the key apart as well, so that rows which trade them
    /// cannot be changed one after the other.
    pub guarded: bool,
    /// Nobody in the destination can tell a row that is changed from one that is deleted and put
    /// there again.
    pub replaceable: bool,
    /// A staging table of its columns could not hold all its rows: each is staged as one value.
    pub wide: bool,
    /// The source sends all values of this table in binary; otherwise all of them come as text.
    pub binary: bool,
    /// The destination held the source's state at this position when its initial load ended;
    /// transactions whose commit record lies before it are skipped for this table.
    pub snapshot_lsn: Lsn,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetColumn {
    /// Its name on both sides.
    pub name: String,
    /// The oid of its type in the destination.
    pub type_oid: u32,
    /// How its values are compared in the destination; `None`: by the `=` of `pg_catalog`.
    pub equality: Option<Equality>,
    /// The oid of its type, where that is of `pg_catalog` and has a `=` of its own: `column = $1`
    /// says what `$1` is.
    pub plain: Option<u32>,
}

/// How a row is found again in the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowIdentity {
    /// By these columns (positions in [`Target::columns`]).
    Key(Vec<usize>),
    /// By all its values: REPLICA IDENTITY FULL without a primary key.
    WholeRow,
    /// Not at all: rows are only added.
    None,
}

impl Target {
    pub(super) fn check_width(&self, tuple: Tuple<'_>) -> Result<(), FoldError> {
        if tuple.len() == self.columns.len() {
            return Ok(());
        }
        Err(FoldError::Width {
            found: tuple.len(),
            expected: self.columns.len(),
        })
    }

    /// The key's column positions; empty when rows are not found by key.
    pub fn key(&self) -> &[usize] {
        match &self.identity {
            RowIdentity::Key(columns) => columns,
            RowIdentity::WholeRow | RowIdentity::None => &[],
        }
    }
}
