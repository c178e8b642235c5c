//! Whole configurations, good and bad.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use config::{Map, Value, ValueKind};
use secrecy::ExposeSecret;

use super::section::{Context, Section};
use super::*;
use crate::error::{Error, Kind};
use crate::transport::ssh::{Hop, HostKey, Key};
use crate::transport::{Host, Secret, SslMode};

const EXAMPLE: &str = include_str!("../../config/walferry.example.toml");

const MINIMAL: &str = r#"
[pipeline]
name = "My-App"
[source]
host = "a"
database = "app"
user = "walferry"
[destination]
host = "/run/postgresql"
database = "app"
user = "walferry"
schema_prefix = "app"
"#;

fn with_environment(text: &str, variables: &[(&str, &str)]) -> Result<Config> {
    let variables: Map<String, String> = variables
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    check::check(&raw::Written {
        tree: raw::merge(text, None, variables)?,
        file: None,
        exposed: None,
    })
}

fn faults(text: &str) -> String {
    let error: Error = parse(text).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    error.to_string()
}

/// `text` with `line` added at the start of `[section]`.
fn adding(section: &str, line: &str) -> String {
    let head = format!("[{section}]\n");
    if MINIMAL.contains(&head) {
        MINIMAL.replace(&head, &format!("{head}{line}\n"))
    } else {
        format!("{MINIMAL}{head}{line}\n")
    }
}

#[test]
fn what_is_not_written_has_its_documented_default() {
    let config = parse(MINIMAL).unwrap();
    assert_eq!(config.pipeline, "My-App");
    assert_eq!(config.source.slot, "walferry_my_app");
    assert_eq!(config.source.publications, ["walferry_my_app"]);
    let endpoint = &config.source.endpoint;
    assert_eq!(endpoint.port, 5432);
    assert_eq!(endpoint.tls.mode, SslMode::VerifyFull);
    assert_eq!(endpoint.connect_timeout, Duration::from_secs(15));
    assert!(endpoint.password.is_none());
    let destination = &config.destination;
    assert_eq!(
        destination.endpoint.host,
        Host::Unix("/run/postgresql".into())
    );
    assert_eq!(destination.state_schema, "walferry");
    assert!(config.tables.selects("any", "table"));
    assert_eq!(config.apply.batch_rows_max, 100_000);
    assert_eq!(config.apply.memory_bytes_max, 64 << 20);
    assert_eq!(config.snapshot.workers, 4);
    let observability = &config.observability;
    assert_eq!(
        observability.listen.map(|address| address.to_string()),
        Some("127.0.0.1:9780".to_owned())
    );
    assert_eq!(observability.log_format, LogFormat::Text);
    assert_eq!(observability.log_level, "info");
}

