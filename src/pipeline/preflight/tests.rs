//! Findings against a real server, through real connections.

use tokio_postgres::Client;

use super::*;
use crate::catalog::test_server::server;

/// A source and a destination database with a least-privilege role each, all called after `name`.
struct Pair {
    name: &'static str,
    source: Client,
    destination: Client,
}

impl Pair {
    async fn new(name: &'static str) -> Self {
        let pair = Pair {
            name,
            source: server().database(&format!("{name}_from")).await,
            destination: server().database(&format!("{name}_to")).await,
        };
        pair.on_source(&format!("CREATE ROLE {name}_reader LOGIN REPLICATION"))
            .await;
        pair.on_destination(&format!(
            "CREATE ROLE {name}_writer LOGIN;
             GRANT CREATE, TEMPORARY ON DATABASE {name}_to TO {name}_writer"
        ))
        .await;
        pair
    }

    async fn on_source(&self, statements: &str) {
        self.source.batch_execute(statements).await.unwrap();
    }

    async fn on_destination(&self, statements: &str) {
        self.destination.batch_execute(statements).await.unwrap();
    }

    /// `more` is appended to the configuration.
    fn config(&self, more: &str) -> Config {
        let (name, host) = (self.name, server().socket.display());
        crate::config::parse(&format!(
            "[pipeline]\nname = '{name}'\n\
             [source]\nhost = '{host}'\ndatabase = '{name}_from'\nuser = '{name}_reader'\n\
             [destination]\nhost = '{host}'\ndatabase = '{name}_to'\nuser = '{name}_writer'\n\
             schema_prefix = '{name}'\nreaders = ['{name}_writer']\n{more}"
        ))
        .unwrap()
    }

    async fn findings(&self, more: &str) -> Vec<Finding> {
        findings(&self.config(more)).await.unwrap()
    }
}

/// Subjects and texts of one level, a line each.
fn at(findings: &[Finding], level: Level) -> Vec<String> {
    findings
        .iter()
        .filter(|finding| finding.level == level)
        .map(|finding| {
            format!(
                "{} {}: {}",
                finding.side_name(),
                finding.subject,
                finding.what
            )
        })
        .collect()
}

fn remedy_of<'a>(findings: &'a [Finding], subject: &str) -> &'a str {
    findings
        .iter()
        .find(|finding| finding.subject == subject && finding.remedy.is_some())
        .and_then(|finding| finding.remedy.as_deref())
        .unwrap_or_else(|| panic!("nothing about {subject} in {findings:#?}"))
}

#[tokio::test]
async fn a_pair_with_least_privilege_passes() {
    let pair = Pair::new("clean").await;
    pair.on_source(
        "CREATE TABLE public.t (id int PRIMARY KEY); GRANT SELECT ON public.t TO clean_reader;
         CREATE PUBLICATION walferry_clean FOR TABLE public.t",
    )
    .await;
    let findings = pair.findings("").await;
    assert_eq!(at(&findings, Level::Failure), Vec::<String>::new());
    assert_eq!(at(&findings, Level::Warning), Vec::<String>::new());
    assert!(first_failure(&findings).is_none());
}

#[tokio::test]
async fn every_fault_of_the_tables_is_found_at_once_and_its_remedy_works() {
    let pair = Pair::new("faulty").await;
    pair.on_source(
        "CREATE TABLE public.nokey (v text);
         CREATE TABLE public.\"No Rights\" (id int PRIMARY KEY);
         CREATE TABLE public.unsent (id int PRIMARY KEY);
         CREATE TABLE public.hidden (id int PRIMARY KEY);
         ALTER TABLE public.hidden ENABLE ROW LEVEL SECURITY;
         CREATE TABLE public.deferred (id int PRIMARY KEY DEFERRABLE);
         CREATE UNLOGGED TABLE public.quick (id int PRIMARY KEY);
         CREATE TYPE public.mood AS ENUM ('ok');
         CREATE TABLE public.moods (id int PRIMARY KEY, m public.mood, r public.nokey);
         CREATE TABLE public.part (id int PRIMARY KEY, secret text);
         GRANT SELECT ON public.nokey, public.unsent, public.hidden, public.deferred,
             public.moods, public.part TO faulty_reader;
         CREATE PUBLICATION walferry_faulty FOR TABLE public.nokey, public.\"No Rights\",
             public.hidden, public.deferred, public.moods, public.part (id) WHERE (id > 7)
             WITH (publish = 'insert, update, delete')",
    )
    .await;
    let named = "[tables]\ninclude = ['public.*', 'public.unsent', 'public.typo']\n";
    let findings = pair.findings(named).await;
    let failures = at(&findings, Level::Failure).join("\n");
    for expected in [
        "source table public.typo: There is no such table",
        "source table public.unsent: The publication walferry_faulty does not send the table",
        "source table public.No Rights: The role faulty_reader may not SELECT",
        "source table public.hidden: Row-level security would hide rows",
    ] {
        assert!(
            failures.contains(expected),
            "{expected} is not in\n{failures}"
        );
    }
    assert_eq!(failures.lines().count(), 4, "{failures}");
    let warnings = at(&findings, Level::Warning).join("\n");
    for expected in [
        "table public.quick: The table is unlogged",
        "publication walferry_faulty: The publication does not send TRUNCATE",
        "table public.nokey: The table has no primary key: only inserts are followed",
        "table public.deferred: The primary key is deferrable",
        "since the destination cannot have their types: r (public.nokey: it stands for the rows",
        "table public.part: The publication has a row filter",
        "table public.part: The publication has a column list without secret",
    ] {
        assert!(
            warnings.contains(expected),
            "{expected} is not in\n{warnings}"
        );
    }
    assert_eq!(warnings.lines().count(), 7, "{warnings}");
    let error = first_failure(&findings).unwrap();
    assert_eq!(error.kind(), Kind::Config);
    assert_eq!(error.about_table(), Some("public.typo"));

    for subject in [
        "table public.unsent",
        "table public.No Rights",
        "table public.hidden",
        "table public.quick",
        "publication walferry_faulty",
    ] {
        pair.on_source(remedy_of(&findings, subject)).await;
    }
    let mended = pair
        .findings("[tables]\nexclude = ['public.quick']\n")
        .await;
    assert_eq!(at(&mended, Level::Failure), Vec::<String>::new());
    assert_eq!(at(&mended, Level::Warning).len(), 5);
}

