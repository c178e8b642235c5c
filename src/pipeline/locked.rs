//! A statement on the source that waited in vain for a lock: on which table, and whose.

use crate::catalog::source::{Locked, locked};
use crate::error::{Error, Kind, Result, Side};
use crate::sql::remedy;
use crate::transport::{Endpoint, connect};

/// The error with the table that is locked, and what to do about that; as it is when it is about
/// something else, or nothing is locked any more.
pub async fn named(source: &Endpoint, error: Error) -> Error {
    if error.kind() != Kind::Contention || error.side() != Some(Side::Source) {
        return error;
    }
    match ask(source).await {
        Ok(locked) => name(&locked, error),
        Err(unknown) => {
            tracing::debug!(error = %unknown, "nobody knows which table is locked");
            error
        }
    }
}

async fn ask(source: &Endpoint) -> Result<Vec<Locked>> {
    // the session that has waited is in a transaction that failed
    let client = connect(source, "locks").await?;
    locked(&client).await
}

fn name(locked: &[Locked], error: Error) -> Error {
    let known = error.about_table();
    let is_it = |locked: &&Locked| known.is_none_or(|known| locked.table.to_string() == known);
    let Some(Locked { table, pid }) = locked.iter().find(is_it) else {
        return error;
    };
    let remedy = match pid {
        Some(pid) => format!(
            "Process {pid} of the source has locked the table against all readers, or waits to: \
             wait until its transaction ends, or end it: {}",
            remedy::end_session(*pid)
        ),
        None => "A prepared transaction has locked the table against all readers: end it with \
                 COMMIT PREPARED or ROLLBACK PREPARED; pg_prepared_xacts on the source lists it."
            .to_owned(),
    };
    error.table(table).remedy(remedy)
}
