//! The publications that the stream is read through: made where that goes, else asked for.

use tokio_postgres::Client;

use crate::catalog::TableName;
use crate::catalog::source::{self, Facts};
use crate::checkpoint::Writer;
use crate::config::Config;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::lsn::Lsn;
use crate::source::PUBLICATION_GONE;
use crate::sql;

/// What to do about one of several publications that is not there.
pub(super) const ONE_OF_SEVERAL: &str = "Of several publications walferry makes none: make it, or \
     take it out of [source.replication] publication.";

/// The publication was there when the pipeline started.
pub(super) fn publication_gone(name: &str) -> Error {
    let what = format!("The publication \"{name}\" was dropped");
    Error::new(Kind::PublicationMissing, what)
        .on(Side::Source)
        .remedy(PUBLICATION_GONE)
}

/// Makes the publication when it is missing and the role may; whether it did. One that a stream
/// was read through is not made again, since what was written meanwhile would be left out, nor is
/// one of several, since nobody knows what it is to send.
pub(super) async fn ensure_publications(
    config: &Config,
    catalog: &Client,
    facts: &Facts,
    writer: &Writer,
) -> Result<bool> {
    let names = &config.source.publications;
    let Some(name) = names.iter().find(|name| facts.publication(name).is_none()) else {
        return Ok(false);
    };
    let registered = writer.read().await?;
    if registered.is_some_and(|pipeline| pipeline.applied.0 != Lsn::ZERO) {
        return Err(publication_gone(name));
    }
    if names.len() > 1 {
        let what = format!("The publication \"{name}\" does not exist");
        return Err(Error::new(Kind::PublicationMissing, what)
            .on(Side::Source)
            .remedy(ONE_OF_SEVERAL));
    }
    let tables = source::tables(catalog, names).await?;
    let selected: Vec<&TableName> = tables
        .iter()
        .filter(|table| !table.is_partition)
        .map(|table| &table.name)
        .filter(|table| config.tables.selects(&table.schema, &table.name))
        .collect();
    if selected.is_empty() {
        let what = "No table of the source matches [tables] include and exclude";
        let remedy = "`walferry discover` lists the tables that there are.";
        return Err(Error::new(Kind::Config, what)
            .on(Side::Source)
            .remedy(remedy));
    }
    let via_root = facts.version_num >= 130_000;
    let statement = sql::remedy::create_publication(name, selected.iter().copied(), via_root);
    let made = catalog.batch_execute(&statement).await;
    made.map_err(|error| {
        from_client(
            Side::Source,
            &format!("make the publication \"{name}\""),
            &error,
        )
        .as_kind(Kind::PublicationMissing)
        .remedy(format!(
            "Have an administrator of the source run: {statement}"
        ))
    })?;
    tracing::info!(
        publication = name,
        tables = selected.len(),
        "publication made"
    );
    Ok(true)
}
