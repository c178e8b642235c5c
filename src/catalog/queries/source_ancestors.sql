-- The tables above each partition and each child of inheritance, the nearest first.
WITH RECURSIVE above AS (
    SELECT i.inhrelid AS oid, i.inhparent AS ancestor, 1 AS distance
    FROM pg_catalog.pg_inherits AS i
    UNION
    SELECT a.oid, i.inhparent, a.distance + 1
    FROM above AS a
    JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = a.ancestor
)
SELECT a.oid,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name
FROM above AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.ancestor
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
-- indexes of partitions have parents too
WHERE c.relkind IN ('r', 'p')
ORDER BY a.oid, a.distance, n.nspname::pg_catalog.text COLLATE "C", c.relname::pg_catalog.text COLLATE "C"
