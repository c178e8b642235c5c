//! Settings that a session pins, so that no `ALTER ROLE … SET` or `ALTER DATABASE … SET` of an
//! administrator changes what values look like, where names lead or how long work may take.
//!
//! They go into the startup packet, which wins over those two and needs no round trip.

use std::borrow::Cow;
use std::time::Duration;

use super::Literal;
use crate::error::Side;
use crate::limits::SOURCE_LOCK_MAX;

/// Both sides, servers of version 10 and up.
macro_rules! common {
    ($($more:expr),* $(,)?) => {
        &[
            // what values look like
            ("DateStyle", "ISO"),
            ("IntervalStyle", "postgres"),
            ("TimeZone", "UTC"),
            ("extra_float_digits", "3"),
            ("bytea_output", "hex"),
            ("lc_monetary", "C"),
            ("client_encoding", "UTF8"),
            // how values and statements are read
            ("array_nulls", "on"),
            ("xmloption", "content"),
            ("standard_conforming_strings", "on"),
            // where names lead: nowhere, all of ours are qualified
            ("search_path", ""),
            // how long work may take: walferry has bounds of its own
            ("statement_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
            // how soon the server notices that we are gone, and frees our locks: as soon as we
            // notice that it is
            ("tcp_keepalives_idle", "20"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "4"),
            ("default_transaction_isolation", "read committed"),
            $($more),*
        ]
    };
}

/// `row_security = off` makes a policy raise an error instead of hiding rows.
const SOURCE: &[(&str, &str)] = common!(("row_security", "off"));

/// Durable means durable: a checkpoint is acknowledged because its commit was flushed. A policy
/// raises an error here as well, instead of hiding rows from an UPDATE.
const DESTINATION: &[(&str, &str)] = common!(
    ("row_security", "off"),
    ("default_transaction_read_only", "off"),
    ("synchronous_commit", "on"),
);

/// A setting and its value.
type Setting = (&'static str, Cow<'static, str>);

/// Names and values as the startup packet takes them, with a parameter for each. Many functions of
/// the source's catalog wait for locks that others hold on tables: no longer than so.
pub fn settings(side: Side) -> Vec<Setting> {
    match side {
        Side::Source => with_lock_wait(SOURCE, Some(SOURCE_LOCK_MAX)),
        Side::Destination => with_lock_wait(DESTINATION, None),
    }
}

/// The same for replication connections: to make a slot, old transactions are waited for as locks
/// are, and for longer.
pub fn walsender_settings() -> Vec<Setting> {
    with_lock_wait(SOURCE, None)
}

fn with_lock_wait(
    settings: &[(&'static str, &'static str)],
    most: Option<Duration>,
) -> Vec<Setting> {
    let settings = settings.iter();
    let settings = settings.map(|(name, value)| (*name, Cow::Borrowed(*value)));
    let most = milliseconds(most).to_string();
    settings.chain([("lock_timeout", most.into())]).collect()
}

/// Notices within a second that the daemon is gone, also in the middle of a statement, where the
/// server can do so (14+).
pub const WATCH_CLIENT: &str = "SELECT pg_catalog.set_config(s.name, '1s', false)
     FROM pg_catalog.pg_settings AS s WHERE s.name = 'client_connection_check_interval'";

/// Whether the session works: no row when it is not there. One that has been idle for so long while
/// somebody waits for its answer is never heard again: it is ended, so that its locks are free. Not
/// every server says what a walsender does. Everybody sees and may end sessions of the own role. Of
/// the sessions of another server than that which was meant nothing is known.
pub fn works(process: i32, server: &str, application: &str, idle: Duration) -> String {
    format!(
        "SELECT CASE WHEN COALESCE(pg_catalog.host(pg_catalog.inet_server_addr()), '') <> {server} \
         THEN true ELSE EXISTS (SELECT FROM pg_catalog.pg_stat_activity \
         WHERE pid = {process} AND application_name = {application} AND NOT CASE \
         WHEN state LIKE 'idle%' AND backend_type = 'client backend' \
         AND state_change <= pg_catalog.clock_timestamp() - '{idle} ms'::pg_catalog.interval \
         THEN pg_catalog.pg_terminate_backend(pid) ELSE false END) END",
        server = Literal(server),
        application = Literal(application),
        idle = idle.as_millis(),
    )
}

/// Says which process of which server works for the session: its number, a blank, an address.
pub const WHICH_PROCESS: &str = "SELECT pg_catalog.pg_backend_pid()::pg_catalog.text || ' ' || \
     COALESCE(pg_catalog.host(pg_catalog.inet_server_addr()), '')";

/// As the server takes a limit; 0 for none.
fn milliseconds(limit: Option<Duration>) -> u128 {
    limit.map_or(0, |limit| limit.as_millis())
}

/// As [`settings`], as the one startup parameter `options`, for drivers that send no others.
pub fn startup_options(side: Side) -> String {
    let options: Vec<String> = settings(side)
        .iter()
        .map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
            format!("-c {name}={value}")
        })
        .collect();
    options.join(" ")
}

/// Limits for the statements of a session, and for what it waits for locks; `None` for none.
pub fn limit(statement: Option<Duration>, lock: Option<Duration>) -> String {
    format!(
        "SET statement_timeout TO {}; SET lock_timeout TO {}",
        milliseconds(statement),
        milliseconds(lock)
    )
}

/// Switches the time limits off that older servers would refuse by name: how long a session may be
/// idle (14+), and how long a transaction may last (17+).
pub const NO_NEWER_LIMITS: &str = "SELECT pg_catalog.set_config(name, '0', false) \
     FROM pg_catalog.unnest(ARRAY['idle_session_timeout', 'transaction_timeout']) AS s (name) \
     WHERE pg_catalog.current_setting(name, true) IS NOT NULL";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{TCP_KEEPALIVE_IDLE, TCP_KEEPALIVE_INTERVAL, TCP_KEEPALIVE_PROBES};

    #[test]
    fn options_escape_blanks_and_keep_empty_values() {
        let options = startup_options(Side::Source);
        assert!(options.contains("-c default_transaction_isolation=read\\ committed"));
        assert!(options.contains("-c search_path= -c"), "{options}");
        assert!(options.contains("-c row_security=off"));
        assert!(startup_options(Side::Destination).contains("-c row_security=off"));
    }

    #[test]
    fn the_server_looks_for_us_as_we_look_for_it() {
        for (name, ours) in [
            ("tcp_keepalives_idle", TCP_KEEPALIVE_IDLE.as_secs()),
            ("tcp_keepalives_interval", TCP_KEEPALIVE_INTERVAL.as_secs()),
            ("tcp_keepalives_count", TCP_KEEPALIVE_PROBES.into()),
        ] {
            for side in [SOURCE, DESTINATION] {
                assert!(side.contains(&(name, &ours.to_string())), "{name}");
            }
        }
    }

    #[test]
    fn sessions_of_the_source_wait_for_locks_only_so_long_and_walsenders_for_ever() {
        let waits = |settings: Vec<Setting>, most| settings.contains(&("lock_timeout", most));
        assert!(waits(settings(Side::Source), "15000".into()));
        assert!(waits(walsender_settings(), "0".into()));
        assert!(waits(settings(Side::Destination), "0".into()));
        assert!(startup_options(Side::Source).contains("-c lock_timeout=15000"));
    }

    #[test]
    fn limits_are_in_milliseconds_and_none_is_zero() {
        assert_eq!(
            limit(Some(Duration::from_secs(90)), None),
            "SET statement_timeout TO 90000; SET lock_timeout TO 0"
        );
    }
}
