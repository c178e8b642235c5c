//! The transaction in which loaded tables take their places; see `snapshot/adopt.rs`.

use std::time::Duration;

use super::flight::{Failure, Sent, Wanted};
use super::steps::Step;
use super::{Applier, plain};
use crate::checkpoint::Record;
use crate::error::{Kind, Result};
use crate::lsn::Lsn;
use crate::snapshot::Adoption;
use crate::sql::{apply as sql, load, reshape};

impl Applier {
    /// Opens it and fills the places that stay. All batches from then on go into it, too, and none
    /// is committed before [`Applier::take_places`].
    pub async fn fill_places(&mut self, adoption: &Adoption) -> Result<()> {
        self.begin();
        self.replacing = true;
        self.session.once(sql::TAKE_TIME);
        self.send_each(adoption.fill());
        self.land(adoption).await
    }

    /// Brings the tables to their places, records them as complete up to `lsn`, and commits. False
    /// when a reader holds the lock of an old copy longer than `patience`: then nothing of it is
    /// done, and the transaction goes on.
    pub async fn take_places(
        &mut self,
        adoption: &Adoption,
        lsn: Lsn,
        patience: Duration,
    ) -> Result<bool> {
        match self.place(adoption, lsn, patience).await {
            Ok(()) => {}
            Err(error) if error.kind() == Kind::Contention => {
                self.session.once(load::ROLLBACK_TO_SAVEPOINT);
                self.session.once(load::RELEASE_SAVEPOINT);
                self.land(adoption).await?;
                // some may not have been prepared after the one that failed
                self.session.forget_statements();
                tracing::info!(
                    table = error.about_table().unwrap_or_default(),
                    "somebody holds the lock of the old copy: it is tried again later"
                );
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        self.commit(lsn).await?;
        self.replacing = false;
        adoption.taken(lsn);
        Ok(true)
    }

    async fn place(&mut self, adoption: &Adoption, lsn: Lsn, patience: Duration) -> Result<()> {
        self.session.once(load::SAVEPOINT);
        let limit = reshape::limit_lock_wait(patience.as_millis());
        self.session.once(&limit);
        self.send_each(adoption.take());
        for (nth, records) in adoption.records(lsn)?.into_iter().enumerate() {
            let mut wanted = Wanted::Ours;
            for record in records {
                self.send_record(&record, Some(nth), wanted);
                wanted = Wanted::Done;
            }
        }
        self.send_record(&adoption.forget()?, None, Wanted::Done);
        self.land(adoption).await
    }

    fn send_record(&mut self, record: &Record, table: Option<usize>, wanted: Wanted) {
        let sent = Sent {
            table,
            ..plain(Step::Other, wanted)
        };
        self.session
            .execute(&record.statement, record.values(), sent);
    }

    fn send_each(&mut self, tables: impl Iterator<Item = Vec<String>>) {
        for (nth, statements) in tables.enumerate() {
            for statement in statements {
                self.session.once_for(Some(nth), &statement);
            }
        }
    }

    async fn land(&mut self, adoption: &Adoption) -> Result<()> {
        let landed = self.session.land().await;
        landed
            .map(|_| ())
            .map_err(|Failure { error, table }| match table {
                Some(nth) => adoption.explain(error, nth),
                None => error,
            })
    }
}
