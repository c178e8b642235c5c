//! From a change to the batch: whether it is wanted, and what it means when it cannot be.

use std::sync::Arc;

use super::routes::Routes;
use crate::batch::{Batch, FoldError, Target};
use crate::decode::{DecodeError, Message, Tuple};
use crate::error::{Error, Kind, Result, Side};
use crate::lsn::Lsn;
use crate::protect::Treatment;

/// Adds a change to the batch, unless its table already had it when it was loaded.
pub(super) fn fold(
    batch: &mut Batch,
    routes: &Routes,
    transaction: Option<Lsn>,
    change: &Message<'_>,
) -> Result<()> {
    let at = match (transaction, change) {
        (Some(at), _) => at,
        (None, Message::Logical { .. } | Message::Origin | Message::Type) => return Ok(()),
        (None, _) => {
            let what = "The source sent a change outside of a transaction";
            return Err(Error::new(Kind::Protocol, what).on(Side::Source));
        }
    };
    // A transaction is in a snapshot exactly if its commit record lies before the snapshot's LSN.
    let wanted = |oid: u32| -> Result<Option<&Arc<Target>>> {
        let target = routes.target(oid).map_err(|error| error.at(at))?;
        Ok(target.filter(|target| at >= target.snapshot_lsn))
    };
    let (oid, folded) = match change {
        Message::Insert { relation, new } => (
            *relation,
            wanted(*relation)?.map(|target| {
                let mut kept = Kept::default();
                batch.insert(target, kept.of(target, *new))
            }),
        ),
        Message::Update { relation, old, new } => (
            *relation,
            wanted(*relation)?.map(|target| {
                let (mut kept_old, mut kept_new) = (Kept::default(), Kept::default());
                let old = old.map(|old| kept_old.of(target, old));
                batch.update(target, old, kept_new.of(target, *new))
            }),
        ),
        Message::Delete { relation, old } => (
            *relation,
            wanted(*relation)?.map(|target| {
                let mut kept = Kept::default();
                batch.delete(target, kept.of(target, *old))
            }),
        ),
        Message::Truncate {
            relations,
            restart_identity,
        } => {
            for oid in relations {
                if let Some(target) = wanted(*oid)? {
                    batch.truncate(target, *restart_identity);
                }
            }
            return Ok(());
        }
        _ => return Ok(()),
    };
    match folded {
        Some(Err(error)) => Err(contradiction(&error, routes, oid, at)),
        Some(Ok(())) | None => Ok(()),
    }
}

/// A row as its target is to have it; no copy is made where that is the row as it came.
#[derive(Default)]
struct Kept(Vec<u8>);

impl Kept {
    fn of<'k>(&'k mut self, target: &Target, row: Tuple<'k>) -> Tuple<'k> {
        if target.treatments.is_empty() {
            return row;
        }
        row.rewritten(&mut self.0, |at, cell, out| {
            // a row of another width stays of another width, and is refused
            let treatment = target.treatments.get(at);
            treatment.unwrap_or(&Treatment::Copy).write(cell, out)
        })
    }
}

fn contradiction(error: &FoldError, routes: &Routes, oid: u32, at: Lsn) -> Error {
    let error = if *error == FoldError::Incomplete {
        Error::new(Kind::ShapeMismatch, error.to_string()).remedy(
            "An UPDATE moved a row into the publication's row filter, and the source does not log \
             unchanged large values with it. Run ALTER TABLE … REPLICA IDENTITY FULL on the \
             source, then load the table again: `walferry resync`, and start walferry.",
        )
    } else {
        let what = format!("The source's changes contradict each other: {error}");
        Error::new(Kind::Protocol, what)
    };
    let error = error.on(Side::Source).at(at);
    match routes.target(oid) {
        Ok(Some(target)) => error.table(&target.source),
        _ => error,
    }
}

pub(super) fn unreadable(error: &DecodeError) -> Error {
    let what = format!("The source sent a message that cannot be read: {error}");
    Error::new(Kind::Protocol, what).on(Side::Source)
}
