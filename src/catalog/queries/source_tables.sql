-- Every permanent table outside the system schemas. A partitioned table has the size and the
-- rows of all its leaves.
WITH RECURSIVE tree AS (
    SELECT c.oid AS root, c.oid AS member, c.relkind
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'p')
    UNION ALL
    SELECT t.root, c.oid, c.relkind
    FROM tree AS t
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.member
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
    WHERE t.relkind = 'p'
), leaf_size AS (
    SELECT t.root,
           pg_catalog.sum(pg_catalog.pg_table_size(c.oid))::pg_catalog.int8 AS bytes,
           -- never analysed: -1 since 14, before that 0 with no pages
           pg_catalog.sum(c.reltuples::pg_catalog.float8) FILTER (
               WHERE c.reltuples > 0 OR c.reltuples = 0 AND c.relpages > 0
           )::pg_catalog.int8 AS rows_estimate
    FROM tree AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.member
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    GROUP BY t.root
)
SELECT c.oid,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name,
       c.relkind = 'p' AS partitioned,
       -- 0: not a partition
       COALESCE(i.inhparent, 0::pg_catalog.oid) AS parent,
       c.relreplident AS identity,
       COALESCE(s.bytes, 0) AS bytes,
       s.rows_estimate,
       COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false) AS schema_usable,
       COALESCE(pg_catalog.row_security_active(c.oid), false) AS row_security,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_inherits AS i ON c.relispartition AND i.inhrelid = c.oid
LEFT JOIN leaf_size AS s ON s.root = c.oid
WHERE c.relkind IN ('r', 'p')
  AND c.relpersistence = 'p'
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY n.nspname::pg_catalog.text COLLATE "C", c.relname::pg_catalog.text COLLATE "C"
