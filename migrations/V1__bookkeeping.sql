-- Bookkeeping of walferry. Runs with search_path set to the state schema alone.

CREATE TABLE walferry_pipelines (
    name              text PRIMARY KEY,
    slot              text NOT NULL,
    publication       text NOT NULL,
    -- whether walferry made them, so that teardown drops nothing of others
    made_slot         boolean NOT NULL,
    made_publication  boolean NOT NULL,
    system_identifier text NOT NULL,
    timeline          integer NOT NULL,
    source_database   text NOT NULL,
    -- end LSN of the last source commit that is in the tables
    applied_lsn       pg_lsn NOT NULL,
    -- that commit's time on the source
    applied_time      timestamptz,
    -- counts the daemons that took this pipeline over; an older one cannot commit any more
    fence             bigint NOT NULL DEFAULT 0,
    updated_at        timestamptz NOT NULL DEFAULT pg_catalog.now(),
    -- the publication itself: another one of that name does not send what the first one missed
    publication_oid   oid
);

CREATE TABLE walferry_tables (
    pipeline           text NOT NULL REFERENCES walferry_pipelines ON DELETE CASCADE,
    source_oid         oid NOT NULL,
    source_schema      text NOT NULL,
    source_table       text NOT NULL,
    destination_schema text NOT NULL,
    destination_table  text NOT NULL,
    -- the table holds the source's state at this position; commits at or before it are skipped
    snapshot_lsn       pg_lsn NOT NULL,
    -- walferry made the destination table, so teardown may drop it
    made_table         boolean NOT NULL,
    rows               bigint NOT NULL,
    bytes              bigint NOT NULL,
    loaded_at          timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (pipeline, source_oid),
    UNIQUE (destination_schema, destination_table)
);

CREATE TABLE walferry_schemas (
    pipeline text NOT NULL REFERENCES walferry_pipelines ON DELETE CASCADE,
    -- a destination schema that walferry made, so teardown may drop it once empty
    name     text PRIMARY KEY
);
