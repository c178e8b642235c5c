//! Whether the copies hold what the source holds. Nothing of walferry takes part in the verdict.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use futures_util::TryStreamExt as _;
use tokio_postgres::Client;
use walferry::sql::{Ident, Literal};

const TABLES: &str = "
    SELECT schemaname::text, tablename::text FROM pg_catalog.pg_publication_tables
    WHERE pubname = 'walferry_app' AND schemaname LIKE 'lane\\_%' ORDER BY 1, 2";

/// How much of a row that differs is shown.
const SHOWN_CHARS_MAX: usize = 120;

/// All tables of the lanes that the publication sends.
pub struct Tables(Vec<(String, String)>);

impl Tables {
    pub async fn of(source: &Client) -> Tables {
        let rows = source.query(TABLES, &[]).await.unwrap();
        assert!(!rows.is_empty(), "nothing is published");
        let name = |row: &tokio_postgres::Row| (row.get(0), row.get(1));
        Tables(rows.iter().map(name).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What COPY prints of all their rows, each behind the name of its table, in the order of the
    /// bytes. `prefix` is what the schemas of the copy begin with.
    async fn rows(&self, client: &Client, prefix: &str) -> Vec<Vec<u8>> {
        let rows = self.0.iter().map(|(schema, table)| {
            let name = Literal(&format!("{schema}.{table}")).to_string();
            let schema = Ident(&format!("{prefix}{schema}")).to_string();
            format!("SELECT {name}, t::text FROM {schema}.{} AS t", Ident(table))
        });
        let union: Vec<String> = rows.collect();
        let copy = format!("COPY ({}) TO STDOUT", union.join(" UNION ALL "));
        let stream = client.copy_out(&copy).await.unwrap();
        let text: Vec<bytes::Bytes> = stream.try_collect().await.unwrap();
        let text = text.concat();
        let lines = text.split(|&byte| byte == b'\n');
        let mut lines: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
        lines.sort_unstable();
        lines
    }

    /// Each lane whose copy differs, and in what.
    pub async fn differences(
        &self,
        source: &Client,
        copy: &Client,
        prefix: &str,
    ) -> BTreeMap<usize, String> {
        let (original, copy) = (self.rows(source, "").await, self.rows(copy, prefix).await);
        let mut different = BTreeMap::new();
        if original == copy {
            return different;
        }
        for (one, other, what) in [
            (&original, &copy, "missing"),
            (&copy, &original, "too much"),
        ] {
            for row in surplus(one, other) {
                let text = String::from_utf8_lossy(row);
                let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
                let said: &mut String = different.entry(lane_in(&text)).or_default();
                let _ = writeln!(said, "{what}: {shown}");
            }
        }
        different
    }
}

/// What the first has and the second lacks, as often as it lacks it.
fn surplus<'a>(one: &'a [Vec<u8>], other: &[Vec<u8>]) -> Vec<&'a Vec<u8>> {
    let mut left: HashMap<&[u8], u32> = HashMap::new();
    for row in other {
        *left.entry(row).or_default() += 1;
    }
    let is_more = |row: &&Vec<u8>| match left.get_mut(row.as_slice()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    one.iter().filter(is_more).collect()
}

/// All rows that a lane's difference shows are of tables whose names end so.
pub fn only_of(what: &str, table: &str) -> bool {
    let mut lines = what.lines();
    lines.all(|line| {
        line.split('\t')
            .next()
            .is_some_and(|name| name.ends_with(table))
    })
}

/// The lane that a text names.
pub fn lane_in(text: &str) -> usize {
    let named = text.split("lane_").nth(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse()
    });
    match named {
        Some(Ok(lane)) => lane,
        _ => panic!("no lane: {text}"),
    }
}
