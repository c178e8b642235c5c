//! The statements of a batch.
//!
//! Staging tables name their columns by position (`c0`, `c1`, …), so that no name of a user's
//! column can collide with another or with ours. Rows are found with the `=` of `pg_catalog`,
//! since sessions have an empty `search_path`; types of extensions bring an operator of their own.

use std::fmt::Write;

use super::types::spelled;
use super::{Ident, Literal, Name};
use crate::batch::Target;
use crate::catalog::Equality;

/// Opens the transaction of a batch.
pub const BEGIN: &str = "BEGIN";

/// Ends it.
pub const COMMIT: &str = "COMMIT";

/// In the open transaction, until it ends: what it does may take its time.
pub const TAKE_TIME: &str = "SET LOCAL statement_timeout = 0";

/// Gives it up.
pub const ROLLBACK: &str = "ROLLBACK";

/// Pins the plans of an applier session: staged rows drive, the target is reached through its
/// index. A batch must never scan a table because it happens to be small, or was when a plan was
/// made, and no plan may read all of a large one. Discouraged scans look so expensive that the
/// server would compile each statement for a second (`jit`).
///
/// What a batch stages and sorts stays in memory: it is about as large as the batch is here.
pub const PIN_PLANS: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off; \
     SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; \
     SET jit = off; SET work_mem = '32MB'; SET temp_buffers = '32MB'";

/// Whether commits wait for standbys.
pub const WAITS_FOR_STANDBYS: &str =
    "SELECT pg_catalog.current_setting('synchronous_standby_names') <> ''";

/// A COMMIT returns before it is flushed. What was committed is acknowledged to the source only
/// once [`POSITIONS`] say that it is.
pub const COMMIT_EARLY: &str = "SET synchronous_commit = off";

/// How far the destination's own log has been written, and flushed: a commit is durable once the
/// second has reached what the first was right after it.
pub const POSITIONS: &str =
    "SELECT pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn()";

/// Forgets the prepared statements of the session.
pub const FORGET_STATEMENTS: &str = "DEALLOCATE ALL";

/// What a staging table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Staged {
    /// The target's columns as `c0`, `c1`, ….
    Rows,
    /// Also the key under which values are to be looked up (`o0`, …) and the group of rows that
    /// lack the same values (`g`).
    Carried,
    /// Also how many copies are meant (`n`).
    Copies,
}

/// Makes a staging table: the target's types, without its constraints. Rows of a wide target are
/// one value each (`r`), which the server may put out of line: of the type that an empty table
/// brings along.
pub fn create_stage(stage: &str, target: &Target, staged: Staged) -> Vec<String> {
    let create = |name: &str, columns: &[String]| {
        format!(
            "CREATE TEMPORARY TABLE {name} AS SELECT {} FROM {} AS t WITH NO DATA",
            columns.join(", "),
            Name(&target.destination)
        )
    };
    let mut statements = Vec::new();
    let mut columns: Vec<String> = (0..target.columns.len())
        .map(|at| format!("{} AS c{at}", column(target, at)))
        .collect();
    if target.wide {
        statements.push(create(&format!("{stage}_row"), &columns));
        columns = vec![format!("NULL::pg_temp.{stage}_row AS r")];
    }
    match staged {
        Staged::Rows => {}
        Staged::Carried => {
            let key = target.key().iter().enumerate();
            columns.extend(key.map(|(nth, &at)| format!("{} AS o{nth}", column(target, at))));
            columns.push("0::integer AS g".to_owned());
        }
        Staged::Copies => columns.push("0::bigint AS n".to_owned()),
    }
    statements.push(create(stage, &columns));
    statements
}

fn column(target: &Target, at: usize) -> String {
    format!("t.{}", Ident(&target.columns[at].name))
}

/// Drops a staging table; of a `wide` target, also the type of its rows.
pub fn drop_stage(stage: &str, wide: bool) -> String {
    let row = if wide {
        format!(", pg_temp.{stage}_row")
    } else {
        String::new()
    };
    format!("DROP TABLE IF EXISTS pg_temp.{stage}{row}")
}

/// Empties a staging table without touching the catalogs.
pub fn empty_stage(stage: &str) -> String {
    format!("DELETE FROM pg_temp.{stage}")
}

/// Empties a staging table and gives its space back.
pub fn truncate_stage(stage: &str) -> String {
    format!("TRUNCATE pg_temp.{stage}")
}

fn with_format(binary: bool) -> &'static str {
    if binary { " WITH (FORMAT binary)" } else { "" }
}

