//! Tables that have copies, and of which the stream brings nothing more.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Client;

use super::partitions::Partitions;
use crate::catalog::TableName;
use crate::catalog::source::{self, Look, Sending, SourceTable};
use crate::checkpoint::{LoadedTable, Shapes, Writer};
use crate::config::Config;
use crate::error::{Error, Kind, Result, Side};

/// Tables that nobody is to expect anything of, though they are there: partitions that were sent as
/// such and are detached, tables that have become parts of one that is sent as one, and tables that
/// write no WAL any more. Their copies stand still; should they come back, they are loaded again.
pub(super) async fn set_aside(
    writer: &Writer,
    look: &Look,
    known: &HashMap<u32, Shapes>,
    loaded: &mut HashMap<u32, LoadedTable>,
) -> Result<HashSet<u32>> {
    let was_part = |oid: u32| {
        let sending = known.get(&oid).and_then(|known| known.sending.as_ref());
        sending.is_some_and(Sending::is_only_a_part)
    };
    let detached = look.tables.iter().filter(|table| {
        let is_left = !table.published && !table.is_partition;
        is_left && loaded.contains_key(&table.oid) && was_part(table.oid)
    });
    let mut aside: HashSet<u32> = detached.map(|table| table.oid).collect();
    let mut others: HashSet<u32> = look.unlogged.iter().copied().collect();
    others.extend(Partitions::of(look).found());
    // these may be on their own again: what came as the other's meanwhile is not in their copies
    others.extend(writer.new_partitions().await?.into_values().flatten());
    aside.extend(others.iter().filter(|oid| loaded.contains_key(oid)));
    let waiting = loaded.values_mut().filter(|table| !table.reload);
    for table in waiting.filter(|table| aside.contains(&table.source_oid)) {
        tracing::warn!(
            table = %table.source,
            "the copy of a table stands still: that was detached, is part of another one, or \
             writes no WAL any more"
        );
        table.reload = true;
        writer.mark_for_reload(table.source_oid).await?;
    }
    Ok(aside)
}

/// A table that is to be followed and is not published.
pub(super) fn no_longer_published<'t>(
    config: &Config,
    tables: &'t [SourceTable],
    loaded: &HashMap<u32, LoadedTable>,
    aside: &HashSet<u32>,
) -> Option<&'t SourceTable> {
    tables.iter().find(|table| {
        let selected = config.tables.selects(&table.name.schema, &table.name.name);
        let expected = loaded.contains_key(&table.oid) && !aside.contains(&table.oid);
        selected && !table.published && expected
    })
}

/// What was written meanwhile will never come, so the copy would be wrong without a word.
fn left_the_publication(table: &TableName) -> Error {
    let what = "A table that was copied is no longer in the publication";
    let remedy = "Add it to the publication and load it again with `walferry resync`, or leave it \
                  out with [tables] exclude.";
    Error::new(Kind::PublicationMissing, what)
        .on(Side::Source)
        .table(table)
        .remedy(remedy)
}

/// A table that is dropped or detached while the catalogs are read is still in one and no longer in
/// the other. Read again they agree about it.
pub(super) async fn left_or_dropped(
    config: &Config,
    catalog: &Client,
    left: &SourceTable,
) -> Error {
    let now = match source::tables(catalog, &config.source.publications).await {
        Ok(now) => now,
        Err(error) => return error,
    };
    let is_left = |now: &SourceTable| {
        now.oid == left.oid && !now.published && now.is_partition == left.is_partition
    };
    if now.iter().any(is_left) {
        return left_the_publication(&left.name);
    }
    let what = "The catalog of the source changed while it was read";
    Error::new(Kind::TableAdded, what).on(Side::Source)
}
