//! Where the rows of each relation go.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::known::Known;
use super::partitions::Partitions;
use crate::batch::{Target, TargetColumn};
use crate::catalog::types::Types;
use crate::catalog::{Column, Equality, TableName};
use crate::decode::Relation;
use crate::error::{Error, Kind, Side};
use crate::lsn::Lsn;
use crate::protect::Treatment;
use crate::snapshot::Adoption;

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
        let replaceable = known.is_replaceable(&columns);
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
            replaceable,
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
