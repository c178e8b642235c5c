//! Tables of the state schema in which rows gather that readers are not to see yet.

use std::collections::HashSet;
use std::hash::BuildHasher;

use tokio_postgres::Client;

use super::job::Job;
use super::ledger::Ledger;
use crate::catalog::{TableName, destination};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::limits::HIDDEN_LOCK_MAX;
use crate::sql::load as sql;
use crate::sql::reshape;

/// How the names of a pipeline's hidden tables begin. Pipelines may share a state schema, and their
/// names may be as long as a table's.
pub fn hidden_prefix(pipeline: &str) -> String {
    let hash = foldhash::fast::FixedState::default().hash_one(pipeline);
    format!("walferry_load_{hash:016x}_")
}

/// Drops what loads that did not end have left in the state schema.
///
/// # Errors
/// [`Kind::Contention`](crate::error::Kind::Contention) when somebody works on it for longer than
/// [`HIDDEN_LOCK_MAX`]: a server may not have noticed yet that a daemon has died.
pub async fn drop_hidden_tables(client: &Client, state_schema: &str, prefix: &str) -> Result<()> {
    let left = destination::hidden_tables(client, state_schema, prefix).await?;
    if left.is_empty() {
        return Ok(());
    }
    let limit = sql::limit_lock_wait(HIDDEN_LOCK_MAX.as_millis());
    set(client, &limit).await?;
    drop_all(client, &left).await?;
    set(client, sql::WAIT_FOR_LOCKS).await
}

/// Drops what loads of these prefixes have left, unless somebody still works on it.
pub async fn try_to_tidy(client: &Client, state_schema: &str, prefixes: &[String]) -> Result<()> {
    let mut left = Vec::new();
    for prefix in prefixes {
        left.push(destination::hidden_tables(client, state_schema, prefix).await?);
    }
    if left.iter().all(Vec::is_empty) {
        return Ok(());
    }
    set(client, sql::WAIT_BRIEFLY_FOR_LOCKS).await?;
    let mut tidied = Ok(());
    for left in left {
        let dropped = drop_all(client, &left).await;
        tidied = tidied.and(dropped);
    }
    tidied.and(set(client, sql::WAIT_FOR_LOCKS).await)
}

async fn set(client: &Client, statement: &str) -> Result<()> {
    let done = client.batch_execute(statement).await;
    done.map_err(|error| from_client(Side::Destination, "set lock_timeout", &error))
}

async fn drop_all(client: &Client, tables: &[TableName]) -> Result<()> {
    for table in tables {
        let dropped = client.batch_execute(&reshape::drop_table(table)).await;
        dropped.map_err(|error| {
            let doing = "drop what an unfinished load has left";
            from_client(Side::Destination, doing, &error).table(table)
        })?;
    }
    Ok(())
}

/// Drops what a load that did not end has left, and makes the tables for this one.
pub(super) async fn prepare_hidden_tables(
    control: &Client,
    state_schema: &str,
    prefix: &str,
    ledger: &Ledger,
    jobs: &[Job],
) -> Result<()> {
    drop_hidden_tables(control, state_schema, prefix).await?;
    if jobs.iter().any(|job| matches!(job, Job::Range(..))) {
        ledger.create(control).await?;
    }
    let mut made = HashSet::new();
    for job in jobs {
        if let Job::Range(large, _) = job
            && made.insert(large.plan.table.oid)
        {
            large.plan.create(control, &large.hidden).await?;
        }
    }
    Ok(())
}
