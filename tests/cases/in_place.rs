//! Whether changed shapes were followed in place: no table was loaded again, or is to be.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::folder::Case;
use super::way::Way;

/// As the bookkeeping has it.
const LOADS: &str = "
    SELECT source_oid, source_schema, source_table, (loaded_at, reload)::text
    FROM walferry.walferry_tables WHERE source_schema = ANY ($1)";

/// The load of each table that is to be followed in place, by the table's oid on the source.
pub struct Loads(BTreeMap<u32, Load>);

struct Load {
    schema: String,
    table: String,
    state: String,
}

impl Loads {
    /// Those of the cases that say `-- in place`.
    pub async fn of(cases: &[Case], destination: &Client) -> Loads {
        let cases = cases.iter().filter(|case| case.in_place);
        let schemas: Vec<&str> = cases.map(|case| case.schema.as_str()).collect();
        if schemas.is_empty() {
            return Loads(BTreeMap::new());
        }
        let rows = destination.query(LOADS, &[&schemas]).await.unwrap();
        let load = |row: &tokio_postgres::Row| Load {
            schema: row.get(1),
            table: row.get(2),
            state: row.get(3),
        };
        Loads(rows.iter().map(|row| (row.get(0), load(row))).collect())
    }

    /// A line for each table whose load is another one `now`. Tables that have come since do not
    /// count.
    pub fn again(&self, now: &Loads, way: Way) -> Vec<String> {
        let same = |oid: &u32, load: &Load| {
            let now = now.0.get(oid);
            now.is_none_or(|now| now.state == load.state)
        };
        let again = self.0.iter().filter(|(oid, load)| !same(oid, load));
        let line = |load: &Load| {
            let Load { schema, table, .. } = load;
            format!("{schema} [{}] {table}: it was loaded again", way.as_str())
        };
        again.map(|(_, load)| line(load)).collect()
    }
}
