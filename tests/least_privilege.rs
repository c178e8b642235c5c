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
        &[
            "permission denied for database \\\"least\\\"",
            "GRANT CONNECT ON DATABASE \\\"least\\\"",
        ],
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
        &[
            "permission denied for database \\\"least\\\"",
            "GRANT CONNECT ON DATABASE \\\"least\\\"",
        ],
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

/// Each single right that the role was granted: what it is on, its name, the right.
const GRANTED: &str = "
    SELECT 'DATABASE', pg_catalog.quote_ident(datname), a.privilege_type
    FROM pg_database, aclexplode(datacl) AS a
    WHERE datname = current_database() AND a.grantee = 'least'::regrole
    UNION ALL
    SELECT 'SCHEMA', quote_ident(nspname), a.privilege_type
    FROM pg_namespace, aclexplode(nspacl) AS a WHERE a.grantee = 'least'::regrole
    UNION ALL
    SELECT 'TABLE', c.oid::regclass::text, a.privilege_type
    FROM pg_class AS c, aclexplode(c.relacl) AS a
    WHERE a.grantee = 'least'::regrole AND c.relname <> 'none'
    ORDER BY 1, 2, 3";

/// Takes each right of the catalogs away by itself: whatever `setup-sql` grants, now or one day,
/// `check` must name it. Returns the rights that there were.
async fn each_right_is_named(prepared: &Prepared) -> Vec<String> {
    let mut all = Vec::new();
    for side in ["source", "destination"] {
        let client = prepared.on(side);
        for row in client.query(GRANTED, &[]).await.unwrap() {
            let (kind, name, right): (String, String, String) =
                (row.get(0), row.get(1), row.get(2));
            let on = format!("{right} ON {kind} {name}");
            let name = name.replace('"', "");
            client
                .batch_execute(&format!("REVOKE {on} FROM least"))
                .await
                .unwrap();
            let failures = prepared.failures().await;
            let named = failures.iter().any(|failure| {
                let text = failure.to_string().replace("\\\"", "");
                failure["side"] == side && text.contains(&name) && text.contains(&right)
            });
            assert!(named, "{on} is not named in {failures:#?}");
            client
                .batch_execute(&format!("GRANT {on} TO least"))
                .await
                .unwrap();
            all.push(format!("{side}: {right} ON {kind} {name}"));
        }
    }
    let left = prepared.failures().await;
    assert!(left.is_empty(), "{left:#?}");
    all
}

#[tokio::test]
async fn every_single_right_in_the_catalogs_is_needed_and_named() {
    let prepared = Prepared::new(majors().await[0], TABLES, &[]).await;
    let rights = each_right_is_named(&prepared).await;
    assert_eq!(
        rights,
        [
            "source: CONNECT ON DATABASE least",
            "source: USAGE ON SCHEMA hr",
            "source: USAGE ON SCHEMA sales",
            "source: SELECT ON TABLE hr.staff",
            "source: SELECT ON TABLE sales.orders",
            "destination: CONNECT ON DATABASE least",
            "destination: CREATE ON DATABASE least",
            "destination: TEMPORARY ON DATABASE least",
        ]
    );
    // without the rights on tables to come, each of those is named once it is there
    let rights = "SELECT count(*) FROM pg_default_acl, aclexplode(defaclacl) AS a
                  WHERE a.grantee = 'least'::regrole";
    let row = prepared.source.query_one(rights, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 2);
    prepared
        .source
        .batch_execute(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA sales REVOKE SELECT ON TABLES FROM least;
             CREATE TABLE sales.later (id int PRIMARY KEY);
             ALTER PUBLICATION walferry_app ADD TABLE sales.later",
        )
        .await
        .unwrap();
    let failures = prepared.failures().await;
    assert_eq!(failures.len(), 1, "{failures:#?}");
    assert_eq!(failures[0]["subject"], "table sales.later");
    let remedy = failures[0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("GRANT SELECT ON TABLE"), "{remedy}");
}

#[tokio::test]
async fn every_single_right_on_schemas_made_beforehand_is_needed_and_named() {
    let tables = format!("{EXACT_TABLES}[destination.schemas]\nhr = \"people\"\n");
    let prepared = Prepared::new(majors().await[0], &tables, &["--pre-created-schemas"]).await;
    let rights = each_right_is_named(&prepared).await;
    let on_destination: Vec<&str> = rights
        .iter()
        .filter_map(|right| right.strip_prefix("destination: "))
        .collect();
    assert_eq!(
        on_destination,
        [
            "CONNECT ON DATABASE least",
            "TEMPORARY ON DATABASE least",
            "CREATE ON SCHEMA app_sales",
            "USAGE ON SCHEMA app_sales",
            "CREATE ON SCHEMA people",
            "USAGE ON SCHEMA people",
            "CREATE ON SCHEMA walferry",
            "USAGE ON SCHEMA walferry",
        ]
    );
}

#[tokio::test]
async fn a_reader_who_may_not_look_into_a_schema_made_beforehand_is_named() {
    let readers = "schema_prefix = \"app\"\nreaders = [\"analyst\"]";
    let mut prepared = Prepared::new(majors().await[0], EXACT_TABLES, &[]).await;
    let text = std::fs::read_to_string(&prepared.config).unwrap();
    let text = text.replace("schema_prefix = \"app\"", readers);
    prepared.config = write_private(prepared.config.with_file_name("readers.toml"), &text);
    let make = "CREATE ROLE analyst";
    prepared.destination.batch_execute(make).await.unwrap();
    prepared.set_up(&["--pre-created-schemas"]).await;
    let warnings = async || {
        let ran = walferry(&prepared.config, &["check", "--json"]).await;
        let findings: Vec<Value> = serde_json::from_str(&ran.ended(0, &[]).out).unwrap();
        let warnings = findings.into_iter().filter(|f| f["level"] == "warning");
        warnings.collect::<Vec<Value>>()
    };
    let none = warnings().await;
    assert!(none.is_empty(), "{none:#?}");
    let revoke = "REVOKE USAGE ON SCHEMA app_hr FROM analyst";
    prepared.destination.batch_execute(revoke).await.unwrap();
    let found = warnings().await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["subject"], "schema app_hr");
    let remedy = found[0]["remedy"].as_str().unwrap();
    prepared.destination.batch_execute(remedy).await.unwrap();
    assert!(warnings().await.is_empty());
}

#[tokio::test]
async fn where_nobody_can_have_replication_the_role_joins_the_one_that_stands_for_it() {
    let prepared = Prepared::new(majors().await[0], EXACT_TABLES, &[]).await;
    let make = "DROP OWNED BY least; DROP ROLE least; CREATE ROLE rds_replication";
    prepared.source.batch_execute(make).await.unwrap();
    for _ in 0..2 {
        prepared.set_up(&[]).await;
    }
    let role = "SELECT NOT rolreplication AND pg_has_role(oid, 'rds_replication', 'MEMBER')
                FROM pg_roles WHERE rolname = 'least'";
    let row = prepared.source.query_one(role, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
}
