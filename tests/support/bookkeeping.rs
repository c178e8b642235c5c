//! What both servers remember of a pipeline, read as an administrator would.

use tokio_postgres::Client;
use tokio_postgres::types::PgLsn;

use super::Pair;

/// How often a slot was made on the source, temporary ones included. The server says so itself
/// when `log_replication_commands` is on.
pub fn slots_made(pair: &Pair) -> usize {
    let log = std::fs::read_to_string(pair.source.log_path()).unwrap();
    log.matches("received replication command: CREATE_REPLICATION_SLOT")
        .count()
}

/// The rows of `walferry_tables` as text, one for each initial load.
pub async fn loads(destination: &Client, state_schema: &str) -> Vec<String> {
    let query = format!(
        "SELECT t::pg_catalog.text FROM {state_schema}.walferry_tables AS t ORDER BY source_oid"
    );
    let rows = destination.query(&query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The position that the destination has committed.
pub async fn applied(destination: &Client) -> Result<u64, tokio_postgres::Error> {
    let query = "SELECT applied_lsn FROM walferry.walferry_pipelines WHERE name = 'app'";
    let row = destination.query_one(query, &[]).await?;
    Ok(row.get::<_, PgLsn>(0).into())
}

/// The position up to which the source may forget, and the process that reads the slot.
pub async fn confirmed(source: &Client) -> Result<(u64, Option<i32>), tokio_postgres::Error> {
    let query = "SELECT confirmed_flush_lsn, active_pid FROM pg_catalog.pg_replication_slots
                 WHERE slot_name = 'walferry_app'";
    let row = source.query_one(query, &[]).await?;
    Ok((row.get::<_, PgLsn>(0).into(), row.get(1)))
}
