//! Statements on the bookkeeping tables (`migrations/`).

use super::{Ident, Literal};

/// The schema $1, if it exists: one boolean `made`, whether walferry made it for its bookkeeping.
pub const STATE_SCHEMA: &str = "SELECT COALESCE(
        pg_catalog.obj_description(oid, 'pg_namespace') = 'Bookkeeping, made by walferry', false
    ) AS made
    FROM pg_catalog.pg_namespace
    WHERE nspname = $1::pg_catalog.text::pg_catalog.name";

/// Makes the bookkeeping's schema. That walferry made it stands in its comment: there is no table
/// yet that could tell, should we be killed now.
pub fn create_state_schema(schema: &str) -> String {
    let create = create_schema(schema);
    let schema = Ident(schema);
    format!("{create}; COMMENT ON SCHEMA {schema} IS 'Bookkeeping, made by walferry'")
}

/// Makes a schema.
pub fn create_schema(schema: &str) -> String {
    format!("CREATE SCHEMA {}", Ident(schema))
}

/// Unqualified names mean this schema from now on: for migrations only.
pub fn set_search_path(schema: &str) -> String {
    format!("SET search_path TO {}", Ident(schema))
}

/// Unqualified names mean nothing again.
pub const CLEAR_SEARCH_PATH: &str = "SET search_path TO ''";

/// The lock that keeps two migrations of one state schema apart.
pub fn lock_migrations(state_schema: &str) -> String {
    let key = Literal(state_schema).to_string();
    format!(
        "SELECT pg_catalog.pg_advisory_lock(
             pg_catalog.hashtextextended('walferry migrations:' || {key}, 0))"
    )
}

/// Releases all session-level locks.
pub const UNLOCK_ALL: &str = "SELECT pg_catalog.pg_advisory_unlock_all()";

/// Tries the writer lock: $1 is [`writer_lock_name`].
pub const TRY_WRITER_LOCK: &str =
    "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1::text, 0))";

/// The text whose hash is the key of the writer lock.
pub fn writer_lock_name(state_schema: &str, pipeline: &str) -> String {
    format!("walferry:{state_schema}:{pipeline}")
}

/// The pipeline's row: $1 its name.
pub fn select_pipeline(state_schema: &str) -> String {
    format!(
        "SELECT slot, publication, made_slot, made_publication, system_identifier, timeline,
                source_database, applied_lsn, fence, publication_oid
           FROM {}.walferry_pipelines WHERE name = $1",
        Ident(state_schema)
    )
}

/// Adds the pipeline's row.
pub fn insert_pipeline(state_schema: &str) -> String {
    format!(
        "INSERT INTO {}.walferry_pipelines
                (name, slot, publication, made_slot, made_publication, system_identifier,
                 timeline, source_database, applied_lsn, publication_oid)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        Ident(state_schema)
    )
}

/// Takes the pipeline over: $1 name, $2 the source's timeline; returns the new fence.
pub fn raise_fence(state_schema: &str) -> String {
    format!(
        "UPDATE {}.walferry_pipelines SET fence = fence + 1, timeline = $2
          WHERE name = $1 RETURNING fence, reloads_asked",
        Ident(state_schema)
    )
}

/// How far the destination's log is flushed.
pub const FLUSHED: &str = "SELECT pg_catalog.pg_current_wal_flush_lsn()";

/// The checkpoint: $1 name, $2 fence, $3 the position it starts from, $4 the new one, $5 its time;
/// returns how often tables were asked to be loaded again.
pub fn advance(state_schema: &str) -> String {
    format!(
        "UPDATE {}.walferry_pipelines
            SET applied_lsn = $4, applied_time = COALESCE($5, applied_time),
                updated_at = pg_catalog.now()
          WHERE name = $1 AND fence = $2 AND applied_lsn = $3 RETURNING reloads_asked",
        Ident(state_schema)
    )
}

/// Forgets a pipeline: $1 its name.
pub fn forget_pipeline(state_schema: &str) -> String {
    format!(
        "DELETE FROM {}.walferry_pipelines WHERE name = $1",
        Ident(state_schema)
    )
}

/// Tells a running daemon that tables are to be loaded again: $1 pipeline. It comes before they are
/// marked, since the daemon locks the rows in that order too.
pub fn announce_reload(state_schema: &str) -> String {
    format!(
        "UPDATE {}.walferry_pipelines SET reloads_asked = reloads_asked + 1 WHERE name = $1",
        Ident(state_schema)
    )
}

