//! The ways in which a table is altered.

use super::ROWS;

/// Where the table is at first, and where it goes; another pass takes it back.
pub(super) const PLACES: [&str; 4] = [
    "public.altered",
    "public.renamed",
    "elsewhere.renamed",
    "elsewhere.altered",
];

/// One of them.
pub(super) struct Way {
    pub(super) name: &'static str,
    /// The table before and after it.
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    /// The statements that do it.
    statements: String,
    /// What the destination answers with true once it has followed; the rows alone would not tell.
    pub(super) followed: Option<String>,
    /// Somebody reads the copy meanwhile, and goes on reading.
    pub(super) locked: bool,
}

impl Way {
    fn new(name: &'static str, table: &'static str, alter: &str) -> Way {
        Way {
            name,
            from: table,
            to: table,
            statements: format!("ALTER TABLE {table} {alter};"),
            followed: None,
            locked: false,
        }
    }

    fn locked(mut self) -> Way {
        self.locked = true;
        self
    }

    fn to(mut self, to: &'static str) -> Way {
        self.to = to;
        self
    }

    fn followed_when(mut self, question: String) -> Way {
        self.followed = Some(question);
        self
    }

    /// By itself; `number` is what tells that it has arrived.
    pub(super) fn plainly(&self, number: usize) -> String {
        self.statements.clone() + &mark(self.to, number)
    }

    /// In one transaction, with a row before it and one after it.
    pub(super) fn between_rows(&self, number: usize) -> String {
        let before = mark(self.from, number - 1);
        let after = mark(self.to, number);
        format!("BEGIN; {before} {} {after} COMMIT", self.statements)
    }
}

fn mark(table: &str, number: usize) -> String {
    format!("UPDATE {table} SET n = {number} WHERE id = 1;")
}

pub(super) fn make_table(table: &str) -> String {
    format!(
        "CREATE TABLE {table} (id int CONSTRAINT altered_pkey PRIMARY KEY, n int, v varchar(200));
         INSERT INTO {table} SELECT i, 0, repeat('y', 100) FROM generate_series(1, {ROWS}) AS i;"
    )
}

/// All of them, in an order in which they are possible; the table is then as it was at first, in
/// another place. Takes two passes to bring it back.
pub(super) fn ways(pass: usize) -> Vec<Way> {
    let [at, renamed, moved] = match pass % 2 {
        0 => [PLACES[0], PLACES[1], PLACES[2]],
        _ => [PLACES[2], PLACES[3], PLACES[0]],
    };
    let schema = moved.split('.').next().unwrap();
    let keyed = |is: &str| {
        format!(
            "SELECT {is} EXISTS (SELECT FROM pg_catalog.pg_index
              WHERE indisprimary AND indrelid = 'app_{at}'::pg_catalog.regclass)"
        )
    };
    let no_key = "REPLICA IDENTITY FULL, DROP CONSTRAINT altered_pkey";
    let key = "ADD CONSTRAINT altered_pkey PRIMARY KEY (id), REPLICA IDENTITY DEFAULT";
    let again = format!("DROP TABLE {moved}; {}", make_table(moved));
    let mut ways = vec![
        Way::new("column with a constant default", at, "ADD c int DEFAULT 7").locked(),
        Way::new(
            "column with many values",
            at,
            "ADD m uuid DEFAULT gen_random_uuid()",
        ),
        Way::new("column without a default", at, "ADD bare text"),
        Way::new("renamed column", at, "RENAME v TO words"),
        Way::new("type of the same bytes", at, "ALTER words TYPE text"),
        Way::new("type that rewrites", at, "ALTER n TYPE bigint").locked(),
        Way::new("NOT NULL", at, "ALTER words SET NOT NULL"),
        Way::new("no NOT NULL", at, "ALTER words DROP NOT NULL"),
        Way::new("no key", at, no_key).followed_when(keyed("NOT")),
        Way::new("key", at, key).followed_when(keyed("")),
        Way::new("renamed table", at, "").to(renamed).locked(),
        Way::new("another schema", renamed, &format!("SET SCHEMA {schema}")).to(moved),
        Way::new("dropped column", moved, "DROP bare"),
        Way::new("dropped and made again", moved, ""),
    ];
    ways[10].statements = format!(
        "ALTER TABLE {at} RENAME TO {};",
        renamed.split('.').next_back().unwrap()
    );
    ways[13].statements = again;
    ways
}
