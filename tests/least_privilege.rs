//! `setup-sql` grants what is needed and nothing else: with any one of its grants taken away,
//! `check` fails, names what is missing, and its remedy mends it.

use std::path::PathBuf;

use serde_json::Value;
use tokio_postgres::Client;

use crate::support::{Pair, all_things, majors, psql, walferry, write_private};

/// Two databases that only `setup-sql` has prepared, for a role that has no right of its own.
struct Prepared {
    pair: Pair,
    config: PathBuf,
    source: Client,
    destination: Client,
}

const TABLES: &str =
    "[tables]\ninclude = [\"sales.*\", \"hr.staff\"]\nexclude = [\"sales.none\"]\n";
const EXACT_TABLES: &str = "[tables]\ninclude = [\"sales.orders\", \"hr.staff\"]\n";

impl Prepared {
    /// With `[tables]` as written; the options are those of `setup-sql`.
    async fn new(major: u32, tables: &str, options: &[&str]) -> Prepared {
        let pair = Pair::start(major).await;
        for cluster in [&pair.source, &pair.destination] {
            let administrator = cluster.superuser("postgres").await.unwrap();
            administrator
                .batch_execute("CREATE DATABASE least")
                .await
                .unwrap();
            administrator
                .batch_execute("REVOKE ALL ON DATABASE least FROM PUBLIC")
                .await
                .unwrap();
        }
        let source = pair.source.superuser("least").await.unwrap();
        let destination = pair.destination.superuser("least").await.unwrap();
        source
            .batch_execute(
                "CREATE SCHEMA sales; CREATE TABLE sales.orders (id int PRIMARY KEY, v text);
                 CREATE SCHEMA hr; CREATE TABLE hr.staff (id int PRIMARY KEY, v text);
                 CREATE TABLE sales.none (id int)",
            )
            .await
            .unwrap();
        let text = std::fs::read_to_string(pair.config()).unwrap();
        let text = text
            .replace("database = \"app\"", "database = \"least\"")
            .replace("database = \"warehouse\"", "database = \"least\"")
            .replace("user = \"walferry\"", "user = \"least\"");
        let config = write_private(pair.directory().join("least.toml"), &(text + tables));
        let prepared = Prepared {
            pair,
            config,
            source,
            destination,
        };
        prepared.set_up(options).await;
        prepared
    }

    async fn set_up(&self, options: &[&str]) {
        let password = std::fs::read_to_string(self.pair.directory().join("password")).unwrap();
        for (side, cluster) in [
            ("source", &self.pair.source),
            ("destination", &self.pair.destination),
        ] {
            let arguments = [&["setup-sql", "--side", side], options].concat();
            let script = walferry(&self.config, &arguments).await.ended(0, &[]).out;
            psql(cluster, &script, &format!("{side}_password={password}")).await;
        }
    }

    /// The failures of `check`.
    async fn failures(&self) -> Vec<Value> {
        let ran = walferry(&self.config, &["check", "--json"]).await;
        let findings: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        let failures: Vec<Value> = findings
            .into_iter()
            .filter(|finding| finding["level"] == "failure")
            .collect();
        let code = if failures.is_empty() { 0 } else { 3 };
        ran.ended(code, &[]);
        failures
    }

    fn on(&self, side: &str) -> &Client {
        match side {
            "source" => &self.source,
            _ => &self.destination,
        }
    }

    /// Takes a right away, looks for the failure with these words, and follows its remedy.
    async fn lacks(&self, lack: &Lack) {
        let client = self.on(lack.side);
        client.batch_execute(lack.revoke).await.unwrap();
        let untouched = all_things(&self.pair).await;
        let failures = self.failures().await;
        let found = failures.iter().find(|failure| {
            let text = failure.to_string();
            failure["side"] == lack.side && lack.says.iter().all(|part| text.contains(part))
        });
        let Some(found) = found else {
            panic!("{}: {:?} is not in {failures:#?}", lack.revoke, lack.says);
        };
        assert_eq!(all_things(&self.pair).await, untouched, "{}", lack.revoke);
        let remedy = found["remedy"].as_str().unwrap();
        client
            .batch_execute(lack.mend.unwrap_or(remedy))
            .await
            .unwrap_or_else(|error| panic!("{remedy}: {error}"));
        let left = self.failures().await;
        assert!(left.is_empty(), "{}: {remedy}: {left:#?}", lack.revoke);
    }
}

/// A right that is taken away.
struct Lack {
    side: &'static str,
    revoke: &'static str,
    /// What the failing finding says, remedy included.
    says: &'static [&'static str],
    /// What mends it, where the remedy is not a statement.
    mend: Option<&'static str>,
}

const fn lack(
    side: &'static str,
    revoke: &'static str,
    says: &'static [&'static str],
    mend: Option<&'static str>,
) -> Lack {
    Lack {
        side,
        revoke,
        says,
        mend,
    }
}

