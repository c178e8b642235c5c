//! Whatever is wrong is said, with its remedy and the right exit code, and nothing is touched.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::support::PATIENCE;
use crate::support::{
    CANARY, Daemon, Pair, Ran, all_things, majors, quoted, run, walferry, walferry_with,
    write_private,
};

/// The verbs that read the configuration, with what keeps them from asking.
const VERBS: [&[&str]; 6] = [
    &["check"],
    &["discover"],
    &["run"],
    &["setup-sql"],
    &["status"],
    &["teardown", "--yes"],
];

/// The configuration that the pair wrote, with other words in it; each must be there.
fn changed(pair: &Pair, replacements: &[(&str, &str)]) -> PathBuf {
    let mut text = std::fs::read_to_string(pair.config()).unwrap();
    for (old, new) in replacements {
        assert!(text.contains(old), "{old:?} is not in\n{text}");
        text = text.replacen(old, new, 1);
    }
    write_private(pair.directory().join("changed.toml"), &text)
}

fn source_port(pair: &Pair) -> String {
    format!("port = {}", pair.source.port())
}

fn destination_port(pair: &Pair) -> String {
    format!("port = {}", pair.destination.port())
}

#[tokio::test]
async fn every_fault_of_a_configuration_is_said_at_once_by_every_verb_and_nothing_is_touched() {
    let pair = Pair::start(majors().await[0]).await;
    let before = all_things(&pair).await;
    let world = write_private(pair.directory().join("world"), CANARY);
    std::fs::set_permissions(&world, std::fs::Permissions::from_mode(0o644)).unwrap();
    let long = "s".repeat(64);
    let config = write_private(
        pair.directory().join("faulty.toml"),
        &format!(
            "[pipeline]\nname = \"no name\"\n\
             [source]\nhost = \"127.0.0.1\"\nport = \"{port}\"\ndatabase = \"app\"\n\
             usr = \"walferry\"\npassword_file = \"nowhere\"\npassword = \"{CANARY}\"\n\
             sslmode = \"always\"\nsslcert = \"/\"\n\
             [destination]\nhost = \"127.0.0.1\"\ndatabase = 5\nuser = \"walferry\"\n\
             password_file = \"world\"\nschema_prefix = \"app_\"\nstate_schema = \"{long}\"\n\
             [destination.schemas]\npublic = \"{long}\"\nsales = \"pg_sales\"\n\
             [table]\ninclude = [\"*.*\"]\n\
             [apply]\nmemory_max = \"64 apples\"\nbatch_rows_max = true\n\
             [snapshot]\nworkers = 0\n\
             [observability]\nlog_format = \"yaml\"\nlisten = \"everywhere\"\n",
            port = pair.source.port(),
        ),
    );
    for verb in VERBS {
        walferry(&config, verb).await.ended(
            2,
            &[
                "The configuration has ",
                "pipeline.name may hold only letters",
                "source.port must be a whole number from 1 to 65535, not the text",
                "source.user is missing",
                "source.usr is not a key of walferry. Did you mean source.user?",
                "source.password is given in 2 ways: password, password_file. Keep one",
                "source.password_file names ",
                "nowhere, which cannot be read: No such file",
                "source.sslmode must be disable, allow",
                "source.sslcert names /, which cannot be read: not a file",
                "source.sslkey is missing, while sslcert is given",
                "destination.database must be text, not a number",
                "destination.password_file names ",
                "world, which others can get at (mode 0644). Run `chmod 600",
                "destination.schema_prefix must start and end with a letter",
                "destination.state_schema is longer than the 63 bytes",
                "destination.schemas.public is longer than the 63 bytes",
                "destination.schemas.sales names a schema that PostgreSQL keeps for itself",
                "table is not a key of walferry. Did you mean tables?",
                "apply.memory_max must be a size",
                "apply.batch_rows_max must be a whole number",
                "snapshot.workers must be a whole number from 1 to 64, not 0",
                "observability.log_format must be text, json or journald",
                "observability.listen must be an IP address with a port",
                "hint: Mend ",
            ],
        );
    }
    assert_eq!(all_things(&pair).await, before);
}