#[test]
fn faults_of_every_sort_come_out_in_one_go() {
    let text = faults(
        r#"
        [pipeline]
        [source]
        host = "a"
        prot = 5433
        port = "5433"
        slot = "x"
        database = 7
        user = "walferry"
        connect_timeout = "soon"
        sslmode = "full"
        [destination]
        host = "b"
        database = "app"
        user = "walferry"
        schema_prefix = "1app_"
        readers = "analyst"
        [tables]
        include = ["users"]
        [snapshot]
        workers = 65
        [observability]
        listen = "localhost"
        log_level = "infoo"
        [aply]
        x = 1
        "#,
    );
    for part in [
        "The configuration has 14 faults:",
        "pipeline.name is missing",
        "source.prot is not a key of walferry. Did you mean source.port?",
        "source.slot is not a key of walferry. Did you mean source.replication.slot?",
        "source.port must be a whole number from 1 to 65535, not the text \"5433\"",
        "source.database must be text, not a number",
        "source.connect_timeout must be a duration",
        "source.sslmode must be disable, allow,",
        "destination.schema_prefix must start and end with a letter",
        "destination.readers must be a list of texts",
        "tables.include has the pattern \"users\", which has no dot",
        "snapshot.workers must be a whole number from 1 to 64",
        "observability.listen must be an IP address with a port",
        "observability.log_level must be",
        "aply is not a key of walferry. Did you mean apply?",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn the_environment_wins_and_is_named_when_it_is_wrong() {
    let config = with_environment(
        MINIMAL,
        &[
            ("SOURCE__PORT", "6543"),
            ("SOURCE__PASSWORD", "007"),
            ("TABLES__INCLUDE", "a.*, b.*"),
            ("OBSERVABILITY__LISTEN", ""),
            ("DESTINATION__SCHEMAS__PUBLIC", "crm"),
        ],
    )
    .unwrap();
    assert_eq!(config.source.endpoint.port, 6543);
    let Some(Secret::Inline(password)) = &config.source.endpoint.password else {
        panic!("no inline password");
    };
    assert_eq!(password.expose_secret(), "007");
    assert!(config.tables.selects("b", "t") && !config.tables.selects("c", "t"));
    assert_eq!(config.observability.listen, None);
    assert_eq!(
        config.destination.naming.destination_schema("public"),
        "crm"
    );

    let error = with_environment(MINIMAL, &[("SOURCE__PRT", "1"), ("SOURCE__PORT", "x")])
        .unwrap_err()
        .to_string();
    assert!(error.contains("WALFERRY__SOURCE__PORT must be"), "{error}");
    assert!(error.contains("WALFERRY__SOURCE__PRT is not"), "{error}");
}

#[test]
fn a_url_gives_the_same_keys_and_may_not_repeat_them() {
    let text = r#"
        [pipeline]
        name = "app"
        [source]
        url = "postgresql://us%40er:p%40%2F%3F%23%5B%5D%5C%22%20%26%3A%27%C3%A9+@h:6432/d?sslmode=require&connect_timeout=3"
        [destination]
        url = "postgresql://u@[::1]/d"
        schema_prefix = "app"
    "#;
    let source = parse(text).unwrap().source.endpoint;
    assert_eq!(source.user, "us@er");
    assert_eq!((source.port, source.database.as_str()), (6432, "d"));
    assert_eq!(source.tls.mode, SslMode::Require);
    assert_eq!(source.connect_timeout, Duration::from_secs(3));
    let Some(Secret::Inline(password)) = source.password else {
        panic!("no inline password");
    };
    assert_eq!(password.expose_secret(), "p@/?#[]\\\" &:'é+");

    let twice = faults(&text.replace("[source]", "[source]\nport = 1\npassword = \"canary\""));
    assert!(twice.contains("source.url gives port"), "{twice}");
    assert!(twice.contains("source.url gives password"), "{twice}");
    assert!(!twice.contains("canary"), "{twice}");
}

#[test]
fn a_bad_url_is_one_fault_and_is_never_quoted() {
    let text = MINIMAL.replacen(
        "host = \"a\"\ndatabase = \"app\"\nuser = \"walferry\"",
        "url = \"postgresql://u:can@ary@h/d\"",
        1,
    );
    let text = faults(&text);
    assert!(text.contains("has 1 fault:"), "{text}");
    assert!(text.contains("%40") && !text.contains("ary@"), "{text}");
}

#[test]
fn ssh_servers_are_read_in_the_order_of_the_way_and_a_jump_takes_what_it_does_not_say() {
    let lines = "host = \"inner\"\nuser = \"tunnel\"\nagent_socket = \"/agent\"\n\
                 [[source.ssh.jump]]\nhost = \"outer\"\nport = 2222\n\
                 host_key = \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"";
    let config = parse(&adding("source.ssh", lines)).unwrap();
    let hops = &config.source.endpoint.hops;
    let addresses: Vec<String> = hops.iter().map(Hop::address).collect();
    assert_eq!(addresses, ["outer:2222", "inner:22"]);
    assert_eq!(hops[0].user, "tunnel");
    assert!(matches!(&hops[0].identity.key, Key::Agent(Some(socket)) if socket.is_absolute()));
    assert!(matches!(hops[0].host_key, HostKey::Pinned(_)));
    assert!(matches!(hops[1].host_key, HostKey::UsualFiles));
    assert!(config.destination.endpoint.hops.is_empty());
}

#[test]
fn the_faults_of_an_ssh_section_come_out_in_one_go() {
    let text = faults(&adding(
        "source.ssh",
        "host = \"tunnel@bastion\"\nprivate_key_file = \"/etc/hosts\"\nagent_socket = \"/a\"\n\
         known_hosts_file = [\"/nowhere\"]\nhost_key = \"SHA256:x\"\ncertificate_file = \"/n\"\n\
         jump = [\"u@h\"]",
    ));
    for part in [
        "source.ssh.host must be one host name",
        "source.ssh.user is missing",
        "source.ssh.private_key_file names /etc/hosts, which others can get at",
        "source.ssh.agent_socket is given together",
        "source.ssh.known_hosts_file names /nowhere",
        "source.ssh.host_key is given together",
        "source.ssh.host_key must be a fingerprint",
        "source.ssh.certificate_file names /n",
        "source.ssh.jump must be sections of keys",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let alone = faults(&adding(
        "source.ssh",
        "host = \"b\"\nuser = \"u\"\npassphrase = \"canary\"",
    ));
    assert!(alone.contains("passphrase is given without"), "{alone}");
    assert!(!alone.contains("canary"), "{alone}");
}

#[test]
fn rules_between_keys_hold() {
    for (section, line, part) in [
        (
            "source",
            "sslcert = \"/etc/hosts\"",
            "source.sslkey is missing",
        ),
        (
            "source",
            "sslkey = \"/nowhere\"",
            "source.sslcert is missing",
        ),
        (
            "source",
            "sslrootcert = \"/nowhere\"",
            "source.sslrootcert names /nowhere",
        ),
        (
            "source",
            "sslrootcert = \"system\"\nsslmode = \"require\"",
            "must be verify-full",
        ),
        ("source", "sslmode = \"verify-ca\"", "which authority"),
        ("apply", "lock_timeout = \"1ms\"", "a duration from 100ms"),
        (
            "source",
            "password = \"a\"\npassword_command = \"b c\"",
            "given in 2 ways",
        ),
        ("source", "password_command = \"\"", "names no program"),
        (
            "source.replication",
            "slot = \"Upper\"",
            "may hold only lower-case",
        ),
        ("destination", "state_schema = \"pg_x\"", "keeps for itself"),
        (
            "destination",
            "readers = [\"\"]",
            "destination.readers has the role",
        ),
        (
            "destination.schemas",
            "a = \"walferry\"",
            "as state_schema does",
        ),
        ("destination.schemas", "a = \"x\"\nb = \"x\"", "as a does"),
        (
            "destination.schemas",
            "a = \"\"",
            "destination.schemas.a is empty",
        ),
        (
            "apply",
            "memory_max = \"1 KiB\"",
            "a size from 1 MiB to 2 GiB",
        ),
        ("tables", "include = []", "selects no table"),
    ] {
        let text = faults(&adding(section, line));
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let same = MINIMAL.replace("/run/postgresql", "a");
    assert!(faults(&same).contains("is the same database as the source"));
}

#[test]
fn an_inline_password_needs_a_private_file_and_relative_paths_start_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("w.toml");
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "x").unwrap();
    std::fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let with_mode = |line: &str, mode: u32| {
        std::fs::write(&path, adding("source", line)).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        load(Some(&path))
    };
    let error = with_mode("password = \"canary\"", 0o644).unwrap_err();
    assert!(error.to_string().contains("mode 0644"), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(with_mode("password = \"canary\"", 0o600).is_ok());
    let config = with_mode("password_file = \"secret\"", 0o644).unwrap();
    match config.source.endpoint.password {
        Some(Secret::File(path)) => assert_eq!(path, secret),
        other => panic!("{other:?}"),
    }
}

/// The example with every key that it has behind a `#`.
fn whole_example() -> String {
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    let lines: Vec<String> = EXAMPLE.lines().map(uncommented).collect();
    lines.join("\n")
}

fn keys(prefix: &str, table: &Map<String, Value>) -> BTreeSet<String> {
    table
        .iter()
        .flat_map(|(key, value)| match &value.kind {
            ValueKind::Table(table) => keys(&format!("{prefix}{key}."), table),
            ValueKind::Array(values) => values
                .iter()
                .map(|value| match &value.kind {
                    ValueKind::Table(table) => keys(&format!("{prefix}{key}."), table),
                    _ => BTreeSet::from([format!("{prefix}{key}")]),
                })
                .reduce(|all, more| &all | &more)
                .unwrap_or_else(|| BTreeSet::from([format!("{prefix}{key}")])),
            _ => BTreeSet::from([format!("{prefix}{key}")]),
        })
        .collect()
}

#[test]
fn the_example_is_valid_as_it_is() {
    parse(EXAMPLE).unwrap();
}

#[test]
fn the_example_has_every_key_that_the_loader_knows_and_no_other() {
    let tree = raw::merge(&whole_example(), None, Map::new()).unwrap();
    let context = Context {
        faults: faults::Faults::default(),
        folder: Path::new(""),
        exposed: None,
    };
    let written = raw::Written {
        tree,
        file: None,
        exposed: None,
    };
    check::read(&context, &written);
    assert_eq!(keys("", &written.tree), context.faults.known());
}

/// Of several ways to say one thing, the first.
fn says_first(line: &str) -> bool {
    let others = [
        "passfile =",
        "sslpassword =",
        "sslpassword_command =",
        "url =",
        "password =",
        "password_command =",
        "passphrase =",
        "passphrase_command =",
        "token =",
        "token_command =",
        "agent_socket =",
        "host_key =",
        "hash_salt =",
        "hash_salt_command =",
    ];
    !others.iter().any(|start| line.starts_with(start))
}

#[test]
fn what_the_example_has_behind_a_hash_is_valid_and_defaults_are_the_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let names = [
        "ca.pem",
        "ca.crl",
        "sslpassword",
        "client.pem",
        "client.key",
        "password",
        "id_ed25519",
        "id_ed25519-cert.pub",
        "passphrase",
        "known_hosts",
        "http.token",
        "http.pem",
        "http.key",
        "hash.salt",
    ];
    for name in names {
        let path = directory.path().join(name);
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    let mut text = whole_example()
        .replace("/etc/walferry/http", "http")
        .replace("/etc/walferry/hash.salt", "hash.salt");
    for side in ["source", "destination"] {
        text = text.replace(&format!("/etc/walferry/{side}.password"), "password");
        text = text.replace(&format!("/etc/walferry/{side}.passphrase"), "passphrase");
        text = text.replace(&format!("/etc/walferry/{side}.sslpassword"), "sslpassword");
    }
    let text: Vec<&str> = text.lines().filter(|line| says_first(line)).collect();
    let path = directory.path().join("w.toml");
    std::fs::write(&path, text.join("\n")).unwrap();
    let all = load(Some(&path)).unwrap();
    let bare = parse(EXAMPLE).unwrap();
    assert_eq!(all.source.slot, bare.source.slot);
    assert_eq!(all.source.publications, bare.source.publications);
    assert_eq!(all.source.endpoint.port, bare.source.endpoint.port);
    assert_eq!(all.source.endpoint.tls.mode, bare.source.endpoint.tls.mode);
    assert_eq!(
        all.source.endpoint.connect_timeout,
        bare.source.endpoint.connect_timeout
    );
    assert_eq!(all.destination.state_schema, bare.destination.state_schema);
    assert_eq!(format!("{:?}", all.apply), format!("{:?}", bare.apply));
    assert_eq!(format!("{:?}", all.tables), format!("{:?}", bare.tables));
    assert_eq!(
        format!("{:?}", all.snapshot),
        format!("{:?}", bare.snapshot)
    );
    let (all, bare) = (all.observability, bare.observability);
    assert_eq!(all.listen, bare.listen);
    assert_eq!(all.log_format, bare.log_format);
    assert_eq!(all.log_level, bare.log_level);
    assert!(matches!(all.token, Some(Secret::File(_))) && all.tls.is_some());
    assert!(bare.token.is_none() && bare.tls.is_none());
}

#[test]
fn the_root_of_the_tree_may_hold_nothing_else() {
    let context = Context {
        faults: faults::Faults::default(),
        folder: Path::new(""),
        exposed: None,
    };
    let tree = raw::merge("source = 5\nname = \"x\"", None, Map::new()).unwrap();
    let mut root = Section::root(&context, tree);
    root.section("source").finish();
    root.finish();
    let text = context.faults.into_error("").unwrap().to_string();
    assert!(text.contains("source must be a section"), "{text}");
    assert!(text.contains("name is not a key"), "{text}");
}
