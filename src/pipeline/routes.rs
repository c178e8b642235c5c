//! Where the rows of each relation go.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::alignment::align;
use super::partitions::Partitions;
use crate::batch::{RowIdentity, Target, TargetColumn};
use crate::catalog::destination::DestinationTable;
use crate::catalog::source::{ShapeColumn, SourceTable};
use crate::catalog::types::Types;
use crate::catalog::{Column, Equality, TableName};
use crate::checkpoint::LoadedTable;
use crate::decode::{self, Relation, ReplicaIdentity};
use crate::error::{Error, Kind, Side};
use crate::lsn::Lsn;
use crate::protect::{Protection, Treatment};
use crate::snapshot::Adoption;

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

/// What becomes of a relation's rows.
#[derive(Clone, Debug)]
pub(super) enum Route {
    /// They are applied.
    Apply(Arc<Target>),
    /// They are not wanted: the table is not selected, or is gone from the source by now.
    Skip,
    /// They cannot be applied; the reason is an error once a row comes.
    Refuse(String),
}

/// A relation that was not there when the pipeline started.
#[derive(Clone, Debug)]
pub(super) struct Newcomer {
    pub(super) oid: u32,
    pub(super) name: String,
}

/// All relations that the stream may send.
pub(super) struct Routes {
    known: HashMap<u32, Known>,
    /// Asked for each change.
    by_oid: hashbrown::HashMap<u32, Route, foldhash::fast::FixedState>,
    /// The last description of each relation.
    relations: HashMap<u32, Relation>,
    /// What held for the relations that were described since [`Routes::mark`], in order.
    before: Vec<(u32, Option<Relation>, Option<Route>)>,
    /// Tables that nobody is to wait for.
    left: HashSet<u32>,
    types: Arc<Types>,
    /// How values of the destination's types are compared, where not by `pg_catalog`.
    equality: HashMap<u32, Equality>,
    binary: bool,
    /// What may send rows as a part of others.
    pub(super) partitions: Partitions,
}

impl Routes {
    /// `skipped` are the tables that exist and are not wanted.
    pub(super) fn new(
        known: HashMap<u32, Known>,
        skipped: Vec<u32>,
        can_binary: bool,
        types: Arc<Types>,
        equality: HashMap<u32, Equality>,
    ) -> Self {
        let binary = can_binary && known.values().all(|known| known.binary_fits(&types));
        let by_oid = skipped.into_iter().map(|oid| (oid, Route::Skip)).collect();
        Routes {
            known,
            by_oid,
            relations: HashMap::new(),
            before: Vec::new(),
            left: HashSet::new(),
            types,
            equality,
            binary,
            partitions: Partitions::default(),
        }
    }

    /// Rows of partitions that are sent as parts of others come under the name of those.
    pub(super) fn know_partitions(&mut self, partitions: Partitions) {
        self.skip_all(partitions.found().collect::<Vec<_>>());
        self.partitions = partitions;
    }

    /// The stream is to send values in binary: all tables can take them.
    pub(super) fn binary(&self) -> bool {
        self.binary
    }

    /// Takes note of a relation message; tells of a relation that nobody knows.
    pub(super) fn learn(&mut self, relation: &Relation) -> Option<Newcomer> {
        let described = self.relations.insert(relation.oid, relation.clone());
        let route = self.by_oid.get(&relation.oid).cloned();
        self.before.push((relation.oid, described, route));
        let Some(known) = self.known.get(&relation.oid) else {
            if self.by_oid.contains_key(&relation.oid) {
                return None;
            }
            return Some(Newcomer {
                oid: relation.oid,
                name: format!("{}.{}", relation.schema, relation.name),
            });
        };
        let route = match self.describe(known, relation) {
            // Sent again, as after any change of the catalog that does not matter here.
            Ok(target) if self.applies(&target) => return None,
            Ok(target) => Route::Apply(Arc::new(target)),
            Err(why) if known.source.is_none() => {
                let table = &known.loaded.source;
                tracing::warn!(%table, why, "the copy of a table that was dropped stands still");
                Route::Skip
            }
            Err(why) => Route::Refuse(why),
        };
        self.by_oid.insert(relation.oid, route);
        None
    }

