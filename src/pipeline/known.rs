//! A loaded table, and what its copy does with the rows of a relation.

use std::collections::HashSet;

use super::alignment::align;
use crate::batch::{RowIdentity, TargetColumn};
use crate::catalog::Column;
use crate::catalog::destination::DestinationTable;
use crate::catalog::source::{ShapeColumn, SourceTable};
use crate::catalog::types::Types;
use crate::checkpoint::LoadedTable;
use crate::decode::{self, Relation, ReplicaIdentity};
use crate::protect::{Protection, Treatment};

/// A loaded table, as both catalogs know it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) loaded: LoadedTable,
    pub(super) destination: DestinationTable,
    /// `None` when the table is gone from the source by now.
    pub(super) source: Option<SourceTable>,
    /// The shapes that it has had; the destination follows the last one.
    pub(super) shapes: Vec<Vec<ShapeColumn>>,
    /// What becomes of its columns.
    pub(super) protection: Protection,
}

impl Known {
    /// pgoutput may send all columns in binary.
    pub(super) fn binary_fits(&self, types: &Types) -> bool {
        let Some(source) = &self.source else {
            return false;
        };
        let mut published = source
            .published_columns
            .iter()
            .map(|&at| &source.columns[at]);
        published.all(|column| {
            let mut places = self.destination.columns.iter();
            let theirs = places.find(|c| c.name == column.name);
            let is_text = self.protection.of(column.attnum).makes_text();
            let fits = |place: &Column| {
                place.generated.is_some() || types.binary_fits(column, Some(place))
            };
            !is_text && theirs.is_some_and(fits)
        })
    }

    /// Where the values of a column go that is called `name` by now.
    pub(super) fn place(
        &self,
        column: &decode::Column,
        name: &str,
        types: &Types,
    ) -> Result<&Column, String> {
        let mut places = self.destination.columns.iter();
        let Some(place) = places.find(|place| place.name == name) else {
            return Err(format!(
                "The table has a column \"{name}\" that the destination table lacks"
            ));
        };
        if types.uses_remade(column.type_oid) {
            return Err(format!(
                "The type of column \"{name}\" was dropped and made again, which may have given \
                 old rows new values"
            ));
        }
        // or a later type, which the source changed to without touching its rows
        let newest = self.shapes.last().into_iter().flatten();
        let mut followed = newest.filter(|column| column.name == name);
        if types.fits(column.type_oid, column.type_modifier, place)
            || followed.any(|now| types.fits(now.type_oid, now.type_modifier, place))
        {
            return Ok(place);
        }
        Err(format!(
            "The type of column \"{name}\" is another one than in the destination table, where it \
             is {}",
            place.type_name
        ))
    }

    /// What the columns of the message are called by now, and what becomes of their values; `None`
    /// for one that is no more, or that the destination is not to have.
    pub(super) fn meanings(
        &self,
        relation: &Relation,
    ) -> Result<Vec<Option<(String, Treatment)>>, String> {
        let Some(newest) = self.shapes.last() else {
            if self.protection.columns().next().is_some() {
                return Err("Nobody knows which columns of the table are protected".to_owned());
            }
            let names = relation.columns.iter();
            let as_it_is = |name: &str| Some((name.to_owned(), Treatment::Copy));
            return Ok(names.map(|column| as_it_is(&column.name)).collect());
        };
        let unsent: HashSet<i16> = match &self.source {
            None => HashSet::new(),
            Some(source) => (0..source.columns.len())
                .filter(|at| !source.published_columns.contains(at))
                .map(|at| source.columns[at].attnum)
                .filter(|attnum| !self.protection.drops(*attnum))
                .collect(),
        };
        let attnums = align(relation, &self.shapes, &unsent).ok_or(
            "The columns of the table are not those that it was seen to have, nor plainly a step \
             between",
        )?;
        let meaning = |attnum: &i16| {
            let treatment = self.protection.of(*attnum).clone();
            let mut live = newest.iter();
            live.find(|column| column.attnum == *attnum)
                .filter(|_| treatment != Treatment::LeaveOut)
                .map(|column| (column.name.clone(), treatment))
        };
        Ok(attnums.iter().map(meaning).collect())
    }

