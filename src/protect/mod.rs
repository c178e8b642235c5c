//! Columns that are not copied as they are: left out, masked or hashed.
//!
//! ```text
//! [tables] patterns ─▶ decide: a treatment for each column ─┬▶ snapshot: rows of COPY, as text
//!                                                           └▶ stream: each tuple, before folding
//! ```
//!
//! **Why this is right.** A treated column is an ordinary one from the moment it is read: a start
//! decides on each column of each table and gives hashed ones, and those masked by a text, the type
//! text; from then on nobody knows another type, and values are treated before anybody keeps them.
//! The hash is of the value's text as the source prints it with the settings that all sessions pin,
//! so that the stream of a pipeline with such a column is text, as its COPY is; equal values of one
//! type have equal hashes in all tables. Old keys are treated as new ones are, so rows are found by
//! the hash of their key. What is left out or masked is not even read by the initial load.
//!
//! Where the copy is to keep its columns (`on_schema_change = "ignore"`), one that came after the
//! load is left out like one that a pattern names, unless rows are found by it.
//!
//! Protection sticks to `attnum`: which column was protected by which name is recorded with the
//! table, so that a column, a table or a schema that is renamed away from a pattern stays
//! protected. A pattern that names a table holds for its partitions and children too, and a
//! generated column that is computed from a protected one is left out. A table whose copy was made
//! under other patterns or another salt is loaded again.
//!
//! **What can go wrong.** A key that is left out or masked identifies nothing: refused. A table
//! that is made anew under other names, or a plain column that is filled from a protected one, is
//! not recognised: there is nothing to tell it by.

mod decide;
mod rows;
mod treatment;

use std::collections::BTreeMap;

pub use decide::{Before, Protector, listed};
pub use rows::RowWriter;
pub use treatment::{Hasher, Treatment};

/// What becomes of the columns of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    columns: BTreeMap<i16, ProtectedColumn>,
}

/// A column that is not copied as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedColumn {
    /// What becomes of it.
    pub treatment: Treatment,
    /// Schema, table and column as a pattern matched them.
    pub matched: [String; 3],
    /// Why.
    pub reason: Reason,
    /// The publication sends it all the same.
    pub is_sent: bool,
}

/// Why a column is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A pattern matches it.
    Named,
    /// A pattern matches the name that it had.
    Renamed,
    /// It is generated, and cannot be computed from what its sources become.
    Computed,
    /// It came after the load, and the copy is to keep its columns.
    Ignored,
}

/// What was recorded when a table was loaded, or when the column came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// `attnum`
    pub attnum: i16,
    /// Schema, table and column as a pattern matched them.
    pub matched: [String; 3],
    /// [`ProtectedColumn::recorded`]
    pub treatment: String,
}

/// Of [`Reason::Computed`], in place of a treatment.
const COMPUTED: &str = "computed";

/// Of [`Reason::Ignored`], likewise.
const IGNORED: &str = "ignored";

impl ProtectedColumn {
    /// As it is remembered.
    pub fn recorded(&self) -> String {
        match self.reason {
            Reason::Computed => COMPUTED.to_owned(),
            Reason::Ignored => IGNORED.to_owned(),
            Reason::Named | Reason::Renamed => self.treatment.recorded(),
        }
    }
}

impl Protection {
    /// What becomes of a column.
    pub fn of(&self, attnum: i16) -> &Treatment {
        self.columns
            .get(&attnum)
            .map_or(&Treatment::Copy, |column| &column.treatment)
    }

    /// The columns that are not copied as they are.
    pub fn columns(&self) -> impl Iterator<Item = (i16, &ProtectedColumn)> {
        self.columns
            .iter()
            .map(|(attnum, column)| (*attnum, column))
    }

    /// The publication sends the column, and the destination does not have it.
    pub fn drops(&self, attnum: i16) -> bool {
        let column = self.columns.get(&attnum);
        column.is_some_and(|column| column.is_sent && column.treatment == Treatment::LeaveOut)
    }

    /// It is written down like this.
    pub fn is_recorded(&self, recorded: &[Recorded]) -> bool {
        let same = |was: &Recorded| {
            let now = self.columns.get(&was.attnum);
            now.is_some_and(|now| now.matched == was.matched && now.recorded() == was.treatment)
        };
        recorded.len() == self.columns.len() && recorded.iter().all(same)
    }

    /// Whether what the copy holds was treated otherwise. `had` are the columns that it was loaded
    /// with: a new column has no values of before.
    pub fn differs(&self, recorded: &[Recorded], had: impl Fn(i16) -> bool) -> bool {
        let was = |attnum: i16| recorded.iter().find(|column| column.attnum == attnum);
        let mut now = self.columns.iter().filter(|(attnum, _)| had(**attnum));
        let changed = now.any(|(attnum, column)| {
            was(*attnum).is_none_or(|was| was.treatment != column.recorded())
        });
        let lifted = |was: &&Recorded| !self.columns.contains_key(&was.attnum);
        changed || recorded.iter().filter(lifted).any(|was| had(was.attnum))
    }
}

#[cfg(test)]
mod tests;
