-- Types of the source that have a copy in the destination.

CREATE TABLE walferry_types (
    pipeline           text NOT NULL REFERENCES walferry_pipelines ON DELETE CASCADE,
    source_oid         oid NOT NULL,
    destination_schema text NOT NULL,
    destination_type   text NOT NULL,
    -- walferry made the type, so teardown may drop it
    made_type          boolean NOT NULL,
    -- labels of an enum by pg_enum.oid, attributes of a composite by attnum: as the source had them
    -- when both types were last the same, so that a rename is told from a new one
    member_ids         oid[] NOT NULL,
    members            text[] NOT NULL,
    PRIMARY KEY (pipeline, destination_schema, destination_type)
);
