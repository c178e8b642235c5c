//! The pipeline's row, and the one session that may move it.

use std::collections::VecDeque;
use std::time::SystemTime;

use tokio::time::Instant;
use tokio_postgres::Client;
use tokio_postgres::types::PgLsn;

use super::DurableLsn;
use crate::batch::CommitPoint;
use crate::decode::Cell;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{PREDECESSOR_POLL, PREDECESSOR_WAIT_MAX, UNFLUSHED_COMMITS_MAX};
use crate::lsn::{AppliedLsn, Lsn};
use crate::sql::ask::{self, Typed};
use crate::sql::{checkpoint as sql, session};

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
    pub applied: AppliedLsn,
}

/// The session that holds the writer lock: the only one that moves the checkpoint.
pub struct Writer {
    pub(super) client: Client,
    pub(super) state_schema: String,
    pub(super) pipeline: String,
    pub(super) fence: i64,
    applied: AppliedLsn,
    durable: DurableLsn,
    /// Commits that are not known to be flushed: where the destination's log has to be flushed to,
    /// and our position. In order.
    unflushed: VecDeque<(Lsn, Lsn)>,
    advance: Option<String>,
    /// Requests for loading tables again: those known at the start, and those seen since.
    reloads: (i64, i64),
}

/// The checkpoint of a batch: a statement and its values in binary.
pub struct Checkpoint {
    /// Its text.
    pub statement: String,
    pipeline: String,
    fence: [u8; 8],
    from: [u8; 8],
    to: [u8; 8],
    time: [u8; 8],
}

impl Checkpoint {
    /// `$1` and the others.
    pub fn values(&self) -> [Cell<'_>; 5] {
        [
            Cell::Binary(self.pipeline.as_bytes()),
            Cell::Binary(&self.fence),
            Cell::Binary(&self.from),
            Cell::Binary(&self.to),
            Cell::Binary(&self.time),
        ]
    }
}

fn failed(error: &tokio_postgres::Error) -> Error {
    from_client(Side::Destination, "use the bookkeeping tables", error)
}

/// Takes the writer lock for the rest of the session; waits briefly for the sessions of a
/// predecessor that just ended. Whether it was to be had.
pub async fn take_writer_lock(client: &Client, state_schema: &str, pipeline: &str) -> Result<bool> {
    let name = sql::writer_lock_name(state_schema, pipeline);
    let deadline = Instant::now() + PREDECESSOR_WAIT_MAX;
    loop {
        let row = ask::query_one(client, sql::TRY_WRITER_LOCK, &[&name]).await;
        let taken = row.map_err(|error| failed(&error))?.get(0);
        if taken || Instant::now() >= deadline {
            return Ok(taken);
        }
        tokio::time::sleep(PREDECESSOR_POLL).await;
    }
}

impl Writer {
    /// Takes the writer lock. Should the daemon die, the server soon notices it and frees the lock,
    /// also in the middle of a statement (14+).
    pub async fn lock(client: Client, state_schema: &str, pipeline: &str) -> Result<Self> {
        let watched = client.batch_execute(session::WATCH_CLIENT).await;
        watched.map_err(|error| failed(&error))?;
        if !take_writer_lock(&client, state_schema, pipeline).await? {
            let what = format!("Another walferry already runs the pipeline \"{pipeline}\"");
            let remedy = "Stop the other one first, or give this one another [pipeline] name.";
            return Err(Error::new(Kind::AlreadyRunning, what)
                .on(Side::Destination)
                .remedy(remedy));
        }
        Ok(Writer {
            client,
            state_schema: state_schema.to_owned(),
            pipeline: pipeline.to_owned(),
            fence: 0,
            applied: AppliedLsn(Lsn::ZERO),
            durable: DurableLsn(Lsn::ZERO),
            unflushed: VecDeque::new(),
            advance: None,
            reloads: (0, 0),
        })
    }

    /// The session that holds the writer lock. Its commits are flushed when they return.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The number of this take-over.
    pub fn fence(&self) -> i64 {
        self.fence
    }

    /// The last position that was committed.
    pub fn applied(&self) -> AppliedLsn {
        self.applied
    }

    /// The last position that is known to be flushed.
    pub fn durable(&self) -> DurableLsn {
        self.durable
    }

