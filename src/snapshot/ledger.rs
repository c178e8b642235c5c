//! Which ranges of large tables the destination has.
//!
//! **Why this is right.** The transaction that loads a range also notes it, so that the ledger says
//! of each range whether its rows are there, whatever became of a connection or a server. A range
//! whose COMMIT got no answer is simply read again: either its note comes first, and then its
//! rows are there and the second copy is rolled back, or it never comes. While it is still about
//! to come, the server has the second one wait for it, since both have one key. And a table counts
//! as filled only when the ledger, as the destination has it *then*, holds all of its ranges:
//! should that have failed over to a standby that lacked some, or be another server by now, the
//! table is left for a later load instead of being recorded with a hole.

use tokio_postgres::Client;

use super::job::{Large, Piece};
use super::worker::Failed;
use crate::catalog::TableName;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::sql::ask;
use crate::sql::{self, load as statements};

/// SQLSTATE `unique_violation`.
const NOTED: &str = "23505";

/// SQLSTATE `undefined_table`.
const UNDEFINED_TABLE: &str = "42P01";

/// A table of the state schema.
#[derive(Debug)]
pub(super) struct Ledger {
    name: TableName,
}

impl Ledger {
    /// Of the load whose hidden tables are named like this. Theirs end with a number.
    pub(super) fn new(state_schema: &str, prefix: &str) -> Self {
        let name = TableName::new(state_schema, format!("{prefix}ranges"));
        Ledger { name }
    }

    /// Makes it.
    pub(super) async fn create(&self, client: &Client) -> Result<()> {
        let create = statements::create_ledger(&self.name);
        let made = client.batch_execute(&create).await;
        made.map_err(|error| self.failed(&error))
    }

    /// Commits the transaction that holds the rows of a range. It may be tried again whatever
    /// comes of it; should the range be there already, this copy of it is given up.
    pub(super) async fn commit(
        &self,
        client: &Client,
        large: &Large,
        piece: &Piece,
    ) -> Result<(), Failed> {
        let plan = &large.plan;
        let commit = statements::commit_range(&self.name, plan.table.oid, piece.nth);
        match plan.run(client, "commit a range", &commit).await {
            Err(error) if error.sqlstate() == Some(NOTED) => {
                let doing = "give a second copy of a range up";
                plan.run(client, doing, sql::apply::ROLLBACK).await?;
                Ok(())
            }
            done => Ok(done?),
        }
    }

    /// The destination has all ranges of a table.
    pub(super) async fn is_complete(&self, client: &Client, large: &Large) -> Result<bool> {
        let count = statements::count_ranges(&self.name);
        let counted = ask::query_one(client, &count, &[&large.plan.table.oid]).await;
        let counted: i64 = counted.map_err(|error| self.failed(&error))?.get(0);
        Ok(usize::try_from(counted) == Ok(large.pieces))
    }

    fn failed(&self, error: &tokio_postgres::Error) -> Error {
        from_client(Side::Destination, "use the ledger of a load", error).table(&self.name)
    }
}

/// A hidden table that is gone is no fault of a statement: somebody has dropped it, or the server
/// is another by now. The load ends, and the next start looks at what there is.
pub(super) fn or_gone(error: Error) -> Error {
    let of_ours = error.side() == Some(Side::Destination);
    if of_ours && error.sqlstate() == Some(UNDEFINED_TABLE) {
        return error.as_kind(Kind::Unknown);
    }
    error
}

/// The destination has fewer ranges than it had acknowledged.
pub(super) fn lost(large: &Large) -> Error {
    let what = "The destination no longer has all that it had acknowledged of a table: it may have \
                failed over to a standby that lacked some";
    Error::new(Kind::ConnectionLost, what)
        .on(Side::Destination)
        .table(&large.plan.table.name)
}
