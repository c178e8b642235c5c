-- Partitions that have sent rows and that no look at the source has found yet: written down with those
-- rows, and forgotten once a look says what became of them.
CREATE TABLE walferry_new_partitions (
    pipeline      text NOT NULL REFERENCES walferry_pipelines ON DELETE CASCADE,
    -- the table that they are sent as a part of
    source_oid    oid NOT NULL,
    partition_oid oid NOT NULL,
    PRIMARY KEY (pipeline, source_oid, partition_oid)
);
