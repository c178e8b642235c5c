//! The transaction in which loaded tables take their places; see `snapshot/adopt.rs`.

use std::time::Duration;

use super::flight::{Failure, Wanted};
use super::steps::Step;
use super::{Applier, plain};
use crate::checkpoint::Record;
use crate::error::{Error, Kind, Result};
use crate::lsn::Lsn;
use crate::snapshot::{Adoption, Statement};
use crate::sql::{apply as sql, load, reshape};

/// SQLSTATE `dependent_objects_still_exist`.
const DEPENDENT_OBJECTS: &str = "2BP01";

impl Applier {
    /// Opens it and fills the places that stay. All batches from then on go into it, too, and none
    /// is committed before [`Applier::take_places`].
    pub async fn fill_places(&mut self, adoption: &Adoption) -> Result<()> {
        self.begin();
        self.replacing = true;
        self.run_all(&[sql::TAKE_TIME.to_owned()]).await?;
        for statement in adoption.fill() {
            self.run_one(&statement).await?;
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
                let undo = [load::ROLLBACK_TO_SAVEPOINT, load::RELEASE_SAVEPOINT];
                self.run_all(&undo.map(str::to_owned)).await?;
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
        adoption.taken(self.writer.client(), lsn).await;
        Ok(true)
    }

    async fn place(&mut self, adoption: &Adoption, lsn: Lsn, patience: Duration) -> Result<()> {
        let limit = reshape::limit_lock_wait(patience.as_millis());
        self.run_all(&[load::SAVEPOINT.to_owned(), limit]).await?;
        for statement in adoption.take() {
            self.run_one(&statement).await?;
        }
        let recorded = self.record(adoption, lsn).await;
        recorded.map_err(|failure| failure.error)
    }

    async fn record(&mut self, adoption: &Adoption, lsn: Lsn) -> Result<(), Failure> {
        for (place, records) in adoption.records(lsn)? {
            let mut records = records.into_iter();
            let rows = records.next().map(|row| (row, Wanted::Ours));
            let others = records.map(|record| (record, Wanted::Done));
            for (record, wanted) in rows.into_iter().chain(others) {
                self.send_record(&record, wanted);
            }
            let landed = self.session.land().await;
            landed.map_err(|failure| Failure::from(failure.error.table(place)))?;
        }
        self.send_record(&adoption.forget()?, Wanted::Done);
        self.session.land().await.map(|_| ())
    }

    fn send_record(&mut self, record: &Record, wanted: Wanted) {
        let sent = plain(Step::Other, wanted);
        self.session
            .execute(&record.statement, record.values(), sent);
    }

    async fn run_one(&mut self, statement: &Statement<'_>) -> Result<()> {
        let done = self.run_all(std::slice::from_ref(&statement.text)).await;
        done.map_err(|error: Error| {
            let error = error.table(statement.place);
            match statement.remedy {
                Some(remedy) if error.sqlstate() == Some(DEPENDENT_OBJECTS) => {
                    error.as_kind(Kind::Definite).remedy(remedy)
                }
                _ => error,
            }
        })
    }

    async fn run_all(&mut self, statements: &[String]) -> Result<()> {
        for statement in statements {
            self.session.once(statement);
        }
        let landed = self.session.land().await;
        landed.map(|_| ()).map_err(|failure| failure.error)
    }
}