    /// Learns what the source told before these routes were made: it does not say so again. A
    /// relation that a start has found no trace of is gone.
    pub(super) fn remember(&mut self, relations: HashMap<u32, Relation>) {
        for relation in relations.into_values() {
            if let Some(gone) = self.learn(&relation) {
                self.skip(gone.oid);
            }
        }
    }

    /// A start has found the relation.
    pub(super) fn has(&self, oid: u32) -> bool {
        self.known.contains_key(&oid) || self.by_oid.contains_key(&oid)
    }

    /// What [`Routes::remember`] takes.
    pub(super) fn into_relations(self) -> HashMap<u32, Relation> {
        self.relations
    }

    /// What was learned so far need not be undone any more.
    pub(super) fn mark(&mut self) {
        self.before.clear();
    }

    /// Undoes what was learned since the mark: it comes once more.
    pub(super) fn rewind(&mut self) {
        for (oid, described, route) in self.before.drain(..).rev() {
            match described {
                Some(relation) => self.relations.insert(oid, relation),
                None => self.relations.remove(&oid),
            };
            match route {
                Some(route) => self.by_oid.insert(oid, route),
                None => self.by_oid.remove(&oid),
            };
        }
    }

    /// The relation is described as it was before, if it was.
    pub(super) fn agrees(&self, relation: &Relation) -> bool {
        let route = self.by_oid.get(&relation.oid);
        match (self.known.get(&relation.oid), route) {
            (None, route) => matches!(route, Some(Route::Skip)),
            (Some(known), None) => self.describe(known, relation).is_ok(),
            (Some(known), Some(Route::Apply(target))) => {
                let now = self.describe(known, relation);
                now.is_ok_and(|now| now == **target)
            }
            (Some(_), Some(Route::Skip | Route::Refuse(_))) => false,
        }
    }

    /// The last of the positions up to which tables were loaded.
    pub(super) fn loaded_up_to(&self) -> Lsn {
        let loaded = self.known.values().map(|known| known.loaded.snapshot_lsn);
        loaded.max().unwrap_or(Lsn(0))
    }

    /// The rows of tables that fill their places go there from now on.
    pub(super) fn go_to_places(&mut self, adoption: &Adoption) {
        for (oid, place, there) in adoption.filled() {
            let Some(known) = self.known.get_mut(&oid) else {
                continue;
            };
            known.loaded.destination = place.clone();
            known.destination = there.clone();
            if let Some(relation) = self.relations.remove(&oid) {
                self.learn(&relation);
            }
        }
    }

    /// The target of a relation as it is now.
    fn describe(&self, known: &Known, relation: &Relation) -> Result<Target, String> {
        let mut columns = Vec::with_capacity(relation.columns.len());
        let mut treatments = Vec::with_capacity(relation.columns.len());
        for (column, meaning) in relation.columns.iter().zip(known.meanings(relation)?) {
            // the source has dropped it since, or nobody is to have it; or the destination computes
            // it, too
            let Some((name, treatment)) = meaning else {
                treatments.push(Treatment::LeaveOut);
                continue;
            };
            let place = known.place(column, &name, &self.types)?;
            if place.generated.is_some() {
                known.check_computed(&name)?;
                treatments.push(Treatment::LeaveOut);
                continue;
            }
            treatments.push(treatment);
            let equality = self.equality.get(&place.type_oid).cloned();
            let target = TargetColumn {
                name,
                type_oid: place.type_oid,
                plain: (place.type_is_builtin && equality.is_none() && !is_alias(place))
                    .then_some(place.type_oid),
                equality,
            };
            columns.push((target, column.in_identity));
        }
        let identity = known.identity(relation, &columns)?;
        let guarded = known.is_guarded(&identity, &columns);
        let columns: Vec<TargetColumn> = columns.into_iter().map(|(column, _)| column).collect();
        let wide = known.is_wide(&identity, &columns);
        if treatments.iter().all(|one| *one == Treatment::Copy) {
            treatments.clear();
        }
        Ok(Target {
            oid: relation.oid,
            source: known.loaded.source.clone(),
            destination: known.loaded.destination.clone(),
            columns,
            treatments,
            identity,
            guarded,
            wide,
            binary: self.binary,
            snapshot_lsn: known.loaded.snapshot_lsn,
        })
    }

