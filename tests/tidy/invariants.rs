//! The invariants of docs/architecture.md.

use super::scan::Source;
use super::{none, sources};

/// The part of the tree that a path belongs to: `src/apply/table.rs` → `apply`.
fn module(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    let first = inner.split('/').next().unwrap_or(inner);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn is_pure(path: &str) -> bool {
    matches!(module(path), "decode" | "batch")
}

/// `decode` and `batch` have no I/O and no async, and know no stage but what comes before them.
fn purity(files: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| is_pure(&file.path)) {
        for word in [
            "async",
            "await",
            "tokio",
            "tokio_postgres",
            "futures_util",
            "std::io",
            "std::net",
            "std::fs",
            "std::process",
            "std::thread",
            "std::time",
        ] {
            let used = file.uses(word);
            faults.extend(used.map(|at| format!("{}: {word} in a pure stage", file.place(at))));
        }
        for at in file.uses("crate::") {
            let rest = &file.code[at + "crate::".len()..];
            let allowed = [
                "limits::",
                "decode::",
                "lsn::",
                "catalog::Equality;",
                "catalog::TableName;",
                // what becomes of a value, which is pure as well
                "protect::Treatment;",
            ];
            let same = format!("{}::", module(&file.path));
            // how a replica identity is called is PostgreSQL's word, and shared
            let fits = allowed.iter().any(|start| rest.starts_with(start))
                || rest.starts_with(&same)
                || rest.starts_with("catalog::ReplicaIdentity;");
            if !fits {
                faults.push(format!("{}: a pure stage imports another", file.place(at)));
            }
        }
    }
    faults
}

/// Only `apply` and `snapshot` write user tables.
fn writers(files: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    let others = files
        .iter()
        .filter(|file| !matches!(module(&file.path), "apply" | "snapshot" | "sql" | "demo"));
    for file in others {
        for start in ["sql::apply", "sql::load"] {
            for at in file.uses(start) {
                let rest = &file.code[at + start.len()..];
                let name = rest.strip_prefix("::").unwrap_or_default();
                let harmless = ["BEGIN", "COMMIT", "ROLLBACK", "grant_usage"];
                if !harmless.iter().any(|harmless| name.starts_with(harmless)) {
                    faults.push(format!("{}: statements that write rows", file.place(at)));
                }
            }
        }
        for at in file.uses("sql::{") {
            let end = file.code[at..]
                .find('}')
                .map_or(file.code.len(), |end| at + end);
            let list = &file.code[at..end];
            let words = list.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            if words
                .into_iter()
                .any(|word| matches!(word, "apply" | "load"))
            {
                faults.push(format!("{}: statements that write rows", file.place(at)));
            }
        }
        let copies = file.uses("copy_in");
        faults.extend(copies.map(|at| format!("{}: COPY into a table", file.place(at))));
    }
    faults
}

/// Only `checkpoint` makes a `DurableLsn`. Its field is private; this finds the ways around.
fn durable(files: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        if module(&file.path) == "checkpoint" {
            let made_by_all = file.code.find("struct DurableLsn").and_then(|at| {
                let attributes = &file.code[..at];
                attributes[attributes.rfind("#[derive")?..].find("Default")
            });
            let fault = "everybody can make a DurableLsn by default";
            faults.extend(made_by_all.map(|_| format!("{}: {fault}", file.path)));
            continue;
        }
        for made in ["DurableLsn(", "DurableLsn {", "DurableLsn::"] {
            // a function that returns one: `-> DurableLsn {`
            let ways = file
                .uses(made)
                .filter(|at| !file.code[..*at].ends_with("-> "));
            faults.extend(ways.map(|at| format!("{}: makes a DurableLsn", file.place(at))));
        }
    }
    faults
}

/// A literal begins as a statement does. Words such as `UPDATE` alone, and prose that begins with
/// one of them, are none.
fn is_statement(literal: &str) -> bool {
    let text = literal.replace("\\n", " ").replace("\\\n", " ");
    let mut words = text.split_whitespace();
    let (Some(first), second) = (words.next(), words.next().unwrap_or_default()) else {
        return false;
    };
    let has = |word: &str| text.split_whitespace().any(|other| other == word);
    let loud = |word: &str| {
        let mut letters = word.chars().filter(char::is_ascii_alphabetic).peekable();
        letters.peek().is_some() && letters.all(|letter| letter.is_ascii_uppercase())
    };
    match first.trim_end_matches(';') {
        "BEGIN" | "COMMIT" | "ROLLBACK" => second.is_empty() || loud(second),
        "SELECT" | "WITH" => {
            // "SELECT every column …" is prose
            let prose = ["every", "on", "is", "may", "to", "and", "or", "for"];
            !second.is_empty() && !prose.contains(&second)
        }
        "INSERT" => second == "INTO",
        "DELETE" => second == "FROM",
        "UPDATE" => has("SET"),
        "SET" => second == "LOCAL" || second == "SESSION" || text.contains('=') || has("TO"),
        "COPY" => has("FROM") || has("TO"),
        "CREATE" | "ALTER" | "DROP" | "LOCK" | "START" => loud(second),
        "GRANT" => has("TO"),
        "REVOKE" => has("FROM"),
        "TRUNCATE" | "ANALYZE" | "VACUUM" => !second.is_empty() && second != "and",
        "START_REPLICATION" | "CREATE_REPLICATION_SLOT" | "IDENTIFY_SYSTEM" => true,
        _ => false,
    }
}