/// Fills columns `columns` of a staging table, or its rows if the target is wide, then its extra
/// columns.
pub fn copy_into_stage(
    stage: &str,
    target: &Target,
    columns: &[usize],
    staged: Staged,
    binary: bool,
) -> String {
    let mut names: Vec<String> = if target.wide {
        vec!["r".to_owned()]
    } else {
        columns.iter().map(|at| format!("c{at}")).collect()
    };
    match staged {
        Staged::Rows => {}
        Staged::Carried => {
            names.extend((0..target.key().len()).map(|nth| format!("o{nth}")));
            names.push("g".to_owned());
        }
        Staged::Copies => names.push("n".to_owned()),
    }
    let names = names.join(", ");
    format!(
        "COPY pg_temp.{stage} ({names}) FROM STDIN{}",
        with_format(binary)
    )
}

/// Adds rows straight to the table.
pub fn copy_into_target(target: &Target, binary: bool) -> String {
    format!(
        "COPY {} {} FROM STDIN{}",
        Name(&target.destination),
        list(target),
        with_format(binary)
    )
}

/// All columns in parentheses; nothing for a table without columns, where SQL wants nothing.
fn list(target: &Target) -> String {
    if target.columns.is_empty() {
        return String::new();
    }
    let names = target.columns.iter().map(|column| column.name.as_str());
    format!("({})", super::ident_list(names))
}

/// Adds one row: $1 … its values.
pub fn insert_row(target: &Target) -> String {
    let table = Name(&target.destination);
    if target.columns.is_empty() {
        return format!("INSERT INTO {table} DEFAULT VALUES");
    }
    let values: Vec<String> = (1..=target.columns.len())
        .map(|nth| format!("${nth}"))
        .collect();
    format!(
        "INSERT INTO {table} {} OVERRIDING SYSTEM VALUE VALUES ({})",
        list(target),
        values.join(", ")
    )
}

/// Removes one row: $1 … its key.
pub fn delete_row(target: &Target) -> String {
    format!(
        "DELETE FROM {} AS t WHERE {}",
        Name(&target.destination),
        is_key(target)
    )
}

/// Types without a collation whose arrays can be made of their values as they come in binary.
const LISTED: [(u32, &str); 7] = [
    (20, "int8"),
    (21, "int2"),
    (23, "int4"),
    (1_082, "date"),
    (1_114, "timestamp"),
    (1_184, "timestamptz"),
    (2_950, "uuid"),
];

/// Removes the rows whose keys are listed, and the types of the lists: $1 … the values of each key
/// column. Without a staging table it takes a third less. `None` where a key is of another type, or
/// does not come in binary.
pub fn delete_listed(target: &Target) -> Option<(String, Vec<u32>)> {
    let key = target.key().iter().map(|at| &target.columns[*at]);
    let types: Option<Vec<(u32, &str)>> = key
        .map(|column| {
            LISTED
                .into_iter()
                .find(|(oid, _)| column.plain == Some(*oid))
        })
        .collect();
    let types = types.filter(|_| target.binary)?;
    let names = target.key().iter().map(|at| format!("c{at}"));
    let lists = (1..).zip(&types);
    let lists =
        lists.map(|(nth, (_, name))| format!("pg_catalog.unnest(${nth}::pg_catalog.{name}[])"));
    let statement = format!(
        "DELETE FROM {} AS t USING ROWS FROM ({}) AS s ({}) WHERE {}",
        Name(&target.destination),
        lists.collect::<Vec<_>>().join(", "),
        names.collect::<Vec<_>>().join(", "),
        same_key(target, 'c')
    );
    Some((statement, types.into_iter().map(|(oid, _)| oid).collect()))
}

/// Changes `columns` of one row: $1 … its key, then their values.
pub fn update_row(target: &Target, columns: &[usize]) -> String {
    let first = target.key().len() + 1;
    let set: Vec<String> = (first..)
        .zip(columns)
        .map(|(nth, &at)| format!("{} = ${nth}", Ident(&target.columns[at].name)))
        .collect();
    format!(
        "UPDATE {} AS t SET {} WHERE {}",
        Name(&target.destination),
        set.join(", "),
        is_key(target)
    )
}

/// `t.key = $1 AND …`, for columns that are plain.
fn is_key(target: &Target) -> String {
    let key = (1..).zip(target.key());
    let pairs: Vec<String> = key
        .map(|(nth, &at)| format!("{} = ${nth}", column(target, at)))
        .collect();
    pairs.join(" AND ")
}