const OF_EVERY_SET_UP: [Lack; 10] = [
    lack(
        "source",
        "ALTER ROLE least NOREPLICATION",
        &[
            "role least",
            "replication",
            "ALTER ROLE \\\"least\\\" REPLICATION",
        ],
        None,
    ),
    lack(
        "source",
        "ALTER ROLE least NOLOGIN",
        &["\\\"least\\\" is not permitted to log in", "may not log in"],
        Some("ALTER ROLE least LOGIN"),
    ),
    lack(
        "source",
        "REVOKE CONNECT ON DATABASE least FROM least",
        &["permission denied for database \\\"least\\\"", "setup-sql"],
        Some("GRANT CONNECT ON DATABASE least TO least"),
    ),
    lack(
        "source",
        "REVOKE USAGE ON SCHEMA hr FROM least",
        &[
            "table hr.staff",
            "least",
            "GRANT USAGE ON SCHEMA \\\"hr\\\"",
        ],
        None,
    ),
    lack(
        "source",
        "REVOKE SELECT ON hr.staff FROM least",
        &[
            "table hr.staff",
            "least",
            "GRANT SELECT ON TABLE \\\"hr\\\".\\\"staff\\\"",
        ],
        None,
    ),
    lack(
        "source",
        "REVOKE SELECT ON sales.orders FROM least; GRANT SELECT (id) ON sales.orders TO least",
        &[
            "table sales.orders",
            "may not SELECT every column",
            "GRANT SELECT ON TABLE",
        ],
        None,
    ),
    lack(
        "source",
        "DROP PUBLICATION walferry_app",
        &[
            "publication walferry_app",
            "may not make it",
            "CREATE PUBLICATION",
        ],
        None,
    ),
    lack(
        "destination",
        "ALTER ROLE least NOLOGIN",
        &["\\\"least\\\" is not permitted to log in", "may not log in"],
        Some("ALTER ROLE least LOGIN"),
    ),
    lack(
        "destination",
        "REVOKE CONNECT ON DATABASE least FROM least",
        &["permission denied for database \\\"least\\\"", "setup-sql"],
        Some("GRANT CONNECT ON DATABASE least TO least"),
    ),
    lack(
        "destination",
        "REVOKE TEMPORARY ON DATABASE least FROM least",
        &[
            "database least",
            "temporary tables",
            "GRANT TEMPORARY ON DATABASE \\\"least\\\"",
        ],
        None,
    ),
];

#[tokio::test]
async fn each_grant_of_the_set_up_is_needed_and_its_lack_is_named_and_mended() {
    for major in majors().await {
        let prepared = Prepared::new(major, TABLES, &[]).await;
        let failures = prepared.failures().await;
        assert!(failures.is_empty(), "{failures:#?}");
        for lack in &OF_EVERY_SET_UP {
            prepared.lacks(lack).await;
        }
        prepared
            .lacks(&lack(
                "destination",
                "REVOKE CREATE ON DATABASE least FROM least",
                &[
                    "schema app_hr",
                    "GRANT CREATE ON DATABASE \\\"least\\\" TO \\\"least\\\"",
                ],
                Some("GRANT CREATE ON DATABASE least TO least"),
            ))
            .await;
        prepared
            .lacks(&lack(
                "source",
                "ALTER TABLE hr.staff ENABLE ROW LEVEL SECURITY",
                &[
                    "table hr.staff",
                    "Row-level security",
                    "ALTER ROLE \\\"least\\\" BYPASSRLS",
                ],
                None,
            ))
            .await;
    }
}

#[tokio::test]
async fn with_schemas_made_beforehand_no_right_on_the_database_is_needed_but_those_on_each_schema()
{
    let prepared = Prepared::new(majors().await[0], EXACT_TABLES, &["--pre-created-schemas"]).await;
    let failures = prepared.failures().await;
    assert!(failures.is_empty(), "{failures:#?}");
    let may_create = "SELECT pg_catalog.has_database_privilege('least', 'least', 'CREATE')";
    let row = prepared.destination.query_one(may_create, &[]).await;
    assert!(!row.unwrap().get::<_, bool>(0));
    for lack in [
        lack(
            "destination",
            "REVOKE CREATE ON SCHEMA app_hr FROM least",
            &[
                "schema app_hr",
                "least",
                "GRANT CREATE, USAGE ON SCHEMA \\\"app_hr\\\"",
            ],
            None,
        ),
        lack(
            "destination",
            "REVOKE USAGE ON SCHEMA app_sales FROM least",
            &[
                "schema app_sales",
                "least",
                "GRANT CREATE, USAGE ON SCHEMA \\\"app_sales\\\"",
            ],
            None,
        ),
        lack(
            "destination",
            "REVOKE ALL ON SCHEMA walferry FROM least",
            &[
                "schema walferry",
                "least",
                "GRANT CREATE, USAGE ON SCHEMA \\\"walferry\\\"",
            ],
            None,
        ),
        lack(
            "destination",
            "DROP SCHEMA walferry",
            &[
                "schema walferry",
                "may not make it",
                "CREATE SCHEMA \\\"walferry\\\"",
            ],
            Some("CREATE SCHEMA walferry; GRANT CREATE, USAGE ON SCHEMA walferry TO least"),
        ),
    ] {
        prepared.lacks(&lack).await;
    }
}
