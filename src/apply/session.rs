//! What an applier session keeps between batches: staging tables and prepared statements.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::{Client, Statement};

use super::encode::Encoded;
use crate::batch::{RowIdentity, Target, TargetColumn};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::limits::{STAGE_DEAD_BYTES_MAX, STAGES_MAX, STATEMENTS_MAX};
use crate::sql::apply::{self as sql, Staged};

/// Completes "Could not …".
pub(super) const DOING: &str = "apply a batch";

/// Staging tables and prepared statements of one session, made when first needed.
#[derive(Default)]
pub(super) struct Session {
    stages: HashMap<(u32, Staged), Stage>,
    stages_made: u64,
    statements: HashMap<String, Statement>,
}

/// A staging table.
#[derive(Debug)]
struct Stage {
    name: String,
    /// What it was made for.
    columns: Vec<TargetColumn>,
    identity: RowIdentity,
    /// Bytes that were deleted from it since it was last truncated.
    dead_bytes: u64,
}

impl Session {
    /// Makes room before a transaction begins, so that nothing in use is dropped.
    pub(super) async fn make_room(&mut self, client: &Client, target_count: usize) -> Result<()> {
        if self.statements.len() > STATEMENTS_MAX {
            self.statements.clear();
        }
        if self.stages.len() + target_count <= STAGES_MAX {
            return Ok(());
        }
        for (_, stage) in self.stages.drain() {
            execute(client, &sql::drop_stage(&stage.name)).await?;
        }
        self.statements.clear();
        Ok(())
    }

    /// Stages rows and tells the staging table's name.
    pub(super) async fn stage(
        &mut self,
        client: &Client,
        target: &Target,
        columns: &[usize],
        staged: Staged,
        rows: Encoded,
    ) -> Result<String> {
        let name = self.stage_name(client, target, staged).await?;
        if let Some(stage) = self.stages.get_mut(&(target.oid, staged)) {
            stage.dead_bytes += rows.bytes();
        }
        let copy = sql::copy_into_stage(&name, target, columns, staged, target.binary);
        self.copy(client, &copy, rows).await?;
        Ok(name)
    }

    /// Empties a staging table after use. DELETE leaves dead rows, TRUNCATE writes to the
    /// catalogs: the first while there is little, the second once there is much.
    pub(super) async fn empty(
        &mut self,
        client: &Client,
        target: &Target,
        staged: Staged,
    ) -> Result<()> {
        let Some(stage) = self.stages.get_mut(&(target.oid, staged)) else {
            return Ok(());
        };
        let statement = if stage.dead_bytes > STAGE_DEAD_BYTES_MAX {
            stage.dead_bytes = 0;
            sql::truncate_stage(&stage.name)
        } else {
            sql::empty_stage(&stage.name)
        };
        self.execute(client, &statement).await?;
        Ok(())
    }

    /// COPYs rows straight into the target.
    pub(super) async fn append(
        &mut self,
        client: &Client,
        target: &Target,
        rows: Encoded,
    ) -> Result<u64> {
        let copy = sql::copy_into_target(target, target.binary);
        self.copy(client, &copy, rows).await
    }

    /// Runs a statement, prepared at its first use; the rows it touched.
    pub(super) async fn execute(&mut self, client: &Client, text: &str) -> Result<u64> {
        let statement = self.prepared(client, text).await?;
        let done = client.execute(&statement, &[]).await;
        done.map_err(|error| from_client(Side::Destination, DOING, &error))
    }

    /// As [`Session::execute`], with one number as `$1`.
    pub(super) async fn execute_with(
        &mut self,
        client: &Client,
        text: &str,
        number: i32,
    ) -> Result<u64> {
        let statement = self.prepared(client, text).await?;
        let done = client.execute(&statement, &[&number]).await;
        done.map_err(|error| from_client(Side::Destination, DOING, &error))
    }

    async fn prepared(&mut self, client: &Client, text: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement.clone());
        }
        let prepared = client.prepare(text).await;
        let statement = prepared.map_err(|error| from_client(Side::Destination, DOING, &error))?;
        self.statements.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }

    async fn stage_name(
        &mut self,
        client: &Client,
        target: &Target,
        staged: Staged,
    ) -> Result<String> {
        if let Some(stage) = self.stages.get(&(target.oid, staged)) {
            if stage.columns == target.columns && stage.identity == target.identity {
                return Ok(stage.name.clone());
            }
            execute(client, &sql::drop_stage(&stage.name)).await?;
        }
        self.stages_made += 1;
        let name = format!("walferry_{}", self.stages_made);
        execute(client, &sql::create_stage(&name, target, staged)).await?;
        let stage = Stage {
            name: name.clone(),
            columns: target.columns.clone(),
            identity: target.identity.clone(),
            dead_bytes: 0,
        };
        self.stages.insert((target.oid, staged), stage);
        Ok(name)
    }

    async fn copy(&mut self, client: &Client, statement: &str, rows: Encoded) -> Result<u64> {
        let failed = |error| from_client(Side::Destination, DOING, &error);
        let statement = self.prepared(client, statement).await?;
        let sink = client
            .copy_in::<_, Bytes>(&statement)
            .await
            .map_err(failed)?;
        let mut sink = std::pin::pin!(sink);
        for chunk in rows.chunks {
            sink.feed(chunk).await.map_err(failed)?;
        }
        sink.finish().await.map_err(failed)
    }
}

/// Runs a statement that is not worth preparing.
pub(super) async fn execute(client: &Client, text: &str) -> Result<()> {
    let done = client.batch_execute(text).await;
    done.map_err(|error| from_client(Side::Destination, DOING, &error))
}
