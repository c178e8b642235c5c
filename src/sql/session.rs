//! Settings that a session pins, so that no `ALTER ROLE … SET` or `ALTER DATABASE … SET` of an
//! administrator changes what values look like, where names lead or how long work may take.
//!
//! They go into the startup packet, which wins over those two and needs no round trip.

use std::time::Duration;

use crate::error::Side;

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
            ("client_encoding", "UTF8"),
            // how values and statements are read
            ("array_nulls", "on"),
            ("xmloption", "content"),
            ("standard_conforming_strings", "on"),
            // where names lead: nowhere, all of ours are qualified
            ("search_path", ""),
            // how long work may take: walferry has bounds of its own
            ("statement_timeout", "0"),
            ("lock_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
            ("default_transaction_isolation", "read committed"),
            $($more),*
        ]
    };
}

/// `row_security = off` makes a policy raise an error instead of hiding rows.
const SOURCE: &[(&str, &str)] = common!(("row_security", "off"));

/// Durable means durable: a checkpoint is acknowledged because its commit was flushed.
const DESTINATION: &[(&str, &str)] = common!(
    ("default_transaction_read_only", "off"),
    ("synchronous_commit", "on"),
);

/// Names and values as the startup packet takes them, with a parameter for each.
pub fn settings(side: Side) -> &'static [(&'static str, &'static str)] {
    match side {
        Side::Source => SOURCE,
        Side::Destination => DESTINATION,
    }
}

/// The same as the one startup parameter `options`, for drivers that send no others.
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
    let milliseconds = |limit: Option<Duration>| limit.map_or(0, |limit| limit.as_millis());
    format!(
        "SET statement_timeout TO {}; SET lock_timeout TO {}",
        milliseconds(statement),
        milliseconds(lock)
    )
}

/// Time limits that older servers would refuse by name; `version` is their `server_version`.
pub fn settings_of_newer_servers(version: &str) -> &'static str {
    let digits = version.find(|c: char| !c.is_ascii_digit());
    let major: u32 = version[..digits.unwrap_or(version.len())]
        .parse()
        .unwrap_or_default();
    newer_settings(major)
}

/// The same for a known major version.
pub fn newer_settings(major: u32) -> &'static str {
    match major {
        0..14 => "",
        14..17 => "SET idle_session_timeout TO 0",
        17.. => "SET idle_session_timeout TO 0; SET transaction_timeout TO 0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_escape_blanks_and_keep_empty_values() {
        let options = startup_options(Side::Source);
        assert!(options.contains("-c default_transaction_isolation=read\\ committed"));
        assert!(options.contains("-c search_path= -c"), "{options}");
        assert!(options.contains("-c row_security=off"));
        assert!(!startup_options(Side::Destination).contains("row_security"));
    }

    #[test]
    fn limits_are_in_milliseconds_and_none_is_zero() {
        assert_eq!(
            limit(Some(Duration::from_secs(90)), None),
            "SET statement_timeout TO 90000; SET lock_timeout TO 0"
        );
    }

    #[test]
    fn a_server_is_only_told_of_limits_that_it_has() {
        assert_eq!(settings_of_newer_servers("9.6.2"), "");
        assert_eq!(settings_of_newer_servers("13.23"), "");
        assert!(settings_of_newer_servers("15.8 (Debian 15.8-1)").contains("idle_session"));
        assert!(settings_of_newer_servers("18beta1").contains("transaction_timeout"));
    }
}