    /// A column that is computed in the destination may come only if the source computes it, too,
    /// and is known to send it.
    pub(super) fn check_computed(&self, name: &str) -> Result<(), String> {
        let sent = self.source.iter().flat_map(|source| {
            let columns = source.published_columns.iter();
            columns.map(|&at| &source.columns[at])
        });
        let mut computed = sent.filter(|column| column.generated.is_some());
        if computed.any(|column| column.name == name) {
            return Ok(());
        }
        Err(format!(
            "The column \"{name}\", which the destination computes, is an ordinary one by now"
        ))
    }

    /// The destination has a unique index or an exclusion constraint that rows with different keys
    /// can violate. A table that others refer to is left alone: removing a row, if only to put it
    /// back, would be felt there.
    pub(super) fn is_guarded(
        &self,
        identity: &RowIdentity,
        columns: &[(TargetColumn, bool)],
    ) -> bool {
        let RowIdentity::Key(key) = identity else {
            return false;
        };
        let ours = |at: &usize| &self.destination.columns[*at].name;
        let holds_key = |guard: &Vec<usize>| {
            let in_guard = |at: &usize| guard.iter().any(|g| *ours(g) == columns[*at].0.name);
            key.iter().all(in_guard)
        };
        !self.destination.is_referenced && !self.destination.guards.iter().all(holds_key)
    }

    /// A row may be put in the place of another one with the same key, instead of being changed:
    /// nobody in the destination can tell, and it has no columns but ours and computed ones.
    pub(super) fn is_replaceable(&self, columns: &[TargetColumn]) -> bool {
        let is_ours = |column: &Column| columns.iter().any(|ours| ours.name == column.name);
        let mut theirs = self.destination.columns.iter();
        self.destination.rows_replaceable
            && theirs.all(|column| column.generated.is_some() || is_ours(column))
    }

    /// A staging table of the columns, and of the key once more, could not hold all its rows.
    pub(super) fn is_wide(&self, identity: &RowIdentity, columns: &[TargetColumn]) -> bool {
        let key: &[usize] = match identity {
            RowIdentity::Key(key) => key,
            RowIdentity::WholeRow | RowIdentity::None => &[],
        };
        let staged = columns.iter().chain(key.iter().map(|at| &columns[*at]));
        let names = staged.map(|column| column.name.as_str());
        self.destination.outgrows_stage(names)
    }

    /// How rows are found: by what the source identifies them with. `columns` are those that are
    /// kept, each with whether it is part of the identity.
    pub(super) fn identity(
        &self,
        relation: &Relation,
        columns: &[(TargetColumn, bool)],
    ) -> Result<RowIdentity, String> {
        let in_identity = relation.columns.iter().filter(|column| column.in_identity);
        let kept = columns.iter().filter(|(_, in_identity)| *in_identity);
        let by_key = relation.identity != ReplicaIdentity::Full;
        if by_key && in_identity.count() != kept.count() {
            let why = "A column that identified rows is dropped, left out, or computed in the \
                       destination";
            return Err(why.to_owned());
        }
        let whole = match relation.identity {
            ReplicaIdentity::Nothing => return Ok(RowIdentity::None),
            ReplicaIdentity::Default | ReplicaIdentity::Index => {
                let key = columns.iter().enumerate();
                let key = key.filter(|(_, (_, in_identity))| *in_identity);
                let key: Vec<usize> = key.map(|(at, _)| at).collect();
                return Ok(if key.is_empty() {
                    RowIdentity::None
                } else {
                    RowIdentity::Key(key)
                });
            }
            ReplicaIdentity::Full => RowIdentity::WholeRow,
        };
        // The whole old row comes; a primary key in the destination finds it faster.
        let key = self.destination.primary_key.iter();
        let key = key.map(|&at| &self.destination.columns[at].name);
        let place = |name: &String| columns.iter().position(|(column, _)| column.name == *name);
        Ok(match key.map(place).collect::<Option<Vec<usize>>>() {
            Some(key) if !key.is_empty() => RowIdentity::Key(key),
            _ => whole,
        })
    }
}
