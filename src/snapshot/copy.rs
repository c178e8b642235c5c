//! COPY out of the source, into the destination, bytes untouched but for protected columns.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::job::Piece;
use super::prepare::Plan;
use crate::catalog::TableName;
use crate::catalog::source::Segment;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::COPY_CHUNKS_WAITING_MAX;
use crate::observe::Board;
use crate::protect::RowWriter;
use crate::source::Connection;
use crate::sql::load::{self as sql, CopyOut};

/// Where a piece goes.
pub(super) struct Place<'a> {
    pub(super) table: &'a TableName,
    /// The table was made in this transaction: its rows can be frozen.
    pub(super) fresh: bool,
}

/// Pumps a piece across; reading and writing overlap, with a few chunks in between. Returns rows
/// and bytes.
pub(super) async fn copy(
    source: &mut Connection,
    destination: &Client,
    plan: &Plan,
    piece: &Piece,
    place: Place<'_>,
    board: &Board,
) -> Result<(u64, u64)> {
    let (read, copied, writer) = (plan.read(), plan.copied(), plan.row_writer());
    let table = &plan.table;
    let copy_out = sql::copy_out(&CopyOut {
        heap: &piece.heap.name,
        columns: &read,
        row_filter: table.row_filter.as_deref(),
        blocks: piece.blocks.map(|blocks| (blocks.from, blocks.to)),
        by_query: plan.reads_computed() || table.partitioned && piece.heap.name == table.name,
        binary: plan.binary,
    });
    let copy_in = sql::copy_in(place.table, &copied, plan.binary, place.fresh);
    let (sender, mut receiver) = mpsc::channel::<(Bytes, u64)>(COPY_CHUNKS_WAITING_MAX);

    let read = async {
        let doing = "read the table";
        let named = |error: Error| out_of_date(error).table(&table.name);
        source.copy_out(doing, &copy_out).await.map_err(named)?;
        while let Some((bytes, rows)) = source.copy_chunk(doing).await.map_err(named)? {
            let bytes = match &writer {
                None => bytes,
                Some(writer) => protected(writer, &bytes).map_err(named)?,
            };
            if sender.send((bytes, rows)).await.is_err() {
                // The writer failed and says why.
                return Ok(());
            }
        }
        drop(sender);
        Ok(())
    };
    let failed = |error| {
        let error = from_client(Side::Destination, "write the table", &error);
        error.or_schema_changed().on_copy(&plan.destination)
    };
    let mut reported = (0, 0);
    let write = async {
        let sink = destination
            .copy_in::<_, Bytes>(&copy_in)
            .await
            .map_err(failed)?;
        let mut sink = Box::pin(sink);
        while let Some((chunk, rows)) = receiver.recv().await {
            let bytes = chunk.len() as u64;
            sink.feed(chunk).await.map_err(failed)?;
            board.table_copied(&table.name, bytes, rows);
            reported = (reported.0 + bytes, reported.1 + rows);
        }
        Ok::<_, Error>(sink)
    };
    // Only a COPY that was read to its end may be finished on the other side: a reader's error
    // drops the sink, which makes the server fail the COPY.
    let copied = match tokio::try_join!(read, write) {
        Ok(((), mut sink)) => sink.as_mut().finish().await.map_err(failed),
        Err(error) => Err(error),
    };
    let kept = copied.as_ref().map_or((0, 0), |rows| (reported.0, *rows));
    // not every chunk was a row: the binary format has an end of its own
    let (bytes, rows) = (reported.0 - kept.0, reported.1.saturating_sub(kept.1));
    board.table_not_copied(&table.name, bytes, rows);
    Ok((copied?, reported.0))
}

/// Gives up the locks on tables that were read.
///
/// COPY asks for tables and columns by name. Once it has run, its lock keeps their names as it saw
/// them, until the transaction ends: they must be those that were written down, by which columns
/// are followed and protected, and of the same table. What was read of a partitioned one must be
/// the partitions that were planned, whose names others may have got meanwhile. And each heap must
/// be in the file that it was in before the snapshot was taken: some rewrites leave rows that no
/// older snapshot sees, and all of them move rows between ranges.
pub(super) async fn end_reading(source: &mut Connection, plans: &[Arc<Plan>]) -> Result<()> {
    let heaps = plans.iter().flat_map(|plan| {
        let segments = plan.segments.iter();
        segments.map(move |segment| (plan, segment))
    });
    end(source, plans, &heaps.collect::<Vec<_>>()).await
}

/// The same of a part of a table.
pub(super) async fn end_reading_piece(
    source: &mut Connection,
    plan: &Arc<Plan>,
    piece: &Piece,
) -> Result<()> {
    end(source, std::slice::from_ref(plan), &[(plan, &piece.heap)]).await
}

async fn end(
    source: &mut Connection,
    plans: &[Arc<Plan>],
    heaps: &[(&Arc<Plan>, &Segment)],
) -> Result<()> {
    // of each: where the catalog has it, its name there as it was, and the table that it is about
    let columns = plans.iter().flat_map(|plan| {
        let columns = plan.shape.columns.iter();
        columns.map(|column| {
            let table = &plan.table.name;
            let name = [&*table.schema, &*table.name, &*column.name].join(UNIT);
            ((plan.table.oid, column.attnum), name, table)
        })
    });
    let tables = heaps.iter().map(|(_, heap)| {
        let name = [&*heap.name.schema, &*heap.name.name].join(UNIT);
        ((heap.oid, 0), name, &heap.name)
    });
    let then: Vec<_> = columns.chain(tables).collect();
    let places = then.iter().map(|(place, ..)| *place);
    let statement = sql::end_reading(places, heaps.iter().map(|(_, heap)| heap.oid));
    let rows = source.query("look at the columns", &statement).await;
    let mut rows = rows.map_err(out_of_date)?.into_iter();
    let mut now = || rows.next()?.into_iter().next()?;
    for (_, name, table) in &then {
        if now().as_ref() != Some(name) {
            return Err(changed("A table changed before it was copied", table));
        }
    }
    for (plan, heap) in heaps {
        let now: Option<u32> = now().and_then(|file| file.parse().ok());
        if plan.file_of(heap).is_some_and(|then| now != Some(then)) {
            return Err(changed(
                "A table was rewritten before all of it was copied",
                &heap.name,
            ));
        }
    }
    Ok(())
}

/// Between the parts of a name, as [`sql::end_reading`] gives it.
const UNIT: &str = "\u{1f}";

fn changed(what: &str, table: &TableName) -> Error {
    Error::new(Kind::TableAdded, what)
        .on(Side::Source)
        .table(table)
}

/// Rows as they are to be in the destination.
fn protected(writer: &RowWriter, rows: &[u8]) -> Result<Bytes> {
    let Some(rows) = writer.rewrite(rows) else {
        let what = "COPY sent rows that are not those of the table";
        return Err(Error::new(Kind::Protocol, what).on(Side::Source));
    };
    Ok(rows.into())
}

/// A table or column that is gone since the catalog was read: it is time to read that again.
fn out_of_date(error: Error) -> Error {
    match error.sqlstate() {
        Some("42P01" | "42703" | "3F000") => error.as_kind(Kind::TableAdded),
        _ => error,
    }
}
