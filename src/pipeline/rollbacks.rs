//! Rollbacks inside of a transaction that the source does not send.
//!
//! A server that decodes changes from before the start of the stream keeps them on its disk, since
//! it may not send them yet. What it sends of a subtransaction from there, later on, it can forget
//! to have sent: then the rollback of that subtransaction is not sent either, and its changes would
//! stand. So the source is asked, at each commit of a transaction that came while it was in
//! progress and had subtransactions, whether one of those was rolled back.
//!
//! **Why this is right.** A subtransaction is marked as rolled back before its transaction can
//! commit, and the slot's `catalog_xmin` keeps the mark for as long as the transaction is not
//! acknowledged.
//!
//! **What can go wrong.** One was rolled back, or the question finds no answer: nothing of the
//! transaction has been applied, the round ends, and the next one has the source keep transactions
//! until they commit ([`Kind::Spool`]).

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{CATALOG_ANSWER_MAX, XACT_STATUS_BATCH, XACT_STATUS_PAUSE};
use crate::sql::ask;
use crate::sql::watch as sql;
use crate::transport::{self, Endpoint};

/// The question about one transaction, under way.
pub(super) struct Question(AbortOnDropHandle<Result<()>>);

impl Question {
    /// Asks about these subtransactions of a committed transaction.
    pub(super) fn ask(source: &Arc<Endpoint>, subxids: Vec<u32>) -> Self {
        let source = Arc::clone(source);
        Question(AbortOnDropHandle::new(tokio::spawn(async move {
            let rolled_back = rolled_back(&source, &subxids);
            match tokio::time::timeout(CATALOG_ANSWER_MAX, rolled_back).await {
                Ok(0) => Ok(()),
                Ok(_) => Err(left_to_the_source(
                    "The source did not send that a part of a transaction in progress was rolled \
                     back",
                )),
                Err(_) => Err(unanswered()),
            }
        })))
    }

    /// Waits for the answer; an error if one was rolled back, or when nobody knows.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn answer(&mut self) -> Result<()> {
        (&mut self.0).await.unwrap_or_else(|_| Err(unanswered()))
    }
}

/// How many of them were rolled back. What keeps the question from being asked need not keep the
/// stream from going on, so it is tried until time is up.
async fn rolled_back(source: &Endpoint, subxids: &[u32]) -> i64 {
    loop {
        match count(source, subxids).await {
            Ok(count) => return count,
            Err(error) => tracing::warn!(
                error = %error,
                "cannot ask the source which subtransactions were rolled back, trying again"
            ),
        }
        tokio::time::sleep(XACT_STATUS_PAUSE).await;
    }
}

async fn count(source: &Endpoint, subxids: &[u32]) -> Result<i64> {
    let client = transport::connect(source, "subtransactions").await?;
    let mut rolled_back = 0;
    for subxids in subxids.chunks(XACT_STATUS_BATCH) {
        let subxids: Vec<i64> = subxids.iter().map(|xid| i64::from(*xid)).collect();
        let row = ask::query_one(&client, sql::ROLLED_BACK, &[&subxids]).await;
        let row =
            row.map_err(|error| from_client(Side::Source, "ask about subtransactions", &error))?;
        rolled_back += row.get::<_, i64>(0);
    }
    Ok(rolled_back)
}

fn unanswered() -> Error {
    left_to_the_source("The source did not say in time which subtransactions were rolled back")
}

fn left_to_the_source(what: &str) -> Error {
    Error::new(Kind::Spool, what).on(Side::Source).remedy(
        "Nothing has to be done: nothing of that transaction was applied, and for a while the \
         source keeps large transactions on its own disk until they commit.",
    )
}
