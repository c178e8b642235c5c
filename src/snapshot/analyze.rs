//! Statistics for the planner, once tables are in their places.

use std::sync::Arc;

use crate::catalog::TableName;
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::sql::load as sql;
use crate::transport;

/// Gives the planner statistics of new tables, while the stream goes on. The applier's own plans
/// are pinned, so nothing waits for it; where it fails, autovacuum comes later.
pub async fn analyze(config: Arc<Config>, tables: Vec<TableName>) {
    if let Err(error) = analyze_all(&config, &tables).await {
        tracing::warn!(error = %error, "statistics of the new tables are missing");
    }
}

async fn analyze_all(config: &Config, tables: &[TableName]) -> Result<()> {
    let client = transport::connect(&config.destination.endpoint, "analyze").await?;
    // those that somebody has locked are not to keep the others waiting
    let limit = client.batch_execute(sql::WAIT_BRIEFLY_FOR_LOCKS).await;
    limit.map_err(|error| from_client(Side::Destination, "set lock_timeout", &error))?;
    for table in tables {
        let done = client.batch_execute(&sql::analyze(table)).await;
        let done = done.map_err(|error| {
            from_client(Side::Destination, "analyze a table", &error).table(table)
        });
        match done {
            Err(error) if client.is_closed() => return Err(error),
            Err(error) => tracing::warn!(error = %error, "statistics of a new table are missing"),
            Ok(()) => {}
        }
    }
    Ok(())
}