/// `t.key = s.c… AND …`; `prefix` is `c` (by column position) or `o` (by place in the key).
fn same_key(target: &Target, prefix: char) -> String {
    let mut text = String::new();
    for (nth, &at) in target.key().iter().enumerate() {
        let and = if nth == 0 { "" } else { " AND " };
        let number = if prefix == 'c' { at } else { nth };
        let (cast, equals) = compared(target.columns[at].equality.as_ref());
        let ours = column(target, at);
        // Writing to a String cannot fail.
        let _ = write!(text, "{and}{ours}{cast} {equals} s.{prefix}{number}{cast}");
    }
    text
}

/// What follows both sides of a comparison, and the operator between them.
fn compared(equality: Option<&Equality>) -> (String, String) {
    let base = equality.and_then(|equality| equality.base.as_ref());
    let operator = equality.and_then(|equality| equality.operator.as_ref());
    let cast = base.map(|base| format!("::{}", spelled(base, "")));
    let operator = operator.map(|(schema, name)| format!("OPERATOR({}.{name})", Ident(schema)));
    (
        cast.unwrap_or_default(),
        operator.unwrap_or_else(|| "=".to_owned()),
    )
}

/// The staged rows as `s`, with their columns.
fn staged_rows(stage: &str, target: &Target) -> String {
    if target.wide {
        // not `(r).c0, (r).c1, …`, each of which would read the whole value
        let rows = "CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[w.r]) AS s";
        return format!("pg_temp.{stage} AS w {rows}");
    }
    format!("pg_temp.{stage} AS s")
}

/// Removes the rows whose keys are $1 to $2; there is one key column.
pub fn delete_range(target: &Target) -> String {
    format!(
        "DELETE FROM {} AS t WHERE {}",
        Name(&target.destination),
        in_range(target)
    )
}

/// Keeps triggers, foreign keys, rules and columns from coming to the table.
pub fn lock_table(target: &Target) -> String {
    let table = Name(&target.destination);
    format!("LOCK TABLE ONLY {table} IN ROW EXCLUSIVE MODE")
}

/// A row where somebody could tell by now a row that is changed from one that is deleted and put
/// there again: by a trigger (a foreign key is one, too), a rule, a child, another column or a
/// publication.
pub fn is_told_apart(target: &Target) -> String {
    let table = Name(&target.destination).to_string();
    format!(
        "SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = {}::pg_catalog.regclass \
         AND (c.relhastriggers OR c.relhasrules OR c.relhassubclass \
         OR EXISTS (SELECT FROM pg_catalog.pg_publication) OR {} <> ( \
         SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid \
         AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''))",
        Literal(&table),
        target.columns.len()
    )
}

/// Removes the rows whose keys are $1 to $2, which are put there again; none where that could be
/// told, so that nothing fires that is not to be.
pub fn delete_replaced(target: &Target) -> String {
    let (delete, told_apart) = (delete_range(target), is_told_apart(target));
    format!("{delete} AND NOT EXISTS ({told_apart})")
}

/// The one key column is between $1 and $2.
fn in_range(target: &Target) -> String {
    let key = target.key().iter();
    let keys: Vec<String> = key
        .map(|at| format!("{} BETWEEN $1 AND $2", column(target, *at)))
        .collect();
    keys.join(" AND ")
}

/// Removes the rows whose keys are staged.
pub fn delete(stage: &str, target: &Target) -> String {
    format!(
        "DELETE FROM {} AS t USING {} WHERE {}",
        Name(&target.destination),
        staged_rows(stage, target),
        same_key(target, 'c')
    )
}

/// Changes `columns` of the rows whose keys are staged.
pub fn update(stage: &str, target: &Target, columns: &[usize]) -> String {
    let set: Vec<String> = columns
        .iter()
        .map(|&at| format!("{} = s.c{at}", Ident(&target.columns[at].name)))
        .collect();
    format!(
        "UPDATE {} AS t SET {} FROM {} WHERE {}",
        Name(&target.destination),
        set.join(", "),
        staged_rows(stage, target),
        same_key(target, 'c')
    )
}

/// The same where all keys are between $1 and $2, for a merge in that order ([`MERGE_ONLY`]).
pub fn update_range(stage: &str, target: &Target, columns: &[usize]) -> String {
    let update = update(stage, target, columns);
    format!("{update} AND {}", in_range(target))
}

/// Reads `missing` values of moved rows from under their old keys into the staging table; $1 is
/// the group of rows.
pub fn carry(stage: &str, target: &Target, missing: &[usize]) -> String {
    let row = if target.wide { "r." } else { "" };
    let set: Vec<String> = missing
        .iter()
        .map(|&at| format!("{row}c{at} = {}", column(target, at)))
        .collect();
    format!(
        "UPDATE pg_temp.{stage} AS s SET {} FROM {} AS t WHERE s.g = $1 AND {}",
        set.join(", "),
        Name(&target.destination),
        same_key(target, 'o')
    )
}

