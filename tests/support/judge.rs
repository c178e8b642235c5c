//! Whether both sides of a pair are equal.

use std::time::{Duration, Instant};

use walferry::Side;
use walferry::catalog::TableName;
use walferry::demo::compare::fingerprint;

use super::PATIENCE;
use super::Pair;

const SOURCE_TABLES: &str = "
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, 2";

/// Panics unless every table of the source holds the same rows in `app_<schema>`.
pub async fn compare(pair: &Pair) {
    let different = differences(pair).await;
    assert!(different.is_empty(), "different: {}", different.join("; "));
}

/// Waits until they do.
pub async fn equal_soon(pair: &Pair) {
    let started = Instant::now();
    loop {
        let different = differences(pair).await;
        if different.is_empty() {
            return;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "still different: {}",
            different.join("; ")
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn differences(pair: &Pair) -> Vec<String> {
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    let tables = source.query(SOURCE_TABLES, &[]).await.unwrap();
    assert!(!tables.is_empty(), "the source has no table");
    let mut different = Vec::new();
    for row in tables {
        let (schema, name): (String, String) = (row.get(0), row.get(1));
        let original = TableName::new(&schema, &name);
        let copy = TableName::new(format!("app_{schema}"), &name);
        let there = fingerprint(&source, Side::Source, &original).await.unwrap();
        let here = fingerprint(&destination, Side::Destination, &copy)
            .await
            .unwrap();
        if there != here {
            different.push(format!("{original}: {there:?}, {copy}: {here:?}"));
        }
    }
    different
}
