-- Tables that are to be loaded again while the others are followed.
ALTER TABLE walferry_tables ADD COLUMN reload boolean NOT NULL DEFAULT false;

-- Counts the requests for that, so that a running daemon notices one with its next checkpoint.
ALTER TABLE walferry_pipelines ADD COLUMN reloads_asked bigint NOT NULL DEFAULT 0;

-- The file of the source table when its columns were last compared; 0 for a partitioned one.
ALTER TABLE walferry_tables ADD COLUMN source_filenode oid;

-- Shapes that a source table has had; the latest is the one that the destination follows.
CREATE TABLE walferry_columns (
    pipeline      text NOT NULL REFERENCES walferry_pipelines ON DELETE CASCADE,
    source_oid    oid NOT NULL,
    shape         integer NOT NULL,
    attnum        smallint NOT NULL,
    name          text NOT NULL,
    type_oid      oid NOT NULL,
    type_modifier integer NOT NULL,
    -- xmin of the row of pg_attribute: another one after any ALTER of the column
    row_version   text NOT NULL,
    PRIMARY KEY (pipeline, source_oid, shape, attnum)
);
