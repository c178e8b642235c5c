//! The pipeline's row, and the one session that may move it.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_postgres::types::PgLsn;
use tokio_postgres::{Client, Statement};

use super::DurableLsn;
use crate::batch::CommitPoint;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::WRITER_LOCK_WAIT_MAX;
use crate::lsn::Lsn;
use crate::sql::checkpoint as sql;

/// What a pipeline is registered with.
#[derive(Clone, Debug)]
pub struct NewPipeline {
    /// The slot.
    pub slot: String,
    /// The publication.
    pub publication: String,
    /// The publication that has this name, by its oid; `None` when it is not known.
    pub publication_oid: Option<u32>,
    /// walferry made the slot.
    pub made_slot: bool,
    /// walferry made the publication.
    pub made_publication: bool,
    /// The source cluster.
    pub system_identifier: String,
    /// The source's timeline.
    pub timeline: i32,
    /// The source's database.
    pub source_database: String,
    /// Where the slot starts.
    pub start: Lsn,
}

/// The pipeline's row as it was read.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// What it was registered with; `start` is where it started reading this row.
    pub registered: NewPipeline,
    /// How far the tables have come.
    pub applied: DurableLsn,
}

/// The session that holds the writer lock: the only one that moves the checkpoint.
pub struct Writer {
    pub(super) client: Client,
    pub(super) state_schema: String,
    pub(super) pipeline: String,
    pub(super) fence: i64,
    applied: DurableLsn,
    advance: Option<Statement>,
    /// Requests for loading tables again: those known at the start, and those seen since.
    reloads: (i64, i64),
}

/// Pause between two tries at the writer lock.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Seconds from 1970-01-01, Unix's epoch, to 2000-01-01, PostgreSQL's.
const EPOCH_OFFSET: Duration = Duration::from_hours(262_968);

fn failed(error: &tokio_postgres::Error) -> Error {
    from_client(Side::Destination, "use the bookkeeping tables", error)
}

