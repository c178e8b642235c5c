-- The name of the table $2, if any of the publications $1 sends it: once more than as a part of a
-- partitioned table that is sent as one.
WITH RECURSIVE above AS (
    SELECT c.oid, c.relispartition FROM pg_catalog.pg_class AS c WHERE c.oid = $2::pg_catalog.oid
    UNION ALL
    SELECT c.oid, c.relispartition
    FROM above AS a
    JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = a.oid
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhparent
    WHERE a.relispartition
), sent AS (
    SELECT a.oid
    FROM above AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_publication_tables AS t
      ON t.schemaname = n.nspname AND t.tablename = c.relname
    WHERE t.pubname = ANY ($1::pg_catalog.text[])
)
SELECT n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = $2::pg_catalog.oid
  AND c.relkind IN ('r', 'p')
  AND c.relpersistence = 'p'
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
  AND EXISTS (SELECT FROM sent WHERE sent.oid = c.oid)
  AND NOT EXISTS (SELECT FROM sent WHERE sent.oid <> c.oid)
