//! The scripts of `walferry setup-sql`, for psql: one a side, each may be run twice.
//!
//! Passwords are never in the text: psql asks for them, or takes them as a variable.

use std::fmt::Write;

use super::{Ident, Literal, Name};
use crate::catalog::TableName;

/// A half of a table pattern that may hold stars: the runs of characters between them.
pub type Pieces<'a> = &'a [String];

/// What both scripts are made of.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The database that is read.
    pub database: &'a str,
    /// The role that reads it.
    pub role: &'a str,
    /// Where the server listens; `None` on a unix socket.
    pub port: Option<u16>,
    /// The publication to make; of several none is made.
    pub publications: &'a [String],
    /// The selected tables, as halves of patterns: schema, table.
    pub include: Vec<(Pieces<'a>, Pieces<'a>)>,
    /// The tables that are left out, likewise.
    pub exclude: Vec<(Pieces<'a>, Pieces<'a>)>,
}

/// What the destination's script is made of.
#[derive(Clone, Debug)]
pub struct Destination<'a> {
    /// The database that is written.
    pub database: &'a str,
    /// The role that writes it.
    pub role: &'a str,
    /// Where the server listens; `None` on a unix socket.
    pub port: Option<u16>,
    /// The bookkeeping schema.
    pub state_schema: &'a str,
    /// Schemas to make beforehand; `None`: the role gets CREATE on the database instead.
    pub schemas: Option<Vec<String>>,
    /// Roles that read the copies.
    pub readers: &'a [String],
}

const SOURCE_NOTES: &str = "\
-- The server: logical decoding, and room for two slots and two walsenders. Needs a restart.
--   ALTER SYSTEM SET wal_level = 'logical';
-- Managed services have neither superusers nor a pg_hba.conf. Run this script as the user that owns
-- the tables or may grant on them, where FOR ALL TABLES is refused with [tables] that name schemas:
--   Amazon RDS, Aurora  parameter rds.logical_replication = 1, reboot; the role gets rds_replication
--                       in place of REPLICATION (below); the security group admits walferry
--   Google Cloud SQL    flag cloudsql.logical_decoding = on, restart; first: ALTER USER CURRENT_USER
--                       REPLICATION; authorized networks, or a private address, admit walferry
--   Azure, flexible     parameter wal_level = logical, restart; first: ALTER ROLE CURRENT_USER
--                       REPLICATION; a firewall rule, or a private endpoint, admits walferry
";

const DESTINATION_NOTES: &str = "\
-- Managed services: run this script as the administrator that the service gives you; on Amazon RDS
-- and Aurora the security group, on Google Cloud SQL the authorized networks and on Azure a
-- firewall rule admit walferry in place of pg_hba.conf.
";

/// The script for the administrator of the source.
pub fn source(source: &Source<'_>) -> String {
    let role = Ident(source.role);
    let mut script = format!(
        "-- SOURCE: run as an administrator of the source, with psql\n\
         \\set ON_ERROR_STOP on\n\
         {}\n\n{SOURCE_NOTES}\
         -- pg_hba.conf: replication of one database is matched by its name, not by \"replication\"\n",
        connect(source.database),
    );
    script += &way_in(source.database, source.role, source.port);
    script += &login_role(source.role, "source_password", true);
    let _ = writeln!(
        script,
        "GRANT CONNECT ON DATABASE {} TO {role};\n",
        Ident(source.database)
    );
    match exact_tables(source) {
        Some(tables) => exact_source(source, &tables, &mut script),
        None => matching_source(source, &mut script),
    }
    script
}

/// The script for the administrator of the destination.
pub fn destination(destination: &Destination<'_>) -> String {
    let (database, role) = (Ident(destination.database), Ident(destination.role));
    let mut script = format!(
        "-- DESTINATION: run as an administrator of the destination, with psql\n\
         \\set ON_ERROR_STOP on\n\
         {}\n\n{DESTINATION_NOTES}-- pg_hba.conf\n",
        connect(destination.database),
    );
    script += &way_in(destination.database, destination.role, destination.port);
    script += &login_role(destination.role, "destination_password", false);
    let Some(schemas) = &destination.schemas else {
        let _ = writeln!(
            script,
            "-- walferry makes its own schemas; with --pre-created-schemas it needs no CREATE here\n\
             GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {role};"
        );
        return script;
    };
    let _ = writeln!(
        script,
        "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role};"
    );
    let state = destination.state_schema.to_owned();
    for schema in schemas.iter().chain([&state]) {
        let _ = writeln!(
            script,
            "\nCREATE SCHEMA IF NOT EXISTS {schema};\n\
             GRANT CREATE, USAGE ON SCHEMA {schema} TO {role};",
            schema = Ident(schema)
        );
        if *schema != state && !destination.readers.is_empty() {
            let readers = super::ident_list(destination.readers.iter().map(String::as_str));
            let _ = writeln!(
                script,
                "GRANT USAGE ON SCHEMA {} TO {readers};",
                Ident(schema)
            );
        }
    }
    script
}