/// Marks loaded tables for a new load, and ends their quarantine: $1 pipeline, $2 their schemas and
/// $3 names on the source; returns schema and name of those that there are.
pub fn ask_for_reload(state_schema: &str) -> String {
    let schema = Ident(state_schema).to_string();
    format!(
        "WITH wanted AS (
             SELECT w.schema, w.name
               FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]))
                 AS w (schema, name)
         ), released AS (
             DELETE FROM {schema}.walferry_quarantined AS q USING wanted
              WHERE q.pipeline = $1 AND q.source_schema = wanted.schema
                AND q.source_table = wanted.name
          RETURNING q.source_schema, q.source_table
         ), marked AS (
             UPDATE {schema}.walferry_tables AS t SET reload = true FROM wanted
              WHERE t.pipeline = $1 AND t.source_schema = wanted.schema
                AND t.source_table = wanted.name
          RETURNING t.source_schema, t.source_table
         )
         SELECT source_schema, source_table FROM released
          UNION SELECT source_schema, source_table FROM marked"
    )
}

/// Whether any of these tables still waits for its new load; parameters as before.
pub fn reload_is_asked(state_schema: &str) -> String {
    format!(
        "SELECT EXISTS (
             SELECT FROM {}.walferry_tables AS t
               JOIN ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]))
                AS wanted (schema, name)
                 ON t.source_schema = wanted.schema AND t.source_table = wanted.name
              WHERE t.pipeline = $1 AND t.reload)",
        Ident(state_schema)
    )
}

/// The files of loaded source tables and how these were sent, when they were last compared:
/// $1 pipeline.
pub fn select_sending(state_schema: &str) -> String {
    format!(
        "SELECT source_oid, source_filenode, source_toast, sent, member_oids, member_files,
                member_joins, source_key
           FROM {}.walferry_tables WHERE pipeline = $1",
        Ident(state_schema)
    )
}

/// The shapes that source tables have had: $1 pipeline.
pub fn select_columns(state_schema: &str) -> String {
    format!(
        "SELECT source_oid, shape, attnum, name, type_oid, type_modifier, row_version, expression
           FROM {}.walferry_columns WHERE pipeline = $1 ORDER BY source_oid, shape, attnum",
        Ident(state_schema)
    )
}

/// Three statements that write down shapes of tables, $1 pipeline for all of them. Forget those of
/// the tables $2 from number $3 on; add $2 as number $3, from JSON; note each table's file, its
/// TOAST table, its primary key, why it is sent and its partitions, from JSON $2.
pub fn record_shapes(state_schema: &str) -> [String; 3] {
    let schema = Ident(state_schema).to_string();
    [
        format!(
            "DELETE FROM {schema}.walferry_columns
              WHERE pipeline = $1 AND source_oid = ANY ($2::oid[]) AND shape >= $3"
        ),
        format!(
            "INSERT INTO {schema}.walferry_columns
                    (pipeline, shape, source_oid, attnum, name, type_oid, type_modifier,
                     row_version, expression)
             SELECT $1, $3, c.*
               FROM pg_catalog.json_to_recordset($2::text::json) AS c
                    (source_oid oid, attnum smallint, name text, type_oid oid,
                     type_modifier integer, row_version text, expression oid)"
        ),
        format!(
            "UPDATE {schema}.walferry_tables AS t
                SET source_filenode = n.source_filenode, source_toast = n.source_toast,
                    source_key = n.source_key, sent = n.sent, member_oids = n.member_oids,
                    member_files = n.member_files, member_joins = n.member_joins
               FROM pg_catalog.json_to_recordset($2::text::json) AS n
                    (source_oid oid, source_filenode oid, source_toast oid, source_key oid,
                     sent text[], member_oids oid[], member_files oid[], member_joins text[])
              WHERE t.pipeline = $1 AND t.source_oid = n.source_oid"
        ),
    ]
}

/// Marks a table for a new load: $1 pipeline, $2 its oid on the source.
pub fn mark_for_reload(state_schema: &str) -> String {
    format!(
        "UPDATE {}.walferry_tables SET reload = true WHERE pipeline = $1 AND source_oid = $2",
        Ident(state_schema)
    )
}

