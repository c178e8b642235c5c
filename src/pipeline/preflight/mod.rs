//! Everything that can be known to go wrong, found before anything is written.
//!
//! [`findings`] looks at the configuration and at both servers and never stops at the first
//! problem. It only reads. `check` prints what it finds; `run` refuses to start on a failure.
//!
//! ```text
//! reach both sides ─▶ source: server, slot, publication ─▶ tables ─▶ naming ─▶ destination
//! ```

mod destination;
mod http;
mod in_the_way;
mod naming;
mod pooler;
mod protect;
mod report;
mod server;
mod source;
mod spool;
mod tables;
#[cfg(test)]
mod tests;
mod types;
mod values;
mod version;

use std::collections::BTreeSet;

use tokio_postgres::Client;

pub use http::endpoint;
use report::Report;
pub use report::{Finding, Level, first_failure};
pub use spool::spool;

use crate::config::Config;
use crate::error::{Kind, Result, Side};
use crate::source::{Connection, Mode, slot};
use crate::sql::remedy;
use crate::transport::ssh::{self, Passed};
use crate::transport::{Endpoint, connect};

/// What `application_name` says after "walferry".
const APPLICATION: &str = "check";

/// Looks at everything that `config` names. The answer holds at least one finding a side; an
/// error means that looking itself was impossible, which no state of a server can cause.
pub async fn findings(config: &Config) -> Result<Vec<Finding>> {
    let mut report = Report::default();
    let (source, destination) = (&config.source.endpoint, &config.destination.endpoint);
    let (from, to) = tokio::join!(arrive(source), arrive(destination));
    for endpoint in [source, destination] {
        if let Some(weakness) = endpoint.weakness() {
            let remedy =
                "Write sslmode = \"verify-full\", with the server's authority in sslrootcert.";
            report.warning(endpoint.side, "encryption", weakness, remedy);
        }
    }
    let from = arrived(from, source, &mut report);
    let to = arrived(to, destination, &mut report);
    inspect(config, from.as_ref(), to.as_ref(), &mut report).await;
    Ok(report.into_findings())
}

/// The part that needs no connecting: whatever can be said with the sessions there are.
async fn inspect(
    config: &Config,
    from: Option<&Sessions>,
    to: Option<&Sessions>,
    report: &mut Report,
) {
    let mut seen = None;
    let recorded = protect::recorded(config, to.map(|sessions| &sessions.main), report).await;
    if let Some(sessions) = from {
        pooler::inspect(sessions, Side::Source, report).await;
        seen = source::inspect(config, &sessions.main, &recorded, report).await;
        if seen
            .as_ref()
            .is_some_and(|seen| seen.facts.role_can_replicate)
        {
            replication(&config.source.endpoint, report).await;
        }
    }
    let tables = seen.as_ref().map(|seen| seen.selected.as_slice());
    naming::inspect(&config.destination, tables.unwrap_or_default(), report);
    if let Some(sessions) = to {
        pooler::inspect(sessions, Side::Destination, report).await;
        let tables = tables.unwrap_or_default();
        let client = &sessions.main;
        let schemas = match (from, &seen) {
            (Some(from), Some(seen)) => {
                let version = seen.facts.version_num;
                types::inspect(config, version, &from.main, client, tables, report).await
            }
            _ => BTreeSet::new(),
        };
        if let Some(facts) = destination::inspect(config, client, tables, schemas, report).await
            && let Some(seen) = &seen
        {
            server::compare(&seen.facts, &facts, report);
        }
    }
}

/// A replication connection has `pg_hba.conf` rules of its own, and no pooler lets it through.
async fn replication(endpoint: &Endpoint, report: &mut Report) {
    let subject = "replication connection";
    let opened = async {
        let mut session = Connection::open(endpoint, APPLICATION, Mode::Replication).await?;
        slot::identify(&mut session).await
    };
    match opened.await {
        Ok(_) => report.ok(Side::Source, subject, "The server lets a walsender start"),
        Err(error) => report.error(Side::Source, subject, &error),
    }
}

/// Two sessions of one side: a second one is needed to notice a pooler.
struct Sessions {
    main: Client,
    other: Client,
}

/// The SSH servers on the way, and what is behind them; a server is not tried behind a bastion
/// that does not let us through.
type Arrival = Result<(Vec<Passed>, Result<Sessions>)>;

async fn arrive(endpoint: &Endpoint) -> Arrival {
    let passed = Box::pin(ssh::walk(endpoint)).await?;
    Ok((passed, reach(endpoint).await))
}

fn arrived(arrival: Arrival, endpoint: &Endpoint, report: &mut Report) -> Option<Sessions> {
    let side = endpoint.side;
    match arrival {
        Ok((passed, sessions)) => {
            for Passed { address, rule } in passed {
                let what = format!("The SSH server let us through; its host key: {rule}");
                report.ok(side, format!("bastion {address}"), what);
            }
            reached(sessions, endpoint, report)
        }
        Err(error) => {
            report.error(side, "bastion", &error);
            None
        }
    }
}

async fn reach(endpoint: &Endpoint) -> Result<Sessions> {
    let (main, other) = tokio::try_join!(
        connect(endpoint, APPLICATION),
        connect(endpoint, APPLICATION)
    )?;
    Ok(Sessions { main, other })
}

fn reached(
    sessions: Result<Sessions>,
    endpoint: &Endpoint,
    report: &mut Report,
) -> Option<Sessions> {
    let side = endpoint.side;
    match sessions {
        Ok(sessions) => {
            report.ok(side, "connection", "The server was reached and let us in");
            Some(sessions)
        }
        Err(error) if error.hint().is_none() && error.kind() == Kind::Unreachable => {
            let remedy = "Check host, port and the firewall of this side.";
            report.error(side, "connection", &error.remedy(remedy));
            None
        }
        // the only right that a login asks for
        Err(error) if error.sqlstate() == Some("42501") => {
            let remedy = remedy::grant_on_database("CONNECT", &endpoint.database, &endpoint.user);
            report.error(side, "connection", &error.remedy(remedy));
            None
        }
        Err(error) => {
            report.error(side, "connection", &error);
            None
        }
    }
}
