//! Every `sslmode` against every sort of server, beside psql: what libpq does is the measure.
//!
//! The table that comes out stands in docs/security.md, and has to be the same.

use std::fmt::Write as _;

use tokio::process::Command;
use walferry::error::Kind;
use walferry::transport::connect;

use super::identities::{Identities, Identity};
use super::{PASSWORD, PASSWORD_RULE, Place};
use crate::support::{majors, run};

const MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// How a connection ended.
const ENCRYPTED: &str = "TLS";
const PLAIN: &str = "clear";
const REFUSED: &str = "no";

/// Certificates that only those who do not have to show one may leave out.
const DEMANDING: &str = "hostssl all all all scram-sha-256 clientcert=verify-full\n\
                         hostnossl all all all scram-sha-256";

/// A server, and what its clients are told about it.
struct State<'a> {
    /// As the document has it.
    name: &'static str,
    identity: Option<&'a Identity>,
    rules: &'static str,
    /// Keys that libpq and walferry share, with the names of files.
    rows: &'static [&'static [(&'static str, &'static str)]],
    /// Of TLS, at the server.
    version_max: &'static str,
}

const ROOT: &[(&str, &str)] = &[("sslrootcert", "ca.pem")];
const CLIENT: &[(&str, &str)] = &[
    ("sslrootcert", "ca.pem"),
    ("sslcert", "client.pem"),
    ("sslkey", "client.key"),
];
const STRANGER: &[(&str, &str)] = &[
    ("sslrootcert", "ca.pem"),
    ("sslcert", "stranger.pem"),
    ("sslkey", "stranger.key"),
];

fn states(identities: &Identities) -> Vec<State<'_>> {
    let state = |name, identity, rows| State {
        name,
        identity,
        rules: PASSWORD_RULE,
        rows,
        version_max: "",
    };
    let good = Some(&identities.good);
    let mut states = vec![
        state("no TLS", None, &[&[], ROOT]),
        state(
            "good",
            good,
            &[
                &[],
                ROOT,
                &[("sslrootcert", "ca.pem"), ("sslcrl", "none.crl")],
            ],
        ),
        state(
            "revoked",
            good,
            &[&[("sslrootcert", "ca.pem"), ("sslcrl", "good.crl")]],
        ),
        state(
            "good, list out of date",
            good,
            &[&[("sslrootcert", "ca.pem"), ("sslcrl", "old.crl")]],
        ),
        state(
            "good, list of another authority",
            good,
            &[&[("sslrootcert", "ca.pem"), ("sslcrl", "other.crl")]],
        ),
        state(
            "self-signed, CA:TRUE",
            Some(&identities.alone),
            &[&[], ROOT, &[("sslrootcert", "alone.pem")]],
        ),
        state("of another authority", Some(&identities.other), &[ROOT]),
        state("of another name", Some(&identities.elsewhere), &[ROOT]),
        state("expired", Some(&identities.expired), &[ROOT]),
        state("version 1", Some(&identities.version_1), &[&[], ROOT]),
        state("common name only", Some(&identities.commonly), &[ROOT]),
        state(
            "wants a client certificate",
            good,
            &[ROOT, CLIENT, STRANGER],
        ),
        state("takes TLS only", good, &[ROOT]),
        state("takes no TLS", good, &[ROOT]),
    ];
    states[11].rules = DEMANDING;
    states[12].rules = "hostssl all all all scram-sha-256";
    states[13].rules = "hostnossl all all all scram-sha-256";
    let older = [
        ("version 1, TLS 1.2", states[9].identity, PASSWORD_RULE, 9),
        ("wants a client certificate, TLS 1.2", good, DEMANDING, 11),
    ];
    for (name, identity, rules, like) in older {
        let rows = states[like].rows;
        states.push(State {
            name,
            identity,
            rules,
            rows,
            version_max: "TLSv1.2",
        });
    }
    states
}

