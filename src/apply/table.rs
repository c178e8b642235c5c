//! The statements for one table of a batch.
//!
//! Rows go through a staging table, in the order of their keys, so that neighbours in the index are
//! visited one after the other. New rows need none: they are copied straight into the table; nor do
//! keys of rows to delete that can be sent as arrays. A handful of rows goes as statements with
//! their values, one for each: setting up a COPY, joining with a staging table and emptying it
//! would cost more.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use super::dense::Dense;
use super::encode::Format;
use super::flight::{Failure, Sent, Session, Wanted, mixed};
use super::packed::Packed;
use super::stages::Stages;
use super::steps::Step;
use crate::batch::{Entry, Keyed, Multiset, Put, Rows, Span, TableBatch, Target};
use crate::decode::{Cell, Cells};
use crate::limits::SINGLE_ROWS_MAX;
use crate::sql::apply::{self as sql, Staged};

/// Where the statements of one table go.
pub(super) struct Work<'w> {
    pub(super) session: &'w mut Session,
    pub(super) stages: &'w mut Stages,
    pub(super) target: &'w Target,
    /// The table's place in the batch.
    pub(super) at: usize,
}

type Done<T = ()> = Result<T, Failure>;

/// Rows that take the values they lack from under their old keys.
struct Carried {
    stage: String,
    rows: u64,
    bytes: u64,
}

/// Rows of a moved key that lack the same values: positions of those values, then the rows.
type CarriedGroups = BTreeMap<Vec<usize>, Vec<(Span, Span)>>;

