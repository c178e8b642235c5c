//! Whether both sides of a case hold the same rows. Nothing of walferry takes part in the verdict.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use walferry::sql::Ident;

use super::folder::Case;
use super::way::Way;

const TABLES: &str = include_str!("published_tables.sql");
const COLUMNS: &str = include_str!("columns.sql");
const UNKNOWN_TYPES: &str =
    "SELECT name FROM unnest($1::text[]) AS name WHERE to_regtype(name) IS NULL";

/// How much of a row that differs is shown.
const SHOWN_CHARS_MAX: usize = 300;

/// A published table.
struct Table {
    schema: String,
    name: String,
    /// A partitioned table, whose rows are in its partitions.
    partitioned: bool,
    row_filter: Option<String>,
    columns: BTreeMap<String, Column>,
}

/// A column of it.
struct Column {
    type_name: String,
    /// Users did not make the type.
    built_in: bool,
    /// The destination's version has no type of this name.
    unknown_there: bool,
    /// What writes its bytes, if anything does.
    send: Option<String>,
    /// Schema and name of the type, or of its elements; whether it is an array.
    origin: (String, String, bool),
    /// `user`, `extension`, or `row` for the rows of a table.
    sort: String,
}

/// What a comparison came to.
#[derive(Default)]
pub struct Compared {
    /// One line for each table that differs, with the case's name.
    pub different: Vec<String>,
    /// Values of the source that were compared.
    pub values: usize,
    /// Types with tables of their own, and the different values that these tables began with.
    pub types: usize,
    pub values_of_types: usize,
}

impl Compared {
    /// Nothing was compared, since this happened.
    pub fn of_fault(what: String) -> Compared {
        Compared {
            different: vec![what],
            ..Compared::default()
        }
    }

    /// Both together.
    pub fn add(&mut self, other: Compared) {
        self.different.extend(other.different);
        self.values += other.values;
        self.types += other.types;
        self.values_of_types += other.values_of_types;
    }
}

/// One of the two databases, and what is asked of it about every table.
struct Side<'a> {
    client: &'a Client,
    columns: Statement,
    unknown_types: Statement,
}

