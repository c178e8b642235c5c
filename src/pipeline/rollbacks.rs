//! Rollbacks inside of a transaction that the source does not send.
//!
//! A server that decodes changes from before the start of the stream keeps them on its disk, since it
//! may not send them yet. What it sends of a subtransaction from there, later on, it can forget to
//! have sent: then the rollback of that subtransaction is not sent either, and its changes would
//! stand. So the source is asked, at each commit of a transaction that came while it
//! was in progress and had subtransactions, whether all of those were committed.
//!
//! **Why this is right.** A subtransaction is marked as rolled back before its transaction can
//! commit, and the slot's `catalog_xmin` keeps the mark for as long as the transaction is not
//! acknowledged.
//!
//! **What can go wrong.** One was rolled back: nothing of the transaction has been applied, the round
//! ends, and the next one has the source keep transactions until they commit ([`Kind::Spool`]).

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{CATALOG_ANSWER_MAX, XACT_STATUS_BATCH};
use crate::sql::watch as sql;
use crate::transport::{self, Endpoint};

/// The question about one transaction, under way.
pub(super) struct Question(AbortOnDropHandle<Result<()>>);

impl Question {
    /// Asks about these subtransactions of a committed transaction.
    pub(super) fn ask(source: &Arc<Endpoint>, subxids: Vec<u32>) -> Self {
        let source = Arc::clone(source);
        Question(AbortOnDropHandle::new(tokio::spawn(async move {
            let asked = tokio::time::timeout(CATALOG_ANSWER_MAX, all_committed(&source, &subxids));
            asked.await.unwrap_or_else(|_| {
                let what = "The source did not tell in time which subtransactions were rolled back";
                Err(Error::new(Kind::ConnectionLost, what).on(Side::Source))
            })
        })))
    }

    /// Waits for the answer; an error unless all were committed.
    ///
    /// # Cancel-Safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn answer(&mut self) -> Result<()> {
        let answer = (&mut self.0).await;
        answer.unwrap_or_else(|_| {
            let what = "The question about subtransactions ended early";
            Err(Error::new(Kind::ConnectionLost, what).on(Side::Source))
        })
    }
}

async fn all_committed(source: &Endpoint, subxids: &[u32]) -> Result<()> {
    let client = transport::connect(source, "subtransactions").await?;
    for subxids in subxids.chunks(XACT_STATUS_BATCH) {
        let subxids: Vec<i64> = subxids.iter().map(|xid| i64::from(*xid)).collect();
        let row = client.query_one(sql::ROLLED_BACK, &[&subxids]).await;
        let row =
            row.map_err(|error| from_client(Side::Source, "ask about subtransactions", &error))?;
        let rolled_back: i64 = row.get(0);
        if rolled_back > 0 {
            return Err(untold());
        }
    }
    Ok(())
}

fn untold() -> Error {
    let what = "The source did not send that a part of a transaction in progress was rolled back";
    Error::new(Kind::Spool, what).on(Side::Source).remedy(
        "Nothing has to be done: nothing of that transaction was applied, and for a while the \
         source keeps large transactions on its own disk until they commit.",
    )
}
