-- The columns of every permanent table outside the system schemas, for servers from 12 on.
SELECT a.attrelid AS oid,
       a.attnum,
       a.attname::pg_catalog.text AS name,
       a.atttypid AS type_oid,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name,
       t.typnamespace = b.oid AND COALESCE(e.typnamespace = b.oid, true) AS type_is_builtin,
       a.attnotnull AS not_null,
       a.atttypmod AS type_modifier,
       CASE WHEN a.attgenerated <> '' THEN (
           SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid)
             FROM pg_catalog.pg_attrdef AS d
            WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
       ) END AS generated,
       a.attidentity AS identity,
       COALESCE(pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'), false) AS selectable
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_namespace AS b ON b.nspname = 'pg_catalog'
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type AS e ON t.typcategory = 'A' AND e.oid = t.typelem
WHERE c.relkind IN ('r', 'p')
  AND c.relpersistence = 'p'
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY a.attrelid, a.attnum