impl<'a> Side<'a> {
    async fn of(client: &'a Client) -> Side<'a> {
        Side {
            client,
            columns: client.prepare(COLUMNS).await.unwrap(),
            unknown_types: client.prepare(UNKNOWN_TYPES).await.unwrap(),
        }
    }
}

/// Compares all tables of the cases.
pub async fn compare_all(
    way: Way,
    cases: &[Case],
    source: &Client,
    destination: &Client,
) -> Compared {
    let mut compared = Compared::default();
    if cases.is_empty() {
        return compared;
    }
    let (source, destination) = (Side::of(source).await, Side::of(destination).await);
    let mut tables = published(&source, cases).await;
    for case in cases {
        let tables = tables.remove(&case.name);
        let tables = tables.unwrap_or_else(|| panic!("{} has no table", case.name));
        for mut table in tables {
            table.columns = columns(&source, &table.schema, &table.name).await;
            look_up_types(&destination, &mut table.columns).await;
            match compare(case, &table, &source, &destination).await {
                Ok(values) => {
                    compared.values += values;
                    if has_each_value_once(&table.name) {
                        compared.types += 1;
                        compared.values_of_types += values / table.columns.len();
                    }
                }
                Err(what) => {
                    let line = format!("{} [{}] {}: {what}", case.name, way.as_str(), table.name);
                    compared.different.push(line);
                }
            }
        }
    }
    compared
}

/// The published tables of each case, by its name; their columns are still to be looked up.
async fn published(source: &Side<'_>, cases: &[Case]) -> BTreeMap<String, Vec<Table>> {
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let mut tables: BTreeMap<String, Vec<Table>> = BTreeMap::new();
    for row in source.client.query(TABLES, &[&names]).await.unwrap() {
        tables.entry(row.get(0)).or_default().push(Table {
            schema: row.get(1),
            name: row.get(2),
            partitioned: row.get(3),
            row_filter: row.get(4),
            columns: BTreeMap::new(),
        });
    }
    tables
}

/// By `types/each_value.sql`: of each value there were two, and one was deleted.
fn has_each_value_once(table: &str) -> bool {
    let number = table
        .strip_prefix('t')
        .and_then(|t| t.strip_suffix("_gone"));
    number.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
}

async fn columns(side: &Side<'_>, schema: &str, table: &str) -> BTreeMap<String, Column> {
    let values: [&(dyn ToSql + Sync); 2] = [&schema, &table];
    let rows = side.client.query(&side.columns, &values).await.unwrap();
    let column = |row: &tokio_postgres::Row| Column {
        type_name: row.get(1),
        built_in: row.get(2),
        unknown_there: false,
        send: row.get(3),
        origin: (row.get(4), row.get(5), row.get(6)),
        sort: row.get(7),
    };
    rows.iter().map(|row| (row.get(0), column(row))).collect()
}

async fn look_up_types(destination: &Side<'_>, columns: &mut BTreeMap<String, Column>) {
    let built_in = columns.values().filter(|column| column.built_in);
    let names: Vec<String> = built_in.map(|column| column.type_name.clone()).collect();
    let values: [&(dyn ToSql + Sync); 1] = [&names];
    let unknown = &destination.unknown_types;
    let unknown = destination.client.query(unknown, &values).await.unwrap();
    let unknown: Vec<String> = unknown.iter().map(|row| row.get(0)).collect();
    for column in columns.values_mut().filter(|column| column.built_in) {
        column.unknown_there = unknown.contains(&column.type_name);
    }
}

async fn compare(
    case: &Case,
    table: &Table,
    source: &Side<'_>,
    destination: &Side<'_>,
) -> Result<usize, String> {
    let theirs = columns(destination, &format!("app_{}", table.schema), &table.name).await;
    let prepared = case.file("destination.sql").is_some_and(|path| {
        let script = std::fs::read_to_string(path).unwrap();
        script.contains("CREATE TABLE")
    });
    if !prepared {
        same_shape(case, table, &theirs)?;
    }
    let names: Vec<String> = table
        .columns
        .keys()
        .map(|name| Ident(name).to_string())
        .collect();
    let same_type = |(name, column): (&String, &Column)| {
        let send = column.send.as_ref()?;
        let same = column.built_in && theirs.get(name)?.type_name == column.type_name;
        same.then(|| format!("pg_catalog.{send}({})", Ident(name)))
    };
    // in one value: there may be 1,600 columns, and a query may have 1,664
    let octets: Vec<String> = table.columns.iter().filter_map(same_type).collect();
    let octets = (!octets.is_empty()).then(|| format!("ARRAY[{}]", octets.join(", ")));
    let values: Vec<String> = names.iter().cloned().chain(octets).collect();
    let rows = same_rows(table, &values, source.client, destination.client).await?;
    Ok(rows * names.len())
}

/// The destination's type is the one that walferry is to give the column.
fn is_copy(column: &Column, copy: &Column) -> bool {
    let (schema, name, array) = &column.origin;
    let (copied_schema, copied_name, copied_array) = &copy.origin;
    let same_name = name == copied_name && array == copied_array;
    match column.sort.as_str() {
        _ if column.unknown_there => copy.type_name == "text",
        _ if column.built_in => column.type_name == copy.type_name,
        "row" => copy.type_name == "text",
        "extension" => same_name || copy.type_name == "text",
        _ => same_name && *copied_schema == format!("app_{schema}"),
    }
}

/// Each column is there with its type or the copy of it, and no other is.
fn same_shape(case: &Case, table: &Table, theirs: &BTreeMap<String, Column>) -> Result<(), String> {
    for (name, column) in &table.columns {
        match theirs.get(name) {
            Some(copy) if is_copy(column, copy) => {}
            Some(copy) => {
                return Err(format!(
                    "column {name} is {}, not {}",
                    copy.type_name, column.type_name
                ));
            }
            None => return Err(format!("column {name} is missing")),
        }
    }
    let more = theirs
        .keys()
        .find(|name| !case.keeps && !table.columns.contains_key(*name));
    more.map_or(Ok(()), |name| {
        Err(format!("column {name} came from nowhere"))
    })
}

/// How many there are.
async fn same_rows(
    table: &Table,
    values: &[String],
    source: &Client,
    destination: &Client,
) -> Result<usize, String> {
    let values = values.join(", ");
    let only = if table.partitioned { "" } else { "ONLY " };
    let filter = table.row_filter.as_ref().map(|sql| format!(" WHERE {sql}"));
    let name = Ident(&table.name);
    let original = format!(
        "SELECT {values} FROM {only}{}.{name}{}",
        Ident(&table.schema),
        filter.unwrap_or_default()
    );
    let copy = Ident(&format!("app_{}", table.schema)).to_string();
    let copy = format!("SELECT {values} FROM {copy}.{name}");
    let original = rows(source, &original).await?;
    let copy = rows(destination, &copy).await?;
    if original == copy {
        return Ok(original.len());
    }
    let first = original
        .iter()
        .zip(&copy)
        .position(|(one, other)| one != other);
    let first = first.unwrap_or(original.len().min(copy.len()));
    let show = |rows: &[Vec<u8>]| {
        let row = rows
            .get(first)
            .map(|row| String::from_utf8_lossy(row).into_owned());
        row.map(|row| row.chars().take(SHOWN_CHARS_MAX).collect::<String>())
    };
    Err(format!(
        "{} rows, {} in the destination; in order, row {first} is {:?}, there {:?}",
        original.len(),
        copy.len(),
        show(&original),
        show(&copy)
    ))
}

/// What COPY prints, a line a row, in the order of the bytes.
async fn rows(client: &Client, query: &str) -> Result<Vec<Vec<u8>>, String> {
    let copy = format!("COPY ({query}) TO STDOUT");
    let failed = |error: tokio_postgres::Error| match error.as_db_error() {
        Some(error) => error.to_string(),
        None => error.to_string(),
    };
    let stream = client.copy_out(&copy).await.map_err(failed)?;
    let text: Vec<bytes::Bytes> = stream.try_collect().await.map_err(failed)?;
    let text = text.concat();
    let mut lines: Vec<Vec<u8>> = text
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    // every line ends with a line break
    assert_eq!(lines.pop().as_deref(), Some(&b""[..]));
    lines.sort_unstable();
    Ok(lines)
}