#[tokio::test]
async fn a_role_without_rights_gets_every_grant_it_lacks() {
    let pair = Pair::new("poor").await;
    pair.on_source(
        "CREATE TABLE public.t (id int PRIMARY KEY); GRANT SELECT ON public.t TO poor_reader;
         ALTER ROLE poor_reader NOREPLICATION",
    )
    .await;
    pair.on_destination(
        "REVOKE ALL ON DATABASE poor_to FROM poor_writer, PUBLIC;
         GRANT CONNECT ON DATABASE poor_to TO poor_writer; CREATE SCHEMA walferry",
    )
    .await;
    let more = "[source.replication]\nslot = 'poor'\npublication = 'po\"or'\n";
    let findings = pair.findings(more).await;
    let failures: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.level == Level::Failure)
        .map(|finding| finding.subject.as_str())
        .collect();
    let expected = [
        "role poor_reader",
        "publication po\"or",
        "database poor_to",
        "schema poor_public",
        "schema walferry",
    ];
    assert_eq!(failures, expected);
    let role = remedy_of(&findings, "role poor_reader");
    pair.on_source(role.split(" (on").next().unwrap()).await;
    let publication = remedy_of(&findings, "publication po\"or");
    pair.on_source(publication).await;
    let schema = remedy_of(&findings, "schema poor_public");
    pair.on_destination(schema.split_once(" Or: ").unwrap().1)
        .await;
    for subject in ["database poor_to", "schema walferry"] {
        pair.on_destination(remedy_of(&findings, subject)).await;
    }
    let mended = pair.findings(more).await;
    assert_eq!(at(&mended, Level::Failure), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_in_the_way_in_the_destination_is_named() {
    let pair = Pair::new("blocked").await;
    pair.on_source(
        "CREATE TABLE public.full (id int PRIMARY KEY); CREATE TABLE public.view (id int);
         CREATE TABLE public.narrow (id int PRIMARY KEY, v text);
         CREATE TABLE public.taken (id int PRIMARY KEY);
         CREATE TABLE public.ours (id int PRIMARY KEY);
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO blocked_reader;
         CREATE PUBLICATION walferry_blocked FOR ALL TABLES",
    )
    .await;
    pair.on_destination(
        "CREATE SCHEMA walferry AUTHORIZATION blocked_writer;
         CREATE SCHEMA blocked_public AUTHORIZATION blocked_writer; SET ROLE blocked_writer;
         CREATE TABLE blocked_public.full (id int); INSERT INTO blocked_public.full VALUES (1);
         CREATE VIEW blocked_public.view AS SELECT 1 AS id;
         CREATE TABLE blocked_public.narrow (id int);
         CREATE TABLE blocked_public.taken (id int);
         CREATE TABLE blocked_public.ours (id int); INSERT INTO blocked_public.ours VALUES (1);
         SET search_path = walferry",
    )
    .await;
    pair.on_destination(include_str!("../../../migrations/V1__bookkeeping.sql"))
        .await;
    pair.on_destination(
        "INSERT INTO walferry_pipelines SELECT n, 's', 'p', true, true, '1', 1, 'd', '0/1'
             FROM pg_catalog.unnest('{blocked,other}'::text[]) AS n;
         INSERT INTO walferry_tables VALUES
             ('blocked', 1, 'public', 'ours', 'blocked_public', 'ours', '0/1', true, 1, 1),
             ('other', 2, 'public', 'taken', 'blocked_public', 'taken', '0/1', true, 1, 1)",
    )
    .await;
    let findings = pair.findings("").await;
    let expected = [
        "destination table blocked_public.full: A table that walferry did not make is in the way, \
         and it holds rows",
        "destination table blocked_public.narrow: The empty table that is there lacks the columns v",
        "destination table blocked_public.taken: The table belongs to the pipeline other",
        "destination table blocked_public.view: Something that is not an ordinary table has the \
         name of the copy",
    ];
    assert_eq!(at(&findings, Level::Failure), expected);
}

#[tokio::test]
async fn names_that_cannot_be_are_refused_per_schema() {
    let pair = Pair::new("named").await;
    let long = "x".repeat(60);
    pair.on_source(&format!(
        "CREATE SCHEMA {long}; CREATE TABLE {long}.t (id int PRIMARY KEY);
         CREATE SCHEMA a; CREATE TABLE a.t (id int PRIMARY KEY);
         CREATE SCHEMA b; CREATE TABLE b.t (id int PRIMARY KEY);
         GRANT USAGE ON SCHEMA {long}, a, b TO named_reader;
         GRANT SELECT ON {long}.t, a.t, b.t TO named_reader;
         CREATE PUBLICATION walferry_named FOR ALL TABLES"
    ))
    .await;
    let findings = pair
        .findings("[destination.schemas]\na = 'named_b'\n")
        .await;
    let expected = [
        "destination schema named_b: The source schemas a and b would both become named_b"
            .to_owned(),
        format!("destination schema named_{long}: The name has 66 bytes, and PostgreSQL keeps 63"),
    ];
    assert_eq!(at(&findings, Level::Failure), expected);
}

#[tokio::test]
async fn one_side_that_cannot_be_reached_does_not_hide_the_other() {
    let pair = Pair::new("halved").await;
    pair.on_source("CREATE TABLE public.t (id int PRIMARY KEY)")
        .await;
    let mut config = pair.config("");
    config.destination.endpoint.database = "not_there".to_owned();
    config.destination.endpoint.connect_timeout = std::time::Duration::from_secs(2);
    let findings = findings(&config).await.unwrap();
    let failures = at(&findings, Level::Failure);
    assert!(
        failures
            .iter()
            .any(|line| line.starts_with("source publication")),
        "{failures:?}"
    );
    assert!(
        failures
            .iter()
            .any(|line| line.starts_with("destination connection")),
        "{failures:?}"
    );
}

#[tokio::test]
async fn the_source_is_not_accepted_as_its_own_destination() {
    let pair = Pair::new("mirror").await;
    pair.on_source("CREATE TABLE public.t (id int PRIMARY KEY)")
        .await;
    let mut config = pair.config("");
    config.destination.endpoint.database = "mirror_from".to_owned();
    let findings = findings(&config).await.unwrap();
    let failures = at(&findings, Level::Failure).join("\n");
    assert!(
        failures.contains("Source and destination are the same database"),
        "{failures}"
    );
}

#[tokio::test]
async fn values_that_the_destination_might_not_take_are_told_before_the_load() {
    let pair = Pair::new("pf_values").await;
    pair.on_source(
        "CREATE TABLE public.t (id int PRIMARY KEY, n int, c regclass, a aclitem[]);
         CREATE TABLE public.fine (id int PRIMARY KEY);
         CREATE PUBLICATION walferry_pf_values FOR ALL TABLES;
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO pf_values_reader",
    )
    .await;
    pair.on_destination(
        "CREATE SCHEMA pf_values_public AUTHORIZATION pf_values_writer;
         CREATE TABLE pf_values_public.t
             (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
              n int GENERATED BY DEFAULT AS IDENTITY, c regclass, a aclitem[]);
         ALTER TABLE pf_values_public.t OWNER TO pf_values_writer",
    )
    .await;
    let findings = pair.findings("").await;
    let warnings = at(&findings, Level::Warning);
    let names: Vec<_> = warnings
        .iter()
        .filter(|w| w.contains("names of objects"))
        .collect();
    assert!(
        matches!(&names[..], [one] if one.ends_with(": c, a")),
        "{warnings:?}"
    );
    assert_eq!(at(&findings, Level::Failure), [""; 0]);
    // the key is only ever inserted
    let always = "ALTER TABLE pf_values_public.t ALTER COLUMN n DROP IDENTITY;
         ALTER TABLE pf_values_public.t ALTER COLUMN n ADD GENERATED ALWAYS AS IDENTITY";
    pair.on_destination(always).await;
    let findings = pair.findings("").await;
    let failures = at(&findings, Level::Failure);
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(
        failures[0].contains("The column n is GENERATED ALWAYS"),
        "{failures:?}"
    );
}
