//! Five thousand names from the source's catalog, each made to break out of a statement, from the
//! load to the teardown: nothing happens but what should, on either side.

use std::collections::HashSet;
use std::fmt::Write as _;

use fastrand::Rng;
use tokio_postgres::Client;
use walferry::sql::{Ident, Literal};

use crate::support::{Daemon, Figures, Pair, do_on, drain, equal_soon, majors, until, walferry};

const TABLES: usize = 240;
const COLUMNS: usize = 20;
const TYPES: usize = 20;

/// What statements, messages, COPY, formats and logs are broken with.
const PIECES: &[&str] = &[
    "\"",
    "\"\"",
    "'",
    "''",
    ".",
    "\".\"",
    " ",
    "\n",
    "\r",
    "\t",
    "\u{9b}2J",
    "\u{2028}",
    "\nerror: ",
    "\\",
    "\\n",
    "\\.",
    "\\N",
    "$$",
    "$a$",
    "$1",
    "--",
    "/*",
    "*/",
    ";",
    "; DROP TABLE public.tripwire; --",
    "\"; DROP TABLE public.tripwire; --",
    "'; DROP TABLE public.tripwire; --",
    "\"); DELETE FROM public.tripwire; --",
    "$$; DROP TABLE public.tripwire; $$",
    "%s",
    "%I",
    "%1$L",
    "{}",
    "{0}",
    "${x}",
    "select",
    "NULL",
    "user",
    "table",
    "default",
    "true",
    "(",
    ")",
    ",",
    "=",
    "a",
    "A",
    "é",
    "e\u{301}",
    "ß",
    "ı",
    "日本",
    "😀",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "\u{1}",
    "\u{7f}",
    "E'\\''",
    "U&\"",
    "::text",
    "pg_catalog.",
    "walferry renames ",
    "<b>",
    "&amp;",
    "\u{1b}[31m",
];

/// Makes names that nobody has yet.
struct Names {
    random: Rng,
    used: HashSet<String>,
}

impl Names {
    fn new(seed: u64) -> Names {
        let ours = [
            "walferry renames 0",
            "walferry renames 1",
            "case",
            "Case",
            "CASE",
        ];
        Names {
            random: Rng::with_seed(seed),
            used: ours.iter().map(ToString::to_string).collect(),
        }
    }

    /// Of at most `bytes`; some are cut to exactly that, and differ in their last bytes.
    fn next(&mut self, bytes: usize) -> String {
        loop {
            let mut name = String::new();
            for _ in 0..=self.random.usize(..4) {
                name += PIECES[self.random.usize(..PIECES.len())];
            }
            if self.random.usize(..8) == 0 {
                name += &"x".repeat(bytes);
            }
            let number = format!("{:x}", self.used.len());
            let mut end = name.len().min(bytes - number.len());
            while !name.is_char_boundary(end) {
                end -= 1;
            }
            name.truncate(end);
            name += &number;
            if self.used.insert(name.clone()) {
                return name;
            }
        }
    }

    /// PostgreSQL keeps schemas that begin with `pg_` for itself.
    fn schema(&mut self) -> String {
        loop {
            let name = self.next(40);
            if !name.starts_with("pg_") {
                return name;
            }
        }
    }
}

struct Table {
    schema: String,
    name: String,
    columns: Vec<String>,
    types: Vec<String>,
}

impl Table {
    fn sql(&self) -> String {
        format!("{}.{}", Ident(&self.schema), Ident(&self.name))
    }

    fn create(&self) -> String {
        let columns = self.columns.iter().zip(&self.types).enumerate();
        let columns: Vec<String> = columns
            .map(|(at, (name, type_name))| {
                let key = if at == 0 { " PRIMARY KEY" } else { "" };
                format!("{} {type_name}{key}", Ident(name))
            })
            .collect();
        format!("CREATE TABLE {} ({});", self.sql(), columns.join(", "))
    }

    fn insert(&self, key: u32) -> String {
        let values = self
            .types
            .iter()
            .enumerate()
            .map(|(at, name)| match name.as_str() {
                "int" if at == 0 => key.to_string(),
                "int" => (at * 7).to_string(),
                "text" => Literal(&self.columns[at]).to_string(),
                // an enum whose labels are its own names
                _ => format!("(enum_range(NULL::{name}))[1]"),
            });
        let values: Vec<String> = values.collect();
        format!("INSERT INTO {} VALUES ({});", self.sql(), values.join(", "))
    }

