//! One table: COPY out of the source, into the destination, bytes untouched.

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::prepare::Plan;
use crate::checkpoint::{LoadedTable, Loader};
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Error, Result, Side};
use crate::limits::COPY_CHUNKS_WAITING_MAX;
use crate::lsn::Lsn;
use crate::observe::{Board, TableState};
use crate::source::{Connection, Mode};
use crate::sql;
use crate::transport;

/// A pair of sessions that loads one table after the other.
pub(super) struct Worker {
    source: Connection,
    destination: Client,
    snapshot_lsn: Lsn,
    loader: Loader,
}

impl Worker {
    /// Connects both sides and joins the snapshot.
    pub(super) async fn start(
        config: &Config,
        snapshot: &str,
        snapshot_lsn: Lsn,
        loader: Loader,
    ) -> Result<Self> {
        let mut source =
            Connection::open(&config.source.endpoint, "snapshot worker", Mode::Sql).await?;
        let begin = sql::replication::begin_with_snapshot(snapshot);
        source.query("join the exported snapshot", &begin).await?;
        let destination =
            transport::connect(&config.destination.endpoint, "snapshot worker").await?;
        Ok(Worker {
            source,
            destination,
            snapshot_lsn,
            loader,
        })
    }
}

/// Loads a table in one destination transaction and records it.
pub(super) async fn copy_table(
    worker: &mut Worker,
    config: &Config,
    plan: &Plan,
    board: &Board,
) -> Result<LoadedTable> {
    let name = &plan.table.name;
    board.table_state(name, TableState::Copying);
    let client = &worker.destination;
    plan.run(client, "begin the load", sql::apply::BEGIN)
        .await?;
    if plan.existing.is_none() {
        plan.create(client).await?;
    }
    let (rows, bytes) = transfer(&mut worker.source, client, plan, board).await?;
    plan.add_keys(client).await?;
    for reader in &config.destination.readers {
        let grant = sql::load::grant_select(&plan.destination, reader);
        plan.run(client, "grant SELECT to a reader", &grant).await?;
    }
    let loaded = LoadedTable {
        source_oid: plan.table.oid,
        source: name.clone(),
        destination: plan.destination.clone(),
        snapshot_lsn: worker.snapshot_lsn,
        made_table: plan.existing.is_none(),
        rows,
        bytes,
    };
    worker.loader.record(client, &loaded).await?;
    plan.run(client, "commit the load", sql::apply::COMMIT)
        .await?;
    plan.run(
        client,
        "analyze the table",
        &sql::load::analyze(&plan.destination),
    )
    .await?;
    board.table_done(name, rows, bytes);
    tracing::info!(table = %name, rows, bytes, lsn = %worker.snapshot_lsn, "table loaded");
    Ok(loaded)
}

/// Pumps the data across; reading and writing overlap, with a few chunks in between. Returns rows
/// and bytes.
async fn transfer(
    source: &mut Connection,
    destination: &Client,
    plan: &Plan,
    board: &Board,
) -> Result<(u64, u64)> {
    let columns = plan.copied();
    let table = &plan.table;
    let copy_out = sql::load::copy_out(
        &table.name,
        &columns,
        table.partitioned,
        table.row_filter.as_deref(),
        plan.binary,
    );
    let freeze = plan.existing.is_none();
    let copy_in = sql::load::copy_in(&plan.destination, &columns, plan.binary, freeze);
    let (sender, mut receiver) = mpsc::channel::<(Bytes, u64)>(COPY_CHUNKS_WAITING_MAX);

    let read = async {
        let doing = "read the table";
        let named = |error: Error| error.table(&table.name);
        source.copy_out(doing, &copy_out).await.map_err(named)?;
        while let Some(chunk) = source.copy_chunk(doing).await.map_err(named)? {
            if sender.send(chunk).await.is_err() {
                // The writer failed and says why.
                return Ok(());
            }
        }
        drop(sender);
        Ok(())
    };
    let write = async {
        let failed = |error| {
            from_client(Side::Destination, "write the table", &error).table(&plan.destination)
        };
        let sink = destination
            .copy_in::<_, Bytes>(&copy_in)
            .await
            .map_err(failed)?;
        let mut sink = Box::pin(sink);
        let mut total = 0;
        while let Some((chunk, rows)) = receiver.recv().await {
            let bytes = chunk.len() as u64;
            total += bytes;
            sink.send(chunk).await.map_err(failed)?;
            board.table_copied(&table.name, bytes, rows);
        }
        Ok::<_, Error>((sink, total))
    };
    // Only a COPY that was read to its end may be finished on the other side: a reader's error
    // drops the sink, which makes the server fail the COPY.
    let ((), (mut sink, bytes)) = tokio::try_join!(read, write)?;
    let rows = sink.as_mut().finish().await.map_err(|error| {
        from_client(Side::Destination, "write the table", &error).table(&plan.destination)
    })?;
    Ok((rows, bytes))
}