/// There is no statement text outside `sql` and `*.sql` files.
fn statements(files: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| module(&file.path) != "sql") {
        for (at, literal) in &file.literals {
            // also after "Run: ", the way remedies quote one
            let parts = literal.split(": ");
            if !file.in_tests(*at) && parts.into_iter().any(is_statement) {
                faults.push(format!("{}: statement text", file.place(*at)));
            }
        }
    }
    faults
}

/// Only `transport` reaches a server; the status page of a daemon on this machine is none.
fn ways_out(files: &[Source]) -> Vec<String> {
    let others = files.iter().filter(|file| {
        let module = module(&file.path);
        !matches!(module, "transport" | "demo") && file.path != "src/observe/http/client.rs"
    });
    let mut faults = Vec::new();
    for file in others {
        for way in [
            "TcpStream::connect",
            "UnixStream::connect",
            "TcpSocket::new",
            "lookup_host",
            "NoTls",
            "connect_raw",
            "cancel_token",
            "russh::",
        ] {
            let used = file.uses(way).filter(|at| !file.in_tests(*at));
            faults.extend(used.map(|at| format!("{}: a way around transport", file.place(at))));
        }
    }
    faults
}

/// Nothing imports `cli` but `main.rs`.
fn command_line(files: &[Source]) -> Vec<String> {
    let others = files
        .iter()
        .filter(|file| module(&file.path) != "cli" && module(&file.path) != "main");
    others
        .flat_map(|file| {
            let ways = ["crate::cli", "walferry::cli", "super::cli"];
            let used = ways.into_iter().flat_map(|way| file.uses(way));
            used.map(|at| format!("{}: imports cli", file.place(at)))
        })
        .collect()
}

/// Config's raw structs never leave `config`.
fn raw(files: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        let inside = module(&file.path) == "config";
        let ways: &[&str] = if inside {
            &[
                "pub mod raw",
                "pub use raw",
                "pub(crate) mod raw",
                "pub(crate) use raw",
            ]
        } else {
            &["config::raw"]
        };
        for way in ways {
            let used = file.uses(way);
            faults.extend(used.map(|at| format!("{}: raw configuration", file.place(at))));
        }
    }
    faults
}

/// Every bound has a name in `limits`, and every name there bounds something.
fn limits(files: &[Source]) -> Vec<String> {
    let is_limits = |file: &&Source| module(&file.path) == "limits";
    let Some(limits) = files.iter().find(is_limits) else {
        return vec!["src/limits.rs is gone".to_owned()];
    };
    let names = super::documents::constants(limits);
    let unused = names.iter().filter(|name| {
        let others = files.iter().filter(|file| !is_limits(file));
        !others
            .into_iter()
            .any(|file| file.uses(name).next().is_some())
    });
    let mut faults: Vec<String> = unused
        .map(|name| format!("{name} bounds nothing"))
        .collect();
    for file in files {
        for way in ["unbounded_channel()", "channel::unbounded"] {
            let used = file.uses(way).filter(|at| !is_excused(file, *at));
            faults.extend(used.map(|at| format!("{}: a queue without a bound", file.place(at))));
        }
    }
    faults
}

/// The finishers' queue holds each large table once.
fn is_excused(file: &Source, at: usize) -> bool {
    let line_start = file.code[..at].rfind('\n').map_or(0, |start| start + 1);
    file.path == "src/snapshot/load.rs" && file.code[line_start..at].contains("filled, to_finish")
}

#[test]
fn decoding_and_folding_are_pure() {
    none(&purity(&sources()));
    let planted = |path, text| purity(&[Source::new(path, text)]).len();
    assert_eq!(planted("src/batch/mod.rs", "async fn f() {}"), 1);
    assert_eq!(planted("src/decode/a.rs", "use std::io::Read;"), 1);
    assert_eq!(planted("src/batch/a.rs", "use crate::apply::Applier;"), 1);
    assert_eq!(
        planted("src/batch/a.rs", "use crate::catalog::source::Facts;"),
        1
    );
    assert_eq!(
        planted("src/batch/a.rs", "// async\nuse crate::lsn::Lsn;"),
        0
    );
    assert_eq!(planted("src/apply/mod.rs", "async fn f() {}"), 0);
}