/// Adds the staged rows.
pub fn insert(stage: &str, target: &Target) -> String {
    let columns: Vec<String> = (0..target.columns.len())
        .map(|at| format!("s.c{at}"))
        .collect();
    format!(
        "INSERT INTO {} {} OVERRIDING SYSTEM VALUE SELECT {} FROM {}",
        Name(&target.destination),
        list(target),
        columns.join(", "),
        staged_rows(stage, target)
    )
}

/// Removes so many copies (`n`) of each staged row. Rows are the same when their images are
/// (`*=`), which works for every type and takes NULL for equal to NULL.
pub fn delete_copies(stage: &str, target: &Target) -> String {
    let table = Name(&target.destination);
    let row = |value: &dyn Fn(usize) -> String| {
        let columns = (0..target.columns.len()).map(|at| image(target, at, value(at)));
        columns.collect::<Vec<_>>().join(", ")
    };
    let ours = row(&|at| format!("s.c{at}"));
    let theirs = row(&|at| column(target, at));
    let staged = if target.wide { "w" } else { "s" };
    format!(
        "DELETE FROM {table} WHERE ctid IN (
            SELECT place FROM (
                SELECT t.ctid AS place, {staged}.n,
                       pg_catalog.row_number() OVER (PARTITION BY {staged}.ctid) AS nth
                  FROM {}
                  JOIN {table} AS t
                    ON ROW({theirs})::record OPERATOR(pg_catalog.*=) ROW({ours})::record
            ) AS found WHERE nth <= n)",
        staged_rows(stage, target)
    )
}

/// `float4` and `float8`.
const FLOATS: [(u32, &str); 2] = [(700, "float4"), (701, "float8")];

/// Types that are made of floats.
const OF_FLOATS: [(u32, &str); 16] = [
    (600, "point"),
    (601, "lseg"),
    (602, "path"),
    (603, "box"),
    (604, "polygon"),
    (628, "line"),
    (718, "circle"),
    (1_017, "_point"),
    (1_018, "_lseg"),
    (1_019, "_path"),
    (1_020, "_box"),
    (1_027, "_polygon"),
    (629, "_line"),
    (719, "_circle"),
    (1_021, "_float4"),
    (1_022, "_float8"),
];

/// What is compared of a value. A NaN may have a sign, which a load in binary keeps and a stream in
/// text does not tell.
fn image(target: &Target, at: usize, value: String) -> String {
    let column = &target.columns[at];
    let base = column.equality.as_ref().and_then(|e| e.base.as_ref());
    let base = base.filter(|base| base.schema == "pg_catalog");
    let is_one = |types: &[(u32, &str)]| {
        let mut types = types.iter();
        types.any(|(oid, name)| *oid == column.type_oid || base.is_some_and(|b| b.name == *name))
    };
    if target.binary {
        value
    } else if is_one(&FLOATS) {
        format!("CASE WHEN {value} = 'NaN' THEN 'NaN' ELSE {value} END")
    } else if is_one(&OF_FLOATS) {
        format!("{value}::pg_catalog.text")
    } else {
        value
    }
}

/// Lets the next statement sort and merge whole rows, until [`FORBID_MERGE_JOIN`].
pub const ALLOW_MERGE_JOIN: &str = "SET LOCAL enable_mergejoin = on";

/// What comes next in the transaction is planned as [`PIN_PLANS`] says: a merge with the index of a
/// large table would read all of it, and its plan would be kept.
pub const FORBID_MERGE_JOIN: &str = "SET LOCAL enable_mergejoin = off";

/// The next statement is a merge join, until [`NOT_MERGE_ONLY`].
pub const MERGE_ONLY: [&str; 2] = [ALLOW_MERGE_JOIN, "SET LOCAL enable_nestloop = off"];

/// See [`FORBID_MERGE_JOIN`].
pub const NOT_MERGE_ONLY: [&str; 2] = ["SET LOCAL enable_nestloop = on", FORBID_MERGE_JOIN];

/// Empties tables together, as one statement did on the source.
pub fn truncate(targets: &[&Target], restart_identity: bool) -> String {
    let names: Vec<String> = targets
        .iter()
        .map(|target| Name(&target.destination).to_string())
        .collect();
    let identity = if restart_identity {
        " RESTART IDENTITY"
    } else {
        ""
    };
    format!("TRUNCATE {}{identity}", names.join(", "))
}