/// Marks all tables for a new load, and notes whether walferry makes the slot that they are then
/// followed by, unless the pipeline was taken over: $1 pipeline, $2 fence, $3 it makes one. Returns
/// how many tables.
pub fn begin_again(state_schema: &str) -> String {
    let schema = Ident(state_schema).to_string();
    format!(
        "WITH pipeline AS (
             UPDATE {schema}.walferry_pipelines SET made_slot = made_slot OR $3
              WHERE name = $1 AND fence = $2 RETURNING name
         ), marked AS (
             UPDATE {schema}.walferry_tables AS t SET reload = true FROM pipeline
              WHERE t.pipeline = pipeline.name RETURNING t.source_oid
         )
         SELECT pg_catalog.count(marked.source_oid)
           FROM pipeline LEFT JOIN marked ON true GROUP BY pipeline.name"
    )
}

/// Protected columns of loaded tables: $1 pipeline.
pub fn select_protected(state_schema: &str) -> String {
    format!(
        "SELECT source_oid, attnum, source_schema, source_table, source_column, treatment
           FROM {}.walferry_protected_columns WHERE pipeline = $1",
        Ident(state_schema)
    )
}

/// Two statements that write down the protected columns of tables, $1 pipeline for both. Forget
/// those of the tables $2; add $2, from JSON.
pub fn record_protection(state_schema: &str) -> [String; 2] {
    let schema = Ident(state_schema).to_string();
    [
        format!(
            "DELETE FROM {schema}.walferry_protected_columns
              WHERE pipeline = $1 AND source_oid = ANY ($2::oid[])"
        ),
        format!(
            "INSERT INTO {schema}.walferry_protected_columns
                    (pipeline, source_oid, attnum, source_schema, source_table, source_column,
                     treatment)
             SELECT $1, c.*
               FROM pg_catalog.json_to_recordset($2::text::json) AS c
                    (source_oid oid, attnum smallint, source_schema text, source_table text,
                     source_column text, treatment text)"
        ),
    ]
}

/// Three statements that forget a table: $1 pipeline, $2 its oid on the source.
pub fn forget_table(state_schema: &str) -> [String; 3] {
    [
        "walferry_protected_columns",
        "walferry_columns",
        "walferry_tables",
    ]
    .map(|table| {
        format!(
            "DELETE FROM {}.{table} WHERE pipeline = $1 AND source_oid = $2",
            Ident(state_schema)
        )
    })
}

/// Notes the name of a loaded table: $1 pipeline, $2 its oid on the source, then schema and name
/// there, schema and name here.
pub fn rename_table(state_schema: &str) -> String {
    format!(
        "UPDATE {}.walferry_tables
            SET source_schema = $3, source_table = $4, destination_schema = $5,
                destination_table = $6
          WHERE pipeline = $1 AND source_oid = $2",
        Ident(state_schema)
    )
}

/// Tables that were loaded: $1 pipeline.
pub fn select_tables(state_schema: &str) -> String {
    format!(
        "SELECT source_oid, source_schema, source_table, destination_schema, destination_table,
                snapshot_lsn, made_table, rows, bytes, reload
           FROM {}.walferry_tables WHERE pipeline = $1",
        Ident(state_schema)
    )
}

/// Records loaded tables, unless the pipeline was taken over: $1 pipeline, $2 fence, $3 the tables,
/// from JSON. One that was dropped on the source leaves its place to the one that came after it.
pub fn insert_tables(state_schema: &str) -> String {
    let schema = Ident(state_schema).to_string();
    format!(
        "INSERT INTO {schema}.walferry_tables
                (pipeline, source_oid, source_schema, source_table, destination_schema,
                 destination_table, snapshot_lsn, made_table, rows, bytes)
         SELECT p.name, t.*
           FROM {schema}.walferry_pipelines AS p,
                pg_catalog.json_to_recordset($3::text::json) AS t
                    (source_oid oid, source_schema text, source_table text,
                     destination_schema text, destination_table text, snapshot_lsn pg_lsn,
                     made_table boolean, rows bigint, bytes bigint)
          WHERE p.name = $1 AND p.fence = $2 FOR SHARE OF p
         ON CONFLICT (destination_schema, destination_table) DO UPDATE
            SET source_oid = excluded.source_oid, source_schema = excluded.source_schema,
                source_table = excluded.source_table, snapshot_lsn = excluded.snapshot_lsn,
                made_table = walferry_tables.made_table OR excluded.made_table,
                rows = excluded.rows, bytes = excluded.bytes, loaded_at = pg_catalog.now(),
                reload = false, source_filenode = NULL
          WHERE walferry_tables.pipeline = excluded.pipeline"
    )
}

