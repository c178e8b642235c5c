-- The columns of every permanent table outside the system schemas with what tells that they
-- changed, for servers before 11. A table without columns has one row without a column.
SELECT c.oid,
       -- 0 for a partitioned table, which has no file
       c.relfilenode AS filenode,
       c.reltoastrelid AS toast,
       -- the constraint, which stays when its index is built anew
       COALESCE(k.oid, 0::pg_catalog.oid) AS key,
       a.attnum,
       a.attname::pg_catalog.text AS name,
       a.atttypid AS type_oid,
       a.atttypmod AS type_modifier,
       a.xmin::pg_catalog.text AS row_version,
       NULL::pg_catalog.oid AS expression,
       NULL::pg_catalog.text AS missing
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'p'
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p')
  AND c.relpersistence = 'p'
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY c.oid, a.attnum