#[tokio::test]
async fn every_mode_does_what_psql_does_with_every_server() {
    let mut tables = Vec::new();
    for major in majors().await {
        let place = Place::on(major).await;
        let identities = Identities::put(&place);
        let mut table = String::new();
        for state in states(&identities) {
            place
                .set("ssl_max_protocol_version", state.version_max)
                .await;
            place.serve(state.identity, state.rules).await;
            for row in state.rows {
                let files: Vec<&str> = row.iter().map(|(_, file)| *file).collect();
                let known = match files.as_slice() {
                    [] => "–".to_owned(),
                    files => files.join(", "),
                };
                let _ = write!(table, "| {} | {known} |", state.name);
                for cell in cells(&place, row).await {
                    let _ = write!(table, " {cell} |");
                }
                table.push('\n');
            }
        }
        tables.push((major, table));
    }
    let document = include_str!("../../docs/security.md");
    for (major, table) in tables {
        let missing: Vec<&str> = table
            .lines()
            .filter(|row| !document.contains(row))
            .collect();
        assert!(
            missing.is_empty(),
            "docs/security.md lacks these rows of PostgreSQL {major}: {missing:#?}\n{table}"
        );
    }
}

/// One row: all modes at once, psql's word and ours, which have to be the same.
async fn cells(place: &Place, row: &[(&str, &str)]) -> Vec<&'static str> {
    let cells = MODES.map(|mode| async move {
        let keys: Vec<String> = row
            .iter()
            .map(|(key, file)| format!("{key} = {}", place.file(file)))
            .chain([format!("sslmode = \"{mode}\"")])
            .collect();
        let keys = keys.join("\n");
        let by_psql = psql(place, &keys).await;
        let ours = ours(place, &format!("matrix-{mode}"), &keys).await;
        assert_eq!(ours.0, by_psql.0, "{keys}\n{}\n{}", ours.1, by_psql.1);
        ours.0
    });
    futures_util::future::join_all(cells).await
}

const IS_ENCRYPTED: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// Its settings are ours, in other quotes.
async fn psql(place: &Place, keys: &str) -> (&'static str, String) {
    let settings = keys.replace('"', "'").replace('\n', " ");
    let mut command = Command::new("psql");
    let port = place.cluster.port();
    command
        .args(["-X", "-A", "-t", "-w", "-c", IS_ENCRYPTED])
        .arg(format!(
            "host=localhost port={port} dbname=app user=walferry {settings}"
        ))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", place.home.path())
        .env("PGPASSWORD", PASSWORD);
    let ran = run(&mut command).await;
    let cell = match (ran.code, ran.out.trim()) {
        (Some(0), "t") => ENCRYPTED,
        (Some(0), "f") => PLAIN,
        (Some(2), "") => REFUSED,
        other => panic!("{other:?}: {ran:?}"),
    };
    (cell, ran.err)
}

async fn ours(place: &Place, name: &str, keys: &str) -> (&'static str, String) {
    let keys = format!("{keys}\npassword_file = \"password\"");
    let config = place.config(name, "localhost", &keys);
    let config = match walferry::config::load(Some(&config)) {
        Ok(config) => config,
        // refused before anybody is asked, as by psql
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains("nothing says which authority"), "{said}");
            return (REFUSED, said);
        }
    };
    match connect(&config.source.endpoint, "matrix").await {
        Ok(client) => {
            let row = client.query_one(IS_ENCRYPTED, &[]).await.unwrap();
            let encrypted: bool = row.get(0);
            let cell = if encrypted { ENCRYPTED } else { PLAIN };
            (cell, "walferry was let in".to_owned())
        }
        Err(error) => {
            let kind = error.kind();
            let named = matches!(kind, Kind::Tls | Kind::Authentication);
            assert!(named && error.hint().is_some(), "{kind:?}: {error}");
            (REFUSED, error.to_string())
        }
    }
}
