-- How the source sent a table when it was last looked at: what changes there sends no message.

-- The TOAST table: another one after an ALTER that rewrote the rows, the same after VACUUM FULL.
ALTER TABLE walferry_tables ADD COLUMN source_toast oid;

-- Why the publications send it; NULL when nobody has looked yet.
ALTER TABLE walferry_tables ADD COLUMN sent text[];

-- The partitions of a table that is sent as one: their oids, files, and when they became partitions.
ALTER TABLE walferry_tables ADD COLUMN member_oids oid[] NOT NULL DEFAULT '{}';
ALTER TABLE walferry_tables ADD COLUMN member_files oid[] NOT NULL DEFAULT '{}';
ALTER TABLE walferry_tables ADD COLUMN member_joins text[] NOT NULL DEFAULT '{}';

-- Tables that the pipeline goes on without, after an error of their own.
CREATE TABLE walferry_quarantined (
    pipeline      text NOT NULL REFERENCES walferry_pipelines ON DELETE CASCADE,
    source_oid    oid NOT NULL,
    source_schema text NOT NULL,
    source_table  text NOT NULL,
    -- as it was logged
    error         text NOT NULL,
    since         timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (pipeline, source_oid)
);