impl Work<'_> {
    /// Sends what became of the table, into the open transaction.
    pub(super) fn send<'s>(&'s mut self, table: &'s TableBatch) -> BoxFuture<'s, Done> {
        // Boxed here, where all lifetimes have names: further out the compiler cannot prove that a
        // future with so many closures in it may move between threads.
        Box::pin(self.send_rows(&table.rows))
    }

    async fn send_rows(&mut self, rows: &Rows) -> Done {
        match rows {
            Rows::Keyed(keyed) => {
                let entries = keyed.in_key_order();
                let carried = self.stage_carried(keyed).await?;
                self.delete(keyed, &entries).await?;
                self.update(keyed, &entries).await?;
                self.insert(keyed, &entries).await?;
                self.insert_carried(carried);
            }
            Rows::Whole(multiset) => {
                self.delete_copies(multiset).await?;
                self.insert_copies(multiset).await?;
            }
            Rows::Append(appended) => {
                let rows = appended.rows.iter();
                let rows = rows.map(|span| Cells::new(appended.arena.get(*span)));
                self.append(appended.rows.len(), rows).await?;
            }
        }
        self.session.relieve().await
    }

    fn sent(&self, step: Step, wanted: Wanted) -> Sent {
        Sent {
            step,
            table: Some(self.at),
            wanted,
        }
    }

    fn set(&mut self, setting: &str, step: Step) {
        let sent = self.sent(step, Wanted::Done);
        self.session.execute(setting, std::iter::empty(), sent);
    }

    /// Joins the table with a staging table.
    fn join(&mut self, statement: &str, step: Step, wanted: Wanted) {
        let sent = self.sent(step, wanted);
        let oid = self.target.oid;
        self.session.join(oid, statement, std::iter::empty(), sent);
    }

    /// `count` rows, sent one by one when they are few.
    async fn append<'r, R>(&mut self, count: usize, rows: impl Iterator<Item = R>) -> Done
    where
        R: Iterator<Item = Cell<'r>> + Clone,
    {
        let target = self.target;
        if count == 0 {
            return Ok(());
        }
        if count <= SINGLE_ROWS_MAX {
            let statement = sql::insert_row(target);
            let sent = self.sent(Step::Insert, Wanted::Rows(1, "rows to add"));
            for row in rows {
                self.session.execute(&statement, row, sent);
            }
            self.session.add(target.oid, count as u64);
            return Ok(());
        }
        let copy = sql::copy_into_target(target, target.binary);
        let sent = self.sent(Step::Insert, Wanted::Rows(0, "rows to add"));
        let copied = self.session.copy(&copy, format(target), rows, sent);
        let (rows, _) = copied.await?;
        self.session.add(target.oid, rows);
        Ok(())
    }

    /// Stages rows; returns the staging table's name, how many rows there are and their bytes.
    async fn stage<'r, R>(
        &mut self,
        columns: &[usize],
        staged: Staged,
        step: Step,
        rows: impl Iterator<Item = R>,
    ) -> Done<(String, u64, u64)>
    where
        R: Iterator<Item = Cell<'r>>,
    {
        let target = self.target;
        let stage = self.stages.name(self.session, target, staged);
        let copy = sql::copy_into_stage(&stage, target, columns, staged, target.binary);
        let sent = self.sent(step, Wanted::Done);
        let copied = if target.wide {
            let rows = rows.map(|row| Packed::new(target, columns, row));
            let packed = rows.collect::<Result<Vec<_>, _>>();
            let packed = packed.map_err(|error| mixed(error, sent.table))?;
            let rows = packed.iter().map(|row| row.cells(target));
            self.session.copy(&copy, format(target), rows, sent).await?
        } else {
            self.session.copy(&copy, format(target), rows, sent).await?
        };
        Ok((stage, copied.0, copied.1))
    }

    fn empty(&mut self, staged: Staged, step: Step, bytes: u64) {
        let target = self.target;
        self.stages.empty(self.session, target, staged, step, bytes);
    }

    /// Stages rows that moved to another key without all their values, and reads the missing
    /// ones from under the old keys. `None` when there are no such rows.
    async fn stage_carried(&mut self, keyed: &Keyed) -> Done<Option<Carried>> {
        let groups = carried_groups(keyed);
        if groups.is_empty() {
            return Ok(None);
        }
        let target = self.target;
        let numbers: Vec<[u8; 4]> = (0..groups.len())
            .map(|number| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes())
            .collect();
        let texts: Vec<String> = (0..groups.len()).map(|n| n.to_string()).collect();
        let number = |at: usize| match format(target) {
            Format::Text => Cell::Text(texts[at].as_bytes()),
            Format::Binary => Cell::Binary(&numbers[at]),
        };
        let mut spans: Vec<(usize, Span, Span)> = Vec::new();
        for (at, rows) in groups.values().enumerate() {
            spans.extend(rows.iter().map(|(row, from)| (at, *row, *from)));
        }
        let rows = spans.into_iter().map(|(at, row, from)| {
            let row = keyed.row(row).chain(keyed.key(from));
            row.chain(std::iter::once(number(at)))
        });
        let columns: Vec<usize> = (0..target.columns.len()).collect();
        let staged = self.stage(&columns, Staged::Carried, Step::Insert, rows);
        let (stage, count, bytes) = staged.await?;
        for (at, (missing, rows)) in groups.iter().enumerate() {
            let statement = sql::carry(&stage, target, missing);
            let group = std::iter::once(Cell::Binary(&numbers[at]));
            let wanted = Wanted::Rows(rows.len() as u64, "rows to move");
            let sent = self.sent(Step::Insert, wanted);
            self.session.join(target.oid, &statement, group, sent);
            self.session.add(target.oid, rows.len() as u64);
        }
        Ok(Some(Carried {
            stage,
            rows: count,
            bytes,
        }))
    }

    fn insert_carried(&mut self, carried: Option<Carried>) {
        if let Some(Carried { stage, rows, bytes }) = carried {
            let statement = sql::insert(&stage, self.target);
            let sent = self.sent(Step::Insert, Wanted::Rows(rows, "rows to add"));
            let nothing = std::iter::empty();
            self.session.execute(&statement, nothing, sent);
            self.empty(Staged::Carried, Step::Insert, bytes);
        }
    }

    async fn delete(&mut self, keyed: &Keyed, entries: &[&Entry]) -> Done {
        const WHAT: &str = "rows to delete";
        let target = self.target;
        let gone = entries.iter().filter(|entry| entry.is_gone());
        let keys = gone.map(|entry| keyed.key(entry.key));
        if self.goes_singly(keys.clone()) {
            let statement = sql::delete_row(target);
            let sent = self.sent(Step::Delete, Wanted::Rows(1, WHAT));
            for key in keys {
                self.session.execute(&statement, key, sent);
            }
            return Ok(());
        }
        if let Some(dense) = Dense::of(target, keys.clone())
            && dense.without_gaps
        {
            let statement = sql::delete_range(target);
            let sent = self.sent(Step::Delete, Wanted::Rows(keys.count() as u64, WHAT));
            self.session.execute(&statement, dense.bounds(), sent);
            return Ok(());
        }
        if let Some((statement, types)) = sql::delete_listed(target) {
            let sent = self.sent(Step::Delete, Wanted::Rows(0, WHAT));
            let listed = self.session.execute_lists(&statement, &types, keys, sent);
            return listed.await;
        }
        let staged = self.stage(target.key(), Staged::Rows, Step::Delete, keys);
        let (stage, count, bytes) = staged.await?;
        let statement = sql::delete(&stage, target);
        self.join(&statement, Step::Delete, Wanted::Rows(count, WHAT));
        self.empty(Staged::Rows, Step::Delete, bytes);
        Ok(())
    }

    /// One statement per set of values that came: an unchanged out-of-line value is left alone.
    async fn update(&mut self, keyed: &Keyed, entries: &[&Entry]) -> Done {
        const WHAT: &str = "rows to update";
        let target = self.target;
        for (present, spans) in patched_groups(target, keyed, entries) {
            let is_key = |at: &usize| target.key().contains(at);
            let changed: Vec<usize> = present.into_iter().filter(|at| !is_key(at)).collect();
            if changed.is_empty() {
                continue;
            }
            // The key of a row may be an unchanged value too; the entry always has it.
            let changed_cells = |row: Span| {
                let changed = &changed;
                let row = keyed.row(row).enumerate();
                let row = row.filter(|(at, _)| changed.binary_search(at).is_ok());
                row.map(|(_, cell)| cell)
            };
            let rows = spans.iter();
            let rows = rows.map(|(key, row)| keyed.key(*key).chain(changed_cells(*row)));
            if self.goes_singly(rows.clone()) {
                let statement = sql::update_row(target, &changed);
                let sent = self.sent(Step::Update, Wanted::Rows(1, WHAT));
                for row in rows {
                    self.session.execute(&statement, row, sent);
                }
                continue;
            }
            let columns = [target.key(), &changed].concat();
            let keys = spans.iter().map(|(key, _)| keyed.key(*key));
            let dense = Dense::of(target, keys);
            let as_a_whole = columns.len() == target.columns.len();
            if let Some(dense) = dense
                && as_a_whole
                && dense.is_replaced_in(target)
            {
                self.delete_replaced(dense, Wanted::Rows(dense.count, WHAT));
                let rows = spans.iter().map(|(_, row)| keyed.row(*row));
                self.append(spans.len(), rows).await?;
                continue;
            }
            let staged = self.stage(&columns, Staged::Rows, Step::Update, rows);
            let (stage, count, bytes) = staged.await?;
            let wanted = Wanted::Rows(count, WHAT);
            match dense {
                // rows that are one value each have to be unpacked one by one
                Some(dense) if !target.wide => {
                    let statement = sql::update_range(&stage, target, &changed);
                    self.merge(&statement, dense, Step::Update, wanted);
                }
                _ => {
                    let statement = sql::update(&stage, target, &changed);
                    self.join(&statement, Step::Update, wanted);
                }
            }
            self.empty(Staged::Rows, Step::Update, bytes);
        }
        Ok(())
    }

    /// Removes rows that are put there again with their new values: they would leave their pages
    /// anyhow, and neither a staging table nor a join is needed.
    fn delete_replaced(&mut self, dense: Dense<'_>, wanted: Wanted) {
        let (target, nothing) = (self.target, std::iter::empty());
        let sent = |wanted| self.sent(Step::Update, wanted);
        let (locked, known, deleted) = (sent(Wanted::Done), sent(Wanted::AsKnown), sent(wanted));
        let (lock, ask) = (sql::lock_table(target), sql::is_told_apart(target));
        self.session.execute(&lock, nothing.clone(), locked);
        self.session.execute(&ask, nothing, known);
        let delete = sql::delete_replaced(target);
        self.session.execute(&delete, dense.bounds(), deleted);
    }

    fn merge(&mut self, statement: &str, dense: Dense<'_>, step: Step, wanted: Wanted) {
        for setting in sql::MERGE_ONLY {
            self.set(setting, step);
        }
        let sent = self.sent(step, wanted);
        self.session.execute(statement, dense.bounds(), sent);
        for setting in sql::NOT_MERGE_ONLY {
            self.set(setting, step);
        }
    }

    /// They are few, or none, and their keys can be told apart by parameters.
    fn goes_singly(&self, rows: impl Iterator) -> bool {
        let mut columns = self.target.key().iter();
        let plain = columns.all(|at| self.target.columns[*at].plain.is_some());
        let few = rows.take(SINGLE_ROWS_MAX + 1).count();
        few == 0 || plain && few <= SINGLE_ROWS_MAX
    }

    async fn insert(&mut self, keyed: &Keyed, entries: &[&Entry]) -> Done {
        let rows = entries.iter().filter_map(|entry| match entry.put {
            Put::Row(row) => Some(keyed.row(row)),
            _ => None,
        });
        let few = rows.clone().take(SINGLE_ROWS_MAX + 1).count();
        self.append(few, rows).await
    }

    async fn delete_copies(&mut self, multiset: &Multiset) -> Done {
        let target = self.target;
        let gone: Vec<(Cells<'_>, i64)> = multiset
            .rows()
            .filter_map(|(row, copies)| (copies < 0).then_some((row, -copies)))
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        let numbers: Vec<Vec<u8>> = gone
            .iter()
            .map(|(_, copies)| match format(target) {
                Format::Text => copies.to_string().into_bytes(),
                Format::Binary => copies.to_be_bytes().to_vec(),
            })
            .collect();
        let rows = gone.iter().zip(&numbers).map(|((row, _), number)| {
            let number = match format(target) {
                Format::Text => Cell::Text(number),
                Format::Binary => Cell::Binary(number),
            };
            row.clone().chain(std::iter::once(number))
        });
        let columns: Vec<usize> = (0..target.columns.len()).collect();
        let staged = self.stage(&columns, Staged::Copies, Step::Delete, rows);
        let (stage, _, bytes) = staged.await?;
        self.set(sql::ALLOW_MERGE_JOIN, Step::Delete);
        let sum: i64 = gone.iter().map(|(_, copies)| copies).sum();
        let wanted = Wanted::Rows(u64::try_from(sum).unwrap_or(0), "rows to delete");
        let statement = sql::delete_copies(&stage, target);
        self.join(&statement, Step::Delete, wanted);
        self.set(sql::FORBID_MERGE_JOIN, Step::Delete);
        self.empty(Staged::Copies, Step::Delete, bytes);
        Ok(())
    }

    async fn insert_copies(&mut self, multiset: &Multiset) -> Done {
        let rows = multiset.rows().flat_map(|(row, copies)| {
            let copies = usize::try_from(copies).unwrap_or(0);
            std::iter::repeat_n(row, copies)
        });
        let added = multiset
            .rows()
            .map(|(_, copies)| copies.max(0))
            .sum::<i64>();
        self.append(usize::try_from(added).unwrap_or(usize::MAX), rows)
            .await
    }
}

pub(super) fn format(target: &Target) -> Format {
    if target.binary {
        Format::Binary
    } else {
        Format::Text
    }
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
fn patched_groups(
    target: &Target,
    keyed: &Keyed,
    entries: &[&Entry],
) -> BTreeMap<Vec<usize>, Vec<(Span, Span)>> {
    let patched = entries.iter().filter_map(|entry| match entry.put {
        Put::Patch(row) => Some((entry.key, row)),
        _ => None,
    });
    if keyed.is_whole() {
        let all: Vec<usize> = (0..target.columns.len()).collect();
        return BTreeMap::from([(all, patched.collect())]);
    }
    let mut groups: BTreeMap<Vec<usize>, Vec<(Span, Span)>> = BTreeMap::new();
    let mut present: Vec<usize> = Vec::new();
    for (key, row) in patched {
        present.clear();
        let cells = keyed.row(row).enumerate();
        let came = cells.filter(|(_, cell)| *cell != Cell::Unchanged);
        present.extend(came.map(|(at, _)| at));
        match groups.get_mut(&present) {
            Some(rows) => rows.push((key, row)),
            None => {
                groups.insert(present.clone(), vec![(key, row)]);
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
