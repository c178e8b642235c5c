//! Brings the bookkeeping schema to this version.

use tokio_postgres::Client;

use crate::error::postgres::{from_client, with_causes};
use crate::error::{Error, Kind, Result, Side};
use crate::sql::ask;
use crate::sql::checkpoint as sql;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The table in which refinery keeps what ran.
const HISTORY_TABLE: &str = "walferry_migrations";

/// Makes the state schema when it is missing and runs what it lacks of `migrations/`.
///
/// Returns whether walferry made the schema, now or earlier. Works without CREATE on the database
/// when the schema is there. Two daemons that start at the same time take turns, by an advisory
/// lock that this session holds meanwhile.
pub async fn migrate(client: &mut Client, state_schema: &str) -> Result<bool> {
    let failed = |error| from_client(Side::Destination, "prepare the bookkeeping schema", &error);
    client
        .batch_execute(&sql::lock_migrations(state_schema))
        .await
        .map_err(failed)?;
    let found = ask::query_opt(client, sql::STATE_SCHEMA, &[&state_schema])
        .await
        .map_err(failed)?;
    if found.is_none() {
        client
            .batch_execute(&sql::create_state_schema(state_schema))
            .await
            .map_err(failed)?;
    }
    let made_by_us = found.is_none_or(|row| row.get(0));
    client
        .batch_execute(&sql::set_search_path(state_schema))
        .await
        .map_err(failed)?;
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name(HISTORY_TABLE);
    let ran = runner.run_async(client).await;
    client
        .batch_execute(sql::CLEAR_SEARCH_PATH)
        .await
        .map_err(failed)?;
    client
        .batch_execute(sql::UNLOCK_ALL)
        .await
        .map_err(failed)?;
    ran.map(|_| made_by_us).map_err(|error| {
        let what = format!(
            "Could not migrate the bookkeeping schema \"{state_schema}\": {}",
            with_causes(&error)
        );
        let remedy = "The role needs CREATE and USAGE on the schema, and a schema that a newer \
                      walferry migrated cannot be used by this one.";
        Error::new(Kind::Definite, what)
            .on(Side::Destination)
            .remedy(remedy)
    })
}