    fn work(&self) -> String {
        let (table, key) = (self.sql(), Ident(&self.columns[0]));
        let (first, last) = (Ident(&self.columns[1]), Ident(&self.columns[COLUMNS - 1]));
        format!(
            "{} UPDATE {table} SET {first} = NULL, {last} = NULL WHERE {key} = 1;
             UPDATE {table} SET {key} = 20 WHERE {key} = 2; DELETE FROM {table} WHERE {key} = 3;",
            self.insert(4)
        )
    }
}

const TRIPWIRE: &str = "
    CREATE TABLE public.tripwire (id int PRIMARY KEY, v text);
    INSERT INTO public.tripwire VALUES (1, 'untouched')";

/// Writes down what walferry does, and to whose objects.
const WATCH: &str = "
    CREATE TABLE public.done (tag text, identity text, schema text, temporary boolean);
    CREATE FUNCTION public.note_made() RETURNS event_trigger
        LANGUAGE plpgsql SECURITY DEFINER AS $f$
        BEGIN INSERT INTO public.done
            SELECT command_tag, object_identity, schema_name, schema_name ~ '^pg_temp'
            FROM pg_event_trigger_ddl_commands() WHERE session_user = 'walferry'; END $f$;
    CREATE FUNCTION public.note_dropped() RETURNS event_trigger
        LANGUAGE plpgsql SECURITY DEFINER AS $f$
        BEGIN INSERT INTO public.done
            SELECT 'drop ' || object_type, object_identity, schema_name, is_temporary
            FROM pg_event_trigger_dropped_objects() WHERE session_user = 'walferry'; END $f$;
    CREATE EVENT TRIGGER made ON ddl_command_end EXECUTE FUNCTION public.note_made();
    CREATE EVENT TRIGGER dropped ON sql_drop EXECUTE FUNCTION public.note_dropped();";

async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

fn make(names: &mut Names) -> (String, Vec<Table>) {
    let schemas: Vec<String> = (0..6).map(|_| names.schema()).collect();
    let mut script = String::new();
    let mut types = Vec::new();
    for schema in &schemas {
        let _ = writeln!(script, "CREATE SCHEMA {};", Ident(schema));
    }
    for at in 0..TYPES {
        let schema = &schemas[at % schemas.len()];
        let name = format!("{}.{}", Ident(schema), Ident(&names.next(60)));
        let (one, other) = (names.next(60), names.next(60));
        let (one, other) = (Literal(&one), Literal(&other));
        let _ = writeln!(script, "CREATE TYPE {name} AS ENUM ({one}, {other});");
        types.push(name);
    }
    let mut tables = Vec::new();
    for at in 0..TABLES {
        let mut table = Table {
            schema: schemas[at % schemas.len()].clone(),
            name: names.next(63),
            columns: (0..COLUMNS).map(|_| names.next(63)).collect(),
            types: (0..COLUMNS)
                .map(|column| match (column, (at + column) % 5) {
                    (0, _) | (_, 0 | 1) => "int".to_owned(),
                    (_, 2) => types[(at + column) % TYPES].clone(),
                    _ => "text".to_owned(),
                })
                .collect(),
        };
        if at % 10 == 0 {
            // names that walferry itself uses, or that differ only in case
            let own = [
                "walferry renames 0",
                "walferry renames 1",
                "case",
                "Case",
                "CASE",
            ];
            for (column, name) in table.columns.iter_mut().skip(5).zip(own) {
                name.clone_into(column);
            }
        }
        script += &table.create();
        for key in 1..=3 {
            script += &table.insert(key);
        }
        tables.push(table);
    }
    (script, tables)
}

/// Each tenth table gets other names and another column, each twentieth a name of its own.
fn change(names: &mut Names, tables: &mut [Table]) -> String {
    let mut script = String::new();
    for (at, table) in tables.iter_mut().enumerate().filter(|(at, _)| at % 10 == 0) {
        for column in [2, 3] {
            let (from, to) = (table.columns[column].clone(), names.next(63));
            let (from, sql) = (Ident(&from), Ident(&to));
            let _ = writeln!(
                script,
                "ALTER TABLE {} RENAME {from} TO {sql};",
                table.sql()
            );
            table.columns[column] = to;
        }
        let added = names.next(63);
        let (name, value) = (Ident(&added), Literal(&added));
        let _ = writeln!(
            script,
            "ALTER TABLE {} ADD {name} text DEFAULT {value};",
            table.sql()
        );
        table.columns.push(added);
        table.types.push("text".to_owned());
        if at % 20 == 0 {
            let (from, to) = (table.sql(), names.next(63));
            let _ = writeln!(script, "ALTER TABLE {from} RENAME TO {};", Ident(&to));
            table.name = to;
        }
        script += &table.insert(30);
    }
    script
}

