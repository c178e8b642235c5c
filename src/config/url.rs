//! `url = "postgresql://user:password@host:port/database?sslmode=…"`, taken apart.

use percent_encoding::percent_decode_str;

use super::section::Section;

/// Parameters after the `?` and the keys they stand for.
const PARAMETERS: [(&str, &str); 15] = [
    ("host", "host"),
    ("port", "port"),
    ("dbname", "database"),
    ("user", "user"),
    ("password", "password"),
    ("sslmode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("sslkey", "sslkey"),
    ("sslcrl", "sslcrl"),
    ("sslpassword", "sslpassword"),
    ("sslnegotiation", "sslnegotiation"),
    ("ssl_min_protocol_version", "ssl_min_protocol_version"),
    ("channel_binding", "channel_binding"),
    ("passfile", "passfile"),
];

/// Parameters that libpq knows and walferry does not take, and why.
const REFUSED: [(&str, &str); 11] = [
    ("target_session_attrs", "a slot is on one server"),
    ("load_balance_hosts", "a slot is on one server"),
    (
        "hostaddr",
        "host may be an address, or a name that is looked up at each connect",
    ),
    ("service", "there are no service files: write what it says"),
    (
        "options",
        "walferry pins the settings of its sessions itself",
    ),
    (
        "application_name",
        "walferry names its sessions by what they do",
    ),
    (
        "fallback_application_name",
        "walferry names its sessions by what they do",
    ),
    ("client_encoding", "it is always UTF8"),
    (
        "replication",
        "walferry opens replication connections by itself",
    ),
    ("gssencmode", "there is no GSSAPI"),
    ("requiressl", "it is sslmode=require today"),
];

/// Most URLs that cannot be read hold a password with a character that means something in them.
const REMEDY: &str = "Write postgresql://user:password@host:port/database with the characters \
                      @ : / ? # % + & and spaces as %40 %3A %2F %3F %23 %25 %2B %26 %20, or use \
                      the separate keys, where nothing needs to be encoded";

/// Lays the parts of `url` into the section, each under its own key.
pub(super) fn unfold(section: &mut Section<'_>) {
    let from_environment = section.has("url") && !section.is_in_file("url");
    let Some(url) = section.text("url") else {
        return;
    };
    let parts = match split(&url) {
        Ok(parts) => parts,
        Err(why) => {
            section.fault("url", why, REMEDY);
            // so that what the URL would have said is not called missing as well
            for key in ["host", "database", "user"] {
                if !section.has(key) {
                    section.add_part_of_url(key, "unknown".to_owned(), from_environment);
                }
            }
            return;
        }
    };
    for (key, text) in parts {
        if section.has(key) {
            let what = format!("gives {key}, which is also given by itself or twice");
            section.fault("url", what, "Give it once");
        } else {
            section.add_part_of_url(key, text, from_environment);
        }
    }
}

type Parts = Vec<(&'static str, String)>;

/// The keys with their decoded values. Errors never quote the URL, they go on where the key ended.
fn split(url: &str) -> Result<Parts, String> {
    let rest = url
        .strip_prefix("postgresql://")
        .or_else(|| url.strip_prefix("postgres://"))
        .ok_or("must start with postgresql://")?;
    if rest.contains('#') {
        return Err("holds a #, which ends no URL of PostgreSQL".to_owned());
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    if authority.matches('@').count() > 1 || database.contains(['@', '/']) {
        return Err("cannot be taken apart without doubt".to_owned());
    }
    let mut parts = Parts::new();
    let (login, server) = match authority.rsplit_once('@') {
        Some((login, server)) => (login, server),
        None => ("", authority),
    };
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, password),
        None => (login, ""),
    };
    if password.contains(':') {
        return Err("cannot be taken apart without doubt".to_owned());
    }
    let (host, port) = host_and_port(server)?;
    for (key, text) in [
        ("user", user),
        ("password", password),
        ("host", host),
        ("port", port),
        ("database", database),
    ] {
        if !text.is_empty() {
            parts.push((key, decode(text)?));
        }
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        parts.push(parameter(pair)?);
    }
    Ok(parts)
}

fn host_and_port(server: &str) -> Result<(&str, &str), String> {
    if server.contains(',') {
        return Err("names more than one host".to_owned());
    }
    if let Some(address) = server.strip_prefix('[') {
        let (host, port) = address
            .split_once(']')
            .ok_or("has a [ that is not closed")?;
        return match port.strip_prefix(':') {
            Some(port) => Ok((host, port)),
            None if port.is_empty() => Ok((host, "")),
            None => Err("has something between ] and the port".to_owned()),
        };
    }
    let (host, port) = server.split_once(':').unwrap_or((server, ""));
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err("has a port that is not a number".to_owned());
    }
    Ok((host, port))
}

