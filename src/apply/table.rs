//! The steps for one table of a batch.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::Steps;
use super::encode::{Encoded, Format, FormatMismatch};
use super::session::{Session, execute};
use crate::batch::{Entry, Keyed, Multiset, Put, Rows, Span, TableBatch, Target};
use crate::decode::{Cell, Cells};
use crate::error::{Error, Kind, Result, Side};
use crate::sql::apply::{self as sql, Staged};

/// Applies what became of one table, in the open transaction.
pub(super) async fn apply(
    client: &Client,
    session: &mut Session,
    table: &TableBatch,
    steps: &mut Steps,
) -> Result<()> {
    let target = &*table.target;
    let mut work = Work {
        client,
        session,
        target,
    };
    match &table.rows {
        Rows::Keyed(keyed) => {
            let carried = timed(&mut steps.insert, work.stage_carried(keyed)).await?;
            timed(&mut steps.delete, work.delete(keyed)).await?;
            timed(&mut steps.update, work.update(keyed)).await?;
            timed(&mut steps.insert, work.insert(keyed, carried)).await
        }
        Rows::Whole(multiset) => {
            timed(&mut steps.delete, work.delete_copies(multiset)).await?;
            timed(&mut steps.insert, work.insert_copies(multiset)).await
        }
        Rows::Append(appended) => {
            let rows = appended.rows.iter();
            let rows = rows.map(|span| Cells::new(appended.arena.get(*span)));
            let rows = encode(target, rows)?;
            timed(&mut steps.insert, work.append(rows)).await
        }
    }
}

async fn timed<T>(total: &mut Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let started = Instant::now();
    let done = work.await;
    *total += started.elapsed();
    done
}

struct Work<'w> {
    client: &'w Client,
    session: &'w mut Session,
    target: &'w Target,
}

/// Rows of a moved key that lack the same values: positions of those values, then the rows.
type CarriedGroups = BTreeMap<Vec<usize>, Vec<(Span, Span)>>;

impl Work<'_> {
    async fn append(&mut self, rows: Encoded) -> Result<()> {
        let sent = rows.rows;
        if sent == 0 {
            return Ok(());
        }
        let added = self.session.append(self.client, self.target, rows).await?;
        self.expect(added, sent, "rows to add")
    }

    /// Stages rows that moved to another key without all their values, and reads the missing
    /// ones from under the old keys. The staging table's name, when there are such rows.
    async fn stage_carried(&mut self, keyed: &Keyed) -> Result<Option<String>> {
        let groups = carried_groups(keyed);
        if groups.is_empty() {
            return Ok(None);
        }
        let (client, target) = (self.client, self.target);
        let rows = encode_carried(target, keyed, &groups)?;
        let columns: Vec<usize> = (0..target.columns.len()).collect();
        let stage = self
            .session
            .stage(client, target, &columns, Staged::Carried, rows)
            .await?;
        for (group, (missing, rows)) in (0..).zip(&groups) {
            let statement = sql::carry(&stage, target, missing);
            let found = self.session.execute_with(client, &statement, group).await?;
            self.expect(found, rows.len() as u64, "rows to move")?;
        }
        Ok(Some(stage))
    }

    async fn delete(&mut self, keyed: &Keyed) -> Result<()> {
        let gone = |entry: &&Entry| entry.existed && !matches!(entry.put, Put::Patch(_));
        let keys = keyed
            .entries()
            .iter()
            .filter(gone)
            .map(|entry| keyed.key(entry.key));
        let rows = encode(self.target, keys)?;
        let count = rows.rows;
        if count == 0 {
            return Ok(());
        }
        let (client, target) = (self.client, self.target);
        let stage = self
            .session
            .stage(client, target, target.key(), Staged::Rows, rows)
            .await?;
        let deleted = self
            .session
            .execute(client, &sql::delete(&stage, target))
            .await?;
        self.expect(deleted, count, "rows to delete")?;
        self.session.empty(client, target, Staged::Rows).await
    }

    /// One statement per set of values that came: an unchanged out-of-line value is left alone.
    async fn update(&mut self, keyed: &Keyed) -> Result<()> {
        let (client, target) = (self.client, self.target);
        for (present, spans) in patched_groups(keyed) {
            let is_key = |at: &usize| target.key().contains(at);
            let changed: Vec<usize> = present.into_iter().filter(|at| !is_key(at)).collect();
            if changed.is_empty() {
                continue;
            }
            let columns = [target.key(), &changed].concat();
            // The key of a row may be an unchanged value too; the entry always has it.
            let rows = spans.iter().map(|(key, row)| {
                let row = keyed.row(*row).enumerate();
                let changed = row.filter(|(at, _)| changed.binary_search(at).is_ok());
                keyed.key(*key).chain(changed.map(|(_, cell)| cell))
            });
            let rows = encode(target, rows)?;
            let count = rows.rows;
            let stage = self
                .session
                .stage(client, target, &columns, Staged::Rows, rows)
                .await?;
            let statement = sql::update(&stage, target, &changed);
            let updated = self.session.execute(client, &statement).await?;
            self.expect(updated, count, "rows to update")?;
            self.session.empty(client, target, Staged::Rows).await?;
        }
        Ok(())
    }

    async fn insert(&mut self, keyed: &Keyed, carried: Option<String>) -> Result<()> {
        let rows = keyed.entries().iter().filter_map(|entry| match entry.put {
            Put::Row(row) => Some(keyed.row(row)),
            _ => None,
        });
        let rows = encode(self.target, rows)?;
        self.append(rows).await?;
        if let Some(stage) = carried {
            let (client, target) = (self.client, self.target);
            self.session
                .execute(client, &sql::insert(&stage, target))
                .await?;
            self.session.empty(client, target, Staged::Carried).await?;
        }
        Ok(())
    }

    async fn delete_copies(&mut self, multiset: &Multiset) -> Result<()> {
        let (rows, wanted) = encode_copies(self.target, multiset)?;
        if wanted == 0 {
            return Ok(());
        }
        let (client, target) = (self.client, self.target);
        let columns: Vec<usize> = (0..target.columns.len()).collect();
        let stage = self
            .session
            .stage(client, target, &columns, Staged::Copies, rows)
            .await?;
        execute(client, sql::ALLOW_MERGE_JOIN).await?;
        let deleted = self
            .session
            .execute(client, &sql::delete_copies(&stage, target))
            .await?;
        self.expect(deleted, wanted, "rows to delete")?;
        self.session.empty(client, target, Staged::Copies).await
    }

    async fn insert_copies(&mut self, multiset: &Multiset) -> Result<()> {
        let rows = multiset.rows().flat_map(|(row, copies)| {
            let copies = usize::try_from(copies).unwrap_or(0);
            std::iter::repeat_n(row, copies)
        });
        let rows = encode(self.target, rows)?;
        self.append(rows).await
    }

    fn expect(&self, found: u64, staged: u64, what: &str) -> Result<()> {
        if found == staged {
            return Ok(());
        }
        let what = format!("Of {staged} {what}, the destination table took or had {found}");
        let remedy = "Somebody else wrote to the table, or a trigger skips rows. Stop that, then \
                      load the table again: `walferry resync`, and start walferry. Nothing of this \
                      batch was committed.";
        Err(Error::new(Kind::Diverged, what)
            .on(Side::Destination)
            .table(&self.target.destination)
            .remedy(remedy))
    }
}