#[tokio::test]
async fn five_thousand_hostile_names_do_nothing_but_name() {
    let figures = Figures::asked_for();
    let majors = majors().await;
    // one of them every day, all of them in the long run
    let all = if figures.alone {
        &majors[..]
    } else {
        &majors[..1]
    };
    for major in all {
        five_thousand_on(*major, figures.seed).await;
    }
}

/// What `discover` prints above and below the tables.
const HEADER_LINES: usize = 2;

async fn five_thousand_on(major: u32, seed: u64) {
    eprintln!("hostile names: WALFERRY_SEED={seed}");
    let mut names = Names::new(seed);
    let pair = Pair::start(major).await;
    let (source, destination) = (pair.on_source().await, pair.on_destination().await);
    do_on(&source, TRIPWIRE).await;
    do_on(&destination, TRIPWIRE).await;
    do_on(&destination, WATCH).await;
    let (script, mut tables) = make(&mut names);
    do_on(&source, &script).await;
    let config = pair.config();
    walferry(&config, &["check"]).await.ended(0, &[]);
    let discovered = walferry(&config, &["discover"]).await.ended(0, &[]);
    // no name makes a line of its own
    assert_eq!(discovered.out.lines().count(), TABLES + HEADER_LINES);
    let mut daemon = Daemon::start_on(&pair, &config);
    daemon.wait_ready().await;
    equal_soon(&pair).await;
    for some in tables.chunks(40) {
        let work: String = some.iter().map(Table::work).collect();
        do_on(&source, &work).await;
    }
    equal_soon(&pair).await;
    let changes = change(&mut names, &mut tables);
    do_on(&source, &changes).await;
    equal_soon(&pair).await;
    let (dots, none): (Vec<&Table>, Vec<&Table>) = tables
        .iter()
        .partition(|table| table.schema.contains('.') || table.name.contains('.'));
    let again: Vec<String> = dots
        .into_iter()
        .take(2)
        .chain(none.into_iter().take(2))
        .map(Table::sql)
        .collect();
    let mut resync = vec!["resync", "--wait", "--"];
    resync.extend(again.iter().map(String::as_str));
    walferry(&config, &resync).await.ended(0, &["Done."]);
    equal_soon(&pair).await;
    daemon.assert_running();
    walferry(&config, &["status"]).await.ended(0, &[]);
    walferry(&config, &["status", "--json"]).await.ended(0, &[]);
    let log = daemon.log();
    let year = |line: &str| {
        line.split_once('-')
            .is_some_and(|(year, _)| year.len() == 4)
    };
    let forged = log.lines().find(|line| !year(line));
    assert_eq!(forged, None, "a line of the log that is none");
    drain(&pair, daemon).await;

    let used = TABLES + TABLES * COLUMNS + TYPES * 3 + 6;
    assert!(
        used >= 5_000 && names.used.len() >= used,
        "{}",
        names.used.len()
    );
    let made = "SELECT count(*) FROM public.done WHERE tag = 'CREATE TABLE' AND NOT temporary
         AND schema LIKE 'app\\_%'";
    let tables_made = number(&destination, made).await;
    assert!(
        tables_made >= i64::try_from(TABLES).unwrap(),
        "{tables_made}"
    );
    walferry(&config, &["teardown", "--yes", "--drop-data"])
        .await
        .ended(0, &["Done."]);
    let left = "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname LIKE 'app\\_%' OR n.nspname LIKE 'walferry%'";
    assert_eq!(number(&destination, left).await, 0);
    let untouched = "SELECT count(*) = 1 AND min(v) = 'untouched' FROM public.tripwire";
    until(&source, untouched).await;
    until(&destination, untouched).await;
    // whatever was made, altered or dropped was walferry's own
    let others = "SELECT tag || ' ' || identity FROM public.done WHERE NOT temporary
         AND COALESCE(schema, '') !~ '^(app_|walferry$|pg_temp|pg_toast)'
         AND NOT (schema IS NULL AND identity ~ '(app_|walferry)')";
    let others = destination.query(others, &[]).await.unwrap();
    let others: Vec<String> = others.iter().map(|row| row.get(0)).collect();
    assert!(others.is_empty(), "{others:?}");
    let there =
        "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)'";
    let there = number(&source, there).await;
    assert_eq!(
        there,
        i64::try_from(TABLES).unwrap() + 1,
        "tables of the source"
    );
    eprintln!(
        "PostgreSQL {major}: {used} hostile names, {tables_made} tables made, all as it should"
    );
}