/// psql takes a name that holds an equals sign for a whole connection string.
fn connect(database: &str) -> String {
    if !database.contains('=') && !database.starts_with("postgres") {
        return format!("\\connect {}", Ident(database));
    }
    let value = database.replace('\\', "\\\\").replace('\'', "\\'");
    let string = format!("dbname='{value}'");
    // psql takes quotes off as it does for a name
    format!("\\connect -reuse-previous=on {}", Ident(&string))
}

/// A name on a line that begins with dashes, and that must not end before its end.
fn in_comment(name: &str) -> String {
    Ident(name).to_string().replace(['\n', '\r'], " ")
}

/// What lets walferry in and nobody else, as comments.
fn way_in(database: &str, role: &str, port: Option<u16>) -> String {
    let (database, role) = (in_comment(database), in_comment(role));
    match port {
        None => format!("--   local    {database}  {role}  scram-sha-256\n\n"),
        Some(port) => format!(
            "--   hostssl  {database}  {role}  <address of walferry>/32  scram-sha-256\n\
             -- Firewall: walferry calls the server, never the other way round, for example\n\
             --   nft add rule inet filter input ip saddr <address of walferry> tcp dport {port} \
             accept\n\n"
        ),
    }
}

/// Makes the role unless it exists, then sets its password: from the psql variable when it is
/// there, else psql asks for it and only sends a hash. Where there is a role `rds_replication`,
/// nobody can have REPLICATION.
fn login_role(role: &str, variable: &str, replicates: bool) -> String {
    let create = format!("CREATE ROLE {} LOGIN", Ident(role));
    let rds = "(SELECT FROM pg_catalog.pg_roles WHERE rolname = 'rds_replication')";
    let (attributes, membership) = if replicates {
        let grant = format!("GRANT rds_replication TO {}", Ident(role));
        (
            format!(" || CASE WHEN EXISTS {rds} THEN '' ELSE ' REPLICATION' END"),
            format!("SELECT {} WHERE EXISTS {rds} \\gexec\n", Literal(&grant)),
        )
    } else {
        (String::new(), String::new())
    };
    format!(
        "-- The role. Unattended: psql -v {variable}=…\n\
         SELECT {create}{attributes} WHERE NOT EXISTS (\n    \
             SELECT FROM pg_catalog.pg_roles WHERE rolname = {name}\n\
         ) \\gexec\n\
         {membership}\
         \\if :{{?{variable}}}\n\
         ALTER ROLE {role} PASSWORD :'{variable}';\n\
         \\else\n\
         \\password {role}\n\
         \\endif\n",
        create = Literal(&create),
        name = Literal(role),
        role = Ident(role),
    )
}

/// The tables, if no pattern has a star and nothing is excluded.
fn exact_tables(source: &Source<'_>) -> Option<Vec<TableName>> {
    if !source.exclude.is_empty() {
        return None;
    }
    source
        .include
        .iter()
        .map(|pattern| match pattern {
            ([schema], [table]) => Some(TableName::new(schema, table)),
            _ => None,
        })
        .collect()
}

fn exact_source(source: &Source<'_>, tables: &[TableName], script: &mut String) {
    let role = Ident(source.role);
    let schemas: std::collections::BTreeSet<&str> =
        tables.iter().map(|table| table.schema.as_str()).collect();
    let names: Vec<String> = tables.iter().map(|table| Name(table).to_string()).collect();
    let names = names.join(", ");
    let _ = writeln!(
        script,
        "GRANT USAGE ON SCHEMA {} TO {role};\nGRANT SELECT ON TABLE {names} TO {role};\n",
        super::ident_list(schemas)
    );
    let [publication] = source.publications else {
        *script += &expected(source.publications);
        return;
    };
    *script += &via_root();
    let create = format!(
        "CREATE PUBLICATION {} FOR TABLE {names}",
        Ident(publication)
    );
    let _ = writeln!(
        script,
        "SELECT {} || :'via_root' WHERE NOT EXISTS (\n    \
             SELECT FROM pg_catalog.pg_publication WHERE pubname = {}\n\
         ) \\gexec",
        Literal(&create),
        Literal(publication)
    );
}

/// Of several publications each has a purpose of its own: the script says which are missing.
fn expected(publications: &[String]) -> String {
    let names: Vec<String> = publications
        .iter()
        .map(|name| Literal(name).to_string())
        .collect();
    format!(
        "-- The publications that walferry is to read have to be made by hand. Missing are:\n\
         SELECT p.name AS \"missing publication\"\n\
         FROM pg_catalog.unnest(ARRAY[{}]::pg_catalog.text[]) AS p (name)\n\
         WHERE NOT EXISTS (\n    \
             SELECT FROM pg_catalog.pg_publication AS e WHERE e.pubname = p.name\n\
         );\n",
        names.join(", ")
    )
}