#[test]
fn only_the_applier_and_the_initial_load_write_user_tables() {
    none(&writers(&sources()));
    let planted = |text| writers(&[Source::new("src/pipeline/a.rs", text)]).len();
    assert_eq!(planted("use crate::sql::apply as sql;"), 1);
    assert_eq!(planted("use crate::sql::{load, probe};"), 1);
    assert_eq!(planted("x(crate::sql::apply::delete(s, t));"), 1);
    assert_eq!(planted("client.copy_in(text).await"), 1);
    assert_eq!(
        planted("x(crate::sql::apply::COMMIT); use crate::sql::{probe, teardown};"),
        0
    );
}

#[test]
fn only_the_checkpoint_makes_a_durable_position() {
    none(&durable(&sources()));
    let planted = |path, text| durable(&[Source::new(path, text)]).len();
    assert_eq!(planted("src/apply/a.rs", "let at = DurableLsn(lsn);"), 1);
    assert_eq!(
        planted("src/apply/a.rs", "let at = DurableLsn::default();"),
        1
    );
    assert_eq!(
        planted("src/apply/a.rs", "fn f(&self) -> DurableLsn { self.at }"),
        0
    );
    let derived = "#[derive(Clone, Default)] pub struct DurableLsn(Lsn);";
    assert_eq!(planted("src/checkpoint/mod.rs", derived), 1);
}

#[test]
fn statement_text_is_made_in_one_place() {
    none(&statements(&sources()));
    for text in [
        "SELECT 1",
        "  SELECT pg_catalog.now()",
        "COMMIT",
        "BEGIN; SET TRANSACTION",
        "INSERT INTO t VALUES ($1)",
        "UPDATE {} SET a = 1",
        "CREATE TABLE {name} ()",
        "COPY {} FROM STDIN",
        "TRUNCATE {}",
        "SET search_path TO ''",
        "GRANT SELECT ON t TO r",
        "Drop it: SELECT pg_drop_replication_slot('x');",
    ] {
        let file = Source::new("src/pipeline/a.rs", &format!("fn f() {{ run({text:?}); }}"));
        assert_eq!(statements(&[file]).len(), 1, "{text}");
    }
    for text in [
        "UPDATE",
        "TRUNCATE",
        "SELECT every column of the table",
        "Set [source.replication] slot back",
        "CREATE and TEMPORARY on the database",
        "Drop, rename or empty it",
        "DELETE and UPDATE are refused",
    ] {
        let file = Source::new("src/pipeline/a.rs", &format!("fn f() {{ say({text:?}); }}"));
        assert!(statements(&[file]).is_empty(), "{text}");
    }
}

#[test]
fn only_the_transport_reaches_a_server() {
    none(&ways_out(&sources()));
    let planted = |path, text| ways_out(&[Source::new(path, text)]).len();
    let text = "fn f() { TcpStream::connect(address).await }";
    assert_eq!(planted("src/snapshot/a.rs", text), 1);
    assert_eq!(
        planted("src/apply/a.rs", "fn f() { client.cancel_token() }"),
        1
    );
    assert_eq!(planted("src/transport/dial.rs", text), 0);
}

#[test]
fn nothing_imports_the_command_line() {
    none(&command_line(&sources()));
    let planted = Source::new("src/demo/a.rs", "use crate::cli::Outcome;");
    assert_eq!(command_line(&[planted]).len(), 1);
}

#[test]
fn what_was_written_never_leaves_the_configuration() {
    none(&raw(&sources()));
    let planted = |path, text| raw(&[Source::new(path, text)]).len();
    assert_eq!(
        planted("src/pipeline/a.rs", "use crate::config::raw::Written;"),
        1
    );
    assert_eq!(planted("src/config/mod.rs", "pub use raw::Written;"), 1);
}

#[test]
fn every_bound_has_its_place_and_its_use() {
    none(&limits(&sources()));
    let bound = || Source::new("src/limits.rs", "pub const A_MAX: usize = 1;");
    let faults = |text| limits(&[bound(), Source::new("src/apply/a.rs", text)]).len();
    assert_eq!(faults("fn f() { g(A_MAX) }"), 0);
    assert_eq!(faults(""), 1);
    assert_eq!(
        faults("fn f() { g(A_MAX); let c = mpsc::unbounded_channel(); }"),
        1
    );
}