    fn applies(&self, target: &Target) -> bool {
        let route = self.by_oid.get(&target.oid);
        matches!(route, Some(Route::Apply(known)) if **known == *target)
    }

    /// The relation has had its initial load, or is to have none for now. One whose rows are
    /// skipped may still want it: a source sends a row before others see what its transaction did,
    /// so the catalog may lag.
    pub(super) fn is_loaded(&self, oid: u32) -> bool {
        self.known.contains_key(&oid) || self.left.contains(&oid)
    }

    /// The rows of these relations are skipped, and they are not to be loaded either.
    pub(super) fn leave(&mut self, oids: HashSet<u32>) {
        self.skip_all(oids.iter().copied());
        self.left = oids;
    }

    /// Its rows came as those of another table: the copy stands still, and a start looks what
    /// became of it.
    pub(super) fn stand_still(&mut self, oid: u32) {
        self.known.remove(&oid);
        self.left.insert(oid);
        self.skip(oid);
    }

    /// Loaded tables that the source had and published when the pipeline started.
    pub(super) fn loaded(&self) -> impl Iterator<Item = (u32, &TableName)> {
        let published = |known: &Known| known.source.as_ref().is_some_and(|table| table.published);
        let known = self.known.iter().filter(move |(_, known)| published(known));
        known.map(|(oid, known)| (*oid, &known.loaded.source))
    }

    /// From now on the rows of this relation are skipped.
    pub(super) fn skip(&mut self, oid: u32) {
        self.by_oid.insert(oid, Route::Skip);
    }

    /// The same for several.
    pub(super) fn skip_all(&mut self, oids: impl IntoIterator<Item = u32>) {
        for oid in oids {
            self.skip(oid);
        }
    }

    /// The target of a row; `None` when it is to be skipped.
    pub(super) fn target(&self, oid: u32) -> Result<Option<&Arc<Target>>, Error> {
        match self.by_oid.get(&oid) {
            Some(Route::Apply(target)) => Ok(Some(target)),
            Some(Route::Skip) => Ok(None),
            Some(Route::Refuse(why)) => Err(self.refused(oid, why)),
            None => {
                let what = format!("The source sent a row of relation {oid} without describing it");
                Err(Error::new(Kind::Protocol, what).on(Side::Source))
            }
        }
    }

    fn refused(&self, oid: u32, why: &str) -> Error {
        let error = Error::new(Kind::SchemaChanged, why)
            .on(Side::Source)
            .remedy(
                "Make the same change to the destination table, or have the table loaded again: \
                 `walferry resync`. Then start walferry: the source keeps the changes until then.",
            );
        match self.known.get(&oid) {
            Some(known) => error.table(&known.loaded.source),
            None => error,
        }
    }
}

/// Types such as `regclass` are compared as `oid`, which reads other text.
fn is_alias(column: &Column) -> bool {
    column.type_name.starts_with("reg")
}

impl Known {
    /// pgoutput may send all columns in binary.
    fn binary_fits(&self, types: &Types) -> bool {
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
    fn place(&self, column: &decode::Column, name: &str, types: &Types) -> Result<&Column, String> {
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
    fn meanings(&self, relation: &Relation) -> Result<Vec<Option<(String, Treatment)>>, String> {
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
    fn check_computed(&self, name: &str) -> Result<(), String> {
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
    fn is_guarded(&self, identity: &RowIdentity, columns: &[(TargetColumn, bool)]) -> bool {
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

    /// A staging table of the columns, and of the key once more, could not hold all its rows.
    fn is_wide(&self, identity: &RowIdentity, columns: &[TargetColumn]) -> bool {
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
    fn identity(
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