#[tokio::test]
async fn files_that_are_missing_unreadable_or_no_toml_are_named_with_a_way_out() {
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("missing.toml");
    let says = ["missing.toml cannot be read: No such file", "walferry init"];
    walferry(&missing, &["check"]).await.ended(2, &says);

    let broken = write_private(
        home.path().join("broken.toml"),
        &format!("[source]\npassword = \"{CANARY}\nport = 1\n"),
    );
    let says = ["broken.toml is not TOML at line 2", "Text goes in quotes"];
    walferry(&broken, &["run"]).await.ended(2, &says);

    let mut none = Command::new(env!("CARGO_BIN_EXE_walferry"));
    none.arg("run").current_dir(home.path());
    if !Path::new("/etc/walferry/walferry.toml").exists() {
        run(&mut none)
            .await
            .ended(2, &["There is no configuration", "walferry init > "]);
    }

    let locked = write_private(home.path().join("locked.toml"), "");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    let says = ["locked.toml cannot be read: Permission denied", "readable"];
    without_the_power_of_root(&locked).await.ended(2, &says);

    let secret = write_private(home.path().join("secret"), CANARY);
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    let config = write_private(
        home.path().join("w.toml"),
        "[pipeline]\nname = 'a'\n\
         [source]\nhost = 'a'\ndatabase = 'a'\nuser = 'a'\npassword_file = 'secret'\n\
         [destination]\nhost = 'b'\ndatabase = 'b'\nuser = 'b'\nschema_prefix = 'b'\n",
    );
    let says = ["secret, which cannot be read: Permission denied"];
    without_the_power_of_root(&config).await.ended(2, &says);
}

/// `check` under the file modes that hold for everybody else.
async fn without_the_power_of_root(config: &Path) -> Ran {
    let program = env!("CARGO_BIN_EXE_walferry");
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args([
            "--bounding-set=-dac_override,-dac_read_search",
            "--",
            program,
        ]);
        command
    } else {
        Command::new(program)
    };
    run(command.arg("--config").arg(config).arg("check")).await
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[tokio::test]
async fn an_inline_password_asks_for_a_private_configuration_unless_the_environment_has_it() {
    let pair = Pair::start(majors().await[0]).await;
    let inline = format!("password = \"{CANARY}\"");
    let password = pair.directory().join("password");
    let password_line = format!("password_file = {}", quoted(password.to_str().unwrap()));
    let config = changed(&pair, &[(&password_line, &inline)]);
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o644)).unwrap();
    let says = [
        "source.password stands in a file which others can get at (mode 0644)",
        "chmod 600",
    ];
    walferry(&config, &["check"]).await.ended(2, &says);

    let config = changed(&pair, &[(&password_line, "")]);
    let secret = std::fs::read_to_string(&password).unwrap();
    let says = ["asks for a password", "Set password_file, password_command"];
    walferry(&config, &["check"]).await.ended(3, &says);
    let variable = [("WALFERRY__SOURCE__PASSWORD", secret.as_str())];
    pair.on_source()
        .await
        .batch_execute("CREATE TABLE t (id int PRIMARY KEY)")
        .await
        .unwrap();
    let ran = walferry_with(&config, &["check"], &variable).await;
    assert!(!ran.ended(0, &["failures 0"]).out.contains(&secret));
}