/// Patterns with stars: the statements are made from the catalog when the script runs.
fn matching_source(source: &Source<'_>, script: &mut String) {
    let role = Literal(source.role);
    let schemas = schema_condition(source);
    let _ = writeln!(
        script,
        "-- Present tables, and those that their owners will make in the same schemas\n\
         SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, {role})\n\
         FROM pg_catalog.pg_namespace AS n\n\
         WHERE {schemas} \\gexec\n\
         SELECT pg_catalog.format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', n.nspname, {role})\n\
         FROM pg_catalog.pg_namespace AS n\n\
         WHERE {schemas} \\gexec\n\
         SELECT DISTINCT pg_catalog.format(\n    \
             'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON TABLES TO %I',\n    \
             pg_catalog.pg_get_userbyid(c.relowner), n.nspname, {role}\n\
         )\n\
         FROM pg_catalog.pg_class AS c\n\
         JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n\
         WHERE c.relkind IN ('r', 'p') AND {schemas} \\gexec\n"
    );
    *script += &keyless(source);
    let [publication] = source.publications else {
        *script += &expected(source.publications);
        return;
    };
    let all_tables = source.exclude.is_empty()
        && source
            .include
            .iter()
            .any(|(schema, table)| schema.iter().chain(*table).all(String::is_empty));
    *script += &via_root();
    if all_tables {
        let create = format!("CREATE PUBLICATION {} FOR ALL TABLES", Ident(publication));
        let _ = writeln!(
            script,
            "-- Tables made later are sent too; FOR ALL TABLES takes a superuser\n\
             SELECT {} || :'via_root'\nWHERE NOT EXISTS (\n    \
                 SELECT FROM pg_catalog.pg_publication WHERE pubname = {}\n\
             ) \\gexec",
            Literal(&create),
            Literal(publication)
        );
        return;
    }
    let create = format!("CREATE PUBLICATION {} FOR TABLE ", Ident(publication));
    let _ = writeln!(
        script,
        "-- The tables that match now; later ones: ALTER PUBLICATION … ADD TABLE …\n\
         SELECT {create} || pg_catalog.string_agg(\n    \
             pg_catalog.format('%I.%I', n.nspname, c.relname), ', ' ORDER BY n.nspname, c.relname\n\
         ) || :'via_root'\n\
         FROM pg_catalog.pg_class AS c\n\
         JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n\
         WHERE {tables}\n  \
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = {name})\n\
         HAVING pg_catalog.count(*) > 0 \\gexec",
        create = Literal(&create),
        tables = table_condition(source),
        name = Literal(publication),
    );
}

/// Sets the psql variable `via_root` to what ends CREATE PUBLICATION on this server's version.
fn via_root() -> String {
    "-- Partitioned tables arrive as one table (13 and later)\n\
     SELECT CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 130000\n    \
         THEN ' WITH (publish_via_partition_root = true)' ELSE '' END AS via_root \\gset\n"
        .to_owned()
}

/// Lists, when the script runs, the tables that will refuse UPDATE and DELETE once published.
fn keyless(source: &Source<'_>) -> String {
    format!(
        "-- These tables will refuse UPDATE and DELETE once they are published, unless they get a\n\
         -- primary key or REPLICA IDENTITY FULL first:\n\
         SELECT n.nspname AS \"schema\", c.relname AS \"table without a replica identity\"\n\
         FROM pg_catalog.pg_class AS c\n\
         JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n\
         WHERE {}\n  \
           AND c.relreplident IN ('d', 'n')\n  \
           AND NOT (c.relreplident = 'd' AND EXISTS (\n      \
               SELECT FROM pg_catalog.pg_index AS i\n      \
               WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate\n  \
           ))\n\
         ORDER BY 1, 2;\n\n",
        table_condition(source)
    )
}

fn schema_condition(source: &Source<'_>) -> String {
    let included: Vec<String> = source
        .include
        .iter()
        .map(|(schema, _)| like("n.nspname", schema))
        .collect();
    format!(
        "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND ({})",
        included.join(" OR ")
    )
}

/// Ordinary and partitioned tables that are selected; partitions are sent with their root.
fn table_condition(source: &Source<'_>) -> String {
    let either = |patterns: &[(Pieces<'_>, Pieces<'_>)]| {
        let conditions: Vec<String> = patterns
            .iter()
            .map(|(schema, table)| {
                format!(
                    "({} AND {})",
                    like("n.nspname", schema),
                    like("c.relname", table)
                )
            })
            .collect();
        conditions.join(" OR ")
    };
    let excluded = if source.exclude.is_empty() {
        String::new()
    } else {
        format!("\n  AND NOT ({})", either(&source.exclude))
    };
    format!(
        "c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition\n  \
           AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'\n  \
           AND ({}){excluded}",
        either(&source.include)
    )
}

fn like(column: &str, pieces: Pieces<'_>) -> String {
    if let [exact] = pieces {
        return format!("{column} = {}", Literal(exact));
    }
    // an escape character of our own keeps the literal free of backslashes
    let escape = |piece: &String| {
        piece
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_")
    };
    let pattern: Vec<String> = pieces.iter().map(escape).collect();
    format!("{column} LIKE {} ESCAPE '!'", Literal(&pattern.join("%")))
}
