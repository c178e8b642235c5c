//! Columns that are left out, masked or hashed: the destination holds what a formula in SQL says,
//! whichever way the rows came, and nobody ever sees what was protected.

mod changes;
mod checks;
mod everywhere;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::support::PATIENCE;
use crate::support::{CANARY, Pair, do_on, write_private};

/// It must not be seen either.
const SALT: &str = "k4n4r1env0gel of thirty-two bytes";

/// A configuration with these keys in `[tables]`, whose salt is in a file.
fn config(pair: &Pair, name: &str, keys: &str) -> PathBuf {
    config_with(pair, name, SALT, keys)
}

fn config_with(pair: &Pair, name: &str, salt: &str, keys: &str) -> PathBuf {
    let path = write_private(pair.directory().join(format!("{name}.salt")), salt);
    let keys = format!(
        "[tables]\nhash_salt_file = \"{}\"\n{keys}\n",
        path.display()
    );
    pair.write_config(name, &keys)
}

/// Makes the function `hashed(text)` by the definition of HMAC (RFC 2104).
async fn make_formula(source: &Client) {
    make_formula_with(source, SALT).await;
}

async fn make_formula_with(source: &Client, salt: &str) {
    let mut key = [0_u8; 64];
    key[..salt.len()].copy_from_slice(salt.as_bytes());
    let pad = |with: u8| {
        key.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{:02x}", byte ^ with);
            text
        })
    };
    let (inner, outer) = (pad(0x36), pad(0x5c));
    let function = format!(
        "CREATE OR REPLACE FUNCTION public.hashed(value text) RETURNS text LANGUAGE sql AS $$
             SELECT encode(sha256('\\x{outer}'::bytea ||
                 sha256('\\x{inner}'::bytea || convert_to(value, 'UTF8'))), 'hex') $$"
    );
    do_on(source, &function).await;
}

/// Rows as text, in the order of their bytes; the error of a query that fails.
async fn rows(client: &Client, query: &str) -> Vec<String> {
    let query = format!("SELECT r::text FROM ({query}) AS r ORDER BY r::text COLLATE \"C\"");
    match client.query(&query, &[]).await {
        Ok(rows) => rows.iter().map(|row| row.get(0)).collect(),
        // a table or column that is still to come
        Err(error) => vec![format!("{query}: {:?}", error.as_db_error())],
    }
}

/// Waits until both queries have the same rows.
async fn same_soon(pair: &Pair, original: &str, copy: &str) {
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    let started = Instant::now();
    loop {
        let (expected, found) = (
            rows(&source, original).await,
            rows(&destination, copy).await,
        );
        if expected == found {
            return;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{original}:\n{expected:#?}\n{copy}:\n{found:#?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// No table of the destination, walferry's own among them, and no default shows the canary.
async fn assert_nowhere(destination: &Client) {
    let tables = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)'
         UNION ALL SELECT 'pg_catalog.pg_attrdef' UNION ALL SELECT 'pg_catalog.pg_attribute'
         UNION ALL SELECT 'pg_catalog.pg_enum'";
    for table in destination.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let of_row = match table.as_str() {
            "pg_catalog.pg_attrdef" => "pg_get_expr(r.adbin, r.adrelid)",
            _ => "r::text",
        };
        let found = format!("SELECT count(*) FROM {table} AS r WHERE {of_row} LIKE '%{CANARY}%'");
        let found: i64 = destination.query_one(&found, &[]).await.unwrap().get(0);
        assert_eq!(found, 0, "{table} shows what is protected");
    }
}
