//! The transaction in which loaded tables take their places; see `snapshot/adopt.rs`.

use std::iter::once;
use std::time::{Duration, Instant};

use super::flight::{Failure, Sent, Wanted};
use super::steps::Step;
use super::{Applier, plain};
use crate::checkpoint::Record;
use crate::error::{Kind, Result};
use crate::limits::INDEX_NAMES_MAX;
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
        // one after the other: a server that does not notice the end of its client does not go on
        for (nth, statements) in adoption.fill().enumerate() {
            self.send_all(nth, &statements);
            self.land(adoption).await?;
        }
        Ok(())
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
                self.undo().await?;
                tracing::info!(
                    table = error.about_table().unwrap_or_default(),
                    "somebody holds the lock of the old copy: it is tried again later"
                );
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let named = self.name_indexes(adoption).await?;
        self.commit(lsn).await?;
        self.replacing = false;
        adoption.taken(lsn);
        if !named {
            self.name_each_index(adoption).await;
        }
        Ok(true)
    }

    async fn place(&mut self, adoption: &Adoption, lsn: Lsn, patience: Duration) -> Result<()> {
        self.session.once(load::SAVEPOINT);
        let limit = reshape::limit_lock_wait(patience.as_millis());
        self.session.once(&limit);
        for (nth, statements) in adoption.take().enumerate() {
            self.send_all(nth, &statements);
            self.land_if_full(adoption).await?;
        }
        for (nth, records) in adoption.records(lsn)?.into_iter().enumerate() {
            let mut wanted = Wanted::Ours;
            for record in records {
                self.send_record(&record, Some(nth), wanted);
                wanted = Wanted::Done;
            }
            self.land_if_full(adoption).await?;
        }
        self.send_record(&adoption.forget()?, None, Wanted::Done);
        // so that what comes next can undo nothing of it
        self.session.once(load::RELEASE_SAVEPOINT);
        self.land(adoption).await
    }

    /// False when one of them cannot have its name: then none has, which the places do not wait
    /// for.
    async fn name_indexes(&mut self, adoption: &Adoption) -> Result<bool> {
        if adoption.renames().is_empty() {
            return Ok(true);
        }
        match self.send_renames(adoption).await {
            Ok(()) => Ok(true),
            Err(error) if error.sqlstate().is_some() => {
                tracing::debug!(%error, "indexes are named one by one");
                self.undo().await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn send_renames(&mut self, adoption: &Adoption) -> Result<()> {
        self.session.once(load::SAVEPOINT);
        for rename in adoption.renames() {
            self.session.once(rename);
            self.land_if_full(adoption).await?;
        }
        self.land(adoption).await
    }

    /// After the commit, and not for long: the stream waits. The tables are in their places
    /// whatever comes of it.
    async fn name_each_index(&mut self, adoption: &Adoption) {
        let began = Instant::now();
        let renames = adoption.renames().iter().map(String::as_str);
        let limited = once(load::WAIT_BRIEFLY_FOR_LOCKS).chain(renames);
        for statement in limited.take_while(|_| began.elapsed() < INDEX_NAMES_MAX) {
            self.session.once(statement);
            if let Err(error) = self.land(adoption).await {
                tracing::debug!(%error, "an index keeps its name");
            }
        }
        self.session.once(load::WAIT_FOR_LOCKS);
        if let Err(error) = self.land(adoption).await {
            tracing::debug!(%error, "the session is lost after tables have taken their places");
        }
    }

    /// Goes back to the last savepoint, and on in the transaction.
    async fn undo(&mut self) -> Result<()> {
        self.session.once(load::ROLLBACK_TO_SAVEPOINT);
        self.session.once(load::RELEASE_SAVEPOINT);
        let undone = self.session.land().await;
        undone.map_err(|failure| failure.error)?;
        // some may not have been prepared after the statement that failed
        self.session.forget_statements();
        Ok(())
    }

    fn send_record(&mut self, record: &Record, table: Option<usize>, wanted: Wanted) {
        let sent = Sent {
            table,
            ..plain(Step::Other, wanted)
        };
        self.session
            .execute(&record.statement, record.values(), sent);
    }

    fn send_all(&mut self, nth: usize, statements: &[String]) {
        for statement in statements {
            self.session.once_for(Some(nth), statement);
        }
    }

    async fn land_if_full(&mut self, adoption: &Adoption) -> Result<()> {
        if self.session.is_full() {
            self.land(adoption).await?;
        }
        Ok(())
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