    /// Reads the pipeline's row, if it was registered.
    pub async fn read(&self) -> Result<Option<Pipeline>> {
        let statement = sql::select_pipeline(&self.state_schema);
        let row = ask::query_opt(&self.client, &statement, &[&self.pipeline]).await;
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
                applied: AppliedLsn(applied),
            }
        }))
    }

    /// Adds the pipeline's row.
    pub async fn register(&self, new: &NewPipeline) -> Result<()> {
        let statement = sql::insert_pipeline(&self.state_schema);
        let start = PgLsn::from(new.start.0);
        let values: [&dyn Typed; 10] = [
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
        ask::execute(&self.client, &statement, &values)
            .await
            .map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Raises the fence, so that an older daemon cannot commit any more, and reads the position
    /// that holds from now on.
    pub async fn take_over(&mut self, timeline: i32) -> Result<DurableLsn> {
        let statement = sql::raise_fence(&self.state_schema);
        let row = ask::query_one(&self.client, &statement, &[&self.pipeline, &timeline]).await;
        let row = row.map_err(|error| failed(&error))?;
        self.fence = row.get(0);
        self.reloads = (row.get(1), row.get(1));
        let pipeline = self.read().await?.ok_or_else(|| self.fenced(Lsn::ZERO))?;
        self.applied = pipeline.applied;
        // Whoever committed it: the commit that raised the fence came after it, and is flushed.
        self.durable = DurableLsn(self.applied.0);
        let statement = sql::advance(&self.state_schema);
        self.advance = Some(statement);
        Ok(self.durable)
    }

    /// The checkpoint as a statement in the transaction of a batch; its answer is for
    /// [`Writer::advanced`].
    ///
    /// # Errors
    /// What ends before the position that is committed was applied before: it would be there twice.
    pub fn checkpoint(&self, point: CommitPoint) -> Result<Checkpoint> {
        if point.end_lsn < self.applied.0 {
            let what = format!(
                "A transaction came once more: everything up to {} is applied",
                self.applied.0
            );
            return Err(Error::new(Kind::Protocol, what)
                .on(Side::Source)
                .at(point.end_lsn));
        }
        let lsn = |lsn: Lsn| lsn.0.to_be_bytes();
        Ok(Checkpoint {
            statement: sql::advance(&self.state_schema),
            pipeline: self.pipeline.clone(),
            fence: self.fence.to_be_bytes(),
            from: lsn(self.applied.0),
            to: lsn(point.end_lsn),
            time: point.committed_at.to_be_bytes(),
        })
    }

    /// Looks at what the checkpoint of a batch returned: the count of requests for loading tables
    /// again, or nothing when another daemon has taken over.
    pub fn advanced(&mut self, to: Lsn, reloads: Option<i64>) -> Result<()> {
        self.reloads.1 = reloads.ok_or_else(|| self.fenced(to))?;
        Ok(())
    }

    /// The transaction with the checkpoint `to` was committed. Right after it the destination's log
    /// ended at `written`, and was flushed to `flushed`.
    pub fn committed(&mut self, to: Lsn, written: Lsn, flushed: Lsn) {
        self.applied = AppliedLsn(to);
        if self.unflushed.len() >= UNFLUSHED_COMMITS_MAX {
            self.unflushed.pop_back();
        }
        self.unflushed.push_back((written, to));
        self.flushed(flushed);
    }

    /// The destination's log is flushed to `flushed`.
    pub fn flushed(&mut self, flushed: Lsn) {
        while let Some((written, to)) = self.unflushed.front()
            && *written <= flushed
        {
            self.durable = DurableLsn(*to);
            self.unflushed.pop_front();
        }
    }

    /// Asks how far the destination's log is flushed, if that is of interest.
    pub async fn look_at_flush(&mut self) -> Result<()> {
        if self.unflushed.is_empty() {
            return Ok(());
        }
        let row = ask::query_one(&self.client, sql::FLUSHED, &[]).await;
        let flushed: PgLsn = row.map_err(|error| failed(&error))?.get(0);
        self.flushed(Lsn(flushed.into()));
        Ok(())
    }

    /// Moves the position of an idle pipeline, in a transaction of its own. All that was committed
    /// before is durable with it.
    pub async fn advance_idle(&mut self, to: Lsn) -> Result<()> {
        self.advance(to, None).await?;
        self.applied = AppliedLsn(to);
        self.durable = DurableLsn(to);
        self.unflushed.clear();
        Ok(())
    }

    async fn advance(&mut self, to: Lsn, time: Option<SystemTime>) -> Result<()> {
        let Some(statement) = &self.advance else {
            return Err(self.fenced(to));
        };
        let from = PgLsn::from(self.applied.0.0);
        let target = PgLsn::from(to.0);
        let values: [&dyn Typed; 5] = [&self.pipeline, &self.fence, &from, &target, &time];
        let moved = ask::query_opt(&self.client, statement, &values).await;
        let Some(row) = moved.map_err(|error| failed(&error).at(to))? else {
            return Err(self.fenced(to));
        };
        self.advanced(to, Some(row.get(0)))
    }

    /// All requests for loading tables again that are known by now are about to be looked at.
    pub fn take_note_of_reloads(&mut self) {
        self.reloads.0 = self.reloads.1;
    }

    /// Asks for a new load of all tables, before the pipeline goes on behind changes that are gone;
    /// `makes_slot`: with a slot that walferry makes now. Returns how many tables there are.
    pub async fn begin_again(&self, makes_slot: bool) -> Result<i64> {
        let statement = sql::begin_again(&self.state_schema);
        let values: [&dyn Typed; 3] = [&self.pipeline, &self.fence, &makes_slot];
        let marked = ask::query_opt(&self.client, &statement, &values).await;
        let row = marked.map_err(|error| failed(&error))?;
        row.map(|row| row.get(0))
            .ok_or_else(|| self.fenced(self.applied.0))
    }

    /// Somebody asked for a table to be loaded again since they were looked at.
    pub fn reload_asked(&self) -> bool {
        self.reloads.0 != self.reloads.1
    }

    /// Forgets another pipeline of ours, which no daemon runs.
    pub async fn forget(&self, pipeline: &str) -> Result<()> {
        let statement = sql::forget_pipeline(&self.state_schema);
        let done = ask::execute(&self.client, &statement, &[&pipeline]).await;
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