impl Writer {
    /// Takes the writer lock; waits briefly for the sessions of a predecessor that just ended.
    pub async fn lock(client: Client, state_schema: &str, pipeline: &str) -> Result<Self> {
        let name = sql::writer_lock_name(state_schema, pipeline);
        let deadline = Instant::now() + WRITER_LOCK_WAIT_MAX;
        loop {
            let row = client.query_one(sql::TRY_WRITER_LOCK, &[&name]).await;
            if row.map_err(|error| failed(&error))?.get(0) {
                break;
            }
            if Instant::now() >= deadline {
                let what = format!("Another walferry already runs the pipeline \"{pipeline}\"");
                let remedy = "Stop the other one first, or give this one another [pipeline] name.";
                return Err(Error::new(Kind::AlreadyRunning, what)
                    .on(Side::Destination)
                    .remedy(remedy));
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
        Ok(Writer {
            client,
            state_schema: state_schema.to_owned(),
            pipeline: pipeline.to_owned(),
            fence: 0,
            applied: DurableLsn(Lsn::ZERO),
            advance: None,
            reloads: (0, 0),
        })
    }

    /// The session, for the statements of a batch.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The number of this take-over.
    pub fn fence(&self) -> i64 {
        self.fence
    }

    /// The durable position.
    pub fn applied(&self) -> DurableLsn {
        self.applied
    }

    /// Reads the pipeline's row, if it was registered.
    pub async fn read(&self) -> Result<Option<Pipeline>> {
        let statement = sql::select_pipeline(&self.state_schema);
        let row = self.client.query_opt(&statement, &[&self.pipeline]).await;
        let row = row.map_err(|error| failed(&error))?;
        Ok(row.map(|row| {
            let applied = Lsn(row.get::<_, PgLsn>(7).into());
            Pipeline {
                registered: NewPipeline {
                    slot: row.get(0),
                    publication: row.get(1),
                    publication_oid: row.get(9),
                    made_slot: row.get(2),
                    made_publication: row.get(3),
                    system_identifier: row.get(4),
                    timeline: row.get(5),
                    source_database: row.get(6),
                    start: applied,
                },
                applied: DurableLsn(applied),
            }
        }))
    }

    /// Adds the pipeline's row.
    pub async fn register(&self, new: &NewPipeline) -> Result<()> {
        let statement = sql::insert_pipeline(&self.state_schema);
        let start = PgLsn::from(new.start.0);
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 10] = [
            &self.pipeline,
            &new.slot,
            &new.publication,
            &new.made_slot,
            &new.made_publication,
            &new.system_identifier,
            &new.timeline,
            &new.source_database,
            &start,
            &new.publication_oid,
        ];
        self.client
            .execute(&statement, &values)
            .await
            .map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Raises the fence, so that an older daemon cannot commit any more, and reads the position
    /// that holds from now on.
    pub async fn take_over(&mut self, timeline: i32) -> Result<DurableLsn> {
        let statement = sql::raise_fence(&self.state_schema);
        let row = self
            .client
            .query_one(&statement, &[&self.pipeline, &timeline])
            .await;
        let row = row.map_err(|error| failed(&error))?;
        self.fence = row.get(0);
        self.reloads = (row.get(1), row.get(1));
        let pipeline = self.read().await?.ok_or_else(|| self.fenced(Lsn::ZERO))?;
        self.applied = pipeline.applied;
        let statement = sql::advance(&self.state_schema);
        let prepared = self.client.prepare(&statement).await;
        self.advance = Some(prepared.map_err(|error| failed(&error))?);
        Ok(self.applied)
    }

    /// Ends the open transaction: writes the checkpoint into it and commits. What it returns is
    /// durable, since the session's `synchronous_commit` is on.
    pub async fn commit(&mut self, point: CommitPoint) -> Result<DurableLsn> {
        let since_epoch = u64::try_from(point.committed_at).unwrap_or(0);
        let time = SystemTime::UNIX_EPOCH + EPOCH_OFFSET + Duration::from_micros(since_epoch);
        self.advance(point.end_lsn, Some(time)).await?;
        let committed = self.client.batch_execute(crate::sql::apply::COMMIT).await;
        committed.map_err(|error| {
            from_client(Side::Destination, "commit a batch", &error).at(point.end_lsn)
        })?;
        self.applied = DurableLsn(point.end_lsn);
        Ok(self.applied)
    }

    /// Moves the position of an idle pipeline, in a transaction of its own.
    pub async fn advance_idle(&mut self, to: Lsn) -> Result<DurableLsn> {
        self.advance(to, None).await?;
        self.applied = DurableLsn(to);
        Ok(self.applied)
    }

    async fn advance(&mut self, to: Lsn, time: Option<SystemTime>) -> Result<()> {
        let Some(statement) = &self.advance else {
            return Err(self.fenced(to));
        };
        let from = PgLsn::from(self.applied.lsn().0);
        let target = PgLsn::from(to.0);
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&self.pipeline, &self.fence, &from, &target, &time];
        let moved = self.client.query_opt(statement, &values).await;
        let Some(row) = moved.map_err(|error| failed(&error).at(to))? else {
            return Err(self.fenced(to));
        };
        self.reloads.1 = row.get(0);
        Ok(())
    }

    /// Somebody asked for a table to be loaded again since this session took the pipeline over.
    pub fn reload_asked(&self) -> bool {
        self.reloads.0 != self.reloads.1
    }

    /// Forgets another pipeline of ours, which no daemon runs.
    pub async fn forget(&self, pipeline: &str) -> Result<()> {
        let statement = sql::forget_pipeline(&self.state_schema);
        let done = self.client.execute(&statement, &[&pipeline]).await;
        done.map(|_| ()).map_err(|error| failed(&error))
    }

    fn fenced(&self, at: Lsn) -> Error {
        let what = format!(
            "Another walferry took over the pipeline \"{}\"",
            self.pipeline
        );
        let remedy = "Nothing of this one's last batch was committed. Run only one of the two.";
        Error::new(Kind::Fenced, what)
            .on(Side::Destination)
            .at(at)
            .remedy(remedy)
    }
}
