-- Columns of loaded tables that are not copied as they are, and how they were loaded.

CREATE TABLE walferry_protected_columns (
    pipeline      text NOT NULL REFERENCES walferry_pipelines ON DELETE CASCADE,
    source_oid    oid NOT NULL,
    attnum        smallint NOT NULL,
    -- the names that a pattern matched: a column that is renamed stays protected by them
    source_schema text NOT NULL,
    source_table  text NOT NULL,
    source_column text NOT NULL,
    -- exclude, mask, mask=value, or hash: with a fingerprint of the salt
    treatment     text NOT NULL,
    PRIMARY KEY (pipeline, source_oid, attnum)
);