fn parameter(pair: &str) -> Result<(&'static str, String), String> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    if name == "connect_timeout" {
        return Ok(("connect_timeout", format!("{}s", decode(value)?)));
    }
    if let Some((_, why)) = REFUSED.iter().find(|(parameter, _)| *parameter == name) {
        return Err(format!(
            "has the parameter {name}, which is not for walferry: {why}"
        ));
    }
    let key = PARAMETERS.iter().find(|(parameter, _)| *parameter == name);
    match key {
        Some((_, key)) => Ok((key, decode(value)?)),
        // a name may be the rest of a password that was cut at a `?`
        None if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !value.is_empty() => {
            Err(format!(
                "has the parameter {name}, which walferry does not know"
            ))
        }
        None => Err("has a parameter that walferry does not know".to_owned()),
    }
}

/// `%40` → `@`. A plus stays a plus, as in libpq.
fn decode(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let whole = |at: usize| {
        bytes
            .get(at + 1..at + 3)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    let percents = text.match_indices('%');
    if percents.clone().any(|(at, _)| !whole(at)) {
        return Err("has a % that no two hexadecimal digits follow".to_owned());
    }
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| "is not UTF-8 once it is decoded".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{Target, fuzz, outcome, outcome_of_text};

    fn parts(url: &str) -> Vec<(String, String)> {
        let mut parts = split(url).unwrap();
        parts.sort();
        parts.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn every_part_is_decoded_and_a_plus_stays_a_plus() {
        assert_eq!(
            parts("postgresql://us%20er:p%40s+s%2F%C3%A9@db:6432/my%2Fdb?sslmode=require"),
            pairs(&[
                ("database", "my/db"),
                ("host", "db"),
                ("password", "p@s+s/é"),
                ("port", "6432"),
                ("sslmode", "require"),
                ("user", "us er"),
            ])
        );
    }

    #[test]
    fn sockets_and_ipv6_addresses_are_hosts() {
        assert_eq!(
            parts("postgres://u@%2Frun%2Fpg/d"),
            pairs(&[("database", "d"), ("host", "/run/pg"), ("user", "u")])
        );
        assert_eq!(
            parts("postgres:///d?host=/run/pg&user=u"),
            pairs(&[("database", "d"), ("host", "/run/pg"), ("user", "u")])
        );
        assert_eq!(
            parts("postgres://u@[::1]:5433/d"),
            pairs(&[
                ("database", "d"),
                ("host", "::1"),
                ("port", "5433"),
                ("user", "u")
            ])
        );
    }

    #[test]
    fn parameters_of_libpq_are_taken_or_refused_with_a_reason() {
        let taken = "?sslmode=verify-ca&sslrootcert=%2Fetc%2Fca%20x.pem&&channel_binding=require\
                     &sslnegotiation=direct&connect_timeout=7";
        assert_eq!(
            parts(&format!("postgresql://h{taken}")),
            pairs(&[
                ("channel_binding", "require"),
                ("connect_timeout", "7s"),
                ("host", "h"),
                ("sslmode", "verify-ca"),
                ("sslnegotiation", "direct"),
                ("sslrootcert", "/etc/ca x.pem"),
            ])
        );
        let error = split("postgresql://h/d?target_session_attrs=primary").unwrap_err();
        assert!(error.contains("a slot is on one server"), "{error}");
    }

    #[test]
    fn a_password_that_is_not_encoded_is_refused_and_never_quoted() {
        for password in [
            "can@ary", "can/ary", "can?ary", "can#ary", "can%ary", "can:ary",
        ] {
            let error = split(&format!("postgresql://u:{password}@h:1/d")).unwrap_err();
            assert!(!error.contains("ary"), "{error}");
        }
        assert!(split("mysql://u@h/d").is_err());
        let error = split("postgresql://u@h/d?keepalives=1").unwrap_err();
        assert!(error.contains("keepalives"), "{error}");
    }

    #[test]
    fn fuzzed_urls_never_panic_and_never_show_the_password() {
        let samples = [
            "postgresql://us%20er:k4n4r1@db:6432/my%2Fdb?sslmode=require&connect_timeout=5",
            "postgres:///d?host=/run/pg&user=u&password=k4n4r1",
            "postgres://u:k4n4r1@[::1]:5433/d",
        ];
        let target = Target {
            name: "url",
            one_in: 10,
            times: 64,
            samples: samples.map(|url| url.as_bytes().to_vec()).to_vec(),
        };
        fuzz(target, |bytes| {
            match split(&String::from_utf8_lossy(bytes)) {
                Ok(parts) => outcome(parts.iter().map(|(key, _)| *key).collect::<Vec<_>>()),
                Err(why) => {
                    assert!(!why.contains("k4n4r1"), "{why}");
                    outcome_of_text(&why)
                }
            }
        });
    }
}
