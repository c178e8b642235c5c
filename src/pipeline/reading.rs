//! What a start reads of the source's catalogs.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::Client;

use crate::catalog::source::{self, Facts, Look};
use crate::checkpoint::Writer;
use crate::config::{Config, SchemaChanges};
use crate::error::Result;
use crate::protect::{Before, Protector, Recorded};
use crate::transport;

/// The source's tables, and what becomes of their columns.
pub(super) struct Seen {
    pub(super) look: Look,
    pub(super) protector: Protector,
    pub(super) protected: HashMap<u32, Vec<Recorded>>,
}

/// Decides on the columns of the tables that a look has found.
pub(super) async fn decide(config: &Config, mut look: Look, writer: &Writer) -> Result<Seen> {
    let protector = Protector::new(config).await?;
    let protected = writer.protected().await?;
    let known = match config.schema_changes {
        SchemaChanges::Ignore => writer.shapes().await?,
        SchemaChanges::Follow | SchemaChanges::Halt => HashMap::new(),
    };
    for table in &mut look.tables {
        let recorded = protected.get(&table.oid).map_or(&[][..], Vec::as_slice);
        let known = known
            .get(&table.oid)
            .and_then(|known| known.versions.last());
        let columns = known.map(Vec::as_slice);
        protector.protect(table, Before { recorded, columns });
    }
    Ok(Seen {
        look,
        protector,
        protected,
    })
}

/// What the source's catalogs say, and the session that has asked them.
pub(super) struct Read {
    pub(super) catalog: Arc<Client>,
    pub(super) facts: Facts,
    pub(super) look: Look,
}

/// Asks the source's catalogs, in the session of the last round if that is still there: it knows
/// them already. Before there is a snapshot, so that whatever happens to a table later is noticed.
pub(super) async fn read_source(config: &Config, session: Option<Arc<Client>>) -> Result<Read> {
    let catalog = match session.filter(|session| !session.is_closed()) {
        Some(session) => session,
        None => Arc::new(transport::connect(&config.source.endpoint, "catalog").await?),
    };
    let (slot, publications) = (&config.source.slot, &config.source.publications);
    let facts = source::facts(&catalog, slot, publications).await?;
    let look = source::look(&catalog, publications).await?;
    Ok(Read {
        catalog,
        facts,
        look,
    })
}
