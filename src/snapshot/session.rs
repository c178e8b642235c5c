//! Sessions of the destination that load tables.

use tokio_postgres::Client;

use super::load::Load;
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::sql::load as sql;
use crate::sql::session::WATCH_CLIENT;
use crate::transport;

/// One with room for building indexes. Should the daemon die, the server notices it in the middle
/// of a build, too (14+): what is built then would lock its table for nothing, and the next load
/// could not drop it before the build has ended.
pub(super) async fn open(load: &Load, name: &'static str) -> Result<Client> {
    let client = transport::connect(&load.config.destination.endpoint, name).await?;
    let memory = sql::set_maintenance_work_mem(load.config.snapshot.index_memory_bytes);
    let set = format!("{memory}; {WATCH_CLIENT}");
    let set = client.batch_execute(&set).await;
    set.map_err(|error| from_client(Side::Destination, "set up a session", &error))?;
    Ok(client)
}