fn format(target: &Target) -> Format {
    if target.binary {
        Format::Binary
    } else {
        Format::Text
    }
}

fn encode<'a, R>(target: &Target, rows: impl Iterator<Item = R>) -> Result<Encoded>
where
    R: Iterator<Item = Cell<'a>>,
{
    format(target).encode(rows).map_err(|FormatMismatch| {
        let what = "The source sent a value in another format than was agreed for its table";
        let remedy = "Restart walferry, so that it looks at the column types again.";
        Error::new(Kind::ShapeMismatch, what)
            .on(Side::Source)
            .table(&target.source)
            .remedy(remedy)
    })
}

/// Rows, old keys, and the number of the group.
fn encode_carried(target: &Target, keyed: &Keyed, groups: &CarriedGroups) -> Result<Encoded> {
    let mut numbers: Vec<Vec<u8>> = vec![Vec::new(); groups.len()];
    let cells: Vec<Cell<'_>> = (0..)
        .zip(&mut numbers)
        .map(|(number, buffer)| format(target).int4(number, buffer))
        .collect();
    let rows = groups.values().zip(&cells).flat_map(|(rows, number)| {
        rows.iter().map(|(row, from)| {
            keyed
                .row(*row)
                .chain(keyed.key(*from))
                .chain(std::iter::once(*number))
        })
    });
    encode(target, rows)
}

/// Rows of which copies are to be removed, with their number; and the sum of the numbers.
fn encode_copies(target: &Target, multiset: &Multiset) -> Result<(Encoded, u64)> {
    let gone: Vec<(Cells<'_>, i64)> = multiset
        .rows()
        .filter_map(|(row, copies)| (copies < 0).then_some((row, -copies)))
        .collect();
    let mut buffers: Vec<Vec<u8>> = vec![Vec::new(); gone.len()];
    let rows = gone
        .iter()
        .zip(&mut buffers)
        .map(|((row, copies), buffer)| {
            row.clone()
                .chain(std::iter::once(format(target).int8(*copies, buffer)))
        });
    let sum: i64 = gone.iter().map(|(_, copies)| copies).sum();
    Ok((encode(target, rows)?, u64::try_from(sum).unwrap_or(0)))
}

fn carried_groups(keyed: &Keyed) -> CarriedGroups {
    let mut groups = CarriedGroups::new();
    for entry in keyed.entries() {
        if let Put::Carry { row, from } = entry.put {
            let missing = positions(keyed.row(row), |cell| cell == Cell::Unchanged);
            groups.entry(missing).or_default().push((row, from));
        }
    }
    groups
}

/// Positions of the values that came → keys and rows.
fn patched_groups(keyed: &Keyed) -> BTreeMap<Vec<usize>, Vec<(Span, Span)>> {
    let mut groups: BTreeMap<Vec<usize>, Vec<(Span, Span)>> = BTreeMap::new();
    let mut present: Vec<usize> = Vec::new();
    for entry in keyed.entries() {
        if let Put::Patch(row) = entry.put {
            present.clear();
            let cells = keyed.row(row).enumerate();
            present.extend(
                cells
                    .filter(|(_, c)| *c != Cell::Unchanged)
                    .map(|(at, _)| at),
            );
            match groups.get_mut(&present) {
                Some(rows) => rows.push((entry.key, row)),
                None => {
                    groups.insert(present.clone(), vec![(entry.key, row)]);
                }
            }
        }
    }
    groups
}

fn positions(cells: Cells<'_>, wanted: impl Fn(Cell<'_>) -> bool) -> Vec<usize> {
    cells
        .enumerate()
        .filter(|(_, cell)| wanted(*cell))
        .map(|(at, _)| at)
        .collect()
}