/// One thing wrong with the servers or the way to them.
struct Trouble {
    /// Replacements in the configuration.
    config: Vec<(String, String)>,
    /// Done before and after by the superuser: on the source, on the destination.
    before: [&'static str; 2],
    after: [&'static str; 2],
    /// The failing finding of `check`: its side, and parts of its text and of its remedy.
    finding: (&'static str, &'static str, &'static str),
    /// Exit code of `run`; `None` when it waits for better times.
    code: Option<i32>,
}

fn troubles(pair: &Pair) -> Vec<Trouble> {
    let wrong = write_private(pair.directory().join("wrong"), CANARY);
    let password = pair.directory().join("password");
    let to_wrong = vec![(
        password.to_str().unwrap().to_owned(),
        wrong.to_str().unwrap().to_owned(),
    )];
    let line = |old: String, new: &str| vec![(old, new.to_owned())];
    let nothing = ["", ""];
    let trouble = |config, finding, code| Trouble {
        config,
        before: nothing,
        after: nothing,
        finding,
        code: Some(code),
    };
    let none = Vec::new;
    vec![
        trouble(to_wrong, ("source", "password authentication failed", "the password"), 4),
        trouble(
            line("database = \"app\"".to_owned(), "database = \"nope\""),
            ("source", "database \"nope\" does not exist", "`database`"),
            4,
        ),
        Trouble {
            code: None,
            ..trouble(
                line(source_port(pair), "port = 1"),
                ("source", "Could not reach 127.0.0.1:1", "`host` and `port`"),
                0,
            )
        },
        Trouble {
            code: None,
            ..trouble(
                vec![
                    (destination_port(pair), "port = 1".to_owned()),
                    ("database = \"warehouse\"\n".to_owned(),
                     "database = \"warehouse\"\nconnect_timeout = \"2s\"\n".to_owned()),
                ],
                ("destination", "Could not reach 127.0.0.1:1", "`host` and `port`"),
                0,
            )
        },
        trouble(
            vec![
                (destination_port(pair), source_port(pair)),
                ("host = \"127.0.0.1\"".to_owned(), "host = \"localhost\"".to_owned()),
                ("database = \"warehouse\"".to_owned(), "database = \"app\"".to_owned()),
            ],
            ("destination", "the same database", "another database"),
            2,
        ),
        Trouble {
            before: ["DROP PUBLICATION walferry_app", ""],
            after: ["CREATE PUBLICATION walferry_app FOR ALL TABLES", ""],
            ..trouble(
                none(),
                (
                    "source",
                    "The publication does not exist, and the role may not make it",
                    "CREATE PUBLICATION \"walferry_app\" FOR TABLE \"public\".\"t\"",
                ),
                4,
            )
        },
        Trouble {
            before: ["CREATE SCHEMA s23456789_123456789_123456789_123456789_123456789_123456789_12;
                      CREATE TABLE s23456789_123456789_123456789_123456789_123456789_123456789_12.t ()", ""],
            after: ["DROP SCHEMA s23456789_123456789_123456789_123456789_123456789_123456789_12 CASCADE", ""],
            ..trouble(
                none(),
                ("destination", "The name has 66 bytes, and PostgreSQL keeps 63", "[destination.schemas]"),
                2,
            )
        },
        Trouble {
            before: ["", "CREATE SCHEMA app_public AUTHORIZATION walferry;
                 CREATE TABLE app_public.t AS SELECT 1 AS id; GRANT SELECT ON app_public.t TO walferry"],
            after: ["", "DROP SCHEMA app_public CASCADE"],
            ..trouble(
                none(),
                ("destination", "in the way, and it holds rows", "Rename, empty or drop it"),
                4,
            )
        },
        trouble(
            line("[observability]".to_owned(), "readers = [\"nobody\"]\n[observability]"),
            ("destination", "named in `readers` does not exist", "CREATE ROLE \"nobody\""),
            2,
        ),
        trouble(
            line("[observability]".to_owned(), "[tables]\ninclude = [\"public.x\"]\n[observability]"),
            ("source", "There is no such table", "`include`"),
            2,
        ),
    ]
}

#[tokio::test]
async fn trouble_with_a_server_is_a_finding_with_a_remedy_and_nothing_is_touched() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        source
            .batch_execute(&format!(
                "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, '{CANARY}')"
            ))
            .await
            .unwrap();
        walferry(&pair.config(), &["check"])
            .await
            .ended(0, &["failures 0"]);
        for trouble in troubles(&pair) {
            source.batch_execute(trouble.before[0]).await.unwrap();
            destination.batch_execute(trouble.before[1]).await.unwrap();
            let untouched = all_things(&pair).await;
            let replacements: Vec<(&str, &str)> = trouble
                .config
                .iter()
                .map(|(old, new)| (old.as_str(), new.as_str()))
                .collect();
            let config = changed(&pair, &replacements);
            let (side, what, remedy) = trouble.finding;
            let ran = walferry(&config, &["check", "--json"]).await.ended(3, &[]);
            assert_finding(&ran, side, what, remedy);
            match trouble.code {
                Some(code) => {
                    walferry(&config, &["run"])
                        .await
                        .ended(code, &[what, remedy]);
                }
                None => waits(&pair, &config, what).await,
            }
            assert_eq!(all_things(&pair).await, untouched, "{what}");
            source.batch_execute(trouble.after[0]).await.unwrap();
            destination.batch_execute(trouble.after[1]).await.unwrap();
        }
    }
}

/// The failures that `check --json` printed: side, subject, text, remedy.
fn assert_finding(ran: &Ran, side: &str, what: &str, remedy: &str) {
    let findings: Value = serde_json::from_str(&ran.out).unwrap();
    let holds = |finding: &Value, key: &str, part: &str| {
        finding[key]
            .as_str()
            .is_some_and(|text| text.contains(part))
    };
    let found = findings.as_array().unwrap().iter().any(|finding| {
        finding["level"] == "failure"
            && finding["side"] == side
            && holds(finding, "what", what)
            && holds(finding, "remedy", remedy)
    });
    assert!(found, "{side}: {what} → {remedy} is not in\n{}", ran.out);
}

/// A daemon that cannot reach a server goes on trying, says so, and can be stopped.
async fn waits(pair: &Pair, config: &Path, what: &str) {
    let daemon = Daemon::start_on(pair, config);
    let started = std::time::Instant::now();
    while !(daemon.get("/status").await.contains("retrying") && daemon.log().contains(what)) {
        assert!(started.elapsed() < PATIENCE, "{}", daemon.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(daemon.get("/readyz").await.starts_with("HTTP/1.1 503"));
    assert_eq!(daemon.sigterm().await, Some(0));
}

#[tokio::test]
async fn a_check_can_be_read_by_people_and_by_programs() {
    let pair = Pair::start(majors().await[0]).await;
    pair.on_source()
        .await
        .batch_execute("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE log (line text)")
        .await
        .unwrap();
    pair.on_destination()
        .await
        .batch_execute("REVOKE TEMPORARY ON DATABASE warehouse FROM walferry")
        .await
        .unwrap();
    let people = walferry(&pair.config(), &["check"]).await.ended(3, &[]);
    let lines: Vec<&str> = people.out.lines().collect();
    assert_eq!(lines[0], "source");
    assert!(lines.contains(&"destination"), "{}", people.out);
    for (at, line) in lines.iter().enumerate() {
        let complains = line.starts_with("  failure ") || line.starts_with("  warning ");
        let explained = lines
            .get(at + 1)
            .is_some_and(|next| next.starts_with("           → "));
        assert_eq!(complains, explained, "{line}\n{}", people.out);
    }
    let (ok, warnings, failures) = ("ok ", "warnings 1", "failures 1");
    let last = lines.last().unwrap();
    assert!(
        last.starts_with(ok) && last.contains(warnings) && last.ends_with(failures),
        "{last}"
    );

    let programs = walferry(&pair.config(), &["check", "--json"])
        .await
        .ended(3, &[]);
    let findings: Value = serde_json::from_str(&programs.out).unwrap();
    for finding in findings.as_array().unwrap() {
        for key in ["side", "subject", "level", "what"] {
            assert!(finding[key].is_string(), "{finding}");
        }
        assert_eq!(
            finding["remedy"].is_null(),
            finding["level"] == "ok",
            "{finding}"
        );
    }

    let people = walferry(&pair.config(), &["discover"]).await.ended(0, &[]);
    for line in ["table ", "public.log ", "public.t "] {
        assert!(
            people.out.lines().any(|l| l.trim().starts_with(line)),
            "{}",
            people.out
        );
    }
    let programs = walferry(&pair.config(), &["discover", "--json"])
        .await
        .ended(0, &[]);
    let tables: Value = serde_json::from_str(&programs.out).unwrap();
    assert_eq!(tables[0]["table"], "log");
    assert_eq!(tables[0]["mode"], "append");
    assert_eq!(tables[1]["table"], "t");
    assert_eq!(tables[1]["key"], serde_json::json!(["id"]));
    assert_eq!(tables[1]["mode"], "upsert");
    assert_eq!(tables[1]["published"], true);
    assert_eq!(tables[1]["selected"], true);
}

#[tokio::test]
async fn the_example_that_init_prints_is_good_once_its_few_keys_are_filled_in() {
    let pair = Pair::start(majors().await[0]).await;
    let source = pair.on_source().await;
    let table = "CREATE TABLE t (id int PRIMARY KEY)";
    source.batch_execute(table).await.unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_walferry"));
    let mut text = run(command.arg("init")).await.ended(0, &[]).out;
    let ports = [source_port(&pair), destination_port(&pair)];
    for (side, port) in ["source", "destination"].into_iter().zip(ports) {
        let host = format!("host = \"{side}.example.com\"");
        let file = format!("#password_file = \"/etc/walferry/{side}.password\"");
        for (example, mine) in [
            (host.as_str(), "host = \"127.0.0.1\""),
            ("\n#port = 5432", &format!("\n{port}")),
            (&file, "password_file = \"password\""),
            ("#sslmode = \"verify-full\"", "sslmode = \"disable\""),
        ] {
            assert!(text.contains(example), "{example}");
            text = text.replacen(example, mine, 1);
        }
    }
    let config = write_private(pair.directory().join("filled.toml"), &text);
    let says = ["warnings 0, failures 0"];
    walferry(&config, &["check"]).await.ended(0, &says);
}

#[tokio::test]
async fn the_usage_is_explained_and_a_wrong_one_is_refused() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_walferry"));
    let help = run(command.arg("--help"))
        .await
        .ended(0, &["Exit codes: 0 done"]);
    for verb in [
        "init",
        "setup-sql",
        "check",
        "discover",
        "run",
        "status",
        "teardown",
        "demo",
    ] {
        assert!(help.out.contains(&format!("  {verb} ")), "{verb}");
    }
    for wrong in [&["chek"][..], &["check", "--jsn"], &[]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_walferry"));
        run(command.args(wrong))
            .await
            .ended(2, &["Usage: walferry"]);
    }
    let config = Path::new("/nowhere.toml");
    walferry(config, &["discover"])
        .await
        .ended(2, &["/nowhere.toml"]);
}
