//! Tables that were renamed or moved on the source.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Client;

use super::super::loading;
use super::{Reshape, execute, passing};
use crate::catalog::TableName;
use crate::catalog::source::SourceTable;
use crate::checkpoint::LoadedTable;
use crate::config::SchemaChanges;
use crate::error::{Error, Kind, Result};
use crate::sql;

/// A table, where its copy is, and where that belongs.
type Move<'t> = (&'t SourceTable, TableName, TableName);

impl Reshape<'_> {
    /// Tables that were renamed or moved to another schema are so in the destination, too. Where
    /// readers hold the lock of a copy it keeps its name and its place for now, and all others with
    /// it: some may have traded theirs. Returns those places.
    pub(super) async fn follow_names(
        &self,
        loaded: &mut HashMap<u32, LoadedTable>,
    ) -> Result<HashSet<TableName>> {
        let moves = self.moves(loaded);
        if moves.is_empty() {
            return Ok(HashSet::new());
        }
        let schemas = moves.iter().map(|(_, _, place)| place.schema.clone());
        loading::ensure_schemas(self.config, self.writer, &schemas.collect()).await?;
        let before = loaded.clone();
        let occupied = moves.iter().map(|(_, from, _)| from.clone()).collect();
        match self.rename_all(moves, loaded).await {
            Err(error) if error.kind() == Kind::Contention => {
                execute(self.writer.client(), sql::apply::ROLLBACK).await?;
                let why = "a reader holds the lock of a copy that is to have another name";
                tracing::info!(reason = why, "it keeps its name for now");
                *loaded = before;
                Ok(occupied)
            }
            done => done.map(|()| HashSet::new()),
        }
    }

    fn moves(&self, loaded: &HashMap<u32, LoadedTable>) -> Vec<Move<'_>> {
        let naming = &self.config.destination.naming;
        let mut moves = Vec::new();
        for table in self.tables {
            let Some(known) = loaded.get(&table.oid) else {
                continue;
            };
            let (schema, name) = (&table.name.schema, &table.name.name);
            let follow = self.config.schema_changes != SchemaChanges::Halt;
            if known.source == table.name || !follow || !self.config.tables.selects(schema, name) {
                continue;
            }
            let place = TableName::new(naming.destination_schema(schema), name.clone());
            moves.push((table, known.destination.clone(), place));
        }
        moves
    }

    async fn rename_all(
        &self,
        moves: Vec<Move<'_>>,
        loaded: &mut HashMap<u32, LoadedTable>,
    ) -> Result<()> {
        let client = self.writer.client();
        self.begin().await?;
        let gone = self.gone(loaded);
        for (_, _, place) in &moves {
            if let Some(oid) = gone.get(place) {
                self.make_way(place, *oid).await?;
                loaded.remove(oid);
            }
        }
        // by way of names that nobody has: two tables may have traded theirs
        for (table, from, _) in &moves {
            let passing = TableName::new(from.schema.clone(), passing(table.oid));
            rename(client, from, &passing).await?;
            self.writer.rename(table.oid, &table.name, &passing).await?;
        }
        for (table, from, place) in moves {
            let passing = TableName::new(from.schema.clone(), passing(table.oid));
            rename(client, &passing, &place).await?;
            self.writer.rename(table.oid, &table.name, &place).await?;
            tracing::info!(table = %table.name, copy = %place, "following a new name");
            if let Some(known) = loaded.get_mut(&table.oid) {
                known.source = table.name.clone();
                known.destination = place;
            }
        }
        execute(client, sql::apply::COMMIT).await
    }

    /// The copies of ours whose tables the source has dropped, with the oids of these.
    fn gone(&self, loaded: &HashMap<u32, LoadedTable>) -> HashMap<TableName, u32> {
        let there: HashSet<u32> = self.tables.iter().map(|table| table.oid).collect();
        let gone = loaded
            .values()
            .filter(|old| old.made_table && !there.contains(&old.source_oid));
        gone.map(|old| (old.destination.clone(), old.source_oid))
            .collect()
    }

    /// Such a copy gives way to the table that has its name now.
    async fn make_way(&self, place: &TableName, oid: u32) -> Result<()> {
        let client = self.writer.client();
        let dropped = execute(client, &sql::reshape::drop_table(place)).await;
        dropped.map_err(|error| in_the_way(error, place))?;
        self.writer.forget_table(oid).await
    }
}

async fn rename(client: &Client, from: &TableName, to: &TableName) -> Result<()> {
    let moved = execute(client, &sql::reshape::move_table(from, to)).await;
    moved.map_err(|error| in_the_way(error, to))
}

fn in_the_way(error: Error, place: &TableName) -> Error {
    if error.kind() == Kind::Contention {
        return error;
    }
    let remedy = "The table was renamed on the source, and its copy cannot be: drop or rename what \
                  is in the way in the destination.";
    error
        .as_kind(Kind::TableInTheWay)
        .table(place)
        .remedy(remedy)
}