/// Tables that the pipeline goes on without: $1 pipeline.
pub fn select_quarantined(state_schema: &str) -> String {
    format!(
        "SELECT source_oid, source_schema, source_table, error
           FROM {}.walferry_quarantined WHERE pipeline = $1",
        Ident(state_schema)
    )
}

/// Goes on without a table, unless the pipeline was taken over: $1 pipeline, $2 fence, $3 its oid
/// on the source, then schema and name there, and the error.
pub fn insert_quarantined(state_schema: &str) -> String {
    let schema = Ident(state_schema).to_string();
    format!(
        "INSERT INTO {schema}.walferry_quarantined
                (pipeline, source_oid, source_schema, source_table, error)
         SELECT name, $3, $4, $5, $6
           FROM {schema}.walferry_pipelines WHERE name = $1 AND fence = $2 FOR SHARE
         ON CONFLICT (pipeline, source_oid) DO UPDATE
            SET source_schema = excluded.source_schema, source_table = excluded.source_table,
                error = excluded.error, since = pg_catalog.now()"
    )
}

/// Forgets quarantined tables that are gone: $1 pipeline, $2 the oids of those that there are.
pub fn forget_quarantined(state_schema: &str) -> String {
    format!(
        "DELETE FROM {}.walferry_quarantined WHERE pipeline = $1 AND source_oid <> ALL ($2::oid[])",
        Ident(state_schema)
    )
}

/// Notes partitions that nobody has seen: $1 pipeline, $2 the tables, $3 a partition of each.
pub fn insert_new_partitions(state_schema: &str) -> String {
    format!(
        "INSERT INTO {}.walferry_new_partitions (pipeline, source_oid, partition_oid)
         SELECT $1, n.* FROM ROWS FROM (
             pg_catalog.unnest($2::oid[]), pg_catalog.unnest($3::oid[])
         ) AS n
         ON CONFLICT DO NOTHING",
        Ident(state_schema)
    )
}

/// Those that were noted: $1 pipeline.
pub fn select_new_partitions(state_schema: &str) -> String {
    format!(
        "SELECT source_oid, partition_oid FROM {}.walferry_new_partitions WHERE pipeline = $1",
        Ident(state_schema)
    )
}

/// Forgets them: $1 pipeline.
pub fn delete_new_partitions(state_schema: &str) -> String {
    format!(
        "DELETE FROM {}.walferry_new_partitions WHERE pipeline = $1",
        Ident(state_schema)
    )
}

/// The types that have a copy: $1 pipeline.
pub fn select_types(state_schema: &str) -> String {
    format!(
        "SELECT source_oid, destination_schema, destination_type, made_type, member_ids, members
           FROM {}.walferry_types WHERE pipeline = $1",
        Ident(state_schema)
    )
}

/// Records a type that has a copy, unless the pipeline was taken over: $1 pipeline, $2 fence.
pub fn insert_type(state_schema: &str) -> String {
    let schema = Ident(state_schema).to_string();
    format!(
        "INSERT INTO {schema}.walferry_types
                (pipeline, source_oid, destination_schema, destination_type, made_type,
                 member_ids, members)
         SELECT name, $3, $4, $5, $6, $7, $8
           FROM {schema}.walferry_pipelines WHERE name = $1 AND fence = $2 FOR SHARE
         ON CONFLICT (pipeline, destination_schema, destination_type) DO UPDATE
            SET source_oid = excluded.source_oid,
                made_type = walferry_types.made_type OR excluded.made_type,
                member_ids = excluded.member_ids, members = excluded.members"
    )
}

/// Records a schema that walferry made; without parameters, to go with the statement that makes it.
pub fn insert_schema(state_schema: &str, pipeline: &str, schema: &str) -> String {
    format!(
        "INSERT INTO {}.walferry_schemas (pipeline, name) VALUES ({}, {}) ON CONFLICT DO NOTHING",
        Ident(state_schema),
        Literal(pipeline),
        Literal(schema)
    )
}
